"""The sections of the page, in their order. Each is a function of the data; one without anything to say is empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from netwright.core.quantity import seconds_text
from netwright.reports import figures
from netwright.reports.candidates_section import candidates
from netwright.reports.drawing_svg import drawing_size, drawing_svg
from netwright.reports.estimators_section import estimators
from netwright.reports.findings import decision_means, final_interval, grouped_failures
from netwright.reports.html_page import figure_card, stat_tiles
from netwright.reports.markup import Markup, breakable, element, facts, joined, rows_table
from netwright.reports.oneshot_section import oneshot
from netwright.reports.report_data import ReportData
from netwright.reports.shortcuts_section import shortcuts
from netwright.reports.summary import counts_text, gain_text, interval_text
from netwright.reports.wording import decided_text, decisions_text, is_share, metric_text, plural, shape_text

__all__ = ["SECTIONS", "Section", "stats"]

_DRAWING_HEIGHT = 1150  # as in report.css


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its anchor, its title, and what makes its content ('' to leave it out)."""

    anchor: str
    title: str
    content: Callable[[ReportData], Markup]


def stats(data: ReportData) -> Markup:
    """The numbers that matter most, as tiles."""
    tiles: list[tuple[str, str, str]] = []
    metric, best, final = data.objective.metric, data.winner, data.final
    if final is not None and metric in final.metrics:
        interval = final_interval(data)
        note = interval_text(interval) if interval else "on data that the search never saw"
        tiles.append((f"test {metric}", metric_text(metric, final.metrics[metric]), note))
    if best is not None:
        what = "validation" if data.task is not None else "search"
        note = f"candidate #{best.id}, the value that it was chosen by"
        tiles.append((f"{what} {metric}", metric_text(metric, data.value(best)), note))
        for place, objective in enumerate(data.objectives[1:], 1):
            direction = "to be kept low" if objective.direction == "min" else "to be raised"
            tiles.append((objective.metric, metric_text(objective.metric, data.value(best, place)), direction))
        if gain := gain_text(data):
            big, cut, rest = gain.partition(" against ")
            number, _, points = big.partition(" ")
            note = f"{points} against {rest}".strip() if cut else gain
            tiles.append(("change in the search", number if cut else "-", note))
        if "params" in best.metrics and all(objective.metric != "params" for objective in data.objectives):
            tiles.append(("parameters", metric_text("params", best.metrics["params"]), "of the best model"))
    tiles.append(("candidates", f"{len(data.records):,}", counts_text(data)))
    if data.records:
        extra = (
            f"then {seconds_text(final.seconds)} of final training"
            if final is not None and final.seconds is not None
            else ""
        )
        tiles.append(("search time", seconds_text(data.seconds), extra))
    return stat_tiles(tiles, highlighted=best is not None)


def _progress(data: ReportData) -> Markup:
    about = element(
        "p", "Each point is a candidate; the line is the best result so far. Hover for its decisions.", class_="about"
    )
    if not any(record.scored for record in data.records):
        return element("p", "No candidate has a result, so there is no progress to show.", class_="card empty")
    metric = data.objective.metric
    return joined(
        [
            about,
            element(
                "div",
                figure_card(
                    "progress-number",
                    figures.progress(data, against="number"),
                    f"{metric} of every candidate and of the best so far, against the number of candidates",
                    "Against the number of candidates. Far worse results may be out of view: double-click to see all.",
                ),
                figure_card(
                    "progress-seconds",
                    figures.progress(data, against="seconds"),
                    f"{metric} of every candidate and of the best so far, against the time of the search",
                    "Against the time of the search, over all resumptions.",
                ),
                class_="two",
            ),
        ]
    )


def _curves(data: ReportData) -> Markup:
    names = figures.curve_names(data)
    drawn = [
        figure_card(
            f"curve-{place}",
            figures.learning_curves(data, name),
            f"Learning curves of {name}: the best five candidates in colour, the others faint",
            f"{name} after each epoch.",
        )
        for place, name in enumerate(names)
    ]
    about = "The best five candidates in colour, the others faint. A click on a name in the legend hides its curve."
    parts = [element("p", about, class_="about"), element("div", *drawn, class_="two")] if drawn else []
    final = data.final.curves if data.final is not None else {}
    last = [
        figure_card(
            f"final-curve-{place}",
            figures.final_curve(name, values),
            f"Learning curve of {name} in the final training",
            f"{name} after each epoch of the final training.",
        )
        for place, (name, values) in enumerate(list(final.items())[:4])
    ]
    parts += [element("h3", "The final training"), element("div", *last, class_="two")] if any(last) else []
    return joined(parts)


def _trade_offs(data: ReportData) -> Markup:
    metric = data.objective.metric
    drawn = [
        figure_card(
            f"trade-off-{place}",
            figures.trade_off(data, name),
            f"{metric} against {name}, with the Pareto front",
            f"{metric} against {name}. Nothing evaluated beats a candidate of the front in both."
            + (" The dashed line is the limit." if any(limit.metric == name for limit in data.constraints) else ""),
        )
        for place, name in enumerate(figures.trade_off_metrics(data))
    ]
    if not drawn:
        return Markup()
    parts = [element("div", *drawn, class_="two")]
    if len(data.objectives) > 1 and data.pareto:
        heads = ["#", *(objective.metric for objective in data.objectives), "decisions"]
        rows = [
            [
                record.id,
                *(metric_text(o.metric, data.value(record, i)) for i, o in enumerate(data.objectives)),
                element("span", decisions_text(record.arch), class_="mono"),
            ]
            for record in data.pareto[:40]
        ]
        more = f" (the first 40 of {len(data.pareto)})" if len(data.pareto) > 40 else ""
        title = element(
            "h3",
            f"Pareto front of all objectives: {plural(len(data.pareto), 'candidate')}{more}",
        )
        table = rows_table(heads, rows, numeric=range(len(heads) - 1))
        parts.append(element("div", title, table, class_="card"))
    return joined(parts)


def _best(data: ReportData) -> Markup:
    best = data.winner
    if best is None:
        reason = "There is no best arch: no candidate has a result within the limits."
        return element("p", reason, class_="card empty")
    decisions = element(
        "div",
        element("h3", f"Its {plural(len(best.arch), 'decision')}"),
        facts([(name, decided_text(value)) for name, value in best.arch.items()]),
        class_="card",
    )
    metrics = element(
        "div",
        element("h3", "Measured in the search"),
        facts([(name, metric_text(name, value)) for name, value in best.metrics.items()]),
        class_="card",
    )
    side = [decisions, metrics if best.metrics else "", _final(data)]
    if data.drawing is not None and data.drawing.layers:
        width, height = drawing_size(data.drawing)
        caption = f"{plural(len(data.drawing.layers), 'layer')}; at the right: parameters and output shape."
        caption += " Scroll inside to see all." if height > _DRAWING_HEIGHT else ""
        drawn = element(
            "figure",
            element("div", Markup(drawing_svg(data.drawing)), class_="drawing", tabindex=0),
            element("figcaption", caption),
            class_="card long",
        )
        if width > 600:  # branches side by side need the whole width
            body = joined([drawn, element("div", *(element("div", p) for p in side if p), class_="three below")])
        else:
            body = element("div", drawn, element("div", *side, class_="column"), class_="arch-columns")
    else:
        missing = element("p", "No model was drawn: the evaluator gave none, or it was not built.", class_="about")
        body = joined([missing, element("div", *(element("div", part) for part in side if part), class_="three")])
    return joined([body, _source(data)])


def _final(data: ReportData) -> Markup:
    final = data.final
    if final is None:
        text = "No final training took place, so there is no figure on data that the search never saw."
        return element(
            "div",
            element("h3", "Final training"),
            element("p", text, class_="empty"),
            class_="card",
        )
    interval = final_interval(data)
    rows: list[tuple[str, object]] = []
    for name, value in final.metrics.items():
        extra = f" ({interval_text(interval)})" if interval and name == data.objective.metric else ""
        rows.append((f"test {name}", (metric_text(name, value) + extra).replace(" %", "\u00a0%")))
    rows.append(("test examples", f"{final.n_examples:,}" if final.n_examples else ""))
    rows.append(("trained on", final.trained_on))
    rows.append(("time", seconds_text(final.seconds) if final.seconds is not None else ""))
    rows.append(("share of the budget", f"{100 * final.share:.0f} %" if final.share is not None else ""))
    rows.append(("note", final.note))
    if len(final.same_weights) == 2:
        selection, fresh = (metric_text(data.objective.metric, value) for value in final.same_weights)
        said = f"{selection} where it was chosen, {fresh} on the test part".replace(" %", "\u00a0%")
        rows.append(("the search's own weights", said))
    return element("div", element("h3", "Final training"), facts(rows), class_="card")


def _source(data: ReportData) -> Markup:
    if not data.source:
        return Markup()
    button = element("button", "Copy", type="button", class_="copy", data_copy="model-source")
    summary = element("summary", f"The model as Python source ({plural(data.source.count(chr(10)) + 1, 'line')})")
    code = element("pre", element("code", data.source, id="model-source"))
    return element(
        "details",
        summary,
        element("p", button, style="margin:10px 0 0"),
        code,
        class_="card long",
    )


def _decisions(data: ReportData) -> Markup:
    found = decision_means(data)
    if not found:
        return Markup()
    metric = data.objective.metric
    about = (
        f"Observed means of {metric} over the candidates that had an option: a hint, not an effect. A search tries "
        "promising options more often and together with others, so a mean mixes in whatever came along; "
        "options with fewer than three candidates are faint. Ordered by the distance between the means."
    )
    reached = [option.mean for means in found for option in means.options if option.count >= 3]
    reached = reached or [option.mean for means in found for option in means.options]
    low, high = min(reached), max(reached)
    rows = []
    for means in found[:40]:
        for place, option in enumerate(means.options):
            share = 1.0 if high == low else min(max((option.mean - low) / (high - low), 0.0), 1.0)
            if data.objective.direction == "min":
                share = 1 - share  # a longer bar is better, whatever the direction
            head = (
                element("th", breakable(means.decision), scope="rowgroup", rowspan=len(means.options))
                if place == 0
                else ""
            )
            bar = element("span", class_="bar", style=f"width:{4 + 96 * share:.0f}%")
            cells = [
                element("td", option.option),
                element("td", option.count, class_="number"),
                element("td", metric_text(metric, option.mean), class_="number"),
                element("td", metric_text(metric, option.best), class_="number"),
                element("td", bar, class_="bars", aria_hidden="true"),
            ]
            rows.append(element("tr", head, *cells, class_="few" if option.count < 3 else None))
    heads = [("decision", ""), ("option", ""), ("tried", "number"), (f"mean {metric}", "number"), ("best", "number")]
    columns = [element("th", name, scope="col", class_=kind or None) for name, kind in heads]
    bars = element("th", "mean (longer is better)", scope="col", class_="bars")
    table = element("table", element("thead", element("tr", *columns, bars)), element("tbody", *rows))
    summary = element("summary", f"Observed means of {plural(len(found), 'decision')}")
    body = element("details", summary, element("div", table, class_="scroll"), class_="card long", open=len(rows) <= 45)
    return joined([element("p", about, class_="about"), body])


def _failures(data: ReportData) -> Markup:
    groups = grouped_failures(data.records)
    refused = [record for record in data.records if record.status == "infeasible"]
    parts: list[Markup] = []
    if groups:
        rows = []
        for group in groups[:30]:
            ids = ", ".join(f"#{i}" for i in group.ids[:12]) + (" …" if len(group.ids) > 12 else "")
            rows.append((len(group.ids), group.reason, ids, seconds_text(group.seconds)))
        parts.append(rows_table(["how many", "reason (of the first)", "candidates", "time lost"], rows, numeric=[0, 3]))
    if refused:
        limits = ", ".join(map(str, data.constraints)) or "a limit"
        parts.append(
            element(
                "p", f"{plural(len(refused), 'candidate')} broke {limits} and counted as infeasible, not as failed."
            )
        )
    return element("div", *parts, class_="card") if parts else Markup()


def _settings(data: ReportData) -> Markup:
    task = data.task
    settings: list[tuple[str, object]] = [
        ("method", data.method),
        ("what it does", data.method_text),
        (
            "objectives",
            ", ".join(("maximise " if o.direction == "max" else "minimise ") + o.metric for o in data.objectives),
        ),
        ("limits", ", ".join(map(str, data.constraints)) or "none"),
        ("budget", data.budget),
        ("seed", "" if data.seed is None else str(data.seed)),
        ("workers", "" if data.workers is None else str(data.workers)),
    ]
    about_data: list[tuple[str, object]] = [("data", "a function was evaluated, not data")]
    if task is not None:
        about_data = [
            ("data", task.name),
            ("kind", task.kind),
            ("parts", ", ".join(f"{name} {size:,}" for name, size in task.sizes.items())),
            ("one example", shape_text(task.input_shape)),
            ("outputs", "" if task.n_outputs is None else str(task.n_outputs)),
            ("notes", joined(element("div", note) for note in task.notes) if task.notes else ""),
        ]
    cards = [element("div", element("h3", "Search"), facts(settings), class_="card"),
             element("div", element("h3", "Data"), facts(about_data), class_="card")]  # fmt: skip  # a pair
    if data.environment:
        cards.append(element("div", element("h3", "Environment"), facts(data.environment), class_="card"))
    parts = [element("div", *cards, class_="three")]
    if data.space_text:
        summary = element("summary", "The search space")
        parts.append(element("details", summary, element("pre", data.space_text), class_="card long"))
    return joined(parts)


def _notes(data: ReportData) -> Markup:
    notes: list[str] = []
    n = sum(record.scored for record in data.records)
    if data.running:
        pending = f", {plural(data.n_pending, 'candidate')} being evaluated" if data.n_pending else ""
        notes.append(f"The search has not ended{pending}: everything here may change.")
    if n > 1:
        seen = "the validation data" if data.task is not None else "the evaluator's own value"
        notes.append(
            f"The winner was chosen among {n:,} scored candidates by {seen}; "
            "the best of many such values is too good on average."
        )
    if data.final is None:
        notes.append(
            "There is no figure on data that the search never saw: don't quote the value above as the model's quality."
        )
    else:
        notes.append(
            "The test figure comes from data that neither the search nor the final training saw, "
            "looked at once, after all choices."
        )
        if final_interval(data) is not None:
            notes.append(
                "The interval (Wilson, 95 %) covers the chance of which test examples were drawn, "
                "not that of another seed of the search or of training."
            )
        elif is_share(data.objective.metric):
            notes.append("No confidence interval is given: the number of test examples is not known.")
        else:
            notes.append(f"No confidence interval is given: {data.objective.metric} is not a share of examples.")
    notes.append(
        "This is one search with one seed; another seed may find another arch. Compare methods over several seeds only."
    )
    if data.baseline is None and data.winner is not None:
        notes.append("The space's default arch was not evaluated, so the gain of the search over it is not known.")
    elif data.winner is not None and data.baseline is not None and data.winner.fidelity != data.baseline.fidelity:
        notes.append(
            "The winner and the default arch were trained for different lengths, "
            "so their difference is not only the arch's."
        )
    if data.top_fidelity < 1:
        notes.append(
            f"No candidate was trained in full in the search: the highest fidelity was {data.top_fidelity:.3g}."
        )
    if any(record.status == "partial" for record in data.records):
        notes.append(
            "Candidates marked partial met a deadline or were stopped by a rule; their values are those of an "
            "unfinished training."
        )
    if data.winner is not None and data.winner.status == "partial":
        notes.append("The winner itself is such a candidate.")
    drawn = sum(record.scored for record in data.records)
    if drawn > figures.MOST_POINTS:
        notes.append(
            f"Figures show an even choice of about {figures.MOST_POINTS:,} of the {drawn:,} candidates; "
            "lines and fronts are exact."
        )
    return element("div", element("ul", *(element("li", note) for note in notes), class_="notes"), class_="card")


SECTIONS = (
    Section("progress", "Progress", _progress),
    Section("best", "The best arch", _best),
    Section("oneshot", "Shared weights", oneshot),
    Section("trade-offs", "Trade-offs", _trade_offs),
    Section("curves", "Learning curves", _curves),
    Section("shortcuts", "Shortcuts", shortcuts),
    Section("estimators", "How well short cuts ranked", estimators),
    Section("decisions", "Decisions and results", _decisions),
    Section("candidates", "All candidates", candidates),
    Section("failures", "Failures and limits", _failures),
    Section("settings", "Settings", _settings),
    Section("notes", "How to read this", _notes),
)
"""All sections in the order of the page."""
