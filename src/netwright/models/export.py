"""Files that outlive the library: a readable standalone Python file with its weights, or an ONNX file.

Each export is checked before it appears under its name: it must give the model's own outputs on an example.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import importlib
import importlib.util
import io
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from netwright.core.errors import InvalidInput, MissingDependency, RunError
from netwright.models.build import Built
from netwright.models.evaluation_mode import evaluating
from netwright.models.source import source_of

__all__ = ["export_onnx", "export_source"]

log = logging.getLogger(__name__)

_SOURCE_TOLERANCE = 1e-5  # of the largest output: the same operations, so only their order may differ
_ONNX_TOLERANCE = 1e-4  # another library's kernels


def export_source(
    built: Built,
    path: str | Path,
    *,
    input_shape: tuple[int, ...],
    example: torch.Tensor,
    title: str = "A network found by architecture search.",
    outputs: str = "(batch, outputs)",
) -> list[Path]:
    """Write `model.py`, a standalone file of plain PyTorch, and `model.pt`, its weights, beside it.

    The files are loaded and compared with the model before they take their names; existing ones are replaced.

    Args:
        built: a (trained) model with its call.
        path: of the Python file, ending in .py; the weights take the same name with .pt.
        input_shape: of one example.
        example: a batch of inputs for the comparison, (batch, *input_shape), as raw as the model takes them.
        title: the file's first line.
        outputs: what the outputs are, for the file's docstring.

    Returns:
        The files written: source, weights.

    Example:
        >>> from netwright import nn
        >>> from netwright.models import build_call
        >>> network = build_call(nn.Sequential(nn.LazyLinear(3)), input_shape=(4,))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     files = export_source(network, Path(folder) / "m.py", input_shape=(4,), example=torch.ones(1, 4))
        >>> [file.name for file in files]
        ['m.py', 'm.pt']

    Raises:
        InvalidInput: if the path or the example can't be right.
        InvalidSpace: if a part of the model has no source.
        RunError: if the written file doesn't give the model's outputs.
    """
    path = _checked_path(path, ".py", "the weights go beside it")
    if tuple(example.shape[1:]) != tuple(input_shape) or len(example) == 0:
        raise InvalidInput(
            f"`example` must be a batch of inputs of shape {tuple(input_shape)}, but has shape {tuple(example.shape)}."
        )
    weights = path.with_suffix(".pt")
    text = source_of(
        built, input_shape=input_shape, title=title, outputs=outputs, module=path.stem, weights=weights.name
    )
    expected = _outputs(built.model, example)
    with _scratch(path.parent) as folder:
        source_file, weights_file = folder / path.name, folder / weights.name
        source_file.write_text(text, encoding="utf-8")
        torch.save({name: value.detach().cpu() for name, value in built.model.state_dict().items()}, weights_file)
        _refuse_imports_of_netwright(text)
        module = _loaded(source_file)
        loaded = module.load(weights_file, device=str(_device(built.model)))
        _compare("the exported source", expected, _outputs(loaded, example), _SOURCE_TOLERANCE)
        weights_file.replace(weights)  # first: a source file never stands without its weights
        source_file.replace(path)
    return [path, weights]


def export_onnx(model: nn.Module, path: str | Path, *, example: torch.Tensor) -> list[Path]:
    """Write an ONNX file with a batch of any size, checked with onnxruntime where that is installed.

    Args:
        model: it stays as it is.
        path: of the file, ending in .onnx.
        example: a batch of inputs: it sets the type of the input and is used for the comparison.

    Returns:
        The file written. Whether it was checked is logged.

    Raises:
        InvalidInput: if the path or the example can't be right.
        MissingDependency: without the extra `onnx`.
        RunError: if the model can't be written as ONNX, or onnxruntime doesn't give the model's outputs.
    """
    path = _checked_path(path, ".onnx", "nothing else is needed")
    if example.dim() < 1 or len(example) == 0:
        raise InvalidInput(f"`example` must be a batch of inputs, but has shape {tuple(example.shape)}.")
    try:
        importlib.import_module("onnx")
        importlib.import_module("onnxscript")
    except ImportError as error:
        raise MissingDependency(f'ONNX export needs {error.name}: pip install "netwright[onnx]"') from error
    twin = copy.deepcopy(model).cpu().eval()
    example = example.detach().cpu()
    several = example if len(example) > 1 else torch.cat([example, example])  # a batch of one would be taken for fixed
    with _scratch(path.parent) as folder:
        file = folder / path.name
        try:
            with _silence(), torch.no_grad():
                program = torch.onnx.export(
                    twin,
                    (several,),
                    dynamo=True,
                    dynamic_shapes=({0: torch.export.Dim("batch")},),
                    input_names=["inputs"],
                    output_names=["outputs"],
                    verbose=False,
                )
                assert program is not None  # it is with dynamo=True
                program.save(str(file), external_data=False)
        except Exception as error:
            raise RunError(
                f"the model can't be written as ONNX: {_reason(error)}; export it as Python source (.py) instead."
            ) from error
        if importlib.util.find_spec("onnxruntime") is None:
            log.warning("onnxruntime isn't installed, so %s wasn't checked: pip install 'netwright[onnx]'", path.name)
        else:
            for batch in (several, several[:1]):
                _compare("the ONNX file", _outputs(twin, batch), _run_onnx(file, batch), _ONNX_TOLERANCE)
            log.info("%s gives the model's outputs in onnxruntime", path.name)
        file.replace(path)
    return [path]


def _checked_path(path: str | Path, suffix: str, hint: str) -> Path:
    path = Path(path)
    if path.suffix != suffix:
        raise InvalidInput(f"the path must end in {suffix} ({hint}), but got {str(path)!r}.")
    if not path.parent.is_dir():
        raise InvalidInput(f"the folder {str(path.parent)!r} doesn't exist: make it first.")
    return path


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder on the same file system, so that finished files can be moved into their places at once."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as name:
        yield Path(name)


def _device(model: nn.Module) -> torch.device:
    return next((tensor.device for tensor in model.state_dict().values()), torch.device("cpu"))


def _outputs(model: nn.Module, example: torch.Tensor) -> torch.Tensor:
    with evaluating(model), torch.no_grad():
        result: torch.Tensor = model(example.to(_device(model)))
    return result.float().cpu()


def _refuse_imports_of_netwright(text: str) -> None:
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.partition(".")[0] == "netwright" for name in names):
            raise RunError(f"the exported source would import netwright ({ast.unparse(node)}): please report this.")


def _loaded(file: Path) -> ModuleType:
    """The file as a module of a fresh name, which is forgotten again."""
    name = f"_exported_{file.parent.name.replace('-', '_').strip('._')}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    writes = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise RunError(f"the exported source can't be loaded: {_reason(error)}") from error
    finally:
        sys.dont_write_bytecode = writes
        del sys.modules[name]
    return module


def _compare(what: str, expected: torch.Tensor, got: torch.Tensor, tolerance: float) -> None:
    if expected.shape != got.shape:
        raise RunError(f"{what} gives outputs of shape {tuple(got.shape)}, the model {tuple(expected.shape)}.")
    scale = float(expected.abs().nan_to_num().max()) or 1.0
    difference = float((expected - got).abs().nan_to_num(nan=0.0).max()) / scale
    if not difference <= tolerance or bool((expected.isnan() != got.isnan()).any()):
        raise RunError(
            f"{what} doesn't give the model's outputs: they differ by {difference:.2g} of the largest one "
            f"({tolerance:g} is allowed), so it wasn't written."
        )


def _run_onnx(file: Path, example: torch.Tensor) -> torch.Tensor:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return torch.as_tensor(session.run(None, {"inputs": example.numpy()})[0]).float()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """What the exporter says while it works is of no use to those who asked for a file."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _reason(error: BaseException) -> str:
    """The innermost cause in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines: list[Any] = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0].strip() if lines else 'no reason given'}"
