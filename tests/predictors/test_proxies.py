"""Proxies as features, their consensus, and predictors that learn how far to trust them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from netwright import Arch, Space, choice
from netwright.core.errors import EvaluationError, InvalidInput
from netwright.predictors import (
    GaussianProcess,
    GradientBoosting,
    GraphNetwork,
    MlpEnsemble,
    RandomForest,
    Ridge,
    whole_space,
)
from netwright.predictors.proxies import Consensus, Proxies, with_proxies
from netwright.testing import check_predictor

FLAT = Space({f"x{i}": choice([0, 1, 2]) for i in range(5)}, name="flat")
LARGE = Space({f"x{i}": choice(list(range(9))) for i in range(9)}, name="large")


def _loss(arch):
    return float(sum((i + 1) * value for i, value in enumerate(arch.values())))


def good(arch):
    """Higher is better; on scales of their own."""
    return {"tiny": -1e-12 * _loss(arch), "huge": float(np.exp(-_loss(arch)))}


def bad(arch):
    """The wrong way round."""
    return {"size": _loss(arch)}


def some(arch):
    """Something is missing of every other arch; of some all."""
    found = {"a": -float(arch["x0"])}
    if arch["x1"] != 2:
        found["b"] = -float(arch["x1"]) if arch["x1"] else float("nan")
    if arch["x4"] == 2 and arch["x3"] == 2:
        raise EvaluationError("no way from input to output")
    return found


def size(arch):
    """What any arch has."""
    return {"size": float(len(arch))} if arch else {}


def _drawn(n, seed=0):
    arches = whole_space(FLAT).arches
    return [arches[i] for i in np.random.default_rng(seed).permutation(len(arches))[:n]]


def test_scales_dont_matter_and_the_order_of_columns_is_that_of_the_names():
    arches = _drawn(243)
    proxies = Proxies(good)
    rows = proxies(FLAT, arches)
    assert proxies.names(FLAT) == ("huge", "tiny")
    assert rows.shape == (243, 2)
    assert rows[:, 0] == pytest.approx(rows[:, 1], abs=1e-9)
    assert np.abs(rows.mean(axis=0)).max() < 0.01
    assert rows.std(axis=0) == pytest.approx([1, 1], abs=0.05)


def test_what_is_missing_takes_the_mean_of_the_rest_and_nothing_is_poor():
    proxies = Proxies(some)
    one = Arch({"x0": 0, "x1": 2, "x2": 0, "x3": 0, "x4": 0})
    none = one.replace(x3=2, x4=2)
    rows = proxies(FLAT, [one, none])
    assert rows[0, 0] == rows[0, 1] > 0
    assert rows[1].tolist() == [-1, -1]


def test_each_arch_is_asked_about_once():
    asked = []

    def counting(arch):
        asked.append(arch)
        return good(arch)

    space = Space({f"x{i}": choice(list(range(9))) for i in range(9)})
    proxies = Proxies(counting, samples=20)
    rng = np.random.default_rng(1)
    arches = [space.sample(rng) for _ in range(10)]
    for _ in range(3):
        proxies(space, arches)
        Consensus(proxies)(space, arches)
    assert len(asked) == len(set(asked)) == 30


def test_beyond_what_is_known_the_order_stays():
    proxies = Proxies(good, samples=20)
    arches = [Arch({f"x{i}": 0 for i in range(9)}).replace(x8=value) for value in range(4)]
    rows = proxies(LARGE, arches)[:, 1]
    assert (np.diff(rows) < 0).all()
    assert np.isfinite(rows).all()
    assert rows.max() < 6


def test_the_consensus_is_one_number_of_variance_one():
    found = Consensus(Proxies(good))(FLAT, whole_space(FLAT).arches)
    assert found.shape == (243, 1)
    assert float(found.mean()) == pytest.approx(0, abs=1e-6)
    assert float(found.std()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (3, "needs a function from an arch to scores by name"),
        (_loss, "must give scores by name, such as"),
        (lambda _: {"a": float("nan")}, "gave no finite score for 243 arches"),
    ],
)
def test_what_is_no_proxy(function, match):
    with pytest.raises(InvalidInput, match=match):
        Proxies(function)(FLAT, _drawn(2))


PREDICTORS = [
    GaussianProcess(),
    Ridge(),
    RandomForest(trees=30),
    GradientBoosting(trees=15, members=2),
    MlpEnsemble(steps=60, members=2, width=32),
    GraphNetwork(steps=40, members=2, width=16),
]


def _error(predictor, seed):
    arches = _drawn(243, seed)
    losses = np.array([_loss(arch) for arch in arches])
    fitted = predictor.fit(FLAT, arches[:10], losses[:10], np.random.default_rng(0))
    mean, _ = fitted.predict(arches[10:])
    return 1 - np.corrcoef(np.argsort(np.argsort(mean)), np.argsort(np.argsort(losses[10:])))[0, 1]


@pytest.mark.parametrize("predictor", PREDICTORS, ids=lambda predictor: type(predictor).__name__)
def test_good_proxies_help_any_predictor(predictor):
    informed = with_proxies(predictor, Proxies(good))
    assert pickle.loads(pickle.dumps(informed)) == informed
    alone, helped = (np.mean([_error(one, seed) for seed in range(2)]) for one in (predictor, informed))
    assert helped < 0.8 * alone


def test_a_gaussian_process_learns_how_far_to_trust_proxies():
    arches = _drawn(60)
    losses = np.array([_loss(arch) for arch in arches])
    trust = {
        function: GaussianProcess(proxies=Proxies(function))
        .fit(FLAT, arches, losses, np.random.default_rng(0))
        .covariance.trust
        for function in (good, bad)
    }
    assert trust[good] > 4 * trust[bad]


def test_a_process_with_proxies_says_the_same_in_pools_and_when_it_grows():
    arches = _drawn(243)
    losses = np.array([_loss(arch) for arch in arches])
    grown = GaussianProcess(proxies=Proxies(good)).fit(FLAT, arches[:20], losses[:20], np.random.default_rng(0))
    pool = tuple(arches[30:])
    grown.predict(pool)
    grown.add(arches[20:30], losses[:30])
    for kept, anew in zip(grown.predict(pool), grown.predict(list(pool)), strict=True):
        assert kept == pytest.approx(anew, abs=1e-3)


def test_contract_with_proxies():
    check_predictor(GaussianProcess(proxies=Proxies(size)))


def test_what_takes_no_proxies_is_told():
    class Own:
        def fit(self, space, arches, losses, rng):
            raise NotImplementedError

    with pytest.raises(InvalidInput, match=r"by a field `proxies`, `encoding` or `beside`, but .* has none"):
        with_proxies(Own(), Proxies(good))
