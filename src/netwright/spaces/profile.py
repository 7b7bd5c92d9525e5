"""`Profile`: what is known about a space before anything is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

from netwright.core.arch import Arch
from netwright.core.quantity import count_text

__all__ = ["Profile", "Range", "Unbuildable"]


@dataclass(frozen=True, slots=True)
class Range:
    """The smallest and largest value that was found, and the median of random arches."""

    smallest: float
    median: float
    largest: float


@dataclass(frozen=True, slots=True)
class Unbuildable:
    """Arches that can't be built, all for the same reason.

    Attributes:
        reason: the error of one of them.
        share: of the random arches.
        always_with: decisions that all of them have and not all others: the likely cause.
        example: one of them.
    """

    reason: str
    share: float
    always_with: tuple[str, ...]
    example: Arch


@dataclass(frozen=True, slots=True)
class Profile:
    """The facts of a space, found without training anything; its text is a report for people.

    Attributes:
        name: of the space.
        size: the number of arches; infinite with a real.
        exact: whether that was counted, not estimated.
        n_decisions: how many decisions there are.
        n_random: the random arches that shares and medians are about.
        all_arches: whether these are all there are, and not random at all.
        n_tried: all different networks that were built, on the way to the extremes too.
        params, flops, activation_mb: the costs (see `netwright.models.cost`); None if nothing can be built.
        default: the costs of the default arch; None if it can't be built.
        smallest, largest: the arches with the fewest and the most parameters that were found.
        unbuildable: the reasons for which arches can't be built, the most frequent first.
        constraints: the limits that were asked about.
        unchecked: those among them that need training to be known.
        within: the share of the random arches that can be built and hold all constraints; None without constraints.
        nearest: an arch that holds the constraints, or the one that breaks them least of all that were tried.
        nearest_violation: by how much it breaks them, relative to their limits, summed; 0 if it holds them.
    """

    name: str
    size: float
    exact: bool
    n_decisions: int
    n_random: int
    all_arches: bool
    n_tried: int
    params: Range | None
    flops: Range | None
    activation_mb: Range | None
    default: dict[str, float] | None
    smallest: Arch | None
    largest: Arch | None
    unbuildable: tuple[Unbuildable, ...]
    constraints: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    within: float | None = None
    nearest: Arch | None = None
    nearest_violation: float = 0.0

    @property
    def can_be_met(self) -> bool | None:
        """Whether an arch was found that holds the constraints; None without constraints."""
        return None if self.within is None else self.nearest is not None and self.nearest_violation == 0

    def __str__(self) -> str:
        about = [*self._about_costs(), *self._about_building(), *self._about_constraints()]
        return "\n".join([self._about_size(), *about])

    def _about_size(self) -> str:
        size = "endlessly many" if self.size == math.inf else _big(self.size)
        about = "" if self.exact or self.size == math.inf else "about "
        return f"{self.name}: {about}{size} arches, {self.n_decisions} decision{'s' * (self.n_decisions != 1)}"

    def _about_costs(self) -> list[str]:
        if self.params is None or self.flops is None or self.activation_mb is None:
            return []
        rows: list[tuple[str, ...]] = [("", "smallest", "median", "largest", "default")]
        for name, values, key in (
            ("parameters", self.params, "params"),
            ("FLOPs of an example", self.flops, "flops"),
            ("activations, MB", self.activation_mb, "activation_mb"),
        ):
            default = "-" if self.default is None else count_text(_round(self.default[key]))
            texts = [count_text(_round(value)) for value in (values.smallest, values.median, values.largest)]
            rows.append((name, *texts, default))
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        return ["  ".join([row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in range(1, 5))]) for row in rows]

    def _about_building(self) -> list[str]:
        arches = f"all {self.n_random} arches" if self.all_arches else f"{self.n_random} random arches"
        if not self.unbuildable:
            return [f"of {arches}, every one can be built"] if self.n_tried else []
        total = sum(problem.share for problem in self.unbuildable)
        lines = [f"of {arches}, {total:.0%} can't be built:"]
        for problem in self.unbuildable:
            always = f" (always with {', '.join(problem.always_with)})" if problem.always_with else ""
            lines.append(f"  {problem.share:.0%}: {problem.reason}{always}")
        return lines

    def _about_constraints(self) -> list[str]:
        lines = []
        if self.within is not None:
            limits = ", ".join(limit for limit in self.constraints if limit not in self.unchecked)
            if self.can_be_met:
                hold = "all" if self.within == 1 else f"{self.within:.1%}" if self.within else "almost none"
                lines.append(f"{limits}: {hold} of the arches can be built and hold")
            else:
                lines.append(f"{limits}: no arch was found that holds; the nearest is {self.nearest_violation:.0%} off")
            if self.nearest is not None and not self.within:
                lines.append(f"  {dict(self.nearest)}")
        lines += [f"{limit}: not known before training" for limit in self.unchecked]
        return lines


def _big(count: float) -> str:
    if count > 1e300:  # more than a real number may hold
        return f"10^{math.floor(math.log10(count))}"
    return f"{count:,.0f}" if count < 1e7 else f"{count:.3g}"


def _round(value: float) -> float:
    """Four digits: more are noise to a reader."""
    return float(f"{value:.4g}")
