"""netwright's strategies as a sampler of Optuna's, and netwright's spaces in Optuna's define-by-run studies.

Needs the extra `optuna`. For Optuna's samplers in a search of netwright's, see `netwright.strategies.OptunaSampler`.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import secrets
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from netwright.core import Arch, Candidate, History, Objective, Record, Strategy
from netwright.core.errors import InvalidInput, SpaceExhausted
from netwright.core.streams import Streams
from netwright.spaces import Space
from netwright.strategies.optuna_parameters import Parameters, require_optuna

require_optuna()

from optuna.samplers import BaseSampler, RandomSampler  # noqa: E402
from optuna.study import StudyDirection  # noqa: E402
from optuna.trial import FrozenTrial, TrialState  # noqa: E402

from netwright.integrations.optuna_structure import (  # noqa: E402
    Conditions,
    Structure,
    Values,
    decided,
    space_of,
    value_of,
)

__all__ = ["NetwrightSampler", "space_of", "suggest"]

_PARENT = "netwright:parent"
_FIDELITY = "fidelity"


def suggest(trial: Any, space: Space) -> Arch:
    """An arch of a space, decision by decision, from an Optuna trial with any sampler.

    Only decisions that count are asked for. A choice becomes a categorical parameter of its name, a number a number,
    and a subset a number in [0, 1] for each of its options. A finished trial gives the arch that it had.

    Args:
        trial: the trial that the objective was called with, or a finished one.
        space: what the arch is of.

    Example:
        >>> import optuna
        >>> from netwright import Space, choice, integer
        >>> space = Space({"width": integer(8, 64, step=8), "act": choice(["relu", "silu"])})
        >>> known = optuna.trial.FixedTrial({"width": 16, "act": "silu"})
        >>> suggest(known, space)
        Arch({'width': 16, 'act': 'silu'})

    Raises:
        TrialPruned: if the arch breaks the space's constraints across decisions: such a trial ends there.
    """
    import optuna

    arch = Parameters(space).suggested(trial)
    if not space.allowed(arch):
        raise optuna.TrialPruned(f"{dict(arch)} breaks the constraints of the space {space.name!r}.")
    return arch


class NetwrightSampler(BaseSampler):  # type: ignore[misc]  # optuna is not followed by the type checker
    """Any strategy of netwright's as a sampler of Optuna's.

    With a space, each trial gets an arch of it: the objective suggests by the names of the space's decisions, or calls
    `suggest(trial, space)`. Without one, the space is found from the trials that have ended: what was suggested, and
    which parameters were there only with some values of a categorical or whole number. The first trial is drawn at
    random, and so are parameters whose range changes, that come and go for no reason that is found, or that are new.

    Failed trials are failed records, pruned ones count with their last value, running ones are pending, and broken
    constraints (`trial.set_constraint`) are violations. A candidate of a lower fidelity has it in its user attribute
    `fidelity`. When the strategy has nothing new to propose, one more trial is drawn at random and `optimize` ends.

    Args:
        strategy: how to explore.
        space: what to explore; found from the study if not given.
        seed: of everything random; from the operating system if not given.

    Example:
        >>> import optuna
        >>> from netwright.strategies import RegularizedEvolution
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> sampler = NetwrightSampler(RegularizedEvolution(population=10, tournament=3), seed=0)
        >>> study = optuna.create_study(sampler=sampler)
        >>> study.optimize(lambda trial: trial.suggest_int("x", 0, 99) ** 2, n_trials=100)
        >>> study.best_value < 100
        True

    Raises:
        InvalidInput: if the strategy can't propose, or the space isn't one.
    """

    def __init__(self, strategy: Strategy, *, space: Space | None = None, seed: int | None = None) -> None:
        if isinstance(strategy, type) or not callable(getattr(strategy, "propose", None)):
            raise InvalidInput(
                f"`strategy` must be an object with a method propose(space, history, rng), but got {strategy!r}."
            )
        if space is not None and not isinstance(space, Space):
            raise InvalidInput(f"`space` must be a netwright.Space, but got {space!r}.")
        self.strategy = strategy
        self.space = space
        self.seed = secrets.randbits(32) if seed is None else seed
        self._lock = threading.RLock()  # with `n_jobs` above 1 several threads use one sampler
        self._forget(None)

    def _forget(self, study_name: str | None) -> None:
        self._study_name = study_name
        self._structure = Structure()
        self._explored: _Explored | None = None
        self._exhausted = False

    def __getstate__(self) -> dict[str, Any]:
        return {"strategy": self.strategy, "space": self.space, "seed": self.seed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()
        self._forget(None)  # all of it is found again in the study

    def infer_relative_search_space(self, study: Any, trial: FrozenTrial) -> Values:
        """The parameters that the strategy may decide in this trial, with their distributions."""
        with self._lock:
            return dict(self._space(study).distributions)

    def sample_relative(self, study: Any, trial: FrozenTrial, search_space: Values) -> Values:
        """What the strategy proposes."""
        with self._lock:
            explored = self._space(study)
            history = explored.read(study, trial.number)
            if not explored.distributions:  # nothing has ended yet
                return {}
            try:
                candidate = self.strategy.propose(explored.space, history, Streams(self.seed)(trial.number))
            except SpaceExhausted:
                self._exhausted = True
                return {}
            history.start(candidate)
        storage, place = study._storage, trial._trial_id  # noqa: SLF001  # where Optuna's own samplers write
        if candidate.parent is not None:
            storage.set_trial_system_attr(place, _PARENT, candidate.parent)
        if candidate.fidelity < 1:
            storage.set_trial_user_attr(place, _FIDELITY, candidate.fidelity)
        values = explored.values_of(candidate.arch)
        return {name: value for name, value in values.items() if name in search_space}

    def sample_independent(self, study: Any, trial: FrozenTrial, param_name: str, param_distribution: Any) -> Any:
        """A random value, for a parameter that the strategy doesn't decide in this trial."""
        seed = int(_digest(f"{self.seed}:{trial.number}:{param_name}")[:8], 16)
        return RandomSampler(seed=seed).sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Any, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """End `optimize` once the strategy has nothing new."""
        if self._exhausted:
            with contextlib.suppress(RuntimeError):  # of `ask` and `tell`, where there is nothing to stop
                study.stop()

    def _space(self, study: Any) -> _Explored:
        """What is explored: the given space, or what the study has shown so far."""
        if self._study_name != study.study_name:
            self._forget(study.study_name)
        if self.space is not None:
            self._explored = self._explored or _Given(self.space)
            return self._explored
        changed = self._structure.read(study.get_trials(deepcopy=False))
        if changed or self._explored is None:
            found = _Found(*self._structure.found())
            if self._explored is None or found.what != getattr(self._explored, "what", None):
                self._explored = found
        return self._explored


class _Explored:
    """A space with its history, read from a study."""

    def __init__(self, space: Space, distributions: Values) -> None:
        self.space = space
        self.distributions = distributions
        self._history: History | None = None
        self._told: set[int] = set()

    def arch_of(self, params: Mapping[str, Any]) -> Arch:
        """The arch that these parameters stand for; `KeyError` or `ValueError` if there is none."""
        raise NotImplementedError

    def values_of(self, arch: Arch) -> Values:
        """The parameters of an arch."""
        raise NotImplementedError

    def read(self, study: Any, number: int) -> History:
        """The history after all trials of a study, for the candidate of this number."""
        if self._history is None:
            objectives = [
                Objective(f"value{i}", "max" if direction == StudyDirection.MAXIMIZE else "min")
                for i, direction in enumerate(study.directions)
            ]
            self._history = History(objectives, canonical=self.space.canonical)
        history = self._history
        ended, running = [], set()
        for trial in study.get_trials(deepcopy=False):
            if trial.state.is_finished():
                if trial.number not in self._told:
                    ended.append(trial)
            elif trial.number != number:
                running.add(trial.number)
                # Proposed by this process, it is pending already; by another, as soon as all of it is suggested.
                if trial.number not in history.pending and (arch := self._arch(trial)) is not None:
                    history.start(Candidate(trial.number, arch))
        for trial in sorted(ended, key=lambda trial: (trial.datetime_complete, trial.number)):
            self._told.add(trial.number)
            history.drop(trial.number)
            if (arch := self._arch(trial)) is not None:
                history.add(self._record(trial, arch))
        for lost in set(history.pending) - running:
            history.drop(lost)
        history.next_id = number
        return history

    def _arch(self, trial: FrozenTrial) -> Arch | None:
        try:
            arch = self.arch_of(trial.params)
            self.space.validate(arch)
        except (KeyError, ValueError):  # other parameters, or other ranges
            return None
        return arch

    def _record(self, trial: FrozenTrial, arch: Arch) -> Record:
        values: Sequence[float] = trial.values or ()
        if trial.state == TrialState.PRUNED:
            values = () if trial.last_step is None else (trial.intermediate_values[trial.last_step],)
        assert self._history is not None
        objectives = self._history.objectives
        metrics = {objective.metric: value for objective, value in zip(objectives, values)}  # noqa: B905  # pruned: one
        scored = len(metrics) == len(objectives) and all(map(math.isfinite, metrics.values()))
        return Record(
            trial.number,
            arch,
            fidelity=trial.user_attrs.get(_FIDELITY, 1.0),
            parent=trial.system_attrs.get(_PARENT),
            metrics=metrics,
            losses=tuple(objective.loss(metrics) for objective in objectives) if scored else (),
            violation=sum(max(0.0, value) for value in trial.constraints.values()),
            status=("partial" if trial.state == TrialState.PRUNED else "ok") if scored else "failed",
            error=None if scored else f"the trial ended as {trial.state.name.lower()}",
        )


class _Given(_Explored):
    """A space that the user gave."""

    def __init__(self, space: Space) -> None:
        self._parameters = Parameters(space)
        own = self._parameters.distributions.values()
        everything = {name: distribution for by_name in own for name, distribution in by_name.items()}
        super().__init__(space, {n: d for n, d in everything.items() if not d.single()})

    def arch_of(self, params: Mapping[str, Any]) -> Arch:
        return self._parameters.suggested(_Answers(params))

    def values_of(self, arch: Arch) -> Values:
        return self._parameters.of(arch)[0]


class _Found(_Explored):
    """A space of what was suggested in a study."""

    def __init__(self, distributions: Values, conditions: Conditions) -> None:
        super().__init__(space_of(distributions, conditions), distributions)
        self.what = distributions, conditions
        self._parents = {parent for parent, _ in conditions.values()}

    def arch_of(self, params: Mapping[str, Any]) -> Arch:
        decisions: dict[str, Any] = {}
        for decision in self.space.decisions:
            if decision.active(decisions):
                name = decision.name
                value = decided(self.distributions[name], params[name])
                decisions[name] = str(value) if name in self._parents else value
        return Arch(decisions)

    def values_of(self, arch: Arch) -> Values:
        decided = {name: int(str(value)) if name in self._parents else value for name, value in arch.items()}
        return {name: value_of(self.distributions[name], value) for name, value in decided.items()}


class _Answers:
    """Answers whatever is suggested with known parameters; fixed ones have one value anyway."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._params[name] if len(choices) > 1 else choices[0]

    def suggest_int(self, name: str, low: int, high: int, **_: Any) -> Any:
        return self._params[name] if low < high else low

    def suggest_float(self, name: str, low: float, high: float, **_: Any) -> Any:
        return self._params[name] if low < high else low


def _digest(text: str) -> str:
    """Twelve hexadecimal digits, the same in every process."""
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
