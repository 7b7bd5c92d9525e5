"""Small classics that come with scikit-learn: nothing to fetch."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np

from netwright.core.registry import tasks
from netwright.tasks.from_data import task_from
from netwright.tasks.task import Task

__all__ = ["breast_cancer", "diabetes", "digits", "wine"]


@tasks.register
def digits(*, seed: int = 0, download: bool = False) -> Task:
    """1,797 handwritten digits of 8x8 pixels with values 0..16.

    Args:
        seed: of the splits.
        download: there is nothing to fetch; every data set is called alike.
    """
    del download
    data = _bundled("load_digits")
    return task_from(data.images.astype(np.float32)[:, None], data.target, seed=seed, name="digits", flip=False)


@tasks.register
def wine(*, seed: int = 0, download: bool = False) -> Task:
    """178 wines of three growers with 13 measurements.

    Args:
        seed: of the splits.
        download: there is nothing to fetch; every data set is called alike.
    """
    del download
    return _table("load_wine", "wine", seed)


@tasks.register
def breast_cancer(*, seed: int = 0, download: bool = False) -> Task:
    """569 tumours, malignant or benign, with 30 measurements.

    Args:
        seed: of the splits.
        download: there is nothing to fetch; every data set is called alike.
    """
    del download
    return _table("load_breast_cancer", "breast_cancer", seed)


@tasks.register
def diabetes(*, seed: int = 0, download: bool = False) -> Task:
    """442 patients with 10 measurements and the progress of their disease (regression).

    Args:
        seed: of the splits.
        download: there is nothing to fetch; every data set is called alike.
    """
    del download
    return _table("load_diabetes", "diabetes", seed)


def _table(loader: str, name: str, seed: int) -> Task:
    data = _bundled(loader)
    kind = "classification" if "target_names" in data else "regression"
    labels = data.target_names[data.target] if kind == "classification" else data.target
    task = task_from(data.data.astype(np.float32), labels, kind=kind, seed=seed, name=name)  # type: ignore[arg-type]  # one of two literals
    return replace(task, feature_names=tuple(map(str, data.feature_names)))


def _bundled(loader: str) -> Any:
    return getattr(importlib.import_module("sklearn.datasets"), loader)()
