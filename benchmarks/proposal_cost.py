"""What a proposal costs at 300 records, whether candidates repeat, and whether methods learn: on NAS-Bench-201.

    python benchmarks/proposal_cost.py [--seeds 20] [--methods all] [--seconds 300] [--quick] [--json]

All registered methods that propose one network after the other for a full evaluation (none that trains a shared network
first, or begins with short trainings), with their defaults, on the validation accuracy of CIFAR-10 after 200 epochs:

- cost: the median time of a proposal from 300 records of the method's own on, the loop's part included. The methods
  take turns, ten proposals each (or what there are in two seconds), so that a busy machine slows all alike; Optuna's
  TPE and GP, in studies of their own, take turns with them.
- repeats: effective arches (by the space's canonical form) among 1,000 candidates.
- conditional space: pairs of arches that differ, but are one network, among 300 candidates.
- learning: seeds on which the mean accuracy of candidates 201 to 300 is above that of 1 to 100, the median gain, and
  by how much candidates 201 to 300 are better than random ones. No network is evaluated twice, so whoever has found the
  best ones within the first hundred can only go down from there: then the last column says that something was learned.

The bars: Bayesian optimisation with a Gaussian process 20 ms; random search and regularized evolution 0.03 ms; no
repeats (but of methods whose definition asks for them), no pair, and learning on every seed (of methods that have a
model, or a population). A slow method that isn't done with a part after --seconds is judged by the candidates, or the
seeds, that there are, and they are said. The table is looked for in the folder of NETWRIGHT_DATA.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from netwright import Space, choice, integer, real, repeat
from netwright.benchmarks import Benchmark
from netwright.core import Record
from netwright.core.errors import NetwrightError, SpaceExhausted
from netwright.core.registry import benchmarks, methods
from netwright.loop import Evaluation, Search
from netwright.methods.recipes import recipe_from

BARS_MS = {"bayesian_optimisation": 20.0, "random": 0.03, "regularized_evolution": 0.03}
# Nor a population: a walk that begins anew, which the bandit has among its strategies.
NO_MODEL = ("grid", "random", "local_search", "simulated_annealing", "bandit")
ASK_FOR_REPEATS: tuple[str, ...] = ()
PEERS = ("TPESampler", "GPSampler")
N_RECORDS, N_CANDIDATES, N_CONDITIONAL = 300, 1000, 300
N_TURNS, A_TURN, TURN_SECONDS = 5, 10, 2.0
BLOCK = 100


@lru_cache(maxsize=1)
def table() -> Benchmark:
    """The benchmark, read once."""
    found: Benchmark = benchmarks["nb201-cifar10"]()
    found.space.canonical(found.space.default())  # what is computed once
    return found


def conditional_space() -> Space:
    """A space in which most decisions count only sometimes, and those that count always show in the network."""
    block = {"op": choice({"conv": {"kernel": choice([1, 3, 5])}, "pool": {"size": choice([2, 3])}, "skip": None})}
    head = choice({"wide": {"units": integer(8, 64, log=True)}, "drop": {"rate": real(0.1, 0.9)}, "plain": None})
    return Space({"blocks": repeat(block, 1, 4), "head": head}, training={"lr": real(1e-4, 1e-1, log=True)})


@dataclass(slots=True)
class Run:
    """A search by a method's recipe, one candidate at a time."""

    method: str
    space: Any
    evaluator: Callable[..., Any]
    objective: str
    seed: int = 0
    times: list[float] = field(default_factory=list)
    search: Search = field(init=False)

    def __post_init__(self) -> None:
        recipe, _ = recipe_from(self.method, self.space, expected_candidates=N_RECORDS)
        if recipe.evaluator is not None:
            self.evaluator = recipe.evaluator(self.evaluator)
        self.search = Search(self.space, recipe.strategy, objectives=self.objective, seed=self.seed)

    def step(self) -> None:
        """A proposal, timed, and its evaluation."""
        start = time.perf_counter()
        candidate = self.search.ask()
        self.times.append(time.perf_counter() - start)
        context = self.search._context_for(candidate)  # noqa: SLF001  # as the loop does
        self.search.tell(candidate, Evaluation(self.evaluator)(candidate, context))

    def steps(self, n: int, until: float = float("inf")) -> Sequence[Record]:
        """So many records, or as many as there are until a moment, or until the space is used up."""
        while len(self.search.history) < n and time.perf_counter() < until:
            try:
                self.step()
            except SpaceExhausted:
                break
        return self.search.history.records


class Peer:
    """A study of Optuna's own on the same table."""

    def __init__(self, sampler: str) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        space: Any = table().space
        self.distributions = {
            d.name: optuna.distributions.CategoricalDistribution(d.domain.values) for d in space.decisions
        }
        self.study = optuna.create_study(direction="maximize", sampler=getattr(optuna.samplers, sampler)(seed=0))
        self.times: list[float] = []

    def step(self) -> None:
        """A proposal, timed, and its evaluation."""
        from netwright import Arch, Candidate
        from netwright.core import Context

        start = time.perf_counter()
        asked = self.study.ask(self.distributions)
        self.times.append(time.perf_counter() - start)
        self.study.tell(asked, table().evaluator(Candidate(0, Arch(asked.params)), Context())["val_accuracy"])


def black_box_methods() -> list[str]:
    """The registered methods that can run here and have neither a preparation nor several fidelities."""
    found = []
    for name in methods:
        try:
            recipe, _ = recipe_from(name, table().space, expected_candidates=N_RECORDS)
        except NetwrightError as error:
            note(f"{name} is left out: {error}")
            continue
        whole = len(getattr(recipe.strategy, "fidelities", ())) < 2
        if recipe.prepare is None and whole and name != "auto_full":  # here that is the same as `auto`
            found.append(name)
    return found


def on_table(method: str, seed: int = 0) -> Run:
    """A search on NAS-Bench-201."""
    benchmark = table()
    return Run(method, benchmark.space, benchmark.evaluator, benchmark.objective, seed)


def costs(names: Sequence[str], n_records: int, n_turns: int) -> dict[str, dict[str, float]]:
    """Milliseconds of a proposal of each method and peer."""
    contenders: dict[str, Run | Peer] = {name: on_table(name) for name in names}
    try:
        contenders |= {f"optuna.{sampler}": Peer(sampler) for sampler in PEERS}
    except ImportError:
        print("Optuna is not installed, so it isn't compared: pip install 'netwright[optuna]'", file=sys.stderr)
    for name, contender in contenders.items():
        for _ in range(n_records):
            contender.step()
        contender.times.clear()
        note(f"cost: {name} has {n_records} records")
    gc.collect()
    for _ in range(n_turns):
        for contender in contenders.values():
            end = time.perf_counter() + TURN_SECONDS
            for _ in range(A_TURN):
                contender.step()
                if time.perf_counter() > end:
                    break
    return {
        name: {"median_ms": 1e3 * statistics.median(c.times), "mean_ms": 1e3 * statistics.mean(c.times)}
        for name, c in contenders.items()
    }


def repeats(name: str, n_candidates: int, seconds: float) -> dict[str, int]:
    """How many candidates there are, and how many effective arches among them."""
    run = on_table(name)
    records = run.steps(n_candidates, time.perf_counter() + seconds)
    return {"candidates": len(records), "distinct": len({run.space.canonical(record.arch) for record in records})}


def doubles(name: str, n_candidates: int, seconds: float) -> dict[str, int] | None:
    """Pairs of different arches that are one network, on a conditional space; None where the method has none of it."""
    space = conditional_space()

    def score(candidate: Any, context: Any) -> dict[str, float]:  # noqa: ARG001  # an evaluator
        return {"loss": float(sum(space.encode(candidate.arch)))}

    try:
        run = Run(name, space, score, "min:loss")
    except NetwrightError:
        return None
    arches = {record.arch for record in run.steps(n_candidates, time.perf_counter() + seconds)}
    networks = {repr((space.resolve(arch), space.training(arch))) for arch in arches}
    return {"arches": len(arches), "pairs": len(arches) - len(networks)}


def learned(name: str, seeds: int, seconds: float) -> dict[str, float]:
    """On how many seeds the last hundred of three hundred candidates are better than the first."""
    until = time.perf_counter() + seconds
    usual = statistics.mean(table().values("val_accuracy").tolist())
    gains, over_random = [], []
    for seed in range(seeds):
        accuracies = [record.metrics["val_accuracy"] for record in on_table(name, seed).steps(3 * BLOCK)]
        gains.append(statistics.mean(accuracies[2 * BLOCK :]) - statistics.mean(accuracies[:BLOCK]))
        over_random.append(statistics.mean(accuracies[2 * BLOCK :]) - usual)
        if time.perf_counter() > until:
            break
    return {
        "seeds": len(gains),
        "learned": sum(gain > 0 for gain in gains),
        "median_gain": statistics.median(gains),
        "median_over_random": statistics.median(over_random),
    }


def note(text: str) -> None:
    """How far it is, on stderr."""
    print(text, file=sys.stderr, flush=True)


def measure(names: Sequence[str], seeds: int, seconds: float, *, quick: bool) -> dict[str, Any]:
    """All figures."""
    share = 10 if quick else 1
    found: dict[str, Any] = {"costs": costs(names, N_RECORDS // share, 1 if quick else N_TURNS)}
    found |= {"repeats": {}, "conditional": {}, "learning": {}}
    for name in names:
        found["repeats"][name] = repeats(name, N_CANDIDATES // share, seconds)
        found["conditional"][name] = doubles(name, N_CONDITIONAL // share, seconds)
        found["learning"][name] = learned(name, seeds, seconds)
        note(f"{name}: {found['repeats'][name]} {found['conditional'][name]} {found['learning'][name]}")
    found["met"] = {
        "cost": all(found["costs"][name]["median_ms"] <= bar for name, bar in BARS_MS.items() if name in names),
        "repeats": all(
            one["distinct"] == one["candidates"]
            for name, one in found["repeats"].items()
            if name not in ASK_FOR_REPEATS
        ),
        "conditional": all(one is None or one["pairs"] == 0 for one in found["conditional"].values()),
        "learning": all(
            one["learned"] == one["seeds"] for name, one in found["learning"].items() if name not in NO_MODEL
        ),
    }
    return found


def report(found: dict[str, Any]) -> None:
    """A table for people."""
    titles = f"{'distinct':>14}{'pairs':>10}{'learns':>10}{'gain':>7}{'over random':>13}"
    print(f"{'':24}{'ms a proposal':>14}{'mean':>9}{'bar':>7}{titles}")
    for name, cost in found["costs"].items():
        line = f"{name:<24}{cost['median_ms']:>14.4f}{cost['mean_ms']:>9.3f}{BARS_MS.get(name, ''):>7}"
        if name in found["repeats"]:
            distinct, pairs, learns = (found[part].get(name) for part in ("repeats", "conditional", "learning"))
            line += f"{distinct['distinct']:>7} of {distinct['candidates']:<4}"
            line += f"{pairs['pairs'] if pairs else 'refused':>8}"
            line += f"{learns['learned']:>5} of {learns['seeds']:<3}{learns['median_gain']:>5.1f}"
            line += f"{learns['median_over_random']:>13.1f}"
        print(line)
    print("the bars are met: " + ", ".join(f"{part} {'yes' if met else 'no'}" for part, met in found["met"].items()))


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20, help="searches of each method, for learning")
    parser.add_argument("--methods", default="all", help="names, with commas")
    parser.add_argument("--seconds", type=float, default=300.0, help="most that each part may take for a method")
    parser.add_argument("--quick", action="store_true", help="a tenth of the records, one seed: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    names = black_box_methods() if options.methods == "all" else options.methods.replace("-", "_").split(",")
    try:
        found = measure(names, 1 if options.quick else options.seeds, options.seconds, quick=options.quick)
    except NetwrightError as error:
        sys.exit(f"error: {error}")
    report(found)
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
