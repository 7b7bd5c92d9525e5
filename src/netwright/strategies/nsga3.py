"""NSGA-III (Deb & Jain 2014, https://doi.org/10.1109/TEVC.2013.2281535): for many objectives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from netwright.core import Candidate, History, Record, SearchSpace
from netwright.core.streams import Streams
from netwright.spaces.crossovers import Crossover
from netwright.strategies.domination import sorted_fronts
from netwright.strategies.generations import Generations, check_population
from netwright.strategies.numbers import check_numbers
from netwright.strategies.reference_directions import reference_directions
from netwright.strategies.variation import bred, check_variation

__all__ = ["NSGA3"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_EPSILON = 1e-6  # of a direction's zero weights, in the scalarisation that finds the extreme points


@dataclass(frozen=True, slots=True)
class NSGA3:
    """Keeps what is least dominated and, of equals, what is nearest to directions that nobody else is near to.

    With more than three objectives nearly everything is undominated, and crowding (NSGA-II) says little; directions
    spread over the objectives keep the population apart.

    Attributes:
        population: how many live; there are as many directions as fit into it.
        offspring: how many records end a generation; None: as many as live.
        crossover: how two parents are made into one child: `uniform`, `one_point`, `subtree`, or a function.
        crossover_rate: chance of it; else the child starts as a copy of the first parent.
        mutation_rate: chance of each decision to be changed after that; None: one over their number. A child that is
            still one of its parents has one decision changed in any case.

    Constraints as in Jain & Deb 2014 (https://doi.org/10.1109/TEVC.2013.2281534): what is feasible, then what breaks
    limits least; parents are drawn at random, and of two the feasible (or less violating) one is taken.

    Differs from the papers as `NSGA2` differs from its, and in that losses are scaled by the span of the front before
    its extreme points are looked for, so that units don't matter. The draws of the niching come from a generator of its
    own, so that the population is a function of the records.

    Example:
        >>> NSGA3(population=92).offspring is None
        True
    """

    population: int = 20
    offspring: int | None = None
    crossover: str | Crossover = "uniform"
    crossover_rate: float = 0.9
    mutation_rate: float | None = 0.0

    def __post_init__(self) -> None:
        check_numbers(self)
        check_population(self.population, self.offspring)
        check_variation(self.crossover, self.crossover_rate, self.mutation_rate)

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """A random arch until the first generation is complete, then a child of two of the population."""
        members = history.fold(self, self._step, Generations).members
        if not members:
            return history.candidate(space.sample(rng))
        drawn = [members[i] for i in (rng.random(4) * len(members)).astype(int).tolist()]
        first, second = (min(pair, key=_violation) for pair in (drawn[:2], drawn[2:]))
        return history.candidate(bred(self, space, first.arch, second.arch, rng), parent=first.id)

    def _step(self, generations: Generations, record: Record) -> Generations:
        return generations.add(record, self.population, self.offspring or self.population, self._survivors)

    def _survivors(self, generations: Generations) -> list[Record]:
        """The best of parents and children: whole fronts, and of the last one what fills the niches."""
        records = [*generations.members, *generations.incoming]
        n_objectives = max(len(record.losses) for record in records)
        losses, fronts = sorted_fronts(records, n_objectives)
        feasible = np.array([record.violation == 0 for record in records])
        if feasible.any():
            least = losses[feasible].min(axis=0)
            ideal = generations.ideal
            generations.ideal = least if ideal is None else np.minimum(ideal, least)
        chosen: list[int] = []
        for front in fronts:
            room = self.population - len(chosen)
            if len(front) <= room:
                chosen += front.tolist()
            elif room > 0 and feasible[front[0]] and generations.ideal is not None:
                directions = reference_directions(n_objectives, self.population)
                rng = Streams(0)(generations.number)
                places = _normalised(losses[[*chosen, *front.tolist()]], fronts[0], losses, generations.ideal)
                picked = _niched(places, len(chosen), room, directions, rng)
                chosen += front[picked].tolist()
            else:
                chosen += front[:room].tolist()
        return [records[i] for i in chosen]


def _violation(record: Record) -> float:
    return record.violation


def _normalised(considered: Array, first_front: np.ndarray[Any, Any], losses: Array, ideal: Array) -> Array:
    """The losses that are considered, from the ideal point and in units of the intercepts (algorithm 2).

    The hyperplane goes through the extreme points: the undominated ones that are best along each axis.
    """
    front = losses[first_front] - ideal
    span = front.max(axis=0)
    span[span == 0] = 1.0
    front /= span
    n_objectives = front.shape[1]
    weights = np.where(np.eye(n_objectives, dtype=bool), 1.0, _EPSILON)
    extremes = np.argmin((front[None] / weights[:, None]).max(axis=2), axis=1)  # (n_objectives,)
    intercepts = np.ones(n_objectives)
    try:
        normal = np.linalg.solve(front[extremes], np.ones(n_objectives))
    except np.linalg.LinAlgError:  # extreme points that coincide span no hyperplane
        pass
    else:
        usable = (normal > 1e-6) & (normal < 1e6)
        intercepts[usable] = 1 / normal[usable]
    return (considered - ideal) / (span * intercepts)


def _niched(places: Array, n_chosen: int, room: int, directions: Array, rng: np.random.Generator) -> list[int]:
    """Which of the last front live on (algorithms 3 and 4): indices, counted from the first after the chosen ones."""
    units = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    along = places @ units.T  # (n, n_directions)
    squared = np.maximum((places**2).sum(axis=1, keepdims=True) - along**2, 0.0)
    nearest = np.argmin(squared, axis=1)
    distance = squared[np.arange(len(places)), nearest]
    counts = np.bincount(nearest[:n_chosen], minlength=len(directions))
    waiting: dict[int, list[int]] = {}  # direction → who is near to it, the nearest first
    for i in (np.argsort(distance[n_chosen:], kind="stable")).tolist():
        waiting.setdefault(int(nearest[n_chosen + i]), []).append(i)
    picked: list[int] = []
    while len(picked) < room:
        niches = sorted(waiting)
        n_there = counts[niches]
        emptiest = np.flatnonzero(n_there == n_there.min())
        niche = niches[int(emptiest[int(rng.random() * len(emptiest))])]
        near = waiting[niche]
        picked.append(near.pop(0 if counts[niche] == 0 else int(rng.random() * len(near))))
        counts[niche] += 1
        if not near:
            del waiting[niche]
    return picked
