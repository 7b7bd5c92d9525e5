"""Ranks without labels: families, failures, smoothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau, rankdata

from netwright.core.errors import InvalidInput
from netwright.evaluators.proxies import AZ_NAS, Aggregate
from netwright.evaluators.proxies.aggregate import ranks, smoothed


def test_ranks_are_scipys():
    values = np.random.default_rng(0).integers(0, 9, 50).astype(float)
    assert ranks(values) == pytest.approx(rankdata(values) / 50)


def test_the_product_of_ranks():
    scores = {"params": [1, 2, 3, 4], "jacov": [4, 3, 1, 2], "epe_nas": [1, 1, 1, 1]}
    expected = np.mean(np.log([[0.25, 0.5, 0.75, 1.0], [1.0, 0.75, 0.25, 0.5], [0.625] * 4]), axis=0)
    assert Aggregate()(scores) == pytest.approx(expected)


def test_an_arch_for_which_a_proxy_fails_is_the_worst_there():
    values = Aggregate()({"params": [1.0, 1.0, 1.0], "jacov": [np.nan, -70.0, -65.0]})
    assert values.argmin() == 0
    assert np.isfinite(values).all()


def test_a_proxy_that_fails_makes_way_for_the_next_of_its_family():
    n = 10
    rising = np.arange(float(n))
    broken = np.full(n, np.nan)
    scores = {"params": np.ones(n), "jacov": broken, "epe_nas": broken, "nwot": rising}
    assert Aggregate()(scores).argmax() == n - 1
    assert Aggregate()({"params": rising, "jacov": broken}).argmax() == n - 1
    with pytest.raises(InvalidInput, match=r"params is not there.*\n.*jacov failed for most"):
        Aggregate()({"jacov": broken})


def test_smoothing_takes_noise_away():
    rng = np.random.default_rng(0)
    features = rng.integers(0, 2, (400, 12)).astype(float)
    truth = features @ rng.normal(size=12)
    noisy = truth + 1.5 * truth.std() * rng.normal(size=400)
    taus = [kendalltau(Aggregate((("jacov",),))({"jacov": noisy}, given), truth)[0] for given in (None, features)]
    assert taus[1] > taus[0] + 0.1


def test_what_decisions_do_not_explain_weighs_less():
    rng = np.random.default_rng(0)
    features = rng.integers(0, 2, (300, 12)).astype(float)
    truth = features @ rng.normal(size=12)
    scores = {"jacov": truth + 0.3 * rng.normal(size=300), "epe_nas": rng.normal(size=300)}
    both = Aggregate((("jacov",), ("epe_nas",)))
    taus = [kendalltau(both(scores, given), truth)[0] for given in (None, features)]
    assert taus[0] < 0.6
    assert taus[1] > 0.7


def test_what_is_exact_is_not_smoothed():
    rng = np.random.default_rng(0)
    values = rng.normal(size=30)
    only = Aggregate((("params",),))
    assert only({"params": values}, rng.normal(size=(30, 4))) == pytest.approx(only({"params": values}))


def test_smoothing_is_ridge_regression():
    rng = np.random.default_rng(3)
    features, noise = rng.normal(size=(60, 3)), rng.normal(size=(60, 2))
    linear = features @ np.array([[1.0], [2.0], [-1.0]])
    fitted, explained = smoothed(linear, features)
    assert fitted == pytest.approx(linear, abs=1e-3)
    assert explained == pytest.approx([1.0], abs=1e-6)
    fitted, explained = smoothed(noise, features)
    assert fitted.std() < 0.5 * noise.std()
    assert explained.max() < 0.3
    fitted, explained = smoothed(noise, np.ones((60, 3)))
    assert fitted == pytest.approx(np.broadcast_to(noise.mean(0), noise.shape))
    assert explained == pytest.approx([0.0, 0.0])
    assert smoothed(noise[:3], features[:3])[0].shape == (3, 2)  # more features than there is freedom


def test_names():
    assert AZ_NAS.names == ("expressivity", "progressivity", "trainability", "flops")
    assert Aggregate().names == ("params", "jacov", "nwot", "epe_nas", "zico")


def test_errors():
    with pytest.raises(InvalidInput, match="one or more families"):
        Aggregate(())
    with pytest.raises(InvalidInput, match="one or more families"):
        Aggregate(("params", "jacov"))
    with pytest.raises(InvalidInput, match=r"but have \[1, 2\] rows"):
        Aggregate()({"params": [1.0], "jacov": [1.0, 2.0]})
    with pytest.raises(InvalidInput, match=r"but have \[2, 3\] rows"):
        Aggregate()({"params": [1.0, 2.0]}, np.ones((3, 1)))
