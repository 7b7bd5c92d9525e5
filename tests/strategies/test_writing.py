"""Arches as texts: every kind of decision, and what is likely before anything is learned."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest

from netwright import Space, choice, integer, nn, real, repeat, subset
from netwright.core import Arch
from netwright.core.errors import InvalidInput
from netwright.strategies.writing import Writing
from netwright.testing.strategy_contract import toy_spaces


class Dictated:
    """Chooses what it is told, and remembers where."""

    def __init__(self, options):
        self.options = iter(options)
        self.places = []

    def __call__(self, place, priors):
        option = next(self.options)
        assert np.isfinite(priors[option])
        self.places.append(place)
        return option


def _likelihood(steps):
    """The probability of a text where nothing is preferred beyond the priors."""
    return np.prod([np.exp(step.priors[step.option]) / np.exp(step.priors).sum() for step in steps])


@pytest.mark.parametrize("space", toy_spaces(), ids=lambda space: space.name)
def test_what_is_written_is_read(space):
    writing, rng = Writing(space), np.random.default_rng(0)
    for _ in range(200):
        arch = space.sample(rng)
        steps = list(writing.read(arch))
        dictated = Dictated([step.option for step in steps])
        again = writing.write(dictated, rng)
        assert next(dictated.options, None) is None
        assert dictated.places == [step.place for step in steps]
        assert [step.place for step in writing.read(again)] == [step.place for step in steps]
        assert set(again) == set(arch)
        exact = [name for name in arch if not isinstance(arch[name], float) and name != "head.wide.units"]
        assert [again[name] for name in exact] == [arch[name] for name in exact]


def test_only_what_counts_is_written():
    space = Space(choice({"conv": {"width": choice([8, 16])}, "none": None}, label="op"))
    writing = Writing(space)
    assert writing.widths == (2, 2)
    names = [decision.name for decision in space.decisions]
    assert [step.place for step in writing.read(Arch({names[0]: "none"}))] == [0]
    assert [step.place for step in writing.read(Arch({names[0]: "conv", names[1]: 16}))] == [0, 1]


def test_every_subset_is_as_likely_and_written_in_one_way():
    space = Space({"inputs": subset(list("abcdef"), 3)})
    writing = Writing(space)
    assert writing.widths == (6, 6, 6)
    texts = [tuple(step.option for step in writing.read(arch)) for arch in space.enumerate()]
    assert sorted(texts) == list(itertools.combinations(range(6), 3))
    assert [_likelihood(writing.read(arch)) for arch in space.enumerate()] == pytest.approx([1 / 20] * 20)


def test_a_subset_of_none_or_all_leaves_nothing_to_write():
    writing = Writing(Space({"none": subset(["a", "b"], 0), "x": choice([1])}))
    assert writing.widths == (1,)
    assert dict(writing.write(Dictated([0]), np.random.default_rng(0))) == {"none": (), "x": 1}


def test_short_logarithmic_ranges_are_as_likely_as_they_are_drawn():
    space = Space({"width": integer(1, 12, log=True)})
    writing = Writing(space)
    rng = np.random.default_rng(0)
    drawn = Counter(space.sample(rng)["width"] for _ in range(20_000))
    for width in range(1, 13):
        assert _likelihood(writing.read(Arch({"width": width}))) == pytest.approx(drawn[width] / 20_000, abs=0.01)


@pytest.mark.parametrize(
    ("node", "values"),
    [
        (real(0.0, 1.0), [0.0, 1.0, 0.3, 1 / 64]),
        (real(1e-4, 1e-1, log=True), [1e-4, 1e-1, 3e-3]),
        (integer(0, 99), [0, 99, 50, 7]),
        (integer(-40, 40, step=4), [-40, 40, 0, 36]),
        (integer(1, 1_000_000, log=True), [1, 2, 3, 999, 1_000_000]),
    ],
)
def test_long_ranges_are_written_in_digits(node, values):
    """The digits stand for a place near the value: within a 64th of the range, on its own scale."""
    space = Space({"x": node})
    writing = Writing(space)
    assert writing.widths == (8, 8)
    rng = np.random.default_rng(0)
    for value in values:
        options = [step.option for step in writing.read(Arch({"x": value}))]
        for _ in range(20):
            again = writing.write(Dictated(options), rng)
            space.validate(again)
            distance = abs(space.encode(again)[0] - space.encode(Arch({"x": value}))[0])
            assert distance < 1 / 64 + 0.06 * (type(value) is int)  # whole numbers are wider at the low end
    drawn = Counter()
    for digits in itertools.product(range(8), repeat=2):
        arch = writing.write(Dictated(digits), rng)
        space.validate(arch)
        drawn[arch["x"]] += 1
    assert len(drawn) > 15


def test_more_digits_are_less_far_off():
    space = Space({"x": real(0.0, 1.0)})
    writing, rng = Writing(space), np.random.default_rng(0)
    assert [step.option for step in writing.read(Arch({"x": 0.5 + 3 / 64 + 0.001}))] == [4, 3]
    assert 4 / 8 + 3 / 64 <= writing.write(Dictated([4, 3]), rng)["x"] <= 4 / 8 + 4 / 64


def test_depths_and_labels():
    block = nn.LazyLinear(choice([8, 16], label="width"))  # one width for all blocks
    writing = Writing(Space(nn.Sequential(repeat(block, 1, 3))))
    assert sorted(writing.widths) == [2, 3]


class OpenEnded:
    def __repr__(self):
        return "OpenEnded()"


@dataclass(frozen=True)
class Angle:
    def __str__(self):
        return "an angle"


def test_what_cannot_be_written_is_refused():
    with pytest.raises(InvalidInput, match=r"needs a space with a fixed list of `decisions`.* but got OpenEnded\(\)"):
        Writing(OpenEnded())
    space = Space({"x": choice([1, 2])})
    space.decisions = (replace(space.decisions[0], domain=Angle()),)
    with pytest.raises(InvalidInput, match="writes choices, integers, reals and subsets, but 'x' is an angle"):
        Writing(space)
