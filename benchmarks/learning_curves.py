"""How many epochs stopping rules save on the learning curves of NAS-Bench-NLP, and whether the best arch is lost by it.

    python benchmarks/learning_curves.py [--seeds 20] [--searches 10] [--only RULE ...] [--quick] [--json]

The table: 345 recurrent cells on WikiText-2 (Klyuchnikov et al. 2022, https://arxiv.org/abs/2006.07116), 50 epochs
each; the 341 that never diverge are used. A search trains 60 cells in a random order. After each epoch a rule decides
with what is known by then: the curve so far, and the earlier cells' curves as far as those were trained. The search's
choice is the cell with the least validation loss after all 50 epochs, among those that were not stopped. Its *loss* is
how much worse that is than the best of the 60 cells; a search loses nothing if its choice is that best one.

Settings are not tuned on what is reported, though the form of the extrapolation was chosen with this table in view,
and has been tried on no other. Each rule has one setting that makes it bolder. For each seed the cells are halved
at random. On one half, `--searches` searches are run with bolder and bolder settings until one loses; the setting one
step more careful than the last that didn't is reported, on searches among the other half. Then halves change places.
Every rule gets the same. The second table has each rule as it is by default, on all cells. The defaults of the
extrapolation are a chance of 1 %, the better half, and the three whole curves without which there is no regression;
the others' are as they are known.

The table is looked for in the folder of NETWRIGHT_DATA, or in ../shared/data beside the repository. The bar: with
learning-curve extrapolation at least 60 % of the epochs are saved, 99 % of the searches lose nothing, and more epochs
are saved than by the median rule and by the last value.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netwright.benchmarks.tables import data_folder
from netwright.evaluators.stopping import (
    Extrapolation,
    LastValue,
    MedianRule,
    Patience,
    RunningCurve,
    StoppingRule,
    SumOfLosses,
)
from netwright.predictors.parametric_curves import ParametricCurves

FILE = "nasbench_nlp_wikitext2_curves.npz"
CELLS = 60  # that a search trains
BAR = 0.6
KEPT = 0.99  # the share of the searches that lose nothing, to speak of no loss
MAIN, BASELINES = "extrapolation", ("median", "last_value")


# By rule: one setting after the other, from careful to bold; what isn't named is as it is by default.
SETTINGS: dict[str, tuple[StoppingRule, ...]] = {
    "median": tuple(MedianRule(grace=grace) for grace in (10, 5, 3, 2, 1)),
    "last_value": tuple(LastValue(share=share) for share in (0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1)),
    "patience": tuple(Patience(epochs=epochs) for epochs in (10, 5, 3, 2, 1)),
    "sum_of_losses": tuple(SumOfLosses(share=share) for share in (0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1)),
    "parametric_extrapolation": tuple(
        Extrapolation(ParametricCurves(), chance, share=1.0, start=1) for chance in (0.0002, 0.001, 0.005, 0.02, 0.1)
    ),
    "extrapolation": tuple(Extrapolation(chance=chance) for chance in (0.0002, 0.001, 0.005, 0.02, 0.1)),
}
DEFAULTS: dict[str, StoppingRule] = {
    "median": MedianRule(),
    "last_value": LastValue(),
    "patience": Patience(),
    "sum_of_losses": SumOfLosses(),
    "parametric_extrapolation": Extrapolation(ParametricCurves(), share=1.0, start=1),
    "extrapolation": Extrapolation(),
}


@dataclass(frozen=True)
class Table:
    """Validation and training losses, shape (cells, epochs)."""

    losses: np.ndarray
    train_losses: np.ndarray

    @classmethod
    def load(cls) -> Table:
        """The cells whose losses are all finite."""
        with np.load(data_folder() / FILE) as data:
            losses, train = data["val_losses"].astype(float), data["train_losses"].astype(float)
        whole = np.isfinite(losses).all(axis=1) & np.isfinite(train).all(axis=1)
        return cls(losses[whole], train[whole])


@dataclass
class Searches:
    """What came of several searches with one rule."""

    saved: list[float] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)

    @property
    def kept(self) -> float:
        """The share of the searches that lost nothing."""
        return float(np.mean(np.array(self.lost) == 0))


def search(table: Table, cells: np.ndarray, rule: StoppingRule) -> tuple[float, float]:
    """The share of the epochs that a search saves, and its loss."""
    until = table.losses.shape[1]
    known, known_train = (np.full((len(cells), until), np.nan) for _ in range(2))
    best, epochs = np.inf, 0
    for number, cell in enumerate(cells):
        losses, train = table.losses[cell], table.train_losses[cell]
        last = until
        for epoch in range(1, until):
            if rule(RunningCurve(losses[:epoch], train[:epoch], until, known[:number], known_train[:number])):
                last = epoch
                break
        known[number, :last], known_train[number, :last] = losses[:last], train[:last]
        epochs += last
        if last == until:
            best = min(best, losses[-1])
    return 1 - epochs / (len(cells) * until), float(best - table.losses[cells, -1].min())


def searches(table: Table, cells: np.ndarray, rule: StoppingRule, seed: tuple[int, ...], n: int) -> Searches:
    """Several searches among some cells, each in an order of its own: the same ones for each rule."""
    found = Searches()
    for number in range(n):
        rng = np.random.default_rng((*seed, number))
        saved, lost = search(table, rng.permutation(cells)[:CELLS], rule)
        found.saved.append(saved)
        found.lost.append(lost)
    return found


def tuned(
    table: Table, cells: np.ndarray, rules: tuple[StoppingRule, ...], seed: tuple[int, ...], n: int
) -> StoppingRule:
    """One step more careful than the boldest setting with which, and with all more careful ones, no search loses."""
    boldest = -1
    for place, rule in enumerate(rules):
        if searches(table, cells, rule, seed, n).kept < 1:
            break
        boldest = place
    return rules[max(0, boldest - 1)]


def nested(table: Table, name: str, seeds: int, n: int) -> list[tuple[StoppingRule, Searches]]:
    """Each rule tuned on one half of the cells and used on the other, twice for each seed."""
    found = []
    for seed in range(seeds):
        order = np.random.default_rng((17, seed)).permutation(len(table.losses))
        halves = np.array_split(order, 2)
        for turn in range(2):
            rule = tuned(table, halves[turn], SETTINGS[name], (1, seed, turn), n)
            found.append((rule, searches(table, halves[1 - turn], rule, (2, seed, turn), n)))
            print(f"\r{name}: {2 * seed + turn + 1} of {2 * seeds}   ", end="", file=sys.stderr, flush=True)
    return found


def interval(values: np.ndarray) -> tuple[float, float]:
    """Of the mean, by 2,000 resamples of its (independent) parts."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(len(values), size=(2_000, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def facts_of(groups: list[Searches]) -> dict[str, Any]:
    """What is reported of a rule; groups are the searches of one half of one seed."""
    by_group = np.array([np.mean(group.saved) for group in groups])
    lost = np.concatenate([group.lost for group in groups])
    # Both halves of a seed together are one part: they are made of the same split.
    pairs = by_group.reshape(-1, 2).mean(axis=1) if len(by_group) % 2 == 0 else by_group
    return {
        "saved": float(by_group.mean()),
        "saved_interval": interval(pairs),
        "saved_by_group": by_group.round(4).tolist(),
        "kept": float(np.mean(lost == 0)),
        "loss_mean": float(lost.mean()),
        "loss_95": float(np.quantile(lost, 0.95)),
        "loss_max": float(lost.max()),
        "searches": len(lost),
    }


def show(name: str, facts: dict[str, Any]) -> None:
    """One line of a table."""
    low, high = facts["saved_interval"]
    saved, kept = 100 * facts["saved"], 100 * facts["kept"]
    print(
        f"{name:<26}{saved:>8.1f} %{f'{100 * low:.1f} to {100 * high:.1f}':>16}{kept:>9.1f} %"
        f"{facts['loss_mean']:>9.4f}{facts['loss_95']:>9.4f}{facts['loss_max']:>9.3f}",
        flush=True,
    )


HEAD = f"{'rule':<26}{'saved':>10}{'95 %':>16}{'nothing lost':>13}{'loss':>7}{'95th %':>9}{'worst':>9}"


def main() -> None:
    """Measure, print tables and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20, help="random halves of the cells, each used both ways")
    parser.add_argument("--searches", type=int, default=10, help="searches among a half, to tune and to report")
    parser.add_argument("--only", nargs="+", choices=list(SETTINGS), default=list(SETTINGS), help="which rules")
    parser.add_argument("--quick", action="store_true", help="one seed, two searches: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    seeds, n = (1, 2) if options.quick else (options.seeds, options.searches)
    table = Table.load()
    print(f"{len(table.losses)} cells, searches of {CELLS}; tuned on one half, reported on the other")
    print(HEAD)
    results: dict[str, dict[str, Any]] = {}
    for name in options.only:
        runs = nested(table, name, seeds, n)
        print(file=sys.stderr)
        results[name] = facts_of([group for _, group in runs])
        results[name]["settings"] = [repr(rule) for rule, _ in runs]
        show(name, results[name])
    print(f"\nby default, on all {len(table.losses)} cells\n{HEAD}")
    defaults = {}
    for name in options.only:
        every = np.arange(len(table.losses))
        groups = [searches(table, every, DEFAULTS[name], (3, seed), n) for seed in range(2 * seeds)]
        defaults[name] = facts_of(groups)
        show(name, defaults[name])
    facts: dict[str, Any] = {"cells": len(table.losses), "seeds": seeds, "rules": results, "defaults": defaults}
    if {MAIN, *BASELINES} <= results.keys():
        main_rule = results[MAIN]
        more = {}
        for name in BASELINES:
            ours, theirs = (
                np.array(results[one]["saved_by_group"]).reshape(-1, 2).mean(axis=1) for one in (MAIN, name)
            )
            more[name] = {"mean": float((ours - theirs).mean()), "interval": interval(ours - theirs)}
            low, high = more[name]["interval"]
            span = f"95 %: {100 * low:+.1f} to {100 * high:+.1f}"
            print(f"{MAIN} against {name}: {100 * more[name]['mean']:+.1f} points more saved ({span})")
        better = all(more[name]["interval"][0] > 0 for name in BASELINES)
        facts |= {"more": more, "met": main_rule["saved"] >= BAR and main_rule["kept"] >= KEPT and better}
        met = "yes" if facts["met"] else "no"
        print(f"at least {BAR:.0%} saved, nothing lost in {KEPT:.0%} of the searches, more than both baselines: {met}")
    if options.json:
        print(json.dumps(facts))


if __name__ == "__main__":
    main()
