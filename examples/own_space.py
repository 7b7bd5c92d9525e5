"""A space of your own: small networks for the digits, with hyperparameters of the training beside them. Two minutes.

python examples/own_space.py
"""

import netwright
from netwright import Space, choice, layers, n_outputs, nn, real, repeat

width = choice([16, 24, 32], label="width")  # one decision for all blocks


def block(i):
    body = nn.Sequential(
        nn.LazyConv2d(width, choice([3, 5], label=f"kernel{i}"), padding="same", bias=False),
        nn.LazyBatchNorm2d(),
        choice([nn.ReLU(), nn.SiLU(), nn.GELU()], label="activation"),
    )
    return choice({"plain": body, "residual": layers.Residual(body)}, label=f"block{i}", default="residual")


space = Space(
    nn.Sequential(
        nn.LazyConv2d(width, 3, padding="same"),
        repeat(block, 1, 4, label="depth"),
        choice({"average": layers.GlobalAveragePool(), "maximum": layers.GlobalMaxPool()}, label="pool"),
        nn.LazyLinear(n_outputs),
    ),
    training={"lr": real(0.01, 0.3, log=True), "weight_decay": real(1e-5, 1e-2, log=True)},
    constraints=lambda arch: arch["depth"] < 4 or arch["width"] < 32,
    name="small residual",
)

print(space.profile(input_shape=(1, 8, 8), n_outputs=10, constraints="params<=20k"))
result = netwright.search(
    space, "digits", budget="90s", objectives=["accuracy", "min:params"], constraints="params<=20k"
)
print(result.summary())
for record in result.pareto:
    print(f"{record.metrics['params']:8,.0f} parameters: {record.metrics['accuracy']:.4f}")
result.export("small.py")
