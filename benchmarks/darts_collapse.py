"""DARTS drifts to skip connections, and what keeps others from it: NAS-Bench-201's space, Fashion-MNIST.

    python benchmarks/darts_collapse.py [--seeds 5] [--epochs 40] [--images 10000] [--journal FILE] [--quick] [--json]

A small network of the NAS-Bench-201 space (a stem of stride two, a cell at 16 and one at 32 channels that share their
choices: all 15,625 cells) is searched on 10,000 images of Fashion-MNIST by each method, for as many epochs, with
several seeds. What it derives, and random cells, are trained alone on the same images, and measured on the official
10,000 test images. DARTS drifts to operations without weights: first to pooling, which learns nothing either, then to
skip connections. The bars: it ends below the median random cell, or with such operations on four of six edges and more,
skip connections among them; a method that answers that, stopped early or not, is above the median random cell on
average.

What is known is kept in the journal, each line as soon as it is: the same command goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from netwright import Space, n_outputs, nn
from netwright.core import Arch
from netwright.core.registry import methods
from netwright.evaluators import Fitting, TrainingPlan, fit, score
from netwright.evaluators.examples_in_memory import in_memory
from netwright.oneshot.bilevel import bilevel
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.relaxation.searching import RelaxedSearch
from netwright.oneshot.relaxed import Relaxed
from netwright.oneshot.stopping import SharpLoss
from netwright.oneshot.supernet import Supernet
from netwright.spaces.language import cell
from netwright.spaces.mirror import layers
from netwright.spaces.zoo.nb201 import canonical
from netwright.tasks import Task, load

SKIP = "skip_connect"
FREE = (SKIP, "avg_pool_3x3")  # operations without weights
PLAIN = "darts"
EARLY = "darts, stopped early"
SHOWN = (PLAIN, EARLY, "pc_darts", "drnas", "beta_darts")
ANSWERS = SHOWN[1:]


@dataclass(frozen=True)
class Scale:
    """How large everything is."""

    train: int = 10_000
    epochs: int = 40
    alone: int = 12
    random: int = 24


QUICK = Scale(train=400, epochs=2, alone=1, random=3)


def space(channels: int = 1) -> Space:
    """All cells of NAS-Bench-201 in a small network."""

    def options(width: int) -> dict[str, Any]:
        return {
            "none": None,
            SKIP: nn.Identity(),
            "nor_conv_1x1": layers.ReLUConvNorm(width, width, 1),
            "nor_conv_3x3": layers.ReLUConvNorm(width, width, 3),
            "avg_pool_3x3": nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
        }

    parts = [
        nn.Conv2d(channels, 16, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(16),
        cell(options(16), 4, label="cell"),
    ]
    parts += [layers.NB201Reduction(16, 32), cell(options(32), 4, label="cell")]
    head = [nn.BatchNorm2d(32), nn.ReLU(), layers.GlobalAveragePool(), nn.Linear(32, n_outputs)]
    return Space(nn.Sequential(*parts, *head), name="small-nb201", canonical=canonical)


def relaxation_of(name: str) -> Relaxation:
    """What a method is, by its name here."""
    if name == EARLY:
        return methods["darts"](space(), stopping=SharpLoss()).prepare.relaxation
    return methods[name](space()).prepare.relaxation


def searched(name: str, task: Task, scale: Scale, seed: int) -> dict[str, Any]:
    """One search: the derived arch of the last epoch, and the skip connections of all."""
    relaxation = relaxation_of(name)
    supernet = Supernet(space(), input_shape=task.input_shape, n_outputs=task.n_outputs, seed=seed)
    relaxed = Relaxed(
        supernet, sampler=relaxation.sampler, edges=relaxation.edges, partial=relaxation.partial, seed=seed
    )
    plan = TrainingPlan(epochs=scale.epochs, batch_size=64, lr=0.025, weight_decay=3e-4, schedule="cosine", clip=5.0)
    search = RelaxedSearch.begin(relaxed, relaxation, plan, seed=seed)
    start = time.perf_counter()
    epochs = list(bilevel(search, in_memory(task, task.train), task))
    return {
        "arch": dict(epochs[-1].arch),
        "skips": [sum(epoch.skips.values()) for epoch in epochs],
        "weights": {name: dict(weights) for name, weights in epochs[-1].weights.items()},
        "stopped": epochs[-1].stopped,
        "epochs": len(epochs),
        "seconds": time.perf_counter() - start,
    }


def alone(arch: Arch, task: Task, scale: Scale, seed: int) -> dict[str, Any]:
    """The test accuracy of an arch's own network."""
    train, test = in_memory(task, task.train), in_memory(task, task.test)
    plan = replace(TrainingPlan.for_task(task), epochs=scale.alone, lr=0.1)
    model = space().build(arch, input_shape=task.input_shape, n_outputs=task.n_outputs, seed=seed)
    model.to(memory_format=torch.channels_last)
    fit(Fitting.begin(model, plan, seed=seed), train, task, plan)
    return {"accuracy": score(model, test, task, task.test)["accuracy"]}


class Journal:
    """Results by key, as lines of JSON."""

    def __init__(self, path: str | None) -> None:
        self.path = None if path is None else Path(path)
        self.known: dict[str, Any] = {}
        if self.path is not None and self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                if line.endswith("}"):  # else it was being written when the process was ended
                    entry = json.loads(line)
                    self.known[entry["key"]] = entry["value"]

    def __call__(self, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What is known by this key, or is now."""
        if key not in self.known:
            self.known[key] = make()
            print(f"  {key}: {_short(self.known[key])}", flush=True)
            if self.path is not None:
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"key": key, "value": self.known[key]}) + "\n")
        return self.known[key]


def _short(value: dict[str, Any]) -> str:
    said = {name: v for name, v in value.items() if name not in ("weights", "skips")}
    return ", ".join(f"{name} {v:.4g}" if isinstance(v, float) else f"{name} {v}" for name, v in said.items())


def measure(seeds: int, scale: Scale, journal: Journal) -> dict[str, Any]:
    """All searches and trainings, and what came of them."""
    task = load("fashion-mnist").subset(scale.train)
    where = f"{scale}"

    def accuracy(arch: Arch, seed: int) -> float:
        key = f"alone {arch.digest} {seed} {where}"
        return float(journal(key, lambda: alone(arch, task, scale, seed))["accuracy"])

    rng = np.random.default_rng(0)
    random = [accuracy(space().sample(rng), 0) for _ in range(scale.random)]
    found: dict[str, Any] = {
        "seeds": seeds,
        "random_median": statistics.median(random),
        "random": random,
        "methods": {},
    }
    for name in SHOWN:
        runs = []
        for seed in range(seeds):
            run = journal(f"search {name} {seed} {where}", lambda n=name, s=seed: searched(n, task, scale, s))  # type: ignore[misc]
            runs.append({**run, "accuracy": accuracy(Arch(run["arch"]), seed)})
        found["methods"][name] = {
            "accuracy": statistics.mean(run["accuracy"] for run in runs),
            "worst": min(run["accuracy"] for run in runs),
            "skips": statistics.mean(run["skips"][-1] for run in runs),
            "free": statistics.mean(sum(value in FREE for value in run["arch"].values()) for run in runs),
            "epochs": statistics.mean(run["epochs"] for run in runs),
            "arches": [run["arch"] for run in runs],
            "seconds": statistics.mean(run["seconds"] for run in runs),
        }
    plain = found["methods"][PLAIN]
    better = {name: found["methods"][name]["accuracy"] for name in ANSWERS}
    found["collapsed"] = plain["accuracy"] < found["random_median"] or (plain["free"] >= 4 and plain["skips"] >= 1)
    found["recovered"] = [name for name, value in better.items() if value > found["random_median"]]
    found["met"] = found["collapsed"] and bool(found["recovered"])
    return found


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, help="searches of each method")
    parser.add_argument("--epochs", type=int, default=Scale.epochs, help="of each search")
    parser.add_argument("--images", type=int, default=Scale.train)
    parser.add_argument("--journal", help="a file that keeps what is known: it is not run again")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="one seed, few images, two epochs")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    scale = QUICK if given.quick else Scale(train=given.images, epochs=given.epochs)
    found = measure(1 if given.quick else given.seeds, scale, Journal(given.journal))
    titles = f"{'test accuracy':>14}{'worst':>9}{'no weights':>12}{'skips of 6':>12}{'epochs':>8}"
    print(f"{'':<24}{titles}   (mean of {found['seeds']} seeds)")
    for name, row in found["methods"].items():
        print(
            f"{name:<24}{row['accuracy']:>14.2%}{row['worst']:>9.2%}{row['free']:>12.1f}{row['skips']:>12.1f}{row['epochs']:>8.0f}"
        )
    print(f"{'median random cell':<24}{found['random_median']:>14.2%}")
    print(f"collapsed: {found['collapsed']}; above the median random cell: {', '.join(found['recovered']) or 'none'}")
    if given.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
