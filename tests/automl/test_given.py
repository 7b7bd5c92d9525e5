"""Whatever a user hands over becomes a task, a space and a recipe; or an error that says what would do."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch

from netwright import Space, choice, n_outputs, nn
from netwright.automl.buildable import first_buildable
from netwright.automl.given import lasting_name, space_from, task_or_function
from netwright.core import Recipe
from netwright.core.errors import DataError, InvalidInput, InvalidSpace, NotFound
from netwright.methods.recipes import recipe_from
from netwright.models.device import checked_device
from netwright.strategies import Grid, Random
from netwright.tasks import Task, load, task_from

X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
Y = np.arange(60) % 3


def frame():
    return pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": np.array(["x", "y", "z"])[Y]})


# Data -----------------------------------------------------------------------------------------------------------------


def same(first: Task, second: Task) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for a, b in zip((first.train, first.validation, first.test), (second.train, second.validation, second.test),
                        strict=True)
        for name in ("inputs", "targets")
    )  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [
        (X, Y),
        (torch.from_numpy(X), torch.from_numpy(Y)),
        (X.tolist(), Y.tolist()),
        (pd.DataFrame(X), pd.Series(Y)),
        torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)),
    ],
    ids=["arrays", "tensors", "lists", "frames", "dataset"],
)
def test_the_same_data_in_any_form_are_the_same_task(given):
    found = task_or_function(given, seed=3)
    assert isinstance(found, Task)
    assert same(found, task_from(X, Y, seed=3))


class Pairs:
    """A data set as people write them: a length and items."""

    def __len__(self):
        return 60

    def __getitem__(self, i):
        if not 0 <= i < 60:
            raise IndexError(i)
        return torch.from_numpy(X[i]), int(Y[i])


def test_a_dataset_of_pairs():
    assert same(task_or_function(Pairs(), seed=0), task_from(X, Y))


def test_a_frame_with_a_target():
    task = task_or_function(frame(), seed=0, target="kind")
    assert (task.classes, task.input_shape) == (("x", "y", "z"), (2,))


def test_names_and_paths(tmp_path):
    assert task_or_function("blobs", seed=1).name == "blobs"
    frame().to_csv(tmp_path / "mine.csv", index=False)
    for given in (tmp_path / "mine.csv", str(tmp_path / "mine.csv")):
        assert task_or_function(given, seed=0, target="kind").classes == ("x", "y", "z")


def test_a_task_stays_the_same_object():
    task = load("blobs")
    assert task_or_function(task, seed=5) is task


def test_a_function_stays_a_function():
    assert task_or_function(len, seed=0) is len


def test_the_kind_can_be_asked_for():
    assert task_or_function((X, Y), seed=0, kind="regression").kind == "regression"
    assert task_or_function((X, Y), seed=0).kind == "classification"


@pytest.mark.parametrize(
    ("given", "options", "error", "said"),
    [
        (3, {}, InvalidInput, "`task` must be a Task, .* but got a int"),
        ([X, Y], {}, InvalidInput, "`task` must be a Task, .* but got a list"),
        ((X, Y, Y), {}, InvalidInput, "`task` must be a Task, .* but got a tuple"),
        ({"x": X}, {}, InvalidInput, "`task` must be a Task, .* but got a dict"),
        (X, {}, DataError, "y is missing: give one target for each example"),
        ((X, Y[:50]), {}, DataError, "X has 60 examples, but y has 50"),
        (frame(), {}, InvalidInput, "a data frame needs `target`, the name of the column to predict"),
        (frame(), {"target": "kid"}, NotFound, "unknown target column 'kid': did you mean 'kind'"),
        ("blobz", {}, NotFound, "unknown data set, file or folder 'blobz': did you mean 'blobs'"),
        ("nowhere/blobs.csv", {}, DataError, "the folder 'nowhere' doesn't exist"),
        ("blobs", {"target": "a"}, InvalidInput, "`target` is for tables"),
        ((X, Y), {"target": "a"}, InvalidInput, "`target` names a column of a table .* got target='a' for a tuple"),
        (len, {"target": "a"}, InvalidInput, "`target` names a column of a table"),
        ((X, Y), {"kind": "clasification"}, NotFound, "unknown kind of task 'clasification': did you mean"),
        (load("blobs"), {"kind": "regression"}, InvalidInput, "'blobs' is a classification task, but got kind='regr"),
    ],
)  # fmt: skip
def test_what_is_no_data(given, options, error, said):
    with pytest.raises(error, match=said):
        task_or_function(given, seed=0, **options)


# Spaces ---------------------------------------------------------------------------------------------------------------

MODEL = nn.Sequential(nn.Flatten(), nn.LazyLinear(choice([2, 4], label="width")), nn.LazyLinear(n_outputs))


def my_space():
    return Space(MODEL, name="mine")


def for_shape(*, input_shape=(1,)):
    return Space(MODEL, name=f"for {input_shape}")


def for_any_shape(input_shape):
    return Space(MODEL, name=f"for {input_shape}")


def too_many(input_shape, depth, *, width):
    return Space(MODEL)


def positional(input_shape, /):
    return Space(MODEL)


def no_space():
    return MODEL


@pytest.mark.parametrize(
    ("given", "name", "named"),
    [
        (my_space(), "mine", None),
        (my_space, "mine", None),
        (for_shape, "for (1, 8, 8)", None),
        (for_any_shape, "for (1, 8, 8)", None),
        ("cnn", "cnn", "cnn"),
        ("mlp", "mlp", "mlp"),
        ("auto", "resnet", "resnet"),
    ],
)
def test_spaces(given, name, named):
    space, text = space_from(given, load("stripes"))
    assert (space.name, text) == (name, named)


def test_the_automatic_space_fits_the_data():
    assert space_from("auto", load("blobs"))[0].name == "mlp"
    rng = np.random.default_rng(0)
    tiny = task_from(rng.normal(size=(60, 1, 3, 9)).astype(np.float32), Y)
    sequences = task_from(rng.normal(size=(60, 2, 5)).astype(np.float32), Y)
    for task in (tiny, sequences):
        space, _ = space_from("auto", task)
        assert space.name == "mlp"
        assert first_buildable(space, task, seed=0)[0] == space.default()


def test_without_data_a_space_has_its_own_shape():
    assert space_from("mlp", None)[0].name == "mlp"
    assert space_from(for_shape, None)[0].name == "for (1,)"
    with pytest.raises(InvalidInput, match="space='auto' needs data; for a function of an arch give a space"):
        space_from("auto", None)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (3, InvalidInput, "`space` must be a Space, a name or a function, but got a int"),
        (None, InvalidInput, "`space` must be a Space, a name or a function, but got a NoneType"),
        (torch.nn.Linear(2, 2), InvalidInput, "`space` must be a Space, a name or a function, but got a Linear"),
        (nn.Linear(2, 2), InvalidInput, r"but got a Call: wrap it, Space\(...\)"),
        ("resnt", NotFound, "unknown space 'resnt': did you mean 'resnet'.*auto.*Or say file.py:name"),
        (no_space, InvalidSpace, "no_space must return a Space, but returned a Call"),
        (too_many, InvalidSpace, "the function too_many of a space is called with `input_shape` .* needs depth, width"),
        (positional, InvalidSpace, "the function positional of a space .* also needs input_shape"),
        ("cnn", InvalidInput, "`cnn` needs images of at least 2x2 pixels, but the inputs have shape"),
    ],
)
def test_what_is_no_space(given, error, said):
    with pytest.raises(error, match=said):
        space_from(given, load("blobs"))


# Whether there is a model at all --------------------------------------------------------------------------------------


def test_a_space_without_a_model():
    said = r"the space 'space' holds no model to train \(its tree is a dict\): put a module of netwright.nn into it"
    with pytest.raises(InvalidSpace, match=said):
        first_buildable(Space({"x": choice([1, 2])}), load("blobs"), seed=0)


def test_a_space_whose_default_cannot_be_built_but_others_can():
    pool = choice([9, 8, 7, 2, 1], label="pool")
    space = Space(nn.Sequential(nn.MaxPool2d(pool, 1), nn.MaxPool2d(2), nn.Flatten(), nn.LazyLinear(n_outputs)))
    arch, costs = first_buildable(space, load("stripes"), seed=0)
    assert arch["pool"] in (7, 2, 1)
    assert costs["params"] > 0


def test_a_space_of_which_nothing_can_be_built():
    space = Space(nn.Sequential(nn.LazyConv2d(choice([2, 4]), 3), nn.LazyLinear(n_outputs)), name="images only")
    with pytest.raises(InvalidSpace, match=r"no arch of the space 'images only' can be built for 'blobs' \(2 were tri"):
        first_buildable(space, load("blobs"), seed=0)


def test_a_space_with_another_number_of_outputs():
    space = Space(nn.Sequential(nn.Linear(4, 7)))
    with pytest.raises(InvalidSpace, match=r"the model must end in 3 outputs for each example, but gives shape \(7,\)"):
        first_buildable(space, load("blobs"), seed=0)


# Methods --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mine:
    """A strategy of a user's own."""

    def propose(self, space, history, rng):
        return history.candidate(space.sample(rng))


def of_the_space(space):
    return Recipe(Random())


def for_many(space, *, expected_candidates=None):
    return Recipe(Grid(expected_candidates))


def of_nothing():
    return Recipe(Random())


@pytest.mark.parametrize(
    ("given", "strategy", "name"),
    [
        ("grid", Grid(), "grid"),
        (Recipe(Random()), Random(), "Random"),
        (Grid(3), Grid(3), "Grid"),
        (Mine(), Mine(), "Mine"),
        (of_the_space, Random(), "of_the_space"),
        (for_many, Grid(20), "for_many"),
        (of_nothing, Random(), "of_nothing"),
    ],
)
def test_methods(given, strategy, name):
    recipe, found = recipe_from(given, my_space(), expected_candidates=20)
    assert (recipe.strategy, found) == (strategy, name)


@pytest.mark.parametrize("spelling", ["regularized_evolution", "regularized-evolution"])
def test_methods_are_named_as_people_type(spelling):
    assert recipe_from(spelling, my_space(), expected_candidates=20)[1] == "regularized_evolution"


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ("randm", NotFound, "unknown method 'randm': did you mean 'random'"),
        (3, InvalidInput, r"`method` must be a name, a Recipe or a strategy \(with `propose`\), but got a int"),
        (Random, InvalidInput, r"`method` must be a strategy, not its class: say Random\(\)"),
        (lambda space: space, InvalidInput, "the method '<lambda>' must return a Recipe, but returned a Space"),
    ],
)
def test_what_is_no_method(given, error, said):
    with pytest.raises(error, match=said):
        recipe_from(given, my_space(), expected_candidates=20)


# Devices and paths ----------------------------------------------------------------------------------------------------


def test_devices():
    assert checked_device("auto") in ("cpu", "cuda")
    assert checked_device(torch.device("cpu")) == "cpu"


@pytest.mark.parametrize("device", ["meta", "graphics card", "cuda:99", 3.5, ""])
def test_devices_that_are_not_there(device):
    with pytest.raises(InvalidInput, match=f"the device {re.escape(repr(str(device)))} can't be used here: .+'cpu'"):
        checked_device(device)


def test_paths_become_absolute_and_names_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").touch()
    (tmp_path / "digits").mkdir()
    assert lasting_name("mine.py:space") == f"{tmp_path / 'mine.py'}:space"
    (tmp_path / "mine.csv").touch()
    assert lasting_name("mine.csv") == str(tmp_path / "mine.csv")
    assert lasting_name("digits") == "digits"  # a known name wins
    assert lasting_name("./digits") == str(tmp_path / "digits")
    assert lasting_name("nothing.csv") == "nothing.csv"
