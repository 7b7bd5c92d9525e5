"""Optuna's samplers as strategies (Akiba et al. 2019, Optuna, https://arxiv.org/abs/1907.10902)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from netwright.core import Arch, Candidate, History, Record, SearchSpace
from netwright.core.errors import InvalidInput, unknown
from netwright.spaces import Space
from netwright.strategies.numbers import check_numbers
from netwright.strategies.optuna_parameters import Parameters, require_optuna

__all__ = ["OptunaSampler"]

_STARTUP = {"tpe", "gp", "cmaes"}  # have a number of random candidates
_POPULATION = {"cmaes", "nsga2"}  # have a population
_NAMES = ("cmaes", "gp", "nsga2", "random", "tpe")
_MEMORY = {"cmaes", "nsga2"}  # keep notes in the study, which others don't
_HUGE = 1e100  # losses beyond it would overflow when they are squared
_MOST_BROKEN = 1e12  # a violation may be infinite
_LEAST_RANKED = 1e15  # CMA-ES knows no limits: what breaks one is worse than anything


@dataclass(slots=True)
class _Told:
    """What was told so far, as Optuna's trials."""

    parameters: Parameters
    n_objectives: int
    scout: Any  # a sampler that knows what all known arches have in common
    known: list[Any] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    limited: bool = False  # a record broke a limit
    worst: list[float] | None = None  # loss of each objective


@dataclass(frozen=True, slots=True)
class OptunaSampler:
    """Asks one of Optuna's samplers, which is told every record; needs Optuna 5 or newer.

    A sampler is made anew for each candidate, with a seed from the candidate's generator, on a study that is the fold
    of the records. What samplers note along the way (the generations of NSGA-II, the state of CMA-ES) is noted again
    when a record comes in, by asking a sampler with a fixed seed and overruling its answer by the record's arch. So a
    record belongs to the generation in which it comes in. With one worker that is Optuna's own behaviour.

    Only decisions that count are asked for. Failed records are left out, as Optuna does. Broken limits are constraints
    to TPE, GP and NSGA-II, and the worst losses to CMA-ES; what wasn't trained for a limit has the worst
    loss so far. Pending candidates count as running: TPE takes them for bad ones (constant liar), GP integrates over
    what they may give. Records of lower fidelities count as stopped early. CMA-ES knows numbers and one objective only:
    it looks at the first objective, and TPE decides the choices. Where constraints across decisions are broken (or a
    narrowed space is left), the sampler is asked again, with what it said counted as running; then the nearest allowed
    arch is taken.

    Attributes:
        sampler: `tpe` (Bergstra et al. 2011), `gp` (Gaussian process with log expected improvement, Ament et al. 2023,
            https://arxiv.org/abs/2310.20708), `cmaes` (Hansen 2016, https://arxiv.org/abs/1604.00772), `nsga2` (Deb et
            al. 2002) or `random`; or a function from a seed to any sampler of Optuna's.
        startup: random candidates before the model, of `tpe`, `gp` and `cmaes`; Optuna's own number if not given.
        population: of `cmaes` and `nsga2`; Optuna's own number if not given.
        tries: how often the sampler is asked while it breaks constraints across decisions.

    Example:
        >>> from netwright import Space, integer
        >>> from netwright.loop import Search
        >>> space = Space({"x": integer(0, 99), "y": integer(0, 99)})
        >>> def loss(candidate, context):
        ...     return {"loss": float((candidate.arch["x"] - 20) ** 2 + (candidate.arch["y"] - 70) ** 2)}
        >>> history = Search(space, OptunaSampler("tpe"), loss, budget="60 candidates").run()
        >>> history.best.loss < 100
        True

    Raises:
        MissingDependency: if Optuna (or cmaes, for `cmaes`) is not installed.
        NotFound: for an unknown sampler.
        InvalidInput: for numbers that can't be, or that the sampler doesn't have.
    """

    sampler: str | Callable[[int], Any] = "tpe"
    startup: int | None = None
    population: int | None = None
    tries: int = 10

    def __post_init__(self) -> None:
        check_numbers(self)
        if isinstance(self.sampler, str):
            if self.sampler not in _NAMES:
                raise unknown("sampler of Optuna", self.sampler, _NAMES)
        elif isinstance(self.sampler, type) or not callable(self.sampler):
            raise InvalidInput(
                f"`sampler` must be one of {', '.join(_NAMES)}, or a function from a seed to a sampler, but got "
                f"{self.sampler!r}."
            )
        for name, value, having, least in (
            ("startup", self.startup, _STARTUP, 1),
            ("population", self.population, _POPULATION, 2),
        ):
            if value is not None and value < least:
                raise InvalidInput(f"`{name}` of OptunaSampler must be at least {least}, but got {value!r}.")
            if value is not None and self.sampler not in having:
                raise InvalidInput(
                    f"`{name}` is an option of the samplers {', '.join(sorted(having))}, but got {name}={value} with "
                    f"{self.sampler!r}: leave it out."
                )
        if self.tries < 1:
            raise InvalidInput(f"`tries` of OptunaSampler must be at least 1, but got {self.tries!r}.")
        require_optuna(*(("cmaes",) if self.sampler == "cmaes" else ()))

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """What the sampler suggests, after all that was told."""
        from netwright.strategies.optuna_study import quiet

        told = history.fold(self, self._tell, partial(self._begin, space, len(history.objectives)))
        running = [
            self._running(told, len(told.known) + place, candidate.arch)
            for place, (_, candidate) in enumerate(sorted(history.pending.items()))
        ]
        study = self._study(told, running, int(rng.integers(2**32)))
        assert isinstance(space, Space)
        for _ in range(self.tries):
            with quiet():
                arch = told.parameters.suggested(study.ask())
            if space.allowed(arch) and space.inside(arch) == arch:
                return history.candidate(arch)
        return history.candidate(space.nearest_allowed(space.inside(arch)))

    def _begin(self, space: SearchSpace, n_objectives: int) -> _Told:
        return _Told(Parameters(space), 1 if self.sampler == "cmaes" else n_objectives, self._made(0))

    def _study(self, told: _Told, running: list[Any], seed: int) -> Any:
        """A study of all that is known, with a new sampler."""
        from netwright.strategies.optuna_study import StudyView, study_of

        view = StudyView([*told.known, *running], told.attributes, told.n_objectives)
        study = study_of(view, self._made(seed))
        if isinstance(self.sampler, str):
            # What all arches have in common takes a new sampler longest. It depends on the records alone, so one that
            # lasts finds it, record by record.
            common = told.scout.infer_relative_search_space(study, None)
            study.sampler.infer_relative_search_space = lambda *_: dict(common)
        return study

    def _made(self, seed: int) -> Any:
        """A new sampler."""
        from optuna import samplers

        startup: dict[str, Any] = {} if self.startup is None else {"n_startup_trials": self.startup}
        population: dict[str, Any] = {} if self.population is None else {"population_size": self.population}
        if not isinstance(self.sampler, str):
            return self.sampler(seed)
        if self.sampler == "tpe":
            return samplers.TPESampler(seed=seed, **startup)
        if self.sampler == "gp":
            return samplers.GPSampler(seed=seed, warn_independent_sampling=False, **startup)
        if self.sampler == "cmaes":
            return samplers.CmaEsSampler(
                seed=seed,
                warn_independent_sampling=False,
                independent_sampler=samplers.TPESampler(seed=seed),
                popsize=self.population,
                **startup,
            )
        if self.sampler == "nsga2":
            return samplers.NSGAIISampler(seed=seed, **population)
        return samplers.RandomSampler(seed=seed)

    def _running(self, told: _Told, number: int, arch: Arch) -> Any:
        from optuna.trial import TrialState

        from netwright.strategies.optuna_study import finished

        params, distributions = told.parameters.of(arch)
        return finished(
            number,
            TrialState.RUNNING,
            values=None,
            params=params,
            distributions=distributions,
            attributes={},
            reported={},
            violation=None,
        )

    def _tell(self, told: _Told, record: Record) -> _Told:
        """Add a record."""
        from optuna.trial import TrialState

        from netwright.strategies.optuna_study import finished, limit

        if record.violation > 0 and not told.limited and self.sampler != "cmaes":
            told.limited = True
            for earlier in told.known:
                limit(earlier, 0.0)
        violation = math.log1p(min(record.violation, _MOST_BROKEN))
        state, values, reported = TrialState.FAIL, None, {}
        if record.losses and record.fidelity < 1:
            state = TrialState.PRUNED
            if told.n_objectives == 1:
                reported = {max(1, round(1e6 * record.fidelity)): _tamed(record.loss)}
        elif record.losses or record.violation > 0:
            state = TrialState.COMPLETE
            if record.losses:
                values = [_tamed(loss) for loss in record.losses[: told.n_objectives]]
                told.worst = (
                    values if told.worst is None else [max(pair) for pair in zip(told.worst, values, strict=True)]
                )
            else:
                values = told.worst or [0.0] * told.n_objectives
            if record.violation > 0 and self.sampler == "cmaes":
                values = [_LEAST_RANKED * (1 + violation)]
        params, distributions = told.parameters.of(record.arch)
        notes = self._notes(told) if state == TrialState.COMPLETE else {}
        told.known.append(
            finished(
                len(told.known),
                state,
                values=values,
                params=params,
                distributions=distributions,
                attributes=notes,
                reported=reported,
                violation=violation if told.limited else None,
            )
        )
        return told

    def _notes(self, told: _Told) -> dict[str, Any]:
        """What the sampler notes with its next answer, and in the study: a function of the records alone."""
        from netwright.strategies.optuna_study import quiet

        if isinstance(self.sampler, str) and self.sampler not in _MEMORY:
            return {}
        asked = self._study(told, [], len(told.known)).ask()
        with quiet():
            asked.relative_params  # noqa: B018  # asked for what it notes
        told.attributes = asked.storage.attributes
        notes: dict[str, Any] = asked.storage.trials[-1].system_attrs
        return notes


def _tamed(loss: float) -> float:
    return max(-_HUGE, min(_HUGE, loss))
