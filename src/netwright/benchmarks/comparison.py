"""`Comparison`: what several methods found on several benchmarks, as data; drawing is done elsewhere."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np

from netwright.benchmarks import statistics
from netwright.benchmarks.runs import Run
from netwright.benchmarks.standings import Difference, Standing, differences_of, standing_of
from netwright.core import Objective
from netwright.core.errors import InvalidInput, RunError, unknown

__all__ = ["BenchmarkFacts", "Comparison"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
T = TypeVar("T")
_Pair: TypeAlias = "tuple[str, str]"

_FORMAT = "netwright comparison 1"


@dataclass(frozen=True, slots=True)
class BenchmarkFacts:
    """What a comparison knows of a benchmark, so that it can be read where the table isn't.

    Attributes:
        name, objective, test_metric, seconds_metric: the benchmark's.
        n_arches: how many there are; infinite with a real number.
        optimum: the best value in the table, where it is known.
        digest: of the table's values.
    """

    name: str
    objective: str
    test_metric: str | None = None
    seconds_metric: str | None = None
    n_arches: float = math.inf
    optimum: float | None = None
    digest: str = ""

    @property
    def goal(self) -> Objective:
        """The objective as such."""
        return Objective.parse(self.objective)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The runs of several methods on several benchmarks with the same seeds, and what follows from them.

    Attributes:
        benchmarks: on what.
        methods: who, in the order in which they were given.
        seeds: the seeds of each method on each benchmark.
        queries: evaluations in each run.
        workers: simulated ones, in each run.
        start: `default` where methods might begin with the space's default arch, else `random`.
        runs: what was found; none where a method refuses a benchmark's space.
        refused: why, by benchmark and method.
        recipes: what each method is made of, by benchmark and method.

    Example:
        >>> facts = BenchmarkFacts("toy", "min:loss", optimum=0.0)
        >>> good = [Run("toy", "good", seed, 3, 1, at=(1,), values=(0.0,), n_queries=3) for seed in (0, 1)]
        >>> bad = [Run("toy", "bad", seed, 3, 1, at=(1, 3), values=(9.0, 4.0), n_queries=3) for seed in (0, 1)]
        >>> found = Comparison(
        ...     benchmarks=(facts,), methods=("bad", "good"), seeds=(0, 1), queries=3, workers=1, runs=(*good, *bad)
        ... )
        >>> [(row.method, row.median, row.mean_rank) for row in found.table("toy")]
        [('good', 0.0, 1.0), ('bad', 4.0, 2.0)]
        >>> found.values("toy", "bad").tolist()
        [[9.0, 9.0, 4.0], [9.0, 9.0, 4.0]]
    """

    benchmarks: tuple[BenchmarkFacts, ...]
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    queries: int
    workers: int
    runs: tuple[Run, ...]
    start: str = "random"
    refused: Mapping[_Pair, str] = field(default_factory=dict)
    recipes: Mapping[_Pair, str] = field(default_factory=dict)
    _places: Mapping[_Pair, tuple[Run, ...]] = field(init=False, repr=False, compare=False)
    _made: dict[Any, Any] = field(init=False, repr=False, compare=False, default_factory=dict)
    """What was worked out before: nothing here ever changes."""

    __hash__ = None  # type: ignore[assignment]  # holds mappings

    def __post_init__(self) -> None:
        by_seed = {(run.benchmark, run.method, run.seed): run for run in self.runs}
        places: dict[_Pair, tuple[Run, ...]] = {}
        missing = []
        for facts in self.benchmarks:
            for method in self.methods:
                if (facts.name, method) in self.refused:
                    continue
                found = [by_seed.get((facts.name, method, seed)) for seed in self.seeds]
                missing += [f"{facts.name} {method} {s}" for s, run in zip(self.seeds, found, strict=True) if not run]
                places[facts.name, method] = tuple(run for run in found if run is not None)
        if missing or len(by_seed) != len(self.runs):
            raise InvalidInput(
                "a comparison needs one run for each benchmark, method and seed, but "
                + (f"these are missing: {', '.join(missing[:5])}." if missing else "some are there twice.")
            )
        object.__setattr__(self, "_places", places)  # frozen: what follows from the given is settled once, here

    def facts(self, benchmark: str) -> BenchmarkFacts:
        """What is known of a benchmark.

        Raises:
            NotFound: if it isn't in the comparison.
        """
        known = {facts.name: facts for facts in self.benchmarks}
        if benchmark not in known:
            raise unknown("benchmark", benchmark, known)
        return known[benchmark]

    def runs_of(self, benchmark: str, method: str) -> tuple[Run, ...]:
        """The runs of a method on a benchmark in the order of the seeds; none where it refuses the space.

        Raises:
            NotFound: if one of the two isn't in the comparison.
        """
        self.facts(benchmark)
        if method not in self.methods:
            raise unknown("method", method, self.methods)
        return self._places.get((benchmark, method), ())

    def ran(self, benchmark: str) -> tuple[str, ...]:
        """The methods that have runs on a benchmark."""
        return tuple(method for method in self.methods if self.runs_of(benchmark, method))

    def values(self, benchmark: str, method: str, *, test: bool = False) -> Numbers:
        """The objective's metric (or the test metric) of the incumbent after each query, shape (seeds, queries).

        NaN before the first incumbent. After a method has ended before its last query, its incumbent stays.
        """
        runs = self.runs_of(benchmark, method)
        return np.array([run.by_query(test=test) for run in runs]).reshape(len(runs), self.queries)

    def values_by_time(self, benchmark: str, method: str, moments: Iterable[float], *, test: bool = False) -> Numbers:
        """The same at moments of the simulated clock, shape (seeds, moments)."""
        asked = np.asarray(tuple(moments), dtype=np.float64)
        runs = self.runs_of(benchmark, method)
        return np.array([run.by_time(asked, test=test) for run in runs]).reshape(len(runs), len(asked))

    def losses(self, benchmark: str, methods: Iterable[str] | None = None) -> Numbers:
        """What is minimised, shape (methods, seeds, queries): infinite before the first incumbent.

        Args:
            benchmark: its name.
            methods: those of `ran` if not given.
        """
        names = self.ran(benchmark) if methods is None else tuple(methods)
        return self._once(("losses", benchmark, names), lambda: self._losses(benchmark, names))

    def _losses(self, benchmark: str, names: tuple[str, ...]) -> Numbers:
        goal = self.facts(benchmark).goal
        values = np.array([self.values(benchmark, name) for name in names])
        values = values.reshape(len(names), len(self.seeds), self.queries)
        return np.where(np.isnan(values), np.inf, -values if goal.direction == "max" else values)

    def table(self, benchmark: str | None = None) -> list[Standing]:
        """How each method did on a benchmark, the best mean rank first; last those that refuse it.

        Args:
            benchmark: its name; may be left out where there is only one.
        """
        if benchmark is None:
            if len(self.benchmarks) > 1:
                names = ", ".join(facts.name for facts in self.benchmarks)
                raise InvalidInput(f"`benchmark` must be one of {names}, but none was given.")
            benchmark = self.benchmarks[0].name
        name = benchmark
        return list(self._once(("table", name), lambda: self._table(name)))

    def _table(self, benchmark: str) -> list[Standing]:
        names = self.ran(benchmark)
        losses = self.losses(benchmark, names)
        ranks = statistics.ranks(losses)
        facts = self.facts(benchmark)
        rows = [
            standing_of(self.runs_of(benchmark, name), losses[i], ranks[i], facts.goal, facts.optimum)
            for i, name in enumerate(names)
        ]
        rows.sort(key=lambda row: (row.mean_rank, row.anytime_rank, row.method))
        refused = [name for name in self.methods if name not in names]
        return rows + [Standing(name, error=self.refused[benchmark, name]) for name in refused]

    def ranks(self, *, query: int | None = None) -> dict[str, float]:
        """The mean rank of each method over all benchmarks and seeds, the best first; methods that refuse one: none.

        Args:
            query: after how many queries; the last if not given.
        """
        curve = self.rank_curves()
        place = self.queries if query is None else query
        if not 1 <= place <= self.queries:
            raise InvalidInput(f"`query` must be in 1..{self.queries}, but got {query!r}.")
        found = {name: float(values[place - 1]) for name, values in curve.items()}
        return dict(sorted(found.items(), key=lambda item: (item[1], curve[item[0]].mean(), item[0])))

    def rank_curves(self) -> dict[str, Numbers]:
        """The mean rank over all benchmarks and seeds after each query, shape (queries,).

        Of the methods that have runs on every benchmark.
        """
        return dict(self._once("rank curves", self._rank_curves))

    def _rank_curves(self) -> dict[str, Numbers]:
        names = self._everywhere()
        if not names:
            return {}
        ranked = [statistics.ranks(self.losses(facts.name, names)).mean(axis=1) for facts in self.benchmarks]
        return dict(zip(names, np.mean(ranked, axis=0), strict=True))

    def significance(self, benchmark: str | None = None) -> list[Difference]:
        """Every pair of methods, after the last query: which is better, and is it more than chance?

        Wilcoxon's signed-rank test on the seeds as pairs, two-sided; the p values are corrected for the number of pairs
        (Holm). Over several benchmarks, whose values can't be compared, ranks take the place of values.

        Args:
            benchmark: its name; all of them together if not given.
        """
        return list(self._once(("significance", benchmark), lambda: self._significance(benchmark)))

    def _significance(self, benchmark: str | None) -> list[Difference]:
        if benchmark is not None or len(self.benchmarks) == 1:
            name = self.benchmarks[0].name if benchmark is None else benchmark
            return differences_of(self.ran(name), self.losses(name)[:, :, -1])
        names = self._everywhere()
        blocks = [statistics.ranks(self.losses(facts.name, names)[:, :, -1]) for facts in self.benchmarks]
        return differences_of(names, np.concatenate(blocks, axis=1))

    def _once(self, key: Any, make: Callable[[], T]) -> T:
        if key not in self._made:
            self._made[key] = make()
        found: T = self._made[key]
        return found

    def _everywhere(self) -> tuple[str, ...]:
        return tuple(name for name in self.methods if all(name in self.ran(facts.name) for facts in self.benchmarks))

    def save(self, path: str | Path) -> Path:
        """Write everything to a `.json.gz` file: the incumbents of each run, a few hundred bytes a run.

        Raises:
            RunError: if it can't be written.
        """
        target = Path(path)
        plain = {
            "format": _FORMAT,
            "benchmarks": [_finite(asdict(facts)) for facts in self.benchmarks],
            "methods": list(self.methods),
            "seeds": list(self.seeds),
            "queries": self.queries,
            "workers": self.workers,
            "start": self.start,
            "refused": [[*pair, reason] for pair, reason in self.refused.items()],
            "recipes": [[*pair, text] for pair, text in self.recipes.items()],
            "runs": [run.to_plain() for run in self.runs],
        }
        text = json.dumps(plain, separators=(",", ":"), allow_nan=False)
        part = target.with_name(f"{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(gzip.compress(text.encode(), mtime=0))
            part.replace(target)
        except OSError as error:
            raise RunError(f"the comparison can't be written to {target}: {error.strerror}.") from error
        return target

    @classmethod
    def load(cls, path: str | Path) -> Comparison:
        """The comparison that `save` wrote; the tables aren't needed.

        Raises:
            RunError: if the file can't be read, or holds something else.
        """
        try:
            plain = json.loads(gzip.decompress(Path(path).read_bytes()))
            if plain["format"] != _FORMAT:
                raise RunError(f"{path} has the format {plain['format']!r}, and only {_FORMAT!r} can be read.")
            return cls(
                benchmarks=tuple(_facts(one) for one in plain["benchmarks"]),
                methods=tuple(plain["methods"]),
                seeds=tuple(plain["seeds"]),
                queries=plain["queries"],
                workers=plain["workers"],
                start=plain["start"],
                runs=tuple(map(Run.from_plain, plain["runs"])),
                refused={(benchmark, method): reason for benchmark, method, reason in plain["refused"]},
                recipes={(benchmark, method): text for benchmark, method, text in plain["recipes"]},
            )
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{path} is no comparison that was saved ({type(error).__name__}: {error}).") from error


def _finite(plain: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity."""
    return {name: None if value == math.inf else value for name, value in plain.items()}


def _facts(plain: Mapping[str, Any]) -> BenchmarkFacts:
    given = {one.name: plain[one.name] for one in fields(BenchmarkFacts)}
    given["n_arches"] = math.inf if given["n_arches"] is None else given["n_arches"]
    return BenchmarkFacts(**given)
