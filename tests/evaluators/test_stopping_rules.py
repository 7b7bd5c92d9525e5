"""Stopping rules by themselves: what they see, what they say, and what they never look at."""

from __future__ import annotations

import math
import pickle
import random
from dataclasses import dataclass

import numpy as np
import pytest

from netwright.core.errors import InvalidInput, NotFound
from netwright.core.registry import stopping
from netwright.evaluators import Training
from netwright.evaluators.stopping import (
    Divergence,
    Extrapolation,
    LastValue,
    MedianRule,
    Patience,
    RunningCurve,
    Stopping,
    StoppingRule,
    SumOfLosses,
    stopping_from,
)
from netwright.predictors.curve_regression import CurveRegression
from netwright.predictors.parametric_curves import ParametricCurves
from netwright.testing import check_stopping_rule

EPOCHS = 20
LEVELS = np.linspace(0.1, 0.5, 9)
TIME = np.arange(1, EPOCHS + 1)


def whole(levels=LEVELS):
    """Curves that fall to levels and a little more."""
    return np.array([level + 0.5 / TIME for level in levels])


def running(losses, *, earlier=None, train=None, until=EPOCHS):
    earlier = whole() if earlier is None else earlier
    losses = np.asarray(losses, dtype=float)
    return RunningCurve(losses, losses if train is None else np.asarray(train, float), until, earlier, earlier)


def first_stop(rule, curve, **given):
    """The epoch at which a rule stops a curve; None if it doesn't."""
    return next((epoch for epoch in range(1, len(curve)) if rule(running(curve[:epoch], **given))), None)


COMPARING = [name for name in stopping if stopping[name]().compares]


def test_all_rules_are_there():
    assert set(stopping) == {
        "divergence", "extrapolation", "last_value", "median", "parametric_extrapolation", "patience", "sum_of_losses"
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(stopping))
def test_each_rule_is_a_frozen_picklable_value(name):
    rule = stopping[name]()
    assert isinstance(rule, StoppingRule)
    assert pickle.loads(pickle.dumps(rule)) == rule
    assert hash(rule) == hash(stopping[name]())
    assert stopping.summary(name).endswith(".")


@pytest.mark.parametrize("name", sorted(stopping))
@pytest.mark.parametrize("seed", range(3))
def test_each_rule_keeps_the_contract(name, seed):
    check_stopping_rule(stopping[name](), seed=seed)


@dataclass(frozen=True)
class Broken:
    """Breaks a law."""

    how: str
    compares: bool = False

    def __call__(self, curve):
        if self.how == "number":
            return 1
        if self.how == "writes":
            curve.losses[-1] += 1
        if self.how == "draws":
            np.random.default_rng(0)
            random.random()
        if self.how == "compares" and len(curve.earlier_losses):
            return "others are there"
        if self.how == "crashes" and not np.isfinite(curve.losses).all():
            raise ZeroDivisionError("nothing to divide by")
        return "always" if self.how == "best" else ""


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("number", "Broken must say why to stop, or '' to go on, but returned 1"),
        ("writes", "Broken must not change what it is shown"),
        ("draws", "Broken .*global random state"),
        ("compares", "Broken says that it doesn't compare, but earlier candidates change what it says"),
        ("crashes", "Broken must get along with any curve, but raised ZeroDivisionError after epoch 2"),
        ("best", "Broken must go on with a curve that is the best at each epoch, but said: always"),
    ],
)
def test_the_contract_finds_what_it_is_for(how, said):
    with pytest.raises(AssertionError, match=said):
        check_stopping_rule(Broken(how))


@pytest.mark.parametrize("name", sorted(stopping))
def test_a_rule_goes_on_with_the_best_curve_and_when_nothing_is_known(name):
    rule = stopping[name]()
    assert first_stop(rule, 0.01 + 0.5 / TIME) is None
    assert first_stop(rule, 2 + 0.5 / TIME, earlier=np.zeros((0, 1))) is None


def test_a_regression_needs_two_epochs():
    assert first_stop(Extrapolation(share=1.0), 2 + 0.5 / TIME) == 2
    assert CurveRegression().forecast(whole()[0, :1], whole()) is None


@pytest.mark.parametrize("name", sorted(set(COMPARING) - {"parametric_extrapolation"}))
def test_a_rule_that_compares_stops_a_bad_curve_at_once(name):
    assert first_stop(stopping[name](), 2 + 0.5 / TIME) == 1


def test_parametric_curves_need_some_epochs():
    flat = 0.9 + 0.05 * np.exp(-TIME / 2.0)
    assert first_stop(stopping["parametric_extrapolation"](), flat) >= 4


@pytest.mark.parametrize("name", COMPARING)
def test_what_earlier_candidates_did_later_doesnt_count_unless_they_are_whole(name):
    """Stopped curves end: nothing is read behind their ends, and nothing breaks there."""
    earlier = whole()
    earlier[::2, 3:] = np.nan
    rule = stopping[name]()
    for level in (0.05, 0.3, 2.0):
        assert isinstance(rule(running((level + 0.5 / TIME)[:6], earlier=earlier)), str)
    assert rule(running((2 + 0.5 / TIME)[:6], earlier=earlier[:, :4])) == ""  # nobody came that far


@pytest.mark.parametrize("name", COMPARING)
def test_values_that_are_no_numbers_are_no_crash(name):
    rule = stopping[name]()
    earlier = whole()
    earlier[0, 2], earlier[1] = np.nan, np.inf
    curve = 0.3 + 0.5 / TIME
    curve[2] = np.nan
    assert isinstance(rule(running(curve[:4], earlier=earlier)), str)


# One by one -----------------------------------------------------------------------------------------------------------


def test_median():
    earlier = np.tile(np.array([[0.8], [0.6], [0.4]]), (1, EPOCHS))
    rule = MedianRule(start=3)
    assert rule(running([0.61], earlier=earlier)) == "its best 0.61 is worse than the median 0.6 of 3 others"
    assert rule(running([0.6], earlier=earlier)) == ""
    assert rule(running([0.5, 0.9], earlier=earlier)) == ""  # its best value counts
    assert MedianRule(start=4)(running([0.9], earlier=earlier)) == ""
    assert MedianRule(start=3, grace=2)(running([0.9], earlier=earlier)) == ""


def test_last_value():
    rule = LastValue(share=0.3, start=3)
    others = whole()[:, 1]
    assert rule(running([0.9, others[1]])) == ""
    assert rule(running([0.9, others[2]])) == ""
    assert rule(running([0.9, others[3]])) == (f"its last value {others[3]:.4g} is not among the best 30 % of 9 others")
    assert LastValue(share=0.3, start=10)(running([0.9, 5.0])) == ""


def test_sum_of_losses():
    losses = whole()
    fast, slow = losses[0] - 0.05, losses[-1]
    assert SumOfLosses()(running(slow[:5], train=fast[:5])) == ""  # only the training losses count
    assert SumOfLosses()(running(fast[:5], train=slow[:5])).startswith("its sum of training losses")
    jump = np.array([5.0, *fast[1:5]])
    assert SumOfLosses()(running(fast[:5], train=jump))
    assert SumOfLosses(last=1)(running(fast[:5], train=jump)) == ""


def test_patience():
    rule = Patience(epochs=2, least=0.1)
    assert rule(running([0.9, 0.85])) == ""
    assert rule(running([0.9, 0.85, 0.82])) == "no better value for 2 epochs"
    assert rule(running([0.9, 0.85, 0.79])) == ""
    assert Patience(epochs=1)(running([0.9, 0.9])) == "no better value for 1 epoch"


def test_divergence():
    assert Divergence()(running([0.9, 0.9], train=[1.0, 1.9])) == ""
    assert "the training loss is 2.1, after 1 in" in Divergence()(running([0.9, 0.9], train=[1.0, 2.1]))
    assert Divergence()(running([0.9, math.nan], train=[1.0, 0.9])) == "it diverges: the metric is nan"


def test_extrapolation_waits_where_curves_cross():
    """Half of the curves begin to fall late: the first epochs say nothing, and the regression knows it."""
    late = np.array([level + 0.5 / np.maximum(1, TIME - 8 * (i % 2)) for i, level in enumerate(LEVELS)])
    good = 0.09 + 0.5 / np.maximum(1, TIME - 8)
    assert first_stop(Extrapolation(share=1.0), good[:9], earlier=late) is None
    assert first_stop(LastValue(share=0.25), good[:9], earlier=late) is not None


def test_extrapolation_looks_at_ranks_first():
    middling = 0.32 + 0.5 / TIME
    assert "not among the best 50 % of 9 others" in Extrapolation(chance=0.0)(running(middling[:1]))
    assert Extrapolation(chance=0.0, share=1.0)(running(middling[:1])) == ""
    assert "to be better than the best, 0.125" in Extrapolation(share=1.0)(running(middling[:4]))


# Forecasts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("predictor", [CurveRegression(), ParametricCurves()])
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (100.0, -3.0), (0.01, 50.0)])
def test_units_dont_matter(predictor, scale, shift):
    curve, finished = (0.22 + 0.5 / TIME)[:8], whole()
    plain, other = (
        predictor.forecast(curve, finished),
        predictor.forecast(scale * curve + shift, scale * finished + shift),
    )
    assert other.mean == pytest.approx(scale * plain.mean + shift, abs=1e-5 * scale)
    assert other.chance_below(scale * 0.2 + shift) == pytest.approx(plain.chance_below(0.2), abs=1e-4)


def test_chances_of_the_regression_are_right():
    """Of random curves, a tenth ends below what has a chance of a tenth."""
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(300):
        levels = rng.normal(size=13)
        curves = levels[:, None] + rng.normal(size=(13, 1)) / TIME + 0.1 * rng.normal(size=(13, EPOCHS))
        forecast = CurveRegression().forecast(curves[0, :5], curves[1:])
        inside.append(forecast.chance_below(curves[0, -1]))
    shares = [np.mean(np.array(inside) < limit) for limit in (0.1, 0.5, 0.9)]
    assert shares == pytest.approx([0.1, 0.5, 0.9], abs=0.06)


def test_too_little_to_say_anything():
    assert CurveRegression().forecast(whole()[0, :3], whole()[:2]) is None
    assert ParametricCurves().forecast(whole()[0, :3], whole()) is None
    assert ParametricCurves().forecast(np.ones(9), whole()) is None


# What can't be --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            lambda: MedianRule(start=0),
            "`start` and `grace` of MedianRule must be whole numbers of at least 1, but got s",
        ),
        (lambda: LastValue(share=0.0), r"`share` of LastValue must be above 0 and at most 1, but got 0\.0"),
        (lambda: SumOfLosses(last=0), "`last` of SumOfLosses must be a whole number of at least 1, or None; got 0"),
        (lambda: Patience(epochs=0), "`epochs` of Patience must be a whole number of at least 1 and"),
        (lambda: Patience(least=-1.0), r"but got epochs=5, least=-1\.0"),
        (lambda: Divergence(times=1.0), r"`times` of Divergence must be above 1, but got 1\.0"),
        (lambda: Extrapolation(chance=1.0), r"`chance` of Extrapolation must be in \[0, 1\), but got 1\.0"),
        (lambda: CurveRegression(ridge=0.0), r"`ridge` of CurveRegression must be above 0, but got 0\.0"),
        (lambda: ParametricCurves(least=2), "`least` of ParametricCurves must be a whole number of at least 3, not 2"),
        (
            lambda: Stopping("median"),
            "`rule` of Stopping must be a stopping rule such as MedianRule.., but got 'median'",
        ),
        (lambda: Stopping(MedianRule), "`rule` of Stopping must be"),
        (lambda: Stopping(MedianRule(), checked=1.5), r"`checked` of Stopping must be in 0\.\.1, but got 1\.5"),
        (lambda: stopping_from(0.5), "`rule` of Stopping must be a stopping rule"),
    ],
)
def test_what_cannot_be(made, said):
    with pytest.raises(InvalidInput, match=said):
        made()


def test_unknown_names(dense_space, blobs):
    with pytest.raises(NotFound, match="unknown stopping rule 'medean': did you mean 'median'"):
        stopping_from("medean")
    with pytest.raises(NotFound, match="unknown metric to stop by 'acuracy': did you mean 'accuracy'"):
        Training(dense_space, blobs, stop=Stopping(MedianRule(), metric="acuracy"))


def test_a_share_of_the_decisions_is_checked():
    policy = Stopping(MedianRule(), checked=0.25)
    assert np.mean([policy.checks(seed) for seed in range(2_000)]) == pytest.approx(0.25, abs=0.03)
    assert not any(Stopping(MedianRule(), checked=0.0).checks(seed) for seed in range(100))
    assert all(Stopping(MedianRule(), checked=1.0).checks(seed) for seed in range(100))
