"""Accuracy against parameters out of one elastic supernet, against random search with standalone training.

    python benchmarks/elastic_front.py [--folder elastic_front] [--minutes 25] [--seeds 1] [--quick] [--json]

Fashion-MNIST. A residual network with elastic widths, kernels, expansions and depths is trained once: one random path
in each step (`uniform`), or, as Once-for-all and BigNAS do, the largest first and then step by step smaller ones
(`shrinking`), or the largest, the smallest and random ones in each step, where the largest teaches (`sandwich`). Then
2,000 of its paths are scored on the validation part, by NSGA-II, and the front is measured on the official test images
with the weights that it has: nothing is trained again.

Random search gets the same time in all, the scoring of the 2,000 paths included: random arches of the same space, each
trained for itself for so many epochs and scored on the same validation part; its front is measured on the same test
images. It is tried with 3 and with 10 epochs an arch, each in all of the time.

The hypervolume is the area under a front of test accuracy (above 0.80) over the logarithm of parameters (below those of
the largest network). The bars: the supernet's above both of random search, at least 8 points on its front, its training
within 30 minutes. What is known is kept in a folder: the same command goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from netwright import Space, choice, layers, n_outputs, nn, repeat
from netwright.core import Arch, Candidate, Context
from netwright.core.registry import tasks
from netwright.evaluators import Fitting, ModelCost, TrainingPlan, fit, score
from netwright.evaluators.training import cached_examples
from netwright.models import build
from netwright.oneshot.evaluator import SupernetEvaluator
from netwright.oneshot.extremes import extreme
from netwright.oneshot.samplers import ProgressiveShrinking, Sandwich, Uniform
from netwright.oneshot.selecting import explore
from netwright.oneshot.shared_fitting import SharedFitting
from netwright.oneshot.shared_training import fit_shared
from netwright.oneshot.supernet import Supernet
from netwright.tasks import Task

LEAST_ACCURACY, MINUTES, POINTS = 0.80, 30.0, 8
SAMPLERS = {"uniform": Uniform(), "sandwich": Sandwich(n_random=2), "shrinking": ProgressiveShrinking(n_paths=2)}


@dataclass(frozen=True)
class Scale:
    """How large all of it is."""

    evaluations: int = 2_000
    n_score: int = 2_000  # validation examples for a path
    n_calibration: int = 512  # train examples for its statistics
    epochs_alone: tuple[int, ...] = (3, 10)
    widths: tuple[tuple[int, ...], ...] = ((8, 12, 16), (16, 24, 32), (32, 48, 64))
    deepest: int = 2


QUICK = Scale(20, 200, 100, (1,), ((4, 8), (4, 8), (8, 12)), 1)


def elastic(scale: Scale) -> Space:
    """A residual network whose every number is elastic."""

    def block(stage: int) -> Any:
        def make(i: int) -> Any:
            return layers.ResidualBlock(
                choice(list(scale.widths[stage]), label=f"width{stage}"),
                kernel_size=choice([3, 5], label=f"kernel{stage}.{i}"),
                expansion=choice([0.5, 1.0], label=f"expansion{stage}.{i}"),
            )

        return make

    def stage(number: int, stride: int) -> list[Any]:
        width = choice(list(scale.widths[number]), label=f"width{number}")
        down = [nn.LazyConv2d(width, 3, stride=stride, padding=1, bias=False), nn.LazyBatchNorm2d(), nn.ReLU()]
        return [*down, repeat(block(number), 0, scale.deepest, label=f"depth{number}")]

    body = [*stage(0, 2), *stage(1, 1), *stage(2, 2)]
    return Space(nn.Sequential(*body, layers.GlobalAveragePool(), nn.LazyLinear(n_outputs)), name="elastic")


def trained(space: Space, task: Task, plan: TrainingPlan, options: argparse.Namespace, seed: int) -> SharedFitting:
    """The supernet after its training, which goes on from its checkpoint."""
    costs = ModelCost(space, task.input_shape, task.n_outputs)
    supernet = Supernet(space, input_shape=task.input_shape, n_outputs=task.n_outputs, seed=seed)
    fitting = SharedFitting.begin(supernet, SAMPLERS[options.sampler].begin(space, costs), plan, seed=seed)
    file, key = options.folder / f"supernet-{seed}.ckpt", f"{plan} {options.sampler} {options.minutes}"
    if not fitting.go_on_from(file, key=key):
        parts = [cached_examples(task, part, "cpu", channels_last=True) for part in (task.train, task.validation)]
        fit_shared(
            fitting, *parts, task, plan, allotted=60 * options.minutes, on_epoch=lambda f: f.save(file, key=key)
        )  # fmt: skip
        fitting.save(file, key=key, finished=True)
    fitting.supernet.eval()
    return fitting


def supernet_front(
    space: Space, task: Task, plan: TrainingPlan, scale: Scale, options: argparse.Namespace, seed: int
) -> dict[str, Any]:
    """The front of a supernet: parameters and test accuracy of each of its arches, and what it took."""
    fitting = trained(space, task, plan, options, seed)
    start = time.perf_counter()
    evaluator = SupernetEvaluator(fitting.supernet, task, plan, scale.n_calibration, scale.n_score)
    history = explore(evaluator, budget=f"{scale.evaluations} candidates", seed=seed)
    exploring = time.perf_counter() - start
    testing = replace(evaluator, task=replace(task, validation=task.test), validation=None)
    points = [
        (record.metrics["params"], testing(Candidate(0, record.arch), Context())["accuracy"])
        for record in history.pareto()
    ]
    return {
        "training_seconds": fitting.seconds,
        "exploring_seconds": exploring,
        "epochs": fitting.epochs_done,
        "evaluations": len(history),
        "points": sorted(points),
    }


def alone(space: Space, arch: Arch, task: Task, epochs: int, seed: int) -> tuple[float, float]:
    """Validation and test accuracy of a network that is trained for itself."""
    plan = TrainingPlan.for_task(task, epochs=epochs)
    model = build(space, arch, input_shape=task.input_shape, n_outputs=task.n_outputs, seed=seed)
    model = model.to(memory_format=torch.channels_last)
    fit(Fitting.begin(model, plan, seed=seed), cached_examples(task, task.train, "cpu", channels_last=True), task, plan)
    validation = cached_examples(task, task.validation, "cpu", channels_last=True)
    found = score(model, validation, task, task.validation)["accuracy"]
    test = cached_examples(task, task.test, "cpu", channels_last=True)
    return found, score(model, test, task, task.test)["accuracy"]


def random_front(space: Space, task: Task, epochs: int, seconds: float, seed: int, folder: Path) -> dict[str, Any]:
    """The front of random arches that are trained alone, in so many seconds."""
    costs = ModelCost(space, task.input_shape, task.n_outputs)
    rng, file = np.random.default_rng((seed, epochs)), folder / f"random-{epochs}-{seed}.jsonl"
    known = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    seen: set[Arch] = set()
    spent, found = 0.0, []
    while spent < seconds:
        arch = space.sample(rng)
        if arch in seen:
            continue
        seen.add(arch)
        if len(found) < len(known):
            found.append(known[len(found)])
        else:
            start = time.perf_counter()
            validation, test = alone(space, arch, task, epochs, seed)
            took = time.perf_counter() - start
            found.append({"params": costs(arch)["params"], "validation": validation, "test": test, "seconds": took})
            with file.open("a", encoding="utf-8") as journal:
                journal.write(json.dumps(found[-1]) + "\n")
        spent += found[-1]["seconds"]
    within = found if spent <= seconds or len(found) == 1 else found[:-1]  # the last one came too late
    front, best = [], -1.0
    for one in sorted(within, key=lambda one: (one["params"], -one["validation"])):
        if one["validation"] > best:
            best = one["validation"]
            front.append((one["params"], one["test"]))
    return {"candidates": len(within), "seconds": spent, "points": front}


def hypervolume(points: list[tuple[float, float]], most_params: float) -> float:
    """The area that a front dominates: accuracy above the least, by tens of parameters below the most."""
    area, best = 0.0, LEAST_ACCURACY
    for params, accuracy in sorted(points):
        if accuracy > best and params < most_params:
            area += (accuracy - best) * math.log10(most_params / params)
            best = accuracy
    return area


def measure(space: Space, task: Task, scale: Scale, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """All fronts of one seed."""
    plan = TrainingPlan.for_task(task, epochs=10_000, lr=options.lr, clip=5.0)
    costs = ModelCost(space, task.input_shape, task.n_outputs)
    most = costs(extreme(space, costs, largest=True))["params"]
    ours = supernet_front(space, task, plan, scale, options, seed)
    seconds = ours["training_seconds"] + ours["exploring_seconds"]
    found = {"supernet": ours}
    for epochs in scale.epochs_alone:
        found[f"random, {epochs} epochs"] = random_front(space, task, epochs, seconds, seed, options.folder)
    for name, one in found.items():
        one["hypervolume"] = hypervolume(one["points"], most)
        best = max(accuracy for _, accuracy in one["points"])
        looked = one.get("evaluations", one.get("candidates"))
        print(
            f"seed {seed}: {name:<20}{looked:>7} arches{len(one['points']):>5} points   best {best:.4f}   "
            f"hypervolume {one['hypervolume']:.4f}",
            flush=True,
        )
    return found


def main() -> None:
    """Measure, or go on; print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path("elastic_front"), help="keeps checkpoints and records")
    parser.add_argument("--minutes", type=float, default=25.0, help="of the supernet's training")
    parser.add_argument("--seeds", type=int, default=1, help="of all of it")
    parser.add_argument("--evaluations", type=int, help="of paths, after the training")
    parser.add_argument("--sampler", choices=list(SAMPLERS), default="uniform", help="which paths are trained")
    parser.add_argument("--lr", type=float, default=0.3, help="of the supernet")
    parser.add_argument("--quick", action="store_true", help="tiny: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    scale = QUICK if options.quick else Scale()
    scale = replace(scale, evaluations=options.evaluations or scale.evaluations)
    if options.quick:
        options.folder, options.minutes = Path(tempfile.mkdtemp()), 0.05
    options.folder.mkdir(parents=True, exist_ok=True)
    task = (tasks["stripes"] if options.quick else tasks["fashion_mnist"])()
    space = elastic(scale)
    print(f"{space.size():.3g} arches")
    runs = [measure(space, task, scale, options, seed) for seed in range(options.seeds)]
    volumes = {name: float(np.mean([run[name]["hypervolume"] for run in runs])) for name in runs[0]}
    points = min(len(run["supernet"]["points"]) for run in runs)
    training = max(run["supernet"]["training_seconds"] for run in runs)
    others = max(volume for name, volume in volumes.items() if name != "supernet")
    found = {
        "seeds": options.seeds,
        "arches": space.size(),
        "hypervolumes": volumes,
        "ratio": volumes["supernet"] / max(others, 1e-9),
        "points": points,
        "training_seconds": training,
        "met": volumes["supernet"] > others and points >= POINTS and training <= 60 * MINUTES,
        "runs": runs,
    }
    print(f"hypervolume: {', '.join(f'{name} {volume:.4f}' for name, volume in volumes.items())}; {points} points")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
