"""Numbers of the wrong kind: refused by every strategy that has numbers, when it is made."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields

import numpy as np
import pytest

from netwright import strategies
from netwright.core.errors import InvalidInput
from netwright.strategies import BayesianOptimisation, Random, RegularizedEvolution

KINDS = {"int": "a whole number", "int | None": "a whole number or None", "float": "a number"}


def _cases():
    """Each number of each strategy that can be made out of its defaults and other strategies."""
    for name in strategies.__all__:
        kind = getattr(strategies, name)
        needed = {
            field.name
            for field in getattr(kind, "__dataclass_fields__", {}).values()
            if field.init and field.default is MISSING and field.default_factory is MISSING
        }
        if isinstance(kind, type) and hasattr(kind, "propose") and needed <= {"strategy", "other", "then"}:
            given = dict.fromkeys(needed, Random())
            yield from ((kind, given, field.name, field.type) for field in fields(kind) if field.type in KINDS)


CASES = list(_cases())


@pytest.mark.parametrize(("kind", "given", "name", "declared"), CASES, ids=[f"{c[0].__name__}-{c[2]}" for c in CASES])
def test_a_text_is_no_number(kind, given, name, declared):
    said = f"`{name}` of {kind.__name__} must be {KINDS[declared]}, but got "
    for wrong in ("10", True, *([10.5] if declared.startswith("int") else [])):
        with pytest.raises(InvalidInput, match=re.escape(f"{said}{wrong!r}.")):
            kind(**given, **{name: wrong})


GIVEN = [case[:3] for case in CASES if getattr(case[0](**case[1]), case[2]) is not None]


@pytest.mark.parametrize(("kind", "given", "name"), GIVEN, ids=[f"{c[0].__name__}-{c[2]}" for c in GIVEN])
def test_numbers_of_numpy_become_pythons(kind, given, name):
    plain = getattr(kind(**given), name)
    got = getattr(kind(**given, **{name: np.array(plain)[()]}), name)
    assert type(got) is type(plain)
    assert got == plain


def test_there_are_many_of_them():
    assert len({kind for kind, *_ in CASES}) >= 12


def test_all_of_them_are_named_and_numbers_of_numpy_are_fine():
    with pytest.raises(
        InvalidInput, match=r"of the wrong kind:\n  - `population`.*'50'\.\n  - `tournament`.*, but got 2\.5"
    ):
        RegularizedEvolution("50", 2.5)
    assert RegularizedEvolution(np.int64(20), np.int32(5)).population == 20
    assert BayesianOptimisation(pool=np.int64(200)).pool == 200
