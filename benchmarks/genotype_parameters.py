"""Published cells, built: their numbers of parameters against those that the papers state.

    python benchmarks/genotype_parameters.py [--seeds 1] [--quick] [--json]

Each genotype as DARTS stacks it: 36 channels and 20 cells for CIFAR-10, 48 and 14 for ImageNet. Counting needs no
weights and draws nothing, so that seeds change nothing and `--quick` is the whole of it. A paper's number agrees where
it is ours in its own rounding. Those that don't are explained in docs/guides/cell-spaces.md.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from netwright import Arch, Space
from netwright.models import n_parameters
from netwright.spaces.published import PUBLISHED, PUBLISHED_RECURRENT
from netwright.spaces.zoo.enas_recurrent import arch_of, darts_recurrent
from netwright.spaces.zoo.nasnet import nasnet_a
from netwright.spaces.zoo.stacked_cells import network_of

CIFAR, IMAGENET = (3, 32, 32), (3, 224, 224)


def counted(
    space: Space, arch: Arch, shape: tuple[int, ...], n_outputs: int | None, published_millions: float | None
) -> dict[str, Any]:
    """An arch's number of parameters beside the published one."""
    model = space.build(arch, input_shape=shape, n_outputs=n_outputs, device="meta")
    found = n_parameters(model)
    agrees = None
    if published_millions is not None:
        agrees = round(found / 1e6, 0 if isinstance(published_millions, int) else 1) == published_millions
    return {"parameters": found, "published_millions": published_millions, "agrees": agrees}


def alone(space: Space, shape: tuple[int, ...], n_outputs: int, published_millions: float | None) -> dict[str, Any]:
    """The same for a space of one arch."""
    return counted(space, space.default(), shape, n_outputs, published_millions)


def images() -> dict[str, dict[str, Any]]:
    """The cells for images, on CIFAR-10 and on ImageNet."""
    rows = {}
    for name, one in PUBLISHED.items():
        small = network_of(one.genotype)
        rows[f"{name}, CIFAR-10"] = alone(small, CIFAR, 10, one.cifar_millions)
        large = network_of(one.genotype, channels=48, n_cells=14, input_shape=IMAGENET)
        rows[f"{name}, ImageNet"] = alone(large, IMAGENET, 1000, one.imagenet_millions)
    rows["NASNet-A 6 @ 768, CIFAR-10"] = alone(nasnet_a(), CIFAR, 10, 3.3)
    mobile = nasnet_a(channels=44, n_normal=4, input_shape=IMAGENET)
    rows["NASNet-A 4 @ 1056, ImageNet"] = alone(mobile, IMAGENET, 1000, 5.3)
    return rows


def sequences() -> dict[str, dict[str, Any]]:
    """The recurrent cells of DARTS, for the Penn Treebank."""
    space = darts_recurrent(input_shape=(35,), vocabulary=10_000, size=850, outputs="every", tied=True)
    return {
        f"{name}, recurrent": counted(space, arch_of(PUBLISHED_RECURRENT[name]), (35,), None, 23)
        for name in ("DARTS_V1", "DARTS_V2")
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=1, help="nothing is drawn: they change nothing")
    parser.add_argument("--quick", action="store_true", help="the same: it takes seconds")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    options = parser.parse_args()
    rows = {**images(), **sequences()}
    print("| cell | parameters | published |\n|---|---|---|")
    for name, one in rows.items():
        published = "" if one["published_millions"] is None else f"{one['published_millions']} M"
        note = "" if one["agrees"] in (True, None) else " (!)"
        print(f"| {name} | {one['parameters']:,} | {published}{note} |")
    judged = [one["agrees"] for one in rows.values() if one["agrees"] is not None]
    print(f"\n{sum(judged)} of {len(judged)} agree with the published numbers.")
    if options.json:
        print(json.dumps({"cells": rows, "agree": sum(judged), "published": len(judged)}))


if __name__ == "__main__":
    main()
