"""One HTML file with all that it shows in it; a policy in it forbids it to ask the network for anything."""

from __future__ import annotations

import base64
import gzip
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from netwright.core.errors import InvalidInput, MissingDependency
from netwright.reports.markup import Markup, element, embedded_json, joined
from netwright.reports.plotting import COLOURS

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["checked_path", "figure_card", "page_html", "stat_tiles", "write_page"]

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


def write_page(html: str, path: str | Path) -> Path:
    """Write a page to a file, which is either the old or the whole new one at any moment; returns its path.

    Missing folders are made.

    Raises:
        InvalidInput: if the path is a folder.
        OSError: if the file can't be written.
    """
    target = checked_path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=target.parent, suffix=".part", delete=False
    ) as file:
        part = Path(file.name)
        try:
            file.write(html)
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


def checked_path(path: str | Path) -> Path:
    """The path of a report: no folder."""
    target = Path(path)
    if target.is_dir():
        raise InvalidInput(f"a report needs the name of a file, such as report.html, but {str(target)!r} is a folder.")
    return target


def page_html(
    *,
    name: str,
    eyebrow: str,
    lead: str,
    sections: Iterable[tuple[str, str, Markup]],
    first: Iterable[Markup] = (),
    hover_texts: Mapping[int, str] | None = None,
) -> str:
    """The whole page as text.

    Args:
        name: its title.
        eyebrow: a line above the title, in small letters.
        lead: what was found, in a sentence or two.
        sections: anchor, title and content of each part; one without content is left out.
        first: what comes before the sections.
        hover_texts: what the points of figures say of themselves, by their `customdata`.

    Raises:
        MissingDependency: without plotly.
    """
    shown = [(anchor, title, content) for anchor, title, content in sections if content]
    links = element(
        "nav", *(element("a", title, href=f"#{anchor}") for anchor, title, _ in shown), aria_label="Sections"
    )
    inside = [
        element("p", eyebrow, class_="eyebrow"),
        element("h1", name),
        element("p", lead, class_="lead"),
        links,
    ]
    body = [
        element("header", element("div", *inside, class_="inside")),
        element(
            "main",
            *first,
            *(
                element("section", element("h2", title, id=f"{anchor}-title"), content,
                        id=anchor, aria_labelledby=f"{anchor}-title")
                for anchor, title, content in shown
            ),
        ),
        element("footer", element("p", "Made by netwright. This file holds all that it shows and needs no network.")),
        element("noscript", element("p", "The figures need JavaScript; all tables and texts are here without it.")),
        embedded_json("hover-texts", hover_texts or {}),
        embedded_json("dark-colours", {COLOURS[name]: colour for name, colour in _DARK.items()}),
    ]  # fmt: skip  # as nested as the page
    head = [
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content="netwright"),
        element("title", f"{name}: netwright report"),
        element("style", Markup(_asset("report.css"))),
    ]
    # plotly's code comes last but one, so that text and tables are on the screen before it is unpacked and parsed.
    scripts = [_plotly_code(), element("script", Markup(_asset("report.js")))]
    html = element("html", element("head", *head), element("body", *body, *scripts), lang="en")
    return f"<!DOCTYPE html>\n{joined([html])}\n"


def figure_card(
    name: str, figure: Figure | None, alternative: str, caption: str, *, tall: bool = False, height: int | None = None
) -> Markup:
    """A figure with its caption; nothing where there is no figure.

    Args:
        name: for the page's own use: a word without spaces, once in a page.
        figure: what `plotting.figure_of` made.
        alternative: what it shows, for those who can't see it.
        caption: what is to be said below it.
        tall: whether it needs more room than usual, for a long legend.
        height: in pixels, where the content decides it.
    """
    if figure is None:
        return Markup()
    plot = element(
        "div", class_="plot tall" if tall else "plot", id=f"plot-{name}", data_figure=f"figure-{name}", role="img",
        aria_label=alternative, style=height and f"height:{height}px", data_height=height,
    )  # fmt: skip  # attributes in a row
    content = json.loads(figure.to_json())
    for trace in content["data"]:
        if "customdata" in trace:  # the ids of the points; their texts are in the page once
            del trace["text"]
    drawn = embedded_json(f"figure-{name}", content)
    return element("figure", plot, element("figcaption", caption), drawn, class_="card")


def stat_tiles(tiles: Iterable[tuple[str, str, str]], *, highlighted: bool = True) -> Markup:
    """Numbers that matter as tiles: name, number, note; the first may be highlighted."""
    items = (
        element(
            "div",
            element("dt", name),
            element(
                "dd", element("div", big, class_="big"), element("div", note.replace(" %", "\u00a0%"), class_="note")
            ),
            class_="card stat first" if place == 0 and highlighted else "card stat",
        )
        for place, (name, big, note) in enumerate(tiles)
    )
    return element("dl", *items, class_="stats")


def _asset(name: str) -> str:
    return resources.files("netwright.reports").joinpath(name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _plotly_code() -> Markup:
    """Plotly's code, compressed to two fifths, which is most of a page; its notice of copyright can be read."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise MissingDependency("a report needs plotly, which is not installed: pip install plotly") from error
    code: str = get_plotlyjs()
    notice = code[: code.index("*/") + 2] if code.lstrip().startswith("/*") else ""
    packed = base64.b64encode(gzip.compress(code.encode(), mtime=0)).decode()
    return joined(
        [
            element("script", Markup(notice.replace("</script", "<\\/script"))),
            element("script", Markup(packed), type="application/gzip", id="plotly-code"),
        ]
    )
