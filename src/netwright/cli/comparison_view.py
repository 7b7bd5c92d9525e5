"""`ComparisonView`: what a terminal shows while methods are compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from netwright.core.quantity import seconds_text
from netwright.reports.wording import plural

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

    from netwright.benchmarks import Run

__all__ = ["ComparisonView"]

_PER_SECOND = 4


class ComparisonView:
    """A few lines that are drawn again four times a second: how many runs are done, what is left, the last run.

    Use it as a context; it satisfies `benchmarks.comparing.OnRun`. When it ends it takes its lines away.

    Args:
        console: where to draw.
        clock: what time it is.
    """

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.live import Live

        self._clock = clock
        self._began = clock()
        self._kept = 0  # runs that were done before
        self._done, self._total = 0, 0
        self._last: Run | None = None
        self._live = Live(self, console=console, refresh_per_second=_PER_SECOND, transient=True)

    def __enter__(self) -> ComparisonView:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def __call__(self, run: Run | None, done: int, total: int) -> None:
        """A run is done; or, without one, this is what was done before."""
        self._done, self._total = done, total
        if run is None:
            self._kept, self._began = done, self._clock()
        else:
            self._last = run

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        table.add_column(style="cyan", no_wrap=True)
        table.add_column(ratio=1)
        if not self._total:
            table.add_row(Text("start"), Text("reading the tables"))
        else:
            bar = Table.grid(padding=(0, 1))
            bar.add_row(ProgressBar(total=self._total, completed=self._done, width=30), Text(self._left()))
            table.add_row(Text("runs"), bar)
        if self._last is not None:
            table.add_row(Text("last"), Text(_told(self._last), overflow="ellipsis", no_wrap=True))
        yield table

    def _left(self) -> str:
        """How many are done, and how long the rest will take."""
        text = f"{self._done} of {plural(self._total, 'run')}"
        if self._kept:
            text += f" ({self._kept} were there)"
        new = self._done - self._kept
        if new > 0 and self._done < self._total:
            left = (self._clock() - self._began) / new * (self._total - self._done)
            text += f", about {seconds_text(left)} left"
        return text


def _told(run: Run) -> str:
    """A run in a line."""
    result = run.error or (f"{run.values[-1]:.6g} after {run.n_queries} queries" if run.values else "nothing found")
    return f"{run.benchmark}  {run.method}  seed {run.seed}: {result}"
