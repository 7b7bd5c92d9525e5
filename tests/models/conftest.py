"""A user's own file of layers, loaded as a module of its own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def own_layers():
    """The module `own_layers`, as if it lay in a user's folder."""
    spec = importlib.util.spec_from_file_location("own_layers", Path(__file__).with_name("own_layers.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["own_layers"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["own_layers"]
