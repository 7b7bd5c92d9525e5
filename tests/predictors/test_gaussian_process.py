"""The Gaussian process against scikit-learn's, and its cheap ways against the dear ones."""

from __future__ import annotations

import numpy as np
import pytest

from netwright import Space, cell, choice, integer, nn, real
from netwright.core.errors import InvalidInput
from netwright.predictors import OneHot
from netwright.predictors.depths import Depths
from netwright.predictors.gaussian_process import GaussianProcess, kernels_for
from netwright.predictors.kernels import Hamming, Linear, SquaredExponential, path_kernel, weisfeiler_lehman_kernel
from netwright.predictors.steps import Steps
from netwright.spaces.zoo.nb201 import nb201

FLAT = Space({f"c{i}": choice(list("abc")) for i in range(4)}, name="flat")
MIXED = Space(
    {"head": choice({"wide": {"units": integer(8, 64, log=True)}, "none": None}), "act": choice(["relu", "silu"])},
    training={"lr": real(1e-4, 1e-1, log=True)},
    name="mixed",
)
OPERATIONS = {"none": None, "skip": nn.Identity(), "relu": nn.ReLU(), "tanh": nn.Tanh()}
CELL = Space(cell(OPERATIONS, 3, label="cell"), name="cell")
KERNELS = [SquaredExponential(OneHot()), Linear(OneHot()), Hamming(), path_kernel(), weisfeiler_lehman_kernel()]


def _arches(space, count, seed=0):
    """Different arches in random order; all of them if there are fewer than asked for."""
    rng = np.random.default_rng(seed)
    return list(dict.fromkeys(space.sample(rng) for _ in range(20 * count)))[:count]


def _losses(space, arches, noise=0.0):
    features = np.stack([space.encode(arch) for arch in arches])
    first, second = np.random.default_rng(7).standard_normal((2, features.shape[1]))
    exact = 10 + 2 * features @ first + (features @ second) ** 2
    return exact + noise * np.random.default_rng(1).standard_normal(len(arches))


def _fitted(space, arches, losses, **more):
    return GaussianProcess(targets="losses", **more).fit(space, arches, losses, np.random.default_rng(0))


@pytest.mark.parametrize("space", [FLAT, MIXED, CELL], ids=lambda space: space.name)
def test_it_says_what_scikit_learn_says_with_the_same_kernel(space):
    """Same features, same weights: the same posterior."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel

    kernels = (SquaredExponential(OneHot()), Linear(OneHot()))
    arches = _arches(space, 40)
    learned, asked = arches[:15], arches[15:]
    losses = _losses(space, learned, noise=0.1)
    fitted = _fitted(space, learned, losses, kernels=kernels)
    smooth, linear = fitted.covariance.variances
    kernel = (
        ConstantKernel(smooth) * RBF(kernels[0].scale ** 0.5)  # the linear kernel's features are those before `scale`
        + ConstantKernel(linear) * DotProduct(1e-9, "fixed")
        + ConstantKernel(1.0)  # the level, which nobody knows
        + WhiteKernel(fitted.covariance.noise)
    )
    peer = GaussianProcessRegressor(kernel, alpha=0, optimizer=None, normalize_y=True)
    peer.fit(kernels[1].features(space, learned), losses)
    mean, std = peer.predict(kernels[1].features(space, asked), return_std=True)
    found_mean, found_std = fitted.predict(asked)
    noise = fitted.covariance.noise * losses.std() ** 2
    assert found_mean == pytest.approx(mean, rel=1e-6)
    assert found_std == pytest.approx(np.sqrt(std**2 - noise), rel=1e-5)


def test_the_weights_are_those_that_scikit_learn_finds_most_likely_but_for_the_prior():
    """With many records the prior hardly counts: no other weights make the records much more likely."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    kernel = SquaredExponential(OneHot())
    arches = 4 * _arches(FLAT, 81)  # each four times
    losses = _losses(FLAT, arches, noise=0.3)
    found = _fitted(FLAT, arches, losses, kernels=(kernel,)).covariance
    features = kernel.features(FLAT, arches)
    peer = GaussianProcessRegressor(
        ConstantKernel(1.0, (1e-3, 1e3)) * RBF(1.0, "fixed")
        + ConstantKernel(1.0, "fixed")
        + WhiteKernel(0.1, (1e-4, 1e1)),
        alpha=0,
        normalize_y=True,
    ).fit(features, losses)
    assert found.noise == pytest.approx(np.exp(peer.kernel_.theta[1]), rel=0.1)
    own = peer.log_marginal_likelihood(np.log([found.variances[0], found.noise]))
    assert own > peer.log_marginal_likelihood_value_ - 1.5


@pytest.mark.parametrize("space", [FLAT, MIXED, CELL], ids=lambda space: space.name)
@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)
def test_kernels_are_covariances(space, kernel):
    features = kernel.features(space, _arches(space, 60))
    parameters = kernel.start(space) + 0.3 * np.arange(len(kernel.start(space)))
    value = kernel(features, features, parameters)
    assert value == pytest.approx(value.T)
    assert np.linalg.eigvalsh(value).min() > -1e-8
    assert kernel.diagonal(features, parameters) == pytest.approx(np.diagonal(value))
    if not isinstance(kernel, Linear):
        assert np.diagonal(value) == pytest.approx(np.ones(len(value)))
    for i, gradient in enumerate(kernel.gradients(features, parameters, value)):
        step = 1e-6 * np.eye(len(parameters))[i]
        numeric = (kernel(features, features, parameters + step) - kernel(features, features, parameters - step)) / 2e-6
        assert gradient == pytest.approx(numeric, abs=1e-6)


def test_each_decision_counts_alike_at_first_and_what_matters_more_later():
    arches = _arches(FLAT, 200)
    losses = np.array([float("abc".index(arch["c2"])) for arch in arches])
    space, kernel = FLAT, Hamming()
    features = kernel.features(
        space, [arches[0], *(arches[0].replace(**{f"c{i}": _other(arches[0], i)}) for i in range(4))]
    )
    row = kernel(features[:1], features[1:], kernel.start(space))[0]
    assert row == pytest.approx(row[0], rel=0.1)
    weights = _fitted(space, arches, losses, kernels=(kernel,)).covariance.parameters[0]
    assert weights.argmax() == 2


def _other(arch, i):
    return "abc"[("abc".index(arch[f"c{i}"]) + 1) % 3]


def test_a_space_of_many_decisions_shares_one_weight():
    assert len(Hamming(most=3).start(FLAT)) == 1
    assert len(Hamming(most=4).start(FLAT)) == 4


@pytest.mark.parametrize("space", [FLAT, MIXED, CELL], ids=lambda space: space.name)
def test_adding_arches_is_as_good_as_learning_them_at_once(space):
    arches = _arches(space, 50)
    losses = _losses(space, arches, noise=0.2)
    asked = tuple(_arches(space, 30, seed=5))
    whole = _fitted(space, arches[:20], losses[:20])
    whole.predict(asked)  # kept from here on
    whole.add(arches[20:23], losses[:23])
    whole.add(arches[23:40], losses[:40])
    other = _fitted(space, arches[:20], losses[:20])
    other.add(arches[20:40], losses[:40])
    for kept, fresh in zip(whole.predict(asked), other.predict(list(asked)), strict=True):
        assert kept == pytest.approx(fresh, abs=2e-3)
    assert len(whole) == 40


def test_new_losses_of_the_same_arches():
    arches = _arches(FLAT, 30)
    losses = _losses(FLAT, arches)
    fitted = _fitted(FLAT, arches, losses)
    mean, _ = fitted.predict(arches)
    fitted.add([], -losses)
    assert fitted.predict(arches)[0] == pytest.approx(-mean)
    with pytest.raises(InvalidInput, match="`losses` must be those of the 30 old and 1 new arches, but has 30"):
        fitted.add(arches[:1], losses)


@pytest.mark.parametrize("kept", [True, False])
def test_what_others_would_change(kept):
    """Given other arches' losses, it says what it says once it has taken them in; it has not taken them in."""
    arches = _arches(CELL, 60)
    losses = _losses(CELL, arches, noise=0.1)
    asked = tuple(arches[40:]) if kept else arches[40:]
    fitted = _fitted(CELL, arches[:30], losses[:30])
    before = fitted.predict(asked)
    scale = losses[:30].std()
    guess = fitted.predict_given(asked, arches[30:34], losses[30:34])
    after = fitted.predict(asked)
    assert (after[0] == before[0]).all()
    assert (guess[1] <= before[1] + 1e-3).all()
    fitted._scale, told = fitted._scale, np.append(losses[:30], losses[30:34])
    shift, spread = losses[:30].mean(), scale
    fitted.add(arches[30:34], told)
    # The scale of the scores follows the losses: undo that, to compare like with like.
    fitted._scores = (told - shift) / spread
    mean, std = fitted._guess(list(asked))
    assert guess[0] == pytest.approx(mean * spread + shift, abs=2e-3 * spread)
    assert guess[1] == pytest.approx(std * spread, abs=2e-3 * spread)


def test_normal_scores_don_t_mind_an_outlier():
    arches = _arches(FLAT, 60)
    losses = _losses(FLAT, arches)
    wild = losses.copy()
    plain, ranked = (GaussianProcess(targets=targets) for targets in ("losses", "normal_scores"))
    truth = losses[40:]

    def likeness(process, told):
        mean, std = process.fit(FLAT, arches[:40], told[:40], np.random.default_rng(0)).predict(arches[40:])
        assert (std >= 0).all()
        return np.corrcoef(mean.argsort().argsort(), truth.argsort().argsort())[0, 1]

    wild[0] = 1e9
    assert likeness(ranked, wild) > 0.7
    assert likeness(ranked, wild) > likeness(plain, wild)


def test_the_noise_is_found():
    arches = 4 * _arches(FLAT, 81)
    quiet = _fitted(FLAT, arches, _losses(FLAT, arches)).covariance.noise
    loud = _fitted(FLAT, arches, _losses(FLAT, arches, noise=1.0)).covariance.noise
    assert 2 * quiet < loud


@pytest.mark.parametrize("losses", [[2.0], [1.0, 1.0, 1.0], [1.0, 2.0]])
def test_hardly_anything_to_learn_from(losses):
    arches = _arches(FLAT, 10)
    mean, std = _fitted(FLAT, arches[: len(losses)], np.array(losses)).predict(arches)
    assert np.isfinite(mean).all()
    assert (std > 0).all()


def test_kernels_that_suit_a_space():
    decisions, graphs = 2, 3
    assert len(kernels_for(FLAT)) == len(kernels_for(MIXED)) == decisions
    assert len(kernels_for(CELL)) == decisions + graphs


def test_more_arches_than_weights_are_learned_from():
    space = Space({f"c{i}": choice(list(range(5))) for i in range(4)})
    arches = _arches(space, 600)
    assert len(arches) > 300
    losses = np.array([float(sum(arch.values())) for arch in arches])
    mean, _ = _fitted(space, arches, losses).predict(arches)
    assert mean == pytest.approx(losses, abs=0.5)


def test_ways_through_an_operation():
    arch = CELL.default().replace(**{"cell.1<-0": "relu", "cell.2<-0": "skip", "cell.2<-1": "tanh"})
    assert dict(Steps().counts(CELL.graph(arch))) == {"": 2, "relu": 1, "tanh": 1, "skip": 1}


def test_lengths_of_ways():
    arch = CELL.default().replace(**{"cell.1<-0": "relu", "cell.2<-0": "skip", "cell.2<-1": "tanh"})
    assert dict(Depths().counts(CELL.graph(arch))) == {
        ("", "ways"): 2, ("", "longest"): 2, ("", "shortest"): 0, ("", "mean"): 1.0,
        ("relu", "longest"): 1, ("relu", "shortest"): 0, ("relu", "mean"): 0.5,
        ("tanh", "longest"): 1, ("tanh", "shortest"): 0, ("tanh", "mean"): 0.5,
    }  # fmt: skip


def test_a_process_knows_depth():
    """The loss is how much the longest way falls short: nothing that single decisions tell."""
    space = nb201()
    arches = [space.sample(np.random.default_rng(seed)) for seed in range(160)]
    losses = -np.array([max((len(p) - p.count("skip") for p in space.graph(a).paths()), default=0) for a in arches])
    fitted = GaussianProcess(targets="losses").fit(space, arches[:60], losses[:60] * 1.0, np.random.default_rng(0))
    mean, _ = fitted.predict(arches[60:])
    assert np.corrcoef(mean, losses[60:])[0, 1] > 0.95


def test_bad_arguments():
    with pytest.raises(InvalidInput, match=r"`targets` of normal_scores or losses, but got kernels=.*targets='ranks'"):
        GaussianProcess(targets="ranks")
    with pytest.raises(InvalidInput, match="`scale` of SquaredExponential must be above 0, but got 0"):
        SquaredExponential(OneHot(), 0)
    with pytest.raises(InvalidInput, match="`scale` of Hamming must be above 0 and `most` at least 0"):
        Hamming(-1.0)
    with pytest.raises(InvalidInput, match="`most` of Steps must be at least 1, but got 0"):
        Steps(0)
    with pytest.raises(InvalidInput, match="`most` of Depths must be at least 1, but got 0"):
        Depths(0)
    with pytest.raises(InvalidInput, match="a finite loss for each"):
        _fitted(FLAT, [FLAT.default()], np.array([np.nan]))
