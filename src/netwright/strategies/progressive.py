"""Progressive search: from small arches to large ones, guided by a predictor.

Liu et al. 2018, Progressive Neural Architecture Search, https://arxiv.org/abs/1712.00559.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

import numpy as np

from netwright.core import Arch, Candidate, History, Record, SearchSpace
from netwright.core.arch import Decided
from netwright.core.errors import InvalidInput
from netwright.predictors import Predictor, Ridge
from netwright.spaces import Space
from netwright.spaces.domains import Categorical, Domain
from netwright.spaces.narrowing import Part
from netwright.strategies.numbers import check_numbers

__all__ = ["Progressive"]

_VALUES = 8  # by which an arch is grown, of a range with more of them
_ALIKE = 4  # times as many parents as the beam, where some work like others
_MOST = 4_000  # grown arches that are ranked; of more, a random choice
_SEED = 20171202  # of what is drawn for a ranking, which must depend on the records alone


@dataclass(slots=True)
class _Growth:
    """How far the arches have grown."""

    small: _Small
    level: int = 1
    ranking: list[tuple[Arch, int | None]] = field(default_factory=list)  # (arch, parent's id), the best first
    left: int = 0  # records that must come in until the next level
    records: list[Record] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)  # of the records
    known: dict[Arch, Record] = field(default_factory=dict)  # by canonical arch
    alike: dict[Arch, int] = field(default_factory=dict)  # arches that work like others, with their levels


@dataclass(frozen=True, slots=True)
class Progressive:
    """Grows the best arches of a level by one decision; a predictor says which of the results are worth a look.

    The level of an arch is the number of its decisions that depart from the smallest arch: there the depth, whole
    numbers and choices of whole numbers have their lowest value, all else has its default. So arches grow from the
    smallest one decision at a time, in any space: by a block, a width, an operation instead of none. The smallest arch
    comes first, then those of level one (at most `beam` of them, drawn at random). Then, level after level, the `beam`
    best arches are grown in every way, the predictor is fitted to all records, and of the new arches the `beam` most
    promising ones are evaluated. With several workers, those who would have to wait take the next of the ranking.

    When the largest arches are done, it goes on with the neighbours of the `beam` best of all levels, those first that
    may be the best by a standard deviation.

    Attributes:
        beam: arches that are evaluated on each level, and grown from each.
        predictor: what ranks them; failures are as bad as the worst loss to it.

    Differs from the paper in what a level is (there the number of blocks in a cell, and a cell of any size can be
    evaluated; here what isn't grown yet has its smallest value), in the predictor (there an ensemble of recurrent or
    small dense networks, fitted to each level in turn), in the beam (there 256), in the first level (there all of it)
    and in that it doesn't end with the largest arches.

    Example:
        >>> from netwright import Space, choice, integer
        >>> space = Space({"depth": integer(1, 3), "act": choice(["relu", "silu"]), "width": choice([8, 16])})
        >>> strategy = Progressive()
        >>> strategy.smallest(space), strategy.level(space, space.default())
        (Arch({'depth': 1, 'act': 'relu', 'width': 8}), 1)
    """

    beam: int = 16
    predictor: Predictor = Ridge()  # noqa: RUF009  # frozen

    def __post_init__(self) -> None:
        check_numbers(self)
        if self.beam < 1:
            raise InvalidInput(f"`beam` of Progressive must be at least 1, but got {self.beam!r}.")
        if not callable(getattr(self.predictor, "fit", None)):
            raise InvalidInput(f"`predictor` of Progressive must have a method fit, but got {self.predictor!r}.")

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """The most promising arch of the level that isn't known; a random one if there is none."""
        growth = history.fold((self, "growth"), self._take, lambda: self._start(_Small(space)))
        ranking = growth.ranking
        if growth.level == 1:  # nothing is known yet that could rank them
            first = min(1, len(ranking))
            ranking = ranking[:first] + [ranking[first + i] for i in rng.permutation(len(ranking) - first).tolist()]
        for arch, parent in ranking:
            if not history.seen(arch, 1.0):
                return history.candidate(arch, parent=parent)
        return history.candidate(space.sample(rng))

    def smallest(self, space: SearchSpace) -> Arch:
        """What the others grow from; constraints aren't looked at."""
        return _Small(space).completed({})

    def level(self, space: SearchSpace, arch: Arch) -> int:
        """How many decisions of an arch depart from the smallest one."""
        return _Small(space).level(arch)

    def _start(self, small: _Small) -> _Growth:
        """The smallest arch and level one; where constraints allow none of them, the default."""
        growth = _Growth(small)
        smallest = small.completed({})
        first = [smallest] if small.space.allowed(smallest) else []
        growth.ranking = _new(growth, [(arch, None) for arch in (*first, *small.grown(smallest))])
        growth.ranking = growth.ranking or [(small.space.default(), None)]
        growth.left = min(len(growth.ranking), len(first) + self.beam)
        return growth

    def _take(self, growth: _Growth, record: Record) -> _Growth:
        growth.records.append(record)
        growth.levels.append(growth.small.level(record.arch))
        form = growth.small.space.canonical(record.arch)
        if form not in growth.known or record.rank < growth.known[form].rank:
            growth.known[form] = record
        growth.left -= 1
        if growth.left <= 0:
            self._plan(growth)
        return growth

    def _plan(self, growth: _Growth) -> None:
        """Rank what the next level on which there is anything new can be; after the last one, what is near the best."""
        small, n_levels = growth.small, len(growth.small.space.decisions)
        for level in range(growth.level + 1, n_levels + 1):
            parents = self._best(growth, level - 1)
            new = _new(growth, ((arch, parent.id) for own, parent in parents for arch in small.grown(own)))
            if new:
                growth.level = level
                break
        else:
            growth.level = n_levels + 1
            parents = self._best(growth, None)
            new = _new(growth, ((arch, best.id) for own, best in parents for arch in small.space.neighbours(own)))
        growth.ranking = self._ranked(growth, new) if new else []
        growth.left = min(self.beam, len(growth.ranking))

    def _best(self, growth: _Growth, level: int | None) -> list[tuple[Arch, Record]]:
        """The best arches of a level (or of all), with their records; and those of the level that work the same."""
        found = {
            record.arch: record
            for record, own in zip(growth.records, growth.levels, strict=True)
            if record.scored and level in (None, own)
        }
        form = growth.small.space.canonical
        for arch, own in growth.alike.items():
            record = growth.known.get(form(arch))
            if own == level and record is not None and record.scored:
                found.setdefault(arch, record)
        best = sorted(found.items(), key=lambda pair: (pair[1].rank, pair[1].id))
        forms = list(dict.fromkeys(record.id for _, record in best))[: self.beam]
        return [pair for pair in best if pair[1].id in set(forms)][: _ALIKE * self.beam]

    def _ranked(self, growth: _Growth, new: list[tuple[Arch, int | None]]) -> list[tuple[Arch, int | None]]:
        rng = np.random.default_rng((_SEED, len(growth.records)))
        if len(new) > _MOST:
            new = [new[i] for i in sorted(rng.permutation(len(new))[:_MOST].tolist())]
        top = max(record.fidelity for record in growth.records)
        told = [record for record in growth.records if record.fidelity == top]
        good = [record.loss for record in told if record.scored and record.violation == 0]
        if not good:
            return new
        losses = np.array([r.loss if r.scored and r.violation == 0 else max(good) for r in told])
        fitted = self.predictor.fit(growth.small.space, [record.arch for record in told], losses, rng)
        promise, std = fitted.predict([arch for arch, _ in new])
        if growth.level > len(growth.small.space.decisions):  # nothing is left to grow: errors of it must be found out
            promise = promise - std
        spread = float(np.ptp(promise)) or 1.0
        order = np.argsort(np.round((promise - promise.min()) / spread, 9), kind="stable")  # the same on every machine
        return [new[i] for i in order.tolist()]


def _new(growth: _Growth, arches: Iterable[tuple[Arch, int | None]]) -> list[tuple[Arch, int | None]]:
    """Those that work like none that has a record, each once. The others are noted: they may be parents later."""
    found: dict[Arch, tuple[Arch, int | None]] = {}
    grows = growth.level <= len(growth.small.space.decisions)
    for arch, parent in arches:
        form = growth.small.space.canonical(arch)
        if (form in growth.known or found.setdefault(form, (arch, parent))[0] != arch) and grows:
            growth.alike[arch] = growth.small.level(arch)
    return list(found.values())


class _Small:
    """What small means in a space: the value that each decision grows from, and those that it grows to."""

    def __init__(self, space: SearchSpace) -> None:
        if not isinstance(space, Space):
            raise InvalidInput(f"Progressive needs a netwright.Space, whose decisions it can grow, but got {space!r}.")
        self.space = space
        self.roots: dict[str, Decided] = {d.name: _root(d.domain) for d in space.decisions}
        self.values: dict[str, list[Decided]] = {d.name: _values(d.domain) for d in space.decisions}

    def completed(self, taken: Mapping[str, Decided]) -> Arch:
        """The arch with these decisions; the others that count in it have the values that they grow from."""
        decisions: dict[str, Decided] = {}
        for decision in self.space.decisions:
            if decision.active(decisions):
                name = decision.name
                decisions[name] = taken[name] if name in taken else self.roots[name]
        return Arch(decisions)

    def level(self, arch: Arch) -> int:
        return sum(value != self.roots[name] for name, value in arch.items())

    def grown(self, arch: Arch) -> Iterator[Arch]:
        """Every allowed arch with one more decision that departs from the smallest."""
        level = self.level(arch) + 1
        for name, value in arch.items():
            if value == self.roots[name]:
                for other in self.values[name]:
                    larger = self.completed({**arch, name: other})
                    if self.level(larger) == level and self.space.allowed(larger):
                        yield larger


def _root(domain: Domain) -> Decided:
    """The lowest whole number, or the default of what isn't one."""
    first = next(domain.grid(2))
    if not _whole(first):
        return domain.default
    kept = domain.kept if isinstance(domain, Part) else domain
    if isinstance(kept, Categorical):
        numbers = [value for value in kept.values if _whole(value)]
        return min(numbers) if len(numbers) == len(kept.values) else domain.default
    return first


def _whole(value: Decided) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _values(domain: Domain) -> list[Decided]:
    """The other values: all of a choice, a few that are spread over a range."""
    kept, root = domain.kept if isinstance(domain, Part) else domain, _root(domain)
    if isinstance(kept, Categorical) or domain.count <= _VALUES + 1:
        values: Iterable[Decided] = domain.grid(2)
    else:
        values = dict.fromkeys(domain.draw((i + 0.5) / _VALUES) for i in range(_VALUES))
    return [value for value in values if value != root]
