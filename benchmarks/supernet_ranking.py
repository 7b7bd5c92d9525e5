"""How well a supernet ranks: NAS-Bench-201's space, Fashion-MNIST, against networks that were trained alone.

    python benchmarks/supernet_ranking.py [--folder supernet_ranking] [--seeds 1] [--arches 40] [--quick] [--json]

A small network of the NAS-Bench-201 space (a stem of stride two, a cell at 16 and one at 32 channels, which share
their choices: all 15,625 cells) learns from 10,000 images of Fashion-MNIST. Random cells are trained alone, and
measured on the official 10,000 test images; a supernet, trained by random paths on the same 10,000 images, scores
their paths on 5,000 others by their loss (by accuracy, which is coarser, beside it). What counts is Kendall's tau
between the two, with its 95 % interval over arches:

- `whole`: one supernet;
- `whole, own statistics`: statistics of normalisation estimated anew for each path, as everywhere in the library;
- `longer, own statistics`: that supernet, trained on for as long as all parts of the next row together;
- `few-shot, own statistics`: it is split into five by one edge of the cell, the one that the library splits by if
  none is named, and each part is trained on.

Kendall's tau of two standalone trainings with different seeds (of some of the arches) says what could be reached.
The bars: tau of at least 0.5, better with statistics of their own than without, better with splitting than without; the
supernets' training within 30 minutes on two cores. All is kept in a journal in the folder, each line as soon as it is
known: the same command goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from netwright import Space, n_outputs, nn
from netwright.core import Arch, Candidate, Context
from netwright.core.registry import tasks
from netwright.evaluators import Fitting, TrainingPlan, fit, score
from netwright.evaluators.training import cached_examples
from netwright.models import build
from netwright.oneshot.evaluator import SupernetEvaluator
from netwright.oneshot.few_shot import SubSupernets, decision_to_split, parts_of
from netwright.oneshot.rank_agreement import kendall_interval
from netwright.oneshot.samplers import StrictFairness, Uniform
from netwright.oneshot.shared_fitting import SharedFitting
from netwright.oneshot.shared_training import fit_shared
from netwright.oneshot.supernet import Supernet
from netwright.predictors.ranking import kendall_tau
from netwright.spaces.language import cell
from netwright.spaces.mirror import layers
from netwright.spaces.zoo.nb201 import canonical
from netwright.tasks import Task

BAR, MINUTES = 0.5, 30.0
ROWS = ("whole", "whole, own statistics", "longer, own statistics", "few-shot, own statistics")
EDGES = ("cell.1<-0", "cell.2<-0", "cell.2<-1", "cell.3<-0", "cell.3<-1", "cell.3<-2")
SAMPLERS = {"uniform": Uniform(), "fair": StrictFairness()}


@dataclass(frozen=True)
class Scale:
    """How large all of it is."""

    n_train: int = 10_000
    n_score: int = 5_000
    channels: int = 16
    epochs: int = 100  # of the whole supernet
    part_epochs: int = 40  # of each part that it is split into
    alone: int = 12  # epochs of a network that is trained alone
    twice: int = 12  # arches that are trained alone with a second seed


QUICK = Scale(n_train=500, n_score=300, channels=4, epochs=2, part_epochs=1, alone=1, twice=2)


def small_nb201(channels: int, input_shape: tuple[int, ...]) -> Space:
    """The space's cells in a network for small images."""

    def operations(width: int) -> dict[str, Any]:
        return {
            "none": None,
            "skip_connect": nn.Identity(),
            "nor_conv_1x1": layers.ReLUConvNorm(width, width, 1),
            "nor_conv_3x3": layers.ReLUConvNorm(width, width, 3),
            "avg_pool_3x3": nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
        }

    stem = [nn.Conv2d(input_shape[0], channels, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(channels)]
    wide = 2 * channels
    body = [
        cell(operations(channels), 4, label="cell"),
        layers.NB201Reduction(channels, wide),
        cell(operations(wide), 4, label="cell"),
    ]
    head = [nn.BatchNorm2d(wide), nn.ReLU(), layers.GlobalAveragePool(), nn.Linear(wide, n_outputs)]
    return Space(nn.Sequential(*stem, *body, *head), name="small nb201", canonical=canonical)


class Journal:
    """Lines of JSON, one for each thing that is known."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.known: dict[str, Any] = {}
        if file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                self.known |= json.loads(line)

    def of(self, key: str, find: Callable[[], Any]) -> Any:
        """What is known, or is found and written down now."""
        if key not in self.known:
            self.known[key] = find()
            with self.file.open("a", encoding="utf-8") as file:
                file.write(json.dumps({key: self.known[key]}) + "\n")
        return self.known[key]


def random_cells(space: Space, n: int, seed: int) -> list[Arch]:
    """Cells that work differently; not those in which nothing reaches the output."""
    rng, found = np.random.default_rng(seed), {}
    while len(found) < n:
        arch = canonical(space.sample(rng))
        if any(arch[name] != "none" for name in ("cell.3<-0", "cell.3<-1", "cell.3<-2")):
            found[arch] = None
    return list(found)


def alone(space: Space, arch: Arch, task: Task, scale: Scale, seed: int) -> float:
    """Test accuracy of a network that is trained for itself."""
    plan = TrainingPlan.for_task(task, epochs=scale.alone, batch_size=64, lr=0.1)
    model = build(space, arch, input_shape=task.input_shape, n_outputs=task.n_outputs, seed=seed)
    model = model.to(memory_format=torch.channels_last)
    fit(Fitting.begin(model, plan, seed=seed), cached_examples(task, task.train, "cpu", channels_last=True), task, plan)
    return score(model, cached_examples(task, task.test, "cpu", channels_last=True), task, task.test)["accuracy"]


def plan_of(task: Task, scale: Scale, options: argparse.Namespace) -> TrainingPlan:
    """How the supernet is trained."""
    return TrainingPlan.for_task(
        task,
        epochs=scale.epochs,
        batch_size=options.batch,
        lr=options.lr,
        clip=5.0,
        label_smoothing=0.0,
        schedule="cosine",
        weight_decay=options.weight_decay,
    )


def trained(
    supernet: Supernet, space: Space, task: Task, plan: TrainingPlan, file: Path, seed: int, sampler: str
) -> tuple[Supernet, float]:
    """The supernet after its training, which goes on from its checkpoint; and the seconds it took."""
    fitting = SharedFitting.begin(supernet, SAMPLERS[sampler].begin(space), plan, seed=seed)
    key = f"{plan} {seed} {sampler}"
    if not fitting.go_on_from(file, key=key):
        parts = [cached_examples(task, part, "cpu", channels_last=True) for part in (task.train, task.validation)]

        def after(fitting: SharedFitting) -> None:
            if fitting.epochs_done % 5 == 0:
                fitting.save(file, key=key)

        fit_shared(fitting, *parts, task, plan, on_epoch=after)
        fitting.save(file, key=key, finished=True)
    fitting.supernet.eval()
    return fitting.supernet, fitting.seconds


def scores(
    supernet: Any, task: Task, plan: TrainingPlan, arches: list[Arch], scale: Scale, *, own: bool
) -> list[list[float]]:
    """Accuracy and loss of each arch's path."""
    evaluator = SupernetEvaluator(supernet, task, plan, 1024 if own else 0, scale.n_score)
    found = [evaluator(Candidate(0, arch), Context()) for arch in arches]
    return [[metrics["accuracy"], metrics["loss"]] for metrics in found]


def measure(
    space: Space, task: Task, arches: list[Arch], scale: Scale, seed: int, folder: Path, journal: Journal,
    options: argparse.Namespace,
) -> dict[str, Any]:  # fmt: skip
    """The scores of all rows, with one seed of the supernet."""
    plan = plan_of(task, scale, options)
    small = replace(plan, lr=options.part_lr * plan.lr)
    split_by = options.edge.replace("<-", "-from-")  # in the names of what depends on it

    def fresh() -> Supernet:
        made = Supernet(space, input_shape=task.input_shape, n_outputs=task.n_outputs, seed=seed)
        return made.to(memory_format=torch.channels_last)

    def go_on(supernet: Supernet, part: Space, name: str, epochs: int) -> tuple[Supernet, float]:
        one = replace(small, epochs=epochs)
        return trained(supernet, part, task, one, folder / f"{name}-{seed}.ckpt", seed + 1, options.sampler)

    def whole() -> dict[str, Any]:
        supernet, seconds = trained(fresh(), space, task, plan, folder / f"whole-{seed}.ckpt", seed, options.sampler)
        found = {row: scores(supernet, task, plan, arches, scale, own="own" in row) for row in ROWS[:2]}
        return {"seconds": seconds, "scores": found}

    def longer() -> dict[str, Any]:
        supernet, _ = trained(fresh(), space, task, plan, folder / f"whole-{seed}.ckpt", seed, options.sampler)
        epochs = len(list(parts_of(space, options.edge))) * scale.part_epochs
        supernet, seconds = go_on(supernet, space, "longer", epochs)
        return {"seconds": seconds, "scores": {ROWS[2]: scores(supernet, task, plan, arches, scale, own=True)}}

    def few_shot() -> dict[str, Any]:
        supernet, _ = trained(fresh(), space, task, plan, folder / f"whole-{seed}.ckpt", seed, options.sampler)
        split, total = SubSupernets.of_whole(supernet, options.edge), 0.0
        parts = list(parts_of(space, options.edge))
        for number, (value, part) in enumerate(parts):
            _, seconds = go_on(split.supernets[value], part, f"part{number}-{split_by}", scale.part_epochs)
            total += seconds
        return {"seconds": total, "scores": {ROWS[3]: scores(split, task, plan, arches, scale, own=True)}}

    found: dict[str, Any] = {"seconds": {}, "scores": {}}
    for name, key, find in (
        ("whole", "whole", whole), ("longer", "longer", longer), ("few-shot", f"few-shot {split_by}", few_shot)
    ):  # fmt: skip
        part = journal.of(f"{key} {seed}", find)
        found["seconds"][name] = part["seconds"]
        found["scores"] |= part["scores"]
        for row, values in part["scores"].items():
            truth = [journal.known[f"alone {arch.to_json()} 0"] for arch in arches]
            tau = kendall_tau([-loss for _, loss in values], truth)
            print(f"seed {seed}: {row:<28} tau {tau:.3f}   {part['seconds']:.0f} s", flush=True)
    return found


def summary(runs: list[dict[str, Any]], truth: list[float], twice: tuple[list[float], list[float]]) -> dict[str, Any]:
    """Means over the supernet's seeds, against the bars."""
    rows: dict[str, Any] = {}
    for row in ROWS:
        taus = [kendall_tau([-loss for _, loss in run["scores"][row]], truth) for run in runs]
        by_accuracy = [kendall_tau([a for a, _ in run["scores"][row]], truth) for run in runs]
        low, high = kendall_interval(float(np.mean(taus)), len(truth))
        rows[row] = {"tau": float(np.mean(taus)), "taus": taus, "interval": [low, high], "by_accuracy": by_accuracy}
    seconds = {name: float(np.mean([run["seconds"][name] for run in runs])) for name in runs[0]["seconds"]}
    own, best = rows[ROWS[1]]["tau"], rows[ROWS[3]]["tau"]
    return {
        "arches": len(truth),
        "seeds": len(runs),
        "rows": rows,
        "seconds": seconds,
        "two_standalone_seeds": kendall_tau(*twice) if len(twice[0]) > 1 else None,
        "standalone_range": [min(truth), max(truth)],
        "gain_of_own_statistics": own - rows[ROWS[0]]["tau"],
        "gain_of_splitting": best - own,
        "gain_of_splitting_at_equal_cost": best - rows[ROWS[2]]["tau"],
        "met": best > own >= BAR
        and own > rows[ROWS[0]]["tau"]
        and seconds["whole"] + seconds["few-shot"] <= 60 * MINUTES,
    }


def show(found: dict[str, Any]) -> None:
    """The table."""
    print("\nscored by                        tau  (95 % interval)   by accuracy")
    for row, one in found["rows"].items():
        low, high = one["interval"]
        print(f"{row:<28}{one['tau']:>8.3f}  ({low:.2f} to {high:.2f})   {np.mean(one['by_accuracy']):>11.3f}")
    other = found["two_standalone_seeds"]
    print(f"two standalone trainings    {'-' if other is None else format(other, '8.3f')}")
    seconds = ", ".join(f"{name} {value:.0f} s" for name, value in found["seconds"].items())
    print(f"{found['arches']} arches, {found['seeds']} seed(s); training: {seconds}")


def main() -> None:
    """Measure, or go on; print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path("supernet_ranking"), help="keeps journal and checkpoints")
    parser.add_argument("--seeds", type=int, default=1, help="of the supernet")
    parser.add_argument("--arches", type=int, default=40, help="that are trained alone")
    parser.add_argument("--sampler", choices=list(SAMPLERS), default="uniform", help="which paths are trained")
    parser.add_argument("--lr", type=float, default=0.025, help="of the supernet")
    parser.add_argument("--batch", type=int, default=64, help="of the supernet")
    parser.add_argument("--weight-decay", type=float, default=5e-4, help="of the supernet")
    parser.add_argument("--epochs", type=int, help="of the whole supernet")
    parser.add_argument("--part-epochs", type=int, help="of each part that it is split into")
    parser.add_argument("--edge", choices=EDGES, help="to split by; the library's choice if left out")
    parser.add_argument("--part-lr", type=float, default=0.5, help="of the parts, as a share of the whole supernet's")
    parser.add_argument("--quick", action="store_true", help="tiny: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    scale = QUICK if options.quick else Scale()
    scale = replace(
        scale, epochs=options.epochs or scale.epochs, part_epochs=options.part_epochs or scale.part_epochs
    )  # fmt: skip
    if options.quick:
        import tempfile

        options.folder, options.arches = Path(tempfile.mkdtemp()), 5
    options.folder.mkdir(parents=True, exist_ok=True)
    task = (tasks["stripes"] if options.quick else tasks["fashion_mnist"])()
    task = task.subset(min(scale.n_train, len(task.train)))
    space = small_nb201(scale.channels, task.input_shape)
    options.edge = options.edge or decision_to_split(space)
    journal = Journal(options.folder / "journal.jsonl")
    arches = random_cells(space, options.arches, seed=0)
    start = time.perf_counter()
    truth = []
    for number, arch in enumerate(arches):
        truth.append(journal.of(f"alone {arch.to_json()} 0", lambda arch=arch: alone(space, arch, task, scale, 0)))
        spent = time.perf_counter() - start
        print(f"alone {number + 1:>3} of {len(arches)}: {truth[-1]:.4f}   {spent:.0f} s", flush=True)
    again = [
        journal.of(f"alone {arch.to_json()} 1", lambda arch=arch: alone(space, arch, task, scale, 1))
        for arch in arches[: scale.twice]
    ]
    runs = [
        measure(space, task, arches, scale, seed, options.folder, journal, options) for seed in range(options.seeds)
    ]
    found = {"edge": options.edge} | summary(runs, truth, (truth[: len(again)], again))
    show(found)
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
