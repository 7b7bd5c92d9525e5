"""The language of search spaces and what can be done with one. Needs numpy only."""

from netwright.spaces.language import (
    cell,
    choice,
    defer,
    derive,
    integer,
    n_outputs,
    real,
    recurse,
    repeat,
    subset,
)
from netwright.spaces.listed import ListedSpace
from netwright.spaces.mirror import layers, nn
from netwright.spaces.nodes import Call, Node
from netwright.spaces.space import Space

__all__ = [
    "Call",
    "ListedSpace",
    "Node",
    "Space",
    "cell",
    "choice",
    "defer",
    "derive",
    "integer",
    "layers",
    "n_outputs",
    "nn",
    "real",
    "recurse",
    "repeat",
    "subset",
]
