"""The section that says how far the cheap estimates of this run can be trusted."""

from __future__ import annotations

from netwright.reports.estimator_quality import estimator_qualities
from netwright.reports.markup import Markup, element, joined, rows_table
from netwright.reports.report_data import ReportData

__all__ = ["estimators"]


def estimators(data: ReportData) -> Markup:
    """Each estimator's rank correlation with full trainings of the same run; '' where there is none."""
    found = estimator_qualities(data.records, data.objective)
    if not found:
        return Markup()
    metric = data.objective.metric
    about = (
        f"For arches that this run estimated cheaply and also trained fully: how well the estimate ranked them by "
        f"{metric}. Kendall's tau is 1 for the same order, 0 for none; of two arches the better one is known with a "
        "chance of (1 + tau) / 2. In brackets what it lies in with 95 %, by a bootstrap over the arches."
    )
    rows = []
    for one in found:
        agreed = one.agreement
        tau = f"{agreed.tau:.2f} ({_range(agreed.interval)})"
        overlap = f"{100 * agreed.overlap:.0f} % of {agreed.k} ({_range(agreed.overlap_interval, 100)} %)"
        rows.append([one.name, agreed.n, tau, overlap])
    table = rows_table(["estimate", "arches", "Kendall's tau", "the best in common"], rows, numeric=[1, 2, 3])
    parts: list[Markup] = [element("p", about, class_="about"), element("div", table, class_="card")]
    if any(one.selected for one in found):
        note = (
            "Only what was good at a low fidelity was trained on, so the arches that it would have told apart most "
            "easily are missing here: among all arches it ranks better than this."
        )
        parts.append(element("p", note, class_="about"))
    return joined(parts)


def _range(ends: tuple[float, float], factor: float = 1.0) -> str:
    digits = 2 if factor == 1 else 0
    return f"{factor * ends[0]:.{digits}f} to {factor * ends[1]:.{digits}f}"
