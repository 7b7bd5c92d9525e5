"""What all tests share: one thread for each process, and the folder of real tables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before anything imports torch: the tests' tensors are small, and threads only get into each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real tables and data sets; mark the test with `shared_data`."""
    folder = Path(os.environ.get("NETWRIGHT_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"needs the real tables: no folder {folder}; set NETWRIGHT_DATA to where they are")
    return folder
