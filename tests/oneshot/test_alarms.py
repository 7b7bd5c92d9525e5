"""Alarms: each is raised by what it is for, says what to do, and stays silent otherwise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netwright import Arch
from netwright.core.errors import InvalidInput
from netwright.core.registry import spaces
from netwright.oneshot.alarms import alarms
from netwright.oneshot.diary import Diary
from netwright.oneshot.rank_agreement import kendall_interval, kendall_tau

OPTIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = [decision.name for decision in spaces["nb201"]().decisions]


def _weights(chosen: str, lead: float = 0.4) -> dict[str, float]:
    rest = (1 - lead) / len(OPTIONS)
    return {option: rest + (lead if option == chosen else 0.0) for option in OPTIONS}


def _gradient(chosen_of_epochs, *, lead=0.4) -> Diary:
    diary = Diary()
    diary.begin("darts", space=spaces["nb201"]())
    for number, chosen in enumerate(chosen_of_epochs, 1):
        weights = {edge: _weights(option, lead) for edge, option in zip(EDGES, chosen, strict=True)}
        diary.epoch(
            number,
            losses={"train": 1 / number},
            weights=weights,
            arch=Arch(dict(zip(EDGES, chosen, strict=True))),
        )
    return diary


def _kinds(diary: Diary) -> list[str]:
    return [alarm.kind for alarm in alarms(diary)]


GOOD = ["nor_conv_3x3"] * 4 + ["skip_connect", "nor_conv_1x1"]


def test_a_healthy_search_raises_none():
    assert alarms(_gradient([GOOD] * 5)) == []
    assert alarms(Diary()) == []


def test_collapse_to_skip_connections():
    (alarm,) = alarms(_gradient([GOOD, GOOD, ["skip_connect"] * 5 + ["none"]]))
    assert alarm.kind == "collapsed"
    assert alarm.text == (
        "5 of the 6 operations of the derived arch are skip connections, where chance would make it 1.2; "
        "in epoch 2 it was 1."
    )
    assert "stop earlier" in str(alarm)
    assert _kinds(_gradient([["skip_connect"] * 3 + GOOD[:3]])) == []


def test_collapse_in_a_large_space_is_measured_against_chance():
    """Seven skips of sixteen operations with eight options each are no half, but far more than chance."""
    options = {f"op{i}": {f"o{k}" if k else "skip_connect": 0.3 if k else 0.7 for k in range(8)} for i in range(16)}

    def kinds(n_skips):
        diary = Diary()
        arch = Arch({f"op{i}": "skip_connect" if i < n_skips else "o1" for i in range(16)})
        diary.epoch(1, weights=options, arch=arch)
        return _kinds(diary)

    assert kinds(8) == ["collapsed"]
    assert kinds(7) == ["collapsed"]
    assert kinds(4) == []


def test_skip_connections_by_other_names():
    """The trainer says how many there are; each decision is then taken to have one option of the kind."""

    def kinds(n_skips):
        diary = Diary()
        weights = {f"op{i}": {"keep": 0.7, "conv": 0.1, "pool": 0.2} for i in range(6)}
        diary.epoch(1, weights=weights, arch=Arch(dict.fromkeys(weights, "keep")), n_skips=n_skips)
        return _kinds(diary)

    assert kinds(6) == ["collapsed"]
    assert kinds(2) == []


def test_undecided_weights():
    (alarm,) = alarms(_gradient([GOOD] * 3, lead=0.01))
    assert alarm.kind == "undecided"
    assert alarm.text.startswith("In 6 of 6 decisions the best option's weight is less than 0.02 above the second's")
    assert _kinds(_gradient([GOOD] * 3, lead=0.03)) == []


def test_only_what_is_derived_in_the_end_counts():
    diary = _gradient([["skip_connect"] * 6] * 2)
    diary.begin("second stage", space=spaces["nb201"]())
    weights = {edge: _weights(option) for edge, option in zip(EDGES, GOOD, strict=True)}
    diary.epoch(1, weights=weights, arch=Arch(dict(zip(EDGES, GOOD, strict=True))))
    assert alarms(diary) == []


@pytest.mark.parametrize(
    ("losses", "text"),
    [
        ([1, 0.5, math.nan, 0.4], "The loss `train` is no number from epoch 3 on."),
        ([1, math.inf], "The loss `train` is no number from epoch 2 on."),
        ([1, 0.5, 0.8, 1.2], "The loss `train` has grown from 0.5 in epoch 2 to 1.2 at the end"),
        ([1, 0.5, 0.8, 0.9], None),  # worse than it was, but it has learned
        ([1.0, 1.1, 1.2, 1.3], None),
        ([2, 1, 5], None),  # too short to tell
    ],
)
def test_losses_that_diverge(losses, text):
    diary = Diary()
    for number, loss in enumerate(losses, 1):
        diary.epoch(number, losses={"train": loss})
    found = alarms(diary)
    assert [alarm.kind for alarm in found] == (["diverged"] if text else [])
    assert not text or found[0].text.startswith(text)


def test_options_never_trained():
    diary = Diary()
    for phase, option in (("first", "none"), ("second", "skip_connect")):
        diary.begin(phase, space=spaces["nb201"]())
        for _ in range(3):
            diary.count(Arch(dict.fromkeys(EDGES, option)))
        diary.epoch(1)
    (alarm,) = alarms(diary)
    assert alarm.kind == "untrained"
    assert alarm.text.startswith("18 of 30 options were never trained in 6 paths: cell.1<-0=nor_conv_1x1, ")
    assert alarm.text.endswith(" and 12 more.")
    for option in OPTIONS:
        diary.count(Arch(dict.fromkeys(EDGES, option)))
    diary.epoch(2)
    assert alarms(diary) == []


def test_options_never_trained_in_a_single_path():
    diary = Diary()
    diary.begin("first", space=spaces["nb201"]())
    diary.count(Arch(dict.fromkeys(EDGES, "none")))
    diary.epoch(1)
    (alarm,) = alarms(diary)
    assert "never trained in 1 path: " in alarm.text


def test_ranking_no_better_than_chance():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=40)
    diary = Diary()
    diary.ranking("as trained", rng.normal(size=40), truth)
    diary.ranking("re-estimated", truth + 0.3 * rng.normal(size=40), truth)
    (alarm,) = alarms(diary)
    assert alarm.kind == "ranking"
    assert "(as trained) put 40 arches is no better than chance: Kendall's tau is " in alarm.text
    few = Diary()
    few.ranking("", [1, 2, 3, 4, 5, 6, 7, 8], [3, 1, 2, 6, 8, 4, 5, 7])
    assert "can't be told from chance" in alarms(few)[0].text
    fewer = Diary()
    fewer.ranking("", [1, 2, 3], [3, 2, 1])
    assert alarms(fewer) == []
    broken = Diary()
    broken.ranking("", [math.nan] * 9, [1] * 9)
    assert alarms(broken) == []


def test_tau_is_that_of_scipy():
    scipy_stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(1)
    for n in (2, 7, 30):
        for values in (1000, 4):  # few values make ties
            a, b = rng.integers(0, values, n), rng.integers(0, values, n)
            expected = scipy_stats.kendalltau(a, b).statistic
            assert kendall_tau(a, b) == pytest.approx(0.0 if math.isnan(expected) else expected)
    assert kendall_tau([1, math.nan, 2], [1, 5, 2]) == 1.0
    assert kendall_tau([], []) == 0.0
    with pytest.raises(InvalidInput, match=r"(as|equally) many"):
        kendall_tau([1, 2], [1])


def test_the_interval_covers_the_truth():
    """Tau of two normal variables with correlation r is 2/pi * asin(r)."""
    rng = np.random.default_rng(2)
    truth = 2 / math.pi * math.asin(0.7)
    inside = 0
    for _ in range(300):
        a, b = rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], 30).T
        low, high = kendall_interval(kendall_tau(a, b), 30)
        inside += low <= truth <= high
    assert 0.9 <= inside / 300 <= 0.99
    assert kendall_interval(0.9, 4) == (-1.0, 1.0)
    assert kendall_interval(1.0, 10)[1] <= 1.0
