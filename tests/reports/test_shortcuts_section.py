"""What the report says of stopping rules and inherited weights."""

from __future__ import annotations

from netwright.core import Arch, Objective, Record
from netwright.reports import ReportData
from netwright.reports.shortcuts_section import Inherited, Stopped, shortcuts

ACCURACY = (Objective("accuracy", "max"),)


def record(number, accuracy, *, epochs=20, saved=0, stop=0, status="ok", parent=None, **more):
    metrics = {"accuracy": accuracy, "epochs": epochs, "epochs_saved": saved, "stop_epoch": stop, **more}
    return Record(number, Arch({"x": number}), metrics=metrics, losses=(-accuracy,), status=status, parent=parent)


RECORDS = [
    record(0, 0.8),
    record(1, 0.3, epochs=5, saved=15, stop=5, status="partial"),
    record(2, 0.7, stop=4),  # checked, and rightly given up
    record(3, 0.9, stop=4),  # checked, and wrongly
    record(4, 0.2, epochs=5, saved=15, stop=5, status="partial"),
    Record(5, Arch({"x": 5}), status="failed", error="it diverged"),
]


def text(records):
    return shortcuts(ReportData(history=records, objectives=ACCURACY))


def test_stopping():
    found = Stopped.of(RECORDS)
    assert found == Stopped(5, 2, 70, 30, 2, 1)
    assert found.share_saved == 0.3
    page = text(RECORDS)
    assert "2 of 5 candidates" in page
    assert "30 of 100 (30%)" in page
    assert "1 of 2 (95 % interval" in page
    assert "Inherited" not in page


def test_nothing_was_checked():
    assert "how often the rule was right is not known" in text(RECORDS[:2])


def test_inheritance():
    plain = [Record(i, Arch({"x": i}), metrics={"accuracy": 0.5, "inherited": share}, losses=(-0.5,), parent=parent)
             for i, (share, parent) in enumerate([(0.0, None), (0.5, 0), (1.0, 1), (0.0, 2)])]  # fmt: skip
    assert Inherited.of(plain) == Inherited(3, 2, 0.75)
    page = text(plain)
    assert "3 candidates with a parent" in page
    assert "75% on average" in page
    assert "Stopping rule" not in page
    assert "Nobody inherited" in text(plain[:1])


def test_nothing_to_say():
    assert text([Record(0, Arch({}), metrics={"accuracy": 0.5}, losses=(-0.5,))]) == ""
