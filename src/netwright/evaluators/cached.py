"""`Cached`: one evaluation for all arches that work the same."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netwright.core import Candidate, Context, Evaluator, SearchSpace
from netwright.core.protocols import wants_of

__all__ = ["Cached"]


@dataclass(frozen=True, slots=True)
class Cached:
    """Evaluates each network once at each fidelity; another arch that works the same gets the same metrics.

    Arches work the same where `space.canonical` says so: isomorphic cells, dead branches. What is known is kept in the
    context's folder for checkpoints, where all workers find it, also after a restart; without a folder, in this
    process. What was cut short or failed is not kept. Curves come along; no time is spent.

    Don't put it around an evaluator whose score shall be averaged over seeds (`strategies.Repeated`): a repeat would
    get the first value again.

    Attributes:
        evaluator: what is asked for what isn't known.
        space: says which arches work the same.
        name: of what is scored, in the file's name: another evaluator on the same folder needs another.

    Example:
        >>> from netwright import Space, choice
        >>> from netwright.core import Arch
        >>> from netwright.evaluators import Function
        >>> space = Space({"x": choice([1, 2, 3])}, canonical=lambda arch: arch.replace(x=min(arch["x"], 2)))
        >>> asked = []
        >>> cached = Cached(Function(lambda arch: asked.append(arch["x"]) or float(arch["x"])), space)
        >>> [cached(Candidate(i, Arch({"x": x})), Context())["loss"] for i, x in enumerate([1, 2, 3])], asked
        ([1.0, 2.0, 2.0], [1, 2])
    """

    evaluator: Evaluator
    space: SearchSpace
    name: str = "score"
    _known: dict[str, dict[str, Any]] = field(init=False, repr=False, compare=False, default_factory=dict)

    __hash__ = None  # type: ignore[assignment]  # holds what is known

    @property
    def wants(self) -> frozenset[str]:
        """What the evaluator inside wants to know of earlier candidates."""
        return wants_of(self.evaluator)

    def __call__(self, candidate: Candidate, context: Context) -> Mapping[str, float]:
        """The metrics, of this arch or of one that works the same."""
        key = self._key(candidate)
        file = None if context.checkpoints is None else context.checkpoints / f"{key}.json"
        known = self._known.get(key) if file is None else _read(file)
        if known is not None:
            context.curves.update({name: list(values) for name, values in known["curves"].items()})
            return dict(known["metrics"])
        metrics = {name: float(value) for name, value in self.evaluator(candidate, context).items()}
        if context.partial is None:
            found = {"metrics": metrics, "curves": {name: list(values) for name, values in context.curves.items()}}
            if file is None:
                self._known[key] = found
            else:
                _write(file, found)
        return metrics

    def _key(self, candidate: Candidate) -> str:
        form = self.space.canonical(candidate.arch).to_json()
        return hashlib.sha256(f"{self.name} {candidate.fidelity!r} {form}".encode()).hexdigest()[:16]

    def __reduce__(self) -> tuple[type[Cached], tuple[Evaluator, SearchSpace, str]]:
        return Cached, (self.evaluator, self.space, self.name)  # a worker begins with what the folder holds


def _read(file: Path) -> dict[str, Any] | None:
    """What a file holds; None if there is none, or it is damaged."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return found if isinstance(found["metrics"], dict) and isinstance(found["curves"], dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(file: Path, found: dict[str, Any]) -> None:
    """At once or not at all; where it can't be written, nothing is lost but time."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with contextlib.suppress(OSError):
        part.write_text(json.dumps(found), encoding="utf-8")
        part.replace(file)
