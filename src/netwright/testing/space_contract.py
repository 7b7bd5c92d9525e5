"""What any space has to hold: legal arches, moves that keep them legal, encodings, and networks that can learn."""

from __future__ import annotations

import itertools
import math
import pickle
import sys
import types
from collections.abc import Iterable

import numpy as np
import torch
from torch import nn

from netwright.core import Arch
from netwright.core.errors import InvalidSpace, SpaceExhausted
from netwright.models import built, n_parameters, source_of
from netwright.models.example import example_inputs
from netwright.spaces import Space
from netwright.testing.global_state import unchanged_global_state

__all__ = ["check_networks", "check_space"]

_MOST_ENUMERATED = 3_000
_MOST_NEIGHBOURS = 30  # of one arch that are looked at from their side


def check_space(
    space: Space,
    *,
    input_shape: tuple[int, ...] | None = None,
    n_outputs: int | None = None,
    n_samples: int = 30,
    n_networks: int = 3,
    seed: int = 0,
) -> None:
    """Check that a space keeps its contract; with an input shape, its networks too (see `check_networks`).

    Checked: the default and random arches are legal and survive JSON; the space survives pickling; mutation changes
    one decision, crossover takes from the parents, being a neighbour is mutual; encodings have one length and differ
    where arches do; `canonical` is legal and stable; a small space has as many arches as `size()` says; no global
    random state is touched.

    Args:
        space: the space.
        input_shape: of one example; without it no network is built.
        n_outputs: of the networks.
        n_samples: random arches that are looked at.
        n_networks: of these that are built.
        seed: of the random arches.

    Example:
        >>> from netwright.spaces import choice, integer
        >>> check_space(Space({"width": integer(8, 16), "act": choice(["relu", "silu"])}))

    Raises:
        AssertionError: saying which rule is broken.
    """
    rng = np.random.default_rng(seed)
    with unchanged_global_state("the space"):
        space.validate(space.default())
        _check_pickling(space)
        arches = list(dict.fromkeys([space.default(), *(space.sample(rng) for _ in range(n_samples))]))
        for arch in arches:
            space.validate(arch)
            _check_arch(space, arch)
        again = np.random.default_rng(seed)
        repeated = list(dict.fromkeys([space.default(), *(space.sample(again) for _ in range(n_samples))]))
        _hold(arches == repeated, "equal generators must draw equal arches")
        children = [child for arch in arches for child in [_check_mutation(space, arch, rng)] if child is not None]
        crossed = [_check_crossover(space, *pair, rng) for pair in itertools.pairwise(arches)]
        near = [other for arch in arches[:5] for other in _check_neighbours(space, arch, rng)]
        _check_encodings(space, [*arches, *children, *crossed, *near])
        _check_size(space, arches)
    if input_shape is not None:
        check_networks(space, arches[: max(1, n_networks)], input_shape=input_shape, n_outputs=n_outputs)


def check_networks(
    space: Space, arches: Iterable[Arch], *, input_shape: tuple[int, ...], n_outputs: int | None = None
) -> None:
    """Check the networks of some arches; those that raise `InvalidSpace` are left out, which the default must not be.

    Checked: the seed decides the weights; every parameter gets a gradient (in the canonical arch: others may have
    dead branches); the source gives equal outputs, and equal weights for equal seeds; the meta device counts as many
    parameters; no global random state is touched.

    Args:
        space: whose model is a tree of modules.
        arches: of this space.
        input_shape: of one example.
        n_outputs: of the networks.

    Example:
        >>> from netwright.spaces import choice, nn as deferred
        >>> space = Space(deferred.Sequential(deferred.LazyLinear(choice([2, 3]))))
        >>> check_networks(space, space.enumerate(), input_shape=(4,))

    Raises:
        AssertionError: saying which rule is broken.
    """
    for arch in arches:
        with unchanged_global_state("building a network"):
            try:
                network = built(space, arch, input_shape=input_shape, n_outputs=n_outputs)
            except InvalidSpace:
                _hold(arch != space.default(), f"the default arch must be buildable: {arch}")
                continue
            twin = built(space, arch, input_shape=input_shape, n_outputs=n_outputs).model
            bare = built(space, arch, input_shape=input_shape, n_outputs=n_outputs, device="meta").model
        _hold(_equal(network.model, twin), f"equal seeds must give equal weights: {arch}")
        _hold(n_parameters(bare) == n_parameters(twin), f"the meta device counts other parameters: {arch}")
        _check_source(source_of(network, input_shape=input_shape), network.model, input_shape, arch)
        plain = space.canonical(arch)
        learner = built(space, plain, input_shape=input_shape, n_outputs=n_outputs).model
        _check_gradients(learner, input_shape, plain)


def _hold(condition: bool, rule: str) -> None:
    if not condition:
        raise AssertionError(rule)


def _check_pickling(space: Space) -> None:
    twin = pickle.loads(pickle.dumps(space))  # noqa: S301  # our own bytes
    _hold(twin.digest == space.digest, "a pickled space must have the same digest")
    _hold(twin.decisions == space.decisions, "a pickled space must have the same decisions")
    _hold(twin.default() == space.default(), "a pickled space must have the same default")


def _check_arch(space: Space, arch: Arch) -> None:
    again = Arch.from_json(arch.to_json())
    _hold(again == arch and hash(again) == hash(arch), f"an arch must survive JSON: {arch}")
    space.validate(again)
    canonical = space.canonical(arch)
    space.validate(canonical)
    _hold(space.canonical(canonical) == canonical, f"`canonical` of a canonical arch must be itself: {canonical}")
    space.resolve(arch, n_outputs=1)


def _check_mutation(space: Space, arch: Arch, rng: np.random.Generator) -> Arch | None:
    try:
        child = space.mutate(arch, rng)
    except SpaceExhausted:
        fixed = all(decision.domain.count == 1 for decision in space.decisions if decision.name in arch)
        _hold(fixed or space.constrained, f"`mutate` must find a change: {arch}")
        return None
    space.validate(child)
    changed = [name for name in arch if name in child and child[name] != arch[name]]
    _hold(len(changed) == 1, f"`mutate` must change one decision, but changed {changed}: {arch}")
    return child


def _check_crossover(space: Space, first: Arch, second: Arch, rng: np.random.Generator) -> Arch:
    child = space.crossover(first, second, rng)
    space.validate(child)
    for name in child:
        donors = [parent[name] for parent in (first, second) if name in parent]
        _hold(not donors or child[name] in donors, f"{name!r} comes from neither parent: {child}")
    return child


def _check_neighbours(space: Space, arch: Arch, rng: np.random.Generator) -> list[Arch]:
    near = list(space.neighbours(arch))
    _hold(len(set(near)) == len(near), f"a neighbour comes twice: {arch}")
    _hold(arch not in near, f"an arch must not be its own neighbour: {arch}")
    picked = rng.permutation(len(near))[:_MOST_NEIGHBOURS].tolist()
    for other in (near[i] for i in picked):
        space.validate(other)
        back = any(_same(arch, candidate) for candidate in space.neighbours(other))
        _hold(back, f"being a neighbour must be mutual: {arch} has {other}, but not the other way round")
    return [near[i] for i in picked]


def _same(first: Arch, second: Arch) -> bool:
    """Equal, but for the rounding of reals."""
    if first.keys() != second.keys():
        return False
    for name, value in first.items():
        other = second[name]
        if isinstance(value, float) and isinstance(other, float):
            if not math.isclose(value, other, rel_tol=1e-3, abs_tol=1e-9):
                return False
        elif value != other:
            return False
    return True


def _check_encodings(space: Space, arches: list[Arch]) -> None:
    seen: dict[bytes, Arch] = {}
    for arch in arches:
        code = space.encode(arch)
        _hold(code.shape == (space.encoded_width,), f"every encoding must have length {space.encoded_width}: {arch}")
        _hold(bool(np.all((code >= 0) & (code <= 1))), f"encodings must be numbers in [0, 1]: {arch}")
        other = seen.setdefault(code.tobytes(), arch)
        _hold(other == arch, f"different arches must have different encodings: {arch} and {other}")


def _check_size(space: Space, arches: list[Arch]) -> None:
    size = space.size()
    if not isinstance(size, int) or size > _MOST_ENUMERATED:
        return
    every = list(space.enumerate())
    _hold(len(every) == size, f"`size()` says {size}, but `enumerate()` gives {len(every)} arches")
    _hold(len(set(every)) == len(every), "`enumerate()` must give each arch once")
    missing = [arch for arch in arches if arch not in set(every)]
    _hold(not missing, f"`enumerate()` leaves out {missing[:1]}")
    for arch in every[:: max(1, len(every) // 50)]:
        space.validate(arch)


def _equal(first: nn.Module, second: nn.Module) -> bool:
    ours, theirs = first.state_dict(), second.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def _examples(model: nn.Module, input_shape: tuple[int, ...]) -> torch.Tensor:
    return example_inputs(model, input_shape, 4, generator=torch.Generator().manual_seed(0))


def _check_gradients(model: nn.Module, input_shape: tuple[int, ...], arch: Arch) -> None:
    with torch.random.fork_rng(devices=[]):  # dropout draws
        torch.default_generator.manual_seed(0)
        model.train()
        model(_examples(model, input_shape)).square().sum().backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    _hold(not without, f"these parameters get no gradient: {', '.join(without)}; in {arch}")


def _check_source(text: str, model: nn.Module, input_shape: tuple[int, ...], arch: Arch) -> None:
    module = types.ModuleType("_exported_by_the_space_contract")
    module.__file__ = "model.py"
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        exec(compile(text, "<exported>", "exec"), module.__dict__)  # noqa: S102  # what is tested
    finally:
        del sys.modules[module.__name__]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        twin = module.build()
    _hold(_equal(model, twin), f"`build()` of the source must draw the same weights for the same seed: {arch}")
    twin.load_state_dict(model.state_dict())
    with torch.no_grad():
        examples = _examples(model, input_shape)
        expected, got = model.eval()(examples), twin.eval()(examples)
    model.train()
    _hold(torch.allclose(expected, got, rtol=1e-5, equal_nan=True), f"the source must give equal outputs: {arch}")
