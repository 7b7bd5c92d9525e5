"""A whole training at a low fidelity: with its own schedule to the end, and without a trace."""

from __future__ import annotations

from dataclasses import replace

from netwright.core import Candidate, Context, Evaluator

__all__ = ["whole_training"]


def whole_training(evaluator: Evaluator, candidate: Candidate, context: Context) -> dict[str, float]:
    """Evaluate a candidate as if fully, with something else about it reduced; below fidelity 1 without checkpoints.

    For a fidelity that isn't a prefix of the full training: going on from it would be another training, and its weights
    are none that the search's end may fall back on.

    Example:
        >>> from netwright.core import Arch
        >>> def evaluator(candidate, context):
        ...     return {"fidelity": candidate.fidelity}
        >>> whole_training(evaluator, Candidate(0, Arch({}), fidelity=0.5), Context())
        {'fidelity': 1.0}
    """
    own = context if candidate.fidelity >= 1 else replace(context, checkpoints=None)  # the curves are the same object
    metrics = evaluator(replace(candidate, fidelity=1.0), own)
    context.partial = own.partial
    return dict(metrics)
