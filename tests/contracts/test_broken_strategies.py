"""The strategy contract finds what it is for: each way to break it, with the text that it gives."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright import Space, choice
from netwright.core import Arch, Candidate
from netwright.core.errors import SpaceExhausted
from netwright.strategies import Random
from netwright.testing import check_beats_random, check_strategy
from netwright.testing.global_state import unchanged_global_state

SPACE = Space({f"c{i}": choice(list(range(5))) for i in range(4)})


@dataclass(frozen=True)
class Broken:
    """Proposes in one of the ways below."""

    way: str

    def propose(self, space, history, rng):
        return globals()[self.way](self, space, history, rng)


@dataclass
class Changeable:
    propose = Random.propose


@dataclass(frozen=True)
class Unhashable:
    arches: Any = field(default_factory=list)
    propose = Random.propose


@dataclass(frozen=True)
class Unpicklable:
    key: Any = field(default=lambda: 0)
    propose = Random.propose


@dataclass(frozen=True, eq=False)
class UnequalCopies:
    propose = Random.propose


@dataclass(frozen=True)
class Remembers:
    """Keeps a state of its own."""

    calls: list = field(default_factory=list, hash=False, compare=False)

    def propose(self, space, history, rng):
        self.calls.append(1)
        return history.candidate(space.default().replace(c0=len(self.calls) % 5))


def draws_from_the_module(self, space, history, rng):
    random.random()
    return history.candidate(space.sample(rng))


def draws_from_numpy(self, space, history, rng):
    np.random.rand()  # noqa: NPY002
    return history.candidate(space.sample(rng))


def seeds_the_module(self, space, history, rng):
    random.seed(history.next_id)
    return history.candidate(space.sample(rng))


def leaves_the_space(self, space, history, rng):
    arch = space.sample(rng)
    return history.candidate(arch.replace(c0=7) if history.next_id == 11 else arch)


def forgets_a_decision(self, space, history, rng):
    return history.candidate(Arch({"c0": 1}))


def ignores_its_draws(self, space, history, rng):
    rng.random()
    return history.candidate(space.default())


def numbers_by_records(self, space, history, rng):
    return Candidate(len(history), space.sample(rng))


def returns_an_arch(self, space, history, rng):
    return space.sample(rng)


def invents_parents(self, space, history, rng):
    return history.candidate(space.sample(rng), parent=99 if history.next_id > 5 else None)


def names_itself_as_parent(self, space, history, rng):
    return history.candidate(space.sample(rng), parent=history.next_id)


def asks_for_more_than_all(self, space, history, rng):
    return replace(history.candidate(space.sample(rng)), fidelity=1.5)


def counts_on_losses(self, space, history, rng):
    if not len(history):
        return history.candidate(space.sample(rng))
    best = min(history.records, key=lambda record: record.losses[0])
    return history.candidate(space.mutate(best.arch, rng), parent=best.id)


def takes_the_id_itself(self, space, history, rng):
    candidate = history.candidate(space.sample(rng))
    history.next_id += 1
    return candidate


def notes_it_as_started(self, space, history, rng):
    candidate = history.candidate(space.sample(rng))
    history.start(candidate)
    return candidate


def starts_counting_when_called(self, space, history, rng):
    first = history.fold((self, "first"), lambda state, _: state, lambda: len(history))
    return history.candidate(space.default().replace(c0=(history.next_id - first) % 5))


def can_only_do_one_at_a_time(self, space, history, rng):
    if history.pending:
        raise ValueError("one at a time, please")
    return history.candidate(space.sample(rng))


def gives_up_at_a_failure(self, space, history, rng):
    if len(history) > 2 and not any(record.scored for record in history.records):
        raise SpaceExhausted("nothing works")
    return history.candidate(space.sample(rng))


def proposes_nothing(self, space, history, rng):
    raise SpaceExhausted("done")


def expects_new_ones_for_ever(self, space, history, rng):
    arch = space.sample(rng)
    for _ in range(1000):
        if not history.seen(arch):
            return history.candidate(arch)
        arch = space.sample(rng)
    raise RecursionError("this never ends")


BROKEN = {
    draws_from_the_module: r"changed the global random state of random: use the generator that is passed in\.",
    draws_from_numpy: "changed the global random state of numpy",
    seeds_the_module: "changed the global random state of random",
    leaves_the_space: "proposed what is not an arch of the space: .*'c0' must be",
    forgets_a_decision: "'c1' is missing",
    ignores_its_draws: "must propose something else with another seed, but doesn't",
    numbers_by_records: r"raised RunError after \d+ records.* must return history\.candidate\(arch\)",
    returns_an_arch: "raised AttributeError|raised RunError",
    invents_parents: "gave a parent that has no record: Candidate.*parent=99",
    names_itself_as_parent: "gave a parent that has no record",
    asks_for_more_than_all: r"a fidelity in \(0, 1\].*fidelity=1\.5",
    counts_on_losses: r"raised IndexError after \d+ records, where some candidates fail",
    takes_the_id_itself: "must only read the history, but changed it",
    notes_it_as_started: "must only read the history, but changed it",
    starts_counting_when_called: r"cut off after 1 records and resumed, must go on the same way, but record 1 is",
    can_only_do_one_at_a_time: "raised ValueError after .*one at a time, please",
    gives_up_at_a_failure: "gives up after 3 candidates where every one fails",
    proposes_nothing: "proposes nothing at all",
}


@pytest.mark.parametrize("propose", BROKEN, ids=lambda propose: propose.__name__)
def test_proposals(propose):
    with pytest.raises(AssertionError, match=f"(?s){BROKEN[propose]}"):
        check_strategy(Broken(propose.__name__), SPACE)


@pytest.mark.parametrize(
    ("strategy", "text"),
    [
        (Changeable(), r"must be a frozen dataclass \(@dataclass\(frozen=True\)\): what it needs to remember is in"),
        (Unhashable(), r"must be hashable, to be a key of `history\.fold`: unhashable type: 'list'"),
        (Unpicklable(), r"must be picklable: .*Error: "),
        (UnequalCopies(), r"a pickled copy of .* must be equal to it"),
        (Remembers(), r"must be pure: asked again with the same history and generator, it proposed"),
    ],
)
def test_objects(strategy, text):
    with pytest.raises(AssertionError, match=text):
        check_strategy(strategy, SPACE)


def test_a_space_that_is_used_up():
    with pytest.raises(AssertionError, match=r"raised RecursionError after 21 records.*this never ends"):
        check_strategy(Broken("expects_new_ones_for_ever"))


def test_random_search_does_not_beat_itself():
    with pytest.raises(
        AssertionError, match=r"must halve the best loss of random search on an easy space, but reached"
    ):
        check_beats_random(Random(), n_candidates=50, n_seeds=5)


def test_a_plain_object_is_told_what_to_be():
    class Plain:
        def propose(self, space, history, rng):
            return history.candidate(space.sample(rng))

    with pytest.raises(AssertionError, match="must be a frozen dataclass"):
        check_strategy(Plain())


def test_torch_is_watched_where_it_is_loaded():
    torch = pytest.importorskip("torch")
    with (
        pytest.raises(AssertionError, match="it changed the global random state of torch"),
        unchanged_global_state("it"),
    ):
        torch.rand(1)


def test_the_example_plug_in_keeps_the_contract(root: Path, monkeypatch):
    monkeypatch.syspath_prepend(root / "examples" / "plugin" / "src")
    from netwright_plugin.one_plus_one import OnePlusOne

    check_strategy(OnePlusOne())
    check_beats_random(OnePlusOne())
