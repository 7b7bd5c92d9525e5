"""`source_of`: a built model as readable, standalone Python that imports torch and never netwright.

The calls of the resolved space are written out with every lazy layer's size filled in. Classes that aren't torch's own
are carried along as source (see `embedding`), so the file needs nothing but torch and what those classes import.
"""

from __future__ import annotations

import json
import keyword
import math
from typing import Any

import torch
from torch import nn

from netwright.core.errors import InvalidSpace
from netwright.models.build import Built
from netwright.models.embedding import Embedding
from netwright.models.example import input_dtype
from netwright.models.targets import target_of
from netwright.spaces import Call
from netwright.spaces.mirror import Deferred

__all__ = ["source_of"]

_WIDTH = 110

_OWN_NAMES = ("Path", "build", "load")

_TEMPLATE = '''\
"""{title}

Plain PyTorch, written by netwright {version}; nothing of it is needed to run this file.

    {usage}
    outputs = model(inputs)  # inputs: (batch, {shape}); outputs: {outputs}
"""

from __future__ import annotations

{imports}


{definitions}def build() -> nn.Module:
    """The network with fresh weights."""
    return {body}


def load(weights: str | Path = Path(__file__).with_name({weights}), device: str = "cpu") -> nn.Module:
    """The network with the weights of a file, in evaluation mode."""
    model = build()
    model.load_state_dict(torch.load(weights, map_location=device, weights_only=True))
    return model.to(device).eval()


if __name__ == "__main__":
    network = build().eval()
    print(network)
    print("output shape for two examples:", tuple(network(torch.zeros(2, {shape}{dtype})).shape))
    print("parameters:", sum(parameter.numel() for parameter in network.parameters()))
'''


def source_of(
    built: Built,
    *,
    input_shape: tuple[int, ...],
    title: str = "A network found by architecture search.",
    outputs: str = "(batch, outputs)",
    module: str = "model",
    weights: str = "model.pt",
) -> str:
    """A Python file that builds the same network: its `build()` takes the model's `state_dict`.

    Seeded alike (`torch.manual_seed`), its `build()` draws the same weights as `netwright.models.build`.

    Args:
        built: a model with its call, from `netwright.models.built`.
        input_shape: of one example.
        title: the file's first line.
        outputs: what the outputs are, for the docstring.
        module, weights: the names of the file (without .py) and of the file of weights beside it.

    Example:
        >>> from netwright import nn
        >>> from netwright.models import build_call
        >>> text = source_of(build_call(nn.Sequential(nn.LazyLinear(3)), input_shape=(4,)), input_shape=(4,))
        >>> print(text[text.index("    return nn") : text.index("def load")].strip())
        return nn.Sequential(nn.Linear(4, 3))

    Raises:
        InvalidSpace: if something in the model has no source (a class made at run time, a lambda, …).
    """
    from netwright import __version__

    embedding = Embedding(_OWN_NAMES, ("from pathlib import Path",))
    dtype = input_dtype(built.model)
    body = _Writer(embedding).write(built.call, 4)
    definitions = embedding.definitions()
    importable = module.isidentifier() and not keyword.iskeyword(module)
    return _TEMPLATE.format(
        title=_in_docstring(title),
        version=__version__,
        usage=f"model = {module}.load()  # after `import {module}`" if importable else "model = load()",
        weights=json.dumps(weights),
        shape=", ".join(map(str, input_shape)),
        dtype="" if dtype == torch.float32 else f", dtype={dtype}",
        outputs=_in_docstring(outputs),
        imports="\n".join(embedding.imports()),
        definitions=definitions + "\n\n\n" if definitions else "",
        body=body,
    )


def _in_docstring(text: str) -> str:
    return text.replace("\\", "/").replace('"""', "'''")


class _Writer:
    def __init__(self, embedding: Embedding) -> None:
        self.embedding = embedding

    def write(self, value: Any, indent: int) -> str:
        """The expression for a value; broken over lines, each part `indent` + 4 in, if it is long."""
        if isinstance(value, Call):
            return self._call(value, indent)
        if isinstance(value, (list, tuple)):
            parts = [self.write(item, indent + 4) for item in value]
            if isinstance(value, tuple) and len(parts) == 1:
                return f"({parts[0]},)"
            opening, closing = "[]" if isinstance(value, list) else "()"
            return _join(opening, parts, closing, indent)
        if isinstance(value, dict):
            parts = [f"{key!r}: {self.write(item, indent + 4)}" for key, item in value.items()]
            return _join("{", parts, "}", indent)
        if isinstance(value, Deferred):
            return self.embedding.reference(target_of(value))
        if isinstance(value, str):
            return json.dumps(value, ensure_ascii=False)
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        if value is None or isinstance(value, (bool, int, float, bytes, torch.dtype)):
            return repr(value)
        if isinstance(value, type) or callable(value):
            return self.embedding.reference(value)
        raise InvalidSpace(f"a {type(value).__name__} can't be written as source: {value!r}. Use plain values.")

    def _call(self, call: Call, indent: int) -> str:
        target = target_of(call)
        args = [arg for arg in call.args if arg is not None] if target is nn.Sequential else list(call.args)
        written = [self.write(arg, indent + 4) for arg in args]
        written += [f"{key}={self.write(value, indent + 4)}" for key, value in call.kwargs.items()]
        return _join(f"{self.embedding.reference(target)}(", written, ")", indent)


def _join(opening: str, parts: list[str], closing: str, indent: int) -> str:
    line = opening + ", ".join(parts) + closing
    # A Sequential of several layers reads better one layer a line.
    several = opening == "nn.Sequential(" and len(parts) > 2
    if "\n" not in line and len(line) + indent <= _WIDTH and not several:
        return line
    pad = " " * (indent + 4)
    return opening + "\n" + "".join(f"{pad}{part},\n" for part in parts) + " " * indent + closing
