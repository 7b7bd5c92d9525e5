"""A folder of images with one subfolder for each class."""

from __future__ import annotations

import importlib
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

    Either class folders, or `train` and `test` (or `val`) with class folders each. Images of another size than the most
    common one are resized to it. Grey if all are grey, else three colours.

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
    images, unreadable = [], []
    for file in files:
        try:
            with module.open(file) as image:
                image.load()
                images.append(image.convert("L" if image.mode in _GREY else "RGB"))
        except (OSError, ValueError, SyntaxError) as error:  # Pillow raises SyntaxError for broken PNG files
            unreadable.append(f"{file.relative_to(folder)}: {type(error).__name__}")
    if unreadable:
        shown = [*unreadable[:20], *([f"and {len(unreadable) - 20} more"] if len(unreadable) > 20 else [])]
        raise DataError(problems(f"{len(unreadable)} image files can't be read; remove or repair them", shown))
    sizes = Counter(image.size for image in images)
    # The larger one where two sizes are equally common: the choice must not depend on the order of files.
    size = max(sizes, key=lambda size: (sizes[size], size))
    if len(sizes) > 1:
        notes.append(
            f"{len(images) - sizes[size]} images of {len(sizes) - 1} other sizes were resized to the most common one, "
            f"{size[0]}x{size[1]} (width x height)."
        )
    mode = "L" if all(image.mode == "L" for image in images) else "RGB"
    arrays = [
        np.asarray((image if image.size == size else image.resize(size, module.Resampling.BILINEAR)).convert(mode))
        for image in images
    ]
    stacked = np.stack(arrays)
    return stacked[:, None] if mode == "L" else np.ascontiguousarray(np.moveaxis(stacked, -1, 1))
