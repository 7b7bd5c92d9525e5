"""The default method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.strategies import (
    ASHA,
    NSGA2,
    NSGA3,
    BayesianOptimisation,
    Deduplicated,
    LocalSearch,
    RegularizedEvolution,
    Staged,
    StartingWith,
)
from netwright.strategies.generations import population_for

__all__ = ["auto", "auto_full"]

_FEW = 12  # candidates: too few for a model to learn from
_MANY = 500  # candidates, after which fitting a model to all of them costs more than it brings
_FEW_OBJECTIVES = 3  # up to so many, crowding spreads a front well
_SMALL_FRONT = 200  # candidates, up to which models find more of a front than generations do


@methods.register
def auto(
    space: SearchSpace,
    *,
    expected_candidates: int | None = None,
    n_objectives: int = 1,
    foreseen: Sequence[float] | None = None,
) -> Recipe:
    """What should do best here: by the number of candidates that the budget allows, and of objectives.

    One objective: Bayesian optimisation, after 500 candidates regularized evolution of what it has found; or local
    search, where there will be a dozen candidates or fewer. Two or three objectives: Bayesian optimisation up to
    200 candidates, NSGA-II for more or where nobody knows how many; NSGA-III for more objectives. All begin with
    the space's default arch. Where the search's plan has foreseen it, candidates are trained a part of their epochs
    first, and the best of them to the end (ASHA), and the default arch, which all others must beat; `auto_full` trains
    every candidate fully. What was chosen, and why, is in the report.

    Example:
        >>> from netwright import Space, choice
        >>> space = Space({"x": choice([1, 2])})
        >>> type(auto(space, expected_candidates=100).strategy.strategy.strategy).__name__
        'BayesianOptimisation'
        >>> auto(space, n_objectives=2).reason
        'Chosen for 2 objectives: it looks for the whole Pareto front.'
        >>> auto(space, foreseen=(0.25, 1.0)).strategy.fidelities
        (0.25, 1.0)
    """
    recipe = auto_full(space, expected_candidates=expected_candidates, n_objectives=n_objectives)
    if foreseen is None or len(foreseen) < 2 or n_objectives > 1:
        return recipe
    reason = f"{recipe.reason} Short trainings come first: the best of them go on."
    return replace(recipe, strategy=ASHA(recipe.strategy, tuple(foreseen), outright=(space.default(),)), reason=reason)


@methods.register
def auto_full(space: SearchSpace, *, expected_candidates: int | None = None, n_objectives: int = 1) -> Recipe:
    """The same as `auto`, with every candidate trained fully.

    Example:
        >>> from netwright import Space, choice
        >>> auto_full(Space({"x": choice([1, 2])}), expected_candidates=5).reason
        'Chosen for a budget of about 5 candidates: so few are best spent near the default arch.'
    """
    n = expected_candidates
    if 1 < n_objectives <= _FEW_OBJECTIVES and n is not None and n <= _SMALL_FRONT:
        reason = f"Chosen for {n_objectives} objectives and a budget of about {n} candidates: "
        reason += "a model of each objective needs the fewest of them."
        return Recipe(StartingWith(BayesianOptimisation()), reason=reason)
    if n_objectives > 1:
        kind = NSGA2 if n_objectives <= _FEW_OBJECTIVES else NSGA3
        front = Deduplicated(kind(population_for(n)))
        reason = f"Chosen for {n_objectives} objectives: it looks for the whole Pareto front."
        return Recipe(StartingWith(front), reason=reason)
    if n is not None and n <= _FEW:
        reason = f"Chosen for a budget of about {n} candidates: so few are best spent near the default arch."
        return Recipe(StartingWith(Deduplicated(LocalSearch())), reason=reason)
    reason = f"Chosen for {'a budget of unknown size' if n is None else f'a budget of about {n} candidates'}: "
    reason += "a model that learns from all records needs the fewest of them."
    evolution = Deduplicated(RegularizedEvolution(50, 10))
    return Recipe(StartingWith(Staged(BayesianOptimisation(), evolution, after=_MANY)), reason=reason)
