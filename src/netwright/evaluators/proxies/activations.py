"""`SignKernel`: watches what enters activation functions, be they modules or plain functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

__all__ = ["SignKernel", "TwiceDifferentiable"]

_NAMES = (
    *("relu", "relu6", "leaky_relu", "rrelu", "prelu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus"),
    *("hardswish", "hardsigmoid", "hardtanh", "logsigmoid", "sigmoid", "tanh", "softsign", "tanhshrink", "softshrink"),
)
_OWNERS: tuple[Any, ...] = (functional, torch, torch.Tensor)
_FUNCTIONS: frozenset[Any] = frozenset(
    function
    for owner in _OWNERS
    for name in _NAMES
    for spelled in (name, f"{name}_")
    if (function := getattr(owner, spelled, None)) is not None
)
_MOST = 1 << 22  # numbers that are turned into signs at once


class SignKernel(TorchFunctionMode):
    """While it is entered, counts for each two examples how many activation functions get the same sign.

    A ReLU that is on for two examples, or off for both, is one linear piece for them: Mellor et al. 2021,
    https://arxiv.org/abs/2006.04647. Other activations are told apart in the same way, by the sign of what enters.

    Attributes:
        total: (batch, batch) float64 on the processor; None as long as no activation function was met.

    Example:
        >>> with SignKernel(2) as kernel:
        ...     _ = torch.relu(torch.tensor([[1.0, -1.0, 2.0], [1.0, 1.0, -1.0]]))
        >>> kernel.total
        tensor([[3., 1.],
                [1., 3.]], dtype=torch.float64)
    """

    def __init__(self, n_examples: int) -> None:
        super().__init__()
        self.n_examples = n_examples
        self.total: torch.Tensor | None = None

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func in _FUNCTIONS:
            given = args[0] if args else (kwargs or {}).get("input")
            if isinstance(given, torch.Tensor):
                self._count(given.detach())
        return func(*args, **(kwargs or {}))

    @torch.no_grad()
    def _count(self, entering: torch.Tensor) -> None:
        if entering.dim() < 2 or len(entering) % self.n_examples:
            return  # not laid out by examples
        if entering.dim() == 4 and not entering.is_contiguous():  # channels last: any order of the units will do
            entering = entering.permute(0, 2, 3, 1)
        rows = entering.reshape(self.n_examples, -1)
        n_columns = rows.shape[1]
        step = max(1, _MOST // self.n_examples)
        agreement: torch.Tensor | None = None
        for start in range(0, n_columns, step):
            signs = (rows[:, start : start + step] > 0).to(torch.float32).mul_(2).sub_(1)
            # With signs of 1 and -1 the product is the agreements less the disagreements, exact in float32.
            product = (signs @ signs.T).double()
            agreement = product if agreement is None else agreement + product
        if agreement is not None:
            same = ((agreement + n_columns) / 2).cpu()
            self.total = same if self.total is None else self.total + same


class TwiceDifferentiable(TorchFunctionMode):
    """While it is entered, what torch can't differentiate twice is computed from what it can.

    Example:
        >>> x = torch.tensor([0.5], requires_grad=True)
        >>> with TwiceDifferentiable():
        ...     y = functional.hardsigmoid(x) ** 2
        >>> first = torch.autograd.grad(y, x, create_graph=True)[0]
        >>> torch.autograd.grad(first, x)[0].item()  # 2 / 36
        0.0555555559694767
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is functional.hardsigmoid:
            given = args[0] if args else (kwargs or {})["input"]
            return functional.relu6(given + 3) / 6
        return func(*args, **(kwargs or {}))
