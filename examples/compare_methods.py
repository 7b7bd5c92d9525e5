"""Which method finds a good arch with few evaluations? Some on one made-up landscape, ten seeds each. Half a minute.

python examples/compare_methods.py

What an honest comparison has: the same budget for all, random search among them, several seeds, and the spread.
`netwright bench` does it for all methods, on tables of trained networks.
"""

import statistics

import netwright
from netwright import Space, choice, integer

BUDGET, SEEDS = "150 candidates", 10
METHODS = ("auto", "random", "grid", "local_search", "simulated_annealing", "regularized_evolution", "genetic")
GOOD = {"relu": 0.2, "gelu": 0.05, "silu": 0.0}

space = Space(
    {
        "depth": integer(1, 12),
        "width": integer(8, 128, step=8),
        "kernel": choice([1, 3, 5, 7]),
        "activation": choice(list(GOOD)),
        "skip": choice([True, False]),
    }
)


def error(arch):
    """Best at ten layers with skips, worse where depth has no skips to carry it."""
    depth = abs(arch["depth"] - (10 if arch["skip"] else 4)) / 12
    width = abs(arch["width"] - 96) / 128
    kernel = abs(arch["kernel"] - 5) / 7
    return depth + width + kernel + GOOD[arch["activation"]] + (0.0 if arch["skip"] else 0.3)


print(f"{space.size():,} arches, {BUDGET}, {SEEDS} seeds\n")
print(f"{'method':<24}{'median':>8}{'least':>8}{'most':>8}")
for method in METHODS:
    found = [
        netwright.search(space, error, method=method, budget=BUDGET, seed=seed).best.record.loss
        for seed in range(SEEDS)
    ]
    print(f"{method:<24}{statistics.median(found):>8.3f}{min(found):>8.3f}{max(found):>8.3f}")
