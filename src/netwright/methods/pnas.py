"""Progressive search as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.strategies import Deduplicated, Progressive

__all__ = ["pnas"]


@methods.register
def pnas(space: SearchSpace, *, beam: int | None = None, expected_candidates: int | None = None) -> Recipe:
    """From small arches to large ones, the best of each grown as a predictor says (Liu et al. 2018, arXiv:1712.00559).

    Args:
        space: what is to be searched.
        beam: arches evaluated on each level; if not given, as many as leave half of the budget for what comes after
            the largest arches, from 4 to 256; 16 if the budget isn't known.
        expected_candidates: how many evaluations there will be, about.

    Example:
        >>> from netwright import Space, choice
        >>> pnas(Space({f"x{i}": choice([1, 2]) for i in range(6)}), expected_candidates=120).strategy.strategy.beam
        10
    """
    if beam is None and expected_candidates is not None:
        n_levels = len(getattr(space, "decisions", ()))
        beam = min(256, max(4, expected_candidates // (2 * max(1, n_levels))))
    return Recipe(Deduplicated(Progressive(16 if beam is None else beam)))
