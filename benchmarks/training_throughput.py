"""The training evaluator against a plain PyTorch loop: images a second, and accuracy after three epochs.

    python benchmarks/training_throughput.py [--seeds 3] [--epochs 3] [--threads 2] [--quick] [--json]

Both train the same network (three blocks of convolution, normalisation, ReLU and pooling, with 32, 64, 128 filters)
on Fashion-MNIST with the same optimizer, schedule, batch size and number of steps, without augmentation. The plain
loop is what a tutorial writes: `DataLoader`, float32, channels first. The other one is `netwright.evaluators.fit`
as searches use it, in the precision that its own measurement chooses. Their epochs alternate, so that a busy machine
slows both; medians over all epochs are compared. The bars: twice the images a second; accuracy within 0.3 points.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from netwright.core.errors import NetwrightError
from netwright.evaluators import Fitting, TrainingPlan, fit, measure_speed, score
from netwright.evaluators.examples_in_memory import ExamplesInMemory, in_memory
from netwright.evaluators.schedules import lr_share
from netwright.tasks import Task, load

SPEED_BAR = 2.0
ACCURACY_BAR = 0.003


def network(seed: int) -> nn.Module:
    """The network of both loops; the same weights for the same seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        parts: list[nn.Module] = []
        channels = 1
        for width in (32, 64, 128):
            parts += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
            channels = width
        return nn.Sequential(*parts, nn.Flatten(), nn.Linear(128 * 3 * 3, 10))


class PlainLoop:
    """What a tutorial writes."""

    def __init__(self, task: Task, plan: TrainingPlan, seed: int) -> None:
        self.plan = plan
        self.model = network(seed)
        mean, std = float(task.input_mean[0]), float(task.input_std[0])
        images = (torch.from_numpy(task.train.inputs).float() - mean) / std
        data = torch.utils.data.TensorDataset(images, torch.from_numpy(task.train.targets))
        self.loader = torch.utils.data.DataLoader(
            data, plan.batch_size, shuffle=True, drop_last=True, generator=torch.Generator().manual_seed(seed)
        )
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=plan.lr, momentum=plan.momentum, nesterov=True, weight_decay=plan.weight_decay
        )
        self.steps = 0

    def epoch(self) -> int:
        """Train for one epoch; the number of images."""
        self.model.train()
        seen = 0
        for inputs, targets in self.loader:
            progress = self.steps / (self.plan.epochs * len(self.loader))
            for group in self.optimizer.param_groups:
                group["lr"] = self.plan.lr * lr_share(self.plan, progress)
            self.optimizer.zero_grad()
            functional.cross_entropy(self.model(inputs), targets).backward()
            self.optimizer.step()
            self.steps += 1
            seen += len(inputs)
        return seen


class EvaluatorLoop:
    """What a search runs."""

    def __init__(self, task: Task, train: ExamplesInMemory, plan: TrainingPlan, seed: int) -> None:
        self.task, self.train = task, train
        model = network(seed)
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's types
        self.speed = measure_speed(model, train, task, plan)
        self.plan = replace(plan, precision=self.speed.precision)
        self.fitting = Fitting.begin(model, self.plan, seed=seed)

    def epoch(self) -> int:
        """Train for one epoch; the number of images."""
        fit(self.fitting, self.train, self.task, self.plan, until_epoch=self.fitting.epochs_done + 1)
        return len(self.train) // self.plan.batch_size * self.plan.batch_size


def measure(seeds: int, epochs: int, *, quick: bool) -> dict[str, Any]:
    """Images a second and accuracies of both loops."""
    task = load("fashion-mnist")
    if quick:
        task = task.subset(5_000)
    plan = TrainingPlan(epochs=epochs, batch_size=128, lr=0.05, weight_decay=5e-4)
    train, test = in_memory(task, task.train), in_memory(task, task.test)
    speeds: dict[str, list[float]] = {"plain": [], "evaluator": []}
    ratios: list[float] = []
    accuracies: dict[str, list[float]] = {"plain": [], "evaluator": []}
    precision = ""
    for seed in range(seeds):
        loops = {"plain": PlainLoop(task, plan, seed), "evaluator": EvaluatorLoop(task, train, plan, seed)}
        precision = loops["evaluator"].plan.precision
        for _ in range(epochs):
            found = {}
            for name, loop in loops.items():
                start = time.perf_counter()
                seen = loop.epoch()
                found[name] = seen / (time.perf_counter() - start)
                speeds[name].append(found[name])
            ratios.append(found["evaluator"] / found["plain"])
        for name, model in (("plain", loops["plain"].model), ("evaluator", loops["evaluator"].fitting.model)):
            accuracies[name].append(score(model, test, task, task.test)["accuracy"])
    accuracy = {name: statistics.mean(values) for name, values in accuracies.items()}
    ratio = statistics.median(ratios)
    difference = accuracy["evaluator"] - accuracy["plain"]
    return {
        "seeds": seeds,
        "epochs": epochs,
        "train_images": len(task.train),
        "threads": torch.get_num_threads(),
        "precision": precision,
        "plain_images_per_second": statistics.median(speeds["plain"]),
        "evaluator_images_per_second": statistics.median(speeds["evaluator"]),
        "ratio": ratio,
        "plain_accuracy": accuracy["plain"],
        "evaluator_accuracy": accuracy["evaluator"],
        "accuracy_difference": difference,
        "met": ratio >= SPEED_BAR and difference >= -ACCURACY_BAR,
    }


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each loop")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="5,000 images only")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    try:
        found = measure(options.seeds, options.epochs, quick=options.quick)
    except NetwrightError as error:
        sys.exit(str(error))
    print(f"{'':<28}{'images/s':>10}{'test accuracy':>15}   ({found['epochs']} epochs, mean of {found['seeds']} seeds)")
    for name, title in (("plain", "plain loop, float32"), ("evaluator", f"evaluator, {found['precision']}")):
        print(f"{title:<28}{found[f'{name}_images_per_second']:>10,.0f}{found[f'{name}_accuracy']:>14.2%}")
    print(f"{'ratio (bar: 2)':<28}{found['ratio']:>10.2f}")
    print(f"{'difference (bar: -0.3)':<28}{100 * found['accuracy_difference']:>25.2f} points")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
