"""What weight sharing and gradients derive, looked up in NAS-Bench-201: CIFAR-10, beside published values.

    python benchmarks/derived_arches.py [--seeds 3] [--data fashion-mnist] [--journal FILE] [--quick] [--json]

Each method searches NAS-Bench-201's 15,625 cells in a small network (a stem of stride two, a cell at 16 and one at 32
channels) on 10,000 images, for as many epochs. What it ends with is looked up: the benchmark's test accuracy on
CIFAR-10, after 200 epochs of training in its own network. `--data cifar10` searches on the 10,000 CIFAR-10 images of
the shared data in place of Fashion-MNIST; those are the benchmark's test images, so the figures are then a little kind.

Published: ENAS, DARTS and GDAS as in NATS-Bench (Dong et al. 2021, arXiv:2009.00437), PC-DARTS and DrNAS as in DrNAS
(Chen et al. 2021, arXiv:2006.10355); for SPOS there is random search with shared weights (RSPS) in NATS-Bench. Those
searches are on CIFAR-10, in the benchmark's network of 15 cells, for 50 to 250 epochs of 25,000 images.

What is known is kept in the journal, each line as soon as it is: the same command goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from darts_collapse import Journal, space

from netwright.benchmarks.tables import data_folder
from netwright.core import Arch, Candidate, Context
from netwright.core.errors import NetwrightError
from netwright.core.registry import benchmarks, methods
from netwright.evaluators import Training, TrainingPlan
from netwright.loop import Search
from netwright.tasks import Task, load, task_from

METHODS = ("darts", "gdas", "pc_darts", "drnas", "spos", "enas")
PUBLISHED = {
    "darts": "54.30 ± 0.00",
    "gdas": "93.61 ± 0.09",
    "pc_darts": "93.41 ± 0.30",
    "drnas": "94.36 ± 0.00",
    "spos": "84.07 ± 3.61 (RSPS)",
    "enas": "53.89 ± 0.58",
}
CANDIDATES = 300  # paths that a supernet is searched by


def data(name: str, n_train: int) -> Task:
    """The images that are searched on."""
    if name == "cifar10":
        from PIL import Image

        folder = data_folder()
        if folder is None:
            sys.exit("the CIFAR-10 images are looked for in the folder of NETWRIGHT_DATA: set it.")
        with np.load(Path(folder) / "cifar10_jpeg_test.npz") as found:
            offsets, content = found["offsets"], found["data"]
            images = np.stack(
                [
                    np.asarray(Image.open(io.BytesIO(content[a:b].tobytes()))).transpose(2, 0, 1)
                    for a, b in itertools.pairwise(offsets)
                ]
            )
            task = task_from(images, found["labels"].astype(np.int64), seed=0)
    else:
        task = load(name)
    return task.subset(min(n_train, len(task.train)))


def searched(name: str, task: Task, epochs: int, candidates: int, seed: int) -> dict[str, Any]:
    """What a method ends with."""
    channels = task.input_shape[0]
    searched_space = space(channels)
    plan = TrainingPlan(epochs=epochs, batch_size=64, lr=0.05, weight_decay=3e-4, schedule="cosine", flip=task.flip)
    usual = Training(searched_space, task, plan)
    start = time.perf_counter()
    recipe = methods[name](searched_space, epochs=epochs).prepare(usual, Context(seed=seed))
    arches = getattr(recipe.strategy, "arches", ())
    if arches:
        arch = arches[0]
    else:  # a supernet: what it scores best
        search = Search(
            searched_space, recipe.strategy, recipe.evaluator(usual), objectives="max:accuracy",
            budget=f"{candidates} candidates", seed=seed,
        )  # fmt: skip
        arch = search.run().best.arch
    return {"arch": dict(arch), "seconds": time.perf_counter() - start}


def measure(seeds: int, n_train: int, epochs: int, candidates: int, data_name: str, journal: Journal) -> dict[str, Any]:
    """All searches, looked up."""
    task = data(data_name, n_train)
    table = benchmarks["nb201-cifar10"]()
    found: dict[str, Any] = {
        "seeds": seeds,
        "data": data_name,
        "images": len(task.train),
        "epochs": epochs,
        "methods": {},
    }

    def looked_up(arch: Arch) -> float:
        return float(table.evaluator(Candidate(0, arch), Context())["test_accuracy"])

    rng = np.random.default_rng(0)
    random = [looked_up(table.space.sample(rng)) for _ in range(1000)]
    found["random_median"] = statistics.median(random)
    for name in METHODS:
        runs = []
        for seed in range(seeds):
            key = f"{name} {data_name} {len(task.train)} {epochs} {candidates} {seed}"
            run = journal(key, lambda n=name, s=seed: searched(n, task, epochs, candidates, s))  # type: ignore[misc]
            runs.append({**run, "test_accuracy": looked_up(Arch(run["arch"]))})
        accuracies = [run["test_accuracy"] for run in runs]
        found["methods"][name] = {
            "test_accuracy": statistics.mean(accuracies),
            "spread": statistics.stdev(accuracies) if seeds > 1 else 0.0,
            "seconds": statistics.mean(run["seconds"] for run in runs),
            "published": PUBLISHED[name],
            "arches": [run["arch"] for run in runs],
        }
    return found


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="searches of each method")
    parser.add_argument("--data", default="fashion-mnist", choices=["fashion-mnist", "cifar10"])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--journal", help="a file that keeps what is known: it is not run again")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="one seed, few images, an epoch")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    journal = Journal(given.journal)
    try:
        if given.quick:
            found = measure(1, 200, 1, 10, given.data, journal)
        else:
            found = measure(given.seeds, given.images, given.epochs, CANDIDATES, given.data, journal)
    except NetwrightError as error:
        sys.exit(str(error))
    print(f"{'':<14}{'CIFAR-10 test':>15}{'± seeds':>9}{'published':>24}{'search s':>10}")
    for name, row in found["methods"].items():
        print(
            f"{name:<14}{row['test_accuracy']:>15.2f}{row['spread']:>9.2f}{row['published']:>24}{row['seconds']:>10.0f}"
        )
    print(f"{'random median':<14}{found['random_median']:>15.2f}   ({found['images']:,} images of {found['data']}, "
          f"{found['epochs']} epochs, {found['seeds']} seeds)")  # fmt: skip
    if given.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
