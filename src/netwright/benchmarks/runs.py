"""`Run`: what one method found on one benchmark with one seed; `Journal`: the runs of a comparison, safe to kill."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from netwright.core.errors import RunError

__all__ = ["Journal", "Run"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Run:
    """One method with one seed on one benchmark: its incumbents, and what it used.

    An incumbent is the best arch so far by the objective; it is told as the steps at which it changed.

    Attributes:
        benchmark, method, seed, queries, workers: what was asked for.
        digest: of the strategy and the table: another one means another run, whatever its name.
        at: after which query (from 1) each incumbent was found.
        seconds: when, on the simulated clock.
        values: the objective's metric of each incumbent after full training.
        tests: its test metric, or NaN.
        n_queries: how many evaluations there were: fewer than asked for if the method found nothing new to propose.
        n_distinct: how many different networks were evaluated; what is evaluated twice counts twice as a query.
        n_failed: how many evaluations gave nothing.
        total_seconds: of the simulated clock, until the last evaluation was done.
        wall_seconds: of real time, nearly all of it the method's own; not part of what makes runs equal.
        error: what broke the run off, if anything did.

    Example:
        >>> run = Run("toy", "random", 0, 5, 1, at=(1, 4), seconds=(1.0, 4.0), values=(0.5, 0.25), tests=(0.6, 0.3))
        >>> run.by_query().tolist()
        [0.5, 0.5, 0.5, 0.25, 0.25]
        >>> run.by_time(np.array([0.5, 1.5, 9.0])).tolist()
        [nan, 0.5, 0.25]
    """

    benchmark: str
    method: str
    seed: int
    queries: int
    workers: int
    digest: str = ""
    at: tuple[int, ...] = ()
    seconds: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    tests: tuple[float, ...] = ()
    n_queries: int = 0
    n_distinct: int = 0
    n_failed: int = 0
    total_seconds: float = 0.0
    wall_seconds: float = field(default=0.0, compare=False)
    error: str | None = None

    def by_query(self, *, test: bool = False) -> Numbers:
        """The incumbent's value (or test metric) after each query, shape (queries,); NaN before there is one."""
        return self._steps(np.asarray(self.at, dtype=np.float64), np.arange(1.0, self.queries + 1), test=test)

    def by_time(self, moments: Numbers, *, test: bool = False) -> Numbers:
        """The incumbent's value (or test metric) at moments of the simulated clock; NaN before there is one."""
        return self._steps(np.asarray(self.seconds, dtype=np.float64), moments, test=test)

    def _steps(self, starts: Numbers, asked: Numbers, *, test: bool) -> Numbers:
        values = np.asarray((np.nan, *(self.tests if test else self.values)), dtype=np.float64)
        return values[np.searchsorted(starts, asked, side="right")]

    def to_plain(self) -> dict[str, Any]:
        """As JSON knows it: NaN is null."""
        plain = asdict(self)
        plain["tests"] = [None if value != value else value for value in self.tests]  # noqa: PLR0124  # NaN
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Run:
        """The run that `to_plain` gave.

        Raises:
            KeyError, TypeError: if it is something else.
        """
        given = {one.name: plain[one.name] for one in fields(cls)}
        for name in ("at", "seconds", "values", "tests"):
            given[name] = tuple(float("nan") if value is None else value for value in given[name])
        return cls(**given)


class Journal:
    """Runs in a file, one a line, each written as soon as it is done.

    A line that was cut off by a kill is passed over. What another version of netwright wrote stays in the file, but is
    not read: a method may do something else there.

    Args:
        path: the file; it is made, with its folder, when the first run is written.
        version: of the package that makes the runs.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     journal = Journal(Path(folder) / "runs.jsonl", version="0.1.0")
        ...     journal.append(Run("toy", "random", 0, 5, 1))
        ...     [run.method for run in Journal(journal.path, version="0.1.0")], list(Journal(journal.path, version="2"))
        (['random'], [])
    """

    def __init__(self, path: str | Path, *, version: str) -> None:
        self.path = Path(path)
        self.version = version

    def __iter__(self) -> Iterator[Run]:
        """The runs, in the order in which they were written.

        Raises:
            RunError: if the file can't be read, or holds something else.
        """
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"the runs in {self.path} can't be read: {error}.") from error
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                plain = json.loads(line)
                if plain["format"] != _FORMAT or plain["netwright"] != self.version:
                    continue
                run = Run.from_plain(plain)
            except (ValueError, KeyError, TypeError) as error:
                if '{"format"'.startswith(line[:9]):
                    continue  # begun, and cut off by a kill
                raise RunError(
                    f"line {number} of {self.path} is no run of a comparison ({type(error).__name__}): it is another "
                    "file; choose another folder."
                ) from error
            yield run

    def append(self, run: Run) -> None:
        """Write a run; it is in the file when this returns.

        Raises:
            RunError: if the file can't be written.
        """
        line = json.dumps({"format": _FORMAT, "netwright": self.version, **run.to_plain()}, separators=(",", ":"))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                if file.tell() and _last_byte(file) != b"\n":
                    line = f"\n{line}"  # after a line that was cut off
                file.write(f"{line}\n".encode())
        except OSError as error:
            raise RunError(f"the runs can't be written to {self.path}: {error.strerror}. Choose another folder.") from (
                error
            )


def _last_byte(file: Any) -> bytes:
    file.seek(-1, 2)
    found: bytes = file.read(1)
    file.seek(0, 2)
    return found
