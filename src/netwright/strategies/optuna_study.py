"""A search's history in the form in which Optuna's samplers read it: a study on a storage of our own.

Imported only where Optuna is used. The storage holds one study in memory. It logs nothing, copies nothing of what is
finished, and is thrown away after a proposal together with all that the sampler wrote into it.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import threading
from collections.abc import Container, Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

__all__ = ["StudyView", "finished", "limit", "quiet", "study_of"]

_LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001  # Optuna's times have no zone; the samplers don't look at them
_NAME = "netwright"
_VIOLATION = "violation"
_TALKATIVE = ("optuna._gp.optim_mixed", "optuna._gp.gp", "optuna._gp.batched_lbfgsb")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what the Gaussian process logs, and warns of, when it has converged; in this thread only."""
    thread = threading.get_ident()

    def elsewhere(message: logging.LogRecord) -> bool:
        return message.thread != thread

    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    for logger in loggers:
        logger.addFilter(elsewhere)
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        for logger in loggers:
            logger.removeFilter(elsewhere)


def study_of(view: StudyView, sampler: Any) -> Any:
    """An Optuna study of what the view holds."""
    return optuna.load_study(study_name=_NAME, storage=view, sampler=sampler, pruner=optuna.pruners.NopPruner())


def finished(
    number: int,
    state: TrialState,
    *,
    values: Sequence[float] | None,
    params: dict[str, Any],
    distributions: dict[str, Any],
    attributes: dict[str, Any],
    reported: dict[int, float],
    violation: float | None,
) -> FrozenTrial:
    """A record as Optuna's trial; `violation` is left out while there are no limits."""
    trial = FrozenTrial(
        number=number,
        state=state,
        value=None,
        values=values,
        datetime_start=_LONG_AGO,
        datetime_complete=_LONG_AGO if state.is_finished() else None,
        params=params,
        distributions=distributions,
        user_attrs={},
        system_attrs=attributes,
        intermediate_values=reported,
        trial_id=number,
    )
    if violation is not None:
        limit(trial, violation)
    return trial


def limit(trial: FrozenTrial, violation: float) -> None:
    """Note by how much a trial breaks its limits."""
    trial.set_constraint(_VIOLATION, violation)


class StudyView(BaseStorage):  # type: ignore[misc]  # optuna is not followed by the type checker
    """One study in memory: the given trials, and those that a sampler is asked for now.

    Args:
        trials: finished and running ones; a trial's id and number are its place.
        attributes: the study's own, which some samplers keep notes in.
        n_objectives: all minimised.
    """

    def __init__(self, trials: Sequence[FrozenTrial], attributes: dict[str, Any], n_objectives: int) -> None:
        self.trials = list(trials)
        self.attributes = dict(attributes)
        self._directions = [optuna.study.StudyDirection.MINIMIZE] * n_objectives

    # The study.

    def get_study_id_from_name(self, study_name: str) -> int:
        return 0

    def get_study_name_from_id(self, study_id: int) -> str:
        return _NAME

    def get_study_directions(self, study_id: int) -> list[Any]:
        return self._directions

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return {}

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self.attributes

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self.attributes[key] = value

    # Its trials. What is written replaces the trial: whoever has read it keeps what was read.

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        number = len(self.trials)
        self.trials.append(
            finished(
                number,
                TrialState.RUNNING,
                values=None,
                params={},
                distributions={},
                attributes={},
                reported={},
                violation=None,
            )
        )
        return number

    def set_trial_param(self, trial_id: int, param_name: str, param_value_internal: float, distribution: Any) -> None:
        trial = copy.copy(self.trials[trial_id])
        trial.params = {**trial.params, param_name: distribution.to_external_repr(param_value_internal)}
        trial.distributions = {**trial.distributions, param_name: distribution}
        self.trials[trial_id] = trial

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        trial = copy.copy(self.trials[trial_id])
        trial.system_attrs = {**trial.system_attrs, key: value}
        self.trials[trial_id] = trial

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return self.trials[trial_id]

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        found = self.trials if states is None else [trial for trial in self.trials if trial.state in states]
        return copy.deepcopy(found) if deepcopy else list(found)

    # What no sampler may do.

    def create_new_study(self, directions: Sequence[Any], study_name: str | None = None) -> int:
        raise NotImplementedError("a view of a history has one study.")

    def delete_study(self, study_id: int) -> None:
        raise NotImplementedError("a view of a history is not deleted.")

    def get_all_studies(self) -> list[Any]:
        raise NotImplementedError("a view of a history has one study.")

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        raise NotImplementedError("a view of a history takes no attributes of users.")

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        raise NotImplementedError("a view of a history takes no attributes of users.")

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        raise NotImplementedError("a view of a history is told nothing: records are.")

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        raise NotImplementedError("a view of a history is told nothing: records are.")
