"""Checkpoints of trainings: a file for each arch, from which a higher fidelity goes on.

A checkpoint that can't be used, for whatever reason, costs time and never the candidate.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from netwright.core import Context
from netwright.core.errors import EvaluationError
from netwright.evaluators.fitting import Fitting

__all__ = [
    "continue_from",
    "load_checkpoint",
    "read_checkpoint",
    "save_checkpoint",
    "weights_of",
    "write_checkpoint",
]

_log = logging.getLogger(__name__)


def load_checkpoint(file: Path) -> dict[str, Any]:
    """The state that a candidate's training left: see `Fitting.state`.

    Raises:
        EvaluationError: if there is none, or it is damaged.
    """
    try:
        found: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        raise EvaluationError(f"the checkpoint {file.name} can't be read: {error}") from error
    return found


def read_checkpoint(file: Path) -> dict[str, Any] | None:
    """What `write_checkpoint` wrote; None if there is none, or it is damaged, which is a warning."""
    if not file.exists():
        return None
    try:
        return load_checkpoint(file)
    except EvaluationError as error:
        _log.warning("%s", error)
        return None


def continue_from(file: Path, fitting: Fitting, *, key: str, until: int, context: Context) -> None:
    """Continue from a checkpoint of the same training, if there is one of fewer epochs.

    Or of one that was over, if this very candidate left it: then the search was ended before it could record it.

    Args:
        file: the arch's.
        fitting: a training that hasn't started; it is changed in place.
        key: tells this training from others.
        until: epochs that are wanted.
        context: of the evaluation.
    """
    state = _known(file, key)
    if state is None:
        return
    over = state["epochs_done"] == until or bool(state.get("stopped"))
    if over and state["seed"] == context.seed:
        fitting.restore(state)
        fitting.verdict, fitting.verdict_epoch = state.get("verdict", ""), state.get("verdict_epoch", 0)
        fitting.stopped = state.get("stopped", "")
        context.curves.update(state["curves"])
    elif state["epochs_done"] < until:
        fitting.restore(state)


def save_checkpoint(file: Path, fitting: Fitting, *, key: str, context: Context) -> None:
    """Write a checkpoint, at once or not at all; one of more epochs of the same training stays."""
    known = _known(file, key)
    if known is not None and known["epochs_done"] > fitting.epochs_done:
        return
    state = {**fitting.state(), **_ending(fitting), "key": key, "seed": context.seed, "curves": context.curves}
    write_checkpoint(file, state)


def write_checkpoint(file: Path, state: Mapping[str, Any]) -> None:
    """Replace a file, at once or not at all; where it can't be written, that is a warning.

    Args:
        file: what is replaced.
        state: plain tensors, numbers and texts.
    """
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        torch.save(dict(state), part)
        part.replace(file)
    except (OSError, RuntimeError) as error:  # no room, say; torch wraps some of these
        _log.warning("the checkpoint %s can't be written: %s", file.name, error)
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def weights_of(file: Path, *, key: str) -> dict[str, torch.Tensor] | None:
    """The weights of another arch's training; None if there is none.

    Args:
        file: the other arch's.
        key: how the key of its training begins.
    """
    if not file.exists():
        return None
    try:
        state = load_checkpoint(file)
    except EvaluationError as error:
        _log.warning("nothing can be inherited: %s", error)
        return None
    return state["model"] if str(state.get("key", "")).startswith(key) else None


def _ending(fitting: Fitting) -> dict[str, Any]:
    """What only the candidate itself takes up again."""
    return {"stopped": fitting.stopped, "verdict": fitting.verdict, "verdict_epoch": fitting.verdict_epoch}


def _known(file: Path, key: str) -> dict[str, Any] | None:
    """What a checkpoint of the same training holds."""
    if not file.exists():
        return None
    try:
        state = load_checkpoint(file)
    except EvaluationError:
        return None
    return state if state.get("key") == key else None
