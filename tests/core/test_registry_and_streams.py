"""The registry of names, the random streams, the texts of errors."""

from __future__ import annotations

import copy
import logging
import pickle
import sys
from importlib.metadata import EntryPoint

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core import registry as registry_module
from netwright.core.errors import InvalidInput, NetwrightError, NotFound, SpaceExhausted, problems, unknown
from netwright.core.registry import Registry, methods, register
from netwright.core.streams import Streams

# Registry


def tiny():
    """A tiny space.

    With more to say about it.
    """


def test_names():
    spaces = Registry("space", package=None)
    assert spaces.register(tiny) is tiny
    spaces.add("two-words", tiny)
    assert spaces["tiny"] is tiny
    assert spaces["two_words"] is spaces["two-words"] is tiny
    assert "two-words" in spaces
    assert "none" not in spaces
    assert 3 not in spaces
    assert list(spaces) == ["tiny", "two_words"]
    assert len(spaces) == 2
    assert spaces.summary("tiny") == "A tiny space."


def test_a_taken_name():
    spaces = Registry("space", package=None)
    register(spaces)(tiny)
    spaces.register(tiny)  # the same once more, as a module that is loaded again

    def other():
        pass

    with pytest.raises(InvalidInput, match=r"the space name 'tiny' is taken by .*\.tiny: choose another"):
        spaces.add("tiny", other)


def test_an_unknown_name():
    with pytest.raises(NotFound, match=r"unknown method 'regularised_evolution': did you mean 'regularized_evolution'"):
        methods["regularised_evolution"]
    with pytest.raises(LookupError, match=r"Available: .*grid, .*random"):
        methods["zzz"]
    assert str(unknown("method", "x", [])) == "unknown method 'x': Available: none."


def test_the_package_is_loaded_when_first_asked(tmp_path, monkeypatch):
    _package(
        tmp_path, "garden", rose="from netwright.core.registry import Registry\n", broken="raise ValueError('thorn')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    garden = Registry("flower", package="garden")
    with pytest.raises(ValueError, match="thorn"):
        list(garden)
    (tmp_path / "garden" / "broken.py").write_text("")
    assert list(garden) == []  # and not half loaded: it was tried again
    assert "garden.rose" in sys.modules


def test_other_packages_add_by_entry_points(tmp_path, monkeypatch, caplog):
    """A plug-in that can't be loaded breaks nothing but itself."""
    _package(tmp_path, "wild")
    _package(tmp_path, "weeds", daisy="def daisy():\n    'White.'\n", nettle="import a_package_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    points = [EntryPoint(name, f"weeds.{name}:{name}", "wild") for name in ("daisy", "nettle")]
    monkeypatch.setattr(registry_module, "entry_points", lambda group: points if group == "wild" else [])
    flowers = Registry("flower", package="wild")
    with caplog.at_level(logging.WARNING):
        assert list(flowers) == ["daisy"]
    assert "the flower 'nettle' is left out" in caplog.text
    with pytest.raises(NotFound, match=r"the flower 'nettle' is installed, but weeds.nettle:nettle can't be loaded"):
        flowers["nettle"]


def test_an_entry_point_cannot_take_a_name(tmp_path, monkeypatch):
    text = "def rose():\n    'Red.'\n"
    _package(tmp_path, "bed", rose=text)
    _package(tmp_path, "stranger", rose=text)
    monkeypatch.syspath_prepend(tmp_path)
    points = [EntryPoint("rose", "stranger.rose:rose", "bed")]
    monkeypatch.setattr(registry_module, "entry_points", lambda **_: points)
    flowers = Registry("flower", package="bed")
    import bed.rose

    flowers.register(bed.rose.rose)
    with pytest.raises(InvalidInput, match=r"the flower name 'rose' is taken by bed\.rose\.rose"):
        list(flowers)


def _package(folder, name, **modules):
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("")
    for module, text in modules.items():
        (folder / name / f"{module}.py").write_text(text)
    for known in [known for known in sys.modules if known.split(".")[0] == name]:
        del sys.modules[known]


# Streams


@given(st.integers(0, 2**70), st.integers(0, 2**40))
def test_a_stream_is_its_seed_and_number(seed, number):
    first = Streams(seed)(number).random(3)
    streams = Streams(seed)
    streams(number + 1).random(5)
    assert np.array_equal(streams(number).random(3), first)
    assert not np.array_equal(streams(number + 1).random(3), first)
    assert not np.array_equal(Streams(seed + 1)(number).random(3), first)


def test_streams_do_not_mix_seed_and_number():
    assert Streams(1)(23).random() != Streams(12)(3).random()


def test_the_numbers_stay_what_they_are():
    """A resumed search of an older version must draw the same numbers."""
    assert Streams(0)(0).integers(0, 10**6, 4).tolist() == [735313, 385545, 848955, 191290]


def test_streams_are_uniform_and_independent():
    numbers = np.array([Streams(5)(n).random(2) for n in range(4000)])
    assert abs(numbers.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(numbers[:, 0], numbers[:, 1])[0, 1]) < 0.05
    assert abs(np.corrcoef(numbers[:-1, 0], numbers[1:, 0])[0, 1]) < 0.05
    counts = np.histogram(numbers[:, 0], bins=20, range=(0, 1))[0]
    assert ((counts - 200) ** 2 / 200).sum() < 45  # chi-square, 19 degrees of freedom: p < 0.001


def test_a_stream_can_be_split_copied_and_kept():
    rng = Streams(1)(2)
    children = [child.random() for child in rng.spawn(2)]
    assert children == [child.random() for child in Streams(1)(2).spawn(2)]
    assert len({*children, rng.random(), *[child.random() for child in rng.spawn(2)]}) == 5
    assert copy.deepcopy(rng).random() == pickle.loads(pickle.dumps(rng)).random() == rng.random()
    assert np.random.Generator(np.random.MT19937(Streams(1)(2).bit_generator.seed_seq)).random() < 1


# Errors


def test_every_error_is_ours_and_a_builtin():
    from netwright.core import errors

    for name in errors.__all__:
        kind = getattr(errors, name)
        if isinstance(kind, type) and kind is not NetwrightError:
            assert issubclass(kind, NetwrightError)
            assert any(issubclass(kind, builtin) for builtin in (ValueError, LookupError, ImportError, RuntimeError)), (
                name
            )


def test_a_used_up_space_passes_through_generators():
    def proposals():
        yield 1
        raise SpaceExhausted("nothing left")

    with pytest.raises(SpaceExhausted, match="nothing left"):  # a StopIteration would become a RuntimeError
        list(proposals())


def test_problems_are_listed():
    assert problems("wrong", ["a."]) == "wrong: a."
    assert problems("wrong", iter(["a.", "b."])) == "wrong:\n  - a.\n  - b."
