"""What users write a space with: every rule has an error that says what came and what to do."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from torch import nn as torch_nn

import netwright
from netwright import (
    Arch,
    Space,
    cell,
    choice,
    defer,
    derive,
    integer,
    layers,
    n_outputs,
    nn,
    real,
    recurse,
    repeat,
    subset,
)
from netwright.core.errors import InvalidSpace
from netwright.models import layers as own


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda: choice([]), "a choice needs at least one option, but got none"),
        (lambda: choice("relu"), "a choice needs a list or a mapping of options, but got 'relu'"),
        (lambda: choice(3), "a choice needs a list or a mapping of options, but got 3"),
        (lambda: choice([1, 2, 1]), "options of a choice must differ, but 1 comes twice"),
        (lambda: choice([1, True]), r"True comes twice \(1, 1.0 and True count as equal\)"),
        (lambda: choice([1.0, float("nan")]), "an option must be a finite number, but got nan"),
        (lambda: choice({(1, 2): 3}), "names of the options of a choice must be texts or numbers"),
        (lambda: choice([1, 2], default=3), r"`default` of a choice must be one of its options \[1, 2\], but got 3"),
        (lambda: choice([1, 2], label=" "), "a label must be a text that isn't empty, but got ' '"),
        (lambda: integer(1.0, 3), "low, high and step must be whole numbers, but got 1.0, 3, 1"),
        (lambda: integer(3, 1), "low must be at most high and step at least 1, but got low=3, high=1"),
        (lambda: integer(0, 4, log=True), "log=True needs low of at least 1 and step=1, but got low=0"),
        (lambda: integer(1, 8, step=3, default=5), r"default must be low \+ n \* step and at most high, but got 5"),
        (lambda: real(1, 1), r"real\(1, 1\): low must be below high and both finite"),
        (lambda: real("0", 1), r"real\('0', 1\): low must be below high and both finite numbers"),
        (lambda: real(1.0, 1.0000001), "low and high must differ in their first six digits"),
        (lambda: real(0, 1, log=True), "low must be above 0 for log=True"),
        (lambda: real(0, 1, default=2), "default must be inside the range, but got 2"),
        (lambda: subset([1, 2], 3), r"`k` of a subset must be in 0..2 \(the number of options\), but got 3"),
        (lambda: subset(range(100), 50), r"a subset of 50 out of 100 has more than 2\*\*53 values: split it"),
        (lambda: repeat(nn.ReLU(), 2, 1), "repeat.. needs 0 <= minimum <= maximum and maximum >= 1, but got 2, 1"),
        (lambda: repeat(nn.ReLU(), 1, 2, default=3), r"`default` of repeat must be in 1..2, but got 3"),
        (lambda: repeat(torch_nn.ReLU(), 1, 2), r"repeat.. needs .* got a torch module: write netwright.nn.ReLU"),
        (lambda: defer(torch_nn.ReLU()), r"defer.. needs the class ReLU, not a module made of it: defer\(ReLU, ...\)"),
        (lambda: nn.Relu, "unknown torch.nn class 'Relu': did you mean 'ReLU'"),
        (lambda: int(integer(1, 3)), "an integer has no value while the space is written down"),
        (lambda: defer("Conv2d"), "needs a class or a function first, but got str"),
        (lambda: derive(3), "needs a function first, but got int"),
        (
            lambda: recurse(lambda again: again(), 2),
            "calls itself outside of a choice, so it never ends: put it in one",
        ),
        (
            lambda: recurse(lambda again: choice([[again()]]), 1),
            "must keep at least one option that doesn't call itself",
        ),
        (lambda: recurse(lambda _: 1, 0), "`depth` of recurse must be at least 1, but got 0"),
        (lambda: cell([nn.ReLU()], 1), r"`n_nodes` of a cell must be at least 2 \(the input is one\), but got 1"),
        (
            lambda: cell([nn.ReLU()], 3, output="sum"),
            "`output` of a cell must be 'last', 'concat' or 'unused', but got 'sum'",
        ),
        (lambda: cell([nn.ReLU()], 3, n_inputs=0), "`n_inputs` of a cell must be at least 1, but got 0"),
        (lambda: nn.Conf2d(3), "unknown torch.nn class 'Conf2d': did you mean 'Conv2d'"),
        (lambda: layers.ResidualBlok, "did you mean 'ResidualBlock'"),
    ],
)
def test_errors_of_the_language(write, message):
    with pytest.raises((InvalidSpace, AttributeError), match=message):
        write()


@pytest.mark.parametrize(
    "use",
    [bool, int, float, len, iter, range, lambda node: [1, 2][node], lambda node: node and 1],
)
def test_a_node_has_no_value_yet(use):
    with pytest.raises(
        InvalidSpace, match=r"a choice has no value while the space is written down.*repeat\(\) or derive"
    ):
        use(choice([1, 2]))


def test_a_torch_module_is_refused_with_what_to_write():
    with pytest.raises(InvalidSpace, match=r"found a torch module at 1: write netwright.nn.ReLU\(...\) instead"):
        Space(nn.Sequential(nn.LazyLinear(3), torch_nn.ReLU()))


def test_options_are_named_as_shortly_as_they_differ():
    assert choice([nn.ReLU(), nn.SiLU]).keys == ("ReLU", "SiLU")
    assert choice([nn.Linear(2, 3), nn.Linear(2, 4)]).keys == ("Linear(2, 3)", "Linear(2, 4)")
    assert choice([nn.ReLU(), nn.ReLU()]).keys == ("ReLU()#0", "ReLU()#1")
    assert choice([None, 1.5, "ReLU", nn.ReLU()]).keys == (None, 1.5, "ReLU", "ReLU()")
    assert choice([choice([1, 2], label="few"), integer(3, 9)]).keys == ("few", "integer")
    assert choice([max, np.float64]).keys == ("max", "float64")


def test_numbers_of_numpy_are_numbers():
    space = Space({"width": choice(list(np.array([8, 16])), default=np.int64(16), label="width")})
    assert space.default() == Arch({"width": 16})
    assert type(space.default()["width"]) is int


def test_arithmetic():
    width, depth = choice([4, 6], label="width"), integer(1, 3, label="depth", default=2)
    tree = {
        "plus": width + 1, "rplus": 1 + width, "minus": width - depth, "rminus": 10 - width, "times": width * depth,
        "rtimes": 3 * width, "half": width // 2, "rdiv": 13 // width, "true": width / 4, "rtrue": 12 / width,
        "mod": width % 4, "power": width**2, "rpower": 2**depth, "neg": -width, "nested": (width + depth) * 2,
        "largest": derive(max, width, depth, 5),
    }  # fmt: skip
    space = Space(tree)
    assert [decision.name for decision in space.decisions] == ["width", "depth"]
    assert space.resolve(Arch({"width": 6, "depth": 2})) == {
        "plus": 7, "rplus": 7, "minus": 4, "rminus": 4, "times": 12, "rtimes": 18, "half": 3, "rdiv": 2, "true": 1.5,
        "rtrue": 2.0, "mod": 2, "power": 36, "rpower": 4, "neg": -6, "nested": 16, "largest": 6,
    }  # fmt: skip
    assert repr(tree["nested"]) == "((width + depth) * 2)"


def test_an_expression_that_fails_says_with_which_values():
    space = Space([10 // integer(0, 1, label="n", default=0)])
    with pytest.raises(InvalidSpace, match=r"\(10 // n\) can't be computed for \[10, 0\]: .*division"):
        space.resolve(space.default())


def test_one_node_at_two_places_is_one_decision_and_so_are_equal_labels():
    width = choice([8, 16])
    space = Space([width, width, choice([1, 2], label="n"), choice([1, 2], label="n")])
    assert [decision.name for decision in space.decisions] == ["0", "n"]
    assert space.resolve(Arch({"0": 16, "n": 2})) == [16, 16, 2, 2]


def test_equal_labels_may_stand_for_different_things_but_not_for_different_values():
    both = Space([choice({"a": 1, "b": 2}, label="x"), choice({"a": "one", "b": "two"}, label="x")])
    assert both.resolve(Arch({"x": "b"})) == [2, "two"]
    with pytest.raises(InvalidSpace, match="'x' is one of 1, 2 at one place and one of 1, 3 at another"):
        Space([choice([1, 2], label="x"), choice([1, 3], label="x")])
    with pytest.raises(InvalidSpace, match="'x' has the default 1 at one place and 2 at another"):
        Space([choice([1, 2], label="x"), choice([1, 2], label="x", default=2)])


def test_made_up_names_never_meet_a_label():
    space = Space({"a": choice([1, 2]), "b": choice([3, 4], label="a")}, training={"lr": choice([5, 6])})
    assert [decision.name for decision in space.decisions] == ["a~2", "a", "lr"]


def test_labels_that_depend_on_each_other_in_a_circle_are_refused():
    def one(inner):
        return choice({"p": 0, "q": inner}, label="one")

    def two(inner):
        return choice({"r": 0, "s": inner}, label="two")

    with pytest.raises(InvalidSpace, match=r"in a circle \(check their labels\): 'one', 'two'"):
        Space(choice({"u": one(two(1)), "v": two(one(1))}, label="root"))
    Space(choice({"u": one(two(1)), "v": two(3)}, label="root"))  # no circle


def test_repeat_of_a_node_decides_anew_but_labels_are_shared():
    block = nn.Sequential(nn.LazyLinear(choice([4, 8])), choice([nn.ReLU(), nn.Tanh()], label="act"))
    space = Space(nn.Sequential(repeat(block, 1, 3, label="depth")))
    names = [decision.name for decision in space.decisions]
    assert names == ["depth", "depth[0].0.out_features", "act", "depth[1].0.out_features", "depth[2].0.out_features"]
    call = space.resolve(Arch({"depth": 2, "act": "Tanh", names[1]: 4, names[3]: 8}))
    assert repr(call) == "Sequential(Sequential(Sequential(LazyLinear(4), Tanh()), Sequential(LazyLinear(8), Tanh())))"


def test_repeat_of_a_function_is_called_once_for_each_index():
    shared = choice([1, 2], label="shared")
    space = Space(repeat(lambda i: {"own": choice([10 * i, 10 * i + 1]), "shared": shared}, 0, 2, default=2))
    assert space.resolve(space.default()) == [{"own": 0, "shared": 1}, {"own": 10, "shared": 1}]
    assert space.resolve(Arch({"depth": 0})) == []  # values stay a list


def test_repeated_modules_are_a_sequence_without_what_is_none():
    space = Space(nn.Sequential(repeat(choice([nn.ReLU(), None]), 0, 2, label="n")))
    everything = {repr(space.resolve(arch)) for arch in space.enumerate()}
    assert everything == {
        "Sequential(Sequential())", "Sequential(Sequential(ReLU()))", "Sequential(Sequential(ReLU(), ReLU()))",
    }  # fmt: skip


def test_a_subset_keeps_the_order_of_its_options():
    space = Space(subset({"a": 1, "b": choice([2, 3]), "c": 4}, 2, label="s"))
    assert space.resolve(Arch({"s": ("a", "b"), "s.b": 3})) == [1, 3]
    assert [arch["s"] for arch in space.enumerate()] == [("a", "b"), ("a", "b"), ("a", "c"), ("b", "c"), ("b", "c")]
    with pytest.raises(InvalidSpace, match=r"'s' must be 2 of 'a', 'b', 'c', but is \('b', 'a'\)"):
        space.validate(Arch({"s": ("b", "a"), "s.b": 3}))


def test_recursion_makes_a_grammar():
    grammar = recurse(lambda again: choice({"leaf": choice([1, 2]), "pair": [again(), again()]}), 3)
    space = Space(grammar)
    inner = 2
    for _ in range(2):  # a leaf, or a pair of the level below
        inner = 2 + inner**2
    assert space.size() == inner == len(set(space.enumerate()))


def test_a_cell_chooses_inputs_and_operations():
    space = Space(cell({"skip": nn.Identity(), "relu": nn.ReLU(), "none": None}, 4, n_inputs=2, label="c"))
    assert [d.name for d in space.decisions] == [
        "c.1<-0", "c.2<-0", "c.2<-1", "c.3<-", "c.3<-0", "c.3<-1", "c.3<-2",
    ]  # fmt: skip
    assert space.size() == 3**3 * 3 * 3**2
    arch = Arch({"c.1<-0": "relu", "c.2<-0": "skip", "c.2<-1": "none", "c.3<-": ("3<-0", "3<-2"), "c.3<-0": "skip",
                 "c.3<-2": "relu"})  # fmt: skip
    space.validate(arch)
    model = space.build(arch, input_shape=(5,))
    assert model.wiring == [(0, 1), (0, 2), (0, 3), (2, 3)]


def test_operations_of_a_cell_may_depend_on_the_edge():
    def operations(source, target):
        return [nn.Identity(), nn.ReLU()] if source == 0 else [nn.Tanh()]

    space = Space(cell(operations, 3, output="concat"))
    assert space.size() == 4
    assert tuple(space.build(input_shape=(5,))(torch.ones(2, 5)).shape) == (2, 10)


def test_the_mirror_knows_torch_nn_and_pickles():
    assert "Conv2d" in dir(nn)
    assert nn.CosineSimilarity().name == "CosineSimilarity"  # looked up in torch itself
    twin = pickle.loads(pickle.dumps(nn))
    assert twin.ReLU().name == "ReLU"
    assert repr(nn.ReLU) == "<deferred torch.nn.ReLU>"
    assert nn.ReLU.name == "ReLU"
    with pytest.raises(AttributeError):
        nn.__wrapped__  # noqa: B018  # what inspect asks of everything


def test_every_class_that_the_mirrors_name_exists():
    assert [name for name in dir(nn) if not hasattr(torch_nn, name)] == []
    assert set(dir(layers)) == set(own.__all__)  # known without importing torch


def test_n_outputs_has_a_value_only_at_the_build():
    space = Space(nn.Sequential(nn.LazyLinear(n_outputs)))
    with pytest.raises(InvalidSpace, match="'n_outputs' isn't known here: pass n_outputs="):
        space.build(input_shape=(3,))
    assert space.build(input_shape=(3,), n_outputs=7)[0].out_features == 7
    assert repr(n_outputs) == "n_outputs"
    assert netwright.n_outputs is n_outputs
