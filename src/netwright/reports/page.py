"""The report of a search as one HTML file."""

from __future__ import annotations

from pathlib import Path

from netwright.reports.figures import drawn_records, hover_text
from netwright.reports.html_page import checked_path, page_html, write_page
from netwright.reports.markup import element
from netwright.reports.oneshot_section import alarm_card
from netwright.reports.report_data import ReportData
from netwright.reports.sections import SECTIONS, stats
from netwright.reports.summary import headline

__all__ = ["report_html", "write_report"]


def write_report(data: ReportData, path: str | Path) -> Path:
    """Write the report to a file, which is either the old or the whole new one at any moment; returns its path.

    Missing folders are made. A report has about 2.5 MB, nearly all of it plotly's code.

    Raises:
        InvalidInput: if the path is a folder.
        MissingDependency: without plotly.
        OSError: if the file can't be written.
    """
    target = checked_path(path)
    return write_page(report_html(data), target)


def report_html(data: ReportData) -> str:
    """The whole page as text."""
    state = "search still running" if data.running else "finished search"
    warnings = [
        element("p", element("strong", "Note: "), text, class_="card warning", role="note") for text in data.warnings
    ]
    return page_html(
        name=data.name,
        eyebrow=" · ".join(
            part for part in ("netwright", state, data.method, data.budget and f"budget {data.budget}") if part
        ),
        lead=headline(data),
        sections=[(section.anchor, section.title, section.content(data)) for section in SECTIONS],
        first=[*warnings, alarm_card(data), stats(data)],
        hover_texts={i: hover_text(data, record) for i, record in drawn_records(data).items()},
    )
