"""Gradients of architecture parameters: first order is autograd's, second order agrees with differences."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from netwright import Space, choice, nn
from netwright.oneshot.relaxation.arch_gradients import InnerStep, arch_gradients
from netwright.oneshot.relaxation.hessian import dominant_eigenvalue
from netwright.oneshot.relaxation.weighted_sum import weighted_sum
from netwright.oneshot.relaxed import Relaxed
from netwright.oneshot.supernet import Supernet
from netwright.spaces.zoo.nb201 import nb201


def batch(shape, n, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, *shape, generator=generator, dtype=torch.float64)
    return x, torch.randint(0, 3, (n,), generator=generator)


@pytest.fixture(scope="module")
def tiny():
    """A tiny network in double precision, with its mixture far from even; no normalisation, so all is smooth."""
    layer = {"tanh": nn.Tanh(), "linear": nn.Linear(5, 5), "both": nn.Sequential(nn.Linear(5, 5), nn.Tanh())}
    parts = [choice(layer, label=f"op{i}") for i in range(2)]
    space = Space(nn.Sequential(nn.Linear(4, 5), *parts, nn.Linear(5, 3)))
    relaxed = Relaxed(Supernet(space, input_shape=(4,)), spread=0.5, seed=3).double().train()
    return relaxed, batch((4,), 16, 0), batch((4,), 16, 1)


def set_all(parameters, values):
    with torch.no_grad():
        for parameter, value in zip(parameters, values, strict=True):
            parameter.copy_(value)


def after_a_step(relaxed, training, validation, step):
    """The validation loss after one step of the weights, as it would be trained; the weights are put back."""
    weights = relaxed.weights()
    before = [weight.detach().clone() for weight in weights]
    relaxed.sample()
    grads = torch.autograd.grad(functional.cross_entropy(relaxed(training[0]), training[1]), weights, allow_unused=True)
    set_all(weights, step.after(weights, list(grads)))
    loss = functional.cross_entropy(relaxed(validation[0]), validation[1]).item()
    set_all(weights, before)
    return loss


def test_first_order_is_what_autograd_says(tiny):
    relaxed, _, validation = tiny
    relaxed.sample()
    grads, loss = arch_gradients(relaxed, functional.cross_entropy, validation)
    relaxed.sample()
    relaxed.zero_grad()
    expected = functional.cross_entropy(relaxed(validation[0]), validation[1])
    expected.backward()
    assert loss == expected
    for grad, parameter in zip(grads, relaxed.arch_parameters(), strict=True):
        assert torch.equal(grad, parameter.grad)


def by_differences(relaxed, training, validation, step, logits, indices, reach=1e-5):
    """The derivative of the loss after a step in some architecture parameters."""
    found = []
    for index in indices:
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                logits.view(-1)[index] += sign * reach
            ends.append(after_a_step(relaxed, training, validation, step))
            with torch.no_grad():
                logits.view(-1)[index] -= sign * reach
        found.append((ends[0] - ends[1]) / (2 * reach))
    return torch.tensor(found, dtype=logits.dtype)


def distance(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("order", ["exact", "finite"])
def test_second_order_agrees_with_finite_differences(tiny, order):
    relaxed, training, validation = tiny
    weights = relaxed.weights()
    generator = torch.Generator().manual_seed(5)
    step = InnerStep(
        lr=0.3,
        momentum=0.9,
        weight_decay=tuple(0.01 for _ in weights),
        velocities=tuple(0.1 * torch.randn(w.shape, generator=generator, dtype=w.dtype) for w in weights),
    )
    relaxed.sample()
    grads, _ = arch_gradients(relaxed, functional.cross_entropy, validation, order=order, training=training, step=step)
    (logits,) = relaxed.arch_parameters()
    expected = by_differences(relaxed, training, validation, step, logits, range(logits.numel()))
    assert distance(grads[0].flatten(), expected) <= (1e-6 if order == "exact" else 1e-2)
    relaxed.sample()
    first, _ = arch_gradients(relaxed, functional.cross_entropy, validation)
    assert distance(first[0].flatten(), expected) > 0.02  # looking ahead makes a difference here


def test_second_order_through_cells_with_batch_normalisation():
    """The fused cell can be differentiated twice."""
    relaxed = Relaxed(Supernet(nb201(channels=2, n_cells=1, input_shape=(1, 8, 8)), input_shape=(1, 8, 8), n_outputs=3))
    relaxed.double().train()
    training, validation = batch((1, 8, 8), 8, 0), batch((1, 8, 8), 8, 1)
    relaxed.sample()
    step = InnerStep(lr=0.05)
    grads, _ = arch_gradients(
        relaxed, functional.cross_entropy, validation, order="exact", training=training, step=step
    )
    logits, indices = relaxed.arch_parameters()[0], [1, 7, 13, 19, 29]
    expected = by_differences(relaxed, training, validation, step, logits, indices, reach=1e-6)
    assert distance(grads[0].flatten()[indices], expected) <= 1e-3


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_step_ahead_is_the_one_that_the_optimizer_takes(tiny, nesterov):
    relaxed, training, _ = tiny
    weights = relaxed.weights()
    before = [weight.detach().clone() for weight in weights]
    optimizer = torch.optim.SGD(weights, lr=0.1, momentum=0.9, nesterov=nesterov, weight_decay=0.01)
    for _ in range(2):
        relaxed.sample(architecture=False)
        optimizer.zero_grad()
        functional.cross_entropy(relaxed(training[0]), training[1]).backward()
        step = InnerStep(
            lr=0.1,
            momentum=0.9,
            nesterov=nesterov,
            weight_decay=tuple(0.01 for _ in weights),
            velocities=tuple(optimizer.state[weight].get("momentum_buffer") for weight in weights),
        )
        expected = step.after(weights, [weight.grad for weight in weights])
        optimizer.step()
        assert all(torch.allclose(w, e, rtol=1e-12) for w, e in zip(weights, expected, strict=True))
    set_all(weights, before)
    optimizer.zero_grad()


def test_no_gradient_of_the_weights_is_left(tiny):
    relaxed, training, validation = tiny
    relaxed.zero_grad()
    for order in ("first", "exact", "finite"):
        relaxed.sample()
        step = InnerStep(lr=0.1)
        arch_gradients(relaxed, functional.cross_entropy, validation, order=order, training=training, step=step)
    assert all(weight.grad is None for weight in relaxed.weights())


def test_dominant_eigenvalue(tiny):
    relaxed, _, validation = tiny
    (logits,) = relaxed.arch_parameters()

    def loss():
        relaxed.sample()
        return functional.cross_entropy(relaxed(validation[0]), validation[1])

    def of(values):
        relaxed.use([values.softmax(-1)])
        return functional.cross_entropy(relaxed(validation[0]), validation[1])

    hessian = torch.autograd.functional.hessian(of, logits.detach().clone()).reshape(logits.numel(), -1)
    values = torch.linalg.eigvalsh(hessian)
    expected = values[values.abs().argmax()]
    assert dominant_eigenvalue(loss, [logits], steps=300, tolerance=1e-9) == pytest.approx(float(expected), rel=1e-3)


def test_weighted_sums_have_both_derivatives():
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(3, dtype=torch.float64, generator=generator, requires_grad=True)
    base, *tensors = (
        torch.randn(2, 2, 3, 3, dtype=torch.float64, generator=generator, requires_grad=True) for _ in range(4)
    )
    tensors[1] = tensors[1].detach().contiguous(memory_format=torch.channels_last).requires_grad_()

    def total(weights, base, *tensors):
        return weighted_sum(weights, list(tensors), base)

    assert torch.autograd.gradcheck(total, (weights, base, *tensors))
    assert torch.autograd.gradgradcheck(total, (weights, base, *tensors))
    expected = base + sum(w * t for w, t in zip(weights, tensors, strict=True))
    assert torch.allclose(total(weights, base, *tensors), expected)
    assert torch.allclose(weighted_sum(weights, tensors), expected - base)
