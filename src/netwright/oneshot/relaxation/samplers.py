"""From architecture parameters to the weights of a forward pass. Torch is imported when one is used, not before.

A sampler gets the logits of several choices at once, (rows, options), minus infinity where an option is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from netwright.core.errors import InvalidInput

if TYPE_CHECKING:
    import torch

__all__ = ["ConcreteSoft", "DirichletSample", "Drawn", "GumbelHard", "Sampler", "Sigmoid", "Softmax", "TwoPaths"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The weights of a forward pass.

    Attributes:
        weights: (rows, options); differentiable where gradients are wanted.
        active: booleans of the same shape: which options are computed; None: all that aren't dropped.
    """

    weights: torch.Tensor
    active: torch.Tensor | None = None


class Sampler(Protocol):
    """How options are weighed. One whose options don't compete has an attribute `competing` that is False."""

    def __call__(
        self, logits: torch.Tensor, *, progress: float, architecture: bool, generator: torch.Generator
    ) -> Drawn:
        """The weights.

        Args:
            logits: (rows, options).
            progress: of the search, 0..1.
            architecture: whether the architecture parameters are trained with them, or the network's weights.
            generator: of all that is drawn, on the processor.
        """
        ...


@dataclass(frozen=True, slots=True)
class Softmax:
    """The softmax of the logits: all options, always (Liu et al. 2019, DARTS, https://arxiv.org/abs/1806.09055).

    Example:
        >>> import torch
        >>> sampler = Softmax()
        >>> sampler(torch.zeros(1, 2), progress=0, architecture=True, generator=torch.Generator()).weights
        tensor([[0.5000, 0.5000]])
    """

    def __call__(
        self, logits: torch.Tensor, *, progress: float, architecture: bool, generator: torch.Generator
    ) -> Drawn:
        return Drawn(logits.softmax(-1))


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """A sigmoid of each logit: options don't compete (Chu et al. 2020, FairDARTS, https://arxiv.org/abs/1911.12126).

    Example:
        >>> import torch
        >>> sampler = Sigmoid()
        >>> sampler(torch.zeros(1, 2), progress=0, architecture=True, generator=torch.Generator()).weights
        tensor([[0.5000, 0.5000]])
    """

    competing: ClassVar[bool] = False

    def __call__(
        self, logits: torch.Tensor, *, progress: float, architecture: bool, generator: torch.Generator
    ) -> Drawn:
        return Drawn(logits.sigmoid())


@dataclass(frozen=True, slots=True)
class ConcreteSoft:
    """The softmax of logits with Gumbel noise, at a temperature that falls: SNAS, FBNet.

    Xie et al. 2019, https://arxiv.org/abs/1812.09926; Wu et al. 2019, https://arxiv.org/abs/1812.03443.

    Attributes:
        start, end: the temperature at the beginning and at the end; it falls exponentially.

    Example:
        >>> import torch
        >>> sampler = ConcreteSoft()
        >>> generator = torch.Generator().manual_seed(0)
        >>> float(sampler(torch.zeros(1, 2), progress=0, architecture=True, generator=generator).weights.sum())
        1.0
    """

    start: float = 1.0
    end: float = 0.03

    def __post_init__(self) -> None:
        _check_temperatures(self.start, self.end)

    def __call__(
        self, logits: torch.Tensor, *, progress: float, architecture: bool, generator: torch.Generator
    ) -> Drawn:
        return Drawn(((logits + _gumbel(logits, generator)) / self.temperature(progress)).softmax(-1))

    def temperature(self, progress: float) -> float:
        """The temperature at a moment of the search."""
        return self.start * (self.end / self.start) ** progress


@dataclass(frozen=True, slots=True)
class GumbelHard:
    """One option drawn by Gumbel noise, with the gradient of the soft weights: GDAS.

    Dong & Yang 2019, https://arxiv.org/abs/1910.04465. Only the drawn option is computed, so only its weight gets a
    gradient, and through the softmax all logits do.

    Attributes:
        start, end: the temperature at the beginning and at the end; it falls linearly.

    Example:
        >>> import torch
        >>> sampler = GumbelHard()
        >>> generator = torch.Generator().manual_seed(0)
        >>> drawn = sampler(torch.zeros(1, 3), progress=0, architecture=False, generator=generator)
        >>> float(drawn.weights.sum()), int(drawn.active.sum())
        (1.0, 1)
    """

    start: float = 10.0
    end: float = 0.1

    def __post_init__(self) -> None:
        _check_temperatures(self.start, self.end)

    def __call__(
        self, logits: torch.Tensor, *, progress: float, architecture: bool, generator: torch.Generator
    ) -> Drawn:
        soft = ((logits.log_softmax(-1) + _gumbel(logits, generator)) / self.temperature(progress)).softmax(-1)
        active = _one_hot(soft.argmax(-1), logits)
        hard = active.to(soft.dtype)
        return Drawn(hard - soft.detach() + soft if architecture else hard, active)

    def temperature(self, progress: float) -> float:
        """The temperature at a moment of the search."""
        return self.start + (self.end - self.start) * progress


@dataclass(frozen=True, slots=True)
class TwoPaths:
    """One option drawn by its probability; for the architecture, two, of which one is passed on (ProxylessNAS).

    Cai et al. 2019, https://arxiv.org/abs/1812.00332: both are computed, the gradients of their binary gates become
    those of the probabilities among the two, and the probabilities of all others stay as they are.

    Example:
        >>> import torch
        >>> sampler = TwoPaths()
        >>> generator = torch.Generator().manual_seed(0)
        >>> drawn = sampler(torch.zeros(1, 5), progress=0, architecture=True, generator=generator)
        >>> float(drawn.weights.sum()), int(drawn.active.sum())
        (1.0, 2)
    """

    def __call__(
        self, logits: torch.Tensor, *, progress: float, architecture: bool, generator: torch.Generator
    ) -> Drawn:
        probabilities = logits.detach().softmax(-1)
        n = 2 if architecture and logits.shape[-1] > 1 else 1
        # A little for each option that is left, so that two can always be drawn.
        chances = probabilities.cpu() + 1e-12 * (probabilities > 0).cpu()
        if n == 2 and bool((chances > 0).sum(-1).min() < 2):
            n = 1
        drawn = chances.multinomial(n, generator=generator).to(logits.device)
        if n == 1:
            active = _one_hot(drawn[:, 0], logits)
            return Drawn(active.to(logits.dtype), active)
        two = logits.gather(-1, drawn).softmax(-1)
        first = two.detach().cpu().multinomial(1, generator=generator).to(logits.device)
        gates = two.new_zeros(two.shape).scatter(-1, first, 1.0) - two.detach() + two
        weights = logits.new_zeros(logits.shape).scatter(-1, drawn, gates)
        active = _one_hot(drawn[:, 0], logits) | _one_hot(drawn[:, 1], logits)
        return Drawn(weights, active)

    @staticmethod
    def keep_others(before: torch.Tensor, after: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
        """The logits after a step, shifted where they moved so that the probabilities of all others stay.

        Args:
            before, after: logits (rows, options).
            moved: booleans of the same shape: those that were drawn.
        """
        import torch

        inside = torch.where(moved, before, -torch.inf).logsumexp(-1, keepdim=True)
        now = torch.where(moved, after, -torch.inf).logsumexp(-1, keepdim=True)
        return torch.where(moved, after + inside - now, before)


@dataclass(frozen=True, slots=True)
class DirichletSample:
    """Weights drawn from a Dirichlet distribution of concentration elu(logits) + 1, with its gradient (DrNAS).

    Chen et al. 2021, https://arxiv.org/abs/2006.10355.

    Example:
        >>> import torch
        >>> sampler = DirichletSample()
        >>> generator = torch.Generator().manual_seed(0)
        >>> round(
        ...     float(sampler(torch.zeros(1, 3), progress=0, architecture=True, generator=generator).weights.sum()), 4
        ... )
        1.0
    """

    def __call__(
        self, logits: torch.Tensor, *, progress: float, architecture: bool, generator: torch.Generator
    ) -> Drawn:
        import torch

        left = logits > -torch.inf
        concentration = concentrations(logits)
        # Gamma variables over their sum; torch draws them with a gradient by the concentration.
        drawn = torch._standard_gamma(concentration.cpu(), generator).to(logits.device)  # noqa: SLF001
        drawn = drawn.clamp_min(torch.finfo(drawn.dtype).tiny) * left
        return Drawn(drawn / drawn.sum(-1, keepdim=True))


def concentrations(logits: torch.Tensor) -> torch.Tensor:
    """Of the Dirichlet distribution: elu(logits) + 1; 1 for what is dropped."""
    import torch
    from torch.nn import functional

    return functional.elu(logits.masked_fill(logits == -torch.inf, 0.0)) + 1


def _gumbel(logits: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    import torch

    noise = torch.empty(logits.shape).exponential_(generator=generator)
    return -noise.log().to(logits)


def _one_hot(index: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.zeros(logits.shape, dtype=torch.bool, device=logits.device).scatter(-1, index[:, None], value=True)


def _check_temperatures(start: float, end: float) -> None:
    if not (start > 0 and end > 0):
        raise InvalidInput(f"temperatures must be above 0, but got start={start!r}, end={end!r}.")
