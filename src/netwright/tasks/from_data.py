"""`task_from`: a task from whatever data people have at hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from netwright.core.errors import DataError, InvalidInput, problems, unknown
from netwright.tasks.encoder import Encoder
from netwright.tasks.fitting import fit_encoder, statistics
from netwright.tasks.kinds import Kind, find_kind
from netwright.tasks.reading import is_dataset, is_frame, read_dataset, read_inputs, read_targets
from netwright.tasks.splitting import pick, room
from netwright.tasks.task import Split, Task

__all__ = ["task_from"]

Array = npt.NDArray[Any]

_MOST_VALIDATION = 10_000


def task_from(
    X: Any,  # noqa: N803 - scikit-learn's name for it
    y: Any = None,
    *,
    kind: Kind | None = None,
    test: Any = None,
    validation_share: float = 0.2,
    test_share: float = 0.2,
    seed: int = 0,
    name: str = "data",
    flip: bool = False,
) -> Task:
    """A task from arrays, tensors, tables, lists or a dataset; split once, stratified by class.

    Images are (n, h, w), (n, c, h, w) or (n, h, w, c) with 1, 3 or 4 channels. Text columns of a table become one input
    for each value (the 50 most frequent ones), dates days, missing values the median with one more input that says so;
    text that is different in nearly every row is left out. A class with too few examples to be in every part stays in
    the train part. The notes say what was done.

    Args:
        X: examples; or a dataset of (input, target) pairs, read once.
        y: one target for each example: labels, numbers, or (n, n_outputs) numbers; or the name of a column of X.
        kind: found from the targets if not given; the notes say how.
        test: the test part, if it is fixed: (X, y), a table with the target column, or a dataset.
        validation_share: of what is not test; at most 10,000 examples.
        test_share: without `test`.
        seed: of the splits.
        name: of the data, for people.
        flip: whether a mirrored image keeps its meaning.

    Raises:
        DataError: if the data can't be learned from; the message lists all problems.

    Example:
        >>> task = task_from(np.arange(200.0).reshape(100, 2), np.arange(100.0))
        >>> task.kind, len(task.train), len(task.validation), len(task.test)
        ('regression', 64, 16, 20)
    """
    _check_options(kind, validation_share, test_share if test is None else 0.2)
    raw, given = _pair(X, y)
    found: list[str] = []
    inputs, targets, categorical = _read(raw, given, found, "")
    held_inputs, held_targets = None, None
    if test is not None:
        held_inputs, held_targets, _ = _read(*_test_pair(test, y), found, "test: ")
    if found:
        raise DataError(problems("these data can't be learned from", found))

    taken, why = find_kind(targets, categorical=categorical, images=not is_frame(inputs) and inputs.ndim > 2)
    if kind is None and _one_hot(targets):
        raise DataError(
            "y looks like one-hot labels (one 1 in each row): give y.argmax(axis=1), or ask for kind='regression'."
        )
    notes = [f"taken for {taken}, because {why}." if kind is None else f"{kind}, as asked for."]
    kind = kind or taken
    n_parts = 3 if test is None else 2
    classes, few = _classes(targets, kind, found, n_parts)
    if kind == "regression" and targets.dtype.kind not in "biuf":
        found.append("regression needs numbers, but y holds text.")
    if found:
        raise DataError(problems("these data can't be learned from", found))

    rng = np.random.default_rng(seed)
    labels = Encoder("array", "as given", (), classes=classes)
    encoded = labels.encode_labels(targets) if kind == "classification" else _numbers(targets)
    if few:
        notes.append(f"classes with fewer than {n_parts} examples are in the train part only: {few}.")
    parts = _rows(encoded, kind, rng, test_share if test is None else 0.0, validation_share)
    encoder, more = fit_encoder(inputs, parts[0], classes)
    notes += more
    if isinstance(y, str) and is_frame(X):  # a new table may come with the column that is to be predicted
        encoder = replace(encoder, ignored=(*encoder.ignored, y))
    whole = encoder.transform(inputs)
    train, validation, held = (Split(whole[rows], encoded[rows]) for rows in parts)
    if test is not None:
        assert held_targets is not None
        held = Split(
            encoder.transform(held_inputs),
            encoder.encode_labels(held_targets, subject="the test part")
            if kind == "classification"
            else _numbers(held_targets),
        )
        if kind == "regression" and held.targets.shape[1] != encoded.shape[1]:
            raise DataError(
                f"test must have {encoded.shape[1]} targets for each example, but has {held.targets.shape[1]}."
            )
    notes.append(f"{len(train):,} examples to train, {len(validation):,} to validate, {len(held):,} to test.")
    mean, std = statistics(train.inputs, encoder.modality)
    of_targets = statistics(train.targets, "tabular") if kind == "regression" else (None, None)
    return Task(
        name=name,
        kind=kind,
        modality=encoder.modality,
        train=train,
        validation=validation,
        test=held,
        input_mean=mean,
        input_std=std,
        target_mean=of_targets[0],
        target_std=of_targets[1],
        classes=classes,
        flip=flip,
        notes=tuple(notes),
        feature_names=encoder.feature_names,
        encoder=encoder,
    )


def _check_options(kind: Any, validation_share: float, test_share: float) -> None:
    if kind not in (None, "classification", "regression"):
        raise unknown("kind of task", kind, ["classification", "regression"])
    for option, share in (("validation_share", validation_share), ("test_share", test_share)):
        if not 0.0 < share < 1.0:
            raise InvalidInput(f"`{option}` must be between 0 and 1, but got {share}.")


def _pair(examples: Any, y: Any) -> tuple[Any, Any]:
    if y is None:
        if is_dataset(examples):
            return read_dataset(examples)
        hint = ", or the name of the target column" if is_frame(examples) else ""
        raise DataError(
            f"y is missing: give one target for each example{hint}, or a dataset of (input, target) pairs as X."
        )
    if np.isscalar(y):
        if not is_frame(examples):
            raise DataError(f"y={y!r} names a column, but X is not a DataFrame: give the targets themselves.")
        if y not in examples.columns:
            raise unknown("target column", y, map(str, examples.columns))
        if list(examples.columns).count(y) > 1:
            raise DataError(f"several columns are named {y!r}, so the target isn't clear: rename them.")
        return examples.drop(columns=[y]), examples[y]
    return examples, y


def _test_pair(test: Any, y: Any) -> tuple[Any, Any]:
    if isinstance(test, tuple | list):
        if len(test) != 2:
            raise DataError(f"`test` must be a pair (X, y) or a dataset, but it has {len(test)} items.")
        return _pair(*test)
    return _pair(test, y if np.isscalar(y) else None)


def _read(examples: Any, y: Any, found: list[str], prefix: str) -> tuple[Any, Array, bool]:
    own: list[str] = []
    inputs = read_inputs(examples, own)
    targets = read_targets(y, own)
    try:
        n_inputs = len(examples)
    except TypeError:
        n_inputs = len(inputs) if inputs.ndim else 0
    if targets.ndim and targets.size and n_inputs and n_inputs != len(targets):
        own.append(f"X has {n_inputs} examples, but y has {len(targets)}.")
    found += [prefix + problem for problem in own]
    return inputs, targets, str(getattr(y, "dtype", "")) == "category"


def _one_hot(targets: Array) -> bool:
    if targets.ndim != 2 or targets.dtype.kind not in "biuf":
        return False
    return bool(((targets == 0) | (targets == 1)).all() and (targets.sum(axis=1) == 1).all())


def _classes(targets: Array, kind: Kind, found: list[str], n_parts: int) -> tuple[tuple[Any, ...], str]:
    """The labels in order, and those with too few examples to be split, as text."""
    if kind == "regression":
        return (), ""
    if targets.ndim == 2:
        found.append(
            f"classification needs one label for each example, but y has {targets.shape[1]} columns "
            "(one-hot labels: y.argmax(axis=1))."
        )
        return (), ""
    values, counts = np.unique(targets, return_counts=True)
    labels = tuple(values.tolist())
    if len(labels) < 2:
        found.append(f"all examples have one class, {labels[0]!r}: nothing can be learned.")
        return labels, ""
    few = [f"{label!r} ({count})" for label, count in zip(labels, counts, strict=True) if count < n_parts]
    shown = ", ".join(few[:10]) + (f" and {len(few) - 10} more" if len(few) > 10 else "")
    if len(labels) - len(few) < max(2, len(few)):  # a few rare classes are usual, most of them are a mistake
        hint = " If y is a quantity, ask for kind='regression'." if targets.dtype.kind in "iuf" else ""
        found.append(
            f"most classes (and at least two) need at least {n_parts} examples to be split, but there are too few of "
            f"{shown}.{hint}"
        )
    return labels, shown


def _numbers(targets: Array) -> Array:
    numbers = targets.astype(np.float32)
    return numbers[:, None] if numbers.ndim == 1 else numbers


def _rows(
    targets: Array, kind: Kind, rng: np.random.Generator, test_share: float, validation_share: float
) -> tuple[Array, Array, Array]:
    """Rows to train, to validate and to test, each in ascending order; rare classes are in the train part only."""
    strata = targets if kind == "classification" else np.zeros(len(targets), dtype=np.int64)
    counts = np.bincount(strata)
    rare = np.flatnonzero(counts[strata] < (3 if test_share else 2))

    def draw(rows: Array, share: float, most: int, keep: int) -> tuple[Array, Array]:
        present = np.bincount(strata[rows])
        n = min(max(round(len(rows) * share), int((present > 0).sum())), most, room(present, keep=keep))
        taken = pick(len(rows), n, strata[rows], rng, keep=keep)
        return rows[taken], np.delete(rows, taken)

    rest = np.delete(np.arange(len(targets)), rare)
    if not len(rest):
        raise DataError(f"there are too few examples to be split: {len(targets)}.")
    held = rest[:0]
    if test_share:  # two of each class must be left, for the other two parts
        held, rest = draw(rest, test_share, len(rest), 2)
    validation, train = draw(rest, validation_share, _MOST_VALIDATION, 1)
    return np.sort(np.concatenate([train, rare])), validation, held
