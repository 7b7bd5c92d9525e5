"""Pickles of others: numbers come through, anything else doesn't."""

from __future__ import annotations

import bz2
import collections
import os
import pickle

import numpy as np
import pytest
import torch

from netwright.benchmarks.plain_pickles import read_pickle, read_torch_file
from netwright.core.errors import DataError

CONTENT = {
    "texts": ["a", "b"],
    "numbers": (1, 2.5, np.float64(0.25), np.int64(3)),
    "array": np.arange(3.0),
    "ordered": collections.OrderedDict({0: 1.0}),
    "set": {1, 2},
}


def _same(found):
    assert found.keys() == CONTENT.keys()
    np.testing.assert_array_equal(found.pop("array"), CONTENT["array"])
    assert found == {name: value for name, value in CONTENT.items() if name != "array"}


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_numbers_and_containers_come_through(tmp_path, protocol):
    data = pickle.dumps(CONTENT, protocol=protocol)
    (tmp_path / "a.pkl").write_bytes(data)
    _same(read_pickle(tmp_path / "a.pkl"))
    (tmp_path / "a.pickle.pbz2").write_bytes(bz2.compress(data))
    _same(read_pickle(tmp_path / "a.pickle.pbz2"))


def test_the_address_that_old_numpy_gave(tmp_path):
    data = pickle.dumps(np.float64(0.5), protocol=2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    (tmp_path / "old.pkl").write_bytes(data)
    assert read_pickle(tmp_path / "old.pkl") == 0.5


class _Harm:
    def __reduce__(self):
        return os.system, ("echo harm > harmed",)


def test_nothing_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"numbers": [1, _Harm()]}))
    with pytest.raises(DataError, match=r"this file asks for (posix|nt)\.system: it is none of the known tables"):
        read_pickle(tmp_path / "a.pkl")
    torch.save({"numbers": [1, _Harm()]}, tmp_path / "a.pth")
    with pytest.raises(DataError, match=r"this file asks for (posix|nt)\.system"):
        read_torch_file(tmp_path / "a.pth")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_torch(tmp_path, zipped):
    torch.save(CONTENT, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    _same(read_torch_file(tmp_path / "a.pth"))


def test_what_is_no_pickle(tmp_path):
    for name in ("a.pkl", "a.pickle.pbz2"):
        (tmp_path / name).write_bytes(b"no pickle")
        with pytest.raises(DataError, match=f"{name} can't be read as a table"):
            read_pickle(tmp_path / name)
    (tmp_path / "a.pth").write_bytes(b"no pickle")
    with pytest.raises(DataError, match=r"a.pth can't be read as a table"):
        read_torch_file(tmp_path / "a.pth")
