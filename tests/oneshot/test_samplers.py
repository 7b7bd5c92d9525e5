"""Path samplers: what each one's paper promises; the same paths whenever a training goes on."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter

import numpy as np
import pytest

from netwright import Arch, Space, choice, integer, nn, repeat
from netwright.core import Constraint, History
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.evaluators import ModelCost
from netwright.oneshot.architecture_only import ArchitectureOnly, needs_networks, without_training
from netwright.oneshot.cost_guess import affordable
from netwright.oneshot.extremes import check_elastic, extreme, kinds_of
from netwright.oneshot.samplers import (
    Attentive,
    ControllerDriven,
    Greedy,
    LearningPaths,
    ProgressiveShrinking,
    Sandwich,
    StrictFairness,
    Turn,
    Uniform,
)
from netwright.strategies import Random
from netwright.strategies.controller import Learning
from netwright.testing.copies import pickled_copy

SAMPLERS = [
    Uniform(),
    StrictFairness(),
    Sandwich(),
    ProgressiveShrinking(),
    ControllerDriven(every=2),
    Greedy(n_drawn=4, n_kept=2),
    Attentive(every=2),
]


def block(i):
    return nn.Sequential(
        nn.LazyConv2d(choice([4, 8, 12], label=f"width{i}"), choice([3, 5], label=f"kernel{i}"), padding="same"),
        choice({"relu": nn.ReLU(), "silu": nn.SiLU(), "gelu": nn.GELU()}, label=f"act{i}"),
    )


ELASTIC = Space(
    nn.Sequential(repeat(block, 1, 3, label="depth"), nn.Flatten(), nn.LazyLinear(2)),
    training={"lr": choice([0.1, 0.2])},
    name="elastic",
)
OPERATIONS = Space(
    nn.Sequential(*[choice({name: nn.LazyLinear(4) for name in "abcd"}, label=f"op{i}") for i in range(3)]),
    name="operations",
)


def rng(step):
    return np.random.default_rng(step)


def widths(arch):
    """A loss: small networks are better."""
    return float(sum(value for name, value in arch.items() if name.startswith("width")))


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: type(sampler).__name__)
def test_every_sampler_is_frozen_and_gives_legal_paths_that_depend_on_the_generator_alone(sampler):
    assert dataclasses.is_dataclass(sampler)
    assert pickled_copy(sampler) == sampler
    space = without_training(ELASTIC)
    first, second = sampler.begin(space), sampler.begin(space)
    seen = Counter()
    for step in range(12):
        turns = first.step(rng(step), step / 12, widths)
        assert turns == second.step(rng(step), step / 12, widths)
        assert any(turn.learns for turn in turns)
        for turn in turns:
            space.validate(turn.arch)
            assert turn.arch["lr"] == 0.1
            seen[turn.arch] += 1
    assert len(seen) > 1


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: type(sampler).__name__)
def test_what_is_learned_on_the_way_goes_on_from_a_checkpoint(sampler):
    space = without_training(ELASTIC)
    whole, before, after = (sampler.begin(space) for _ in range(3))
    expected = [whole.step(rng(step), 0.5, widths) for step in range(60)]
    for step in range(31):
        before.step(rng(step), 0.5, widths)
    if isinstance(before, LearningPaths):
        after.restore(json.loads(json.dumps(_plain(before.state()))))
    assert [after.step(rng(step), 0.5, widths) for step in range(31, 60)] == expected[31:]


def _plain(state):
    return json.loads(json.dumps(state, default=lambda array: array.tolist()))


def test_strict_fairness_has_every_option_of_every_choice_once():
    paths = StrictFairness().begin(OPERATIONS)
    for step in range(20):
        turns = paths.step(rng(step), 0.0, widths)
        assert len(turns) == 4
        for name in ("op0", "op1", "op2"):
            assert sorted(turn.arch[name] for turn in turns) == list("abcd")


def test_fairness_with_choices_of_different_sizes_and_ranges():
    space = Space(
        nn.Sequential(
            nn.LazyLinear(choice([1, 2, 3, 4], label="four")),
            nn.LazyLinear(choice([1, 2], label="two")),
            nn.LazyLinear(integer(1, 1000, label="range")),
        )
    )
    turns = StrictFairness().begin(space).step(rng(0), 0.0, widths)
    assert sorted(turn.arch["four"] for turn in turns) == [1, 2, 3, 4]
    assert sorted(turn.arch["two"] for turn in turns) == [1, 1, 2, 2]
    assert [(turn - 1) // 250 for turn in sorted(turn.arch["range"] for turn in turns)] == [0, 1, 2, 3]
    assert len(StrictFairness(n_paths=2).begin(space).step(rng(0), 0.0, widths)) == 2


def test_fair_paths_keep_the_constraints():
    width, depth = choice([1, 2, 3], label="width"), choice([1, 2, 3], label="depth")
    space = Space(nn.Sequential(nn.LazyLinear(width), nn.LazyLinear(depth)), constraints=[width * depth <= 4])
    for step in range(10):
        for turn in StrictFairness().begin(space).step(rng(step), 0.0, widths):
            space.validate(turn.arch)


def test_the_sandwich_has_both_ends_and_one_teacher():
    space = without_training(ELASTIC)
    costs = ModelCost(space, (1, 6, 6), 2)
    turns = Sandwich(n_random=3).begin(space, costs).step(rng(0), 0.0, widths)
    assert [turn.teaches for turn in turns] == [True, False, False, False, False]
    assert [(turn.targets, turn.teaching) for turn in turns] == [(1.0, 0.0)] + [(0.0, 1.0)] * 4
    largest, smallest = turns[0].arch, turns[1].arch
    assert (largest["depth"], largest["width2"], largest["kernel0"]) == (3, 12, 5)
    assert (smallest["depth"], smallest["width0"], smallest["kernel0"]) == (1, 4, 3)
    sizes = [costs(space.sample(rng(i)))["flops"] for i in range(20)]
    assert costs(smallest)["flops"] <= min(sizes)
    assert costs(largest)["flops"] >= max(sizes)


def test_extremes_hold_the_constraints_and_pass_over_what_cannot_be_built():
    width = choice([4, 8, 12], label="width")
    kernel = choice([3, 99], label="kernel")
    space = Space(nn.Sequential(nn.LazyConv2d(width, kernel), nn.Flatten()), constraints=[width <= 8])
    found = extreme(space, ModelCost(space, (1, 6, 6)), largest=True)
    assert dict(found) == {"width": 8, "kernel": 3}


def test_paths_that_break_limits_are_left_out_by_a_guess():
    space = without_training(ELASTIC)

    def costs(arch):
        blocks = range(arch["depth"])
        return {"flops": float(np.prod([arch[f"width{i}"] * arch[f"kernel{i}"] ** 2 for i in blocks]))}

    sizes = sorted(costs(space.sample(rng(i)))["flops"] for i in range(60))
    found = affordable(space, costs, [Constraint("flops", sizes[20])])
    drawn = [costs(found.sample(rng(i)))["flops"] for i in range(60)]
    assert np.mean([flops <= sizes[20] for flops in drawn]) > 0.7
    assert np.mean([flops <= sizes[30] for flops in drawn]) > 0.95
    for nothing in ([], [Constraint("flops", 1e12)], [Constraint("flops", 1.0)], [Constraint("accuracy", 0.5, ">=")]):
        assert affordable(space, costs, nothing) is space
    assert affordable(space, None, [Constraint("flops", 1.0)]) is space


def test_kinds_are_seen_from_the_tree():
    kinds = kinds_of(ELASTIC)
    assert {name: kinds[name] for name in ("depth", "width0", "kernel0", "act0")} == {
        "depth": "depth",
        "width0": "width",
        "kernel0": "kernel",
        "act0": "operation",
    }
    assert "lr" not in kinds
    both = choice({"pool": 1, "none": 2}, label="down"), choice({"pool": nn.MaxPool2d(2), "none": None}, label="down")
    space = Space(nn.Sequential(nn.LazyConv2d(4, 3, stride=both[0]), both[1]))
    assert kinds_of(space)["down"] == "operation"  # a number at one place, a module at another


def test_shrinking_sets_kernels_depths_and_widths_free_in_turn():
    space = without_training(ELASTIC)
    paths = ProgressiveShrinking().begin(space)
    free = {}
    for progress in (0.0, 0.4, 0.6, 0.9):
        arches = [turn.arch for i in range(40) for turn in paths.step(rng(i), progress, widths) if turn.learns]
        free[progress] = {name for name in ("kernel0", "depth", "width0") if len({a[name] for a in arches}) > 1}
        assert len({arch["act0"] for arch in arches}) == 3  # operations from the beginning
    assert free == {0.0: set(), 0.4: {"kernel0"}, 0.6: {"kernel0", "depth"}, 0.9: {"kernel0", "depth", "width0"}}
    assert not paths.step(rng(0), 0.1, widths)[0].teaches  # there is no larger one
    teacher, taught = paths.step(rng(0), 0.9, widths)
    assert (teacher.teaches, teacher.learns, taught.targets, taught.teaching) == (True, False, 1.0, 1.0)
    assert len(ProgressiveShrinking(teaching=0).begin(space).step(rng(0), 0.9, widths)) == 1


def test_shrinking_leaves_out_phases_without_decisions():
    space = Space(nn.Sequential(nn.LazyLinear(choice([4, 8], label="width"))))
    paths = ProgressiveShrinking(shares=(0.5, 0.1, 0.1, 0.3)).begin(space)
    assert [paths.free(progress).size() for progress in (0.0, 0.6, 0.7)] == [1, 1, 2]


def test_the_controller_learns_which_paths_are_good():
    space = Space(nn.Sequential(*[choice({"a": nn.ReLU(), "b": nn.SiLU()}, label=f"op{i}") for i in range(3)]))
    sampler = ControllerDriven(Learning(16, 10, 0.03, 0.2, 0.9), every=1, warmup=0.2)
    paths = sampler.begin(space)

    def loss(arch):
        return float(sum(op == "a" for op in arch.values()))

    for step in range(30):
        paths.step(rng(step), 0.1, loss)
    assert {name: value for name, value in paths.state().items() if name == "adam"}["adam"]["steps"] == 0
    for step in range(150):
        paths.step(rng(step), 0.5, loss)
    written = [paths.controller.sample(rng(i)) for i in range(20)]
    assert np.mean([loss(arch) for arch in written]) < 0.5
    strategy = paths.strategy()
    assert pickled_copy(strategy) == strategy
    assert "weights>" in repr(strategy)
    assert np.mean([loss(strategy.propose(space, History(), rng(i)).arch) for i in range(20)]) < 0.5
    with pytest.raises(InvalidInput, match="was trained on a space with"):
        strategy.propose(ELASTIC, History(), rng(0))


def test_greedy_sampling_trains_the_better_half_and_comes_back_to_it():
    space = without_training(ELASTIC)
    paths = Greedy(n_drawn=8, n_kept=4, pool=20, most_from_pool=1.0).begin(space)
    early = [widths(paths.step(rng(i), 0.0, widths)[0].arch) for i in range(100)]
    late = [widths(paths.step(rng(i), 1.0, widths)[0].arch) for i in range(100, 200)]
    uniform = np.mean([widths(space.sample(rng(i))) for i in range(200)])
    assert np.mean(early) < 0.9 * uniform
    assert np.mean(late) < np.mean(early)


@pytest.mark.parametrize("attention", ["best", "worst"])
def test_attention_is_for_the_best_or_the_worst_of_like_cost(attention):
    space = without_training(ELASTIC)
    paths = Attentive(attention, among=8, every=1, looks=30).begin(space, ModelCost(space, (1, 6, 6), 2))

    def loss(arch):
        return float(arch["act0"] == "relu")

    turns = [turn for step in range(20) for turn in paths.step(rng(step), 0.5, loss)[2:]]
    share = np.mean([turn.arch["act0"] == "relu" for turn in turns])
    assert share < 0.1 if attention == "best" else share > 0.8
    flops = [ModelCost(space, (1, 6, 6), 2)(arch)["flops"] for arch in paths.pool[::200]]
    assert np.corrcoef(np.argsort(np.argsort(flops)), np.arange(len(flops)))[0, 1] > 0.8  # the pool is sorted by cost


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: StrictFairness(0), "`n_paths` of StrictFairness must be at least 1, but got 0"),
        (lambda: Sandwich(-1), "`n_random` of Sandwich must be at least 0, but got -1"),
        (lambda: ProgressiveShrinking((1.0, 1.0, 0.0, 0.0)), "must be four numbers of at least 0 whose sum is 1"),
        (lambda: ProgressiveShrinking(n_paths=0), "`n_paths` of ProgressiveShrinking must be at least 1"),
        (lambda: ControllerDriven(every=0), "`every` of ControllerDriven must be at least 1"),
        (lambda: Greedy(n_drawn=2, n_kept=3), r"`n_kept` of Greedy must be in 1\.\.n_drawn"),
        (lambda: Attentive("all"), "`attention` of Attentive must be 'best' or 'worst'"),
        (lambda: Attentive(among=0), "all numbers whole and at least 1, but got .*among=0"),
    ],
)
def test_bad_settings_are_named(make, match):
    with pytest.raises(InvalidInput, match=match):
        make()


def test_what_a_supernet_cannot_do_is_said():
    with pytest.raises(InvalidInput, match=r"`spos` trains one network .* needs a space of networks"):
        needs_networks("spos", Space({"x": choice([1, 2])}))
    with pytest.raises(InvalidInput, match="has only one: there is no choice in its model"):
        needs_networks("spos", Space(nn.Sequential(nn.LazyLinear(3)), training={"lr": choice([0.1, 0.2])}))
    with pytest.raises(InvalidSpace, match=r"`ofa` shrinks .* every decision of 'operations' chooses between"):
        check_elastic("ofa", OPERATIONS)


def test_strategies_see_the_space_without_training():
    history = History()
    proposed = {ArchitectureOnly(Random()).propose(ELASTIC, history, rng(i)).arch["lr"] for i in range(20)}
    assert proposed == {0.1}
    assert without_training(OPERATIONS) is OPERATIONS


def test_turns_say_whether_they_learn():
    assert Turn(Arch({})).learns
    assert not Turn(Arch({}), targets=0.0, teaches=True).learns
