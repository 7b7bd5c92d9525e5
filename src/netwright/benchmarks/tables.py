"""`Table`: metrics of many arches as arrays; `Lookup`: the evaluator that reads one; where data files are found."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from netwright.core import Arch, Candidate, Context
from netwright.core.errors import DataError, EvaluationError, InvalidInput, unknown

__all__ = ["Lookup", "Table", "data_file", "data_folder"]

Values: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_SHARED = Path(__file__).parents[3].parent / "shared" / "data"  # beside a checkout of the repository


def data_folder() -> Path:
    """The folder of tables and data sets that are no part of the package: `NETWRIGHT_DATA`, or one beside a checkout.

    Raises:
        DataError: if there is none; it says what to set.
    """
    named = os.environ.get("NETWRIGHT_DATA")
    folder = Path(named).expanduser() if named else _SHARED
    if not folder.is_dir():
        what = f"NETWRIGHT_DATA names {named!r}, which is none" if named else "the variable is not set"
        raise DataError(
            "the tables of published benchmarks don't come with the package: they are looked for in the folder that "
            f"the environment variable NETWRIGHT_DATA names, but {what}. Set it to the folder that holds them."
        )
    return folder


def data_file(name: str) -> Path:
    """A file of the data folder.

    Raises:
        DataError: if it isn't there.
    """
    path = data_folder() / name
    if not path.is_file():
        raise DataError(
            f"the table {name!r} must be in {path.parent}, but is not: put it there, or set NETWRIGHT_DATA."
        )
    return path


class Table:
    """Metrics of many arches: a column of numbers for each metric, at each fidelity.

    Args:
        columns: the values by fidelity and metric, each of shape (n_arches,); NaN where an arch has none.
        arches: the arches in the order of the values, or a function that makes them when they are first asked for.
        row: gives an arch's place, or None if it isn't there; by looking through `arches` if not given.

    Example:
        >>> table = Table({1.0: {"loss": [0.5, 0.25]}}, arches=[Arch({"x": 1}), Arch({"x": 2})])
        >>> table.metrics(Arch({"x": 2})), table.values("loss").tolist(), len(table)
        ({'loss': 0.25}, [0.5, 0.25], 2)

    Raises:
        InvalidInput: if there is no column of fidelity 1, or the columns have different lengths.
    """

    __slots__ = ("_arches", "_make_arches", "_names", "_numbers", "_row", "_size")

    def __init__(
        self,
        columns: Mapping[float, Mapping[str, Sequence[float] | Values]],
        *,
        arches: Sequence[Arch] | Callable[[], Sequence[Arch]],
        row: Callable[[Arch], int | None] | None = None,
    ) -> None:
        wrong = [fidelity for fidelity in columns if not 0 < fidelity <= 1]
        if wrong or 1.0 not in columns:
            raise InvalidInput(
                f"`columns` of a table must have fidelities in (0, 1], and 1 among them, but got {sorted(columns)}."
            )
        lengths = {len(values) for by_name in columns.values() for values in by_name.values()}
        if not callable(arches):
            lengths.add(len(arches))
        if len(lengths) != 1 or 0 in lengths:
            raise InvalidInput(f"a table needs columns of one length, but got {sorted(lengths)}.")
        self._size = lengths.pop()
        self._names = {fidelity: tuple(by_name) for fidelity, by_name in columns.items()}
        # A row at a time is read, so a row's numbers lie together.
        self._numbers: dict[float, Values] = {
            fidelity: np.stack([np.asarray(values, dtype=np.float64) for values in by_name.values()], axis=1)
            for fidelity, by_name in columns.items()
        }
        self._make_arches = arches if callable(arches) else lambda: arches
        self._arches: tuple[Arch, ...] | None = None
        self._row = row

    def __len__(self) -> int:
        return self._size

    @property
    def fidelities(self) -> tuple[float, ...]:
        """Ascending; the last is 1."""
        return tuple(sorted(self._numbers))

    @property
    def arches(self) -> tuple[Arch, ...]:
        """All arches, in the order of the values."""
        if self._arches is None:
            self._arches = tuple(self._make_arches())
        return self._arches

    def row(self, arch: Arch) -> int | None:
        """The arch's place, or None."""
        if self._row is None:
            self._row = {arch: i for i, arch in enumerate(self.arches)}.get
        return self._row(arch)

    def metrics(self, arch: Arch, fidelity: float = 1.0) -> dict[str, float]:
        """What is known of an arch at a fidelity, by metric.

        Raises:
            EvaluationError: if the table doesn't have it.
        """
        numbers = self._at(fidelity)
        row = self.row(arch)
        if row is None:
            raise EvaluationError(f"the table of {len(self)} arches doesn't have {dict(arch)}.")
        return dict(zip(self._names[fidelity], numbers[row].tolist(), strict=True))

    def values(self, metric: str, fidelity: float = 1.0) -> Values:
        """A metric of all arches at a fidelity, shape (n_arches,).

        Raises:
            EvaluationError: if the table doesn't have the fidelity.
            NotFound: if it doesn't have the metric there.
        """
        numbers = self._at(fidelity)
        names = self._names[fidelity]
        if metric not in names:
            raise unknown("metric", metric, names)
        return numbers[:, names.index(metric)].copy()

    def _at(self, fidelity: float) -> Values:
        numbers = self._numbers.get(fidelity)
        if numbers is None:
            known = ", ".join(f"{one:g}" for one in self.fidelities)
            raise EvaluationError(f"the table has the fidelities {known}, but was asked for {fidelity:g}.")
        return numbers


@dataclass(frozen=True, slots=True)
class Lookup:
    """Looks a candidate's metrics up in a table that is loaded when it is first needed, once in each process.

    What travels to workers is the loading function and its arguments, never the table.

    Attributes:
        load: a function, at the top of a module, that makes the table.
        arguments: what it is called with.

    Example:
        >>> def halves(n):
        ...     return Table({1.0: {"loss": [1 / 2**x for x in range(n)]}}, arches=[Arch({"x": x}) for x in range(n)])
        >>> Lookup(halves, (3,))(Candidate(0, Arch({"x": 2})), Context())
        {'loss': 0.25}
    """

    load: Callable[..., Table]
    arguments: tuple[Hashable, ...] = ()

    @classmethod
    def of(cls, table: Table) -> Lookup:
        """An evaluator of a table that is here already; it works in this process only."""
        return cls(lambda: table)

    @property
    def table(self) -> Table:
        """The table itself."""
        return _loaded(self.load, self.arguments)

    @property
    def fidelities(self) -> tuple[float, ...]:
        """Those that can be asked for, ascending."""
        return self.table.fidelities

    def __call__(self, candidate: Candidate, context: Context) -> Mapping[str, float]:
        """The candidate's metrics.

        Raises:
            EvaluationError: if the table doesn't have its arch, or its fidelity.
        """
        return self.table.metrics(candidate.arch, candidate.fidelity)


@lru_cache(maxsize=32)
def _loaded(load: Callable[..., Table], arguments: tuple[Hashable, ...]) -> Table:
    return load(*arguments)
