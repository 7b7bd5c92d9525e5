"""What any evaluator has to hold: numbers by name, the same for the same candidate and seed, here and in a worker."""

from __future__ import annotations

import math
import pickle
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from netwright.core import Arch, Candidate, Context, Evaluator, SearchSpace
from netwright.core.errors import NetwrightError
from netwright.testing.global_state import unchanged_global_state

__all__ = ["check_evaluator"]


def check_evaluator(
    evaluator: Evaluator,
    space: SearchSpace,
    *,
    n_arches: int = 3,
    measured: Collection[str] = (),
    tolerance: float = 1e-6,
) -> None:
    """Check that an evaluator keeps its contract, on the space's default arch and some random ones.

    Checked: it returns a mapping of numbers by name, the same names for all arches; the same candidate and seed give
    the same numbers, from a pickled copy too; no global random state is touched; the candidate and the context's
    settings stay as they are; curves are numbers; a deadline that has passed ends in metrics or in an error of
    netwright, not in a crash.

    Args:
        evaluator: the evaluator.
        space: the space of its arches.
        n_arches: how many arches are evaluated (three times each).
        measured: names of metrics that differ from run to run, such as times.
        tolerance: relative, of equal numbers.

    Example:
        >>> from netwright import Space, choice
        >>> from netwright.evaluators import Tabular
        >>> table = {Arch({"width": 8}): {"loss": 0.5}, Arch({"width": 16}): {"loss": 0.4}}
        >>> check_evaluator(Tabular(table), Space({"width": choice([8, 16])}))

    Raises:
        AssertionError: saying which rule is broken.
    """
    rng = np.random.default_rng(0)
    arches = [space.default(), *(space.sample(rng) for _ in range(n_arches - 1))]
    try:
        copied: Evaluator = pickle.loads(pickle.dumps(evaluator))  # noqa: S301  # our own
    except Exception as error:
        raise AssertionError(
            f"{_name(evaluator)} must be picklable, to be sent to workers: {type(error).__name__}: {error}."
        ) from error
    names: set[str] | None = None
    for number, arch in enumerate(arches):
        with unchanged_global_state(_name(evaluator)):
            first = _metrics(evaluator, number, arch)
        if names is not None and set(first) != names:
            raise AssertionError(
                f"{_name(evaluator)} must give the same metrics for all arches, but gave {sorted(first)} after "
                f"{sorted(names)}."
            )
        names = set(first)
        for other, whose in ((evaluator, ""), (copied, " from a pickled copy")):
            again = _metrics(other, number, arch)
            for metric in sorted(names - set(measured)):
                one, two = float(first[metric]), float(again[metric])
                if not (math.isclose(one, two, rel_tol=tolerance, abs_tol=1e-12) or (one != one and two != two)):  # noqa: PLR0124
                    raise AssertionError(
                        f"{_name(evaluator)} must give the same {metric} for the same candidate and seed{whose}, but "
                        f"gave {one!r} and {two!r} (name it in `measured` if it is a measurement)."
                    )
    _check_deadline(evaluator, arches[0])


def _metrics(evaluator: Evaluator, number: int, arch: Arch) -> Mapping[str, float]:
    candidate, given = Candidate(number, arch), Arch(dict(arch))
    with tempfile.TemporaryDirectory() as folder:
        context = Context(seed=100 + number, checkpoints=Path(folder))
        settings = (context.seed, context.deadline, context.device, context.threads, context.checkpoints)
        try:
            metrics = evaluator(candidate, context)
        except Exception as error:
            raise AssertionError(
                f"{_name(evaluator)} must evaluate every arch of the space, but raised {type(error).__name__} for "
                f"{arch}: {error}"
            ) from error
    if candidate.arch != given:
        raise AssertionError(f"{_name(evaluator)} must not change the candidate, but {given} became {candidate.arch}.")
    if settings != (context.seed, context.deadline, context.device, context.threads, context.checkpoints):
        raise AssertionError(f"{_name(evaluator)} must only read the context's settings, but changed them.")
    return _checked(evaluator, metrics, context)


def _checked(evaluator: Evaluator, metrics: object, context: Context) -> Mapping[str, float]:
    if not isinstance(metrics, Mapping) or not metrics:
        raise AssertionError(f"{_name(evaluator)} must return metrics by name, but returned {metrics!r}.")
    for name, value in metrics.items():
        try:
            float(value)
        except (TypeError, ValueError) as error:
            raise AssertionError(f"{_name(evaluator)} must return numbers, but {name!r} is {value!r}.") from error
        if not isinstance(name, str):
            raise AssertionError(  # noqa: TRY004  # a broken rule like all others
                f"{_name(evaluator)} must name its metrics with texts, but has {name!r}."
            )
    for name, values in context.curves.items():
        if not all(isinstance(value, (int, float)) for value in values):
            raise AssertionError(
                f"{_name(evaluator)} must log numbers (context.log), but the curve {name!r} has others."
            )
    return metrics


def _check_deadline(evaluator: Evaluator, arch: Arch) -> None:
    """The time is up before it begins."""
    context = Context(deadline=0.0, clock=lambda: 1.0)
    try:
        metrics = evaluator(Candidate(0, arch), context)
    except NetwrightError:
        return
    except Exception as error:
        raise AssertionError(
            f"{_name(evaluator)} must return what it has at its deadline, or raise an EvaluationError, but raised "
            f"{type(error).__name__}: {error}"
        ) from error
    _checked(evaluator, metrics, context)


def _name(evaluator: Evaluator) -> str:
    return type(evaluator).__name__
