"""The progress of a search as log lines."""

from __future__ import annotations

import logging

import netwright
from netwright.automl.logged import Logged, heard


def _search(progress):
    space = netwright.Space({"x": netwright.integer(0, 9)})

    def of(arch):
        if arch["x"] > 4:
            raise ValueError("too large")
        return float(arch["x"])

    return netwright.search(space, of, method="grid", budget="10 candidates", progress=progress)


def test_says_what_happens(caplog):
    with caplog.at_level(logging.INFO, "netwright.automl.logged"):
        _search(Logged())
    said = [record.getMessage() for record in caplog.records if record.name == "netwright.automl.logged"]
    assert "method grid, budget 10 candidates" in said[0]
    assert any(line.startswith("candidate 3: loss 3 (best: candidate 0; ") for line in said)
    assert any(line.startswith("candidate 9: failed: ValueError: too large") for line in said)


def test_heard_shows_lines_where_nobody_listens(monkeypatch, capsys):
    logger = logging.getLogger("netwright")
    monkeypatch.setattr(logger, "propagate", False)  # as in a program without logging of its own
    with heard():
        logging.getLogger("netwright.automl").info("hello")
    logging.getLogger("netwright.automl").info("goodbye")
    assert capsys.readouterr().err == "hello\n"
    assert not logger.handlers
    assert logger.level == logging.NOTSET


def test_heard_leaves_a_program_with_logging_alone(monkeypatch, capsys):
    logger = logging.getLogger("netwright")
    own = logging.NullHandler()
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "handlers", [own])
    with heard():
        logging.getLogger("netwright.automl").info("hello")
        assert logger.handlers == [own]
    assert not capsys.readouterr().err
