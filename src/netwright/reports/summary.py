"""The result in words: the headline of the page and the last lines that a terminal shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from netwright.core.quantity import seconds_text
from netwright.core.record import Record, Status
from netwright.oneshot.alarms import alarms
from netwright.reports.findings import final_interval, grouped_failures
from netwright.reports.report_data import ReportData
from netwright.reports.wording import decided_text, difference_text, metric_text, plural

__all__ = ["counts_text", "gain_text", "headline", "interval_text", "summary_lines"]


def headline(data: ReportData) -> str:
    """What was found, in one or two sentences; or what kept anything from being found.

    Example:
        >>> from netwright.core import Arch, Objective, Record
        >>> records = [
        ...     Record(0, Arch({"w": 8}), losses=(-0.91,)),
        ...     Record(1, Arch({"w": 9}), status="failed", error="NaN"),
        ... ]
        >>> headline(ReportData(history=records, objectives=(Objective("accuracy", "max"),)))
        'The best of 2 candidates (#0) reaches accuracy 91.00 % in the search.'
    """
    records, metric, best = data.records, data.objective.metric, data.winner
    so_far = " so far" if data.running else ""
    if not records:
        return (
            "No candidate has been evaluated yet." if data.running else "The search ended without a single candidate."
        )
    if best is None or not best.scored:
        if any(record.scored or record.status == "infeasible" for record in records):
            limits = ", ".join(map(str, data.constraints)) or "the limits"
            return f"No candidate{so_far} keeps {limits}: {counts_text(data)}."
        groups = grouped_failures(records)
        reason = f" The most common reason: {groups[0].reason.rstrip('.')}." if groups else ""
        return f"No candidate{so_far} has a result: {counts_text(data)}.{reason}"
    found = data.value(best)
    candidates = plural(len(records), "candidate")
    subject = (
        f"The only candidate{so_far} (#{best.id})"
        if len(records) == 1
        else f"The best of {candidates}{so_far} (#{best.id})"
    )
    final = data.final
    if final is None or metric not in final.metrics:
        return f"{subject} reaches {metric} {metric_text(metric, found)} in the search."
    examples = f"{final.n_examples:,} examples" if final.n_examples else "data"
    interval = final_interval(data)
    value = metric_text(metric, final.metrics[metric])
    text = f"{subject} reaches {metric} {value} on {examples} that the search never saw"
    return f"{text} ({interval_text(interval)})." if interval else f"{text}."


def interval_text(interval: tuple[float, float]) -> str:
    """A 95 % interval of a share, as percentages.

    Example:
        >>> interval_text((0.9597, 0.9902))
        '95 % interval 95.97 to 99.02 %'
    """
    return f"95 % interval {100 * interval[0]:.2f} to {100 * interval[1]:.2f} %"


def counts_text(data: ReportData) -> str:
    """How many candidates ended how."""
    counts = Counter(record.status for record in data.records)
    names: dict[Status, str] = {
        "ok": "evaluated",
        "partial": "stopped early",
        "infeasible": "outside the limits",
        "failed": "failed",
    }
    return (
        ", ".join(f"{counts[status]:,} {text}" for status, text in names.items() if counts[status]) or "no candidates"
    )


def gain_text(data: ReportData) -> str:
    """How much better than the space's default arch the winner was in the search; '' where that is unknown."""
    best, baseline = data.winner, data.baseline
    if best is None or baseline is None:
        return ""
    found, reference = data.value(best), data.value(baseline)
    if found is None:
        return ""
    if reference is None:
        return "the default arch has no result to compare with"
    if best.arch == baseline.arch:
        return "the default arch itself is the best found"
    metric = data.objective.metric
    text = f"{difference_text(metric, found, reference)} against the default arch ({metric_text(metric, reference)})"
    if baseline.violation > 0:
        text += ", which breaks a limit"
    if best.fidelity != baseline.fidelity:
        text += f", which had fidelity {baseline.fidelity:.3g} against {best.fidelity:.3g}"
    return text


def summary_lines(data: ReportData, *, files: Mapping[str, str] | None = None) -> list[str]:
    """The result of a search for a terminal, line by line; `files` says where what lies, by what it is.

    Example:
        >>> from netwright.core import Arch, Objective, Record
        >>> records = [Record(0, Arch({"w": 8}), metrics={"params": 1200}, losses=(-0.91,), elapsed_seconds=3)]
        >>> data = ReportData(history=records, objectives=(Objective("accuracy", "max"),), name="digits")
        >>> for line in summary_lines(data, files={"report": "runs/digits/report.html"}):
        ...     print(line)
        The only candidate (#0) reaches accuracy 91.00 % in the search.
          in the search  accuracy 91.00 %
          parameters     1.2k
          candidates     1 evaluated in 3.0s
          best arch      w = 8
          report         runs/digits/report.html
    """
    rows: list[tuple[str, str]] = []
    best, final = data.winner, data.final
    if final is not None:
        interval = final_interval(data)
        for name, value in final.metrics.items():
            extra = f" ({interval_text(interval)})" if interval and name == data.objective.metric else ""
            rows.append((f"test {name}", metric_text(name, value) + extra))
        if final.seconds is not None:
            share = f", {100 * final.share:.0f} % of the budget" if final.share is not None else ""
            rows.append(("final training", seconds_text(final.seconds) + share))
    if best is not None:
        short = f", at fidelity {best.fidelity:.3g}: no candidate was trained in full" if data.top_fidelity < 1 else ""
        rows.append(("in the search", _objectives_text(data, best) + short))
        if gain := gain_text(data):
            rows.append(("change", gain))
        if "params" in best.metrics and all(objective.metric != "params" for objective in data.objectives):
            rows.append(("parameters", metric_text("params", best.metrics["params"])))
    if data.records:
        rows.append(("candidates", f"{counts_text(data)} in {seconds_text(data.seconds)}"))
    if best is not None:
        width = max(map(len, best.arch), default=0)
        for place, (name, decided) in enumerate(best.arch.items()):
            rows.append(("best arch" if place == 0 else "", f"{name:<{width}} = {decided_text(decided)}"))
    rows += [("warning", text) for text in data.warnings]
    rows += [("shared weights", str(alarm)) for alarm in (alarms(data.diary) if data.diary else ())]
    rows += list((files or {}).items())
    width = max((len(name) for name, _ in rows), default=0)
    return [headline(data), *(f"  {name:<{width}}  {text}" for name, text in rows)]


def _objectives_text(data: ReportData, record: Record) -> str:
    return ", ".join(
        f"{objective.metric} {metric_text(objective.metric, data.value(record, place))}"
        for place, objective in enumerate(data.objectives)
    )
