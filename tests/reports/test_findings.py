"""The facts that figures, tables and text are made of."""

import math

import pytest

from netwright.core import Arch, History, Objective, Record
from netwright.core.errors import InvalidInput
from netwright.reports import FinalTraining, ReportData
from netwright.reports.findings import (
    best_first,
    decision_means,
    final_interval,
    focus,
    front,
    grouped_failures,
    incumbents,
    wilson_interval,
)

ACCURACY = (Objective("accuracy", "max"),)


def record(i, loss=None, **options):
    arch = options.pop("arch", Arch({"w": i}))
    return Record(i, arch, losses=() if loss is None else (loss,), **options)


def test_wilson_interval_agrees_with_the_published_formula_and_stays_within_0_and_1():
    # Newcombe 1998, table I: 81 of 263, and 0 of 20.
    low, high = wilson_interval(81 / 263, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    low, high = wilson_interval(0.0, 20)
    assert low == 0
    assert round(high, 4) == 0.1611
    assert wilson_interval(1.0, 50)[1] == 1


def test_interval_only_for_a_share_of_known_examples(make):
    data = make.data()
    assert final_interval(data) == wilson_interval(0.9861, 360)
    assert final_interval(make.data(final=FinalTraining({"accuracy": 0.9}))) is None
    assert final_interval(make.data(final=FinalTraining({"accuracy": 93.5}, 360))) is None
    regression = ReportData(
        history=[record(0, -0.5)], objectives=(Objective("r2", "max"),), final=FinalTraining({"r2": 0.5}, 100)
    )
    assert final_interval(regression) is None


def test_incumbents_are_those_of_the_history(make):
    history = History(ACCURACY)
    expected = []
    for item in make.records():
        history.add(item)
        if history.best is not None and (not expected or history.best.id != expected[-1]):
            expected.append(history.best.id)
    assert [r.id for r in incumbents(ReportData(history=history))] == expected


def test_a_higher_fidelity_takes_over_even_if_its_value_is_worse():
    records = [record(0, -0.9, fidelity=0.1), record(1, -0.8, fidelity=1.0), record(2, -0.99, fidelity=0.1)]
    data = ReportData(history=records, objectives=ACCURACY)
    assert [r.id for r in incumbents(data)] == [0, 1]
    assert data.winner.id == 1
    assert data.top_fidelity == 1.0


def test_best_first_puts_scored_then_feasible_then_high_fidelity_then_low_loss():
    records = [
        record(0, None, status="failed"),
        record(1, 0.1, violation=0.5),
        record(2, 0.05, fidelity=0.5),
        record(3, 0.3),
        record(4, 0.2),
    ]
    assert [r.id for r in best_first(records)] == [4, 3, 2, 1, 0]


def test_front_keeps_one_of_equals_and_drops_the_dominated():
    assert front([(1, 1), (1, 1), (0, 2), (2, 0), (2, 2)]) == [2, 0, 3]
    assert front([]) == []


def test_focus_leaves_wide_but_even_values_alone():
    assert focus([i / 10 for i in range(10)]) is None
    assert focus([0.5] * 10) is None
    assert focus([1.0, 2.0]) is None
    low, high = focus([*(0.9 + i / 100 for i in range(9)), 0.1])
    assert 0.1 < low < 0.9
    assert high > 0.98


def test_failures_are_grouped_without_their_numbers_and_counted():
    records = [
        record(0, None, status="failed", error="out of memory: 3.5 GiB\ntrace", wall_seconds=1),
        record(1, None, status="failed", error="NaN after epoch 2", wall_seconds=2),
        record(2, None, status="failed", error="out of memory: 12 GiB", wall_seconds=4),
        record(3, None, status="failed"),
        record(4, None, status="infeasible"),
    ]
    groups = grouped_failures(records)
    assert [(g.reason, g.ids, g.seconds) for g in groups] == [
        ("out of memory: 3.5 GiB", (0, 2), 5),
        ("NaN after epoch 2", (1,), 2),
        ("no reason given", (3,), 0),
    ]


def test_decision_means_count_and_average_the_records_of_the_highest_fidelity():
    records = [record(i, -(0.8 if i % 2 else 0.9), arch=Arch({"k": 3 + 2 * (i % 2), "c": "x"})) for i in range(8)]
    records.append(record(8, -0.1, arch=Arch({"k": 3, "c": "x"}), fidelity=0.2))
    (means,) = decision_means(ReportData(history=records, objectives=ACCURACY))
    assert means.decision == "k"  # a decision with one option says nothing
    assert [(o.option, o.count) for o in means.options] == [("3", 4), ("5", 4)]
    assert [o.mean for o in means.options] == pytest.approx([0.9, 0.8])
    assert means.spread == pytest.approx(0.1)


def test_many_numbers_become_thirds_and_many_names_are_left_out():
    records = [record(i, float(i), arch=Arch({"lr": 0.001 * (i + 1), "name": f"n{i}"})) for i in range(30)]
    (means,) = decision_means(ReportData(history=records, objectives=(Objective("loss"),)))
    assert means.decision == "lr"
    assert [o.count for o in means.options] == [10, 10, 10]
    assert means.options[0].option == "0.001 to 0.01"
    assert means.options[0].best == 0  # minimised: the lowest


def test_options_that_read_alike_share_a_row():
    records = [record(i, 0.5, arch=Arch({"c": c})) for i, c in enumerate([None, "none", True, "yes", ("a",), "a"])]
    (means,) = decision_means(ReportData(history=records, objectives=(Objective("loss"),)))
    assert {o.option: o.count for o in means.options} == {"none": 2, "yes": 2, "a": 2}


def test_report_data_takes_a_history_or_records_and_says_what_is_missing():
    history = History(ACCURACY)
    history.add(record(0, -0.5))
    data = ReportData(history=history)
    history.add(record(1, -0.9))  # a running search goes on; the data don't
    assert data.objectives == ACCURACY
    assert len(data.records) == 1
    assert data.winner.id == 0
    with pytest.raises(InvalidInput, match=r"a report needs `objectives` where `history` is a list of records"):
        ReportData(history=[record(0, -0.5)])
    with pytest.raises(InvalidInput, match=r"record 3 has 1 and there are 2 objectives: max:accuracy, min:params"):
        ReportData(history=[record(3, -0.5)], objectives=(*ACCURACY, Objective("params")))


def test_values_are_unflipped_and_never_infinite():
    records = [record(0, -0.5), record(1, math.inf), record(2, None, metrics={"accuracy": math.nan, "params": 3.0})]
    data = ReportData(history=records, objectives=ACCURACY)
    assert [data.value(r) for r in records] == [0.5, None, None]
    assert data.value_of(records[0], "accuracy") == 0.5
    assert data.value_of(records[2], "params") == 3
    assert data.value_of(records[0], "params") is None
