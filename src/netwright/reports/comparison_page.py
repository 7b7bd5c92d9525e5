"""A comparison of methods as one HTML file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from netwright.core.quantity import count_text
from netwright.reports.compared import Compared, ComparedBenchmark, ComparedPair
from netwright.reports.comparison_figures import Pen, incumbent_curves, optimum_shares, pens_of, rank_curves
from netwright.reports.comparison_text import columns_of, comparison_headline, p_text, precise, rank_rows
from netwright.reports.environment import environment
from netwright.reports.html_page import checked_path, figure_card, page_html, stat_tiles, write_page
from netwright.reports.markup import Markup, breakable, element, facts, joined, rows_table
from netwright.reports.wording import plural

__all__ = ["comparison_html", "write_comparison"]

_NOTES = """
A query is an evaluation that a method asks for. What it asks for a second time is paid and counted again; the column \
“distinct” says so where it happens. A run that ends early, because nothing is left to propose, keeps what it has.
The incumbent is the best arch so far by the metric that is optimised. Its values are those after full training, also \
where a method has looked at it with less. The test metric is looked up afterwards.
Seeds are paired: every method has the same ones. Equal results share a rank, and are left out of the tests.
""".strip().splitlines()
_REAL_TIME = "What the methods themselves take is not in it: see “ms a query”."
_NARROW = 8  # methods whose pairs fit half a page


def write_comparison(compared: Compared, path: str | Path) -> Path:
    """Write the page of a comparison to a file; returns its path.

    Missing folders are made. A page has about 2.5 MB, nearly all of it plotly's code.

    Args:
        compared: such as `netwright.benchmarks.compare` gives.
        path: of the file.

    Raises:
        InvalidInput: if the path is a folder.
        MissingDependency: without plotly.
        OSError: if the file can't be written.
    """
    target = checked_path(path)
    return write_page(comparison_html(compared), target)


def comparison_html(compared: Compared) -> str:
    """The whole page as text."""
    one = len(compared.benchmarks) == 1
    order = list(compared.ranks())
    order += [name for name in compared.methods if name not in order]
    pens = pens_of(order)
    sections = [] if one else [("ranks", "All benchmarks", _ranks(compared, pens))]
    for place, benchmark in enumerate(compared.benchmarks):
        anchor = f"benchmark-{place}"
        sections.append((anchor, benchmark.name, _benchmark(compared, benchmark, pens, anchor)))
    sections += [("settings", "Settings", _settings(compared)), ("notes", "How to read this", _notes(compared))]
    n_methods = plural(len(compared.methods), "method")
    return page_html(
        name=compared.benchmarks[0].name if one else f"{n_methods} on {len(compared.benchmarks)} benchmarks",
        eyebrow=" · ".join(
            [
                "netwright",
                f"comparison of {n_methods}",
                plural(len(compared.seeds), "seed"),
                plural(compared.queries, "query", "queries"),
                *([f"{compared.workers} simulated workers"] if compared.workers > 1 else []),
            ]
        ),
        lead=comparison_headline(compared).replace(" %", "\u00a0%"),
        sections=sections,
        first=[_tiles(compared)],
    )


def _tiles(compared: Compared) -> Markup:
    tiles: list[tuple[str, str, str]] = []
    ranks = compared.ranks()
    best = next(iter(ranks), None)
    if best is not None:
        second = f"second: {list(ranks)[1]}, {list(ranks.values())[1]:.2f}" if len(ranks) > 1 else ""
        tiles.append((f"mean rank of {best}", f"{ranks[best]:.2f}", second))
    if best is not None and len(compared.benchmarks) == 1:
        facts_, row = compared.benchmarks[0], compared.table(compared.benchmarks[0].name)[0]
        there = f", {facts_.optimum:.6g} is the best there is" if facts_.optimum is not None else ""
        number = precise(facts_.goal.metric, [row.median, row.worse_quartile])
        tiles.append((facts_.goal.metric, number(row.median), f"of {best}, median{there}"))
        if facts_.test_metric is not None:
            number = precise(facts_.test_metric, [row.test_median])
            tiles.append((facts_.test_metric, number(row.test_median), f"of {best}, median"))
    n_left_out = len(compared.methods) - len(ranks)
    note = f"{n_left_out} left out somewhere" if n_left_out else "all with the same seeds"
    tiles.append(("methods", f"{len(compared.methods)}", note))
    tiles.append(("runs of each", f"{len(compared.seeds)}", "on each benchmark, seed by seed"))
    tiles.append(("queries", f"{compared.queries:,}", "evaluations in each run"))
    return stat_tiles(tiles, highlighted=best is not None)


def _ranks(compared: Compared, pens: Mapping[str, Pen]) -> Markup:
    """Ranks over all benchmarks."""
    about = element(
        "p",
        "On each benchmark and seed the methods are ranked by what they have found; here is the mean over all of them. "
        "Methods that refuse one of the benchmarks have no rank over all.",
        class_="about",
    )
    heads = ["", "method", "all", *(facts.name for facts in compared.benchmarks)]
    rows = [[_swatch(pens[cells[0]]), breakable(cells[0]), *cells[1:]] for cells in rank_rows(compared)]
    table = element("div", rows_table(heads, rows, numeric=range(2, len(heads))), class_="card ranked")
    curve = figure_card(
        "ranks",
        rank_curves(compared, pens),
        "The mean rank of each method over all benchmarks and seeds, against queries",
        "Mean rank over all benchmarks and seeds, after each query: the best is on top.",
    )
    order = list(compared.ranks())
    pairs = _pairs(order, compared.significance())
    side_by_side = len(order) <= _NARROW
    figures = element("div", curve, pairs, class_="two") if side_by_side else joined([curve, pairs])
    return joined([about, table, _legend(order, pens), figures])


def _benchmark(compared: Compared, benchmark: ComparedBenchmark, pens: Mapping[str, Pen], anchor: str) -> Markup:
    """The table of methods, the curves, and who differs from whom."""
    goal = benchmark.goal
    size = f"{benchmark.n_arches:,.0f} arches" if math.isfinite(benchmark.n_arches) else "endlessly many arches"
    about = f"{size}; {goal.metric} is {'maximised' if goal.direction == 'max' else 'minimised'}"
    about += f", and the best there is, is {benchmark.optimum:.6g}." if benchmark.optimum is not None else "."
    about += " Lines are medians over the seeds; bands, of the first methods, their quartiles."
    first = figure_card(
        f"{anchor}-queries",
        incumbent_curves(compared, benchmark, pens),
        f"{goal.metric} of the incumbent of each method, against queries",
        f"{goal.metric} of the best arch so far, against queries.",
        tall=True,
    )
    others = [
        figure_card(
            f"{anchor}-seconds",
            incumbent_curves(compared, benchmark, pens, against="seconds") if benchmark.seconds_metric else None,
            f"{goal.metric} of the incumbent of each method, against simulated time",
            f"{goal.metric} of the best arch so far, against simulated time: what the evaluations really took.",
        ),
        figure_card(
            f"{anchor}-test",
            incumbent_curves(compared, benchmark, pens, test=True),
            f"{benchmark.test_metric} of the incumbent of each method, against queries",
            f"{benchmark.test_metric} of that arch, which no method has seen.",
        ),
        figure_card(
            f"{anchor}-optimum",
            optimum_shares(compared, benchmark, pens),
            "The share of seeds that have found the best arch of the table, against queries",
            "The share of seeds that have found the best arch of the table.",
        ),
    ]
    order = [row.method for row in compared.table(benchmark.name) if not math.isnan(row.mean_rank)]
    pairs, wide = _pairs(order, compared.significance(benchmark.name)), len(order) > _NARROW
    parts = [
        element("p", about, class_="about"),
        _methods(compared, benchmark, pens),
        _legend(order, pens),
        first,
        element("div", *others, "" if wide else pairs, class_="two"),
        pairs if wide else "",
    ]
    return joined(parts)


def _methods(compared: Compared, benchmark: ComparedBenchmark, pens: Mapping[str, Pen]) -> Markup:
    rows = compared.table(benchmark.name)
    columns = columns_of(compared, benchmark)
    heads = ["", "method", *(column.title for column in columns)]
    left = {"against the best"}
    body = []
    for row in rows:
        if math.isnan(row.mean_rank):
            continue
        broken = f" ({row.n_broken} of {len(compared.seeds)} runs broke off: {row.error})" if row.n_broken else ""
        cells = [element("td", _swatch(pens[row.method])), element("td", breakable(row.method), broken)]
        for column in columns:
            text = column.text(row)
            word = text.partition(",")[0]
            kind = "number" if column.title not in left else f"verdict {'same' if word == '≈' else word}"
            cells.append(element("td", text.replace(" %", "\u00a0%"), class_=kind))
        body.append(element("tr", *cells, class_="winner" if row is rows[0] else None))
    head = [
        element(
            "th", title, scope="col",
            class_=None if title in ("", "method", *left) else "number",
            title=next((column.meaning for column in columns if column.title == title), None),
        )
        for title in heads
    ]  # fmt: skip  # one head reads best in four lines
    table = element("table", element("thead", element("tr", *head)), element("tbody", *body), class_="methods")
    refused = [(row.method, row.error) for row in rows if math.isnan(row.mean_rank)]
    more = joined(
        element("p", element("strong", f"{method}"), f" was left out: {reason}", class_="left-out")
        for method, reason in refused
    )
    return element("div", element("div", table, class_="scroll"), more, class_="card")


def _pairs(order: Sequence[str], pairs: Sequence[ComparedPair]) -> Markup:
    """Who is better than whom, as a square: a row is better (+), worse (−) or not clearly different (≈)."""
    if len(order) < 2:
        return Markup()
    known: dict[tuple[str, str], Markup] = {}
    for pair in pairs:
        said = f"{pair.better} is better on {pair.wins} seeds, equal on {pair.draws}, worse on {pair.losses}; "
        said += p_text(pair.p_corrected)
        for first, second, mark, kind in (
            (pair.better, pair.worse, "+", "plus"),
            (pair.worse, pair.better, "−", "minus"),
        ):
            shown, class_ = (mark, kind) if pair.significant else ("≈", "same")
            known[first, second] = element("td", shown, class_=f"pair {class_}", title=said)
    empty = element("td", "", class_="pair")
    head = element("tr", element("td"), *(element("th", i + 1, scope="col", title=n) for i, n in enumerate(order)))
    rows = [
        element(
            "tr",
            element("th", f"{i + 1} ", breakable(name), scope="row"),
            *(known.get((name, other), empty) for other in order),
        )
        for i, name in enumerate(order)
    ]
    caption = (
        "A row is better (+) or worse (−) than a column by more than chance, or not clearly different (≈): Wilcoxon's "
        "signed-rank test on the seeds, 5 %, corrected for the number of pairs (Holm). Hover for counts and p."
    )
    table = element("table", element("thead", head), element("tbody", *rows), class_="pairs")
    return element(
        "figure",
        element("h3", "Who differs from whom"),
        element("div", table, class_="scroll"),
        element("figcaption", caption),
        class_="card",
    )


def _legend(order: Sequence[str], pens: Mapping[str, Pen]) -> Markup:
    """Whose line is whose, for all figures of the page; a click hides or shows one."""
    buttons = (
        element("button", _swatch(pens[name]), name, type="button", class_="pen", data_pen=name,
                aria_pressed="true" if pens[name].shown else "false")
        for name in order
    )  # fmt: skip  # as nested as the page
    return element("div", *buttons, class_="legend below", role="group", aria_label="Methods in the figures")


def _swatch(pen: Pen) -> Markup:
    """A short piece of a method's line."""
    kind = {"solid": "solid", "dash": "dashed", "dot": "dotted"}.get(pen.dash, "double")
    return element("span", class_=f"swatch {pen.hue}", style=f"border-top-style:{kind}", aria_hidden="true")


def _settings(compared: Compared) -> Markup:
    recipes: dict[str, str] = {}
    for (_, method), text in compared.recipes.items():
        recipes.setdefault(method, text)
    used = element("div", element("h3", "What each method is made of"), facts(recipes), class_="card")
    setting = facts(
        [
            ("benchmarks", ", ".join(facts_.name for facts_ in compared.benchmarks)),
            ("seeds", _seeds_text(compared.seeds)),
            ("queries", f"{compared.queries:,}"),
            ("simulated workers", str(compared.workers)),
            ("first candidate", "the space's default, where a method begins with it" if compared.start == "default"
             else "chosen by the method: none begins with the space's default"),
        ]
    )  # fmt: skip  # a row is a pair
    around = element("div", element("h3", "Environment"), facts(environment()), class_="card")
    two = element("div", element("div", element("h3", "Comparison"), setting, class_="card"), around, class_="two")
    return joined([two, used])


def _notes(compared: Compared) -> Markup:
    at_once = f"on {compared.workers} workers at once" if compared.workers > 1 else "one after the other"
    notes = [*_NOTES, f"Simulated time is what the evaluations took when the table was made, {at_once}. {_REAL_TIME}"]
    if compared.start != "default":
        notes.append(
            "No method begins with the space's default arch, though some do in real searches: on a table it would be a "
            "head start that says nothing of the method."
        )
    n_pairs = len(compared.methods) * (len(compared.methods) - 1) // 2
    least = n_pairs * 2.0 ** (1 - len(compared.seeds) * len(compared.benchmarks))
    if n_pairs and least >= 0.05:
        notes.append(
            f"With {plural(len(compared.seeds), 'seed')} and {plural(n_pairs, 'pair')} of methods no difference can be "
            f"called more than chance, however clear it looks: the least p is {min(1.0, least):.2f}. Use more seeds."
        )
    broken = sum(row.n_broken for facts_ in compared.benchmarks for row in compared.table(facts_.name))
    if broken:
        notes.append(
            f"{plural(broken, 'run')} ended with an error: what was found until then counts, and nothing is the worst."
        )
    return element("div", element("ul", *(element("li", note) for note in notes), class_="notes"), class_="card")


def _seeds_text(seeds: Sequence[int]) -> str:
    """Which seeds, short."""
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds[:20])) + (f" … ({count_text(len(seeds))})" if len(seeds) > 20 else "")
