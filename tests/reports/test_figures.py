"""The figures show the numbers of the records, no more and no less."""

import json
import math

import pytest

from netwright.core import Arch, Constraint, Objective, Record
from netwright.reports import ReportData
from netwright.reports.figures import MOST_POINTS, curve_names, learning_curves, progress, trade_off, trade_off_metrics
from netwright.reports.findings import incumbents

ACCURACY = (Objective("accuracy", "max"),)


def traces(figure):
    return {trace["name"]: trace for trace in json.loads(figure.to_json())["data"]}


def test_progress_shows_every_candidate_once(data):
    found = traces(progress(data))
    points = sum(len(found[name]["x"]) for name in found if name != "best so far")
    assert points == len(data.records)
    assert len(found["failed"]["x"]) == sum(r.status == "failed" for r in data.records)
    assert len(found["outside the limits"]["x"]) == sum(r.status == "infeasible" for r in data.records)


def test_the_line_of_the_best_ends_at_the_winner_and_never_falls(data):
    for against in ("number", "seconds"):
        line = traces(progress(data, against=against))["best so far"]
        assert line["y"] == sorted(line["y"])
        assert line["y"][-1] == pytest.approx(data.value(data.winner), rel=1e-5)
        assert len(line["y"]) == len(incumbents(data)) + 1
    assert line["x"][-1] == pytest.approx(data.records[-1].elapsed_seconds, rel=1e-5)


def test_the_view_leaves_far_bad_values_out_but_no_good_one(data):
    low, high = progress(data).layout.yaxis.range
    values = [data.value(r) for r in data.records if data.value(r) is not None]
    assert min(values) < low < high
    assert high > max(values)


def test_lower_fidelities_and_broken_limits_are_told_apart():
    records = [
        Record(0, Arch({}), losses=(-0.5,), fidelity=0.1),
        Record(1, Arch({}), losses=(-0.6,)),
        Record(2, Arch({}), losses=(-0.9,), violation=0.2),
    ]
    found = traces(progress(ReportData(history=records, objectives=ACCURACY)))
    assert set(found) == {"candidate", "lower fidelity", "breaks a limit", "best so far"}
    assert found["best so far"]["y"] == [0.5, 0.6, 0.6]


def test_axes_that_count_have_whole_ticks_and_time_starts_at_nought():
    records = [
        Record(i, Arch({}), losses=(0.5,), curves={"loss": (1.0, 0.5)}, elapsed_seconds=9.0 + i) for i in range(3)
    ]
    data = ReportData(history=records, objectives=(Objective("loss"),))
    assert progress(data).layout.xaxis.dtick == 1
    assert progress(data, against="seconds").layout.xaxis.rangemode == "tozero"
    assert learning_curves(data, "loss").layout.xaxis.dtick == 1
    assert learning_curves(data, "loss").layout.showlegend
    long = ReportData(history=[Record(i, Arch({}), losses=(0.5,)) for i in range(100)], objectives=(Objective("loss"),))
    assert progress(long).layout.xaxis.dtick is None


def test_losses_over_many_magnitudes_get_a_logarithmic_axis():
    records = [Record(i, Arch({}), losses=(10.0**-i,)) for i in range(5)]
    axis = progress(ReportData(history=records, objectives=(Objective("loss"),))).layout.yaxis
    assert axis.type == "log"
    assert axis.range[0] < -4
    assert axis.range[1] > 0


def test_no_figure_without_a_value():
    failed = [Record(0, Arch({}), status="failed", error="x")]
    for records in ([], failed):
        data = ReportData(history=records, objectives=ACCURACY)
        assert progress(data) is None
        assert curve_names(data) == []
        assert learning_curves(data, "loss") is None
        assert trade_off_metrics(data) == []
        assert trade_off(data, "params") is None


def test_curves_of_the_best_are_named_and_the_rest_are_one_faint_trace(data):
    assert curve_names(data) == ["val_accuracy", "train_loss"]
    found = traces(learning_curves(data, "val_accuracy"))
    assert len(found) == 6
    best = found[f"#{data.winner.id} (best)"]
    assert best["y"] == pytest.approx(list(data.winner.curves["val_accuracy"]), rel=1e-5)
    assert best["x"] == list(range(1, 13))
    n_curves = sum("val_accuracy" in r.curves for r in data.records)
    assert found["the others"]["x"].count(None) == n_curves - 5


def test_curves_with_gaps_and_great_lengths_are_drawn():
    values = (math.nan, *(1 / (i + 1) for i in range(5000)), math.inf)
    data = ReportData(
        history=[Record(0, Arch({}), losses=(0.1,), curves={"loss": values})], objectives=(Objective("loss"),)
    )
    (line,) = traces(learning_curves(data, "loss")).values()
    assert len(line["x"]) < 200
    assert line["y"][0] is None
    assert line["y"][-1] is None
    assert line["x"][-1] == 5002


def test_trade_off_marks_exactly_the_undominated(data):
    assert trade_off_metrics(data) == ["params"]
    found = traces(trade_off(data, "params"))
    points = [(r.metrics["params"], data.value(r)) for r in data.records if data.value(r) is not None]
    expected = {p for p in points if not any(q != p and q[0] <= p[0] and q[1] >= p[1] for q in points)}
    front = found["Pareto front"]
    assert sorted(front["x"]) == sorted(p[0] for p in expected)
    assert found["the winner"]["x"] == [data.winner.metrics["params"]]


def test_a_maximised_second_objective_is_respected():
    objectives = (Objective("loss"), Objective("speed", "max"))
    rows = [(0.1, 5), (0.2, 9), (0.3, 7), (0.05, 1)]
    records = [Record(i, Arch({}), metrics={"speed": s, "loss": x}, losses=(x, -s)) for i, (x, s) in enumerate(rows)]
    data = ReportData(history=records, objectives=objectives)
    assert trade_off_metrics(data) == ["speed"]
    assert sorted(traces(trade_off(data, "speed"))["Pareto front"]["x"]) == [1, 5, 9]
    assert {r.id for r in data.pareto} == {0, 1, 3}


def test_a_limited_cost_gets_a_figure_with_its_limit(make):
    data = make.data(constraints=(Constraint("flops", 5e6),))
    assert trade_off_metrics(data) == ["params", "flops"]
    (line,) = trade_off(data, "flops").layout.shapes
    assert line.x0 == 5e6


def test_text_of_users_is_escaped_for_plotly():
    arch = Arch({"<a href='x'>": "<b>%{y}"})
    data = ReportData(
        history=[Record(0, arch, losses=(0.1,), curves={"<i>loss": (1.0, 2.0)})], objectives=(Objective("<u>"),)
    )
    for figure in (progress(data), learning_curves(data, "<i>loss")):
        text = figure.to_json()
        assert not any(
            tag in text for tag in ("\\u003ca", "\\u003cb\\u003e%", "\\u003ci", "\\u003cu", "<a", "<i", "<u")
        )


def test_twenty_thousand_candidates_are_thinned_but_the_best_stays_exact():
    records = [Record(i, Arch({"w": i % 50}), losses=(float((i * 7919) % 20011),)) for i in range(20_000)]
    data = ReportData(history=records, objectives=(Objective("loss"),))
    found = traces(progress(data))
    assert len(found["candidate"]["x"]) <= MOST_POINTS
    assert len(found["best so far"]["x"]) == len(incumbents(data)) + 1
