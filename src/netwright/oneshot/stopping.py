"""When a relaxation should end before its time: it drifts to skip connections, and its loss becomes sharp.

A rule sees the epochs so far and says from which of them the arch is to be taken. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import ClassVar, Protocol

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput

__all__ = ["TIME_IS_UP", "RelaxedEpoch", "SharpLoss", "SkipCount", "StoppingRule"]

TIME_IS_UP = "the time for the search is up"
"""Why a search ends whose schedule came to its end in the time that it had."""


@dataclass(frozen=True, slots=True)
class RelaxedEpoch:
    """What an epoch of a relaxation leaves behind.

    Attributes:
        number: 1, 2, ….
        arch: what would be derived now.
        losses: `train` (of the weights' steps) and `val` (of the architecture's), means.
        values: `temperature`, `hessian_eigenvalue`, …, where there are such.
        weights: of each option, by decision.
        skips: how many skip connections the arch has in each cell.
        progress: of the search, 0..1.
        seconds: of the search so far.
        stopped: why the search ends here; '' if it doesn't.
    """

    number: int
    arch: Arch
    losses: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    skips: Mapping[str, int] = field(default_factory=dict)
    progress: float = 0.0
    seconds: float = 0.0
    stopped: str = ""


class StoppingRule(Protocol):
    """Whether a relaxation should end.

    Attributes:
        eigenvalue: whether it needs the dominant eigenvalue of the loss's Hessian after each epoch.
    """

    eigenvalue: ClassVar[bool]

    def __call__(self, epochs: Sequence[RelaxedEpoch]) -> tuple[int, str] | None:
        """The index of the epoch whose arch is taken, and why; None: go on.

        Args:
            epochs: those after the warm-up, at least one.
        """
        ...


@dataclass(frozen=True, slots=True)
class SkipCount:
    """Ends where a cell gets more skip connections than it should (Liang et al. 2019, DARTS+, arXiv:1909.06035).

    The arch is that of the last epoch before. The paper's number is 2 in a cell of 8 edges, from the start; here the
    first part of the search, in which the derived arch is still a matter of chance, doesn't count.

    Attributes:
        most: of a cell that may be.
        after: the share of the search from which on it counts.

    Example:
        >>> rule = SkipCount(most=1)
        >>> epochs = [
        ...     RelaxedEpoch(n, Arch({"x": n}), skips={"cell": skips}, progress=n / 4)
        ...     for n, skips in enumerate([1, 1, 2], start=1)
        ... ]
        >>> rule(epochs[:2]), rule(epochs)
        (None, (1, 'a cell has 2 skip connections'))
    """

    eigenvalue: ClassVar[bool] = False
    most: int = 2
    after: float = 0.2

    def __post_init__(self) -> None:
        if self.most < 0 or not 0 <= self.after < 1:
            raise InvalidInput(
                f"`most` must be at least 0 and `after` in [0, 1), but got most={self.most!r}, after={self.after!r}."
            )

    def __call__(self, epochs: Sequence[RelaxedEpoch]) -> tuple[int, str] | None:
        found = max(epochs[-1].skips.values(), default=0)
        if epochs[-1].progress < self.after or found <= self.most:
            return None
        good = [i for i, epoch in enumerate(epochs) if max(epoch.skips.values(), default=0) <= self.most]
        return (good[-1] if good else len(epochs) - 1), f"a cell has {found} skip connections"


@dataclass(frozen=True, slots=True)
class SharpLoss:
    """Ends where the validation loss gets sharp: its Hessian's dominant eigenvalue grows fast.

    Zela et al. 2020, https://arxiv.org/abs/1909.09656: ends when the mean of `window` epochs was below `ratio` times
    that of now, `window` epochs ago; the arch is the one from then.

    Attributes:
        window: epochs.
        ratio: of the earlier mean to the one of now.

    Example:
        >>> rule = SharpLoss(window=1)
        >>> epochs = [
        ...     RelaxedEpoch(n, Arch({"x": n}), values={"hessian_eigenvalue": value})
        ...     for n, value in enumerate([0.1, 0.1, 0.3], start=1)
        ... ]
        >>> rule(epochs[:2]), rule(epochs)
        (None, (1, 'the loss gets sharp: the dominant eigenvalue grew from 0.1 to 0.3'))
    """

    eigenvalue: ClassVar[bool] = True
    window: int = 3
    ratio: float = 0.75

    def __post_init__(self) -> None:
        if self.window < 1 or not 0 < self.ratio < 1:
            raise InvalidInput(
                f"`window` must be at least 1 and `ratio` in (0, 1), but got {self.window!r} and {self.ratio!r}."
            )

    def __call__(self, epochs: Sequence[RelaxedEpoch]) -> tuple[int, str] | None:
        if len(epochs) <= self.window:
            return None
        values = [abs(epoch.values["hessian_eigenvalue"]) for epoch in epochs]
        smooth = [fmean(values[max(0, i - self.window + 1) : i + 1]) for i in range(len(values))]
        before, now = smooth[-1 - self.window], smooth[-1]
        if not now > 0 or before / now >= self.ratio:
            return None
        why = f"the loss gets sharp: the dominant eigenvalue grew from {before:.3g} to {now:.3g}"
        return len(epochs) - 1 - self.window, why
