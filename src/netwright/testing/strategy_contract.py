"""What any strategy has to hold: pure, legal, reproducible, at ease with failures, several workers and a kill."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from netwright.core import Candidate, History, Record, SearchSpace, Strategy
from netwright.core.errors import InvalidSpace, SpaceExhausted
from netwright.loop import Search
from netwright.runtime import MemoryStore
from netwright.spaces import Space, choice, integer, real, repeat, subset
from netwright.strategies import Random
from netwright.testing.copies import pickled_copy
from netwright.testing.global_state import unchanged_global_state

__all__ = ["check_beats_random", "check_strategy", "toy_spaces"]

_LIMIT = 0.85  # of the toy size, which is uniform: about every seventh arch breaks it

Told: TypeAlias = "Mapping[str, float] | Exception"


def check_strategy(strategy: Strategy, space: SearchSpace | None = None, *, n_candidates: int = 80) -> None:
    """Check that a strategy keeps its contract, on one space or on several small ones.

    Checked: it is a frozen, hashable, picklable object; what it proposes is legal and depends on the space, the history
    and the generator alone; the seed matters (if it draws random numbers at all); no global random state is touched;
    failures, NaN and broken limits don't stop it; a search that was cut off anywhere goes on with the same records;
    several workers get ids without gaps; a space that is used up ends in `SpaceExhausted`, or in repeats.

    Args:
        strategy: the strategy.
        space: where to try it; small spaces of flat, nested, numeric and constrained choices if not given.
        n_candidates: how many candidates each try takes; more than the strategy's initial phase.

    Example:
        >>> from netwright.strategies import Random
        >>> check_strategy(Random(), n_candidates=20)

    Raises:
        AssertionError: saying which rule is broken.
    """
    _check_object(strategy)
    for tried in toy_spaces() if space is None else [space]:
        full = _check_proposals(strategy, tried, n_candidates)
        _check_failures(strategy, tried, n_candidates)
        _check_resume(strategy, tried, full, n_candidates)
        _check_workers(strategy, tried, n_candidates)
    tiny = Space({"x": choice([0, 1]), "y": choice([0, 1])}, name="tiny") if space is None else space
    if tiny.size() <= n_candidates:
        _Run(strategy, tiny, told=_Toy(tiny)).go(2 * n_candidates)  # repeats, or SpaceExhausted; nothing else


def check_beats_random(
    strategy: Strategy, space: SearchSpace | None = None, *, n_candidates: int = 200, n_seeds: int = 20
) -> None:
    """Check that on an easy space the strategy's best loss is, on average, less than half of random search's.

    Args:
        strategy: the strategy.
        space: where to try it; eight numbers with one valley if not given. The loss is the distance from a hidden arch.
        n_candidates: of each search.
        n_seeds: searches that are averaged.

    Example:
        >>> from netwright.strategies import LocalSearch
        >>> check_beats_random(LocalSearch(), n_candidates=100, n_seeds=5)

    Raises:
        AssertionError: with both averages.
    """
    if space is None:
        space = Space({f"x{i}": integer(0, 9) for i in range(8)}, name="valley")
    found = {}
    for name, tried in (("it", strategy), ("random", Random())):
        total = 0.0
        for seed in range(n_seeds):
            hidden = space.encode(space.sample(np.random.default_rng((seed, 10**6))))
            run = _Run(tried, space, seed=seed, told=_Distance(space, hidden))
            total += min(record.loss for record in run.go(n_candidates))
        found[name] = total / n_seeds
    if not found["it"] < 0.5 * found["random"]:
        raise AssertionError(
            f"{_name(strategy)} must halve the best loss of random search on an easy space, but reached "
            f"{found['it']:.4f} on average after {n_candidates} candidates, random search {found['random']:.4f}."
        )


def toy_spaces() -> list[Space]:
    """Small spaces without torch: flat choices, nested and numeric ones, and constrained ones."""
    width, depth = integer(1, 8), integer(1, 4)
    block = {"kernel": choice([1, 3, 5]), "act": choice(["relu", "silu"])}
    return [
        Space({f"c{i}": choice(["a", "b", "c", "d", "e"]) for i in range(6)}, name="flat"),
        Space(
            {
                "blocks": repeat(block, 1, 3),
                "head": choice({"wide": {"units": integer(8, 64, log=True)}, "drop": {"rate": real(0.1, 0.9)}}),
                "inputs": subset(["x", "y", "z", "w"], 2),
            },
            training={"lr": real(1e-4, 1e-1, log=True)},
            name="nested",
        ),
        Space({"width": width, "depth": depth}, constraints=[width * depth <= 12], name="constrained"),
    ]


# The parts ----------------------------------------------------------------------------------------------------------


def _check_object(strategy: Strategy) -> None:
    name = _name(strategy)
    frozen = isinstance(strategy, tuple) or (
        dataclasses.is_dataclass(strategy) and type(strategy).__dataclass_params__.frozen
    )
    if not frozen:
        raise AssertionError(
            f"{name} must be a frozen dataclass (@dataclass(frozen=True)): what it needs to remember is in the history."
        )
    try:
        hash(strategy)
    except TypeError as error:
        raise AssertionError(f"{name} must be hashable, to be a key of `history.fold`: {error}.") from error
    if pickled_copy(strategy) != strategy:
        raise AssertionError(f"a pickled copy of {name} must be equal to it.")


def _check_proposals(strategy: Strategy, space: SearchSpace, n_candidates: int) -> list[Record]:
    """Legal, pure, seeded; the records of a run with every kind of trouble in it."""
    watched = _Watched(strategy)
    with unchanged_global_state(_name(strategy)):
        records = _Run(watched, space, told=_Toy(space)).go(n_candidates)
    if not records:
        raise AssertionError(f"{_name(strategy)} proposes nothing at all on {space!r}.")
    again = _Run(pickled_copy(strategy), space, told=_Toy(space)).go(n_candidates)
    _equal(records, again, f"{_name(strategy)} must propose the same with the same seed")
    if watched.drew:
        other = _Run(strategy, space, told=_Toy(space), seed=1).go(n_candidates)
        if [record.arch for record in other] == [record.arch for record in records]:
            raise AssertionError(f"{_name(strategy)} must propose something else with another seed, but doesn't.")
    return records


def _check_failures(strategy: Strategy, space: SearchSpace, n_candidates: int) -> None:
    """Whatever comes of the candidates, it goes on."""
    usual = _Run(strategy, space, told=_Toy(space)).go(n_candidates)
    outcomes: dict[str, Told] = {
        "fails": RuntimeError("out of memory"),
        "is NaN": {"loss": float("nan"), "size": 0.0},
        "breaks a limit": {"size": 1.0},
        "is worth the same": {"loss": 0.0, "size": 0.0},
        "is scored, but breaks a limit": {"loss": 0.0, "size": 1.0},
    }
    for what, told in outcomes.items():
        found = _Run(strategy, space, told=_Always(told), when=f"every candidate {what}").go(n_candidates)
        # What fails at a low fidelity goes on to no higher one: then all arches once are enough.
        fewer = len({record.arch for record in found}) < len({record.arch for record in usual})
        if fewer and len(found) < min(len(usual), n_candidates // 2):
            raise AssertionError(f"{_name(strategy)} gives up after {len(found)} candidates where every one {what}.")


def _check_resume(strategy: Strategy, space: SearchSpace, full: list[Record], n_candidates: int) -> None:
    """Cut off anywhere, with one worker or several, and started again on what the store holds."""
    total = len(full)
    for cut in sorted({1, total // 4, total // 2, total - 1} - {0}):
        store = _store_of(full[:cut])
        records = _Run(pickled_copy(strategy), space, told=_Toy(space), store=store).go(n_candidates)
        _equal(full, records, f"{_name(strategy)}, cut off after {cut} records and resumed, must go on the same way")
    for cut in (1, total // 2):
        store = MemoryStore()
        first = _Run(strategy, space, told=_Toy(space), store=store, workers=3)
        first.go(cut)
        lost = [candidate.id for candidate in first.running]
        resumed = _Run(pickled_copy(strategy), space, told=_Toy(space), store=store, workers=3)
        records = resumed.go(max(n_candidates // 2, cut + 3))
        _no_gaps(strategy, resumed, records, f"resumed after {cut} records, with the candidates {lost} lost")


def _check_workers(strategy: Strategy, space: SearchSpace, n_candidates: int) -> None:
    """Several candidates at a time, whose results come in out of order."""
    for workers in (2, 5):
        runs = [_Run(strategy, space, told=_Toy(space), workers=workers) for _ in range(2)]
        records = [run.go(n_candidates) for run in runs]
        _no_gaps(strategy, runs[0], records[0], f"with {workers} workers")
        _equal(
            records[0],
            records[1],
            f"{_name(strategy)} must propose the same where {workers} results come in in the same order",
        )


def _no_gaps(strategy: Strategy, run: _Run, records: list[Record], when: str) -> None:
    ids = sorted([record.id for record in records] + [candidate.id for candidate in run.running])
    if ids != list(range(len(ids))):
        raise AssertionError(f"the ids of {_name(strategy)} must be 0, 1, 2 … without gaps {when}, but are {ids}.")


def _equal(expected: list[Record], found: list[Record], rule: str) -> None:
    for i, (one, other) in enumerate(zip(expected, found, strict=False)):
        if one != other:
            raise AssertionError(f"{rule}, but record {i} is\n  {other}\ninstead of\n  {one}")
    if len(expected) != len(found):
        raise AssertionError(f"{rule}, but there are {len(found)} records instead of {len(expected)}.")


def _name(strategy: Strategy) -> str:
    return repr(strategy.strategy) if isinstance(strategy, _Watched) else repr(strategy)


def _store_of(records: list[Record]) -> MemoryStore:
    store = MemoryStore()
    for record in records:
        store.append(record)
    return store


# Toy evaluations and the runs -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Toy:
    """A smooth loss; by its digest, an arch fails, is NaN or breaks the limit."""

    space: SearchSpace

    def __call__(self, candidate: Candidate) -> Told:
        fate = int(candidate.arch.digest, 16) / 16**12
        size = 1e4 * fate % 1.0
        if fate < 0.08:
            return ValueError(f"arch {candidate.arch.digest} fails")
        if size > _LIMIT:
            return {"size": size}
        if fate < 0.16:
            return {"size": size, "loss": float("nan")}
        return {"size": size, "loss": float(np.mean((self.space.encode(candidate.arch) - 0.3) ** 2))}


@dataclass(frozen=True, slots=True)
class _Always:
    told: Told

    def __call__(self, candidate: Candidate) -> Told:
        return self.told


@dataclass(frozen=True, slots=True)
class _Distance:
    """How far an arch is from a hidden one."""

    space: SearchSpace
    hidden: np.ndarray[Any, Any]

    def __call__(self, candidate: Candidate) -> Told:
        return {"loss": float(np.abs(self.space.encode(candidate.arch) - self.hidden).mean()), "size": 0.0}


@dataclass(slots=True)
class _Watched:
    """A strategy whose every proposal is checked: legal, the same when asked again, and nothing else changed."""

    strategy: Strategy
    drew: bool = False

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        name = _name(self)
        before = (history.next_id, len(history), dict(history.pending))
        twin, start = copy.deepcopy(rng), rng.bit_generator.state
        candidate = self.strategy.propose(space, history, rng)
        self.drew = self.drew or rng.bit_generator.state != start
        if (history.next_id, len(history), dict(history.pending)) != before:
            raise AssertionError(f"{name} must only read the history, but changed it.")
        again = pickled_copy(self.strategy).propose(space, history, twin)
        if again != candidate:
            raise AssertionError(
                f"{name} must be pure: asked again with the same history and generator, it proposed\n  {again}\n"
                f"instead of\n  {candidate}"
            )
        try:
            space.validate(candidate.arch)
        except InvalidSpace as error:
            raise AssertionError(f"{name} proposed what is not an arch of the space: {error}") from error
        ids = {record.id for record in history.records}
        if candidate.parent is not None and candidate.parent >= 0 and candidate.parent not in ids:
            raise AssertionError(f"{name} gave a parent that has no record: {candidate}.")
        return candidate


@dataclass(slots=True)
class _Run:
    """A search with several candidates at a time, told in a shuffled but fixed order."""

    strategy: Strategy
    space: SearchSpace
    told: Callable[[Candidate], Told]
    seed: int = 0
    store: MemoryStore | None = None
    workers: int = 1
    when: str = "some candidates fail"
    running: list[Candidate] = field(default_factory=list)

    def go(self, n_candidates: int) -> list[Record]:
        """The records, when there are so many or the space is used up."""
        search = Search(self.space, self.strategy, constraints=f"size<={_LIMIT}", store=self.store, seed=self.seed)
        order = np.random.default_rng(self.seed)
        while len(search.history) < n_candidates:
            while len(self.running) < self.workers and (candidate := self._asked(search)) is not None:
                self.running.append(candidate)
            if not self.running:
                break
            done = self.running.pop(int(order.integers(len(self.running))))
            search.tell(done, self.told(done))
        return list(search.history.records)

    def _asked(self, search: Search) -> Candidate | None:
        try:
            return search.ask()
        except SpaceExhausted:
            return None
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(
                f"{_name(self.strategy)} raised {type(error).__name__} after {len(search.history)} records, where "
                f"{self.when}: {error}"
            ) from error
