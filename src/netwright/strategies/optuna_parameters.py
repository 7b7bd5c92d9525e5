"""The decisions of a space in Optuna's terms, and back: what `OptunaSampler` and `netwright.integrations.optuna` share.

A choice is categorical, a number stays a number with its range, its steps and its scale. For a subset (k of n) Optuna
has nothing, so each option gets a key in [0, 1], and the k options with the largest keys are chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from netwright.core import Arch, Decided, SearchSpace
from netwright.core.errors import InvalidInput, MissingDependency
from netwright.spaces import Space
from netwright.spaces.decisions import Decision
from netwright.spaces.domains import Categorical, Combination, IntegerRange, RealRange
from netwright.spaces.narrowing import Part

__all__ = ["Parameters", "require_optuna"]

_IN, _OUT = 0.75, 0.25  # the keys of options that a known subset has, and hasn't


def require_optuna(*packages: str) -> None:
    """Check that Optuna, and other packages of the same extra, are installed; nothing is imported.

    Raises:
        MissingDependency: with the line that installs them.
    """
    for package in ("optuna", *packages):
        if find_spec(package) is None:
            raise MissingDependency(
                f"Optuna's samplers need {package}, which is not installed: pip install 'netwright[optuna]'"
            )


class Parameters:
    """The decisions of a space as parameters of an Optuna study; of a narrowed space, with all their values.

    Example:
        >>> from netwright import Space, choice, integer
        >>> parameters = Parameters(Space({"width": integer(8, 64, step=8), "act": choice(["relu", "silu"])}))
        >>> values, distributions = parameters.of(Arch({"width": 16, "act": "silu"}))
        >>> values
        {'width': 16, 'act': 'silu'}
        >>> distributions["width"]
        IntDistribution(high=64, log=False, low=8, step=8)

    Raises:
        InvalidInput: if it isn't a space with a list of decisions, or has one of a kind that Optuna doesn't know.
    """

    def __init__(self, space: SearchSpace) -> None:
        if not isinstance(space, Space):
            raise InvalidInput(
                f"Optuna's samplers need a netwright.Space, with a list of decisions, but got {space!r}."
            )
        self.decisions = tuple(
            replace(d, domain=d.domain.whole) if isinstance(d.domain, Part) else d for d in space.decisions
        )
        self.distributions: dict[str, dict[str, Any]] = {d.name: dict(_distributions(d)) for d in self.decisions}
        """Of each decision: its parameters with their distributions, by name."""

    def of(self, arch: Arch) -> tuple[dict[str, Any], dict[str, Any]]:
        """The parameters of an arch and their distributions, both by name: those of its active decisions."""
        values: dict[str, Any] = {}
        distributions: dict[str, Any] = {}
        for decision in self.decisions:
            if decision.name in arch:
                own = self.distributions[decision.name]
                distributions |= own
                values |= zip(own, _values(decision, arch[decision.name]), strict=True)
        return values, distributions

    def suggested(self, ask: Any) -> Arch:
        """The arch that Optuna suggests, define-by-run: only decisions that count are asked for.

        Args:
            ask: an `optuna.Trial`, or any object with its `suggest_…` methods, such as a `FrozenTrial`.
        """
        decisions: dict[str, Decided] = {}
        for decision in self.decisions:
            if decision.active(decisions):
                own = self.distributions[decision.name]
                answers = [_suggested(ask, name, distribution) for name, distribution in own.items()]
                decisions[decision.name] = _decided(decision, answers)
        return Arch(decisions)


def _distributions(decision: Decision) -> Iterator[tuple[str, Any]]:
    """The parameters of a decision with their distributions."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    domain = decision.domain
    if isinstance(domain, Categorical):
        yield decision.name, CategoricalDistribution(domain.values)
    elif isinstance(domain, IntegerRange):
        high = domain.low + domain.step * (domain.count - 1)  # the last value there is
        yield decision.name, IntDistribution(domain.low, high, log=domain.log, step=domain.step)
    elif isinstance(domain, RealRange):
        yield decision.name, FloatDistribution(float(domain.low), float(domain.high), log=domain.log)
    elif isinstance(domain, Combination):
        if domain.count > 1:
            for option in domain.values:
                yield f"{decision.name}: {option}", FloatDistribution(0.0, 1.0)
    else:
        raise InvalidInput(f"Optuna has no parameter for {decision.name!r}, which is {domain}.")


def _values(decision: Decision, value: Decided) -> list[Any]:
    """The values of a decision's parameters."""
    domain = decision.domain
    if isinstance(domain, RealRange):
        return [float(value)]  # type: ignore[arg-type]  # validated to be a number
    if isinstance(domain, Combination):
        assert isinstance(value, tuple)
        return [_IN if option in value else _OUT for option in domain.values] if domain.count > 1 else []
    return [value]


def _suggested(ask: Any, name: str, distribution: Any) -> Any:
    from optuna.distributions import CategoricalDistribution, IntDistribution

    if isinstance(distribution, CategoricalDistribution):
        return ask.suggest_categorical(name, distribution.choices)
    low, high, log = distribution.low, distribution.high, distribution.log
    if isinstance(distribution, IntDistribution):
        return ask.suggest_int(name, low, high, step=distribution.step, log=log)
    return ask.suggest_float(name, low, high, log=log)


def _decided(decision: Decision, answers: list[Any]) -> Decided:
    """What a decision is, out of the values of its parameters."""
    domain = decision.domain
    if isinstance(domain, Categorical):
        return answers[0]
    if isinstance(domain, RealRange):  # six digits, as everywhere in a space
        return min(domain.high, max(domain.low, float(f"{answers[0]:.6g}")))
    if isinstance(domain, Combination):
        if domain.count == 1:
            return domain.default
        order = sorted(range(len(answers)), key=lambda i: -answers[i])  # of equal keys the first comes first
        scalars: tuple[Any, ...] = domain.values
        return tuple(scalars[i] for i in sorted(order[: domain.k]))
    return int(answers[0])
