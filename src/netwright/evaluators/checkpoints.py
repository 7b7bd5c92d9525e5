"""Checkpoints of trainings: a file for each arch, from which a higher fidelity goes on.

A checkpoint that can't be used, for whatever reason, costs time and never the candidate.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import Any

import torch

from netwright.core import Context
from netwright.core.errors import EvaluationError
from netwright.evaluators.fitting import Fitting

__all__ = ["continue_from", "load_checkpoint", "save_checkpoint"]

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


def continue_from(file: Path, fitting: Fitting, *, key: str, until: int, context: Context) -> None:
    """Continue from a checkpoint of the same training, if there is one of fewer epochs.

    Or of just as many, if this very candidate left it: then the search was ended before it could record it.

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
    if state["epochs_done"] < until:
        fitting.restore(state)
    elif state["epochs_done"] == until and state["seed"] == context.seed:
        fitting.restore(state)
        context.curves.update(state["curves"])


def save_checkpoint(file: Path, fitting: Fitting, *, key: str, context: Context) -> None:
    """Write a checkpoint, at once or not at all; one of more epochs of the same training stays."""
    known = _known(file, key)
    if known is not None and known["epochs_done"] > fitting.epochs_done:
        return
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        torch.save({**fitting.state(), "key": key, "seed": context.seed, "curves": context.curves}, part)
        part.replace(file)
    except (OSError, RuntimeError) as error:  # no room, say; torch wraps some of these
        _log.warning("the checkpoint %s can't be written: %s", file.name, error)
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _known(file: Path, key: str) -> dict[str, Any] | None:
    """What a checkpoint of the same training holds."""
    if not file.exists():
        return None
    try:
        state = load_checkpoint(file)
    except EvaluationError:
        return None
    return state if state.get("key") == key else None
