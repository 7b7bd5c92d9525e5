"""`SearchEstimator`: what all estimators share, by the conventions of scikit-learn."""

from __future__ import annotations

import contextlib
import copy
import logging
import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from netwright.automl.given_examples import Wanted, checked_inputs, checked_pair
from netwright.automl.logged import Logged, heard
from netwright.automl.result import Result
from netwright.automl.searching import search
from netwright.core import Budget, Constraint, Objective
from netwright.core.errors import InvalidInput, RunError
from netwright.evaluators import TrainingPlan
from netwright.tasks import Task, task_from

__all__ = ["SearchEstimator"]

_log = logging.getLogger(__name__)
_EXAMPLES_KEPT = 8  # of the test part, when pickled: an export compares outputs on them

Array = npt.NDArray[Any]
Fitted = TypeVar("Fitted", bound="SearchEstimator")


class SearchEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What `NeuralArchitectureSearch`, `ImageClassifier`, `TabularClassifier` and `TabularRegressor` have in common.

    Abstract: use one of those. Their arguments, attributes and ways:

    Args:
        budget: of a `fit`, all included: a time (`10m`), `200 candidates`, or both with a comma between. Without a
            time the same seed gives the same network, to the bit.
        space: `auto`, the name of a ready-made space, a `Space`, or a function that returns one.
        method: how to explore: a name (`netwright list methods`), a recipe or a strategy.
        objectives: what is wanted; the task's own metric if not given.
        constraints: limits, such as `params<=100k`.
        plan: how networks are trained; chosen by the data and the budget if not given.
        stop: when a candidate's training ends before its time: the name of a stopping rule, a rule or a `Stopping`.
        inherit: whether a child begins with its parent's weights, in methods whose candidates have parents.
        workers: candidates that are evaluated at once, each in a process of its own.
        seed: of everything random.
        device: `cpu`, `cuda`, …; `auto` takes a GPU if there is one.
        out: the folder that keeps the run. A `fit` on the same data goes on there; on other data it is refused.
        test_share: of the examples, held out for the figures in `result_.best.metrics`; the network learns from the
            rest (a fifth of which the search uses to compare candidates; the winner is then trained on all of it).
        verbose: whether each step is logged at level INFO, and shown on stderr where the program has no logging of
            its own.

    Attributes:
        result_: all about the search: `best` (its arch, the trained model, metrics on the held-out examples), `pareto`,
            `history`, `export("model.py")`, `report("report.html")`, ….
        task_: the data as they were understood; `task_.notes` says how.
        classes_: the labels in the order of `predict_proba`'s columns; of classifiers only.
        n_features_in_, feature_names_in_: of tables; names only where columns have text for a name.

    A fitted estimator can be pickled, its network included, if its `space` can be. The training data stay behind.
    """

    result_: Result

    def __init__(
        self,
        budget: str | Budget = "10m",
        *,
        space: Any = "auto",
        method: Any = "auto",
        objectives: str | Objective | Sequence[str | Objective] | None = None,
        constraints: str | Constraint | Sequence[str | Constraint] | None = None,
        plan: TrainingPlan | None = None,
        stop: Any = None,
        inherit: bool = False,
        workers: int = 1,
        seed: int = 0,
        device: str = "auto",
        out: str | Path | None = None,
        test_share: float = 0.1,
        verbose: bool = False,
    ) -> None:
        self.budget = budget
        self.space = space
        self.method = method
        self.objectives = objectives
        self.constraints = constraints
        self.plan = plan
        self.stop = stop
        self.inherit = inherit
        self.workers = workers
        self.seed = seed
        self.device = device
        self.out = out
        self.test_share = test_share
        self.verbose = verbose

    @abstractmethod
    def _wanted(self) -> Wanted:
        """What the estimator learns from, by its class and its arguments."""

    def fit(self: Fitted, X: Any, y: Any = None, *, test: Any = None) -> Fitted:  # noqa: N803, PYI019  # Python 3.11's
        """Search an architecture, and train the best one.

        Args:
            X: examples: an array, list, tensor or data frame; or a dataset of (input, target) pairs, without `y`.
            y: a target for each example.
            test: (X, y) or a dataset, for the figures in `result_.best.metrics`; nothing is held out of X then. The
                search doesn't see it.

        Raises:
            ValueError: for arguments that can't be, and for data that can't be learned from.
            RunError: if no candidate could be trained, with the reason.
        """
        started = time.time()
        if not isinstance(self.seed, Integral) or isinstance(self.seed, bool) or self.seed < 0:
            raise InvalidInput(f"`seed` must be a whole number of at least 0, but got {self.seed!r}.")
        for name in ("result_", "classes_", "n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
        task = self._task(X, y, test)
        with heard() if self.verbose else contextlib.nullcontext():
            for note in task.notes:
                _log.info("%s", note)
            result = search(
                self.space,
                task,
                method=self.method,
                budget=self.budget,
                objectives=self.objectives,
                constraints=self.constraints,
                workers=self.workers,
                seed=int(self.seed),
                device=self.device,
                out=self.out,
                plan=self.plan,
                stop=self.stop,
                inherit=self.inherit,
                progress=Logged() if self.verbose else None,
                started=started,
            )
        if result.best is None or result.best.model is None:
            reasons = " ".join(result.final.get("warnings", ())) or result.stopped_by
            failed = next((record.error for record in result.history.records if record.error), None)
            raise RunError(f"there is no trained network: {reasons}{f' First error: {failed}' if failed else ''}")
        self.result_ = result
        if task.encoder is not None and task.kind == "classification":
            self.classes_ = task.encoder.labels()
        return self

    def _task(self, X: Any, y: Any, test: Any) -> Task:  # noqa: N803  # scikit-learn's name
        wanted = self._wanted()
        inputs, targets = checked_pair(self, X, y, wanted)
        return task_from(
            inputs,
            targets,
            kind=wanted.kind,
            test=test,
            test_share=self.test_share,
            seed=int(self.seed),
            flip=wanted.flip,
        )

    def predict(self, X: Any) -> Array:  # noqa: N803  # scikit-learn's name
        """Labels (n,), or numbers (n,) or (n, n_outputs), of n examples in their order.

        Raises:
            NotFittedError: before `fit`.
            ValueError: if the examples are not like those of `fit`.
        """
        check_is_fitted(self, "result_")
        found = self.result_.predict(checked_inputs(self, X, self.task_.modality, reset=False))
        return found.astype(np.float64) if self.task_.kind == "regression" else found

    def _gives_probabilities(self) -> bool:
        return self._kind() != "regression"

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]  # as above
    def predict_proba(self, X: Any) -> Array:  # noqa: N803  # scikit-learn's name
        """Probabilities (n, n_classes), in the order of `classes_`; of classifiers only.

        Raises:
            NotFittedError, ValueError: as `predict`.
        """
        check_is_fitted(self, "result_")
        return self.result_.predict_proba(checked_inputs(self, X, self.task_.modality, reset=False))

    @property
    def task_(self) -> Task:
        """The data as they were understood, with `notes` for people."""
        assert self.result_.task is not None
        return self.result_.task

    def _kind(self) -> str | None:
        """Of the task, if it is known yet."""
        return self.task_.kind if "result_" in self.__dict__ else self._wanted().kind

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.allow_nan = True  # in tables: missing values become the median, and one more input says so
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {**state, "result_": _portable(state["result_"])} if "result_" in state else state


def _portable(result: Result) -> Result:
    """The result without the training data, its model on the CPU."""
    task, best, built = result.task, result.best, result.built
    assert task is not None
    assert best is not None
    assert best.model is not None
    model = best.model
    if any(parameter.device.type != "cpu" for parameter in model.parameters()):
        model = copy.deepcopy(model).to("cpu")
    nothing = np.arange(0)
    return replace(
        result,
        task=replace(
            task,
            train=task.train.take(nothing),
            validation=task.validation.take(nothing),
            test=task.test.take(np.arange(min(_EXAMPLES_KEPT, len(task.test)))),
        ),
        best=replace(best, model=model),
        built=None if built is None else replace(built, model=model),
    )
