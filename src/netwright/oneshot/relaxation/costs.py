"""What each option of a space costs, found by building arches that differ in one decision: no training needed."""

from __future__ import annotations

from netwright.core.arch import Arch, Decided
from netwright.models.cost import cost
from netwright.oneshot.relaxation.regularisers import CostTable
from netwright.spaces import Space
from netwright.spaces.decisions import Decision

__all__ = ["flops_table"]


def flops_table(space: Space, *, input_shape: tuple[int, ...], n_outputs: int | None = None) -> CostTable:
    """Millions of floating-point operations of each option, as the difference that it makes to an arch.

    Exact where an option's cost doesn't depend on other decisions, as in cell-based spaces.

    Example:
        >>> from netwright import nn, choice
        >>> layers = {"none": None, "linear": nn.Linear(1000, 1000)}
        >>> space = Space(nn.Sequential(choice(layers, label="op"), nn.Linear(1000, 1000)))
        >>> table = flops_table(space, input_shape=(1000,))
        >>> table.base, table.costs["op"]
        (2.0, {'none': 0.0, 'linear': 2.0})
    """

    def millions(arch: Arch) -> float:
        return cost(space, arch, input_shape=input_shape, n_outputs=n_outputs)["flops"] / 1e6

    decisions = {decision.name: decision for decision in space.decisions}
    default = space.default()
    costs: dict[str, dict[Decided, float]] = {}
    of_default = base = millions(default)
    for decision in space.decisions:
        start = _with_active(space, default, decision, decisions)
        before = millions(start) if start != default else of_default
        values = list(decision.domain.grid(2))
        first = {value: millions(space.with_decision(start, decision.name, value)) for value in values}
        # Relative to what the arch has now, so that the default arch costs what it costs.
        costs[decision.name] = {value: found - before for value, found in first.items()}
        least = min(costs[decision.name].values())
        if decision.name in default:
            base += least
        costs[decision.name] = {value: found - least for value, found in costs[decision.name].items()}
    return CostTable(base, costs)


def _with_active(space: Space, arch: Arch, decision: Decision, decisions: dict[str, Decision]) -> Arch:
    """The arch, changed so that a decision counts."""
    if decision.name in arch:
        return arch
    condition = decision.conditions[0]
    arch = _with_active(space, arch, decisions[condition.parent], decisions)
    for value in decisions[condition.parent].domain.grid(2):
        if not condition.values.isdisjoint(value if isinstance(value, tuple) else [value]):
            return space.with_decision(arch, condition.parent, value)
    return arch
