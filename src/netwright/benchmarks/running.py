"""One run of a comparison: a method on a benchmark with a seed, on the simulated clock."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal, TypeAlias

from netwright.benchmarks.benchmark import Benchmark
from netwright.benchmarks.runs import Run
from netwright.core import Arch, Budget, Candidate, Context, History, Objective, Recipe, Record, Strategy
from netwright.core.errors import EvaluationError, InvalidInput, NetwrightError
from netwright.loop import Search
from netwright.methods.recipes import recipe_from
from netwright.runtime import SimulatedCluster
from netwright.strategies import StartingWith

__all__ = ["Runner", "Start", "reason_of", "without_default"]

Start: TypeAlias = Literal["random", "default"]
"""Whether methods may begin with a space's default arch. On a table that is a head start: for its authors' networks are
what people build, and the default of NAS-Bench-201 is the best arch of all on CIFAR-100."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs methods on benchmarks. Travels to worker processes, once.

    Attributes:
        benchmarks: by name.
        methods: what `recipe_from` takes, by the name that the comparison gives it.
        queries: evaluations in each run.
        workers: simulated ones, which evaluate at the same time.
        start: `default` for methods that begin with the space's default arch; `random` if none may.
    """

    benchmarks: Mapping[str, Benchmark]
    methods: Mapping[str, Any]
    queries: int
    workers: int = 1
    start: Start = "random"

    __hash__ = None  # type: ignore[assignment]  # holds mappings

    def recipe(self, benchmark: str, method: str) -> Recipe:
        """What a method is made of on a benchmark; raises where it refuses its space."""
        table = self.benchmarks[benchmark]
        recipe, _ = recipe_from(
            self.methods[method], table.space, expected_candidates=self.queries, fidelities=table.fidelities
        )
        if recipe.prepare is not None:
            raise InvalidInput(
                f"{method!r} needs data before it searches, to train a supernet or to score networks: a table has none."
            )
        return recipe if self.start == "default" else replace(recipe, strategy=without_default(recipe.strategy))

    def __call__(self, benchmark: str, method: str, seed: int, digest: str = "") -> Run:
        """The run; what goes wrong in a method is told in it, with what was found until then."""
        table = self.benchmarks[benchmark]
        watch = _Watch(table, Objective.parse(table.objective))
        _loaded(table)
        start, error = time.perf_counter(), None
        try:
            recipe = self.recipe(benchmark, method)
            evaluator = table.evaluator if recipe.evaluator is None else recipe.evaluator(table.evaluator)
            watch.own_scores = recipe.evaluator is not None
            if table.seconds_metric is None:  # each evaluation takes a second
                cluster = SimulatedCluster(self.workers, seconds=lambda _: 1.0, otherwise=1.0)
            else:
                cluster = SimulatedCluster(self.workers, seconds=table.seconds_metric)
            Search(
                table.space,
                recipe.strategy,
                evaluator,
                objectives=table.objective,
                budget=Budget(candidates=self.queries),
                executor=cluster,
                seed=seed,
                on_record=watch,
                clock=cluster.clock,
            ).run()
        except Exception as raised:  # noqa: BLE001  # one method must not end the comparison of all
            error = reason_of(raised)
        return Run(
            benchmark,
            method,
            seed,
            self.queries,
            self.workers,
            digest,
            at=tuple(watch.at),
            seconds=tuple(watch.seconds),
            values=tuple(watch.values),
            tests=tuple(watch.tests),
            n_queries=watch.n_queries,
            n_distinct=len(watch.different),
            n_failed=watch.n_failed,
            total_seconds=watch.now,
            wall_seconds=time.perf_counter() - start,
            error=error,
        )


def _loaded(benchmark: Benchmark) -> None:
    """Have what is made when it is first needed made now, so that no method pays for it."""
    arch = benchmark.space.canonical(benchmark.space.default())
    with contextlib.suppress(EvaluationError):
        benchmark.evaluator(Candidate(0, arch), Context())


@dataclass(slots=True)
class _Watch:
    """Told of each record; keeps the steps of the incumbent."""

    benchmark: Benchmark
    objective: Objective
    own_scores: bool = False
    """Whether the method scores in its own way, so that a record's metrics aren't the table's."""
    best: int | None = None
    at: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    tests: list[float] = field(default_factory=list)
    n_queries: int = 0
    n_failed: int = 0
    now: float = 0.0
    different: set[tuple[Arch, float]] = field(default_factory=set)

    def __call__(self, record: Record, history: History) -> None:
        self.n_queries += 1
        self.n_failed += not record.scored
        self.now = record.elapsed_seconds
        self.different.add((self.benchmark.space.canonical(record.arch), record.fidelity))
        best = history.best
        if best is None or best.id == self.best:
            return
        self.best = best.id
        metrics = self._in_full(best)
        test = self.benchmark.test_metric
        self.at.append(self.n_queries)
        self.seconds.append(self.now)
        self.values.append(metrics[self.objective.metric])
        self.tests.append(float("nan") if test is None else metrics.get(test, float("nan")))

    def _in_full(self, record: Record) -> Mapping[str, float]:
        """The table's metrics of an arch after full training, which the method may not know."""
        if record.fidelity == 1 and not self.own_scores:
            return record.metrics
        return self.benchmark.evaluator(Candidate(record.id, record.arch), Context())


def without_default(strategy: Strategy) -> Strategy:
    """The same strategy, not told to begin with the space's default arch; however deep it is wrapped.

    Example:
        >>> from netwright.strategies import Deduplicated, Random
        >>> without_default(Deduplicated(StartingWith(Random())))
        Deduplicated(strategy=Random(), tries=20)
    """
    if isinstance(strategy, StartingWith) and not strategy.arches:
        return without_default(strategy.strategy)
    if not is_dataclass(strategy):
        return strategy
    changes: dict[str, Any] = {}
    for one in fields(strategy):
        held = getattr(strategy, one.name)
        if not one.init:
            continue
        if hasattr(held, "propose"):
            changes[one.name] = without_default(held)
        elif isinstance(held, tuple) and any(hasattr(inner, "propose") for inner in held):
            changes[one.name] = tuple(without_default(inner) if hasattr(inner, "propose") else inner for inner in held)
    same = all(value == getattr(strategy, name) for name, value in changes.items())
    return strategy if same else replace(strategy, **changes)


def reason_of(error: Exception) -> str:
    """An error in one line; the type only where it isn't ours.

    Example:
        >>> reason_of(KeyError("x"))
        "KeyError: 'x'"
    """
    text = " ".join(str(error).split())
    return text if isinstance(error, NetwrightError) else f"{type(error).__name__}: {text}".rstrip(": ")
