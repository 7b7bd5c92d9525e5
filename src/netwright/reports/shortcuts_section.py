"""The section about shortcuts: epochs that a stopping rule saved, how often it was right, what children inherited."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from netwright.core.record import Record
from netwright.reports.findings import wilson_interval
from netwright.reports.markup import Markup, element, facts, joined
from netwright.reports.report_data import ReportData
from netwright.reports.wording import plural

__all__ = ["Inherited", "Stopped", "shortcuts"]


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a stopping rule did in a search.

    Attributes:
        n_candidates: trained with the rule in force.
        n_stopped: ended by it.
        epochs, epochs_saved: trained, and not trained because of it.
        n_checked: candidates that it would have stopped, but that were trained to their end to check it.
        n_wrong: of those, the ones that became the best so far.

    Example:
        >>> from netwright.core import Arch
        >>> metrics = {"epochs": 5.0, "epochs_saved": 15.0, "stop_epoch": 5.0}
        >>> found = Stopped.of([Record(0, Arch({}), metrics=metrics, losses=(0.5,), status="partial")])
        >>> found.n_stopped, found.share_saved
        (1, 0.75)
    """

    n_candidates: int
    n_stopped: int
    epochs: int
    epochs_saved: int
    n_checked: int
    n_wrong: int

    @classmethod
    def of(cls, records: Sequence[Record]) -> Stopped:
        """From the records, in the order in which they came in."""
        told = [record for record in records if record.scored and "epochs_saved" in record.metrics]
        n_checked, n_wrong, best = 0, 0, math.inf
        for record in told:
            if record.status != "ok":
                continue
            if record.metrics["stop_epoch"] > 0:
                n_checked += 1
                n_wrong += record.loss < best
            best = min(best, record.loss)
        return cls(
            len(told),
            sum(record.metrics["epochs_saved"] > 0 for record in told),
            round(sum(record.metrics["epochs"] for record in told)),
            round(sum(record.metrics["epochs_saved"] for record in told)),
            n_checked,
            n_wrong,
        )

    @property
    def share_saved(self) -> float:
        """Of all epochs that there would have been."""
        return self.epochs_saved / max(1, self.epochs + self.epochs_saved)


@dataclass(frozen=True, slots=True)
class Inherited:
    """What children had from their parents.

    Attributes:
        n_children: candidates with a parent.
        n_inherited: those that began with weights of it.
        share: of their weights that came from the parent, on average over those.
    """

    n_children: int
    n_inherited: int
    share: float

    @classmethod
    def of(cls, records: Sequence[Record]) -> Inherited:
        """From the records."""
        told = [record.metrics["inherited"] for record in records if "inherited" in record.metrics]
        taken = [share for share in told if share > 0]
        children = sum(record.parent is not None and "inherited" in record.metrics for record in records)
        return cls(children, len(taken), sum(taken) / max(1, len(taken)))


def shortcuts(data: ReportData) -> Markup:
    """What was saved, and how far it can be trusted; '' where nothing was asked for."""
    records = data.records
    cards = []
    stopped = Stopped.of(records)
    if stopped.n_candidates:
        cards.append(_stopped(stopped))
    if any("inherited" in record.metrics for record in records):
        cards.append(_inherited(Inherited.of(records)))
    about = (
        "Candidates were not all trained from fresh weights to the end. This is what that saved, and what it may cost."
    )
    return joined([element("p", about, class_="about"), element("div", *cards, class_="two")]) if cards else Markup()


def _stopped(found: Stopped) -> Markup:
    rows = [
        ("stopped", f"{found.n_stopped:,} of {plural(found.n_candidates, 'candidate')}"),
        ("epochs saved", f"{found.epochs_saved:,} of {found.epochs + found.epochs_saved:,} ({found.share_saved:.0%})"),
        ("checked", plural(found.n_checked, "candidate") + " trained to the end all the same"),
    ]
    if found.n_checked:
        right = found.n_checked - found.n_wrong
        low, high = wilson_interval(right / found.n_checked, found.n_checked)
        rows.append(("rule was right", f"{right} of {found.n_checked} (95 % interval {low:.0%} to {high:.0%})"))
        what = "Right means: trained to the end, the candidate did not become the best so far."
    else:
        what = "No stopped candidate was trained to the end, so how often the rule was right is not known."
    return element("div", element("h3", "Stopping rule"), facts(rows), element("p", what), class_="card")


def _inherited(found: Inherited) -> Markup:
    rows = [
        ("children", plural(found.n_children, "candidate") + " with a parent"),
        ("began with its weights", f"{found.n_inherited:,}"),
        ("share of their weights", f"{found.share:.0%} on average" if found.n_inherited else ""),
    ]
    what = (
        "A child's result owes something to the training of all its ancestors, so it is no measure of what its arch "
        "reaches from fresh weights; the final training begins with those."
        if found.n_inherited
        else "Nobody inherited: this method's candidates have no parents, or their checkpoints were gone."
    )
    return element("div", element("h3", "Inherited weights"), facts(rows), element("p", what), class_="card")
