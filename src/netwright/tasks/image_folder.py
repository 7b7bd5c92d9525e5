"""A folder of images with one subfolder for each class."""

from __future__ import annotations

import importlib
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from netwright.core.errors import DataError, MissingDependency, problems

__all__ = ["pillow_image", "read_image_folder"]

Array = npt.NDArray[Any]

_ENDINGS = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
_GREY = {"1", "L", "LA"}
_MOST_BYTES = 2_000_000_000
_UNREADABLE = (OSError, ValueError, SyntaxError)  # Pillow raises SyntaxError for broken PNG files
_VALIDATION = ("val", "valid", "validation")


def pillow_image(what: str) -> Any:
    """The module `PIL.Image`.

    Args:
        what: is to be read, for the error.

    Raises:
        MissingDependency: without Pillow.
    """
    try:
        return importlib.import_module("PIL.Image")
    except ImportError as error:
        raise MissingDependency(f'reading {what} needs Pillow: pip install "netwright[images]"') from error


def read_image_folder(folder: Path) -> tuple[Array, Array, tuple[Array, Array] | None, list[str]]:
    """Images uint8 (n, channels, height, width), labels (n,), the test part if there is one, and notes.

    Either class folders, or `train` and `test` (or `val`) with class folders each. All images get the size that half of
    them have, else the median width and height. Grey if all are grey, else three colours.

    Raises:
        DataError: if there are no images by class, or files that can't be read; all are listed.
        MissingDependency: without Pillow.
    """
    notes: list[str] = []
    learned, held = _parts(folder, notes)
    files = [*learned, *held]
    images = _read([file for file, _ in files], folder, notes)
    labels = np.array([label for _, label in files])
    n_learned = len(learned)
    notes.insert(0, f"{len(files):,} images in {len(set(labels.tolist()))} class folders.")
    test = (images[n_learned:], labels[n_learned:]) if held else None
    return images[:n_learned], labels[:n_learned], test, notes


def _parts(folder: Path, notes: list[str]) -> tuple[list[tuple[Path, str]], list[tuple[Path, str]]]:
    train = folder / "train"
    if not (train.is_dir() and any(child.is_dir() for child in train.iterdir())):
        found = _by_class(folder)
        if not found:
            inside = sorted(child.name for child in folder.iterdir())[:8]
            raise DataError(
                f"a folder of images needs one subfolder for each class with images in it, but {str(folder)!r} has "
                f"{', '.join(inside) or 'nothing'} and no such images."
            )
        return found, []
    learned = _by_class(train)
    validation = [file for name in _VALIDATION for file in _by_class(folder / name)]
    held = _by_class(folder / "test")
    if held and validation:
        notes.append(
            "the images of the validation folder joined those of train; the validation part is drawn from them."
        )
        return learned + validation, held
    if validation:
        notes.append("the validation folder is the test part, as there is no test folder.")
    if not learned:
        raise DataError(f"no images in the class folders of {str(train)!r}.")
    return learned, held or validation


def _by_class(folder: Path) -> list[tuple[Path, str]]:
    if not folder.is_dir():
        return []
    return [
        (file, child.name)
        for child in sorted(folder.iterdir())
        if child.is_dir() and not child.name.startswith(".")
        for file in sorted(child.rglob("*"))
        if file.suffix.lower() in _ENDINGS and not file.name.startswith(".")
    ]


def _read(files: list[Path], folder: Path, notes: list[str]) -> Array:
    module = pillow_image("images")
    unreadable: dict[Path, str] = {}
    seen: list[tuple[tuple[int, int], str]] = []
    for file in files:  # sizes and modes first, which takes no decoding: then no image is held but at its final size
        try:
            with module.open(file) as image:
                seen.append((image.size, image.mode))
        except _UNREADABLE as error:
            unreadable[file] = type(error).__name__
    size = _common_size([size for size, _ in seen], notes) if seen else (1, 1)
    grey = all(mode in _GREY or mode.startswith("I") for _, mode in seen)
    images = np.empty((len(files), *size[::-1]) if grey else (len(files), *size[::-1], 3), dtype=np.uint8)
    for place, file in enumerate(files):
        if file in unreadable:
            continue
        try:
            with module.open(file) as image:
                plain = _eight_bits(image, module).convert("L" if grey else "RGB")
                fitted = plain if plain.size == size else plain.resize(size, module.Resampling.BILINEAR)
                images[place] = np.asarray(fitted)
        except _UNREADABLE as error:
            unreadable[file] = type(error).__name__
    if unreadable:
        listed = [f"{file.relative_to(folder)}: {name}" for file, name in sorted(unreadable.items())]
        shown = [*listed[:20], *([f"and {len(listed) - 20} more"] if len(listed) > 20 else [])]
        raise DataError(problems(f"{len(listed)} image files can't be read; remove or repair them", shown))
    return images[:, None] if grey else np.ascontiguousarray(np.moveaxis(images, -1, 1))


def _common_size(sizes: list[tuple[int, int]], notes: list[str]) -> tuple[int, int]:
    """Width and height for all: the size that half of them have, else the medians; smaller where memory asks for it."""
    counts = Counter(sizes)
    # The larger one where two sizes are equally common: the choice must not depend on the order of files.
    size = max(counts, key=lambda size: (counts[size], size))
    what = "the most common one"
    if 2 * counts[size] < len(sizes):
        size = (int(np.median([width for width, _ in sizes])), int(np.median([height for _, height in sizes])))
        what = "the median width and height"
    factor = math.sqrt(_MOST_BYTES / (3.0 * len(sizes) * size[0] * size[1]))
    if factor < 1.0:
        size = (max(1, int(size[0] * factor)), max(1, int(size[1] * factor)))
        what = f"a size at which all fit into {_MOST_BYTES / 1e9:g} GB of memory"
    others = len(sizes) - counts[size]
    if others:
        n_sizes = len(counts) - (size in counts)
        notes.append(
            f"{others:,} images of {n_sizes:,} other size(s) were resized to {what}, {size[0]}x{size[1]} "
            "(width x height)."
        )
    return size


def _eight_bits(image: Any, module: Any) -> Any:
    """Grey images of 16 bits as ones of 8; Pillow itself would cut off all that is brighter than 255."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image)
    return module.fromarray((values >> 8).astype(np.uint8) if values.max(initial=0) > 255 else values.astype(np.uint8))
