"""Contract suites: what any strategy, store, executor, evaluator, predictor, proxy or space holds, for plug-ins too.

Each check is a plain function that raises `AssertionError` with what is wrong; use it in a test of any framework.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from netwright.testing.evaluator_contract import check_evaluator
from netwright.testing.executor_contract import check_executor
from netwright.testing.predictor_contract import check_predictor
from netwright.testing.store_contract import check_store
from netwright.testing.strategy_contract import check_beats_random, check_strategy

if TYPE_CHECKING:
    from netwright.testing.proxy_contract import check_proxy
    from netwright.testing.space_contract import check_networks, check_space
    from netwright.testing.stopping_contract import check_stopping_rule
    from netwright.testing.supernet_contract import check_supernet

__all__ = [
    "check_beats_random",
    "check_evaluator",
    "check_executor",
    "check_networks",
    "check_predictor",
    "check_proxy",
    "check_space",
    "check_stopping_rule",
    "check_store",
    "check_strategy",
    "check_supernet",
]


def __getattr__(name: str) -> Any:
    # Some contracts need torch; workers in the executors' contract do without.
    if name in ("check_networks", "check_space"):
        return getattr(importlib.import_module("netwright.testing.space_contract"), name)
    if name == "check_proxy":
        return importlib.import_module("netwright.testing.proxy_contract").check_proxy
    if name == "check_stopping_rule":
        return importlib.import_module("netwright.testing.stopping_contract").check_stopping_rule
    if name == "check_supernet":
        return importlib.import_module("netwright.testing.supernet_contract").check_supernet
    raise AttributeError(f"module 'netwright.testing' has no attribute {name!r}")
