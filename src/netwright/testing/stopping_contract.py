"""What any stopping rule has to hold: words or nothing, the same for the same curve, whatever is known or missing."""

from __future__ import annotations

import itertools

import numpy as np

from netwright.evaluators.stopping import RunningCurve, StoppingRule
from netwright.testing.copies import pickled_copy
from netwright.testing.global_state import unchanged_global_state

__all__ = ["check_stopping_rule"]

_EPOCHS = 12


def check_stopping_rule(rule: StoppingRule, *, seed: int = 0) -> None:
    """Check that a stopping rule keeps its contract, on made-up curves.

    Checked: it says in a text why to stop, or '' to go on; the same for the same curve, from a pickled copy too; it
    changes nothing of what it is shown and touches no global random state; it gets along with no earlier candidates,
    with few, with stopped ones and with values that are no numbers; one that says that it doesn't compare says the
    same whoever came earlier; the best curve of all isn't stopped.

    Args:
        rule: the rule.
        seed: of the curves.

    Example:
        >>> from netwright.evaluators.stopping import MedianRule
        >>> check_stopping_rule(MedianRule())

    Raises:
        AssertionError: saying which law is broken.
    """
    name = type(rule).__name__
    if not isinstance(rule, StoppingRule) or not isinstance(rule.compares, bool):
        raise AssertionError(  # noqa: TRY004  # a broken rule like all others
            f"{name} must say in `compares` whether it compares with others: True or False."
        )
    copied = pickled_copy(rule)
    rng = np.random.default_rng(seed)
    levels = np.sort(rng.uniform(0.2, 0.9, size=9))
    whole = levels[:, None] + rng.uniform(0.5, 1.0, size=(9, 1)) / np.arange(1, _EPOCHS + 1)
    for curve in _curves(whole):
        before = [array.copy() for array in _arrays(curve)]
        with unchanged_global_state(name):
            said = _asked(rule, curve, name)
        if _asked(rule, curve, name) != said or _asked(copied, curve, name) != said:
            raise AssertionError(f"{name} must say the same for the same curve, from a pickled copy too.")
        if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, _arrays(curve), strict=True)):
            raise AssertionError(f"{name} must not change what it is shown.")
        alone = RunningCurve(curve.losses, curve.train_losses, curve.until)
        if not rule.compares and _asked(rule, alone, name) != said:
            raise AssertionError(f"{name} says that it doesn't compare, but earlier candidates change what it says.")
    best = whole[0] - 0.1
    for epoch in range(1, _EPOCHS):
        said = _asked(rule, RunningCurve(best[:epoch], best[:epoch], _EPOCHS, whole, whole), name)
        if said:
            raise AssertionError(f"{name} must go on with a curve that is the best at each epoch, but said: {said}")


def _curves(whole: np.ndarray) -> list[RunningCurve]:
    """What a rule may be shown in a search."""
    stopped = whole.copy()
    stopped[::2, 3:] = np.nan
    broken = whole.copy()
    broken[0, 2], broken[1] = np.nan, np.inf
    earlier = [np.zeros((0, 1)), whole[:1], whole[:, :4], stopped, broken, whole]
    bad = whole[-1] + 0.3
    odd = bad.copy()
    odd[1] = np.nan
    return [
        RunningCurve(curve[:epoch], np.nan_to_num(curve[:epoch]), _EPOCHS, known, known)
        for known, curve, epoch in itertools.product(earlier, (whole[0] - 0.1, whole[4], bad, odd), (1, 2, 5, 11))
    ]


def _arrays(curve: RunningCurve) -> list[np.ndarray]:
    return [curve.losses, curve.train_losses, curve.earlier_losses, curve.earlier_train_losses]


def _asked(rule: StoppingRule, curve: RunningCurve, name: str) -> str:
    try:
        said = rule(curve)
    except Exception as error:
        raise AssertionError(
            f"{name} must get along with any curve, but raised {type(error).__name__} after epoch {curve.epoch}, with "
            f"{len(curve.earlier_losses)} earlier candidates: {error}"
        ) from error
    if not isinstance(said, str):
        raise AssertionError(f"{name} must say why to stop, or '' to go on, but returned {said!r}.")  # noqa: TRY004
    return said
