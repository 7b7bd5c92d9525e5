"""What a strategy may ask of a space: arches, moves, facts, and errors that say what to do."""

from __future__ import annotations

import collections
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from netwright import Arch, Space, choice, integer, nn, real, repeat, subset
from netwright.core.errors import InvalidSpace, SpaceExhausted
from netwright.core.registry import spaces as registered


def _nested() -> Space:
    """Three kinds of block, one of them with decisions of its own."""
    return Space(
        {
            "block": choice({"skip": 0, "conv": {"kernel": choice([3, 5, 7]), "width": integer(1, 4)}}, label="block"),
            "depth": integer(1, 2, label="depth"),
        }
    )


def _is_small(arch: Arch) -> bool:
    return arch["x"] + arch["y"] <= 3


# Defaults, samples, moves ---------------------------------------------------------------------------------------------


def test_the_default_is_what_each_choice_says():
    space = Space(
        [choice([1, 2], default=2), integer(1, 9), integer(1, 100, log=True), real(0, 1), real(1e-4, 1, log=True),
         integer(0, 9, default=7), real(0, 1, default=0.3), subset(["a", "b", "c"], 2),
         repeat([0, 1, 2].__getitem__, 1, 3)]
    )  # fmt: skip
    assert list(space.default().values()) == [2, 5, 10, 0.5, 0.01, 7, 0.3, ("a", "b"), 2]


def test_a_default_that_constraints_rule_out_moves_to_the_nearest_that_they_allow():
    space = Space(
        {"x": integer(0, 9, label="x", default=5), "y": integer(0, 9, label="y", default=5)}, constraints=_is_small
    )
    assert sum(space.default().values()) == 3  # seven steps away, no more
    assert space.default() is space.default()


def test_an_impossible_space_says_so():
    space = Space({"x": integer(4, 9, label="x"), "y": integer(0, 9, label="y")}, constraints=_is_small, name="mine")
    with pytest.raises(InvalidSpace, match="1000 random arches in a row break the constraints of 'mine': loosen them"):
        space.default()
    assert space.size() == 0


def test_a_space_with_few_allowed_arches_still_gives_random_ones():
    x, y, z = (integer(0, 20, label=name) for name in "xyz")
    space = Space({"x": x, "y": y, "z": z}, constraints=[x + y + z >= 59])
    drawn = {space.sample(np.random.default_rng(seed)) for seed in range(12)}
    assert drawn <= set(space.enumerate())
    assert space.size() == 4
    assert len(drawn) > 1


def test_mutation_finds_the_one_change_that_constraints_leave():
    x, y = integer(0, 5000, label="x", default=0), integer(0, 5000, label="y", default=0)
    space = Space({"x": x, "y": y}, constraints=lambda arch: (arch["x"], arch["y"]) in {(0, 0), (5000, 0), (17, 17)})
    assert space.mutate(Arch({"x": 0, "y": 0}), np.random.default_rng(0)) == Arch({"x": 5000, "y": 0})
    with pytest.raises(SpaceExhausted, match=r"every mutation of Arch.* breaks the constraints"):
        space.mutate(Arch({"x": 17, "y": 17}), np.random.default_rng(0))


def test_a_space_of_one_arch_has_no_mutation():
    with pytest.raises(SpaceExhausted, match=r"no decision of Arch.* has a second value"):
        Space([choice([1])]).mutate(Arch({"0": 1}), np.random.default_rng(0))


def test_mutation_is_fair_to_decisions_and_to_values():
    space = Space({"a": choice([0, 1]), "b": choice(list(range(5))), "c": integer(0, 9)})
    arch, rng = Arch({"a": 0, "b": 2, "c": 9}), np.random.default_rng(0)
    children = [space.mutate(arch, rng) for _ in range(6000)]
    changed = collections.Counter(next(name for name in arch if child[name] != arch[name]) for child in children)
    assert all(abs(changed[name] - 2000) < 200 for name in arch)  # 4.5 standard deviations and more
    values = collections.Counter(child["c"] for child in children if child["c"] != 9)
    assert set(values) == set(range(9))
    assert max(values.values()) < 1.6 * min(values.values())


def test_samples_are_uniform_over_each_active_decision():
    space, rng = _nested(), np.random.default_rng(0)
    arches = [space.sample(rng) for _ in range(4000)]
    conv = [arch for arch in arches if arch["block"] == "conv"]
    assert abs(len(conv) - 2000) < 200
    kernels = collections.Counter(arch["block.conv.kernel"] for arch in conv)
    assert min(kernels.values()) > 0.85 * max(kernels.values())


def test_a_log_uniform_integer_draws_small_numbers_as_often_as_large_ones():
    space, rng = Space([integer(1, 255, log=True)]), np.random.default_rng(0)
    drawn = [space.sample(rng)["0"] for _ in range(4000)]
    below = sum(value < 16 for value in drawn)  # 16 = sqrt(256)
    assert abs(below - 2000) < 200
    assert min(drawn) == 1
    assert max(drawn) > 250


def test_a_switched_on_decision_is_drawn_and_a_switched_off_one_is_gone():
    space, rng = _nested(), np.random.default_rng(1)
    bare = Arch({"block": "skip", "depth": 1})
    grown = [child for child in (space.mutate(bare, rng) for _ in range(60)) if child["block"] == "conv"]
    assert {child["block.conv.kernel"] for child in grown} == {3, 5, 7}
    assert {child["depth"] for child in grown} == {1}
    full = grown[0]
    assert bare in [space.mutate(full, rng) for _ in range(60)]


def test_crossover_takes_conditional_decisions_from_who_has_them():
    space, rng = _nested(), np.random.default_rng(0)
    first = Arch({"block": "skip", "depth": 1})
    second = Arch({"block": "conv", "block.conv.kernel": 7, "block.conv.width": 4, "depth": 2})
    children = {space.crossover(first, second, rng) for _ in range(100)}
    assert children == {first, second, first.replace(depth=2), second.replace(depth=1)}


def test_crossover_that_only_breaks_constraints_gives_the_first_parent_back():
    x, y = integer(0, 1, label="x"), integer(0, 1, label="y")
    space = Space({"x": x, "y": y}, constraints=lambda arch: arch["x"] == arch["y"])
    first, second = Arch({"x": 0, "y": 0}), Arch({"x": 1, "y": 1})
    assert space.crossover(first, second, np.random.default_rng(0)) in (first, second)


def test_neighbours_are_one_step_away():
    space = Space(
        {
            "n": integer(0, 9, step=3),
            "c": choice(["a", "b", "c"]),
            "s": subset(["p", "q", "r"], 1),
        }
    )
    near = set(space.neighbours(Arch({"n": 3, "c": "a", "s": ("p",)})))
    assert near == {
        Arch({"n": n, "c": c, "s": (s,)})
        for n, c, s in [(0, "a", "p"), (6, "a", "p"), (3, "b", "p"), (3, "c", "p"), (3, "a", "q"), (3, "a", "r")]
    }


def test_a_neighbour_brings_every_combination_of_a_few_new_decisions():
    near = list(_nested().neighbours(Arch({"block": "skip", "depth": 1})))
    assert sum(arch["block"] == "conv" for arch in near) == 3 * 4
    assert len(near) == 13


def test_a_neighbour_brings_only_the_defaults_of_many_new_decisions_and_the_way_back_is_the_same():
    many = {f"x{i}": choice(list(range(5)), default=2) for i in range(4)}
    space = Space(choice({"no": 0, "yes": many}, label="more"))
    (step,) = space.neighbours(Arch({"more": "no"}))
    assert set(step.values()) == {"yes", 2}
    assert Arch({"more": "no"}) in space.neighbours(step)
    other = step.replace(**{"more.yes.x0": 3})
    assert Arch({"more": "no"}) not in space.neighbours(other)


def test_neighbours_of_a_real_are_a_tenth_of_its_range_away():
    space = Space({"lr": real(1e-4, 1, log=True)})
    steps = [math.log10(arch["lr"]) for arch in space.neighbours(Arch({"lr": 0.01}))]
    assert steps == pytest.approx([-2.4, -1.6], abs=1e-5)
    assert [arch["lr"] for arch in space.neighbours(Arch({"lr": 1.0}))] == [pytest.approx(10**-0.4, rel=1e-5)]


def test_reals_carry_six_digits():
    space, rng = Space({"lr": real(1e-4, 1, log=True)}), np.random.default_rng(0)
    for _ in range(50):
        value = space.sample(rng)["lr"]
        assert float(f"{value:.6g}") == value


def test_a_space_may_start_somewhere_else():
    space = _nested().starting_at(Arch({"block": "skip", "depth": 2}))
    assert space.default() == Arch({"block": "skip", "depth": 2})
    with pytest.raises(InvalidSpace, match=r"'depth' is missing: it must be a whole number in 1\.\.2"):
        space.starting_at(Arch({"block": "skip"}))


def test_one_decision_can_be_set():
    space = _nested()
    assert space.with_decision(Arch({"block": "skip", "depth": 1}), "block", "conv") == Arch(
        {"block": "conv", "block.conv.kernel": 3, "block.conv.width": 3, "depth": 1}
    )


# Facts ----------------------------------------------------------------------------------------------------------------


def test_sizes():
    assert Space([1, "fixed"]).size() == 1
    assert _nested().size() == (1 + 3 * 4) * 2
    assert Space(repeat(choice([1, 2]), 0, 3)).size() == 1 + 2 + 4 + 8
    assert Space(real(0, 1)).size() == math.inf
    huge = Space([choice(list(range(10))) for _ in range(60)])
    assert huge.size() == 10**60
    assert isinstance(huge.size(), int)


def test_the_size_of_a_large_constrained_space_is_an_estimate():
    x, y = integer(0, 999, label="x"), integer(0, 999, label="y")
    size = Space({"x": x, "y": y}, constraints=x <= y).size()
    assert isinstance(size, float)
    assert size == pytest.approx(500_500, rel=0.1)


def test_sizes_beyond_what_a_real_number_holds():
    choices = [choice([0, 1, 2, 3], label=f"x{i}") for i in range(600)]
    assert Space(choices).size() == 4**600
    assert Space(choices, constraints=[choices[0] <= choices[1]]).size() == math.inf  # as an estimate is a float


def test_a_decision_shared_by_branches_is_counted_once():
    shared = choice([1, 2, 3], label="shared")
    space = Space(
        [choice({"a": shared, "b": [shared, choice([4, 5])], "c": 0}, label="top"), choice({"d": shared, "e": 0})]
    )
    # c with e has no use for it: 1; else every combination.
    assert space.size() == len(set(space.enumerate())) == 3 * (1 + 2 + 1) + 3 * (1 + 2) + 1


def test_enumeration_is_lazy_and_as_deep_as_you_like():
    space = Space([choice([0, 1]) for _ in range(3000)])
    first, second = (arch for _, arch in zip(range(2), space.enumerate(), strict=False))
    assert set(first.values()) == {0}
    assert second["2999"] == 1


def test_enumeration_takes_some_values_of_a_real():
    assert [arch["lr"] for arch in Space({"lr": real(0, 1)}).enumerate(3)] == [0.0, 0.5, 1.0]
    assert [arch["lr"] for arch in Space({"lr": real(0, 1)}).enumerate(1)] == [0.5]
    with pytest.raises(InvalidSpace, match="`resolution` must be at least 1, but got 0"):
        Space([]).enumerate(0)


def test_encoding():
    space = Space(
        {"c": choice(["a", "b"], label="c"), "n": integer(0, 4), "l": integer(1, 100, log=True), "r": real(0, 2),
         "s": subset(["p", "q"], 1), "w": choice({"off": 0, "on": integer(3, 3)}, label="w")}
    )  # fmt: skip
    on = Arch({"c": "b", "n": 1, "l": 10, "r": 1.0, "s": ("q",), "w": "on", "w.on": 3})
    assert space.encode(on).tolist() == [0, 1, 0.25, 0.5, 0.5, 0, 1, 0, 1, 1, 0]
    off = Arch({name: value for name, value in on.items() if name != "w.on"} | {"w": "off"})
    assert space.encode(off).tolist() == [0, 1, 0.25, 0.5, 0.5, 0, 1, 1, 0, 0, 0]
    assert space.encoded_width == 11


def test_validate_names_every_problem():
    arch = Arch({"block": "pool", "deph": 1, "block.conv.kernel": 3})
    with pytest.raises(InvalidSpace) as caught:
        _nested().validate(arch)
    assert str(caught.value).splitlines() == [
        "this is not an arch of 'space':",
        "  - 'block' must be one of 'skip', 'conv', but is 'pool'.",
        "  - 'depth' is missing: it must be a whole number in 1..2.",
        "  - 'deph' is not a decision of this space: did you mean 'depth'?",
        "  - 'block.conv.kernel' doesn't count here: leave it out.",
    ]


@pytest.mark.parametrize(
    ("node", "value"),
    [
        (choice([1, 2]), 1.0), (choice([0, 2]), False), (integer(0, 4, step=2), 3), (integer(0, 1), True),
        (real(0, 1), 1.5), (real(0, 1), "0.5"), (subset([1, 2], 1), 1), (subset([1, 2], 1), (1, 2)),
        (subset([1, 2], 2), (1, 1)), (subset([1, 2], 2), (2, 1)),
    ],
)  # fmt: skip
def test_values_of_the_wrong_kind_are_refused(node, value):
    with pytest.raises(InvalidSpace, match=r"'0' must be .*, but is"):
        Space([node]).validate(Arch({"0": value}))


# Constraints ----------------------------------------------------------------------------------------------------------


def test_constraints_are_comparisons_or_functions():
    x, y = integer(0, 3, label="x"), integer(0, 3, label="y")
    space = Space({"x": x, "y": y}, constraints=[x < 2 * y, _is_small])
    allowed = {(arch["x"], arch["y"]) for arch in space.enumerate()}
    assert allowed == {(a, b) for a in range(4) for b in range(4) if a < 2 * b and a + b <= 3}
    with pytest.raises(InvalidSpace, match=r"the constraint \(x < \(2 \* y\)\) doesn't hold"):
        space.validate(Arch({"x": 3, "y": 0}))
    with pytest.raises(InvalidSpace, match="the constraint '_is_small' doesn't hold"):
        space.validate(Arch({"x": 3, "y": 3}))
    assert space.without_constraints().size() == 16
    assert list(space.describe().splitlines())[-2:] == ["constraint: (x < (2 * y))", "constraint: _is_small"]


def test_what_speaks_of_an_inactive_decision_holds():
    width = integer(1, 9, label="width")
    space = Space(
        choice({"off": 0, "on": width}, label="top"), constraints=[width <= 3, lambda arch: arch["width"] > 1]
    )
    assert set(space.enumerate()) == {
        Arch({"top": "off"}),
        Arch({"top": "on", "width": 2}),
        Arch({"top": "on", "width": 3}),
    }


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        (True, r"must be a comparison of nodes .* but got True \(== and != of nodes are decided by Python"),
        ("x <= 2", "must be a comparison of nodes by <=, <, >= or >, or a function .* but got 'x <= 2'"),
        (integer(0, 1) + 1, r"but got \(integer\(0, 1\) \+ 1\)"),
        (integer(0, 1, label="x"), r"but got integer\(0, 1\)"),
        (integer(0, 1) <= 3, "a constraint uses choices that are not in the space: '.*'. Use the very node that"),
    ],
)
def test_what_can_not_be_a_constraint(constraint, message):
    with pytest.raises(InvalidSpace, match=message):
        Space({"x": integer(0, 1, label="x")}, constraints=[constraint])


def test_a_constraint_with_a_typo_is_an_error_and_not_always_true():
    def narrow(arch):
        return arch["wdith"] < 3

    space = Space({"width": integer(1, 9, label="width")}, constraints=narrow)
    with pytest.raises(InvalidSpace, match="'narrow' asks for an unknown decision 'wdith': did you mean 'width'"):
        space.sample(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("function", "message"),
    [(lambda arch: {}[arch["x"]], "fails for Arch.*KeyError: 1"), (lambda arch: arch["x"] / 0, "ZeroDivisionError")],
)
def test_a_constraint_that_fails_says_for_which_arch(function, message):
    with pytest.raises(InvalidSpace, match=message):
        Space({"x": choice([1], label="x")}, constraints=function).default()


def test_training_must_be_named():
    with pytest.raises(InvalidSpace, match="`training` must map names such as 'lr' to choices, but got"):
        Space([], training=[choice([0.1])])


# Texts ----------------------------------------------------------------------------------------------------------------


def test_describe_is_for_people():
    space = Space(
        nn.Sequential(
            repeat(lambda i: nn.LazyLinear(choice([4, 8], label=f"w{i}")), 1, 11, label="n"), nn.Dropout(real(0, 0.5))
        )
    )
    text = space.describe()
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "n : a whole number in 1..11"
    assert lines[1] == "w0 : one of 4, 8"
    assert lines[8] == "w7 : one of 4, 8, if n in {8, 9, 10, 11}"
    assert lines[-1] == "1.p : a real number in 0..0.5"
    assert space.describe(Arch({"1.p": 0.5, "w0": 4, "n": 1})).splitlines() == ["n   = 1", "w0  = 4", "1.p = 0.5"]
    assert repr(space) == "<Space space: 13 decisions>"


def _digest(**changes) -> str:
    given = {"width": [4, 8], "fixed": 10, "lr": [0.1, 0.2], "limit": 8, "default": 4, "function": _is_small} | changes
    width = choice(given["width"], label="width", default=given["default"])
    model = nn.Sequential(nn.LazyLinear(width), nn.Linear(3, given["fixed"]))
    limits = [width <= given["limit"], lambda arch: arch["width"] < 9]
    return Space(model, training={"lr": choice(given["lr"])}, constraints=limits).digest


def test_the_digest_changes_when_anything_that_matters_does():
    assert _digest() == _digest()
    changes = [{"width": [4, 8, 16]}, {"fixed": 11}, {"lr": [0.1]}, {"limit": 9}, {"default": 8}]
    assert len({_digest(), *(_digest(**change) for change in changes)}) == len(changes) + 1
    one, two = (Space([1], constraints=function).digest for function in (_returns_true, _returns_one))
    assert one != two


def _returns_true(_):
    return True


def _returns_one(_):
    return 1


def test_the_digest_is_the_same_in_every_process():
    code = "from netwright.core.registry import spaces; print(*(spaces[name]().digest for name in spaces))"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == [registered[name]().digest for name in registered]


def test_hyperparameters_of_the_training_live_in_the_space():
    lr = real(0.01, 1, log=True, label="lr")
    space = Space(
        {"w": choice([1, 2])}, training={"lr": lr, "warm": lr / 10, "optimizer": choice(["sgd", "adamw"]), "k": 5}
    )
    arch = Arch({"w": 1, "lr": 0.5, "optimizer": "adamw"})
    space.validate(arch)
    assert space.training(arch) == {"lr": 0.5, "warm": 0.05, "optimizer": "adamw", "k": 5}
