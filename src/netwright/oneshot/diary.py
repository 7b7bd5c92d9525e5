"""`Diary`: what the training of a supernet or of a relaxation leaves behind, epoch by epoch, as lines of JSON.

Trainers write it, reports and alarms read it. A line is one entry, whole or absent: a killed process leaves a diary
that can be read and continued. Needs no torch.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netwright.core.arch import Arch, Decided
from netwright.core.errors import InvalidInput, RunError
from netwright.oneshot.rank_agreement import kendall_interval, kendall_tau
from netwright.spaces import Space

__all__ = ["FILE", "SKIPS", "Diary", "Epoch", "Phase", "Ranking", "diary_at", "diary_file", "option_text"]

FILE = "oneshot.jsonl"
"""The diary's name in the folder of a run."""

SKIPS = frozenset(["skip_connect", "skip", "identity", "Identity"])
"""How options that only pass their input on are called; of those, `n_skips` counts the chosen ones."""

_MOST_OPTIONS = 64  # of a decision, that are listed as never trained where they weren't


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of a training.

    Attributes:
        number: 1, 2, ….
        losses: means by name, such as `train` and `val`.
        values: other numbers by name: `val_accuracy`, `temperature`, `hessian_eigenvalue`, ….
        weights: of a mixture: decision → option → the architecture parameters' weight, such as their softmax.
        counts: how often each option was trained in this epoch: decision → option → number of paths.
        n_paths: how many paths were trained in this epoch.
        arch: what would be derived now.
        n_skips: how many skip connections that arch has.
        seconds: of the training, from its start to the end of this epoch.
    """

    number: int
    losses: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    n_paths: int = 0
    arch: Arch | None = None
    n_skips: int | None = None
    seconds: float | None = None

    @property
    def entropies(self) -> dict[str, float]:
        """Of each decision's weights, from 0 (decided) to 1 (all options alike).

        Example:
            >>> Epoch(1, weights={"op": {"a": 0.5, "b": 0.5}, "edge": {"a": 1.0, "b": 0.0}}).entropies
            {'op': 1.0, 'edge': 0.0}
        """
        return {name: _entropy(list(weights.values())) for name, weights in self.weights.items()}


@dataclass(frozen=True, slots=True)
class Ranking:
    """Arches scored by shared weights and by their own: how well the supernet tells good from bad.

    Attributes:
        title: how the shared weights were used, such as `statistics re-estimated`.
        shared: the supernet's scores.
        standalone: scores after standalone training, of the same arches and in the same direction.
    """

    title: str
    shared: tuple[float, ...]
    standalone: tuple[float, ...]

    @property
    def tau(self) -> float:
        """Kendall's tau of the two: 1 for the same order, about 0 for chance."""
        return kendall_tau(self.shared, self.standalone)

    @property
    def n_arches(self) -> int:
        """How many arches have both scores."""
        return sum(map(math.isfinite, map(sum, zip(self.shared, self.standalone, strict=True))))

    @property
    def interval(self) -> tuple[float, float]:
        """About the 95 % interval of tau."""
        return kendall_interval(self.tau, self.n_arches)


@dataclass(slots=True)
class Phase:
    """A training from its first epoch to its last: a run may have several.

    Attributes:
        name: names it in the diary.
        title: says what it is, for people.
        n_epochs: how many epochs were planned, if that is known.
        options: decision → its options, of those that can be counted.
        epochs: in their order.
    """

    name: str
    title: str = ""
    n_epochs: int | None = None
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    epochs: list[Epoch] = field(default_factory=list)

    def totals(self) -> dict[str, dict[str, int]]:
        """How often each option was trained in all epochs; 0 for those that never were."""
        found: dict[str, Counter[str]] = {name: Counter(dict.fromkeys(o, 0)) for name, o in self.options.items()}
        for epoch in self.epochs:
            for name, counts in epoch.counts.items():
                found.setdefault(name, Counter()).update(counts)
        return {name: dict(counts) for name, counts in found.items()}


class Diary:
    """What the training of shared weights leaves behind: append-only, in a file or in memory.

    Where the file is there already, the diary goes on with it. An epoch that is written again replaces the earlier
    one and all later ones of its phase: a training that continues from a checkpoint just writes on.

    Args:
        path: the file, made with its first entry; None: in memory.
        read_only: for looking at it while its training goes on.

    Example:
        >>> from netwright import nn, choice
        >>> space = Space(nn.Sequential(choice({"skip": nn.Identity(), "relu": nn.ReLU()}, label="op")))
        >>> diary = Diary()
        >>> diary.begin("darts", space=space, title="first-order DARTS", n_epochs=2)
        >>> for epoch in (1, 2):
        ...     arch = Arch({"op": "skip"})
        ...     diary.count(arch)
        ...     diary.epoch(epoch, losses={"train": 1 / epoch}, weights={"op": {"skip": 0.8, "relu": 0.2}}, arch=arch)
        >>> diary.phases["darts"].epochs[-1].n_skips, diary.phases["darts"].totals()
        (1, {'op': {'skip': 2, 'relu': 0}})

    Raises:
        RunError: if the file can't be read as a diary.
    """

    def __init__(self, path: str | Path | None = None, *, read_only: bool = False) -> None:
        self.path = None if path is None else Path(path)
        self.read_only = read_only
        self.phases: dict[str, Phase] = {}
        self.rankings: list[Ranking] = []
        self.notes: list[str] = []
        self._phase = "training"
        self._counted: dict[str, Counter[str]] = {}
        self._n_paths = 0
        if self.path is not None and self.path.exists():
            self._read(self.path)

    def __bool__(self) -> bool:
        return bool(self.phases or self.rankings or self.notes)

    # Writing

    def begin(
        self, phase: str = "training", *, space: Space | None = None, title: str = "", n_epochs: int | None = None
    ) -> None:
        """Begin a phase, or go on with it: the epochs that follow are its own.

        Args:
            phase: its name: one for each training whose epochs count from 1.
            space: tells which options there are, so that those never trained are found.
            title: says what it is, for people.
            n_epochs: how many epochs are planned.
        """
        options: dict[str, list[str]] = {}
        for decision in () if space is None else space.decisions:
            if decision.domain.count <= _MOST_OPTIONS:
                values = dict.fromkeys(part for value in decision.domain.grid(2) for part in _parts(value))
                options[decision.name] = [option_text(value) for value in values]
        self._append({"kind": "begin", "phase": phase, "title": title, "n_epochs": n_epochs, "options": options})

    def count(self, arch: Arch, times: int = 1) -> None:
        """One more path was trained (in as many batches as `times` says): the next epoch tells of it."""
        for name, value in arch.items():
            counts = self._counted.setdefault(name, Counter())
            for part in _parts(value):
                counts[option_text(part)] += times
        self._n_paths += times

    def epoch(
        self,
        number: int,
        *,
        losses: Mapping[str, float] | None = None,
        values: Mapping[str, float] | None = None,
        weights: Mapping[str, Mapping[Any, float]] | None = None,
        counts: Mapping[str, Mapping[Any, int]] | None = None,
        arch: Arch | None = None,
        n_skips: int | None = None,
        seconds: float | None = None,
    ) -> None:
        """An epoch has ended; see `Epoch` for what can be told of it.

        Args:
            number: 1, 2, …; within the phase that began last.
            losses, values: means by name.
            weights: decision → option → weight of the architecture parameters.
            counts: how often each option was trained; what `count` was told if not given.
            arch: what would be derived now.
            n_skips: its skip connections; counted by the options' names (`SKIPS`) if not given.
            seconds: of the training so far.
        """
        if number < 1:
            raise InvalidInput(f"epochs count from 1, but got epoch {number}.")
        if n_skips is None and arch is not None:
            n_skips = sum(part in SKIPS for value in arch.values() for part in _parts(value))
        told = counts if counts is not None else self._counted
        entry: dict[str, Any] = {
            "kind": "epoch",
            "phase": self._phase,
            "number": int(number),
            "losses": _plain(losses),
            "values": _plain(values),
            "weights": {name: _plain(given) for name, given in (weights or {}).items()},
            "counts": {name: {option_text(o): int(n) for o, n in given.items()} for name, given in told.items()},
            "n_paths": self._n_paths,
            "arch": None if arch is None else json.loads(arch.to_json()),
            "n_skips": n_skips,
            "seconds": None if seconds is None else round(float(seconds), 3),
        }
        self._append({key: value for key, value in entry.items() if value not in (None, {}, 0) or key == "n_skips"})
        self._counted, self._n_paths = {}, 0

    def ranking(self, title: str, shared: Sequence[float], standalone: Sequence[float]) -> None:
        """Scores of the same arches by shared weights and after standalone training, in the same direction.

        A title that is given again replaces the earlier ranking.

        Raises:
            InvalidInput: if the lists aren't equally long.
        """
        if len(shared) != len(standalone):
            raise InvalidInput(
                f"a ranking needs two scores for each arch, but got {len(shared)} by shared weights and "
                f"{len(standalone)} after standalone training."
            )
        pairs = {"shared": [_number(x) for x in shared], "standalone": [_number(x) for x in standalone]}
        self._append({"kind": "ranking", "title": title, **pairs})

    def note(self, text: str) -> None:
        """Something that a reader of the report should know; the same text counts once."""
        if text not in self.notes:
            self._append({"kind": "note", "text": text})

    def _append(self, entry: dict[str, Any]) -> None:
        if self.read_only:
            raise RunError(f"the diary {self.path} was opened for reading only.")
        self._take(entry)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(json.dumps(entry, separators=(",", ":"), allow_nan=False) + "\n")

    # Reading

    def totals(self) -> dict[str, dict[str, int]]:
        """How often each option was trained in all phases together; 0 for those that never were."""
        found: dict[str, Counter[str]] = {}
        for phase in self.phases.values():
            for name, counts in phase.totals().items():
                found.setdefault(name, Counter()).update(counts)
        return {name: dict(counts) for name, counts in found.items()}

    @property
    def n_paths(self) -> int:
        """How many paths were trained in all phases together."""
        return sum(epoch.n_paths for epoch in self)

    def __iter__(self) -> Iterator[Epoch]:
        """All epochs of all phases, in their order."""
        return (epoch for phase in self.phases.values() for epoch in phase.epochs)

    def _read(self, path: Path) -> None:
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]  # what a killed process was writing is no entry
        if len(whole) < len(content) and not self.read_only:
            with path.open("r+b") as file:
                file.truncate(len(whole))
        for number, line in enumerate(whole.decode("utf-8").splitlines(), 1):
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise RunError(
                    f"line {number} of {path} is no entry of a diary ({error}): delete the file; "
                    "only the report's section about shared weights is lost with it."
                ) from error

    def _take(self, entry: dict[str, Any]) -> None:
        """One entry, as it was written, becomes part of what the diary tells."""
        kind = entry["kind"]
        if kind == "begin":
            self._phase = entry["phase"]
            phase = self.phases.setdefault(self._phase, Phase(self._phase))
            phase.title, phase.n_epochs = entry["title"], entry["n_epochs"]
            phase.options = {name: tuple(options) for name, options in entry["options"].items()}
        elif kind == "epoch":
            self._phase = entry["phase"]
            phase = self.phases.setdefault(self._phase, Phase(self._phase))
            phase.epochs = [*(epoch for epoch in phase.epochs if epoch.number < entry["number"]), _epoch(entry)]
        elif kind == "ranking":
            taken = Ranking(entry["title"], _floats(entry["shared"]), _floats(entry["standalone"]))
            self.rankings = [*(ranking for ranking in self.rankings if ranking.title != taken.title), taken]
        elif kind == "note":
            self.notes.append(entry["text"])
        else:
            raise ValueError(f"there is no entry of the kind {kind!r}")


def diary_file(checkpoints: Path) -> Path:
    """Where a run keeps its diary, by its folder of checkpoints: in the run's folder, or among them without one."""
    kept = checkpoints.name == "checkpoints" and (checkpoints.parent / "run.json").exists()
    return (checkpoints.parent if kept else checkpoints) / FILE


def diary_at(path: Path) -> Diary | None:
    """The diary of a file, for reading; None if there is none, as most methods share no weights."""
    return Diary(path, read_only=True) if path.exists() else None


def option_text(value: Any) -> str:
    """How an option is called in a diary.

    Example:
        >>> option_text("conv"), option_text(3), option_text(None)
        ('conv', '3', 'None')
    """
    return str(value)


def _parts(value: Decided) -> tuple[Any, ...]:
    """The options that a decided value takes: several for a subset."""
    return value if isinstance(value, tuple) else (value,)


def _epoch(entry: Mapping[str, Any]) -> Epoch:
    arch = entry.get("arch")
    return Epoch(
        entry["number"],
        losses=_read_plain(entry.get("losses", {})),
        values=_read_plain(entry.get("values", {})),
        weights={name: _read_plain(given) for name, given in entry.get("weights", {}).items()},
        counts=entry.get("counts", {}),
        n_paths=entry.get("n_paths", 0),
        arch=None if arch is None else Arch.from_json(json.dumps(arch)),
        n_skips=entry.get("n_skips"),
        seconds=entry.get("seconds"),
    )


def _number(value: Any) -> float | str:
    """A number as strict JSON can hold it, with seven digits: `nan` and `inf` as texts."""
    number = float(value)
    return float(f"{number:.7g}") if math.isfinite(number) else str(number)


def _plain(given: Mapping[Any, float] | None) -> dict[str, float | str]:
    return {option_text(name): _number(value) for name, value in (given or {}).items()}


def _read_plain(given: Mapping[str, float | str]) -> dict[str, float]:
    return {name: float(value) for name, value in given.items()}


def _floats(values: Sequence[float | str]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _entropy(weights: Sequence[float]) -> float:
    total = sum(weights)
    if len(weights) < 2 or not total > 0 or not math.isfinite(total):
        return 0.0
    shares = [weight / total for weight in weights if weight > 0]
    return abs(sum(share * math.log(share) for share in shares)) / math.log(len(weights))
