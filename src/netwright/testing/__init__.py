"""Contract suites: what any strategy, store, executor or evaluator has to hold, for plug-ins too.

Each check is a plain function that raises `AssertionError` with what is wrong; use it in a test of any framework.
"""

from netwright.testing.evaluator_contract import check_evaluator
from netwright.testing.executor_contract import check_executor
from netwright.testing.space_contract import check_networks, check_space
from netwright.testing.store_contract import check_store
from netwright.testing.strategy_contract import check_beats_random, check_strategy

__all__ = [
    "check_beats_random",
    "check_evaluator",
    "check_executor",
    "check_networks",
    "check_space",
    "check_store",
    "check_strategy",
]
