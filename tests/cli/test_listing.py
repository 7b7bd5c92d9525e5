"""`netwright list`."""

from __future__ import annotations

import json

from netwright.core import registry


def test_everything_that_is_registered_is_listed(netwright):
    done = netwright("list")
    assert done.code == 0
    words = done.out.split()
    for found in (registry.spaces, registry.methods, registry.tasks, registry.benchmarks):
        assert set(found) <= set(words)
    assert [line for line in done.out.splitlines() if line.endswith(":") and line[0] != " "] == [
        "spaces:",
        "methods:",
        "tasks:",
        "benchmarks:",
    ]


def test_one_group(netwright):
    done = netwright("list", "methods")
    assert done.out.startswith("methods:\n")
    assert "spaces:" not in done.out


def test_lines_fit_the_terminal(netwright, monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    assert max(map(len, netwright("list").out.splitlines())) <= 70


def test_as_json(netwright):
    listed = json.loads(netwright("list", "--json").out)
    assert listed["tasks"]["digits"] == registry.tasks.summary("digits")
    assert list(json.loads(netwright("list", "spaces", "--json").out)) == ["spaces"]


def test_an_unknown_group(refuses):
    assert refuses("list", "space") == (
        "unknown group 'space': did you mean 'spaces'? "
        "Available: benchmarks, methods, proxies, spaces, stopping, tasks."
    )
