"""The image classics: from files on this machine, or fetched from OpenML if that is asked for."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from netwright.core.errors import DataError
from netwright.core.registry import tasks
from netwright.tasks.from_data import task_from
from netwright.tasks.image_folder import pillow_image
from netwright.tasks.places import cache_folder, data_folders, fetch, find_idx, read_cifar_batch
from netwright.tasks.task import Task

__all__ = ["cifar10", "fashion_mnist", "mnist"]

Array = npt.NDArray[Any]

_FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_MNIST_TRAIN, _CIFAR_TRAIN = 60_000, 50_000  # the official training parts; the rest is the test part
_DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")


@dataclass(frozen=True, slots=True, eq=False)
class _Images:
    """What was found: images uint8 (n, channels, height, width), class indices, and where."""

    inputs: Array
    targets: Array
    note: str
    test: tuple[Array, Array] | None = None


@tasks.register
def mnist(*, seed: int = 0, download: bool = False) -> Task:
    """MNIST: 70,000 handwritten digits of 28x28 pixels (10,000 where only those are found).

    Args:
        seed: of the splits; the official test part is kept.
        download: whether to fetch it from OpenML if it isn't on this machine.
    """
    folders = data_folders()
    found = _idx("MNIST", [sub for folder in folders for sub in _subfolders(folder, "mnist", "MNIST/raw", "MNIST")])
    found = found or _idx("MNIST", [folder for folder in folders if "fashion" not in folder.name.lower()])
    found = found or _cached("mnist", _MNIST_TRAIN)
    if found is None and download:
        found = _fetched("mnist", 554, _MNIST_TRAIN, (1, 28, 28))
    if found is None:
        for folder in folders:
            if (folder / "mnist_10k.npz").is_file():
                with np.load(folder / "mnist_10k.npz", allow_pickle=False) as file:
                    note = "only 10,000 of the 70,000 digits were found (mnist_10k.npz): others' figures don't compare."
                    found = _Images(file["x"][:, None], file["y"].astype(np.int64), note)
                break
    if found is None:
        raise _absent(
            "mnist", "the four idx files (train-images-idx3-ubyte.gz …) in a folder `mnist`, or mnist_10k.npz"
        )
    return _task("mnist", found, tuple(range(10)), seed=seed, flip=False)


@tasks.register
def fashion_mnist(*, seed: int = 0, download: bool = False) -> Task:
    """Fashion-MNIST: 70,000 pieces of clothing of 28x28 pixels, the official 10,000 to test.

    Xiao et al. 2017, https://arxiv.org/abs/1708.07747.

    Args:
        seed: of the validation part.
        download: whether to fetch it from OpenML if it isn't on this machine.
    """
    names = ("fashion-mnist", "fashion_mnist", "FashionMNIST/raw", "FashionMNIST")
    places = [sub for folder in data_folders() for sub in _subfolders(folder, *names)]
    named = [folder for folder in data_folders() if "fashion" in folder.name.lower()]
    found = _idx("Fashion-MNIST", [*places, *named, _DEBIAN_FASHION]) or _cached("fashion_mnist", _MNIST_TRAIN)
    if found is None and download:
        found = _fetched("fashion_mnist", 40_996, _MNIST_TRAIN, (1, 28, 28))
    if found is None:
        raise _absent(
            "fashion_mnist",
            "the four idx files (train-images-idx3-ubyte.gz …) in a folder `fashion-mnist` (or, on Debian, install the "
            "package dataset-fashion-mnist)",
        )
    return _task("fashion_mnist", found, _FASHION, seed=seed, flip=True)


@tasks.register
def cifar10(*, seed: int = 0, download: bool = False) -> Task:
    """CIFAR-10: 60,000 colour photographs of 32x32 pixels (10,000 where only those are found).

    Krizhevsky 2009, Learning multiple layers of features from tiny images.

    Args:
        seed: of the splits; the official test part is kept.
        download: whether to fetch it from OpenML if it isn't on this machine.
    """
    folders = data_folders()
    found = _cifar_batches([folder / "cifar-10-batches-py" for folder in folders]) or _cached("cifar10", _CIFAR_TRAIN)
    if found is None and download:
        found = _fetched("cifar10", 40_927, _CIFAR_TRAIN, (3, 32, 32))
    if found is None:
        for folder in folders:
            if (folder / "cifar10_jpeg_test.npz").is_file():
                found = _cifar_jpegs(folder / "cifar10_jpeg_test.npz")
                break
    if found is None:
        raise _absent("cifar10", "the folder cifar-10-batches-py, or cifar10_jpeg_test.npz")
    return _task("cifar10", found, _CIFAR, seed=seed, flip=True)


def _task(name: str, found: _Images, classes: tuple[Any, ...], *, seed: int, flip: bool) -> Task:
    labels = np.array(classes)
    highest = max(int(part.max(initial=0)) for part in (found.targets, *(found.test or ())[1:]))
    if highest >= len(classes):
        raise DataError(f"{name} must have the labels 0..{len(classes) - 1}, but the files found hold a {highest}.")
    test = None if found.test is None else (found.test[0], labels[found.test[1]])
    task = task_from(
        found.inputs, labels[found.targets], kind="classification", test=test, seed=seed, name=name, flip=flip
    )
    return replace(task, notes=(found.note, *task.notes[1:]))


def _subfolders(folder: Path, *names: str) -> list[Path]:
    return [folder / name for name in names if (folder / name).is_dir()]


def _idx(name: str, folders: list[Path]) -> _Images | None:
    parts = find_idx(folders)
    if parts is None:
        return None
    inputs, targets, test_inputs, test_targets = parts
    note = f"{name} from its original files, with the official test part."
    return _Images(
        inputs[:, None], targets.astype(np.int64), note, (test_inputs[:, None], test_targets.astype(np.int64))
    )


def _cifar_batches(folders: list[Path]) -> _Images | None:
    names = [*(f"data_batch_{index}" for index in range(1, 6)), "test_batch"]
    for folder in folders:
        if all((folder / name).is_file() for name in names):
            batches = [read_cifar_batch(folder / name) for name in names]
            inputs, targets = (np.concatenate([batch[i] for batch in batches[:5]]) for i in (0, 1))
            return _Images(
                inputs, targets, "CIFAR-10 from its original files, with the official test part.", batches[5]
            )
    return None


def _cifar_jpegs(path: Path) -> _Images:
    image = pillow_image(path.name)
    with np.load(path, allow_pickle=False) as file:
        data, offsets, targets = file["data"], file["offsets"], file["labels"].astype(np.int64)
    pixels = [
        np.asarray(image.open(BytesIO(data[start:end].tobytes())).convert("RGB"))
        for start, end in itertools.pairwise(offsets)
    ]
    note = (
        "only the 10,000 official test images were found, as JPEG (cifar10_jpeg_test.npz): they are split anew; don't "
        "compare with others' figures."
    )
    return _Images(np.ascontiguousarray(np.moveaxis(np.stack(pixels), -1, 1)), targets, note)


def _cached(name: str, n_train: int) -> _Images | None:
    path = cache_folder() / f"{name}.npz"
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as file:
        x, y = file["x"], file["y"]
    note = f"{name} from OpenML, with the official test part."
    return _Images(x[:n_train], y[:n_train], note, (x[n_train:], y[n_train:]))


def _fetched(name: str, data_id: int, n_train: int, shape: tuple[int, ...]) -> _Images | None:
    x, y = fetch(data_id, name)
    path = cache_folder() / f"{name}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")  # renamed when it is whole: a killed download leaves nothing half
    np.savez_compressed(part, x=x.reshape(-1, *shape).astype(np.uint8), y=y)
    part.replace(path)
    return _cached(name, n_train)


def _absent(name: str, files: str) -> DataError:
    return DataError(
        f"{name} isn't on this machine: put {files} into the folder of the environment variable NETWRIGHT_DATA or into "
        f"{cache_folder()}, or let it be fetched (`download=True`, `--download`)."
    )
