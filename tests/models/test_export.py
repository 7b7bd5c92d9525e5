"""Files that outlive the library: standalone source with weights, and ONNX, both checked before they appear."""

from __future__ import annotations

import logging
import os
import runpy
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn as torch_nn

from netwright import Arch, Space, choice, defer, layers, n_outputs, nn
from netwright.core.errors import InvalidInput, InvalidSpace, MissingDependency, RunError
from netwright.core.registry import spaces
from netwright.models import Built, build_call, built, deployed, export_onnx, export_source, source_of
from netwright.models.embedding import Embedding
from netwright.models.names import names_in

ALONE = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ImportError("this file must stand alone: " + name)
sys.meta_path.insert(0, Blocked())
sys.path.insert(0, {folder!r})
import numpy, torch, {module}
outputs = {module}.load()(torch.from_numpy(numpy.load({inputs!r}))).detach().numpy()
numpy.save({outputs!r}, outputs)
assert not [name for name in sys.modules if name.startswith("netwright")]
"""


def _run_alone(folder, module: str, example: torch.Tensor) -> np.ndarray:
    """The outputs of an exported file in a process that can't import netwright or the user's own module."""
    inputs, outputs = folder / "inputs.npy", folder / "outputs.npy"
    np.save(inputs, example.numpy())
    code = ALONE.format(
        folder=str(folder), module=module, inputs=str(inputs), outputs=str(outputs), blocked=("netwright", "own_layers")
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return np.load(outputs)


def _trained(space: Space, arch: Arch, shape, n_outputs=3) -> Built:
    """A network whose running statistics and weights aren't fresh."""
    network = built(space, arch, input_shape=shape, n_outputs=n_outputs, seed=3)
    x = torch.randn((16, *shape), generator=torch.Generator().manual_seed(0))
    network.model(x).square().mean().backward()
    with torch.no_grad():
        for parameter in network.model.parameters():
            if parameter.grad is not None:
                parameter.sub_(0.1 * parameter.grad)
    return network


# Source ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*(pytest.param(n, marks=pytest.mark.slow) for n in ("cnn", "mlp")), "resnet"])
def test_an_exported_network_stands_alone(name, tmp_path):
    shape = (6,) if name == "mlp" else (1, 8, 8)
    space = spaces[name](input_shape=shape)
    network = _trained(space, space.default(), shape)
    network = deployed(network, input_mean=np.full(shape[0], 100.0), input_std=np.full(shape[0], 50.0))
    example = torch.randint(0, 255, (5, *shape), dtype=torch.uint8)
    files = export_source(network, tmp_path / f"my_{name}.py", input_shape=shape, example=example, title="Mine.")
    assert [file.name for file in files] == [f"my_{name}.py", f"my_{name}.pt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"my_{name}.pt", f"my_{name}.py"]
    assert network.model.training
    expected = network.model.eval()(example).detach().numpy()
    np.testing.assert_allclose(_run_alone(tmp_path, f"my_{name}", example), expected, rtol=1e-5, atol=1e-6)


def test_own_classes_are_carried_along(own_layers, tmp_path):
    space = Space(
        nn.Sequential(
            defer(own_layers.Child, 2, scales=choice({"few": [1.0], "many": (0.5, 2.0, float("inf"))}, label="s")),
            nn.Hardtanh(), defer(own_layers.WithLazyParts, 4), layers.Residual(nn.LazyLinear(4)),
            nn.LazyLinear(n_outputs),
        )
    )  # fmt: skip
    network = _trained(space, Arch({"s": "few"}), (3,))
    example = torch.randn(4, 3)
    (file, _) = export_source(network, tmp_path / "own.py", input_shape=(3,), example=example)
    text = file.read_text(encoding="utf-8")
    for part in (
        "\nimport math\n", "\nimport torch.nn.functional as F\n", "\nfrom dataclasses import dataclass\n",
        "\nimport torch.nn as torch_nn\n", "\nSLOPE = 0.1\n", "WIDTHS = {'narrow': 2, 'wide': 4}", "def slope_of(",
        "@dataclass(frozen=True)\nclass Scale", "class Child(Parent)",
    ):  # fmt: skip
        assert text.count(part) == 1, part
    assert "x = torch.zeros(3)" not in text
    assert "Sequence\n" not in text
    assert text.index("class Parent") < text.index("class Child")
    expected = network.model.eval()(example).detach().numpy()
    np.testing.assert_allclose(_run_alone(tmp_path, "own", example), expected, rtol=1e-5, atol=1e-6)
    assert 'scales=(0.5, 2.0, float("inf"))' in space.source(Arch({"s": "many"}), input_shape=(3,), n_outputs=3)


def test_an_exported_file_describes_itself(tmp_path, capsys):
    network = build_call(nn.Sequential(nn.LazyLinear(3)), input_shape=(4,))
    (file, _) = export_source(network, tmp_path / "m.py", input_shape=(4,), example=torch.ones(1, 4), outputs="logits")
    assert "inputs: (batch, 4); outputs: logits" in file.read_text(encoding="utf-8")
    runpy.run_path(str(file), run_name="__main__")
    assert capsys.readouterr().out.splitlines()[-2:] == ["output shape for two examples: (2, 3)", "parameters: 15"]


def test_titles_and_names_can_be_odd(tmp_path):
    network = build_call(nn.Sequential(nn.LazyLinear(3)), input_shape=(4,))
    path = tmp_path / "my best-net.py"
    export_source(network, path, input_shape=(4,), example=torch.ones(1, 4), title='"""{braces}\\ and "quotes"')
    text = path.read_text(encoding="utf-8")
    assert "model = load()" in text
    assert 'with_name("my best-net.pt")' in text
    compile(text, "m", "exec")


def test_long_calls_are_broken_over_lines():
    network = built(spaces["resnet"](), spaces["resnet"]().default(), input_shape=(3, 32, 32), n_outputs=10)
    text = source_of(network, input_shape=(3, 32, 32))
    assert max(map(len, text.splitlines())) <= 120
    assert "\n    return nn.Sequential(\n" in text


def test_the_same_files_can_be_written_again(tmp_path):
    for seed in (0, 1):
        network = build_call(nn.Sequential(nn.LazyLinear(3)), input_shape=(4,), seed=seed)
        export_source(network, tmp_path / "m.py", input_shape=(4,), example=torch.ones(1, 4))
    assert torch.equal(torch.load(tmp_path / "m.pt", weights_only=True)["0.weight"], network.model[0].weight)


def test_a_file_that_gives_other_outputs_is_not_written(tmp_path):
    (tmp_path / "m.py").write_text("what was there", encoding="utf-8")
    network = build_call(nn.Sequential(nn.LazyLinear(3), nn.ReLU()), input_shape=(4,))
    other = Built(torch_nn.Sequential(network.model[0], torch_nn.Tanh()), network.call)
    with pytest.raises(RunError, match=r"the exported source doesn't give the model's outputs: they differ by"):
        export_source(other, tmp_path / "m.py", input_shape=(4,), example=torch.randn(8, 4))
    assert (tmp_path / "m.py").read_text(encoding="utf-8") == "what was there"
    assert [path.name for path in tmp_path.iterdir()] == ["m.py"]


@pytest.mark.parametrize(
    ("name", "example", "message"),
    [
        ("m.txt", torch.ones(1, 4), r"the path must end in .py .* but got '.*m.txt'"),
        ("nowhere/m.py", torch.ones(1, 4), "the folder '.*nowhere' doesn't exist: make it first"),
        ("m.py", torch.ones(4), r"`example` must be a batch of inputs of shape \(4,\), but has shape \(4,\)"),
        ("m.py", torch.ones(0, 4), r"`example` must be a batch of inputs of shape \(4,\), but has shape \(0, 4\)"),
    ],
)
def test_wrong_paths_and_examples(name, example, message, tmp_path):
    network = build_call(nn.Sequential(nn.LazyLinear(3)), input_shape=(4,))
    with pytest.raises(InvalidInput, match=message):
        export_source(network, tmp_path / name, input_shape=(4,), example=example)


def test_what_has_no_source_is_refused(own_layers):
    class Local(torch_nn.Module):
        def forward(self, x):
            return x

    def refused(call, message):
        with pytest.raises(InvalidSpace, match=message):
            source_of(build_call(call, input_shape=(4,)), input_shape=(4,))

    refused(nn.Sequential(defer(Local)), "'Local' can't be written into a standalone file: define it by name at")
    refused(nn.Sequential(defer(own_layers.build, 4)), "the exported file has a 'build' of its own: give your 'build'")
    made = type("Made", (torch_nn.Identity,), {"__module__": "own_layers"})
    refused(nn.Sequential(defer(made)), "'Made' has no source that can be exported .*: define it in a file")
    refused(nn.Sequential(defer(torch_nn.Identity, lambda: 0)), "'<lambda>' can't be written into a standalone file")
    refused(nn.Sequential(defer(torch_nn.Identity, object())), "a object can't be written as source: <object")


def test_values_in_calls_are_written_as_they_are():
    values = ["é\"'", None, True, 1.5, b"x", (1,), {"k": [1]}, torch.float16, nn.ReLU, torch.relu, len, float("-inf")]
    call = nn.Sequential(nn.Identity(*values))
    text = source_of(build_call(call, input_shape=(2,)), input_shape=(2,))
    parts = ['"é\\"\'"', "None", "1.5", "b'x'", "(1,)", "{'k': [1]}", "torch.float16", "nn.ReLU", "torch.relu", "len"]
    assert [part for part in parts if part not in text] == []
    assert 'float("-inf")' in text
    compile(text, "m", "exec")


# What a definition needs ----------------------------------------------------------------------------------------------


def _module(name: str, text: str, folder):
    import importlib.util

    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def module_from(tmp_path):
    names = []

    def make(text: str):
        names.append(f"made_module_{len(names)}_{tmp_path.name.replace('-', '_')}")
        return _module(names[-1], text, tmp_path)

    yield make
    for name in names:
        del sys.modules[name]


def _standing_alone(embedding: Embedding) -> dict:
    text = "\n".join(["from __future__ import annotations", *embedding.imports(), embedding.definitions()])
    scope: dict = {"__name__": "alone"}
    exec(compile(text, "alone", "exec"), scope)
    return scope


def test_definitions_come_after_what_they_need_and_circles_are_no_problem(module_from):
    module = module_from(
        """
import logging
import os.path
from functools import partial
from math import tau as full_circle
from typing import TypeVar

T = TypeVar("T")
logger = logging.getLogger(__name__)
double = partial(pow, 2)
LIMITS = (1, 2)
EVEN, ODD = "even", "odd"


def is_even(n: T) -> bool:
    return True if n == 0 else is_odd(n - 1)


def is_odd(n: T) -> bool:
    logger.debug("%s", n)
    return False if n == 0 else is_even(n - 1)


class Base:
    def twin(self):
        return Derived()


class Derived(Base):
    limit = max(LIMITS)

    def all(self, items=[double(n) for n in LIMITS]):
        return [self.limit, *items, full_circle, os.path.sep, is_even(4)]
"""
    )
    embedding = Embedding()
    assert embedding.reference(module.Base) == "Base"
    scope = _standing_alone(embedding)
    assert scope["Base"]().twin().all() == [2, 2, 4, module.full_circle, os.sep, True]
    assert "__name__ =" not in embedding.definitions()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import own_layers\ndef f(): return own_layers.SLOPE", r"module 'own_layers' isn't installed.*import the"),
        ("import numpy as np\nx = np.ones(2)\nx = x + 1\ndef f(): return x", r"'f' uses 'x' \(ndarray\), which can't"),
        ("a, b = object(), 2\ndef f(): return a", r"'f' uses 'a' \(object\), which can't be exported"),
    ],
)
def test_what_a_definition_can_not_take_along(text, message, module_from, own_layers):
    with pytest.raises(InvalidSpace, match=message):
        Embedding().reference(module_from(text).f)


def test_two_things_of_one_name_can_not_share_a_file(module_from):
    first, second = module_from("N = 1\ndef f(): return N"), module_from("N = 2\ndef g(): return N\ndef f(): return 0")
    embedding = Embedding()
    embedding.reference(first.f)
    for other in (second.g, second.f):
        with pytest.raises(InvalidSpace, match=r"two different things are called '.', so they can't share a file"):
            embedding.reference(other)


def test_names_know_when_they_are_used():
    found = names_in(
        "@decorator\nclass A(Base):\n    size: Hint = DEFAULT\n    rows = [f(i) for i in ITEMS]\n"
        "    def run(self, x: Tensor, y=START) -> Result:\n        total: Sum = helper(x, self.size)\n"
        "        return [g(z) for z in total if z is not y]"
    )
    assert found.when_defined == ["decorator", "Base", "DEFAULT", "f", "ITEMS", "START"]
    assert found.when_called == ["helper", "g"]
    assert found.in_annotations == ["Hint", "Tensor", "Result", "Sum"]


# ONNX -----------------------------------------------------------------------------------------------------------------


def test_onnx_gives_the_same_outputs_for_batches_of_any_size(tmp_path, capfd, caplog):
    onnxruntime = pytest.importorskip("onnxruntime")
    shape = (1, 8, 8)
    space = spaces["resnet"](input_shape=shape)
    network = deployed(_trained(space, space.default(), shape), input_mean=np.full(1, 9.0), input_std=np.full(1, 4.0))
    example = torch.randint(0, 17, (3, *shape), dtype=torch.uint8)
    with caplog.at_level(logging.INFO), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert export_onnx(network.model, tmp_path / "m.onnx", example=example[:1]) == [tmp_path / "m.onnx"]
    assert capfd.readouterr() == ("", "")
    assert [record.message for record in caplog.records] == ["m.onnx gives the model's outputs in onnxruntime"]
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]
    assert network.model.training
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    for batch in (example, example[:1]):
        got = session.run(None, {"inputs": batch.numpy()})[0]
        np.testing.assert_allclose(got, network.model.eval()(batch).detach().numpy(), rtol=1e-3, atol=1e-5)
        network.model.train()


def test_what_onnx_can_not_say(tmp_path, own_layers):
    pytest.importorskip("onnxruntime")
    model = build_call(nn.Sequential(defer(own_layers.LooksAtValues)), input_shape=(4,)).model
    with pytest.raises(RunError, match=r"can't be written as ONNX: .*; export it as Python source \(.py\) instead"):
        export_onnx(model, tmp_path / "m.onnx", example=torch.ones(2, 4))
    assert list(tmp_path.iterdir()) == []


def test_wrong_paths_and_examples_of_onnx(tmp_path):
    model = torch_nn.Linear(4, 3)
    with pytest.raises(InvalidInput, match=r"the path must end in .onnx \(nothing else is needed\), but got"):
        export_onnx(model, tmp_path / "m.py", example=torch.ones(1, 4))
    with pytest.raises(InvalidInput, match=r"`example` must be a batch of inputs, but has shape \(0, 4\)"):
        export_onnx(model, tmp_path / "m.onnx", example=torch.ones(0, 4))


def test_without_the_extra_the_line_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)  # how Python says that a module can't be imported
    with pytest.raises(MissingDependency, match=r'ONNX export needs onnxscript: pip install "netwright\[onnx\]"'):
        export_onnx(torch_nn.Linear(4, 3), tmp_path / "m.onnx", example=torch.ones(1, 4))
