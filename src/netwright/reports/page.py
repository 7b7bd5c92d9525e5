"""The report as one HTML file: everything is in it, and a policy in it forbids it to ask the network for anything."""

from __future__ import annotations

import os
import tempfile
from importlib import resources
from pathlib import Path

from netwright.core.errors import InvalidInput, MissingDependency
from netwright.reports.figures import COLOURS
from netwright.reports.markup import Markup, element, embedded_json, joined
from netwright.reports.report_data import ReportData
from netwright.reports.sections import SECTIONS, hover_texts, stats
from netwright.reports.summary import headline

__all__ = ["report_html", "write_report"]

_DARK = {
    "blue": "#6cb8ea",
    "orange": "#ff9d5c",
    "green": "#4fd0a5",
    "purple": "#dd9cc6",
    "sky": "#4f93c0",
    "grey": "#7d8791",
    "faint": "#56606a",
    "ink": "#d5dae0",
    "grid": "#2b3239",
}
# Scripts and styles are in the file; connections, frames, fonts and images from elsewhere are forbidden to it.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def write_report(data: ReportData, path: str | Path) -> Path:
    """Write the report to a file, which is either the old or the whole new one at any moment; returns its path.

    Missing folders are made. A report has about 5 MB, nearly all of it plotly's code.

    Raises:
        InvalidInput: if the path is a folder.
        MissingDependency: without plotly.
        OSError: if the file can't be written.
    """
    target = Path(path)
    if target.is_dir():
        raise InvalidInput(f"a report needs the name of a file, such as report.html, but {str(target)!r} is a folder.")
    text = report_html(data)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=target.parent, suffix=".part", delete=False
    ) as file:
        part = Path(file.name)
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            file.close()
            part.unlink()
            raise
    # A temporary file is for its owner alone; a report is an ordinary file.
    mask = os.umask(0)
    os.umask(mask)
    try:
        part.chmod(0o666 & ~mask)
        part.replace(target)
    except BaseException:
        part.unlink()
        raise
    return target


def report_html(data: ReportData) -> str:
    """The whole page as text."""
    contents = [(section, section.content(data)) for section in SECTIONS]
    shown = [(section, content) for section, content in contents if content]
    title = f"{data.name}: netwright report"
    state = "search still running" if data.running else "finished search"
    eyebrow = " · ".join(
        part for part in ("netwright", state, data.method, data.budget and f"budget {data.budget}") if part
    )
    links = element("nav", *(element("a", s.title, href=f"#{s.anchor}") for s, _ in shown), aria_label="Sections")
    warnings = [
        element("p", element("strong", "Note: "), text, class_="card warning", role="note") for text in data.warnings
    ]
    inside = [
        element("p", eyebrow, class_="eyebrow"),
        element("h1", data.name),
        element("p", headline(data), class_="lead"),
        links,
    ]
    body = [
        element("header", element("div", *inside, class_="inside")),
        element(
            "main",
            *warnings,
            stats(data),
            *(
                element("section", element("h2", section.title, id=f"{section.anchor}-title"), content,
                        id=section.anchor, aria_labelledby=f"{section.anchor}-title")
                for section, content in shown
            ),
        ),
        element("footer", element("p", "Made by netwright. This file holds all that it shows and needs no network.")),
        element("noscript", element("p", "The figures need JavaScript; all tables and texts are here without it.")),
        hover_texts(data),
        embedded_json("dark-colours", {COLOURS[name]: colour for name, colour in _DARK.items()}),
    ]  # fmt: skip  # as nested as the page
    head = [
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content="netwright"),
        element("title", title),
        element("style", Markup(_asset("report.css"))),
    ]
    # plotly's code comes last but one, so that text and tables are on the screen before it is parsed.
    scripts = [element("script", Markup(_plotly_code())), element("script", Markup(_asset("report.js")))]
    html = element("html", element("head", *head), element("body", *body, *scripts), lang="en")
    return f"<!DOCTYPE html>\n{joined([html])}\n"


def _asset(name: str) -> str:
    return resources.files("netwright.reports").joinpath(name).read_text(encoding="utf-8")


def _plotly_code() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise MissingDependency("a report needs plotly, which is not installed: pip install plotly") from error
    code: str = get_plotlyjs()
    return code.replace("</script", "<\\/script")
