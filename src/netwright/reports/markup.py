"""Pieces of HTML as text. Whatever is not `Markup` is escaped: no text of a user can become a tag."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["Markup", "breakable", "element", "embedded_json", "facts", "joined", "rows_table"]


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def escaped(content: object) -> str:
    """The content as HTML text."""
    return content if isinstance(content, Markup) else html.escape(str(content))


def element(tag: str, *content: object, **attributes: str | int | bool | None) -> Markup:
    """One element; `class_` and `data_x` stand for `class` and `data-x`; None and False leave an attribute out.

    Example:
        >>> element("p", "a < b", class_="note", id=None)
        '<p class="note">a &lt; b</p>'
    """
    given = ""
    for name, value in attributes.items():
        written = name.rstrip("_").replace("_", "-")
        if value is True:
            given += f" {written}"
        elif value is not None and value is not False:
            given += f' {written}="{html.escape(str(value))}"'
    if tag in ("input", "meta", "br"):
        return Markup(f"<{tag}{given}>")
    return Markup(f"<{tag}{given}>{joined(content)}</{tag}>")


def joined(parts: Iterable[object]) -> Markup:
    """Parts one after the other."""
    return Markup("".join(map(escaped, parts)))


def facts(rows: Mapping[str, object] | Sequence[tuple[str, object]]) -> Markup:
    """A table of names and values; rows without a value are left out."""
    pairs = rows.items() if isinstance(rows, Mapping) else rows
    lines = [
        element("tr", element("th", breakable(name), scope="row"), element("td", value))
        for name, value in pairs
        if value != ""
    ]
    return element("table", element("tbody", *lines), class_="facts")


def breakable(name: str) -> Markup:
    """A name that may be broken after its dots and underscores."""
    return Markup(escaped(name).replace(".", ".<wbr>").replace("_", "_<wbr>"))


def rows_table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, numeric: Iterable[int] = ()) -> Markup:
    """A table with a head; the columns at the places `numeric` are aligned to the right."""
    right = set(numeric)
    head = element(
        "tr", *(element("th", h, scope="col", class_="number" if i in right else None) for i, h in enumerate(heads))
    )
    body = (
        element("tr", *(element("td", c, class_="number" if i in right else None) for i, c in enumerate(row)))
        for row in rows
    )
    return element("div", element("table", element("thead", head), element("tbody", *body)), class_="scroll")


def embedded_json(name: str, value: Any) -> Markup:
    r"""A script element that holds data; nothing in it can end the element.

    Example:
        >>> embedded_json("d", "</script>")
        '<script type="application/json" id="d">"\\u003c/script\\u003e"</script>'
    """
    text = value if isinstance(value, Markup) else json.dumps(value, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(f'<script type="application/json" id="{html.escape(name)}">{safe}</script>')
