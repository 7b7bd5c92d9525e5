"""The NAS-Bench-201 space: 15,625 cells in a fixed network.

Dong & Yang 2020, NAS-Bench-201, https://arxiv.org/abs/2001.00326; also NATS-Bench's topology space,
https://arxiv.org/abs/2009.00437. Parameter counts equal the published ones for every arch.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.core.registry import spaces
from netwright.spaces.language import cell, n_outputs
from netwright.spaces.mirror import layers, nn
from netwright.spaces.nodes import Call
from netwright.spaces.space import Space

__all__ = ["EDGES", "OPERATIONS", "from_official_string", "nb201", "official_string"]

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
"""The five operations, in the official order."""

EDGES = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))
"""(target, source) of the six edges, in the order of the official string."""

_NAMES = tuple(f"cell.{target}<-{source}" for target, source in EDGES)


@spaces.register
def nb201(*, channels: int = 16, n_cells: int = 5, input_shape: tuple[int, ...] = (3, 32, 32)) -> Space:
    """NAS-Bench-201: one cell of four nodes, six edges and five operations, repeated in a fixed network.

    Args:
        channels: of the first stage; the second and third have twice and four times as many.
        n_cells: cells in each stage. The benchmark's own are 16 and 5.
        input_shape: (channels, height, width) of an image.

    Example:
        >>> space = nb201()
        >>> space.size()
        15625
        >>> official_string(space.default())
        '|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|'
    """
    return network("nb201", channels=channels, n_cells=n_cells, input_shape=input_shape)


def network(name: str, *, channels: int, n_cells: int, input_shape: tuple[int, ...]) -> Space:
    """The space of the cell in a network of three stages; see `nb201`."""
    if channels < 1 or n_cells < 1:
        raise InvalidInput(f"`channels` and `n_cells` must be at least 1, but got {channels} and {n_cells}.")
    if len(input_shape) != 3 or min(input_shape[1:]) < 4:
        raise InvalidInput(f"`{name}` needs images of at least 4x4 pixels, but the inputs have shape {input_shape}.")
    stages: list[Call] = [nn.Conv2d(input_shape[0], channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)]
    for stage in range(3):
        width = channels * 2**stage
        if stage:
            stages.append(layers.NB201Reduction(width // 2, width))
        stages.extend(cell(_operations(width), 4, label="cell") for _ in range(n_cells))
    head = [nn.BatchNorm2d(4 * channels), nn.ReLU(), layers.GlobalAveragePool(), nn.Linear(4 * channels, n_outputs)]
    space = Space(nn.Sequential(*stages, *head), name=name, canonical=canonical)
    default = dict.fromkeys(_NAMES, "nor_conv_3x3") | {"cell.3<-0": "skip_connect"}
    return space.starting_at(Arch(default))


def _operations(width: int) -> dict[str, Call | None]:
    return {
        "none": None,
        "skip_connect": nn.Identity(),
        "nor_conv_1x1": layers.ReLUConvNorm(width, width, 1),
        "nor_conv_3x3": layers.ReLUConvNorm(width, width, 3),
        "avg_pool_3x3": nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
    }


def official_string(arch: Arch) -> str:
    """The benchmark's own text for an arch: `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`.

    Raises:
        InvalidSpace: if it isn't an arch of this space.
    """
    if set(arch) != set(_NAMES):
        raise InvalidSpace(f"an arch of nb201 decides {', '.join(_NAMES)}, but got {', '.join(arch)}.")
    nodes = [
        "".join(f"|{arch[name]}~{source}" for (target, source), name in zip(EDGES, _NAMES, strict=True) if target == n)
        for n in (1, 2, 3)
    ]
    return "+".join(f"{node}|" for node in nodes)


def from_official_string(text: str) -> Arch:
    """The arch for the benchmark's own text.

    Example:
        >>> text = "|none~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_3x3~2|"
        >>> official_string(from_official_string(text)) == text
        True

    Raises:
        InvalidSpace: if it isn't such a text.
    """
    found = re.findall(r"\|([^|~+]+)~(\d)", text)
    expected = [source for _, source in EDGES]
    wrong = sorted({op for op, _ in found} - set(OPERATIONS))
    arch = Arch({name: op for name, (op, _) in zip(_NAMES, found)})  # noqa: B905  # lengths are checked below
    if wrong or [int(s) for _, s in found] != expected or official_string(arch) != text.strip():
        hint = f" unknown operations: {', '.join(wrong)};" if wrong else ""
        raise InvalidSpace(
            f"an nb201 text must look like |op~0|+|op~0|op~1|+|op~0|op~1|op~2| with operations of "
            f"{', '.join(OPERATIONS)};{hint} but got {text!r}."
        )
    return arch


def canonical(arch: Arch) -> Arch:
    """One arch for all that compute the same function: the first in the order of enumeration.

    Skip connections pass their input on, sums don't care for order, missing edges and pools of nothing add nothing.
    A convolution of nothing stays: its batch normalisation has a bias.
    """
    return _representatives()[arch]


def _formula(arch: Arch) -> str:
    nodes = ["x"]
    for target in (1, 2, 3):
        terms = []
        for source in range(target):
            operation, value = arch[f"cell.{target}<-{source}"], nodes[source]
            if operation == "none" or (value == "0" and operation in ("skip_connect", "avg_pool_3x3")):
                continue
            if operation == "skip_connect":
                terms += [value] if value[0] != "[" else value[1:-1].split(" + ") if "(" not in value else [value]
            else:
                terms.append(f"{operation}({value})")
        nodes.append("0" if not terms else terms[0] if len(terms) == 1 else f"[{' + '.join(sorted(terms))}]")
    return nodes[-1]


@lru_cache(maxsize=1)
def _representatives() -> dict[Arch, Arch]:
    """For each of the 15,625 arches: a search asks often."""
    first: dict[str, Arch] = {}
    arches = (
        Arch(dict(zip(_NAMES, operations, strict=True)))
        for operations in itertools.product(OPERATIONS, repeat=len(EDGES))
    )
    return {arch: first.setdefault(_formula(arch), arch) for arch in arches}
