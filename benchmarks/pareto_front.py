"""How much of the true Pareto front 500 evaluations find: NAS-Bench-201, error on CIFAR-10 against edge GPU latency.

    python benchmarks/pareto_front.py [--seeds 50] [--evaluations 500] [--vs optuna] [--quick] [--json]

The objectives are the mean validation accuracy after 200 epochs and HW-NAS-Bench's latency on the edge GPU; both are
known for all 15,625 arches, and so is the front. Two ways to look at it:

- arches: each arch counts for itself, as the table lists it. The measured numbers of arches that compute the same
  differ a little, so strategies are told that all arches are different ones.
- networks: arches that compute the same are one network (6,466 of them) with the mean of their numbers, and strategies
  know which are.

A run's share is the part of the front that is among its evaluations; its hypervolume is what they dominate within the
medians of the table, as a part of what the front does. Over arches, random search is expected to find the share of the
space that it looks at, which is a check of the script (over networks it finds more: those of many arches come first).
Genetic and regularized evolution see the accuracy alone.

The bar: over arches, NSGA-II finds at least 5 times the share that random search finds, in the mean over seeds; random
search counts with what it found or what it is expected to find, whichever is more.
"""

from __future__ import annotations

import argparse
import inspect
import json
import statistics
import time
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from netwright import Space
from netwright.core import Arch, Recipe
from netwright.core.errors import SpaceExhausted
from netwright.core.registry import benchmarks, methods
from netwright.loop import Search

BAR = 5.0
METHODS = ("random", "regularized_evolution", "genetic", "nsga2", "nsga3")
PEER = "optuna_nsga2"
ONE_OBJECTIVE = ("regularized_evolution", "genetic")
OBJECTIVES = ("max:val_accuracy", "min:edgegpu_ms")

Points: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"


@dataclass(frozen=True, slots=True)
class Problem:
    """A space whose Pareto front is known.

    Attributes:
        name: of this way to look at it.
        space: what is searched.
        rows: which point an arch is.
        points: error and latency, shape (n, 2).
        front: the points that no other dominates.
        reference: the corner of the hypervolume.
    """

    name: str
    space: Space
    rows: dict[Arch, int]
    points: Points
    front: frozenset[int]
    reference: Points

    def share(self, found: set[int]) -> float:
        """The part of the front that is found."""
        return len(found & self.front) / len(self.front)

    def hypervolume(self, found: set[int]) -> float:
        """What is dominated within the reference point, as a part of what the front dominates."""
        return area(self.points[sorted(found)], self.reference) / area(self.points[sorted(self.front)], self.reference)


def area(points: Points, reference: Points) -> float:
    """The area that points dominate within a reference point, both objectives minimised."""
    total, height = 0.0, float(reference[1])
    for first, second in points[np.lexsort(points.T[::-1])].tolist():
        if first < reference[0] and second < height:
            total += (float(reference[0]) - first) * (height - second)
            height = second
    return total


def front_of(points: Points) -> frozenset[int]:
    """Which points no other one dominates."""
    found, least = [], np.inf
    for i in np.lexsort(points.T[::-1]).tolist():
        if points[i, 1] < least:
            found.append(i)
            least = points[i, 1]
    return frozenset(found)


def problems() -> list[Problem]:
    """Both ways to look at the table."""
    benchmark = benchmarks["nb201_cifar10"]()
    arches = list(benchmark.arches())
    points = np.stack([100 - benchmark.values("val_accuracy"), benchmark.values("edgegpu_ms")], axis=1)
    reference = np.median(points, axis=0)
    space = benchmark.space
    each = {arch: i for i, arch in enumerate(arches)}
    networks: dict[Arch, int] = {}
    same = np.array([networks.setdefault(space.canonical(arch), len(networks)) for arch in arches])
    means = np.stack([np.bincount(same, column) / np.bincount(same) for column in points.T], axis=1)
    together = dict(zip(arches, same.tolist(), strict=True))
    return [
        Problem("arches", Space(space.tree, name="nb201"), each, points, front_of(points), reference),
        Problem("networks", space, together, means, front_of(means), reference),
    ]


def recipe_of(name: str, space: Space, n_evaluations: int) -> Recipe:
    """A method by name, told how many evaluations there will be where it asks."""
    method = methods[name]
    told = (
        {"expected_candidates": n_evaluations} if "expected_candidates" in inspect.signature(method).parameters else {}
    )
    found = method(space, **told)
    assert isinstance(found, Recipe)
    return found


def one_search(problem: Problem, name: str, n_evaluations: int, seed: int) -> tuple[float, float, float]:
    """Share of the front, hypervolume, and milliseconds for each proposal."""
    objectives = OBJECTIVES[:1] if name in ONE_OBJECTIVE else OBJECTIVES
    recipe = recipe_of(name, problem.space, n_evaluations)
    search = Search(problem.space, recipe.strategy, objectives=objectives, seed=seed)
    found: set[int] = set()
    asking = 0.0
    for _ in range(n_evaluations):
        start = time.perf_counter()
        try:
            candidate = search.ask()
        except SpaceExhausted:
            break
        asking += time.perf_counter() - start
        row = problem.rows[candidate.arch]
        error, latency = problem.points[row].tolist()
        search.tell(candidate, {"val_accuracy": 100 - error, "edgegpu_ms": latency})
        found.add(row)
    return problem.share(found), problem.hypervolume(found), asking / n_evaluations * 1e3


def measure(seeds: int, n_evaluations: int, *, with_peer: bool) -> dict[str, Any]:
    """All figures, by problem and method."""
    names = [*METHODS, *([PEER] if with_peer else [])]
    found: dict[str, Any] = {"seeds": seeds, "evaluations": n_evaluations, "bar": BAR, "problems": {}}
    for problem in problems():
        results: dict[str, Any] = {}
        for name in names:
            runs = [one_search(problem, name, n_evaluations, seed) for seed in range(seeds)]
            shares, volumes, costs = (list(column) for column in zip(*runs, strict=True))
            results[name] = {
                "share_mean": statistics.mean(shares),
                "share_quartiles": np.percentile(shares, [25, 50, 75]).tolist(),
                "hypervolume_median": statistics.median(volumes),
                "proposal_ms": statistics.median(costs),
            }
        expected = min(1.0, n_evaluations / len(problem.points)) if problem.name == "arches" else 0.0
        baseline = max(results["random"]["share_mean"], expected)
        for result in results.values():
            result["times_random"] = result["share_mean"] / baseline
        found["problems"][problem.name] = {
            "n_points": len(problem.points),
            "n_front": len(problem.front),
            "share_expected_of_random": expected or None,
            "methods": results,
        }
    found["met"] = found["problems"]["arches"]["methods"]["nsga2"]["times_random"] >= BAR
    return found


def main() -> None:
    """Measure, print tables and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=50, help="searches of each method")
    parser.add_argument("--evaluations", type=int, default=500, help="of each search")
    parser.add_argument("--vs", choices=["optuna"], help="also Optuna's NSGA-II, which takes some minutes more")
    parser.add_argument("--quick", action="store_true", help="three seeds: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    found = measure(3 if options.quick else options.seeds, options.evaluations, with_peer=options.vs == "optuna")
    for name, problem in found["problems"].items():
        expected = problem["share_expected_of_random"]
        check = "" if expected is None else f"; random search is expected to find {expected:.1%}"
        print(
            f"{problem['n_points']:,} {name}, {problem['n_front']} on the front; {found['evaluations']} evaluations, "
            f"{found['seeds']} seeds{check}"
        )
        print(f"{'':<24}{'mean share':>11}{'quartiles':>20}{'x random':>10}{'hypervolume':>13}{'ms/proposal':>13}")
        for method, result in problem["methods"].items():
            quartiles = " ".join(f"{share:.0%}".rjust(5) for share in result["share_quartiles"])
            print(
                f"{method:<24}{result['share_mean']:>11.1%}{quartiles:>20}{result['times_random']:>10.1f}"
                f"{result['hypervolume_median']:>13.4f}{result['proposal_ms']:>13.3f}"
            )
        print()
    print(f"NSGA-II over all arches: at least {BAR:g} times random search: {'yes' if found['met'] else 'no'}")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
