"""The one-file page: well formed, offline, escaped, and honest about what is missing."""

import base64
import gzip
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from netwright.core import Arch, Constraint, History, Objective, Record
from netwright.core.errors import InvalidInput
from netwright.reports import Drawing, DrawnLayer, FinalTraining, ReportData, TaskFacts, report_html, write_report
from netwright.reports.candidates_section import MOST_ROWS
from netwright.reports.environment import environment

ACCURACY = (Objective("accuracy", "max"),)
VOID = {"meta", "input", "br", "wbr"}


class Page(HTMLParser):
    """Checks nesting; keeps tags with attributes, text by section, and scripts by id."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.scripts = [], [], {}
        self.texts = {"": ""}
        self.rows, self.ids = [], []
        self.feed(html)
        self.close()
        assert self.open == [], f"not closed: {self.open}"

    @property
    def section(self):
        return next((attributes.get("id", "") for tag, attributes in reversed(self.open) if tag == "section"), "")

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in {tag}"
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if "id" in attributes:
            assert attributes["id"] not in self.ids, f"the id {attributes['id']} twice"
            self.ids.append(attributes["id"])
        if tag == "tr":
            self.rows.append((self.section, []))
        if tag in ("td", "th") and self.rows:
            self.rows[-1][1].append("")
        if tag not in VOID:
            self.open.append((tag, attributes))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        opened, _ = self.open.pop()
        assert opened == tag, f"</{tag}> closes <{opened}>"

    def handle_data(self, text):
        inside = [tag for tag, _ in self.open]
        if "script" in inside:
            attributes = self.open[-1][1]
            self.scripts.setdefault(attributes.get("id", "code"), "")
            self.scripts[attributes.get("id", "code")] += text
            return
        if "style" in inside:
            return
        self.texts[self.section] = self.texts.get(self.section, "") + text
        self.texts[""] += text if self.section else ""
        if ("td" in inside or "th" in inside) and self.rows:
            self.rows[-1][1][-1] += text

    def table(self, section):
        return [cells for where, cells in self.rows if where == section]


def page_of(data):
    return Page(report_html(data))


@pytest.fixture(scope="module")
def full(make):
    data = make.data()
    return data, page_of(data)


def test_every_section_is_there_and_linked(full):
    _, page = full
    anchors = [a["href"] for tag, a in page.tags if tag == "a"]
    sections = [a["id"] for tag, a in page.tags if tag == "section"]
    assert sections == [
        "progress",
        "best",
        "trade-offs",
        "curves",
        "decisions",
        "candidates",
        "failures",
        "settings",
        "notes",
    ]
    assert anchors == [f"#{name}" for name in sections]
    assert [tag for tag, _ in page.tags].count("h1") == 1


def test_nothing_is_asked_from_outside(full):
    _, page = full
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "img", "base", "object", "embed", "form")
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
        assert "url(" not in attributes.get("style", "")
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    styles = report_html(full[0]).partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in styles
    assert "@import" not in styles


def test_the_file_is_small_and_holds_plotly_once(full, make):
    html = report_html(make.data())
    assert len(html.encode()) < 0.45 * len(get_plotlyjs()) + 300_000
    assert html.count("* plotly.js v") == 1
    packed = html.partition('id="plotly-code">')[2].partition("</script>")[0]
    assert gzip.decompress(base64.b64decode(packed)).decode() == get_plotlyjs()


def test_headline_and_tiles_say_the_result(full):
    data, page = full
    text = page.texts[""] + "".join(page.texts.values())
    assert "accuracy 98.61 % on 360 examples that the search never saw (95 % interval 96.79 to 99.40 %)" in text
    tiles = report_html(data).partition('<dl class="stats">')[2].partition("</dl>")[0]
    assert "98.61 %" in tiles
    assert f"{100 * data.value(data.winner):.2f} %" in tiles


def test_the_table_has_every_candidate_with_its_numbers(full):
    data, page = full
    head, *rows = page.table("candidates")
    assert head == ["#", "status", "accuracy", "params", "flops", "loss", "time", "parent", "decisions, or why not"]
    assert sorted(int(row[0]) for row in rows) == [r.id for r in data.records]
    by_id = {int(row[0]): row for row in rows}
    for record in data.records:
        row = by_id[record.id]
        assert row[1].startswith(record.status)
        assert row[2] == ("-" if not record.losses else f"{-100 * record.losses[0]:.2f} %")
        assert row[7] == ("-" if record.parent is None else f"#{record.parent}")
    assert int(rows[0][0]) == data.winner.id
    assert rows[0][1] == "ok (best)"
    assert "out of memory: tried to allocate 7.5 GiB" in by_id[7][-1]
    assert "at forward" in by_id[7][-1]


def test_sorting_values_are_exact(full):
    data, page = full
    cells = [a["data-v"] for tag, a in page.tags if tag == "td" and "data-v" in a]
    accuracy = data.value(data.winner)
    assert f"{accuracy:.9g}" in cells
    assert "" in cells  # a failed candidate has none


def test_decisions_of_the_best_and_the_failures_are_tables(full):
    data, page = full
    best = dict(row for row in page.table("best") if len(row) == 2)
    assert best["blocks"] == str(data.winner.arch["blocks"])
    assert best["train.optimizer"] == data.winner.arch["train.optimizer"]
    assert best["time"] == "14.2s"
    assert best["share of the budget"] == "24 %"
    assert best["test examples"] == "360"
    failures = page.table("failures")
    assert [row[0] for row in failures[1:]] == ["3", "1"]
    assert failures[1][2] == "#7, #23, #31"
    means = page.table("decisions")
    assert sum(int(row[-4]) for row in means[1:] if "ReLU" in row or "SiLU" in row) == sum(
        r.scored for r in data.records
    )


def test_figures_come_as_data_that_a_browser_can_read(full):
    _, page = full
    plots = [a["data-figure"] for tag, a in page.tags if a.get("class") == "plot"]
    assert plots == [
        "figure-progress-number",
        "figure-progress-seconds",
        "figure-trade-off-0",
        "figure-curve-0",
        "figure-curve-1",
        "figure-final-curve-0",
    ]
    for name in plots:
        figure = json.loads(page.scripts[name], parse_constant=lambda c: pytest.fail(f"{c} is no JSON"))
        assert figure["data"]
    colours = json.loads(page.scripts["dark-colours"])
    assert all(re.fullmatch("#[0-9a-f]{6}", c) for pair in colours.items() for c in pair)
    assert all(a.get("aria-label") for _, a in page.tags if a.get("class") == "plot")


def test_settings_seed_and_environment_are_told(full):
    _, page = full
    rows = dict(row for row in page.table("settings") if len(row) == 2)
    assert rows["seed"] == "0"
    assert rows["objectives"] == "maximise accuracy"
    assert rows["limits"] == "params<=100k"
    assert rows["torch"] == "2.13.0"
    assert rows["parts"] == "train 1,078, validation 359, test 360"
    assert "\n  width   16 | 32" in page.texts["settings"]


EVIL = "</script><script>alert('x')</script><img src=x onerror=alert(1)>&amp;\"'"


def test_no_text_of_a_user_becomes_markup():
    arch = Arch({EVIL: EVIL})
    records = [
        Record(
            0,
            arch,
            metrics={EVIL: 0.5, "params": 3.0},
            losses=(0.5,),
            curves={EVIL: (1.0, 0.5)},
            error=EVIL,
            status="partial",
        ),
        Record(1, arch, status="failed", error=EVIL),
        Record(2, Arch({EVIL: "b"}), metrics={EVIL: 0.7, "params": 4.0}, losses=(0.7,)),
    ]
    data = ReportData(
        history=records,
        objectives=(Objective(EVIL),),
        name=EVIL,
        task=TaskFacts(EVIL, EVIL, {EVIL: 3}, (1,), 2, (EVIL,)),
        space_text=EVIL,
        method=EVIL,
        method_text=EVIL,
        budget=EVIL,
        final=FinalTraining({EVIL: 0.4}, 10, 1.0, 0.1, EVIL, EVIL, {EVIL: (0.5, 0.4)}),
        drawing=Drawing((DrawnLayer(EVIL, EVIL, (1,), 1, EVIL),)),
        source=EVIL,
        environment={EVIL: EVIL},
        warnings=(EVIL,),
    )
    page = page_of(data)
    assert [a for tag, a in page.tags if tag == "img"] == []
    scripts = [a for tag, a in page.tags if tag == "script"]
    assert len([a for a in scripts if "type" not in a]) == 2  # plotly's notice and ours
    assert not any(name.startswith("on") for _, a in page.tags for name in a)
    assert EVIL in page.texts["settings"]
    assert all(EVIL in row[-1] for row in page.table("candidates")[1:3])
    for name, text in page.scripts.items():
        if name not in ("code", "plotly-code"):
            json.loads(text)


def test_source_code_is_kept_to_the_letter(make):
    source = "x = a < b and 'é' % 3\n\tif x: pass  # &lt;\n"
    html = report_html(make.data(source=source))
    code = html.partition('<code id="model-source">')[2].partition("</code>")[0]
    assert Page(f"<section id='s'>{code}</section>").texts["s"] == source


def test_an_empty_history_says_so():
    finished = page_of(ReportData(history=[], objectives=ACCURACY))
    assert "The search ended without a single candidate." in "".join(finished.texts.values())
    running = page_of(ReportData(history=History(ACCURACY), running=True))
    assert "No candidate has been evaluated yet." in "".join(running.texts.values())
    assert "The search has not ended" in running.texts["notes"]


def test_a_history_of_failures_says_why():
    records = [Record(i, Arch({"w": i}), status="failed", error=f"boom {i}") for i in range(3)]
    page = page_of(ReportData(history=records, objectives=ACCURACY))
    text = "".join(page.texts.values())
    assert "No candidate has a result: 3 failed. The most common reason: boom 0." in text
    assert "There is no best arch" in page.texts["best"]
    assert not any(a.get("class") == "plot" for _, a in page.tags)
    assert "curves" not in page.texts
    assert "trade-offs" not in page.texts


def test_candidates_that_all_break_a_limit_have_no_winner():
    records = [Record(0, Arch({"w": 1}), metrics={"params": 9.0}, losses=(-0.9,), violation=2.0, status="infeasible")]
    data = ReportData(history=records, objectives=ACCURACY, constraints=(Constraint("params", 3),))
    assert "No candidate keeps params<=3: 1 outside the limits." in "".join(page_of(data).texts.values())


def test_one_candidate_of_a_function_without_model_or_final_training():
    data = ReportData(history=[Record(0, Arch({"x": 0.5}), losses=(0.25,))], objectives=(Objective("value"),))
    page = page_of(data)
    text = "".join(page.texts.values())
    assert "The only candidate (#0) reaches value 0.25 in the search." in text
    assert "No model was drawn" in page.texts["best"]
    assert "No final training took place" in page.texts["best"]
    assert "a function was evaluated, not data" in page.texts["settings"]
    assert "no figure on data that the search never saw" in page.texts["notes"]
    assert "test" not in [row[0] for row in page.table("best")]


def test_an_arch_without_decisions_is_fine():
    data = ReportData(history=[Record(0, Arch({}), losses=(0.25,))], objectives=(Objective("value"),))
    assert "Its 0 decisions" in page_of(data).texts["best"]


def test_several_objectives_give_a_front(make):
    objectives = (Objective("accuracy", "max"), Objective("params"))
    data = make.data(history=make.records(objectives=2), objectives=objectives, baseline=None)
    page = page_of(data)
    rows = page.table("trade-offs")
    assert rows[0] == ["#", "accuracy", "params", "decisions"]
    assert rows[1][3].startswith("blocks=")
    assert [int(row[0]) for row in rows[1:]] == [r.id for r in data.pareto]
    assert "default arch was not evaluated" in page.texts["notes"]


def test_the_final_training_of_a_regression_has_its_curve_and_no_interval(make):
    final = FinalTraining({"r2": 0.8, "rmse": 52.0}, 89, 3.0, 0.3, curves={"train_loss": (1.0, 0.5, 0.3), "lr": (0.1,)})
    data = ReportData(
        history=[Record(0, Arch({"w": 1}), losses=(-0.7,))], objectives=(Objective("r2", "max"),), final=final
    )
    page = page_of(data)
    assert "No confidence interval is given: r2 is not a share of examples." in page.texts["notes"]
    figure = json.loads(page.scripts["figure-final-curve-0"])
    assert figure["data"][0]["y"] == [1.0, 0.5, 0.3]
    assert "figure-final-curve-1" not in page.scripts  # one value is no curve
    best = dict(row for row in page.table("best") if len(row) == 2)
    assert best["test r2"] == "0.8"
    assert best["share of the budget"] == "30 %"


def test_points_have_their_texts_once_in_the_page(full):
    data, page = full
    texts = json.loads(page.scripts["hover-texts"])
    assert set(texts) == {str(record.id) for record in data.records}
    assert texts[str(data.winner.id)].startswith(f"<b>#{data.winner.id}</b><br>accuracy: ")
    for name in ("figure-progress-number", "figure-progress-seconds", "figure-trade-off-0"):
        for trace in json.loads(page.scripts[name])["data"]:
            assert "text" not in trace
            assert len(trace["customdata"]) == len(trace["x"])
            assert {str(i) for i in trace["customdata"]} <= set(texts)


def test_fidelities_get_a_column_and_a_note(make):
    records = [
        Record(
            i,
            Arch({"w": i}),
            fidelity=0.25 if i < 6 else 0.5,
            losses=(-0.5 - i / 100,),
            parent=i - 6 if i > 5 else None,
        )
        for i in range(9)
    ]
    page = page_of(ReportData(history=records, objectives=ACCURACY))
    assert "fidelity" in page.table("candidates")[0]
    assert page.table("candidates")[1][0] == "8"
    assert "the highest fidelity was 0.5" in page.texts["notes"]


def test_a_very_long_history_stays_small_and_says_what_is_left_out():
    records = [
        Record(
            i,
            Arch({f"decision.{k}": (i * 31 + k) % 7 for k in range(20)}),
            metrics={"accuracy": (i * 7919 % 10007) / 10007, "params": 1000.0 + i},
            losses=(-(i * 7919 % 10007) / 10007,),
            curves={"val_accuracy": tuple(j / 100 for j in range(100))},
            elapsed_seconds=float(i),
        )
        for i in range(20_000)
    ]
    html = report_html(ReportData(history=records, objectives=ACCURACY))
    assert len(html.encode()) < 0.45 * len(get_plotlyjs()) + 2_000_000
    page = Page(html)
    assert len(page.table("candidates")) == MOST_ROWS + 1
    assert f"The best {MOST_ROWS} are listed; {20_000 - MOST_ROWS:,} candidates more" in page.texts["candidates"]
    assert "an even choice of about 3,000 of the 20,000 candidates" in page.texts["notes"]


def test_writing_replaces_the_file_at_once_and_leaves_nothing_beside_it(tmp_path, make):
    target = tmp_path / "new" / "report.html"
    data = ReportData(history=[], objectives=ACCURACY)
    assert write_report(data, target) == target
    first = target.read_text(encoding="utf-8")
    assert first.startswith("<!DOCTYPE html>")
    write_report(make.data(), str(target))
    assert target.read_text(encoding="utf-8") != first
    assert [p.name for p in target.parent.iterdir()] == ["report.html"]
    with pytest.raises(
        InvalidInput, match=r"a report needs the name of a file, such as report.html, but .* is a folder"
    ):
        write_report(data, target.parent)
    assert [p.name for p in tmp_path.iterdir()] == ["new"]
    if os.name == "posix":
        ordinary = tmp_path / "ordinary"
        ordinary.touch()
        assert target.stat().st_mode == ordinary.stat().st_mode


def test_the_environment_names_no_host_user_or_path():
    import getpass
    import platform

    found = environment()
    text = " ".join(found.values())
    assert all(found.values())
    assert "/home" not in text
    assert str(Path.cwd()) not in text
    for private in (platform.node(), getpass.getuser()):
        assert private not in text.split()
