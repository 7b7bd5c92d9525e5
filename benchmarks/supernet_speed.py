"""Supernets against loops written by hand: images a second of DARTS and of random paths, and memory of a path.

    python benchmarks/supernet_speed.py [--seeds 15] [--steps 20] [--threads 2] [--quick] [--json]

A small NAS-Bench-201 supernet (stem of stride 2, one cell at 16 and one at 32 channels that share their choices) on
Fashion-MNIST, batches of 64, float32. A step of DARTS is one of the architecture and one of the weights, first order;
images count once. The loops by hand are what one writes in PyTorch: modules for the options, a Python sum over them,
images in memory; once as they are and once in channels-last memory, which is a line more. Ours are the loops that
methods run: `bilevel` and `fit_shared`. Rounds alternate, so that a busy machine slows all; `--seeds` is their number.
The bars are against the loop as it is: DARTS 1.3 times, random paths 1.0 times the images a second.

Memory is what a training step holds at its peak: weights, gradients, the optimizer's state and activations, of a path
in the supernet against its standalone network, mean over paths. The bar: 1.3 times.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

import netwright
from netwright import Space, layers, n_outputs
from netwright.core.errors import NetwrightError
from netwright.evaluators import TrainingPlan
from netwright.evaluators.examples_in_memory import ExamplesInMemory, in_memory
from netwright.evaluators.optimizers import make_optimizer
from netwright.oneshot.bilevel import bilevel
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.relaxation.searching import RelaxedSearch
from netwright.oneshot.relaxed import Relaxed
from netwright.oneshot.samplers import Uniform
from netwright.oneshot.shared_fitting import SharedFitting
from netwright.oneshot.shared_training import fit_shared
from netwright.oneshot.supernet import Supernet
from netwright.spaces.language import cell
from netwright.tasks import Task, load

BARS = {"darts": 1.3, "path": 1.0, "memory": 1.3}
BATCH = 64
PLAN = TrainingPlan(
    epochs=10_000, batch_size=BATCH, lr=0.025, momentum=0.9, weight_decay=3e-4, schedule="constant", clip=5.0
)


def options(width: int) -> dict[str, Any]:
    """The operations of NAS-Bench-201, as our space has them."""
    return {
        "none": None,
        "skip_connect": netwright.nn.Identity(),
        "nor_conv_1x1": layers.ReLUConvNorm(width, width, 1),
        "nor_conv_3x3": layers.ReLUConvNorm(width, width, 3),
        "avg_pool_3x3": netwright.nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
    }


def space() -> Space:
    """The small NAS-Bench-201 supernet's space."""
    return Space(
        netwright.nn.Sequential(
            netwright.nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False),
            netwright.nn.BatchNorm2d(16),
            cell(options(16), 4, label="cell"),
            layers.NB201Reduction(16, 32),
            cell(options(32), 4, label="cell"),
            netwright.nn.BatchNorm2d(32),
            netwright.nn.ReLU(),
            layers.GlobalAveragePool(),
            netwright.nn.Linear(32, n_outputs),
        ),
        name="small-nb201",
    )


# By hand ------------------------------------------------------------------------------------------------------------


class ConvNorm(nn.Module):
    """ReLU, convolution, normalisation."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(torch.relu(x)))


class Zero(nn.Module):
    """No connection."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 0.0


class Edge(nn.Module):
    """All options of an edge."""

    def __init__(self, width: int) -> None:
        super().__init__()
        pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
        self.options = nn.ModuleList(
            [Zero(), nn.Identity(), ConvNorm(width, width, 1), ConvNorm(width, width, 3), pool]
        )


class Cell(nn.Module):
    """A cell whose edges are mixed, or take one option each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList([Edge(width) for _ in range(6)])

    def forward(self, x: torch.Tensor, choice: Any) -> torch.Tensor:
        states, first = [x], 0
        for node in range(1, 4):
            states.append(sum(self.on_edge(first + j, states[j], choice[first + j]) for j in range(node)))
            first += node
        return states[-1]

    def on_edge(self, edge: int, x: torch.Tensor, choice: Any) -> torch.Tensor:
        """What an edge gives, by weights of its options or by the number of one."""
        parts = self.edges[edge].options
        if isinstance(choice, int):
            return parts[choice](x)
        return sum(weight * option(x) for weight, option in zip(choice, parts, strict=True))


class ByHand(nn.Module):
    """The supernet as one writes it."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16))
            self.first, self.second = Cell(16), Cell(32)
            self.down = nn.Sequential(ConvNorm(16, 32, 3, 2), ConvNorm(32, 32, 3))
            self.short = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(16, 32, 1, bias=False))
            self.head = nn.Sequential(
                nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)
            )
            self.alphas = nn.Parameter(1e-3 * torch.randn(6, 5))

    def weights(self) -> list[nn.Parameter]:
        """All but the architecture parameters."""
        return [parameter for name, parameter in self.named_parameters() if name != "alphas"]

    def forward(self, x: torch.Tensor, choice: Any) -> torch.Tensor:
        x = self.first(self.stem(x), choice)
        x = self.down(x) + self.short(x)
        return self.head(self.second(x, choice))


class DartsByHand:
    """First-order DARTS, as its authors' code does it."""

    def __init__(self, examples: ExamplesInMemory, seed: int, *, channels_last: bool) -> None:
        self.net, self.half = ByHand(seed), len(examples) // 2
        self.images, self.labels = _laid(self.net, examples, channels_last=channels_last)
        self.weights = torch.optim.SGD(self.net.weights(), lr=0.025, momentum=0.9, weight_decay=3e-4)
        self.architecture = torch.optim.Adam([self.net.alphas], lr=3e-4, betas=(0.5, 0.999), weight_decay=1e-3)
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self) -> None:
        own, others = (torch.randperm(self.half, generator=self.generator) for _ in range(2))
        for rows, held_out in zip(own.split(BATCH), (others + self.half).split(BATCH), strict=True):
            self.architecture.zero_grad()
            self.loss(held_out).backward()
            self.architecture.step()
            self.weights.zero_grad()
            self.loss(rows).backward()
            nn.utils.clip_grad_norm_(self.net.weights(), 5.0)
            self.weights.step()

    def loss(self, rows: torch.Tensor) -> torch.Tensor:
        """Of the mixture."""
        return functional.cross_entropy(self.net(self.images[rows], self.net.alphas.softmax(-1)), self.labels[rows])


class PathsByHand:
    """A random path a step."""

    def __init__(self, examples: ExamplesInMemory, seed: int, *, channels_last: bool) -> None:
        self.net = ByHand(seed)
        self.images, self.labels = _laid(self.net, examples, channels_last=channels_last)
        self.weights = torch.optim.SGD(self.net.weights(), lr=0.025, momentum=0.9, weight_decay=3e-4)
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self) -> None:
        for rows in torch.randperm(len(self.images), generator=self.generator).split(BATCH):
            choice = torch.randint(0, 5, (6,), generator=self.generator).tolist()
            self.weights.zero_grad()
            functional.cross_entropy(self.net(self.images[rows], choice), self.labels[rows]).backward()
            nn.utils.clip_grad_norm_(self.net.weights(), 5.0)
            self.weights.step()


def _laid(net: nn.Module, examples: ExamplesInMemory, *, channels_last: bool) -> tuple[torch.Tensor, torch.Tensor]:
    if not channels_last:
        return examples.inputs.contiguous(), examples.targets
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's types
    return examples.inputs.contiguous(memory_format=torch.channels_last), examples.targets


# Ours ---------------------------------------------------------------------------------------------------------------


def darts(task: Task, examples: ExamplesInMemory, seed: int) -> Callable[[], None]:
    """An epoch of the loop that `darts` runs."""
    search = RelaxedSearch.begin(Relaxed(_supernet(seed), seed=seed), Relaxation(), PLAN, seed=seed)
    epochs: Iterator[Any] = bilevel(search, examples, task)
    return lambda: next(epochs)


def paths(task: Task, examples: ExamplesInMemory, seed: int) -> Callable[[], None]:
    """An epoch of the loop that `spos` runs."""
    supernet = _supernet(seed)
    fitting = SharedFitting.begin(supernet, Uniform().begin(supernet.space, None), PLAN, seed=seed)

    def epoch() -> None:
        fit_shared(fitting, examples, examples, task, PLAN, until_epoch=fitting.epochs_done + 1)

    return epoch


def _supernet(seed: int) -> Supernet:
    return Supernet(space(), input_shape=(1, 28, 28), n_outputs=10, seed=seed)


# Measuring ----------------------------------------------------------------------------------------------------------


def speeds(loops: dict[str, Callable[[], None]], rounds: int, images: int) -> dict[str, Any]:
    """Images a second of each loop, medians over rounds that alternate, and ratios within rounds."""
    found: dict[str, list[float]] = {name: [] for name in loops}
    for number in range(rounds + 1):
        for name, loop in loops.items():
            start = time.perf_counter()
            loop()
            if number:  # the first round is for what is set up once
                found[name].append(images / (time.perf_counter() - start))
    return {
        "images_per_second": {name: statistics.median(values) for name, values in found.items()},
        "ratio": statistics.median(a / b for a, b in zip(found["ours"], found["by hand"], strict=True)),
        "ratio_channels_last": statistics.median(
            a / b for a, b in zip(found["ours"], found["by hand, channels last"], strict=True)
        ),
    }


def peak(model: Callable[[torch.Tensor], torch.Tensor], module: nn.Module, batch: Any, *, zeros: bool) -> int:
    """Bytes that a training step of a model holds at its peak, weights and optimizer included."""
    optimizer = make_optimizer(module, replace(PLAN, optimizer="sgd"))
    for parameter in module.parameters() if zeros else ():  # as `SharedFitting` does
        optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(model(batch[0]), batch[1]).backward()
        optimizer.step()

    module.train()
    step()  # so that the optimizer's state is there
    optimizer.zero_grad(set_to_none=True)
    state = [value for entry in optimizer.state.values() for value in entry.values() if torch.is_tensor(value)]
    held = sum(t.numel() * t.element_size() for t in [*module.parameters(), *module.buffers(), *state])
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        step()
    now = most = 0
    for event in seen.profiler.kineto_results.events():  # type: ignore[union-attr]  # there is one by now
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    return held + most


def memory(examples: ExamplesInMemory, n_paths: int, seed: int) -> dict[str, float]:
    """Megabytes at the peak of a step: paths of a supernet, and standalone networks."""
    supernet, rng = _supernet(seed), np.random.default_rng(seed)
    supernet.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's types
    batch = examples.batch(slice(0, BATCH))
    shared, alone = [], []
    for _ in range(n_paths):
        arch = supernet.space.sample(rng)
        path = supernet.path(arch)
        shared.append(peak(path, supernet, batch, zeros=True))
        network = supernet.space.build(arch, input_shape=(1, 28, 28), n_outputs=10)
        network.to(memory_format=torch.channels_last)
        alone.append(peak(network, network, batch, zeros=False))
    return {
        "path_mb": statistics.mean(shared) / 1e6,
        "standalone_mb": statistics.mean(alone) / 1e6,
        "ratio": statistics.mean(shared) / statistics.mean(alone),
    }


def measure(rounds: int, steps: int, *, n_paths: int) -> dict[str, Any]:
    """All figures."""
    task = load("fashion-mnist")
    half = in_memory(task, task.train).first(steps * BATCH)
    both = in_memory(task, task.train).first(2 * steps * BATCH)
    found: dict[str, Any] = {"rounds": rounds, "steps": steps, "threads": torch.get_num_threads()}
    found["darts"] = speeds(
        {
            "by hand": DartsByHand(both, 0, channels_last=False),
            "by hand, channels last": DartsByHand(both, 0, channels_last=True),
            "ours": darts(task, both, 0),
        },
        rounds,
        steps * BATCH,
    )
    found["path"] = speeds(
        {
            "by hand": PathsByHand(half, 0, channels_last=False),
            "by hand, channels last": PathsByHand(half, 0, channels_last=True),
            "ours": paths(task, half, 0),
        },
        rounds,
        steps * BATCH,
    )
    found["memory"] = memory(half, n_paths, 0)
    found["met"] = (
        found["darts"]["ratio"] >= BARS["darts"]
        and found["path"]["ratio"] >= BARS["path"]
        and found["memory"]["ratio"] <= BARS["memory"]
    )
    return found


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=15, help="rounds of all loops")
    parser.add_argument("--steps", type=int, default=20, help="in each round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="two short rounds")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    try:
        found = measure(2, 3, n_paths=3) if given.quick else measure(given.seeds, given.steps, n_paths=20)
    except NetwrightError as error:
        sys.exit(str(error))
    print(f"{'images/s':<28}{'DARTS':>10}{'random path':>14}")
    for name in found["darts"]["images_per_second"]:
        print(f"{name:<28}{found['darts']['images_per_second'][name]:>10,.0f}"
              f"{found['path']['images_per_second'][name]:>14,.0f}")  # fmt: skip
    print(f"{'times by hand':<28}{found['darts']['ratio']:>10.2f}{found['path']['ratio']:>14.2f}   (bars: 1.3, 1.0)")
    print(f"{'times channels last':<28}{found['darts']['ratio_channels_last']:>10.2f}"
          f"{found['path']['ratio_channels_last']:>14.2f}")  # fmt: skip
    held = found["memory"]
    print(f"memory of a path's step: {held['path_mb']:.1f} MB, {held['ratio']:.2f} times the standalone network's "
          f"{held['standalone_mb']:.1f} MB (bar: 1.3)")  # fmt: skip
    if given.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
