"""NAS-Bench-101: the space with its official hashes and sizes, the listed part, and the official file."""

from __future__ import annotations

import base64
import itertools
import json
import struct

import numpy as np
import pytest

from netwright import Space
from netwright.benchmarks.nb101_files import read_cells, save_cells, tfrecords
from netwright.benchmarks.zoo.nb101 import edges_and_ways
from netwright.core import Candidate, Context
from netwright.core.errors import DataError, EvaluationError
from netwright.core.registry import benchmarks, spaces
from netwright.loop import Search
from netwright.spaces.zoo.nb101 import OPERATIONS, arch_of, official_hash
from netwright.strategies import Deduplicated, LocalSearch, Random, RegularizedEvolution
from netwright.testing import check_strategy


def _ask(benchmark, arch, fidelity=1.0):
    return benchmark.evaluator(Candidate(0, arch, fidelity), Context())


# The 20,000 cells


@pytest.fixture(scope="module")
def listed(shared_data):
    return benchmarks["nb101-20k-cifar10"]()


@pytest.mark.shared_data
def test_the_listed_part(listed, shared_data):
    assert listed.optimum() == pytest.approx(94.902, abs=0.001)
    assert listed.space.size() == len(listed.arches()) == len(set(listed.arches())) == 20_000
    assert list(listed.space.enumerate())[:50] == list(listed.arches()[:50])
    with np.load(shared_data / "nb101_20k.npz") as file:
        rows = np.random.default_rng(0).choice(20_000, 200, replace=False)
        for row in rows:
            arch = listed.arches()[row]
            assert official_hash(arch) == bytes(file["hash"][row]).hex()
            assert listed.space.canonical(arch) == arch
            found = _ask(listed, arch)
            assert found["params"] == file["params"][row]
            assert found["val_accuracy"] == pytest.approx(100 * file["val_acc_108ep"][row])


@pytest.mark.shared_data
def test_fidelities(listed):
    arch = listed.arches()[7]
    assert listed.fidelities == (4 / 108, 12 / 108, 36 / 108, 1.0)
    seconds = [_ask(listed, arch, fidelity)["train_seconds"] for fidelity in listed.fidelities]
    assert np.allclose(np.array(seconds) / seconds[-1], listed.fidelities)
    assert listed.values("val_accuracy", 4 / 108).mean() < listed.values("val_accuracy").mean()


@pytest.mark.shared_data
def test_neighbours_are_alike(listed):
    """Their accuracies differ much less than those of any two cells."""
    values = dict(zip(listed.arches(), listed.values("val_accuracy"), strict=True))
    rng = np.random.default_rng(0)
    arches = [listed.space.sample(rng) for _ in range(60)]
    near = [abs(values[a] - values[b]) for a in arches for b in itertools.islice(listed.space.neighbours(a), 4)]
    any_two = [abs(values[a] - values[b]) for a, b in itertools.combinations(arches, 2)]
    assert np.median(near) < 0.7 * np.median(any_two)


@pytest.mark.shared_data
@pytest.mark.parametrize("strategy", [Deduplicated(RegularizedEvolution(20, 5)), LocalSearch()], ids=repr)
def test_strategies_keep_their_contract_on_it(listed, strategy):
    check_strategy(strategy, listed.space, n_candidates=30)


@pytest.mark.shared_data
def test_evolution_beats_random_search_on_it(listed):
    best = {}
    for strategy in (Deduplicated(Random()), Deduplicated(RegularizedEvolution(20, 7))):
        losses = []
        for seed in range(8):
            search = Search(
                listed.space,
                strategy,
                listed.evaluator,
                objectives=listed.objective,
                budget="100 candidates",
                seed=seed,
            )
            losses.append(search.run().best.loss)
        best[type(strategy.strategy)] = -np.mean(losses)
    assert best[RegularizedEvolution] > best[Random]


def test_features_are_the_same_for_isomorphic_cells():
    space = spaces["nb101"]()
    first = arch_of((0, 2, 1), ((0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (0, 4)))
    second = arch_of((2, 0, 1), ((0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (0, 4)))
    dangling = arch_of((0, 2, 1, 0), ((0, 1), (0, 2), (1, 3), (2, 3), (3, 5), (0, 5), (0, 4)))
    other = arch_of((0, 2, 2), ((0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (0, 4)))
    found = edges_and_ways(space, [first, second, dangling, other])
    assert found.shape == (4, 16 + 364)
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()
    assert (found[0] != found[3]).any()
    assert found[0, 16:].sum() == 3  # ways: two through the last operation, one past all
    assert found[0, :16].sum() == 6  # edges


# The official file, in small


def _varint(number):
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _metrics(seconds, validation, test, params):
    """One run as the benchmark's protocol buffer: three evaluations, of which the last one counts."""
    message = b""
    for share in (0.0, 0.5, 1.0):
        doubles = (108 * share, seconds * share, 0.9 * share, validation * share, test * share)
        inner = b"".join(bytes([number << 3 | 1]) + struct.pack("<d", v) for number, v in enumerate(doubles, 1))
        inner += b"\x32\x03a/b"  # where a checkpoint was
        message += b"\x0a" + _varint(len(inner)) + inner
    return message + b"\x10" + _varint(params) + b"\x19" + struct.pack("<d", 1.0)


CELLS = [
    ((0, 1), ((0, 1), (1, 2), (2, 3))),
    ((), ((0, 1),)),
    ((0, 1, 2, 0, 1), ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6))),
]


def _tfrecord(path, epochs=(4, 12, 36, 108)):
    with path.open("wb") as file:
        for number, (operations, edges) in enumerate(CELLS):
            n = len(operations) + 2
            matrix = "".join(str(int((i, j) in edges)) for i in range(n) for j in range(n))
            names = ",".join(["input", *(OPERATIONS[code] for code in operations), "output"])
            for e, run in itertools.product(epochs, range(3)):
                metrics = _metrics(10.0 * e, 0.5 + 0.1 * number + 0.001 * e + 0.01 * run, 0.4, 1_000_000 + number)
                key = official_hash(arch_of(operations, edges))
                data = json.dumps([key, e, matrix, names, base64.b64encode(metrics).decode()]).encode()
                file.write(struct.pack("<Q", len(data)) + b"crc." + data + b"crc.")
    return path


@pytest.mark.parametrize("saved", [False, True])
def test_the_official_file(tmp_path, monkeypatch, saved):
    path = _tfrecord(tmp_path / "nasbench_full.tfrecord")
    if saved:
        save_cells(path, tmp_path / "nb101.npz")
        path.unlink()
    monkeypatch.setenv("NETWRIGHT_DATA", str(tmp_path))
    benchmark = benchmarks["nb101-cifar10"]()
    assert type(benchmark.space).__mro__[1] is Space
    for number, cell in enumerate(CELLS):
        found = _ask(benchmark, arch_of(*cell))
        assert found["val_accuracy"] == pytest.approx(100 * (0.5 + 0.1 * number + 0.108 + 0.01), rel=1e-5)
        assert found["test_accuracy"] == pytest.approx(40)
        assert (found["train_seconds"], found["params"]) == (1080, 1_000_000 + number)
        assert _ask(benchmark, arch_of(*cell), 12 / 108)["train_seconds"] == 120
    # An isomorphic cell, and one with a vertex that leads nowhere.
    assert _ask(benchmark, arch_of((0, 1, 2), ((0, 1), (1, 2), (2, 4), (0, 3)))) == _ask(benchmark, arch_of(*CELLS[0]))
    assert [official_hash(arch) for arch in benchmark.arches()] == [official_hash(arch_of(*cell)) for cell in CELLS]
    with pytest.raises(EvaluationError, match="the table of 3 arches doesn't have"):
        _ask(benchmark, arch_of((1,), ((0, 1), (1, 2))))


def test_the_file_of_108_epochs(tmp_path):
    benchmark = benchmarks["nb101-cifar10"](source=_tfrecord(tmp_path / "nasbench_only108.tfrecord", epochs=(108,)))
    assert benchmark.fidelities == benchmark.evaluator.table.fidelities == (1.0,)


def test_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("NETWRIGHT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"must be one of nb101\.npz, .* but none of them is there: load the official"):
        benchmarks["nb101-cifar10"]()
    with pytest.raises(DataError, match="must be a file, but there is none at"):
        benchmarks["nb101-cifar10"](source=tmp_path / "nowhere.tfrecord")
    with pytest.raises(DataError, match="must be a file, but there is none at"):
        read_cells(tmp_path / "nowhere.tfrecord")
    with pytest.raises(DataError, match=r"the table 'nb101_20k\.npz' must be in"):
        benchmarks["nb101-20k-cifar10"]()


def test_broken_files(tmp_path):
    whole = _tfrecord(tmp_path / "whole.tfrecord").read_bytes()
    broken = tmp_path / "broken.tfrecord"
    for end in (-1, -500, 11):
        broken.write_bytes(whole[:end])
        with pytest.raises(DataError, match="must be a row of whole records, but ends within one"):
            list(tfrecords(broken))
    broken.write_bytes(b"")
    with pytest.raises(DataError, match="has no records"):
        read_cells(broken)
    broken.write_bytes(struct.pack("<Q", 2) + b"crc.[]crc.")
    with pytest.raises(DataError, match="is no file of NAS-Bench-101: a record can't be read"):
        read_cells(broken)
    np.savez(tmp_path / "other.npz", ops=np.zeros(3))
    with pytest.raises(DataError, match=r"other\.npz must have `adjacency` and `op_names`"):
        read_cells(tmp_path / "other.npz")
