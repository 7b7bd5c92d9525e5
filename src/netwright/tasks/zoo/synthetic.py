"""Made-up data for tests and documentation: small, quick, and the same everywhere."""

from __future__ import annotations

import numpy as np

from netwright.core.registry import tasks
from netwright.tasks.from_data import task_from
from netwright.tasks.task import Task

__all__ = ["blobs", "stripes"]


@tasks.register
def blobs(*, seed: int = 0, download: bool = False, n: int = 300) -> Task:
    """Three round clouds of points in four dimensions (made up; seconds to learn).

    Args:
        seed: of the points and the splits.
        download: there is nothing to fetch; every data set is called alike.
        n: examples in all.

    Example:
        >>> blobs().train.inputs.shape
        (192, 4)
    """
    del download
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    centres = np.array([[2.0, 0.0, 0.0, 1.0], [-1.0, 2.0, 0.0, -1.0], [-1.0, -2.0, 1.0, 0.0]])
    points = centres[labels] + rng.normal(size=(n, 4))
    return task_from(points.astype(np.float32), labels, kind="classification", seed=seed, name="blobs")


@tasks.register
def stripes(*, seed: int = 0, download: bool = False, n: int = 600) -> Task:
    """8x8 images of horizontal, vertical or diagonal stripes with noise (made up; seconds to learn).

    Args:
        seed: of the images and the splits.
        download: there is nothing to fetch; every data set is called alike.
        n: examples in all.

    Example:
        >>> stripes().classes
        ('diagonal', 'horizontal', 'vertical')
    """
    del download
    rng = np.random.default_rng(seed)
    kinds = np.array(["horizontal", "vertical", "diagonal"])
    labels = np.arange(n) % 3
    along = np.array([[1.0, 0.0], [0.0, 1.0], [0.7, 0.7]])[labels]  # (n, 2): row and column steps
    rows, columns = np.mgrid[0:8, 0:8]
    phase = rng.uniform(0, 2 * np.pi, size=(n, 1, 1))
    period = rng.uniform(3.0, 5.0, size=(n, 1, 1))
    place = along[:, 0, None, None] * rows + along[:, 1, None, None] * columns
    images = np.sin(2 * np.pi * place / period + phase) + rng.normal(scale=0.6, size=(n, 8, 8))
    pixels = np.clip(images * 50 + 128, 0, 255).astype(np.uint8)
    return task_from(pixels[:, None], kinds[labels], seed=seed, name="stripes")
