"""What wrappers check of the strategies that are put into them."""

from __future__ import annotations

from netwright.core.errors import InvalidInput

__all__ = ["check_inner"]


def check_inner(owner: str, **strategies: object) -> None:
    """Check that each of a wrapper's arguments, by its name, is a strategy: an object that can propose.

    Example:
        >>> check_inner("Deduplicated", strategy="random")
        Traceback (most recent call last):
            ...
        netwright.core.errors.InvalidInput: `strategy` of Deduplicated must be a strategy, such as Random(), but got ...

    Raises:
        InvalidInput: for the first one that isn't.
    """
    for name, given in strategies.items():
        if isinstance(given, type) and callable(getattr(given, "propose", None)):
            raise InvalidInput(f"`{name}` of {owner} must be a strategy, not its class: say {given.__name__}().")
        if not callable(getattr(given, "propose", None)):
            raise InvalidInput(f"`{name}` of {owner} must be a strategy, such as Random(), but got {given!r}.")
