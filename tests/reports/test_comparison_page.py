"""The page of a comparison: well formed, offline, readable, and honest about what it can't tell."""

from __future__ import annotations

import io
import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

from netwright.benchmarks import BenchmarkFacts, Comparison, Run
from netwright.core.errors import InvalidInput
from netwright.reports import (
    comparison_headline,
    comparison_html,
    comparison_tables,
    left_out_lines,
    write_comparison,
)
from netwright.reports.comparison_figures import incumbent_curves, optimum_shares, pens_of, rank_curves
from netwright.reports.comparison_text import columns_of, verdicts

QUERIES = 40


class Page(HTMLParser):
    """Checks nesting; keeps the text of each section and the rows of its tables."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.scripts, self.rows, self.texts = [], [], {}, {}, {}
        self.feed(html)
        self.close()
        assert self.open == []

    @property
    def section(self):
        return next((a.get("id", "") for tag, a in reversed(self.open) if tag == "section"), "")

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "tr":
            self.rows.setdefault(self.section, []).append([])
        if tag in ("td", "th") and self.rows:
            self.rows[self.section][-1].append("")
        if tag not in ("meta", "br", "wbr", "input"):
            self.open.append((tag, attributes))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, text):
        inside = [tag for tag, _ in self.open]
        if "script" in inside:
            self.scripts[self.open[-1][1].get("id", "code")] = text
        elif "style" not in inside:
            self.texts[self.section] = self.texts.get(self.section, "") + text
            if ("td" in inside or "th" in inside) and self.rows:
                self.rows[self.section][-1][-1] += text


def run(benchmark, method, seed, speed, *, top=0.9, **more):
    """Climbs towards the top; the faster, the sooner."""
    rng = np.random.default_rng((seed, round(1e6 * speed)))
    at, values = [], []
    best = 0.0
    for query in range(1, QUERIES + 1):
        value = top * (1 - rng.random() / (1 + speed * query))
        value = top if value > top - 0.002 else value
        if value > best:
            best = value
            at.append(query)
            values.append(value)
    given = {"n_queries": QUERIES, "n_distinct": QUERIES, "total_seconds": 3600.0 * QUERIES, "wall_seconds": 0.1} | more
    return Run(
        benchmark, method, seed, QUERIES, 1, at=tuple(at), seconds=tuple(3600.0 * a for a in at),
        values=tuple(values), tests=tuple(value - 0.01 for value in values), **given,
    )  # fmt: skip  # as one row


def compared(*, benchmarks=("cells",), speeds=None, seeds=12, refused=None, **more):
    """Methods of different speeds."""
    speeds = speeds or {"quick": 4.0, "usual": 2.0, "random": 0.02}
    facts = tuple(
        BenchmarkFacts(name, "max:val_accuracy", "test_accuracy", "train_seconds", 500, 0.9) for name in benchmarks
    )
    runs = [run(b, m, s, speed) for b in benchmarks for m, speed in speeds.items() for s in range(seeds)]
    refused = refused or {}
    return Comparison(
        benchmarks=facts, methods=(*speeds, *{m for _, m in refused}), seeds=tuple(range(seeds)), queries=QUERIES,
        workers=1, runs=tuple(runs), refused=refused,
        recipes={(b, m): f"{m.title()}()" for b in benchmarks for m in speeds}, **more,
    )  # fmt: skip  # as one row


@pytest.fixture(scope="module")
def one():
    return compared()


@pytest.fixture(scope="module")
def page(one):
    return Page(comparison_html(one))


def test_the_page_is_whole_and_offline(page):
    sections = [a["id"] for tag, a in page.tags if tag == "section"]
    assert sections == ["benchmark-0", "settings", "notes"]
    assert [a["href"] for tag, a in page.tags if tag == "a"] == [f"#{name}" for name in sections]
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "img")
        assert "src" not in attributes
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    figures = [a["data-figure"] for _, a in page.tags if "data-figure" in a]
    assert len(figures) == 4
    for name in figures:
        assert json.loads(page.scripts[name])["data"]


def test_the_table_is_sorted_by_rank_and_says_what_the_tests_say(one, page):
    rows = page.rows["benchmark-0"]
    assert rows[0][:4] == ["", "method", "mean rank", "on the way"]
    assert [row[1] for row in rows[1:4]] == ["quick", "usual", "random"]
    place = rows[0].index("against the best")
    assert rows[1][place] == "best"
    assert re.fullmatch(r"worse, p [<=] 0\.0\d+", rows[3][place])
    best = one.table("cells")[0]
    assert f"{100 * best.median:.2f}" in " ".join(rows[1])


def test_the_pairs_are_a_square(page):
    square = page.rows["benchmark-0"][4:]
    assert square[0] == ["", "1", "2", "3"]
    assert [row[0] for row in square[1:]] == ["1 quick", "2 usual", "3 random"]
    assert square[1][3] == "+"
    assert square[3][1] == "−"
    assert [square[i][i] for i in (1, 2, 3)] == ["", "", ""]


def test_several_benchmarks_have_ranks_over_all(one):
    several = compared(benchmarks=("cells", "graphs"))
    page = Page(comparison_html(several))
    assert [a["id"] for tag, a in page.tags if tag == "section"][:3] == ["ranks", "benchmark-0", "benchmark-1"]
    assert page.rows["ranks"][0] == ["", "method", "all", "cells", "graphs"]
    first = page.rows["ranks"][1]
    assert first[1] == "quick"
    assert float(first[2]) == pytest.approx((float(first[3]) + float(first[4])) / 2, abs=0.01)
    assert "3 methods on 2 benchmarks" in page.texts[""]
    assert comparison_headline(several).startswith(
        "quick has the best mean rank of 3 methods over 2 benchmarks and 12 seeds after 40 queries: 1."
    )


def test_the_headline(one):
    text = comparison_headline(one)
    assert text.startswith("quick has the best mean rank of 3 methods over 12 seeds: val_accuracy ")
    assert "(median) after 40 queries; " in text
    alone = comparison_headline(compared(speeds={"only": 1.0}))
    assert alone.count(".") >= 1
    assert "Every other" not in alone
    clear = compared(speeds={"quick": 50.0, "slow": 0.01}, seeds=30)
    assert comparison_headline(clear).endswith("Every other method is worse by more than chance.")
    twins = compared(speeds={"a": 1.0, "b": 1.0000001}, seeds=5)
    assert "Not clearly different from it: " in comparison_headline(twins)
    many = comparison_headline(compared(speeds={f"m{i}": 1.0 + i / 1e6 for i in range(9)}, seeds=3))
    assert many.endswith(", and 3 more.")


def test_who_was_left_out_and_who_broke(one):
    found = compared(refused={("cells", "picky"): "<it> needs colours"})
    page = Page(comparison_html(found))
    assert "picky was left out: <it> needs colours" in page.texts["benchmark-0"]
    assert left_out_lines(found) == ["picky was left out on cells: <it> needs colours"]
    broken = [run("cells", "a", seed, 1.0, error="it broke" if seed else None) for seed in range(3)]
    facts = BenchmarkFacts("cells", "max:val_accuracy")
    found = Comparison(
        benchmarks=(facts,), methods=("a",), seeds=(0, 1, 2), queries=QUERIES, workers=3, runs=tuple(broken)
    )
    page = Page(comparison_html(found))
    assert "2 of 3 runs broke off: it broke" in page.texts["benchmark-0"]
    assert "2 runs ended with an error" in page.texts["notes"]
    assert "on 3 workers at once" in page.texts["notes"]
    assert left_out_lines(found) == ["a broke off in 2 of 3 runs on cells: it broke"]


def test_nothing_to_show():
    facts = BenchmarkFacts("cells", "max:val_accuracy")
    found = Comparison(
        benchmarks=(facts,), methods=("picky",), seeds=(0,), queries=3, workers=1, runs=(),
        refused={("cells", "picky"): "no"},
    )  # fmt: skip  # as one row
    page = Page(comparison_html(found))
    assert "No method could be used on this benchmark." in page.texts[""]
    assert comparison_tables(found)[0].row_count == 0


def test_with_too_few_seeds_no_difference_counts(page):
    assert "no difference can be called more than chance" not in page.texts["notes"]
    few = Page(comparison_html(compared(seeds=5)))
    assert "With 5 seeds and 3 pairs of methods no difference can be called more than chance" in few.texts["notes"]


def test_where_methods_began(page):
    assert "No method begins with the space's default arch" in page.texts["notes"]
    ahead = Page(comparison_html(compared(start="default")))
    assert "No method begins" not in ahead.texts["notes"]
    assert "the space's default, where a method begins with it" in ahead.texts["settings"]


def test_columns_come_only_where_they_say_something(one):
    titles = [column.title for column in columns_of(one, one.benchmarks[0])]
    assert "distinct" not in titles
    assert "failed" not in titles
    repeats = [run("cells", "a", 0, 1.0, n_distinct=3, n_failed=4, n_queries=20)]
    facts = BenchmarkFacts("cells", "max:val_accuracy")
    found = Comparison(benchmarks=(facts,), methods=("a",), seeds=(0,), queries=QUERIES, workers=1, runs=tuple(repeats))
    columns = {column.title: column.text(found.table("cells")[0]) for column in columns_of(found, facts)}
    assert columns["distinct"] == "15 %"
    assert columns["failed"] == "20 %"
    assert columns["queries"] == "20"
    assert not {"simulated time", "at the optimum", "test_accuracy"} & set(columns)


def test_verdicts_are_against_the_first(one):
    rows = one.table("cells")
    found = verdicts(rows, one.significance("cells"))
    assert set(found) == {"quick", "usual", "random"}
    assert found["quick"] == "best"
    assert verdicts([], []) == {}


# Figures --------------------------------------------------------------------------------------------------------------


def traces(figure):
    return {(trace.name, trace.fill == "toself"): trace for trace in figure.data}


def test_lines_are_medians_and_bands_quartiles(one):
    pens = pens_of(["quick", "usual", "random"])
    drawn = traces(incumbent_curves(one, one.benchmarks[0], pens))
    assert set(drawn) == {(name, band) for name in ("quick", "usual", "random") for band in (False, True)}
    values = one.values("cells", "usual")
    line, band = drawn["usual", False], drawn["usual", True]
    assert list(line.x) == list(range(1, QUERIES + 1))
    assert list(line.y) == pytest.approx(np.median(values, axis=0), rel=1e-5)
    assert min(band.y) == pytest.approx(np.quantile(values[:, 0], 0.25), rel=1e-5)
    assert max(band.y) == pytest.approx(np.quantile(values[:, -1], 0.75), rel=1e-5)
    assert band.legendgroup == line.legendgroup == "usual"


def test_against_simulated_time(one):
    drawn = traces(incumbent_curves(one, one.benchmarks[0], pens_of(one.methods), against="seconds"))
    line = drawn["quick", False]
    assert max(line.x) == pytest.approx(QUERIES, rel=1e-5), "hours"
    assert line.y[-1] == pytest.approx(np.median(one.values("cells", "quick")[:, -1]), rel=1e-5)


def test_nothing_is_drawn_of_what_is_not_known(one):
    facts = BenchmarkFacts("cells", "max:val_accuracy", n_arches=500)
    found = Comparison(
        benchmarks=(facts,), methods=one.methods, seeds=one.seeds, queries=QUERIES, workers=1, runs=one.runs
    )
    pens = pens_of(one.methods)
    assert incumbent_curves(found, facts, pens, test=True) is None
    assert optimum_shares(found, facts, pens) is None
    assert rank_curves(compared(speeds={"only": 1.0}), pens_of(["only"])) is None


def test_many_methods_are_there_but_not_all_at_once():
    many = compared(speeds={f"m{i}": 1.0 + i for i in range(16)} | {"random": 0.1}, seeds=4)
    order = list(many.ranks())
    pens = pens_of(order)
    assert len({(pen.hue, pen.dash) for pen in pens.values()}) == 17, "each looks different"
    figure = incumbent_curves(many, many.benchmarks[0], pens)
    shown = {trace.name for trace in figure.data if trace.visible is True}
    assert shown == {*order[:5], "random"}
    assert {trace.name for trace in figure.data} == set(order)


def test_one_legend_for_all_figures(page):
    buttons = [a for tag, a in page.tags if tag == "button"]
    assert [(a["data-pen"], a["aria-pressed"]) for a in buttons] == [(m, "true") for m in ("quick", "usual", "random")]
    for name, text in page.scripts.items():
        if name.startswith("figure-"):
            figure = json.loads(text)
            assert {trace["legendgroup"] for trace in figure["data"]} == {"quick", "usual", "random"}
            assert figure["layout"]["showlegend"] is False
    many = Page(comparison_html(compared(speeds={f"m{i}": 1.0 + i for i in range(9)}, seeds=4)))
    pressed = [a["aria-pressed"] for tag, a in many.tags if tag == "button"]
    assert pressed == ["true"] * 5 + ["false"] * 4


def test_a_lower_loss_is_better_in_figures_too():
    runs = tuple(
        Run("t", m, s, 30, 1, at=(1, 10), seconds=(1.0, 10.0), values=(v, v / 2), tests=(v, v), n_queries=30)
        for m, v in (("good", 1.0), ("bad", 4.0)) for s in range(3)
    )  # fmt: skip  # as one row
    facts = BenchmarkFacts("t", "min:loss", "test_loss", None, 99, 0.5)
    found = Comparison(benchmarks=(facts,), methods=("bad", "good"), seeds=(0, 1, 2), queries=30, workers=1, runs=runs)
    figure = incumbent_curves(found, facts, pens_of(["good", "bad"]))
    low, high = figure.layout.yaxis.range
    assert low < 0.5
    assert high > 2.0
    shares = traces(optimum_shares(found, facts, pens_of(["good", "bad"])))
    assert shares["good", False].y[-1] == 1.0
    assert shares["bad", False].y[-1] == 0.0
    ranks = rank_curves(found, pens_of(["good", "bad"]))
    assert ranks.layout.yaxis.autorange == "reversed"


def test_many_queries_are_thinned_out():
    runs = (
        Run(
            "t", "a", 0, 5000, 1, at=(1, 4999), seconds=(1.0, 2.0), values=(1.0, 2.0), tests=(1.0, 2.0), n_queries=5000
        ),
    )
    facts = BenchmarkFacts("t", "max:score")
    found = Comparison(benchmarks=(facts,), methods=("a",), seeds=(0,), queries=5000, workers=1, runs=runs)
    line = incumbent_curves(found, facts, pens_of(["a"])).data[-1]
    assert len(line.x) < 250
    assert (line.x[0], line.x[-1], line.y[-1]) == (1, 5000, 2.0)


# For a terminal -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_tables_fit_the_terminal(one, width):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for table in comparison_tables(one, width=width):
        console.print(table)
    text = console.file.getvalue()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    assert "val_accuracy" in text, "what matters most is always there"
    assert ("ms a query" in text) == (width == 200)


def test_a_table_over_all_benchmarks():
    tables = comparison_tables(compared(benchmarks=("cells", "graphs")))
    assert [table.title for table in tables] == ["cells", "graphs", "mean rank"]


# The file -------------------------------------------------------------------------------------------------------------


def test_writing_the_page(one, tmp_path):
    path = write_comparison(one, tmp_path / "deep" / "page.html")
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert text.count("* plotly.js v") == 1
    assert not math.isnan(len(text))
    with pytest.raises(InvalidInput, match=r"a report needs the name of a file, such as report\.html"):
        write_comparison(one, tmp_path)
