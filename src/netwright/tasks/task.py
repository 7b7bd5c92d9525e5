"""`Task`: what is learned. Data split once, a loss, and metrics that people understand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from netwright.core.errors import InvalidInput
from netwright.tasks.encoder import Encoder
from netwright.tasks.splitting import pick

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Array", "Split", "Task"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One part of the data.

    Attributes:
        inputs: images uint8 or float32 (n, channels, height, width); tables float32 (n, features); texts int64
            (n, length), as tokens; else (n, ...).
        targets: classes int64 (n,) in 0..n_classes-1; numbers float32 (n, n_outputs), in their own units.

    Example:
        >>> len(Split(np.zeros((3, 2), np.float32), np.array([0, 1, 0])))
        3
    """

    inputs: Array
    targets: Array

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: Array) -> Split:
        """The part that consists of these rows (indices or a mask).

        Example:
            >>> Split(np.arange(3), np.arange(3)).take(np.array([2, 0])).inputs
            array([2, 0])
        """
        return Split(self.inputs[rows], self.targets[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Data in three parts with what a trainer must know about them.

    Models see standardised inputs, `(x - input_mean) / input_std`, but tokens of texts as they are; for regression they
    predict standardised targets. The test part is for the final figure only.

    Attributes:
        input_mean: per channel (images) or per feature (tables), of the train part, in the units of the inputs; of no
            use for texts.
        input_std: likewise; 1 where the train part is constant.
        target_mean: per output, of the train part; None for classification.
        target_std: likewise.
        classes: the original labels in the order of the indices; () for regression.
        flip: whether a mirrored image keeps its meaning (False where unknown).
        notes: what was found and assumed about the data, for the user.
        encoder: turns new examples into inputs and indices into labels; None if the inputs are used as they are.

    Example:
        >>> from netwright.tasks import load
        >>> task = load("blobs")
        >>> task.kind, task.input_shape, task.n_outputs, task.metric
        ('classification', (4,), 3, 'accuracy')
    """

    name: str
    kind: Literal["classification", "regression"]
    modality: Literal["image", "tabular", "text", "array"]
    train: Split
    validation: Split
    test: Split
    input_mean: Array
    input_std: Array
    target_mean: Array | None = None
    target_std: Array | None = None
    classes: tuple[Any, ...] = ()
    flip: bool = False
    notes: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    encoder: Encoder | None = None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one example, without the batch."""
        return tuple(int(size) for size in self.train.inputs.shape[1:])

    @property
    def n_outputs(self) -> int:
        """Number of classes, or of numbers to predict."""
        return len(self.classes) if self.kind == "classification" else int(self.train.targets.shape[1])

    @property
    def metric(self) -> str:
        """Name of the main metric; more is better for both."""
        return "accuracy" if self.kind == "classification" else "r2"

    def loss(self, outputs: Tensor, targets: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
        """Cross-entropy for classes, mean squared error for numbers: what training minimises.

        Args:
            outputs: (batch, n_outputs), as the model gives them.
            targets: (batch,) class indices, or (batch, n_outputs) standardised numbers.
            label_smoothing: in 0..1; has no meaning for regression and is ignored there.
        """
        from torch.nn import functional

        if self.kind == "classification":
            return functional.cross_entropy(outputs, targets, label_smoothing=label_smoothing)
        return functional.mse_loss(outputs, targets)

    def metrics(self, outputs: Any, targets: Any) -> dict[str, float]:
        """Metrics of outputs for a whole part of the data.

        Args:
            outputs: tensor or array (n, n_outputs): logits, or standardised predictions.
            targets: tensor or array as in `Split.targets`: class indices (n,), or numbers (n, n_outputs) in their own
                units.

        Returns:
            For classes `accuracy` (0..1) and `loss` (mean cross-entropy); for numbers `r2` (mean over outputs), `rmse`
            and `mae` in the units of the targets. An output that isn't a number is a wrong class, and makes loss, r2,
            rmse and mae NaN.

        Example:
            >>> from netwright.tasks import load
            >>> load("blobs").metrics(np.array([[9.0, 0.0, 0.0], [9.0, 0.0, 0.0]]), np.array([0, 1]))["accuracy"]
            0.5
        """
        predicted, true = _as_array(outputs), _as_array(targets)
        if len(predicted) != len(true) or predicted.ndim != 2 or predicted.shape[1] != self.n_outputs:
            raise InvalidInput(
                f"outputs must have shape (n, {self.n_outputs}) and one row for each target, but got outputs "
                f"{predicted.shape} and targets {true.shape}."
            )
        if len(true) == 0:
            raise InvalidInput("metrics need at least one example, but got none.")
        with np.errstate(invalid="ignore", over="ignore"):  # a diverged model has a loss that is no number
            if self.kind == "classification":
                return _class_metrics(predicted.astype(np.float64), true)
            assert self.target_mean is not None
            assert self.target_std is not None
            predicted = predicted.astype(np.float64) * self.target_std + self.target_mean
            return _number_metrics(predicted, true.astype(np.float64).reshape(predicted.shape))

    def subset(self, n_train: int, *, seed: int = 0) -> Task:
        """The same task with a smaller train part, stratified by class; validation and test stay.

        The statistics of the inputs stay too, so figures of subsets can be compared.

        Raises:
            InvalidInput: if there are fewer examples than asked for, or fewer than one for each class.

        Example:
            >>> from netwright.tasks import load
            >>> len(load("blobs").subset(30).train)
            30
        """
        least = len(self.classes) if self.kind == "classification" else 1
        if not least <= n_train <= len(self.train):
            raise InvalidInput(
                f"`n_train` must be in {least}..{len(self.train)} (the train part of {self.name!r}), but got {n_train}."
            )
        rng = np.random.default_rng((seed, n_train))
        strata = self.train.targets if self.kind == "classification" else None
        return replace(self, train=self.train.take(pick(len(self.train), n_train, strata, rng)))


def _class_metrics(predicted: Array, true: Array) -> dict[str, float]:
    right = (predicted.argmax(axis=1) == true) & ~np.isnan(predicted).any(axis=1)
    shifted = predicted - predicted.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(shifted).sum(axis=1))
    loss = float(np.mean(log_total - shifted[np.arange(len(true)), true]))
    return {"accuracy": float(np.mean(right)), "loss": loss}


def _number_metrics(predicted: Array, true: Array) -> dict[str, float]:
    error = predicted - true
    if not np.isfinite(error).all():
        return dict.fromkeys(("r2", "rmse", "mae"), float("nan"))
    residual, total = (error**2).sum(axis=0), ((true - true.mean(axis=0)) ** 2).sum(axis=0)
    # A constant target: a perfect prediction is worth 1 and any other 0.
    r2 = np.where(total > 0, 1.0 - residual / np.where(total > 0, total, 1.0), np.where(residual > 0, 0.0, 1.0))
    return {
        "r2": float(np.mean(r2)),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "mae": float(np.mean(np.abs(error))),
    }


def _as_array(values: Any) -> Array:
    if hasattr(values, "detach"):
        values = values.detach().cpu().float() if values.is_floating_point() else values.detach().cpu()
        return np.asarray(values.numpy())
    return np.asarray(values)
