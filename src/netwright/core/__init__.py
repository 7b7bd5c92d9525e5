"""What travels between the parts of a search, and the contracts between them. Needs numpy only."""

from netwright.core.arch import Arch, Decided
from netwright.core.budget import Budget
from netwright.core.curves import Curves
from netwright.core.history import History
from netwright.core.objective import Constraint, Objective, constraints_from, objectives_from
from netwright.core.protocols import (
    Context,
    Evaluator,
    Executor,
    PendingResult,
    Recipe,
    SearchSpace,
    Store,
    Strategy,
)
from netwright.core.record import Candidate, Record, Status

__all__ = [
    "Arch",
    "Budget",
    "Candidate",
    "Constraint",
    "Context",
    "Curves",
    "Decided",
    "Evaluator",
    "Executor",
    "History",
    "Objective",
    "PendingResult",
    "Recipe",
    "Record",
    "SearchSpace",
    "Status",
    "Store",
    "Strategy",
    "constraints_from",
    "objectives_from",
]
