"""`Supernet`: all arches of a space in one set of weights.

A path is the very module tree of its arch, of the same classes as `Space.build` makes; its layers take their weights
from the shared ones: the whole tensor where the arch needs all of it, else a slice (see `netwright.models.slicing`).
So a path computes what the standalone model with the copied weights computes, whatever the layers are. Weight sharing:
Pham et al. 2018, ENAS, https://arxiv.org/abs/1802.03268; slices: Yu et al. 2019, Slimmable networks,
https://arxiv.org/abs/1812.08928, and Cai et al. 2020, Once-for-all, https://arxiv.org/abs/1908.09791.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from numbers import Integral
from types import TracebackType
from typing import Any

import torch
from torch import nn

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.models.binding import Bound, bounds_of
from netwright.models.build import Built, build_call, built, checked_shape
from netwright.models.device import checked_device
from netwright.models.evaluation_mode import evaluating
from netwright.models.example import example_inputs
from netwright.models.meter import Meter
from netwright.models.shared_weights import SharedWeights
from netwright.models.sharing import Sharing
from netwright.oneshot.probes import Probe, probes
from netwright.spaces import Space

__all__ = ["Path", "Supernet"]

_log = logging.getLogger(__name__)


class Supernet(nn.Module):
    """All arches of a space in one set of weights.

    As a module it is its shared weights: `parameters()`, `state_dict()`, `train()`, `to()` are of them.

    Args:
        space: whose model is a tree of modules.
        input_shape: of one example, without the batch: (channels, height, width), (features,), ….
        n_outputs: the value of `netwright.n_outputs`.
        seed: of the weights: those that `space.build` gives the arches that need most.
        device: where the weights are; `auto`: a GPU if there is one.
        probes: more arches that it must be large enough for, beside those that are looked at anyway.
        most_copies: of a parameter of your own class that can't be sliced: one for each shape.

    Attributes:
        sharing: makes the paths; relaxations make mixtures with it.
        all_built: whether all arches could be built that it looked at when it was made.

    Example:
        >>> from netwright import nn, choice
        >>> space = Space(nn.Sequential(nn.LazyLinear(choice([8, 16])), nn.ReLU(), nn.LazyLinear(3)))
        >>> supernet = Supernet(space, input_shape=(4,))
        >>> {name: tuple(p.shape) for name, p in supernet.named_parameters() if name.endswith("weight")}
        {'weights.0/weight': (16, 4), 'weights.2/weight': (3, 16)}
        >>> with supernet.path(space.default()):
        ...     supernet(torch.zeros(5, 4)).shape
        torch.Size([5, 3])

    Raises:
        InvalidSpace: if an arch can't be built, or a class of yours needs too many copies.
        InvalidInput: if `n_outputs` is below 1, or the device can't be used here.
    """

    def __init__(
        self,
        space: Space,
        *,
        input_shape: tuple[int, ...],
        n_outputs: int | None = None,
        seed: int = 0,
        device: str | torch.device = "cpu",
        probes: Iterable[Arch] = (),
        most_copies: int = 32,
    ) -> None:
        super().__init__()
        if not isinstance(space, Space):
            raise InvalidSpace(f"a supernet needs a Space, but got {space!r}: write Space(…) around a model.")
        for arch in (probes := list(probes)):
            space.validate(arch)
        whole: Any = n_outputs  # also NumPy's
        if whole is not None and (not isinstance(whole, Integral) or whole < 1):
            raise InvalidInput(f"`n_outputs` must be a whole number of at least 1 or None, but got {n_outputs!r}.")
        device = checked_device(device)
        self.space = space
        self.input_shape = checked_shape(input_shape)
        self.n_outputs = n_outputs
        self.weights = SharedWeights(most_copies=most_copies)
        self.all_built = True
        self.sharing = self._observed(probes, seed)
        self._active: list[Path] = []
        self._statistics: dict[Arch, dict[str, torch.Tensor]] = {}
        self._mode = self.training
        self.to(device)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(iter(self.weights.named()), ("", torch.empty(0)))[1].device

    def path(self, arch: Arch) -> Path:
        """An arch with the shared weights: call it, or enter it and call the supernet.

        Raises:
            InvalidSpace: if it isn't an arch of the space.
        """
        if not isinstance(arch, Arch):
            raise InvalidSpace(f"a path is named by an Arch of {self.space.name!r}, but got {arch!r}.")
        self.space.validate(arch)
        return Path(self, arch, self.sharing.module(arch))

    def forward(self, *inputs: torch.Tensor) -> Any:
        """The output of the active path."""
        if not self._active:
            raise InvalidInput("a supernet needs a path: `with supernet.path(arch): supernet(x)`.")
        return self._active[-1](*inputs)

    def calibrate(self, arch: Arch, batches: Iterable[torch.Tensor]) -> None:
        """Re-estimate the path's statistics of normalisation on some batches (of standardised inputs).

        They are kept for the path, and used in evaluation mode, until the supernet is trained on. Without, a path has
        what training left behind: a mixture over all paths (Guo et al. 2020, SPOS, https://arxiv.org/abs/1904.00420,
        and Yu & Huang 2019, https://arxiv.org/abs/1903.05134, say why that is bad).

        Raises:
            InvalidSpace: if it isn't an arch of the space.
            InvalidInput: if there is no batch, or one isn't a tensor of inputs.
        """
        path = self.path(arch)
        with evaluating(self), torch.no_grad():
            bounds = [bound for bound in self._bounds(path).values() if bound.buffer]
            found: dict[str, torch.Tensor] = {bound.entry: self._fresh(bound) for bound in bounds}
            norms = list({id(bound.module): bound.module for bound in bounds}.values())
            self._statistics.pop(arch, None)
            with _collecting(norms), self._with(found):
                for batch in self._inputs(batches):
                    path.module(batch)
        self._statistics[arch] = found

    def calibrated(self, arch: Arch) -> bool:
        """Whether the path's statistics are those of its own."""
        return arch in self._statistics

    def statistics_outdated(self) -> None:
        """Forget all re-estimated statistics: the weights have changed."""
        self._statistics.clear()

    def extract(self, arch: Arch) -> Built:
        """The standalone model with the path's weights and statistics; it gives what the path gives in evaluation mode.

        The weights are copies. `Built` has the calls too, so it can be exported.
        """
        model = built(self.space, arch, input_shape=self.input_shape, n_outputs=self.n_outputs, device="cpu")
        path = self.path(arch)
        with evaluating(self), torch.no_grad():
            bounds = self._bounds(path)
            state = model.model.state_dict()
            kept = self._statistics.get(arch, {})
            for name, bound in bounds.items():
                value = self.weights.part(bound.entry, bound.shape)
                state[name].copy_(kept.get(bound.entry, value))
            for name, buffer in _buffers(path.module):
                if name in state and state[name].shape == buffer.shape and not name.endswith("num_batches_tracked"):
                    state[name].copy_(buffer)
        return Built(model.model.to(self.device), model.call)

    def parameters_of(self, arch: Arch) -> Iterator[nn.Parameter]:
        """The shared parameters that a path uses, whole or in part."""
        path = self.path(arch)
        with evaluating(self), torch.no_grad():
            bounds = self._bounds(path)
        for entry in dict.fromkeys(bound.entry for bound in bounds.values() if not bound.buffer):
            yield self.weights.tensor(entry)  # type: ignore[misc]  # a parameter

    # torch's own hooks ------------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Supernet:  # torch's signature
        """Training mode, or evaluation mode; training forgets the re-estimated statistics."""
        super().train(mode)
        if mode:
            self.statistics_outdated()
        return self

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """As of any module; re-estimated statistics are forgotten."""
        self.statistics_outdated()
        return super().load_state_dict(*args, **kwargs)

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Supernet:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch's own
        self.sharing.forget()
        self.sharing.device = self.device
        self._statistics = {arch: {k: fn(v) for k, v in kept.items()} for arch, kept in self._statistics.items()}
        return self

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        sharing = Sharing(self.sharing.tree, self.weights, self.sharing.placeholders, self.sharing.device)
        return state | {"sharing": sharing, "_active": []}  # without the modules that are kept

    # ------------------------------------------------------------------------------------------------------------

    def _observed(self, more: Iterable[Arch], seed: int) -> Sharing:
        """Look at what arches need, make the weights, and draw them."""
        placeholders = {} if self.n_outputs is None else {"n_outputs": self.n_outputs}
        looked: dict[int, Arch] = {}
        device, number = "meta", -1
        while True:
            sharing = Sharing(self.space.tree, self.weights, placeholders, device)
            failure: InvalidSpace | None = None
            self.all_built = True
            waiting = deque([*probes(self.space), *map(Probe, more)])
            while waiting:
                probe, number = waiting.popleft(), number + 1
                arch, sharing.observed = probe.arch, number
                before = self.weights.sizes()
                try:
                    with evaluating(module := sharing.module(arch)), torch.no_grad(), Meter():
                        module(self._example(module, device))
                except InvalidSpace as error:
                    failure = error
                except Exception as error:  # noqa: BLE001  # whatever it is: `built` says it best
                    failure = failure or InvalidSpace(f"{type(error).__name__}: {error}")
                else:
                    looked[number] = arch
                    continue
                self.all_built &= not self.space.allowed(arch)
                self.weights.shrink(before)
                sharing.forget()  # what it made is seen again with the next one
                waiting.extendleft(map(Probe, probe.apart))
            if looked or device == "cpu":
                break
            device = "cpu"  # a module looks at values, which aren't there on the meta device
        if not looked:
            # In full, so that the layer is named; it may also be a limit of the supernet alone.
            built(self.space, self.space.default(), input_shape=self.input_shape, n_outputs=self.n_outputs)
            raise failure or InvalidSpace(f"no arch of {self.space.name!r} can be built.")
        return self._drawn(looked, placeholders, seed)

    def _drawn(self, looked: dict[int, Arch], placeholders: dict[str, Any], seed: int) -> Sharing:
        """The weights, drawn as `build` draws those of the arches that need most of them."""
        entries = self.weights.entries
        self.weights.settle("cpu")
        sharing = Sharing(self.space.tree, self.weights, placeholders, "cpu")
        for number in sorted({entry.largest[0] for entry in entries.values()}):
            arch = looked[number]
            call = self.space.resolve(arch, **placeholders)  # not validated: it may break constraints
            state = build_call(call, input_shape=self.input_shape, seed=seed).model.state_dict()
            module = sharing.module(arch)
            with evaluating(module), torch.no_grad():
                module(self._example(module))
            for name, bound in bounds_of(module).items():
                if entries[bound.entry].largest == (number, state[name].numel()):
                    self.weights.fill(bound.entry, state[name], seed=seed)
        return sharing

    def _bounds(self, path: Path) -> dict[str, Bound]:
        """What a path takes of the shared weights; it sees an input, so that every layer is there."""
        path(self._example(path.module))
        return bounds_of(path.module)

    def _inputs(self, batches: Iterable[torch.Tensor]) -> Iterator[torch.Tensor]:
        """Batches, of which there must be one at least."""
        n = 0
        for batch in batches:
            if not isinstance(batch, torch.Tensor) or batch.dim() <= len(self.input_shape):
                came = f"shape {tuple(batch.shape)}" if isinstance(batch, torch.Tensor) else type(batch).__name__
                raise InvalidInput(
                    f"`batches` must be tensors of inputs, (batch, {', '.join(map(str, self.input_shape))}), without "
                    f"targets, in a list or a loader, but one is {came}."
                )
            n += 1
            yield batch
        if not n:
            raise InvalidInput("`batches` must be at least one, but there is none: was the iterator used up before?")

    def _example(self, module: nn.Module, device: str | torch.device | None = None) -> torch.Tensor:
        return example_inputs(module, self.input_shape, 2, device=self.device if device is None else device)

    def _fresh(self, bound: Bound) -> torch.Tensor:
        like = self.weights.part(bound.entry, bound.shape)
        return torch.zeros_like(like) if bound.name == "running_mean" else torch.ones_like(like)

    @contextmanager
    def _with(self, statistics: dict[str, torch.Tensor] | None) -> Iterator[None]:
        before, self.sharing.statistics = self.sharing.statistics, statistics
        try:
            yield
        finally:
            self.sharing.statistics = before

    def _run(self, path: Path, inputs: tuple[torch.Tensor, ...]) -> Any:
        """A path's output, in the supernet's mode and with its own statistics."""
        if path.module.training is not self.training or self._mode is not self.training:
            for module in self.sharing.kept():
                module.train(self.training)
            self._mode = self.training
            path.module.train(self.training)
        if self.training:
            if self._statistics:
                self.statistics_outdated()  # the mode was set without `train`
            return path.module(*inputs)
        statistics = self._statistics.get(path.arch)
        if statistics is None:
            return path.module(*inputs)
        with self._with(statistics):
            return path.module(*inputs)


class Path:
    """An arch inside a supernet: call it, or enter it and call the supernet.

    Attributes:
        supernet: whose weights it has.
        arch: what it is.
        module: its module tree.
    """

    __slots__ = ("arch", "module", "supernet")

    def __init__(self, supernet: Supernet, arch: Arch, module: nn.Module) -> None:
        self.supernet = supernet
        self.arch = arch
        self.module = module

    def __call__(self, *inputs: torch.Tensor) -> Any:
        """The arch's output with the shared weights, in the supernet's mode."""
        try:
            return self.supernet._run(self, inputs)  # noqa: SLF001  # one thing in two classes
        except InvalidSpace as error:
            made_for, came = self.supernet.input_shape, [tuple(x.shape[1:]) for x in inputs if hasattr(x, "shape")]
            if came[:1] == [made_for]:
                # Where the arch itself is at fault, this says so.
                built(self.supernet.space, self.arch, input_shape=made_for, n_outputs=self.supernet.n_outputs)
                raise
            raise InvalidSpace(
                f"{error} The supernet was made for inputs of shape {made_for}, but got {came}."
            ) from error

    def __enter__(self) -> Path:
        self.supernet._active.append(self)  # noqa: SLF001
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.supernet._active.pop()  # noqa: SLF001

    def __repr__(self) -> str:
        return f"Path({self.arch!r})"


@contextmanager
def _collecting(norms: list[nn.Module]) -> Iterator[None]:
    """Layers of normalisation that take the mean of the statistics of all batches."""
    before = [(norm, norm.training, norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.training, norm.momentum = True, None  # type: ignore[assignment]  # None: the mean over all batches
        norm.num_batches_tracked = torch.zeros_like(norm.num_batches_tracked)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for norm, training, momentum, seen in before:
            norm.training, norm.momentum, norm.num_batches_tracked = training, momentum, seen


def _buffers(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Buffers that aren't shared, by their names in `build`'s model."""
    for name, buffer in module.named_buffers():
        clean = name.replace(".settled", "").replace("settled.", "")
        owner = clean.rpartition(".")[2]
        if owner not in ("running_mean", "running_var"):
            yield clean, buffer
