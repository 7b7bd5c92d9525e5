"""Optuna's samplers as methods: they need the extra `optuna`."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.strategies import Deduplicated, OptunaSampler

__all__ = ["optuna_cmaes", "optuna_gp", "optuna_nsga2", "optuna_tpe"]


@methods.register
def optuna_tpe(space: SearchSpace, *, startup: int = 10) -> Recipe:
    """Optuna's tree-structured Parzen estimator, none twice (Bergstra et al. 2011, Watanabe 2023, arXiv:2304.11127).

    Differs from Optuna in that no arch is proposed twice.

    Example:
        >>> from netwright import Space, choice
        >>> optuna_tpe(Space({"x": choice([1, 2])})).strategy.strategy
        OptunaSampler(sampler='tpe', startup=10, population=None, tries=10)
    """
    return Recipe(Deduplicated(OptunaSampler("tpe", startup=startup), tries=5))


@methods.register
def optuna_gp(space: SearchSpace, *, startup: int = 10) -> Recipe:
    """Optuna's Gaussian process with log expected improvement, none twice (Ament et al. 2023, arXiv:2310.20708).

    Differs from Optuna in that no arch is proposed twice: where the process insists on a known one, a neighbour of that
    is taken. Asking it more than twice would take as long as it does and seldom help.

    Example:
        >>> from netwright import Space, choice
        >>> optuna_gp(Space({"x": choice([1, 2])})).strategy
        Deduplicated(strategy=OptunaSampler(sampler='gp', startup=10, population=None, tries=2), tries=2)
    """
    return Recipe(Deduplicated(OptunaSampler("gp", startup=startup, tries=2), tries=2))


@methods.register
def optuna_cmaes(space: SearchSpace, *, population: int | None = None) -> Recipe:
    """Optuna's CMA-ES for numbers, with TPE for the choices, none twice (Hansen 2016, arXiv:1604.00772).

    Differs from Optuna in that no arch is proposed twice, that a subset is decided by keys, which are numbers, and that
    TPE decides the choices, which Optuna would draw at random.

    Example:
        >>> from netwright import Space, real
        >>> optuna_cmaes(Space({"x": real(0, 1), "y": real(0, 1)})).strategy.strategy
        OptunaSampler(sampler='cmaes', startup=None, population=None, tries=10)
    """
    return Recipe(Deduplicated(OptunaSampler("cmaes", population=population), tries=3))


@methods.register
def optuna_nsga2(space: SearchSpace, *, population: int = 20) -> Recipe:
    """Optuna's NSGA-II: elitist, for several objectives, none twice (Deb et al. 2002, doi:10.1109/4235.996017).

    Differs from Optuna in that no arch is proposed twice, and in a population of 20 in place of 50: a search of
    networks has hundreds of candidates, which fifty would use up in a few generations.

    Example:
        >>> from netwright import Space, choice
        >>> optuna_nsga2(Space({"x": choice([1, 2])})).strategy.strategy
        OptunaSampler(sampler='nsga2', startup=None, population=20, tries=10)
    """
    return Recipe(Deduplicated(OptunaSampler("nsga2", population=population)))
