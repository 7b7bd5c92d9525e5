"""`compare`: methods × benchmarks × seeds, one run each; what is done already is not done again."""

from __future__ import annotations

import hashlib
import itertools
import math
import pickle
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from netwright.benchmarks.benchmark import Benchmark
from netwright.benchmarks.comparison import BenchmarkFacts, Comparison
from netwright.benchmarks.contenders import Contender, benchmarks_from, methods_from
from netwright.benchmarks.running import Runner, Start, reason_of
from netwright.benchmarks.runs import Journal, Run
from netwright.benchmarks.tables import Lookup
from netwright.core import Objective, Recipe
from netwright.core.errors import EvaluationError, InvalidInput
from netwright.core.protocols import PendingResult
from netwright.runtime import ProcessPool

__all__ = ["OnRun", "compare", "facts_of"]

_Wanted: TypeAlias = "tuple[str, str, int, str]"
"""Benchmark, method, seed, and the digest of what they are."""


class OnRun(Protocol):
    """Told of each run as soon as it is there."""

    def __call__(self, run: Run | None, done: int, total: int) -> None:
        """`done` of `total` runs are there; the run is None where only what was done before is told of."""
        ...


def compare(
    benchmarks: str | Benchmark | Iterable[str | Benchmark],
    methods: str | Sequence[Contender] | Mapping[str, Contender] = "all",
    *,
    seeds: int | Iterable[int] = 20,
    queries: int = 100,
    workers: int = 1,
    start: Start = "random",
    vs: str | None = None,
    jobs: int = 1,
    journal: str | Path | None = None,
    on_run: OnRun | None = None,
) -> Comparison:
    """Run each method on each benchmark with each seed, and put side by side what they found.

    A query is an evaluation that a method asks for; one that it has asked for before is asked for, paid and counted
    again (the table says how many were distinct). Times are those of a simulated clock: what the evaluations took when
    the table was made. A method that refuses a space, or breaks, is told of in the comparison and doesn't end it.
    The same arguments give the same comparison, whatever the number of jobs.

    Args:
        benchmarks: names that `netwright list benchmarks` shows, or `Benchmark` objects.
        methods: `all`; names; or a mapping from names of your own to strategies, recipes or functions of a space.
        seeds: how many (0, 1, 2 …), or which.
        queries: evaluations in each run.
        workers: simulated ones, which evaluate at the same time.
        start: `random`: no method begins with the space's default arch, which on a table is a head start (the default
            of NAS-Bench-201 is the best arch of all on CIFAR-100); `default`: those that usually do may.
        vs: `optuna` adds Optuna's samplers.
        jobs: processes that do the runs.
        journal: a file that keeps each run as soon as it is done. The runs that it has are not done again, so a
            comparison that was killed goes on, and one with more seeds or methods does only those.
        on_run: told of each run.

    Example:
        >>> from netwright import Space, integer
        >>> from netwright.benchmarks import Lookup, Table
        >>> space = Space({"x": integer(0, 7), "y": integer(0, 7)})
        >>> arches = tuple(space.enumerate())
        >>> losses = [float((a["x"] - 5) ** 2 + (a["y"] - 2) ** 2) for a in arches]
        >>> toy = Benchmark("toy", space, Lookup.of(Table({1.0: {"loss": losses}}, arches=arches)), "min:loss")
        >>> found = compare(toy, "random, local-search", seeds=10, queries=30)
        >>> [row.method for row in found.table("toy")]
        ['local_search', 'random']

    Raises:
        NotFound: for an unknown benchmark or method.
        InvalidInput: if an argument isn't what it should be.
        DataError, MissingDependency: if a table, or a package that it needs, isn't there.
        RunError: if the journal can't be read or written.
    """
    from netwright import __version__

    numbers = _seeds(seeds)
    for name, value in (("queries", queries), ("workers", workers), ("jobs", jobs)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InvalidInput(f"`{name}` must be a whole number of at least 1, but got {value!r}.")
    if start not in ("random", "default"):
        raise InvalidInput(f"`start` must be 'random' or 'default', but got {start!r}.")
    runner = Runner(benchmarks_from(benchmarks), methods_from(methods, vs=vs), queries, workers, start)
    facts = {name: facts_of(benchmark) for name, benchmark in runner.benchmarks.items()}
    recipes: dict[tuple[str, str], str] = {}
    refused: dict[tuple[str, str], str] = {}
    for pair in itertools.product(runner.benchmarks, runner.methods):
        try:
            recipes[pair] = _text_of(runner.recipe(*pair))
        except Exception as error:  # noqa: BLE001  # one method must not end the comparison of all
            refused[pair] = reason_of(error)
    digests = {pair: _digest(facts[pair[0]].digest, text) for pair, text in recipes.items()}
    wanted = [(*pair, seed, digests[pair]) for seed in numbers for pair in digests]
    done: dict[_Wanted, Run] = {}
    kept = None if journal is None else Journal(journal, version=__version__)
    if kept is not None:
        known = set(wanted)
        for run in kept:
            one = (run.benchmark, run.method, run.seed, run.digest)
            if one in known and (run.queries, run.workers) == (queries, workers):
                done[one] = run
    if on_run is not None:
        on_run(None, len(done), len(wanted))
    for run in _runs(runner, [one for one in wanted if one not in done], jobs):
        done[run.benchmark, run.method, run.seed, run.digest] = run
        if kept is not None and run.error is None:  # what broke may be repaired, and is tried again
            kept.append(run)
        if on_run is not None:
            on_run(run, len(done), len(wanted))
    return Comparison(
        benchmarks=tuple(facts.values()),
        methods=tuple(runner.methods),
        seeds=numbers,
        queries=queries,
        workers=workers,
        start=start,
        runs=tuple(done[name, method, seed, digest] for (name, method), digest in digests.items() for seed in numbers),
        refused=refused,
        recipes=recipes,
    )


def facts_of(benchmark: Benchmark) -> BenchmarkFacts:
    """What a comparison keeps of a benchmark.

    Raises:
        NotFound: if its table doesn't have the objective, the test metric or the seconds.
    """
    objective = Objective.parse(benchmark.objective)
    size = benchmark.space.size()
    values = benchmark.values(objective.metric) if math.isfinite(size) else None
    for metric in (benchmark.test_metric, benchmark.seconds_metric):
        if metric is not None and isinstance(benchmark.evaluator, Lookup):
            benchmark.values(metric)
    return BenchmarkFacts(
        name=benchmark.name,
        objective=str(objective),
        test_metric=benchmark.test_metric,
        seconds_metric=benchmark.seconds_metric,
        n_arches=size if values is None else len(values),
        optimum=None if values is None else benchmark.optimum(),
        digest=_digest(str(objective), "" if values is None else values.tobytes().hex()),
    )


def _text_of(recipe: Recipe) -> str:
    """What a recipe is made of, the same in every process."""
    text = repr(recipe.strategy)
    if recipe.evaluator is not None:
        text += f", scored by {getattr(recipe.evaluator, '__qualname__', repr(recipe.evaluator))}"
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _runs(runner: Runner, wanted: Sequence[_Wanted], jobs: int) -> Iterator[Run]:
    """The runs, in the order in which they are done."""
    if jobs == 1 or len(wanted) <= 1:
        for one in wanted:
            yield runner(*one)
        return
    try:
        pickle.dumps(runner)
    except Exception as error:
        raise InvalidInput(
            f"with jobs={jobs} the methods and benchmarks travel to other processes, but they can't "
            f"({type(error).__name__}: {error}): define functions and classes at the top of a module, or use jobs=1."
        ) from error
    with closing(ProcessPool(min(jobs, len(wanted)), threads=1)) as pool:
        left = iter(wanted)
        running: dict[PendingResult, _Wanted] = {}
        while True:
            for one in itertools.islice(left, 2 * jobs - len(running)):  # the next is there when a worker is free
                running[pool.submit(runner, *one)] = one
            if not running:
                return
            for call in pool.wait(running):
                benchmark, method, seed, digest = running.pop(call)
                try:
                    yield call.result()
                except EvaluationError as error:  # the worker died
                    yield Run(benchmark, method, seed, runner.queries, runner.workers, digest, error=reason_of(error))


def _seeds(given: Any) -> tuple[int, ...]:
    rule = "`seeds` must be a number of them, at least 1, or different whole numbers of at least 0"
    if isinstance(given, int) and not isinstance(given, bool) and given >= 1:
        return tuple(range(given))
    if isinstance(given, Iterable) and not isinstance(given, str):
        numbers = tuple(given)
        whole = all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in numbers)
        if numbers and whole and len(set(numbers)) == len(numbers):
            return numbers
    raise InvalidInput(f"{rule}, but got {given!r}.")
