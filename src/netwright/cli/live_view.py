"""`LiveView`: what a terminal shows while a search runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from netwright.core import Budget, History, Record
from netwright.core.quantity import seconds_text
from netwright.reports.wording import decisions_text, metric_text, plural

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = ["LiveView", "facts_line"]

_STAGES = {
    "measure": "measure",
    "prepare": "preparation",
    "search": "search",
    "final": "final training",
    "write": "write",
}
_PER_SECOND = 4


class LiveView:
    """A few lines that are drawn again four times a second: stage, candidate, best so far, what is left of the budget.

    Use it as a context; it satisfies `automl.Progress`. When it ends it leaves the facts of the search on the screen
    and takes the moving lines away.

    Args:
        console: where to draw.
        budget: of the search; None where it isn't known (yet).
        started: the time from which the budget counts.
        clock: what time it is.
    """

    def __init__(
        self,
        console: Console,
        *,
        budget: Budget | None = None,
        started: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        from rich.live import Live

        self._console = console
        self._clock = clock
        self._budget = budget
        self._began = clock() if started is None else started
        self._stage, self._text = "start", "loading torch and the data"
        self._history: History | None = None
        self._last: Record | None = None
        self._counted = 0
        self._epochs: tuple[int, int, Mapping[str, float]] | None = None
        self._live = Live(self, console=console, refresh_per_second=_PER_SECOND, transient=True)

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    # What the search tells (`automl.Progress`) ------------------------------------------------------------------

    def started(self, facts: Mapping[str, Any]) -> None:
        """Print what is being searched, with which notes about the data."""
        from rich.text import Text

        if self._budget is None and facts.get("budget"):
            self._budget = Budget.of(str(facts["budget"]))
        self._console.print(Text(facts_line(facts), style="bold"))
        for note in facts.get("notes") or ():
            self._console.print(Text(f"  {note}", style="dim"))

    def stage(self, name: str, text: str = "") -> None:
        """What happens now."""
        self._stage, self._text = _STAGES.get(name, name), text
        if name != "final":
            self._epochs = None

    def record(self, record: Record, history: History, elapsed: float, limit: float | None) -> None:
        """A candidate is done."""
        self._last, self._history = record, history
        self._counted = history.fold("live view: counted", _count, int)
        self._began = self._clock() - elapsed

    def epoch(self, done: int, total: int, values: Mapping[str, float]) -> None:
        """An epoch of the final training is done."""
        self._epochs = (done, total, values)

    def finished(self, result: Any) -> None:
        """The moving lines have nothing more to say."""
        self._stage, self._text = "done", ""

    # How it looks -----------------------------------------------------------------------------------------------

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        rows: list[tuple[str, Any]] = []
        share, left = self._used()
        if share is not None:
            bar = Table.grid(padding=(0, 1))
            bar.add_row(ProgressBar(total=1.0, completed=share, width=30), Text(left))
            rows.append(("budget", bar))
        rows.append((self._stage, self._doing()))
        rows += [(name, Text(text, overflow="ellipsis", no_wrap=True)) for name, text in self._found()]
        table = Table.grid(padding=(0, 2))
        table.add_column(style="cyan", no_wrap=True, min_width=max(map(len, _STAGES.values())))
        table.add_column(ratio=1)
        for name, content in rows:
            table.add_row(Text(name), content)
        yield table

    def _used(self) -> tuple[float | None, str]:
        """The share of the budget that is used, and what is left in words."""
        budget, elapsed = self._budget, self._clock() - self._began
        if budget is None:
            return None, ""
        shares, left = [], []
        if budget.seconds is not None:
            shares.append(elapsed / budget.seconds)
            left.append(f"{seconds_text(max(0.0, budget.seconds - elapsed))} left of {seconds_text(budget.seconds)}")
        if budget.candidates is not None:
            shares.append(self._counted / budget.candidates)
            left.append(f"{self._counted} of {plural(budget.candidates, 'candidate')}")
        return min(1.0, max(shares)), ", ".join(left)

    def _doing(self) -> Any:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        if self._epochs is None:
            done = len(self._history) if self._history else 0
            candidate = plural(done, "candidate") + " so far" if self._stage == "search" else ""
            return Text(", ".join(filter(None, [self._text, candidate])), overflow="ellipsis", no_wrap=True)
        done, total, values = self._epochs
        line = Table.grid(padding=(0, 1))
        line.add_row(
            ProgressBar(total=max(1, total), completed=done, width=30),
            Text(f"epoch {done} of {total}  {_metrics_text(values)}", overflow="ellipsis", no_wrap=True),
        )
        return line

    def _found(self) -> list[tuple[str, str]]:
        """The last candidate and the best so far."""
        history, last = self._history, self._last
        if history is None or last is None:
            return []
        rows = [("last", f"#{last.id}  {_score_text(last, history)}  {seconds_text(last.wall_seconds)}")]
        best = history.best
        if best is not None:
            params = metric_text("params", best.metrics["params"]) + " parameters" if "params" in best.metrics else ""
            rows.append(("best", "  ".join(filter(None, [f"#{best.id}", _score_text(best, history), params]))))
            rows.append(("", decisions_text(best.arch)))
        return rows


def _count(counted: int, record: Record) -> int:
    """What the budget counts: candidates that were refused by a constraint don't."""
    return counted + (record.status != "infeasible")


def facts_line(facts: Mapping[str, Any]) -> str:
    """What is searched, in one line.

    Example:
        >>> facts_line({"data": "digits", "space": "cnn", "size": 12, "method": "random", "budget": "1m 0s", "seed": 0})
        'digits, space cnn (12 arches), method random, budget 1m 0s, seed 0'
    """
    size = facts.get("size")
    space = str(facts.get("space") or "")
    if isinstance(size, (int, float)) and size > 0:
        space += f" ({'endless' if size == float('inf') else plural(int(size), 'arch', 'arches')})"
    parts = [
        str(facts.get("data") or ""),
        space and f"space {space}",
        facts.get("method") and f"method {facts['method']}",
        facts.get("budget") and f"budget {facts['budget']}",
        f"seed {facts['seed']}" if facts.get("seed") is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def _score_text(record: Record, history: History) -> str:
    """A record's objectives, or why it has none."""
    if not record.scored:
        return " ".join(filter(None, [record.status, record.error and record.error.partition("\n")[0]]))
    return _metrics_text(
        {
            objective.metric: objective.value(loss)
            for objective, loss in zip(history.objectives, record.losses, strict=True)
        }
    )


def _metrics_text(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {metric_text(name, value)}" for name, value in values.items())
