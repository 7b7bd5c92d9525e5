"""netwright designs neural networks: any module, any strategy, a trained standalone model.

`import netwright` is light: what needs torch is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from netwright.core import Arch, Budget, Candidate, Constraint, History, Objective, Record
from netwright.core.errors import NetwrightError
from netwright.spaces import (
    Space,
    cell,
    choice,
    defer,
    derive,
    integer,
    layers,
    n_outputs,
    nn,
    real,
    recurse,
    repeat,
    subset,
)

if TYPE_CHECKING:
    from netwright.automl import (
        ImageClassifier,
        NeuralArchitectureSearch,
        Result,
        TabularClassifier,
        TabularRegressor,
        load_result,
        resume,
        search,
    )
    from netwright.evaluators import TrainingPlan
    from netwright.loop import Search
    from netwright.models import source_of
    from netwright.tasks import load, task_from

__version__ = "0.1.0"

__all__ = [
    "Arch",
    "Budget",
    "Candidate",
    "Constraint",
    "History",
    "ImageClassifier",
    "NetwrightError",
    "NeuralArchitectureSearch",
    "Objective",
    "Record",
    "Result",
    "Search",
    "Space",
    "TabularClassifier",
    "TabularRegressor",
    "TrainingPlan",
    "build",
    "cell",
    "choice",
    "defer",
    "derive",
    "integer",
    "layers",
    "load",
    "load_result",
    "n_outputs",
    "nn",
    "profile",
    "real",
    "recurse",
    "repeat",
    "resume",
    "search",
    "source_of",
    "subset",
    "task_from",
]

_LATER = {
    "ImageClassifier": "netwright.automl",
    "NeuralArchitectureSearch": "netwright.automl",
    "Result": "netwright.automl",
    "Search": "netwright.loop",
    "TabularClassifier": "netwright.automl",
    "TabularRegressor": "netwright.automl",
    "TrainingPlan": "netwright.evaluators",
    "build": "netwright.models",
    "load": "netwright.tasks",
    "load_result": "netwright.automl",
    "profile": "netwright.models",
    "resume": "netwright.automl",
    "search": "netwright.automl",
    "source_of": "netwright.models",
    "task_from": "netwright.tasks",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module 'netwright' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
