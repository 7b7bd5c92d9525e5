"""Every rule of the space contract on spaces that hypothesis makes up from the whole language."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from netwright import Space, choice, derive, integer, layers, nn, real, recurse, repeat, subset
from netwright.core.errors import InvalidSpace
from netwright.testing import check_space

SLOWLY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
LABELLED = {  # equal labels need equal values, so a label says what it labels
    "two": lambda: choice([1, 2], label="two"),
    "range": lambda: integer(0, 3, label="range"),
    "pair": lambda: subset(["p", "q", "r"], 2, label="pair"),
}


@st.composite
def numbers(draw, reals: bool = True):
    """A node with a number as its value."""
    kind = draw(
        st.sampled_from(["choice", "integer", "log", "two", "range", "plus", "derived", *(["real"] if reals else [])])
    )
    if kind == "choice":
        return choice(draw(st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True)))
    if kind == "integer":
        low, steps, step = draw(st.integers(0, 4)), draw(st.integers(0, 3)), draw(st.integers(1, 3))
        return integer(low, low + steps * step + draw(st.integers(0, step - 1)), step=step)
    if kind == "log":
        return integer(1, draw(st.integers(1, 12)), log=True)
    if kind == "real":
        low = draw(st.sampled_from([0.0, 0.001, 1.0]))
        return real(low, low + draw(st.sampled_from([0.5, 100.0])), log=low > 0 and draw(st.booleans()))
    if kind == "plus":
        return draw(numbers(reals=reals)) * 2 + 1
    if kind == "derived":
        return derive(max, draw(numbers(reals=reals)), 2)
    return LABELLED[kind]()


@st.composite
def trees(draw, depth: int = 3, reals: bool = True):
    """A tree of nodes: nested and conditional choices, repeats of both kinds, subsets, shared nodes, recursion."""
    if depth == 0:
        return draw(st.one_of(numbers(reals=reals), st.integers(0, 3), st.sampled_from(["text", None])))
    below = trees(depth=depth - 1, reals=reals)
    kind = draw(
        st.sampled_from(["number", "dict", "choice", "scoped", "blocks", "subset", "pair", "shared", "recurse"])
    )
    if kind == "dict":
        return {name: draw(below) for name in "ab"[: draw(st.integers(1, 2))]}
    if kind == "choice":
        options = {f"o{i}": draw(below) for i in range(draw(st.integers(1, 3)))}
        return choice(options, default=draw(st.sampled_from(list(options))))
    if kind in ("scoped", "blocks"):
        most = draw(st.integers(1, 3))
        least = draw(st.integers(0, most))
        block = choice([draw(below), 7]) if kind == "scoped" else [draw(below) for _ in range(most)].__getitem__
        return repeat(block, least, most)
    if kind == "subset":
        options = {f"s{i}": draw(below) for i in range(3)}
        return subset(options, draw(st.integers(0, 3)))
    if kind == "shared":
        node = draw(numbers(reals=reals))
        return {"first": node, "again": choice([node, draw(below)])}
    if kind == "recurse":
        return recurse(
            lambda again: choice({"end": integer(0, 1), "more": [again(), again()]}), draw(st.integers(1, 2))
        )
    return LABELLED["pair"]() if kind == "pair" else draw(numbers(reals=reals))


@SLOWLY
@given(trees(), st.integers(0, 100))
def test_any_space_keeps_the_contract(tree, seed):
    check_space(Space({"it": tree}, training={"lr": choice([0.1, 0.2])}), n_samples=8, seed=seed)


@SLOWLY
@given(trees(reals=False), trees(reals=False))
def test_counting_equals_enumeration(first, second):
    space = Space([first, second])
    size = space.size()
    assume(size <= 3_000)
    assert isinstance(size, int)
    assert size == len(set(space.enumerate()))


def unmarked(arch):
    return arch["mark"] < 2 or len(arch) > 3


@SLOWLY
@given(trees(depth=2, reals=False), numbers(reals=False), numbers(reals=False), st.integers(0, 4), st.integers(0, 3))
def test_constrained_spaces_keep_the_contract(tree, first, second, slack, seed):
    limit = [first <= second + slack, unmarked]
    space = Space({"tree": tree, "first": first, "second": second, "mark": integer(0, 2)}, constraints=limit)
    try:
        space.default()
    except InvalidSpace:
        assume(False)
    check_space(space, n_samples=8, seed=seed)
    allowed = set(space.enumerate()) if space.without_constraints().size() <= 2_000 else set()
    for arch in allowed:
        values = space.resolve(arch)
        assert values["first"] <= values["second"] + slack


@st.composite
def networks(draw, depth: int = 2):
    """A tree of modules for vectors of any length."""
    kinds = ["linear", "activation", "norm"] + ["residual", "repeat", "choice", "sequence"] * (depth > 0)
    kind = draw(st.sampled_from(kinds))
    if kind == "linear":
        width = draw(st.one_of(st.just(None), st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True)))
        return nn.LazyLinear(4 if width is None else choice(width), bias=draw(st.booleans()))
    if kind == "activation":
        return choice([nn.ReLU(), nn.Tanh(), None])
    if kind == "norm":
        return choice([nn.LazyBatchNorm1d(), nn.LayerNorm()])
    below = networks(depth=depth - 1)
    if kind == "residual":  # keeps the shape: the inner layer's width is found out
        return layers.Residual(nn.Sequential(nn.LazyLinear(integer(2, 3)), nn.Tanh()))
    if kind == "repeat":
        return repeat(draw(below), draw(st.integers(0, 1)), 2)
    if kind == "choice":
        return choice({"first": draw(below), "second": draw(below)})
    return nn.Sequential(draw(below), draw(below))


@settings(SLOWLY, max_examples=15)
@given(st.lists(networks(), min_size=1, max_size=3), st.integers(1, 3))
def test_networks_of_any_space_can_learn(parts, n_outputs):
    space = Space(nn.Sequential(*parts, nn.LazyLinear(n_outputs)))
    try:
        space.build(input_shape=(3,), n_outputs=n_outputs, device="meta")
    except InvalidSpace as error:  # a residual connection around a layer that changes the width
        assume("size" not in str(error) and "shape" not in str(error) and "broadcast" not in str(error))
        raise
    check_space(space, input_shape=(3,), n_outputs=n_outputs, n_samples=4, n_networks=2)


@SLOWLY
@given(trees(depth=2), st.integers(0, 2**32))
def test_random_arches_are_drawn_from_the_generator_alone(tree, seed):
    first, second = Space({"it": tree}), Space({"it": tree})
    for _ in range(3):
        rng, twin = np.random.default_rng(seed), np.random.default_rng(seed)
        assert first.sample(rng) == second.sample(twin)
        assert rng.random() == twin.random()
