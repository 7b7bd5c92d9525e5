"""Estimators in the style of scikit-learn: `fit`, `predict`, `score`; they go into its pipelines and searches.

scikit-learn's own checks (`sklearn.utils.estimator_checks`) pass, with two exceptions:

- `ImageClassifier`: the checks' data are tables, so scikit-learn leaves it out; the checks that need no data pass.
- `check_array_api_input` runs only where `SCIPY_ARRAY_API=1` is set before scipy is imported (it passes there).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import ClassifierTags, RegressorTags

from netwright.automl.given_examples import Wanted
from netwright.automl.search_estimator import SearchEstimator
from netwright.core import Budget, Constraint, Objective
from netwright.evaluators import TrainingPlan

__all__ = ["ImageClassifier", "NeuralArchitectureSearch", "TabularClassifier", "TabularRegressor"]


class NeuralArchitectureSearch(SearchEstimator):
    """Finds and trains a network for whatever data come: tables or images, classes or numbers.

    What the data were taken for is in `task_.notes`, and logged at level INFO. The other estimators name it; so does
    `kind`. Arguments and attributes beside it are those of `SearchEstimator`.

    Args:
        kind: `classification` or `regression`; `auto`: text, booleans and a few different whole numbers are classes.
            scikit-learn's cross-validation asks for the kind before it fits: name it for folds stratified by class.

    Example:
        >>> from sklearn.datasets import load_wine
        >>> X, y = load_wine(return_X_y=True)
        >>> found = NeuralArchitectureSearch(budget="1 candidate").fit(X, y)
        >>> found.task_.notes[0]
        'taken for classification, because the target has 3 different whole numbers.'
        >>> found.predict(X[:2])
        array([0, 0])
    """

    def __init__(
        self,
        budget: str | Budget = "10m",
        *,
        kind: Literal["auto", "classification", "regression"] = "auto",
        space: Any = "auto",
        method: Any = "auto",
        objectives: str | Objective | Sequence[str | Objective] | None = None,
        constraints: str | Constraint | Sequence[str | Constraint] | None = None,
        plan: TrainingPlan | None = None,
        workers: int = 1,
        seed: int = 0,
        device: str = "auto",
        out: str | Path | None = None,
        test_share: float = 0.1,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            budget,
            space=space,
            method=method,
            objectives=objectives,
            constraints=constraints,
            plan=plan,
            workers=workers,
            seed=seed,
            device=device,
            out=out,
            test_share=test_share,
            verbose=verbose,
        )
        self.kind = kind

    def _wanted(self) -> Wanted:
        return Wanted(None if self.kind == "auto" else self.kind)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:  # noqa: N803  # scikit-learn's name
        """Accuracy of a classification, R² of a regression."""
        measure = r2_score if self._kind() == "regression" else accuracy_score
        return float(measure(y, self.predict(X), sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        kind = self._kind() if self.kind in ("auto", "classification", "regression") else None
        if kind == "classification":
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        elif kind == "regression":
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
            tags.target_tags.multi_output = True
        return tags


class ImageClassifier(ClassifierMixin, SearchEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Finds and trains a network that tells images apart.

    Images are (n, height, width), (n, channels, height, width) or (n, height, width, channels), as bytes or numbers.
    Arguments and attributes beside `flip` are those of `SearchEstimator`.

    Args:
        flip: whether a mirrored image keeps its meaning, as photographs do, and digits and text don't: the training
            then mirrors at random.

    Example:
        >>> import numpy as np
        >>> stripes = (
        ...     np.indices((60, 8, 8)).transpose(1, 2, 3, 0)[..., 1:] % 2
        ... )  # across in one channel, down in the other
        >>> X = np.where(np.arange(60)[:, None, None] % 2, stripes[..., 0], stripes[..., 1]).astype(np.float32)
        >>> y = np.where(np.arange(60) % 2, "across", "down")
        >>> ImageClassifier(budget="1 candidate", space="cnn").fit(X, y).predict(X[:2])
        array(['down', 'across'], dtype='<U6')
    """

    def __init__(
        self,
        budget: str | Budget = "10m",
        *,
        flip: bool = False,
        space: Any = "auto",
        method: Any = "auto",
        objectives: str | Objective | Sequence[str | Objective] | None = None,
        constraints: str | Constraint | Sequence[str | Constraint] | None = None,
        plan: TrainingPlan | None = None,
        workers: int = 1,
        seed: int = 0,
        device: str = "auto",
        out: str | Path | None = None,
        test_share: float = 0.1,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            budget,
            space=space,
            method=method,
            objectives=objectives,
            constraints=constraints,
            plan=plan,
            workers=workers,
            seed=seed,
            device=device,
            out=out,
            test_share=test_share,
            verbose=verbose,
        )
        self.flip = flip

    def _wanted(self) -> Wanted:
        return Wanted("classification", "image", self.flip)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = False
        return tags


class TabularClassifier(ClassifierMixin, SearchEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Finds and trains a network that tells the rows of a table apart.

    A data frame may hold numbers, text, dates and missing values; an array numbers and missing values. Arguments and
    attributes are those of `SearchEstimator`.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> iris = TabularClassifier(budget="1 candidate").fit(X, y)
        >>> iris.predict_proba(X[:2]).round().tolist(), iris.score(X, y) > 0.9
        ([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], True)
    """

    def _wanted(self) -> Wanted:
        return Wanted("classification", "tabular")


class TabularRegressor(RegressorMixin, SearchEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Finds and trains a network that predicts a number, or several, for each row of a table.

    Tables are as for `TabularClassifier`. Arguments and attributes are those of `SearchEstimator`.

    Example:
        >>> import numpy as np
        >>> X = np.random.default_rng(0).uniform(size=(100, 2))
        >>> line = TabularRegressor(budget="1 candidate").fit(X, X[:, 0] - X[:, 1])
        >>> line.score(X, X[:, 0] - X[:, 1]) > 0.8
        True
    """

    def _wanted(self) -> Wanted:
        return Wanted("regression", "tabular")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
