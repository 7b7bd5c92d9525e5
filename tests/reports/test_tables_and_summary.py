"""Tables for terminals and frames, and the result in words."""

import subprocess
import sys

import pandas as pd
import pytest
from rich.console import Console

from netwright.core import Arch, Constraint, History, Objective, Record
from netwright.core.errors import InvalidInput, MissingDependency
from netwright.reports import FinalTraining, ReportData, arch_text, history_frame, history_table, summary_lines
from netwright.reports.summary import gain_text, headline
from netwright.reports.tables import metric_columns

ACCURACY = (Objective("accuracy", "max"),)


def history_of(records, objectives=ACCURACY):
    history = History(objectives)
    for record in records:
        history.add(record)
    return history


def printed(table, width=160):
    console = Console(width=width, record=True, file=None, force_terminal=False, quiet=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_the_frame_holds_everything(make):
    history = history_of(make.records())
    frame = history_frame(history)
    assert len(frame) == 60
    assert list(frame.columns[:4]) == ["id", "parent", "status", "fidelity"]
    for record in history.records:
        row = frame.iloc[record.id]
        assert row["status"] == record.status
        assert row["arch.act"] == record.arch["act"]
        assert pd.isna(row["accuracy"]) if not record.losses else row["accuracy"] == record.metrics["accuracy"]
        assert pd.isna(row["arch.skip"]) if "skip" not in record.arch else row["arch.skip"] == record.arch["skip"]
        assert pd.isna(row["parent"]) if record.parent is None else row["parent"] == record.parent


def test_the_frame_of_nothing_is_empty_and_a_metric_named_like_a_column_is_marked():
    assert len(history_frame(History())) == 0
    history = history_of([Record(5, Arch({}), metrics={"id": 1.5, "status": 2.0}, losses=(1.5,))], (Objective("id"),))
    frame = history_frame(history)
    assert frame["id"].tolist() == [5]
    assert frame["metric.id"].tolist() == [1.5]
    assert frame["metric.status"].tolist() == [2.0]


def test_the_table_shows_the_best_first_and_says_what_is_left_out(make):
    history = history_of(make.records())
    text = printed(history_table(history, top=5))
    lines = text.splitlines()
    assert lines[0].split()[:3] == ["#", "accuracy", "params"]
    assert int(lines[1].split()[0]) == history.best.id
    values = [float(line.split()[1]) for line in lines[1:6]]
    assert values == sorted(values, reverse=True)
    assert "the best 5 of 60 candidates" in lines[-1]


def test_the_table_fits_a_narrow_terminal_and_keeps_its_numbers(make):
    text = printed(history_table(history_of(make.records()), top=3), width=90)
    assert max(map(len, text.splitlines())) <= 90
    assert "30.21k" in text


def test_markup_in_names_is_shown_as_it_is():
    history = history_of(
        [Record(0, Arch({"x": "[red]a[/red]"}), metrics={"[bold]m": 1.0}, losses=(1.0,))], (Objective("[bold]m"),)
    )
    text = printed(history_table(history))
    assert "[red]a[/red]" in text
    assert "[bold]m" in text


def test_failures_show_their_reason_and_fidelities_a_column():
    records = [
        Record(0, Arch({}), losses=(-0.5,), fidelity=0.5),
        Record(1, Arch({}), status="failed", error="boom\nmore"),
    ]
    text = printed(history_table(history_of(records)))
    assert "fidelity" in text
    assert "boom" in text
    assert "more" not in text
    assert printed(history_table(History())).split() == ["#", "loss", "seconds", "status", "decisions"]


def test_the_usual_metrics_come_first():
    metrics = {"epochs": 3.0, "activation_mb": 1.0, "accuracy": 0.5, "params": 9.0, "loss": 0.1, "flops": 5.0}
    history = history_of([Record(0, Arch({}), metrics=metrics, losses=(-0.5,))])
    assert metric_columns(history) == ["accuracy", "params", "flops", "loss"]


def test_top_must_be_positive():
    with pytest.raises(InvalidInput, match=r"`top` must be at least 1, but got 0"):
        history_table(History(), top=0)


def test_arch_text_is_aligned_and_may_be_empty():
    assert arch_text(Arch({"a": (1, 2), "long.name": None})) == "a          1, 2\nlong.name  none"
    assert arch_text(Arch({})) == ""


@pytest.mark.parametrize(
    ("module", "call", "hint"),
    [
        ("pandas", "history_frame(History())", "pip install 'netwright[frame]'"),
        ("rich.table", "history_table(History())", "pip install rich"),
        ("plotly", "report_html(ReportData(history=History()))", "pip install plotly"),
    ],
)
def test_a_missing_package_is_named_with_its_install_line(module, call, hint, monkeypatch):
    from netwright.reports import html_page, report_html

    html_page._plotly_code.cache_clear()  # a page of an earlier test would do without plotly
    monkeypatch.setitem(sys.modules, module, None)
    for loaded in [name for name in sys.modules if name.startswith(module + ".")]:
        monkeypatch.setitem(sys.modules, loaded, None)
    names = {"History": History, "ReportData": ReportData, "report_html": report_html}
    names |= {"history_frame": history_frame, "history_table": history_table}
    with pytest.raises(MissingDependency, match=hint.replace("[", r"\[").replace("]", r"\]")):
        eval(call, names)


def test_reports_load_nothing_heavy():
    heavy = ("torch", "pandas", "plotly", "rich", "sklearn")
    code = f"import sys, netwright.reports; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.stdout.strip() == "[]"


def test_the_summary_says_what_matters(data):
    text = "\n".join(summary_lines(data, files={"report": "runs/digits/report.html"}))
    assert text.startswith("The best of 60 candidates")
    assert "test accuracy   98.61 % (95 % interval 96.79 to 99.40 %)" in text
    assert "final training  14.2s, 24 % of the budget" in text
    assert "report          runs/digits/report.html" in text
    assert f"kernel          = {data.winner.arch['kernel']}" in text
    assert text.isascii()  # any terminal can show it


def test_the_summary_of_nothing_is_one_line():
    assert summary_lines(ReportData(history=[], objectives=ACCURACY)) == [
        "The search ended without a single candidate."
    ]


def test_the_gain_is_told_with_care():
    best, poor = Record(1, Arch({"w": 2}), losses=(-0.98,)), Record(0, Arch({"w": 1}), losses=(-0.95,))
    records = [poor, best]

    def gain(baseline, history=records):
        return gain_text(ReportData(history=history, objectives=ACCURACY, baseline=baseline))

    assert gain(poor) == "+3.00 points against the default arch (95.00 %)"
    assert gain(None) == ""
    assert gain(best) == "the default arch itself is the best found"
    assert gain(Record(0, Arch({"w": 1}), status="failed")) == "the default arch has no result to compare with"
    lower = Record(0, Arch({"w": 1}), losses=(-0.95,), fidelity=0.5)
    assert gain(lower).endswith("which had fidelity 0.5 against 1")
    broken = Record(0, Arch({"w": 1}), losses=(-0.99,), violation=0.5)
    assert gain(broken, [broken, best]) == "-1.00 points against the default arch (99.00 %), which breaks a limit"
    assert "  change " in "\n".join(summary_lines(ReportData(history=records, objectives=ACCURACY, baseline=poor)))


def test_a_reason_ends_with_one_stop():
    data = ReportData(
        history=[Record(0, Arch({"w": 1}), status="failed", error="no such metric.")], objectives=ACCURACY
    )
    assert summary_lines(data)[0].endswith("The most common reason: no such metric.")


def test_the_summary_says_that_nothing_was_trained_in_full():
    short = Record(0, Arch({"w": 1}), losses=(-0.9,), fidelity=0.25)
    text = "\n".join(summary_lines(ReportData(history=[short], objectives=ACCURACY)))
    assert "accuracy 90.00 %, at fidelity 0.25: no candidate was trained in full" in text
    both = [short, Record(1, Arch({"w": 1}), losses=(-0.8,), parent=0)]
    assert "fidelity" not in "\n".join(summary_lines(ReportData(history=both, objectives=ACCURACY)))


def test_headlines_of_running_and_limited_searches():
    limited = [Record(0, Arch({}), losses=(-0.9,), violation=1.0)]
    data = ReportData(history=limited, objectives=ACCURACY, constraints=(Constraint("params", 1e5),), running=True)
    assert headline(data) == "No candidate so far keeps params<=100k: 1 evaluated."
    partial = ReportData(
        history=[Record(0, Arch({}), losses=(-0.9,))], objectives=ACCURACY, final=FinalTraining({"loss": 1.0})
    )
    assert headline(partial) == "The only candidate (#0) reaches accuracy 90.00 % in the search."
    unknown_n = ReportData(history=partial.records, objectives=ACCURACY, final=FinalTraining({"accuracy": 0.8}))
    assert headline(unknown_n).endswith("reaches accuracy 80.00 % on data that the search never saw.")
