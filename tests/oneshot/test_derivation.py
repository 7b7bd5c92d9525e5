"""Which arch the weights stand for, and when a search should end."""

from __future__ import annotations

from functools import lru_cache

import pytest

from netwright import Arch, Space, choice, layers, nn, real
from netwright.core.errors import InvalidInput
from netwright.oneshot.derivation import Sampled, Strongest, Weighed, skips_by_cell
from netwright.oneshot.relaxed import Relaxed
from netwright.oneshot.stopping import RelaxedEpoch, SharpLoss, SkipCount
from netwright.oneshot.supernet import Supernet
from netwright.spaces.language import cell
from netwright.spaces.zoo.nb201 import OPERATIONS, nb201

NB201 = nb201(channels=2, n_cells=1, input_shape=(1, 4, 4))
EDGES = [f"cell.{t}<-{s}" for t in (1, 2, 3) for s in range(t)]


@lru_cache
def supernet_of(space, shape):
    return Supernet(space, input_shape=shape, n_outputs=3)


def weighed(space, weights, *, edges=False, shape=(1, 4, 4)):
    relaxed = Relaxed(supernet_of(space, shape), edges=edges)
    relaxed.alphas.set_weights(weights)
    return Weighed(space, {c.name: c for c in relaxed.alphas.choices()}, relaxed.alphas.weights(), edges=edges)


def of(**rows):
    """Weights of all edges in the order of the official operations."""
    return {f"cell.{name[1]}<-{name[2]}": dict(zip(OPERATIONS, row, strict=True)) for name, row in rows.items()}


def test_no_connection_is_never_derived_unless_asked_for():
    found = weighed(NB201, of(e10=(0.6, 0.1, 0.2, 0.05, 0.05)))
    assert Strongest()(found)["cell.1<-0"] == "nor_conv_1x1"
    assert Strongest(nothing=True)(found)["cell.1<-0"] == "none"


def test_weak_edges_stay_unconnected_but_one():
    even = (0.2, 0.2, 0.3, 0.2, 0.1)
    found = weighed(NB201, of(e10=even, e20=even, e21=(0.1, 0.1, 0.1, 0.4, 0.3), e30=(0.1, 0.0, 0.0, 0.9, 0.0),
                              e31=even, e32=even))  # fmt: skip
    arch = Strongest(threshold=0.85)(found)
    assert [arch[name] for name in EDGES] == ["nor_conv_1x1", "none", "nor_conv_3x3", "nor_conv_3x3", "none", "none"]


def test_skip_connections_can_be_limited():
    skip = (0.1, 0.5, 0.2, 0.1, 0.1)
    rows = {f"e{t}{s}": skip for t in (1, 2, 3) for s in range(t)} | {"e32": (0.0, 0.9, 0.05, 0.05, 0.0)}
    found = weighed(NB201, of(**rows))
    assert len(skips_by_cell(found.choices, Strongest()(found))["cell"]) == 6
    arch = Strongest(most_skips=2)(found)
    assert len(skips_by_cell(found.choices, arch)["cell"]) == 2
    assert arch["cell.3<-2"] == "skip_connect"  # the strongest stay


@lru_cache
def some_edges():
    def operations(source, target):
        return {"none": None, "skip": nn.Identity(), "conv": layers.ReLUConvNorm(2, 2, 3)}

    return Space(
        nn.Sequential(
            nn.Conv2d(1, 2, 1), cell(operations, 5, n_inputs=2, output="concat", label="c"),
            layers.GlobalAveragePool(), nn.LazyLinear(3),
        )
    )  # fmt: skip


def test_the_strongest_edges_of_a_node_stay():
    names = ("none", "skip", "conv")
    rows = [(0.0, 0.3, 0.7), (0.9, 0.05, 0.05), (0.4, 0.6, 0.0), (0.3, 0.35, 0.35)]
    weights = {f"c.4<-{source}": dict(zip(names, row, strict=True)) for source, row in enumerate(rows)}
    arch = Strongest()(weighed(some_edges(), weights))
    assert arch["c.4<-"] == ("4<-0", "4<-2")
    assert (arch["c.4<-0"], arch["c.4<-2"]) == ("conv", "skip")
    assert "c.4<-1" not in arch
    of_edges = {"c.4<-": {"4<-0": 0.1, "4<-1": 0.1, "4<-2": 0.4, "4<-3": 0.4}}
    assert Strongest()(weighed(some_edges(), weights | of_edges, edges=True))["c.4<-"] == ("4<-2", "4<-3")
    some_edges().validate(arch)


def test_nested_choices_training_choices_and_constraints():
    inner = choice({"a": nn.ReLU(), "b": nn.Tanh()}, label="inner")
    outer = choice({"plain": nn.Identity(), "nested": nn.Sequential(inner)}, label="outer")
    space = Space(nn.Sequential(outer, nn.Linear(4, 3)), training={"lr": real(0.1, 0.3, label="lr")})
    weights = {"outer": {"plain": 0.4, "nested": 0.6}, "inner": {"a": 0.1, "b": 0.9}}
    arch = Strongest()(weighed(space, weights, shape=(4,)))
    assert dict(arch) == {"outer": "nested", "inner": "b", "lr": 0.2}
    forbidden = Space(nn.Sequential(outer, nn.Linear(4, 3)), constraints=[lambda arch: arch.get("inner") != "b"])
    arch = Strongest()(weighed(forbidden, weights, shape=(4,)))
    assert dict(arch) in ({"outer": "nested", "inner": "a"}, {"outer": "plain"})


def test_sampled_arches_are_legal_and_follow_the_weights():
    space = some_edges()
    found = weighed(space, {"c.1<-0": {"none": 0.0, "skip": 0.98, "conv": 0.02}})
    arches = [Sampled(seed)(found) for seed in range(60)]
    for arch in arches:
        space.validate(arch)
    assert sum(arch["c.1<-0"] == "skip" for arch in arches) > 50
    assert len({arch["c.4<-"] for arch in arches}) == 6
    assert Sampled(3)(found) == Sampled(3)(found)


# Stopping -----------------------------------------------------------------------------------------------------------


def epochs(values=None, skips=None):
    n = len(values or skips)
    return [
        RelaxedEpoch(
            i + 1,
            Arch({"x": i}),
            values={"hessian_eigenvalue": values[i]} if values else {},
            skips={"cell": skips[i]} if skips else {},
            progress=(i + 1) / n,
        )
        for i in range(n)
    ]


def test_sharp_losses_end_a_search():
    rule = SharpLoss()
    flat = epochs([1.0, 1.1, 0.9, 1.0, 1.05, 1.0])
    assert all(rule(flat[: i + 1]) is None for i in range(6))
    found, why = rule(epochs([1.0, 1.0, 1.0, 1.0, 1.5, 2.5]))
    assert found == 2
    assert "sharp" in why
    with pytest.raises(InvalidInput, match="`window` must be at least 1"):
        SharpLoss(window=0)


def test_skip_connections_end_a_search():
    rule = SkipCount(most=2, after=0.3)
    seen = epochs(skips=[4, 1, 2, 2, 3])
    assert [rule(seen[: i + 1]) for i in range(4)] == [None] * 4
    assert rule(seen) == (3, "a cell has 3 skip connections")
    assert rule(epochs(skips=[4, 4, 4]))[0] == 2
    with pytest.raises(InvalidInput, match="`most` must be at least 0"):
        SkipCount(most=-1)
