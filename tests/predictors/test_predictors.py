"""Each predictor beyond its contract: what it is good at, its uncertainty, its arguments; and real networks."""

from __future__ import annotations

import numpy as np
import pytest

from netwright import Arch, Space, choice, real
from netwright.core.errors import InvalidInput
from netwright.core.registry import spaces
from netwright.predictors import (
    Extra,
    GaussianProcess,
    GradientBoosting,
    GraphNetwork,
    Joined,
    MlpEnsemble,
    OneHot,
    Pairwise,
    RandomForest,
    Ridge,
    Standard,
    whole_space,
)
from netwright.spaces.zoo.nb201 import EDGES, OPERATIONS

FLAT = Space({f"x{i}": choice([0, 1, 2]) for i in range(5)}, name="flat")
SMALL = [
    GradientBoosting(trees=40),
    GraphNetwork(steps=100, members=3, width=16),
    MlpEnsemble(steps=80),
    RandomForest(trees=40),
    Ridge(),
]


def _drawn(space, n, seed=0):
    whole = whole_space(space)
    return [whole.arches[i] for i in np.random.default_rng(seed).permutation(len(whole))[:n]]


def _tau(first, second):
    i, j = np.triu_indices(len(first), 1)
    return float((np.sign(first[i] - first[j]) * np.sign(second[i] - second[j])).mean())


@pytest.mark.parametrize("predictor", SMALL, ids=lambda predictor: type(predictor).__name__)
def test_deviations_are_about_as_large_as_the_errors(predictor):
    arches = _drawn(FLAT, 180)
    rng = np.random.default_rng(0)
    losses = np.array([sum(v * (i + 1) for i, v in enumerate(arch.values())) for arch in arches]) + rng.normal(size=180)
    mean, std = predictor.fit(FLAT, arches[:80], losses[:80], rng).predict(arches[80:])
    inside = np.abs(mean - losses[80:]) < 2 * std
    assert inside.mean() > 0.8  # 0.95 if all were normal
    assert std.mean() < losses.std()


@pytest.mark.parametrize("predictor", SMALL, ids=lambda predictor: type(predictor).__name__)
def test_the_generator_decides(predictor):
    arches = _drawn(FLAT, 60)
    losses = np.array([float(arch["x0"] * arch["x1"] - arch["x2"]) for arch in arches])
    means = [predictor.fit(FLAT, arches[:30], losses[:30], np.random.default_rng(s)).predict(arches)[0] for s in (0, 1)]
    drew = not isinstance(predictor, Ridge)
    assert drew == (not np.array_equal(*means))
    assert _tau(*means) > 0.6


def test_far_from_what_it_knows_ridge_is_less_sure():
    space = Space({"x": real(0.0, 1.0), "y": real(0.0, 1.0)})
    arches = [Arch({"x": x / 40, "y": 0.0}) for x in range(20)]
    fitted = Ridge(OneHot()).fit(space, arches, np.arange(20.0) ** 2, np.random.default_rng(0))
    # In scores: what a score is worth differs from loss to loss.
    _, std = fitted.guess(fitted.features(np.array([[0.25, 0.0], [1.0, 0.0]])))
    assert std[1] > 1.5 * std[0]


def test_pairs_make_a_linear_model_see_what_goes_together():
    arches = _drawn(FLAT, 243)
    losses = np.array([float(arch["x0"] == arch["x1"]) + 0.1 * arch["x2"] for arch in arches])
    found = {}
    for encoding in (OneHot(), Pairwise()):
        fitted = Ridge(encoding).fit(FLAT, arches[:120], losses[:120], np.random.default_rng(0))
        found[type(encoding)] = _tau(fitted.predict(arches[120:])[0], losses[120:])
    assert found[Pairwise] > found[OneHot] + 0.3


def _secret(arch):
    """Says all: like a very good proxy, on a scale of its own."""
    return 1e9 * _product(arch)


def _product(arch):
    return float(np.prod([1 + arch[f"x{i}"] for i in range(5)]))


@pytest.mark.parametrize("predictor", [Ridge, RandomForest, GradientBoosting, MlpEnsemble])
def test_extra_numbers_help(predictor):
    arches = _drawn(FLAT, 100)
    losses = np.array([_product(arch) for arch in arches])
    taus = []
    for encoding in (OneHot(), Joined((OneHot(), Extra(_secret)))):
        fitted = predictor(encoding).fit(FLAT, arches[:30], losses[:30], np.random.default_rng(0))
        taus.append(_tau(fitted.predict(arches[30:])[0], losses[30:]))
    assert taus[1] > min(0.93, taus[0] + 0.02)


def test_a_graph_network_reads_what_is_beside_the_graph():
    space = Space({"x": choice([0, 1])}, training={f"t{i}": choice([0, 1, 2]) for i in range(4)})
    arches = _drawn(space, 162)
    losses = np.array([float(arch["t0"] + arch["t1"]) for arch in arches])
    network = GraphNetwork(steps=100, members=3, width=16)
    mean, _ = network.fit(space, arches[:80], losses[:80], np.random.default_rng(0)).predict(arches[80:])
    assert np.corrcoef(mean, losses[80:])[0, 1] > 0.9


def test_graphs_of_any_size_and_labels_that_were_never_seen():
    space = spaces["mlp"](max_depth=4)
    rng = np.random.default_rng(0)
    arches = [space.sample(rng) for _ in range(60)]
    losses = np.array([float(arch["depth"]) for arch in arches])
    fitted = GraphNetwork(steps=100, members=3).fit(space, arches[:50], losses[:50], rng)
    mean, _ = fitted.predict(arches[50:])
    alone = np.concatenate([fitted.predict([arch])[0] for arch in arches[50:]])
    np.testing.assert_allclose(alone, mean, rtol=1e-4, atol=1e-4)  # padding changes nothing
    assert _tau(mean, losses[50:]) > 0.5


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: RandomForest(trees=0),
            r"`trees` and `leaf` of at least 1 and `features` in \(0, 1\], but got trees=0",
        ),
        (lambda: RandomForest(features=1.5), "but got trees=100, leaf=1, features=1.5"),
        (lambda: GradientBoosting(members=1), "at least 2 `members`, .* but got members=1, trees=100, depth=4"),
        (lambda: GradientBoosting(rate=0), r"`share` and `features` in \(0, 1\], but got .*rate=0, share=0.7"),
        (lambda: MlpEnsemble(width=0), "at least 1 of `members`, `width`, .* but got members=5, width=0"),
        (lambda: MlpEnsemble(decay=-1), "`decay` of at least 0, but got .*decay=-1"),
        (lambda: GraphNetwork(depth=0), "at least 1 of `members`, `width`, .* but got members=5, width=32, depth=0"),
        (lambda: GraphNetwork(rate=0), "`rate` above 0 and `decay` of at least 0, but got .*rate=0"),
    ],
)
def test_arguments(make, text):
    with pytest.raises(InvalidInput, match=text):
        make()


@pytest.fixture(scope="module")
def nb201(shared_data):
    """The space, its arches and their losses, in one order."""
    with np.load(shared_data / "nb201.npz") as data:
        accuracies = np.nanmean(data["val_acc_200ep_seeds_cifar10"], axis=1)
        operations = data["ops"]
    names = [f"cell.{target}<-{source}" for target, source in EDGES]
    space = spaces["nb201"]()
    whole = whole_space(space)
    losses = np.empty(len(whole))
    for row, accuracy in zip(operations, accuracies, strict=True):
        losses[whole.index[Arch({n: OPERATIONS[op] for n, op in zip(names, row, strict=True)})]] = -accuracy
    return space, whole.arches, losses


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("predictor", "least"),
    [
        (Ridge(OneHot()), 0.35),
        (Ridge(Standard()), 0.6),
        (RandomForest(trees=50), 0.68),
        (GradientBoosting(trees=50), 0.68),
        (MlpEnsemble(), 0.65),
        (GraphNetwork(steps=150, members=3), 0.65),
        (GaussianProcess(), 0.7),
    ],
    ids=lambda value: type(value).__name__,
)
def test_real_networks(nb201, predictor, least):
    """Kendall's tau over 2,000 cells after 80 others: benchmarks/predictors.py has the figures."""
    space, arches, losses = nb201
    drawn = np.random.default_rng(0).permutation(len(arches))
    learned, asked = drawn[:80], drawn[80:2080]
    fitted = predictor.fit(space, [arches[i] for i in learned], losses[learned], np.random.default_rng(0))
    mean, std = fitted.predict([arches[i] for i in asked])
    assert _tau(mean, losses[asked]) > least
    assert (np.abs(mean - losses[asked]) < 2 * std).mean() > 0.7
