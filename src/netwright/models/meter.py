"""`Meter`: counts what a forward pass costs, and runs fast on torch's meta device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

__all__ = ["Meter"]

_ATEN = torch.ops.aten
_WHOLE: set[Any] = {torch.ops.prim.device.default}  # operations that aren't made of others


class Meter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own hook for subclasses
    """While it is entered, counts the floating-point operations and the elements that operations put out.

    Formulas are those of `torch.utils.flop_counter`. On the meta device the most frequent operations take a short cut
    to their output's shape: torch's own way there goes through hundreds of lines of Python for each.

    Attributes:
        flops: a multiply-add counted as two.
        elements: in all outputs that are new tensors, not views.

    Example:
        >>> with Meter() as meter:
        ...     _ = torch.zeros(2, 3) @ torch.zeros(3, 4)
        >>> meter.flops
        48
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self.flops = 0
        self.elements = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        short_cut = _SHORT_CUTS.get(func)
        result = None if short_cut is None else short_cut(*args)
        # How torch's own FlopCounterMode looks a formula up.
        formula = flop_registry.get(func._overloadpacket)  # noqa: SLF001
        if result is None:
            if formula is None and func not in _WHOLE:
                with self:  # what is made of other operations is counted by them
                    decomposed = func.decompose(*args, **kwargs)
                if decomposed is not NotImplemented:
                    return decomposed
                _WHOLE.add(func)
            result = func(*args, **kwargs)
        if formula is not None:
            self.flops += int(formula(*args, **kwargs, out_val=result))
        if not func.is_view:
            first = result[0] if isinstance(result, (tuple, list)) and result else result
            if isinstance(first, torch.Tensor) and not any(first is arg for arg in args):
                self.elements += first.numel()
        return result


def _plain(x: Any) -> bool:
    """Whether a value is an ordinary tensor on the meta device, about whose output nothing is special."""
    return isinstance(x, torch.Tensor) and x.device.type == "meta" and x.dtype.is_floating_point and x.is_contiguous()


def _empty(shape: Any, like: torch.Tensor) -> torch.Tensor:
    return torch.empty(shape, dtype=like.dtype, device="meta")


def _same(x: Any, *_: Any) -> Any:
    return _empty(x.shape, x) if _plain(x) else None


def _unchanged(x: Any, *_: Any) -> Any:
    return x if x.device.type == "meta" else None


def _elementwise(x: Any, y: Any) -> Any:
    return _empty(x.shape, x) if _plain(x) and _plain(y) and x.shape == y.shape and x.dtype == y.dtype else None


def _batch_norm(x: Any, weight: Any, bias: Any, mean: Any, *_: Any) -> Any:
    if not _plain(x) or x.dim() < 2 or any(p is not None and p.shape != x.shape[1:2] for p in (weight, bias, mean)):
        return None
    return _empty(x.shape, x), _empty(0, x), _empty(0, x)


def _addmm(bias: Any, a: Any, b: Any) -> Any:
    ok = _plain(a) and _plain(bias) and b.device.type == "meta" and a.dtype == b.dtype == bias.dtype
    if not ok or a.shape[1] != b.shape[0] or bias.shape != b.shape[1:]:
        return None
    return _empty((a.shape[0], b.shape[1]), a)


def _layer_norm(x: Any, shape: Any, weight: Any, *_: Any) -> Any:
    n = len(shape)
    if not _plain(x) or tuple(x.shape[-n:]) != tuple(shape) or (weight is not None and weight.shape != x.shape[-n:]):
        return None
    rest = (*x.shape[:-n], *([1] * n))
    return _empty(x.shape, x), _empty(rest, x), _empty(rest, x)


_SHORT_CUTS: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys(
        (
            _ATEN.relu.default,
            _ATEN.silu.default,
            _ATEN.sigmoid.default,
            _ATEN.tanh.default,
            _ATEN.hardswish.default,
            _ATEN.hardsigmoid.default,
            _ATEN.leaky_relu.default,
            _ATEN.elu.default,
            _ATEN.mish.default,
            _ATEN.gelu.default,
        ),
        _same,
    ),
    # The values of fresh weights, which don't exist.
    **dict.fromkeys(
        (_ATEN.uniform_.default, _ATEN.normal_.default, _ATEN.fill_.Scalar, _ATEN.zero_.default), _unchanged
    ),
    _ATEN.add.Tensor: _elementwise,
    _ATEN.mul.Tensor: _elementwise,
    _ATEN._native_batch_norm_legit_no_training.default: _batch_norm,  # noqa: SLF001  # the name that torch gives it
    _ATEN.native_batch_norm.default: _batch_norm,
    _ATEN.addmm.default: _addmm,
    _ATEN.native_layer_norm.default: _layer_norm,
}
