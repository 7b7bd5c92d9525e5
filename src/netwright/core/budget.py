"""`Budget`: how much a search may use. Budgets are hard."""

from __future__ import annotations

import re
from dataclasses import dataclass

from netwright.core.errors import InvalidInput
from netwright.core.quantity import parse_count, parse_seconds, seconds_text

__all__ = ["Budget"]

_CANDIDATES = re.compile(r"([\d._]+[kM]?)\s*(?:candidates?|evaluations?|queries|arches)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits on a search; whichever is met first ends it.

    Attributes:
        seconds: wall time of the whole search, the final training included.
        candidates: evaluated candidates; those refused by a constraint before training don't count.

    Example:
        >>> Budget.of("10m"), Budget.of("200 candidates")
        (Budget(seconds=600.0, candidates=None), Budget(seconds=None, candidates=200))
        >>> print(Budget.of("1h, 50 candidates"))
        1h 0m, 50 candidates
    """

    seconds: float | None = None
    candidates: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is None and self.candidates is None:
            raise InvalidInput("a budget must limit seconds, candidates or both; say budget='10m' or '200 candidates'.")
        if self.seconds is not None and not 0 < self.seconds < float("inf"):
            raise InvalidInput(f"`seconds` of a budget must be positive, but got {self.seconds!r}.")
        if self.candidates is not None and not (isinstance(self.candidates, int) and self.candidates >= 1):
            raise InvalidInput(
                f"`candidates` of a budget must be a whole number of at least 1, but got {self.candidates!r}."
            )

    @classmethod
    def of(cls, given: str | Budget) -> Budget:
        """A budget from a text: a time (`90s`, `10m`, `1h30m`), `200 candidates`, or both with a comma between.

        Raises:
            InvalidInput: if it can't be read, or is a bare number (seconds and candidates are easily confused).
        """
        if isinstance(given, Budget):
            return given
        rule = "a budget must look like '90s', '10m', '1h30m', '200 candidates' or '10m, 200 candidates'"
        if not isinstance(given, str):
            raise InvalidInput(f"{rule}, but got {given!r}: say the unit, such as '{given}s' or '{given} candidates'.")
        seconds: float | None = None
        candidates: int | None = None
        for part in given.split(","):
            match = _CANDIDATES.fullmatch(part.strip())
            try:
                if match:
                    number = parse_count(match[1])
                    if number != int(number) or candidates is not None:
                        raise InvalidInput("one whole number of candidates")
                    candidates = int(number)
                elif seconds is not None:
                    raise InvalidInput("one time")
                else:
                    seconds = parse_seconds(part)
            except InvalidInput as error:
                raise InvalidInput(f"{rule}, but got {given!r}.") from error
        return cls(seconds, candidates)

    def __str__(self) -> str:
        parts = [] if self.seconds is None else [seconds_text(self.seconds)]
        if self.candidates is not None:
            parts.append(f"{self.candidates} candidates")
        return ", ".join(parts)
