"""The front doors: one call from data to a trained model.

The estimators need scikit-learn, which takes a second to import: that happens when the first of them is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from netwright.automl.progress import Progress, Quiet
from netwright.automl.result import Best, Result
from netwright.automl.searching import load_result, resume, search

if TYPE_CHECKING:
    from netwright.automl.estimators import (
        ImageClassifier,
        NeuralArchitectureSearch,
        TabularClassifier,
        TabularRegressor,
    )

__all__ = [
    "Best",
    "ImageClassifier",
    "NeuralArchitectureSearch",
    "Progress",
    "Quiet",
    "Result",
    "TabularClassifier",
    "TabularRegressor",
    "load_result",
    "resume",
    "search",
]

_ESTIMATORS = ("ImageClassifier", "NeuralArchitectureSearch", "TabularClassifier", "TabularRegressor")


def __getattr__(name: str) -> Any:
    if name in _ESTIMATORS:
        return getattr(importlib.import_module("netwright.automl.estimators"), name)
    raise AttributeError(f"module 'netwright.automl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ESTIMATORS})
