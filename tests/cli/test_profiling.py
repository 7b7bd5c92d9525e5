"""`netwright profile`."""

from __future__ import annotations

import json
import re
import sys

import pytest

SPACES = """
from netwright import Space, choice, n_outputs, nn

small = Space(nn.Sequential(nn.LazyLinear(choice([2, 4])), nn.LazyLinear(n_outputs)), name="small")

def shaped(input_shape):
    return Space(nn.Sequential(nn.Linear(input_shape[0], choice([2, 4])), nn.LazyLinear(n_outputs)), name="shaped")
"""


@pytest.fixture(autouse=True)
def _spaces(tmp_path, monkeypatch):
    (tmp_path / "own.py").write_text(SPACES, encoding="utf-8")
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("own", None)


def test_a_ready_made_space_by_itself(netwright):
    done = netwright("profile", "mlp", "--samples", "5")
    assert done.code == 0, done.err
    assert done.out.startswith("mlp: 293,760 arches")
    assert re.search(r"^parameters +[\d.]+k? ", done.out, re.MULTILINE)
    assert done.out.endswith("for inputs of shape 16 and 10 outputs\n")


def test_the_space_that_fits_the_data(netwright):
    done = netwright("profile", "auto", "--data", "blobs", "--samples", "3")
    assert done.out.startswith("mlp:")
    assert done.out.endswith("for inputs of shape 4 and 3 outputs\n")


@pytest.mark.parametrize("name", ["small", "shaped"])
def test_a_space_of_ones_own(netwright, name):
    done = netwright(
        "profile", f"own.py:{name}", "--input-shape", "3", "--outputs", "1", "--constraint", "params<=12", "--json"
    )
    found = json.loads(done.out)
    assert found["size"] == 2
    assert found["params"] == {"smallest": 11.0, "median": 16.0, "largest": 21.0}
    assert (found["within"], found["can_be_met"]) == (0.5, True)
    assert (found["input_shape"], found["n_outputs"]) == ([3], 1)


def test_limits_that_cannot_be_kept(netwright):
    done = netwright("profile", "own.py:small", "--input-shape", "3", "--constraint", "params<=5")
    assert "params<=5: no arch was found that holds" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cn"], r"unknown space 'cn': did you mean 'cnn'"),
        (["auto"], r"the space 'auto' is chosen by the data: say which with --data"),
        (["own.py:small"], r"say what own.py:small gets as inputs: --data DATA, or --input-shape 1,28,28"),
        (["own.py:large"], r"own.py has no 'large'"),
        (["mlp", "--input-shape", "many"], r"`--input-shape` must look like 1,28,28 .*but got 'many'"),
        (["mlp", "--outputs", "0"], r"`--outputs` must be a whole number of at least 1, but got '0'"),
        (["mlp", "--samples", "few"], r"`--samples` must be a whole number of at least 1, but got 'few'"),
        (["mlp", "--constraint", "params<3"], r"a constraint must look like params<=100k"),
        (["mlp", "--data", "blobs", "--outputs", "3"], r"the data say the inputs and outputs: leave out"),
        (["mlp", "--target", "x"], r"--target, --kind and --download are about data: say which with --data"),
        (["mlp", "--data", "digts"], r"unknown data set, file or folder 'digts': did you mean 'digits'"),
        (["cnn", "--data", "blobs"], r"`cnn` needs images"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(refuses, arguments, said):
    assert re.search(said, refuses("profile", *arguments))
