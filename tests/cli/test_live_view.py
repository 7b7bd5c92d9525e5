"""The live view: what it says at each step, drawn on a terminal of our own."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from netwright import Arch, Budget, Objective, Space, choice
from netwright.cli.live_view import LiveView
from netwright.loop import Search
from netwright.strategies import Random

FACTS = {
    "data": "digits",
    "space": "cnn",
    "size": 1_220_832,
    "method": "random",
    "budget": "1m 0s",
    "seed": 3,
    "notes": ["taken for classification, because the target has 10 different whole numbers."],
}


class Clock:
    """A time that only moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def screen():
    """A console with a file instead of a screen, and what is on it."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=100, height=30)

    def text(view: LiveView) -> str:
        with console.capture() as captured:
            console.print(view)
        return captured.get()

    return console, text


@pytest.fixture
def searched():
    """A search with a good candidate, a better one and a failed one."""
    search = Search(Space({"width": choice([1, 2, 3, 4, 5, 6])}), Random(), objectives="accuracy")
    for outcome in (
        {"accuracy": 0.5, "params": 1200.0},
        {"accuracy": 0.75, "params": 3400.0},
        ValueError("[bold]odd\nx"),
    ):
        search.tell(search.ask(), outcome)
    return search.history


def test_before_anything_is_known(screen):
    console, text = screen
    assert re.search(r"start +loading torch and the data", text(LiveView(console)))


def test_what_is_left_of_the_budget(screen):
    console, text = screen
    clock = Clock()
    view = LiveView(console, budget=Budget.of("1m, 8 candidates"), started=990.0, clock=clock)
    assert "50.0s left of 1m 0s, 0 of 8 candidates" in text(view)
    clock.now += 100
    assert "0.0s left of 1m 0s" in text(view)


def test_a_record_says_how_it_goes(screen, searched):
    console, text = screen
    clock = Clock()
    view = LiveView(console, budget=Budget.of("1m, 8 candidates"), clock=clock)
    view.stage("search", "each trains for 5 epochs")
    for record in searched.records:
        view.record(record, searched, 12.0, 60.0)
    shown = text(view)
    assert re.search(r"search +each trains for 5 epochs, 3 candidates so far", shown)
    assert "48.0s left of 1m 0s, 3 of 8 candidates" in shown
    # The text of an error is no markup, and its first line is enough.
    assert re.search(r"last +#2  failed  ?ValueError: \[bold\]odd", shown)
    assert re.search(r"best +#1  accuracy 75.00 %  3.4k parameters", shown)
    assert re.search(rf"width={searched.best.arch['width']}", shown)


def test_a_resumed_search_counts_what_was_there(screen, searched):
    console, text = screen
    view = LiveView(console, budget=Budget.of("8 candidates"))
    view.record(searched.records[-1], searched, 12.0, None)
    assert "3 of 8 candidates" in text(view)


def test_the_final_training(screen, searched):
    console, text = screen
    view = LiveView(console)
    view.record(searched.records[0], searched, 1.0, None)
    view.stage("final", "the best on all data")
    view.epoch(3, 10, {"train_loss": 0.25})
    assert re.search(r"final training +.*epoch 3 of 10  train_loss 0.25", text(view))
    view.stage("write", "")
    assert "epoch" not in text(view)


def test_the_budget_may_come_with_the_facts(screen):
    console, text = screen
    view = LiveView(console)
    view.started(FACTS)
    assert "left of 1m 0s" in text(view)


def test_facts_stay_and_moving_lines_go(screen, searched):
    console, _ = screen
    with LiveView(console, budget=Budget.of("1m")) as view:
        view.started(FACTS)
        view.stage("search", "")
        view.record(searched.records[0], searched, 1.0, 60.0)
        view.finished(None)
    written = console.file.getvalue()
    assert "digits, space cnn (1,220,832 arches), method random, budget 1m 0s, seed 3" in written
    assert "  taken for classification" in written
    assert written.endswith("\x1b[2K"), "the moving lines are wiped out"


def test_an_error_leaves_the_terminal_as_it_was(screen):
    console, _ = screen
    with pytest.raises(KeyboardInterrupt), LiveView(console):
        raise KeyboardInterrupt
    assert console.file.getvalue().count("\x1b[?25l") == console.file.getvalue().count("\x1b[?25h") == 1


def test_spaces_without_end_and_facts_that_are_missing(screen):
    console, _ = screen
    view = LiveView(console)
    view.started({"data": "f", "size": float("inf"), "space": "mine"})
    view.started({})
    assert "f, space mine (endless)" in console.file.getvalue()


def test_several_objectives(screen):
    search = Search(Space({"w": choice([1, 2])}), Random(), objectives=[Objective("r2", "max"), Objective("params")])
    search.tell(search.ask(), {"r2": 0.5, "params": 2e6})
    console, text = screen
    view = LiveView(console)
    view.record(search.history.records[0], search.history, 1.0, None)
    assert re.search(r"best +#0  r2 0.5  params 2M", text(view))
    assert isinstance(search.history.best.arch, Arch)
