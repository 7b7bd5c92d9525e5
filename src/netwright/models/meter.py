"""`Meter`: counts what a forward pass costs, and runs fast on torch's meta device."""

from __future__ import annotations

import math
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
        cut = result = None if short_cut is None or kwargs.get("dtype") is not None else short_cut(*args)
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
            direct = None if cut is None else _FLOPS.get(func)
            self.flops += int(formula(*args, **kwargs, out_val=result) if direct is None else direct(result, *args))
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
    """One of the two has the output's shape, and the other one is repeated along axes of size 1."""
    if not _plain(x) or not _plain(y) or x.dtype != y.dtype or x.dim() != y.dim():
        return None
    if x.shape == y.shape or all(b in (a, 1) for a, b in zip(x.shape, y.shape, strict=True)):
        return _empty(x.shape, x)
    return _empty(y.shape, y) if all(a in (b, 1) for a, b in zip(x.shape, y.shape, strict=True)) else None


def _by_number(x: Any, y: Any, *_: Any) -> Any:
    return _empty(x.shape, x) if _plain(x) and isinstance(y, (int, float)) else None


def _softmax(x: Any, dim: int, other: Any = None) -> Any:
    return _empty(x.shape, x) if _plain(x) and not other and -x.dim() <= dim < x.dim() else None


def _mean(x: Any, dims: Any, keepdim: bool = False) -> Any:
    if not _plain(x) or not dims or not all(-x.dim() <= dim < x.dim() for dim in dims):
        return None
    gone = {dim % x.dim() for dim in dims}
    return _empty([1 if i in gone else n for i, n in enumerate(x.shape) if keepdim or i not in gone], x)


def _batch_norm(x: Any, weight: Any, bias: Any, mean: Any, *_: Any) -> Any:
    if not _plain(x) or x.dim() < 2 or any(p is not None and p.shape != x.shape[1:2] for p in (weight, bias, mean)):
        return None
    return _empty(x.shape, x), _empty(0, x), _empty(0, x)


def _convolution(
    x: Any, weight: Any, _: Any, stride: Any, padding: Any, dilation: Any, transposed: bool, __: Any, groups: int
) -> Any:
    ok = _plain(x) and weight.device.type == "meta" and x.dtype == weight.dtype and x.dim() == weight.dim() > 2
    if not ok or transposed or x.shape[1] != weight.shape[1] * groups or weight.shape[0] % groups:
        return None
    n = x.dim() - 2
    strides, paddings, dilations = (each * n if len(each) == 1 else each for each in (stride, padding, dilation))
    sizes = [
        (size + 2 * p - d * (k - 1) - 1) // s + 1
        for size, k, s, p, d in zip(x.shape[2:], weight.shape[2:], strides, paddings, dilations, strict=True)
    ]
    return _empty((x.shape[0], weight.shape[0], *sizes), x) if min(sizes) > 0 else None


def _convolution_flops(out: Any, _: Any, weight: Any, *__: Any) -> int:
    return 2 * out.shape[0] * math.prod(out.shape[2:]) * weight.numel()


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
    _ATEN.mul.Scalar: _by_number,
    _ATEN._softmax.default: _softmax,  # noqa: SLF001  # the name that torch gives it
    _ATEN._safe_softmax.default: _softmax,  # noqa: SLF001  # likewise
    _ATEN.mean.dim: _mean,
    _ATEN._native_batch_norm_legit_no_training.default: _batch_norm,  # noqa: SLF001  # the name that torch gives it
    _ATEN.native_batch_norm.default: _batch_norm,
    _ATEN.addmm.default: _addmm,
    _ATEN.convolution.default: _convolution,
    _ATEN.native_layer_norm.default: _layer_norm,
}

_FLOPS: dict[Any, Callable[..., int]] = {
    _ATEN.convolution.default: _convolution_flops,
    _ATEN.addmm.default: lambda out, _, a, *__: 2 * out.numel() * a.shape[1],
}
"""What torch's formulas say of these, without their detours."""
