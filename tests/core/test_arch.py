"""Arches: immutable, hashable, the same text on every machine."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core import Arch
from netwright.core.errors import InvalidSpace

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
DECISIONS = st.dictionaries(st.text(), st.one_of(SCALARS, st.lists(SCALARS, max_size=4).map(tuple)), max_size=6)


@given(DECISIONS)
def test_json_round_trip(decisions):
    arch = Arch(decisions)
    again = Arch.from_json(arch.to_json())
    assert again == arch
    assert hash(again) == hash(arch)
    assert again.to_json() == arch.to_json()
    assert [type(value) for _, value in sorted(again.items())] == [type(value) for _, value in sorted(arch.items())]


@given(DECISIONS)
def test_the_order_of_decisions_does_not_count(decisions):
    turned = Arch(dict(reversed(decisions.items())))
    assert turned == Arch(decisions)
    assert hash(turned) == hash(Arch(decisions))
    assert turned.digest == Arch(decisions).digest


@given(DECISIONS)
def test_pickling(decisions):
    arch = Arch(decisions)
    hash(arch)
    assert pickle.loads(pickle.dumps(arch)) == arch


def test_a_mapping():
    decisions = {"depth": 2, "act": "ReLU"}
    arch = Arch(decisions)
    decisions["depth"] = 3
    assert dict(arch) == {"depth": 2, "act": "ReLU"}
    assert list(arch) == ["depth", "act"]
    assert "depth" in arch
    assert "width" not in arch
    assert arch.get("width") is None
    assert arch.get("width", 8) == 8
    assert arch.get("depth", 8) == 2
    assert arch != {"depth": 2, "act": "ReLU"}
    assert len({arch, Arch({"act": "ReLU", "depth": 2})}) == 1
    assert repr(arch) == "Arch({'depth': 2, 'act': 'ReLU'})"
    assert eval(repr(arch)) == arch


def test_replace_copies():
    arch = Arch({"depth": 2, "act": "ReLU"})
    assert arch.replace(depth=3) == Arch({"depth": 3, "act": "ReLU"})
    assert arch["depth"] == 2
    assert arch.replace(**{"a.b": 1})["a.b"] == 1


def test_the_hash_does_not_travel():
    """The hash of a text differs from process to process: an unpickled arch must not bring its old one."""
    code = (
        "import pickle, sys; from netwright.core import Arch; a = Arch({'act': 'ReLU'}); hash(a); "
        "sys.stdout.buffer.write(pickle.dumps(a))"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={"PYTHONHASHSEED": seed}
        )
        known = {Arch({"act": "ReLU"})}
        assert pickle.loads(done.stdout) in known


def test_the_digest_is_the_same_everywhere():
    assert Arch({"depth": 2, "act": "ReLU"}).digest == "e262c15335fa"
    assert Arch({"depth": 2, "act": "SiLU"}).digest != Arch({"depth": 2, "act": "ReLU"}).digest


def test_an_inactive_decision():
    with pytest.raises(KeyError, match="'width' is not an active decision of this arch; it has: depth, act"):
        Arch({"depth": 2, "act": "ReLU"})["width"]
    with pytest.raises(KeyError, match="it has: none"):
        Arch({})["width"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "an arch must be a JSON object, but it can't be parsed"),
        ("[1, 2]", r"an arch must be a JSON object of decisions, but got list: \[1, 2\]"),
        ('"ReLU"', "an arch must be a JSON object of decisions, but got str"),
        ('{"a": {"b": 1}}', r"a decision must be a JSON scalar or a list of them, but 'a' is \{'b': 1\}"),
        ('{"a": [[1]]}', "a decision must be a JSON scalar or a list of them, but 'a' is"),
    ],
)
def test_bad_json(text, message):
    with pytest.raises(InvalidSpace, match=message):
        Arch.from_json(text)
