"""DARTS at toy scale: find two cells on the digits by gradients, take their text, and use them in a larger network.

python examples/search_cells.py     (three minutes)
"""

import netwright
from netwright.models import n_parameters
from netwright.spaces.zoo.darts import arch_of, darts, genotype_of

image = (1, 8, 8)
small = darts(channels=8, n_cells=3, input_shape=image)
print(f"{small.size():.1e} pairs of cells")

# The options of all edges are mixed at first; what the mixture has learned to weigh most is trained on its own.
result = netwright.search(small, "digits", method="darts", budget="150s", seed=0, out="cells")
print(result.summary())

genotype = genotype_of(result.best.arch)
print(genotype)  # as papers publish cells: other people's code reads it

large = darts(channels=16, n_cells=6, input_shape=image)  # the same decisions, in a larger network
model = large.build(arch_of(str(genotype)), input_shape=image, n_outputs=10)
print(f"{n_parameters(model):,} parameters with twice the channels and cells")
