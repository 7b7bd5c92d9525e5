"""The report's section about shared weights, and what the page and the terminal say of alarms."""

from __future__ import annotations

import html
import json
import math
import re

import numpy as np
import pytest

from netwright.core import Arch, Objective, Record
from netwright.oneshot.diary import Diary, Ranking
from netwright.reports import ReportData
from netwright.reports import oneshot_figures as figures
from netwright.reports.oneshot_section import alarm_card, oneshot, ranking_text
from netwright.reports.page import report_html
from netwright.reports.summary import summary_lines

OPTIONS = ("skip_connect", "conv <3x3>", "pool")


def _data(diary) -> ReportData:
    records = [Record(0, Arch({"w": 8}), losses=(-0.9,))]
    return ReportData(history=records, objectives=(Objective("accuracy", "max"),), diary=diary)


def _figures(content: str) -> dict[str, dict]:
    """The figures in a piece of a page, by name."""
    found = re.findall(r'<script type="application/json" id="figure-([^"]+)">(.*?)</script>', content, re.DOTALL)
    return {name: json.loads(text) for name, text in found}


def _text(content: str) -> str:
    """What a reader reads, without data and tags."""
    return html.unescape(re.sub(r"<script.*?</script>|<[^>]+>", " ", content, flags=re.DOTALL))


def _gradient(n_decisions=4, n_epochs=5) -> Diary:
    diary = Diary()
    diary.begin("darts", title="first-order <DARTS>", n_epochs=8)
    for number in range(1, n_epochs + 1):
        share = 1 / 3 + 0.1 * number
        weights = {
            f"edge{i}": dict(zip(OPTIONS, (share, 0.5 - share / 2, 0.5 - share / 2), strict=True))
            for i in range(n_decisions)
        }
        arch = Arch({f"edge{i}": "skip_connect" for i in range(n_decisions)})
        diary.epoch(
            number,
            losses={"train": 2 / number, "val": math.nan if number == 2 else 2.1 / number},
            values={"val_accuracy": 0.1 * number},
            weights=weights,
            arch=arch,
            seconds=61.0 * number,
        )
    return diary


def _sampled(n_decisions=3, n_options=3) -> Diary:
    diary = Diary()
    for phase in ("largest", "all"):
        diary.begin(phase)
        for number in (1, 2):
            counts = {f"d{i}": {k: 10 * (k + i) for k in range(n_options)} for i in range(n_decisions)}
            diary.epoch(number, losses={"train": 1.0 / number}, counts=counts)
    rng = np.random.default_rng(0)
    truth = rng.normal(size=12)
    diary.ranking("as trained", rng.normal(size=12), truth)
    diary.ranking("statistics re-estimated", truth, truth)
    diary.note("The time was up in the second phase.")
    return diary


def test_without_a_diary_there_is_no_section():
    for diary in (None, Diary()):
        assert oneshot(_data(diary)) == alarm_card(_data(diary)) == ""
        assert 'id="oneshot"' not in report_html(_data(diary))


def test_a_gradient_search():
    content = oneshot(_data(_gradient()))
    text = _text(content)
    assert "First-order <DARTS>" in text
    assert "4 of the 4 operations of the derived arch are skip connections" in text
    assert "use a method that holds them down" in text
    rows = dict(re.findall(r"<th scope=\"row\">(.*?)</th><td>(.*?)</td>", content.replace("<wbr>", "")))
    assert rows["epochs"] == "5 of 8"
    assert rows["time"] == "5m 5s"
    assert rows["train loss at the end"] == "0.4"
    assert rows["val_accuracy at the end"] == "50.00 %"
    assert "edge0=skip_connect edge1=" in rows["derived arch"]
    parts = ("losses", "value-0", "entropy", "skips", "weights", "final-weights")
    assert list(_figures(content)) == [f"oneshot-0-{part}" for part in parts]


def test_a_sampled_supernet():
    content = oneshot(_data(_sampled()))
    text = _text(content)
    assert "largest" in text
    assert "1 of 9 options were never trained: d0=0." in text
    assert "The time was up in the second phase." in text
    assert "Statistics re-estimated: Kendall's tau 1.00 over 12 arches" in text
    assert {"oneshot-counts", "ranking-0", "ranking-1"} <= set(_figures(content))


def test_alarms_stand_at_the_top_and_in_the_terminal():
    data = _data(_gradient())
    page = report_html(data)
    before, _, _ = page.partition('<dl class="stats">')
    assert "About shared weights: The loss `val` is no number from epoch 2 on. 4 of the 4" in " ".join(
        _text(before).split()
    )
    assert page.count('href="#oneshot"') == 2  # in the list of sections, and beside the alarms
    lines = [line for line in summary_lines(data) if line.startswith("  shared weights")]
    assert len(lines) == 2
    assert "Lower the learning rate" in lines[0]
    assert not any("shared weights" in line for line in summary_lines(_data(None)))


def test_what_is_no_number_is_a_gap():
    figure = json.loads(figures.losses(_gradient().phases["darts"]).to_json())
    assert figure["data"][1]["y"][1] is None
    assert figure["data"][0]["y"] == [2.0, 1.0, pytest.approx(0.666667), 0.5, 0.4]


def test_many_decisions_are_thinned_out_and_it_is_said():
    diary = _gradient(n_decisions=30)
    content = oneshot(_data(diary))
    assert "The 12 most decided of 30 decisions are shown." in content
    figure = json.loads(figures.weight_curves(diary.phases["darts"]).to_json())
    assert len({trace["yaxis"] for trace in figure["data"]}) == 12
    assert sum(trace["showlegend"] for trace in figure["data"]) == 3
    many = _sampled(n_decisions=50)
    assert len(figures.trained_decisions(many)) == figures.MOST_ROWS
    assert "The 40 most unevenly trained of 50 decisions are shown." in oneshot(_data(many))


def test_options_keep_their_colours_and_numbers_their_order():
    diary = Diary()
    diary.begin("a")
    diary.epoch(1, counts={"kernel": {7: 3, 3: 1, 5: 2}, "expansion": {6: 1, 3: 2}})
    figure = json.loads(figures.training_counts(diary).to_json())
    assert [trace["name"] for trace in figure["data"]] == ["3", "5", "6", "7"]
    assert figure["data"][0]["x"] == [1.0, 2.0]
    assert figure["layout"]["yaxis"]["ticktext"] == ["kernel", "expansion"]


def test_a_decision_with_very_many_options_has_one_colour():
    diary = Diary()
    diary.epoch(1, counts={"width": {k: k for k in range(40)}})
    figure = json.loads(figures.training_counts(diary).to_json())
    assert figure["layout"]["showlegend"] is False
    assert figure["data"][-1]["name"] == "never"


def test_nothing_to_draw():
    diary = Diary()
    diary.epoch(1, losses={"train": 1.0}, values={"accuracy": 0.1}, arch=Arch({"op": "skip_connect"}))
    phase = diary.phases["training"]
    for figure in (figures.losses(phase), figures.value_curve(phase, "accuracy"), figures.entropy(phase),
                   figures.skip_curve(phase), figures.weight_curves(phase), figures.final_weights(phase),
                   figures.training_counts(diary), figures.ranking(Ranking("", (1.0,), (2.0,)))):  # fmt: skip  # a list
        assert figure is None
    assert "epochs" in oneshot(_data(diary))


def test_names_are_escaped():
    figure = _figures(oneshot(_data(_gradient())))["oneshot-0-weights"]
    assert any(trace["name"] == "conv &lt;3x3&gt;" for trace in figure["data"])


def test_a_ranking_of_a_few_has_no_interval():
    assert ranking_text(Ranking("", (1.0, 2.0), (1.0, 2.0))) == "Kendall's tau 1.00 over 2 arches"
