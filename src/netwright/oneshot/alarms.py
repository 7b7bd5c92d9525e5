"""What can go wrong with shared weights, found in a diary: in plain words, with what to do about it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from netwright.oneshot.diary import SKIPS, Diary, Epoch, Phase, Ranking

__all__ = ["Alarm", "alarms"]

_LEAST_RANKED = 8  # arches, for a word about a ranking
_RARE = 0.01  # so many skip connections come about by chance in fewer searches
_UNDECIDED = 0.02  # difference of the first two weights of a decision
_NAMED = 6  # options that are named one by one
_GROWN = 1.5  # times its least value: a loss that has left it behind


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that makes the outcome of shared weights doubtful.

    Attributes:
        kind: `diverged`, `collapsed`, `ranking`, `untrained` or `undecided`.
        text: what was found.
        advice: what to do about it.
    """

    kind: str
    text: str
    advice: str

    def __str__(self) -> str:
        return f"{self.text} {self.advice}"


def alarms(diary: Diary) -> list[Alarm]:
    """What a reader of the result must know, the worst first.

    Looked for: losses that are no numbers or grow; derived arches of skip connections; architecture parameters that
    tell hardly anything; options that no path has trained; scores by shared weights that order arches no better than
    chance.

    Example:
        >>> diary = Diary()
        >>> for epoch, loss in enumerate([1.0, 0.9, float("nan")], 1):
        ...     diary.epoch(epoch, losses={"train": loss})
        >>> [alarm.text for alarm in alarms(diary)]
        ['The loss `train` is no number from epoch 3 on.']
    """
    phases = [phase for phase in diary.phases.values() if phase.epochs]
    found = [alarm for phase in phases for alarm in _diverged(phase)]
    for check in (_collapsed, _undecided):  # what counts is what is derived in the end
        last = next((phase for phase in reversed(phases) if any(e.weights or e.arch for e in phase.epochs)), None)
        found += [] if last is None else check(last)
    found += _untrained(diary)
    return found + [alarm for ranking in diary.rankings for alarm in _ranking(ranking)]


def _diverged(phase: Phase) -> Iterator[Alarm]:
    for name in dict.fromkeys(name for epoch in phase.epochs for name in epoch.losses):
        told = [(epoch.number, epoch.losses[name]) for epoch in phase.epochs if name in epoch.losses]
        wrong = next((number for number, loss in told if not math.isfinite(loss)), None)
        if wrong is not None:
            yield Alarm(
                "diverged",
                f"The loss `{name}` is no number from epoch {wrong} on.",
                "Lower the learning rate, or clip gradients; what came of it after that epoch is of no use.",
            )
            continue
        (_, first), (_, last) = told[0], told[-1]
        least, best = min((loss, number) for number, loss in told)
        if len(told) >= 4 and last > first and last > _GROWN * least > 0:
            yield Alarm(
                "diverged",
                f"The loss `{name}` has grown from {least:.3g} in epoch {best} to {last:.3g} at the end, above where "
                "it started.",
                "Lower the learning rate, or stop earlier.",
            )


def _collapsed(phase: Phase) -> Iterator[Alarm]:
    derived = [epoch for epoch in phase.epochs if epoch.n_skips is not None]
    if not derived or derived[-1].n_skips is None:
        return
    chances = _skip_chances(phase, derived[-1])
    skips, n = derived[-1].n_skips, len(chances)
    if skips < 3 or n == 0 or (2 * skips <= n and _at_least(skips, chances) > _RARE):
        return
    before = next((epoch for epoch in reversed(derived) if 2 * (epoch.n_skips or 0) <= skips), None)
    history = "" if before is None else f"; in epoch {before.number} it was {before.n_skips}"
    yield Alarm(
        "collapsed",
        f"{skips} of the {n} operations of the derived arch are skip connections, where chance would make it "
        f"{sum(chances):.1f}{history}.",
        "Skip connections speed the supernet's training up without being good in a network of their own: stop earlier, "
        "or use a method that holds them down (partial channels, a regulariser, dropped skips).",
    )


def _skip_chances(phase: Phase, last: Epoch) -> list[float]:
    """For each decision of the derived arch that can be a skip connection, how likely it is to be one by chance.

    Where no option is called like one, but the trainer counts some, each decision is taken to have one.
    """
    options = {name: tuple(weights) for name, weights in last.weights.items()} | phase.options
    taken = options if last.arch is None else {name: options.get(name, ()) for name in last.arch}
    counts = [(sum(option in SKIPS for option in those), len(those)) for those in taken.values()]
    chances = [skips / n for skips, n in counts if skips]
    return chances or [1 / len(weights) for weights in last.weights.values() if len(weights) > 1]


def _at_least(count: int, chances: Sequence[float]) -> float:
    """How likely at least so many of these independent events are."""
    likely = [1.0]  # of 0, 1, 2, … events
    for chance in chances:
        likely = [
            (likely[k] * (1 - chance) if k < len(likely) else 0.0) + (likely[k - 1] * chance if k else 0.0)
            for k in range(len(likely) + 1)
        ]
    return sum(likely[count:])


def _undecided(phase: Phase) -> Iterator[Alarm]:
    last = next((epoch.weights for epoch in reversed(phase.epochs) if epoch.weights), {})
    ordered = [sorted(weights.values(), reverse=True) for weights in last.values() if len(weights) > 1]
    gaps = [(weights[0] - weights[1]) / (sum(weights) or 1.0) for weights in ordered]
    if gaps and median(gaps) < _UNDECIDED:
        close = sum(gap < _UNDECIDED for gap in gaps)
        yield Alarm(
            "undecided",
            f"In {close} of {len(gaps)} decisions the best option's weight is less than {_UNDECIDED:g} above the "
            "second's, so the derived arch is little more than a draw.",
            "Train for longer, raise the learning rate of the architecture parameters, or compare several derived "
            "arches by training them.",
        )


def _untrained(diary: Diary) -> Iterator[Alarm]:
    totals = diary.totals()
    if not any(any(counts.values()) for counts in totals.values()):
        return
    never = [f"{name}={option}" for name, counts in totals.items() for option, count in counts.items() if not count]
    if not never:
        return
    n_options = sum(map(len, totals.values()))
    after = f" in {diary.n_paths:,} path{'s' * (diary.n_paths != 1)}" if diary.n_paths else ""
    named = ", ".join(never[:_NAMED]) + (f" and {len(never) - _NAMED} more" if len(never) > _NAMED else "")
    yield Alarm(
        "untrained",
        f"{len(never)} of {n_options} options were never trained{after}: {named}.",
        "What shared weights say of arches with them is the first, random weights' word: train for longer, use a fair "
        "sampler, or leave them out of the space.",
    )


def _ranking(ranking: Ranking) -> Iterator[Alarm]:
    n, tau, (low, high) = ranking.n_arches, ranking.tau, ranking.interval
    if n < _LEAST_RANKED or low > 0:
        return
    title = f" ({ranking.title})" if ranking.title else ""
    figures = f"Kendall's tau is {tau:.2f}, 95 % interval {low:.2f} to {high:.2f}"
    verdict = "is no better than chance" if high < 0.5 else "can't be told from chance"
    yield Alarm(
        "ranking",
        f"The order in which shared weights{title} put {n} arches {verdict}: {figures}.",
        "Don't choose by it: train for longer, re-estimate the statistics of normalisation for each path, split the "
        "supernet, or compare more arches to be surer.",
    )
