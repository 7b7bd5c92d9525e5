"""What a module raises while shared weights are trained comes with the name of what was computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from netwright.core.errors import EvaluationError, NetwrightError

__all__ = ["naming_errors"]


@contextmanager
def naming_errors(what: object) -> Iterator[None]:
    """Turns what a module raises into an `EvaluationError`: it ends the whole training, not one candidate's.

    Args:
        what: is computed inside: an arch, say.

    Example:
        >>> with naming_errors("the path"):
        ...     [1, 2][7]
        Traceback (most recent call last):
        netwright.core.errors.EvaluationError: shared weights can't be trained on this data: the path raised \
IndexError: list index out of range. It can be built, so look for inputs that its modules can't take (a token beyond \
the vocabulary, say); if memory is short, make the batches smaller.

    Raises:
        EvaluationError: with the original error as its cause; the library's own errors pass as they are.
    """
    try:
        yield
    except NetwrightError:
        raise
    except Exception as error:
        said = str(error).strip().partition("\n")[0].rstrip(".") or "without a text"
        raise EvaluationError(
            f"shared weights can't be trained on this data: {what} raised {type(error).__name__}: {said}. It can be "
            "built, so look for inputs that its modules can't take (a token beyond the vocabulary, say); if memory is "
            "short, make the batches smaller."
        ) from error
