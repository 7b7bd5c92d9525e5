"""The law of weight sharing: a path's output is the extracted standalone model's, over layer types and zoo spaces.

    python benchmarks/supernet_law.py [--seeds 1] [--paths 50] [--quick] [--json]

For each kind of layer and each space of the zoo: a supernet, a few steps of training, then random paths in float32,
with their statistics of normalisation re-estimated. What is printed is the largest difference between a path's output
and its extracted model's, relative to the largest output. The bar: 1e-5.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from typing import Any

import numpy as np
import torch

from netwright import Space
from netwright.core.registry import spaces
from netwright.models.example import example_inputs
from netwright.oneshot.supernet import Supernet
from netwright.testing.layer_spaces import layer_spaces
from netwright.testing.supernet_contract import largest_difference

BAR = 1e-5
N_OUTPUTS = 5
# Small versions of the zoo's spaces: the law doesn't depend on how large they are.
SMALL: dict[str, dict[str, Any]] = {
    "nb101": {"channels": 8, "n_cells": 1, "input_shape": (3, 16, 16)},
    "nb201": {"channels": 8, "n_cells": 2, "input_shape": (3, 16, 16)},
    "darts": {"channels": 8, "n_cells": 3, "input_shape": (3, 16, 16)},
    "nasnet": {"channels": 8, "n_normal": 1, "input_shape": (3, 16, 16)},
}


def zoo() -> dict[str, tuple[Space, tuple[int, ...]]]:
    """All registered spaces, small."""
    found = {}
    for name in spaces:
        takes = inspect.signature(spaces[name]).parameters
        options = {key: value for key, value in SMALL.get(name, {}).items() if key in takes}
        shape = options.get("input_shape", takes["input_shape"].default)
        found[name] = (spaces[name](**options), tuple(shape))
    return found


def worst(space: Space, shape: tuple[int, ...], n_paths: int, seed: int) -> dict[str, float]:
    """The largest relative difference over random paths, and how many there were."""
    supernet = Supernet(space, input_shape=shape, n_outputs=N_OUTPUTS, seed=seed)
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    example = supernet.path(space.default()).module
    x = example_inputs(example, shape, 4, generator=generator)
    optimizer = torch.optim.SGD(supernet.parameters(), lr=1e-3)
    for _ in range(5):
        optimizer.zero_grad()
        supernet.path(space.sample(rng))(x).square().mean().backward()
        torch.nn.utils.clip_grad_norm_(supernet.parameters(), 1.0)
        optimizer.step()
    differences = [largest_difference(supernet, space.sample(rng), x) for _ in range(n_paths)]
    return {"worst": max(differences), "paths": len(differences)}


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=1, help="supernets of each space")
    parser.add_argument("--paths", type=int, default=50, help="random paths of each supernet")
    parser.add_argument("--quick", action="store_true", help="three paths of each: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    n_paths = 3 if options.quick else options.paths
    found: dict[str, dict[str, float]] = {}
    print(f"{'':28}{'paths':>7}{'largest difference':>21}")
    for name, (space, shape) in {**layer_spaces(), **zoo()}.items():
        tries = [worst(space, shape, n_paths, seed) for seed in range(1 if options.quick else options.seeds)]
        found[name] = {
            "worst": max(one["worst"] for one in tries),
            "paths": sum(one["paths"] for one in tries),
        }
        print(f"{name:<28}{found[name]['paths']:>7}{found[name]['worst']:>21.1e}", flush=True)
    largest = max(one["worst"] for one in found.values())
    met = largest <= BAR
    print(f"the bar of {BAR:g} is {'met' if met else 'not met'} by {len(found)} spaces: {largest:.1e}")
    if options.json:
        print(json.dumps({"spaces": found, "largest": largest, "bar": BAR, "met": met}))
    if not met:
        sys.exit(1)


if __name__ == "__main__":
    main()
