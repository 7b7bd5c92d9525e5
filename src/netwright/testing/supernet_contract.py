"""What a supernet has to hold on any space: a path computes what the standalone model with the copied weights does."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from netwright.core.arch import Arch
from netwright.models.binding import bounds_of
from netwright.models.slicing import put
from netwright.oneshot.supernet import Supernet
from netwright.spaces import Space
from netwright.testing.global_state import unchanged_global_state

__all__ = ["check_supernet", "largest_difference"]

_TOLERANCE = 1e-5  # relative to the largest output
_STEPS = 8


def check_supernet(
    space: Space,
    input_shape: tuple[int, ...],
    *,
    n_outputs: int | None = None,
    n_paths: int = 50,
    batch_size: int = 4,
    inputs: torch.Tensor | None = None,
) -> None:
    """Check the laws of weight sharing on a space.

    Checked, after some steps of training: a path's output is that of the extracted standalone model, with its
    statistics re-estimated and in training mode; its gradients are the standalone model's, in their slices, and none
    elsewhere; one path doesn't disturb another; the same seed gives the same weights, no global random state is
    touched; weights that were saved and loaded give the same output.

    Args:
        space: a space whose model is a tree of modules.
        input_shape: of one example.
        n_outputs: what a task would need.
        n_paths: random arches that are looked at.
        batch_size: of the random inputs.
        inputs: a batch, where random numbers won't do.

    Example:
        >>> from netwright import nn, choice
        >>> check_supernet(Space(nn.Sequential(nn.LazyLinear(choice([4, 8])), nn.LazyLinear(2))), (3,), n_paths=4)

    Raises:
        AssertionError: saying which rule is broken, and for which arch.
    """
    with unchanged_global_state("making a supernet"):
        supernet = Supernet(space, input_shape=input_shape, n_outputs=n_outputs)
        twin = Supernet(space, input_shape=input_shape, n_outputs=n_outputs)
    for (name, one), (_, other) in zip(supernet.named_parameters(), twin.named_parameters(), strict=True):
        assert torch.equal(one, other), f"the same seed must give the same weights, but {name} differs."
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(batch_size, *input_shape, generator=generator) if inputs is None else inputs
    rng = np.random.default_rng(0)
    _trained(supernet, space, x, rng)
    first = space.sample(rng)
    for number in range(n_paths):
        arch = first if number == 0 else space.sample(rng)
        difference = largest_difference(supernet, arch, x)
        assert difference <= _TOLERANCE, f"{arch}: the extracted model differs by {difference:.1e} (relative)."
        if number < 5:
            _check_gradients(supernet, arch, x)
    before = supernet.path(first)(x)
    again = supernet.path(first)(x)
    assert torch.equal(before, again), f"{first}: a path must give the same twice, in evaluation mode."
    twin.load_state_dict(supernet.state_dict())
    twin.eval()
    twin.calibrate(first, [x])
    supernet.calibrate(first, [x])
    loaded, own = twin.path(first)(x), supernet.path(first)(x)
    assert torch.equal(loaded, own), f"{first}: loaded weights must give the same output."


def largest_difference(supernet: Supernet, arch: Arch, x: torch.Tensor) -> float:
    """Between a path and its extracted model, relative to the largest output; statistics are re-estimated on `x`.

    Example:
        >>> from netwright import nn, choice
        >>> supernet = Supernet(Space(nn.Sequential(nn.LazyLinear(choice([4, 8])))), input_shape=(3,))
        >>> largest_difference(supernet, Arch({"0.out_features": 4}), torch.ones(2, 3))
        0.0
    """
    supernet.eval()
    supernet.calibrate(arch, [x])
    with torch.no_grad():
        inside = supernet.path(arch)(x)
        alone = supernet.extract(arch).model.eval()(x)
    scale = float(alone.abs().max().clamp_min(1e-6))
    return float((inside - alone).abs().max()) / scale


def _trained(supernet: Supernet, space: Space, x: torch.Tensor, rng: np.random.Generator) -> None:
    """A few steps, so that weights and statistics are no longer those of the start."""
    supernet.train()
    optimizer = torch.optim.SGD(supernet.parameters(), lr=1e-3)
    with torch.random.fork_rng(devices=[]):
        for _ in range(_STEPS):
            optimizer.zero_grad()
            loss = supernet.path(space.sample(rng))(x).square().mean()
            loss.backward()
            nn.utils.clip_grad_norm_(supernet.parameters(), 1.0)
            optimizer.step()


def _check_gradients(supernet: Supernet, arch: Arch, x: torch.Tensor) -> None:
    """A path's gradients against the standalone model's."""
    model = supernet.extract(arch).model.eval()
    supernet.eval()
    supernet.zero_grad()
    path = supernet.path(arch)
    path(x).square().sum().backward()
    model(x).square().sum().backward()
    alone = dict(model.named_parameters(remove_duplicate=False))
    counted: set[tuple[str, int]] = set()  # a parameter may be there under two names
    expected: dict[str, torch.Tensor] = {}
    for name, bound in bounds_of(path.module).items():
        gradient = None if bound.buffer else alone[name].grad
        if gradient is None or (bound.entry, id(gradient)) in counted:
            continue
        counted.add((bound.entry, id(gradient)))
        whole = torch.zeros_like(supernet.weights.tensor(bound.entry))
        put(whole, gradient, supernet.weights.entries[bound.entry].cuts)
        expected[bound.entry] = expected.get(bound.entry, 0) + whole
    for entry, tensor in supernet.weights.named():
        if tensor.grad is None:
            continue
        assert entry in expected, f"{arch}: {entry} has a gradient, but isn't used by this path."
        wanted = expected[entry]
        error = float((tensor.grad - wanted).abs().max())
        scale = max(float(wanted.abs().max()), 1e-3)
        assert error <= 1e-4 * scale, f"{arch}: the gradient of {entry} differs from the standalone model's by {error}."
    missing = [name for name in expected if supernet.weights.tensor(name).grad is None]
    assert not missing, f"{arch}: no gradient reaches {', '.join(missing)}."
