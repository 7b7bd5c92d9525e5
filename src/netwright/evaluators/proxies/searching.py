"""`best_by_proxies`: evolution among arches that are scored by proxies alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from netwright.core import Arch
from netwright.core.errors import EvaluationError, InvalidSpace, NetwrightError
from netwright.evaluators.proxies.aggregate import Aggregate
from netwright.evaluators.proxies.evaluator import ProxyScores
from netwright.predictors import Pairwise

__all__ = ["Ranked", "best_by_proxies"]

_FEATURES = 600  # numbers that stand for an arch where noise is smoothed away
_PARENTS = 10  # the best so far, of which children are made
_EVERY = 10  # arches between two rankings
_TRIES = 50  # for an arch that isn't known yet
_PROBED = 4  # arches on which proxies are tried first
_RANDOM_SHARE = 0.3  # of the arches, before the first child; 30 where time is the limit


@dataclass(frozen=True, slots=True)
class Ranked:
    """What came of it.

    Attributes:
        arches: best first.
        proxies: that were looked at.
        n_failed: arches without a single score.
        ended: why there are no more.
    """

    arches: tuple[Arch, ...]
    proxies: tuple[str, ...]
    n_failed: int
    ended: str


def best_by_proxies(
    scores: ProxyScores,
    aggregate: Aggregate = Aggregate(),  # noqa: B008  # frozen
    *,
    n_arches: int = 300,
    seed: int = 0,
    deadline: float | None = None,
    clock: Callable[[], float] = time.time,
    allowed: Callable[[Arch], bool] = lambda _: True,
    file: Path | None = None,
) -> Ranked:
    """Random arches, then children of the best so far, ranked anew among all that were seen, as AZ-NAS does.

    Args:
        scores: the space, the data and the batch; its proxies are replaced by those that the aggregate wants.
        aggregate: makes one ranking of them.
        n_arches: how many are scored at most.
        seed: of the arches.
        deadline: a moment by `clock` at which to end, within one arch.
        clock: tells the time.
        allowed: arches that break a limit are left out.
        file: keeps the scores; those that are there already aren't computed again.

    Example:
        >>> from netwright import choice, nn, n_outputs, Space
        >>> from netwright.tasks import load
        >>> space = Space(nn.Sequential(nn.LazyLinear(choice([4, 8])), nn.ReLU(), nn.LazyLinear(n_outputs)))
        >>> len(best_by_proxies(ProxyScores(space, load("blobs"))).arches)
        2

    Raises:
        EvaluationError: if no proxy works on the arches of this space.
    """
    seen = _Seen(replace(scores, proxies=aggregate.names), aggregate, allowed, file)
    rng = np.random.default_rng((seed, 0x5EA2))
    seen.choose_proxies(rng)
    ended = f"{n_arches} arches were scored"
    n_random = max(_EVERY, int(_RANDOM_SHARE * n_arches)) if deadline is None else 3 * _EVERY
    parents: list[Arch] = []
    while len(seen.rows) < n_arches:
        if deadline is not None and clock() >= deadline and seen.rows:
            ended = "the time was up"
            break
        if len(seen.rows) >= n_random and (not parents or len(seen.rows) % _EVERY == 0):
            parents = seen.ranking()[:_PARENTS]
        arch = seen.new(parents, rng)
        if arch is None:
            ended = "no other arch was found"
            break
        seen.score(arch)
    return Ranked(tuple(seen.ranking()), seen.scores.names, seen.n_failed, ended)


@dataclass(slots=True)
class _Seen:
    """The arches so far, with their scores."""

    scores: ProxyScores
    aggregate: Aggregate
    allowed: Callable[[Arch], bool]
    file: Path | None
    rows: dict[Arch, dict[str, float]] = field(default_factory=dict)
    canonical: set[Arch] = field(default_factory=set)
    n_failed: int = 0
    reasons: list[str] = field(default_factory=list)
    _kept: dict[str, dict[str, float]] = field(default_factory=dict)

    def choose_proxies(self, rng: np.random.Generator) -> None:
        """Of each family the first proxy that works on some arches of this space."""
        space = self.scores.space
        probes = [space.default(), *(space.sample(rng) for _ in range(_PROBED - 1))]
        chosen: list[str] = []
        wanted = dict.fromkeys(self.aggregate.families, 0)  # the place of the alternative that is tried next
        while wanted:
            tried = tuple(dict.fromkeys(family[place] for family, place in wanted.items()))
            working = self._working(replace(self.scores, proxies=tried), probes)
            chosen += [name for name in tried if name in working]
            wanted = {
                family: place + 1
                for family, place in wanted.items()
                if family[place] not in working and place + 1 < len(family)
            }
        if not chosen:
            raise EvaluationError(f"no proxy works on the arches of {space.name!r}: {'; '.join(self.reasons[:3])}")
        self.scores = replace(self.scores, proxies=tuple(dict.fromkeys(chosen)))
        self._read()

    def _working(self, scores: ProxyScores, probes: Iterable[Arch]) -> set[str]:
        found: set[str] = set()
        for arch in probes:
            try:
                said = scores.scores(arch)
            except InvalidSpace as error:
                self.reasons.append(str(error))
                continue
            found |= set(said.values)
            self.reasons += said.failed.values()
        return found

    def new(self, parents: list[Arch], rng: np.random.Generator) -> Arch | None:
        """An arch that isn't known and is allowed: a child where there are parents; None if none is found."""
        space = self.scores.space
        if not self.rows and self.allowed(space.default()):
            return space.default()
        for number in range(2 * _TRIES):
            if parents and number < _TRIES:
                arch = parents[rng.integers(len(parents))]
                for _ in range(1 + int(rng.integers(2)) + number // 10):
                    arch = space.mutate(arch, rng)
            else:
                arch = space.sample(rng)
            if space.canonical(arch) not in self.canonical and self.allowed(arch):
                return arch
        return None

    def score(self, arch: Arch) -> None:
        """Score an arch; where a proxy fails it has no number there."""
        self.canonical.add(self.scores.space.canonical(arch))
        key = json.dumps(dict(arch), sort_keys=True)
        values = self._kept.get(key)
        if values is None:
            try:
                values = dict(self.scores.scores(arch).values)
            except NetwrightError as error:  # it can't be built
                self.reasons.append(str(error))
                values = {}
            if self.file is not None:
                with self.file.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps({"of": self._of(), "arch": key, "scores": values}) + "\n")
        self.rows[arch] = values
        self.n_failed += not values

    def ranking(self) -> list[Arch]:
        """Best first; those without any score are left out.

        Raises:
            EvaluationError: if there is none.
        """
        arches = [arch for arch, values in self.rows.items() if values]
        if not arches:
            raise EvaluationError(f"proxies scored none of {len(self.rows)} arches: {'; '.join(self.reasons[:3])}")
        columns = {name: [self.rows[arch].get(name, np.nan) for arch in arches] for name in self.scores.names}
        features = Pairwise(_FEATURES)(self.scores.space, arches)
        total = self.aggregate(columns, features)
        return [arches[place] for place in np.argsort(-total, kind="stable")]

    def _of(self) -> str:
        """Tells these scores from others."""
        scores = self.scores
        data = f"{scores.task.name} {len(scores.task.train)} {scores.n_examples} {scores.seed}"
        return f"{scores.space.digest} {data} {','.join(scores.names)}"

    def _read(self) -> None:
        if self.file is None or not self.file.exists():
            return
        for line in self.file.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
                if entry["of"] == self._of():
                    self._kept[entry["arch"]] = entry["scores"]
            except (ValueError, KeyError, TypeError):  # a line that a kill cut off
                continue
