"""`file.py:name`: spaces out of users' files, and what goes wrong in them."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap

import pytest

from netwright import Space
from netwright.automl.file_space import is_file_space, space_of_file
from netwright.core.errors import InvalidInput, NotFound

GOOD = """
    from netwright import Space, choice, defer, nn
    import beside

    class Own:
        pass

    space = Space(nn.Sequential(nn.LazyLinear(choice([8, 16])), nn.LazyLinear(2)), name="mine")
    tree = nn.Sequential(nn.LazyLinear(choice([8, 16])))
    own = Space(defer(Own))

    def make(input_shape):
        return Space({"x": choice(list(input_shape))})

    def plain():
        return space

    def anything(**given):
        return Space({"x": choice(list(given["input_shape"]))})

    def greedy(n_classes, depth, input_shape=None):
        return space

    def wrong():
        return [1]

    def breaks(input_shape):
        return Space({"x": 1 / 0})
"""


@pytest.fixture(autouse=True)
def _modules_as_before(monkeypatch):
    """Each test has its own files of the same names."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "own_space.py") -> None:
        (tmp_path / name).write_text(textwrap.dedent(text), encoding="utf-8")

    write("", "beside.py")
    return write


def test_what_names_a_file():
    assert is_file_space("own.py:space")
    assert is_file_space("own.py")
    assert is_file_space(r"C:\spaces\own.py:space")
    assert not is_file_space("cnn")
    assert not is_file_space("own.pyc")


def test_a_space(write):
    write(GOOD)
    space = space_of_file("own_space.py:space")
    assert isinstance(space, Space)
    assert (space.name, space.size()) == ("mine", 2)


@pytest.mark.parametrize(("name", "size"), [("make", 3), ("anything", 3), ("plain", 2)])
def test_a_function(write, name, size):
    write(GOOD)
    made = space_of_file(f"./own_space.py:{name}")
    assert made(input_shape=(1, 28, 29)).size() == size


def test_classes_of_the_file_reach_worker_processes(write):
    """A worker gets the search path of this process, and imports the file by its name."""
    write(GOOD)
    content = pickle.dumps(space_of_file("own_space.py:own"))
    code = f"import sys, pickle; sys.path[:] = {sys.path!r}; print(pickle.loads(sys.stdin.buffer.read()))"
    done = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True, check=True)
    assert b"Space" in done.stdout


def test_a_changed_file_is_read_again(write):
    write("from netwright import Space\nspace = Space({'x': 1}, name='first')")
    assert space_of_file("own_space.py:space").name == "first"
    write("from netwright import Space\nspace = Space({'x': 1}, name='the second')")
    assert space_of_file("own_space.py:space").name == "the second"


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (
            "own_space.py",
            InvalidInput,
            r"say which space of own_space.py .* own_space.py:NAME; it has space, own, make",
        ),
        (
            "own_space.py:spice",
            NotFound,
            r"own_space.py has no 'spice': did you mean 'space'\? It has space, own, make",
        ),
        ("own_space.py:quux", NotFound, r"own_space.py has no 'quux'\. It has space, own, make"),
        ("own_spacy.py:space", NotFound, r"no file 'own_spacy.py': did you mean 'own_space.py'\?"),
        ("nowhere/own.py:space", NotFound, r"no file 'nowhere/own.py': give the path of your Python file"),
        ("own_space.py:beside", InvalidInput, r"must be a Space or a function that returns one, but is a module"),
        ("own_space.py:tree", InvalidInput, r"but is a Call: wrap it, Space\(…\)"),
        ("own_space.py:greedy", InvalidInput, r"needs a default for anything else: n_classes, depth\."),
        ("own_space.pyc:x", InvalidInput, r"must look like file.py:name"),
    ],
)
def test_wrong_names(write, text, error, said):
    write(GOOD)
    with pytest.raises(error, match=said):
        space_of_file(text)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wrong", r"'wrong' of own_space.py must return a Space, but returned a list"),
        (
            "breaks",
            r"own_space.py, line 28: ZeroDivisionError: division by zero \(in `return Space\({\"x\": 1 / 0}\)`\)",
        ),
    ],
)
def test_functions_that_fail(write, name, said):
    write(GOOD)
    with pytest.raises(InvalidInput, match=said):
        space_of_file(f"own_space.py:{name}")(input_shape=(1,))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x = 1\ny = undefined\n", r"^own_space.py, line 2: NameError: name 'undefined' is not defined \(in `y = und"),
        ("x = (1\n", r"^own_space.py, line 1: '\(' was never closed \(in `x = \(1`\)"),
        ("import no_such_module\n", r"line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("import sys\nsys.exit('enough')\n", r"line 2: SystemExit: enough"),
        ("raise ValueError\n", r"line 1: ValueError \(in `raise ValueError`\)"),
        # Our own errors name their rule, so the type adds nothing; the line is the user's, not ours.
        (
            "from netwright import choice\n\nx = choice([])\n",
            r"^own_space.py, line 3: a choice needs at least one option, but got none \(in `x = choice\(\[\]\)`\)",
        ),
    ],
)
def test_files_that_fail(write, content, said):
    write(content)
    with pytest.raises(InvalidInput, match=said):
        space_of_file("own_space.py:space")
    assert "own_space" not in sys.modules


@pytest.mark.parametrize("name", ["json.py", "numpy.py", "turtle.py"])
def test_a_file_named_like_another_module(write, name):
    write(GOOD, name)
    with pytest.raises(InvalidInput, match=rf"{name} has the name of another module .*: rename the file"):
        space_of_file(f"{name}:space")
