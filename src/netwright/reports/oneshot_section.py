"""The section about shared weights: alarms, losses, architecture parameters, training counts, rankings."""

from __future__ import annotations

from netwright.core.quantity import seconds_text
from netwright.oneshot.alarms import Alarm, alarms
from netwright.oneshot.diary import Diary, Phase, Ranking
from netwright.reports import oneshot_figures as figures
from netwright.reports.html_page import figure_card
from netwright.reports.markup import Markup, element, facts, joined
from netwright.reports.report_data import ReportData
from netwright.reports.wording import decisions_text, metric_text, plural

__all__ = ["alarm_card", "oneshot"]

_MOST_VALUES = 4


def oneshot(data: ReportData) -> Markup:
    """What the training of shared weights left in its diary."""
    diary = data.diary
    if not diary:
        return Markup()
    about = (
        "Weights that many arches share were trained first. Here is how that went, and whether what they say can be "
        "believed."
    )
    found = alarms(diary)
    parts: list[Markup] = [element("p", about, class_="about")]
    parts += [_alarm(alarm) for alarm in found]
    parts += [element("p", note, class_="card warning", role="note") for note in diary.notes]
    for place, phase in enumerate(diary.phases.values()):
        if phase.epochs:
            parts.append(_phase(phase, f"oneshot-{place}", several=len(diary.phases) > 1))
    parts.append(_counts(diary))
    parts.append(_rankings(diary))
    return joined(parts)


def alarm_card(data: ReportData) -> Markup:
    """All alarms in one card, for the top of the page."""
    found = alarms(data.diary) if data.diary else []
    if not found:
        return Markup()
    link = element("a", "What to do about it.", href="#oneshot")
    said = " ".join(alarm.text for alarm in found)
    return element(
        "p", element("strong", "About shared weights: "), f"{said} ", link, class_="card warning", role="note"
    )


def _alarm(alarm: Alarm) -> Markup:
    return element("p", element("strong", alarm.text), f" {alarm.advice}", class_="card warning", role="note")


def _phase(phase: Phase, name: str, *, several: bool) -> Markup:
    said = phase.title or phase.name
    said = f"{said[:1].upper()}{said[1:]}" if " " in said else said  # a method's name stays as it is
    title = [element("h3", said)] if several or phase.title else []
    values = list(dict.fromkeys(value for epoch in phase.epochs for value in epoch.values))[:_MOST_VALUES]
    drawn = [
        figure_card(f"{name}-losses", figures.losses(phase), "Losses over the epochs", "Losses after each epoch."),
        *(
            figure_card(
                f"{name}-value-{place}",
                figures.value_curve(phase, value),
                f"{value} over the epochs",
                f"{value} after each epoch.",
            )
            for place, value in enumerate(values)
        ),
        figure_card(
            f"{name}-entropy",
            figures.entropy(phase),
            "Entropy of the architecture parameters' weights over the epochs",
            "How decided the search is: the entropy of the weights of a decision's options.",
        ),
        figure_card(
            f"{name}-skips",
            figures.skip_curve(phase),
            "Number of skip connections of the derived arch over the epochs",
            "Skip connections in what would be derived after each epoch: many are a sign of collapse.",
        ),
    ]
    parts = [*title, _facts(phase)]
    if any(drawn):
        parts.append(element("div", *(card for card in drawn if card), class_="two"))
    parts += [card for card in (_weights(phase, name), _final_weights(phase, name)) if card]
    return joined(parts)


def _facts(phase: Phase) -> Markup:
    last = phase.epochs[-1]
    n_paths = sum(epoch.n_paths for epoch in phase.epochs)
    planned = f" of {phase.n_epochs:,}" if phase.n_epochs and phase.n_epochs != last.number else ""
    rows: list[tuple[str, object]] = [
        ("epochs", f"{last.number:,}{planned}"),
        ("time", "" if last.seconds is None else seconds_text(last.seconds)),
        ("paths trained", f"{n_paths:,}" if n_paths else ""),
        *((f"{loss_name(name)} at the end", metric_text("loss", value)) for name, value in last.losses.items()),
        *((f"{name} at the end", metric_text(name, value)) for name, value in last.values.items()),
    ]
    if last.arch is not None:
        rows.append(("derived arch", element("span", decisions_text(last.arch), class_="mono")))
    return element("div", facts(rows), class_="card")


def _weights(phase: Phase, name: str) -> Markup:
    told = next((epoch.weights for epoch in reversed(phase.epochs) if epoch.weights), {})
    left_out = len(told) - figures.MOST_DECISIONS
    shown = f"The {figures.MOST_DECISIONS} most decided of {len(told)} decisions are shown." if left_out > 0 else ""
    return figure_card(
        f"{name}-weights",
        figures.weight_curves(phase),
        "Weights of each option of each decision over the epochs",
        f"Weights of the options of each decision over the epochs. {shown}".strip(),
        height=figures.weights_height(phase),
    )


def _final_weights(phase: Phase, name: str) -> Markup:
    told = next((epoch.weights for epoch in reversed(phase.epochs) if epoch.weights), {})
    return figure_card(
        f"{name}-final-weights",
        figures.final_weights(phase),
        "Weights of all options of all decisions after the last epoch",
        "Weights after the last epoch.",
        height=figures.table_height(min(len(told), figures.MOST_ROWS)) - 40,
    )


def _counts(diary: Diary) -> Markup:
    shown = figures.trained_decisions(diary)
    if not shown:
        return Markup()
    n = sum(len(counts) > 1 and any(counts.values()) for counts in diary.totals().values())
    some = f" The {len(shown)} most unevenly trained of {plural(n, 'decision')} are shown." if len(shown) < n else ""
    card = figure_card(
        "oneshot-counts",
        figures.training_counts(diary),
        "How often each option of each decision was trained",
        f"{plural(diary.n_paths, 'path')}. A decision that only counts in some arches is trained less often.{some}",
        height=figures.table_height(len(shown)) + 30,
    )
    return joined([element("h3", "How often each option was trained"), card])


def _rankings(diary: Diary) -> Markup:
    cards = [
        figure_card(
            f"ranking-{place}",
            figures.ranking(found),
            f"Scores by shared weights against scores after standalone training: {ranking_text(found)}",
            f"{found.title[:1].upper()}{found.title[1:]}{': ' if found.title else ''}{ranking_text(found)}.",
        )
        for place, found in enumerate(diary.rankings)
    ]
    cards = [card for card in cards if card]
    if not cards:
        return Markup()
    head = element("h3", "Do shared weights tell good arches from bad ones?")
    return joined([head, element("div", *cards, class_="two")])


def loss_name(name: str) -> str:
    """What a loss is called among other numbers.

    Example:
        >>> loss_name("train"), loss_name("train_loss")
        ('train loss', 'train_loss')
    """
    return name if "loss" in name.lower() else f"{name} loss"


def ranking_text(found: Ranking) -> str:
    """How well a supernet orders arches.

    Example:
        >>> ranking_text(Ranking("", tuple(range(9)), (1, 0, 2, 3, 4, 5, 6, 7, 8)))
        "Kendall's tau 0.94 over 9 arches, 95 % interval 0.83 to 0.98"
    """
    tau, n, (low, high) = found.tau, found.n_arches, found.interval
    sure = f", 95 % interval {low:.2f} to {high:.2f}" if n >= 5 else ""
    return f"Kendall's tau {tau:.2f} over {plural(n, 'arch', 'arches')}{sure}"
