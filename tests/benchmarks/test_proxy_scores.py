"""Rank correlations of stored proxies are scipy's; the aggregate beats each of its parts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from netwright.benchmarks.proxy_scores import ACCURACIES, ProxyTable, proxy_table, rank_rows
from netwright.benchmarks.tables import data_file
from netwright.benchmarks.zoo.nb201 import the_space
from netwright.cli.proxy_ranks import show_proxy_ranks
from netwright.core.errors import DataError, NotFound


def small_table() -> ProxyTable:
    """Forty arches with made-up scores."""
    rng = np.random.default_rng(0)
    arches = tuple(dict.fromkeys(the_space().sample(rng) for _ in range(60)))[:40]
    truth = rng.normal(size=40)
    scores = {
        "params": truth + rng.normal(size=40),
        "jacov": np.where(np.arange(40) == 3, -1e8, truth + rng.normal(size=40)),
        "epe_nas": truth + rng.normal(size=40),
        "plain": rng.normal(size=40),
    }
    return ProxyTable(scores, {"cifar10-test": truth}, arches)


def test_rows_are_scipys_and_sorted():
    table = small_table()
    rows = rank_rows(table)
    assert {row.name for row in rows} == {*table.scores, "aggregate", "aggregate, not smoothed"}
    assert [row.kendall for row in rows] == sorted([row.kendall for row in rows], reverse=True)
    truth = table.accuracies["cifar10-test"]
    for row in rows:
        if row.name in table.scores:
            assert row.kendall == kendalltau(table.scores[row.name], truth)[0]
            assert row.spearman == spearmanr(table.scores[row.name], truth)[0]
    assert {row.name: row.failed for row in rows}["jacov"] == 1
    with pytest.raises(NotFound, match="unknown accuracy 'cifar10'"):
        rank_rows(table, "cifar10")


@pytest.fixture
def tables(shared_data, monkeypatch):
    monkeypatch.setenv("NETWRIGHT_DATA", str(shared_data))


@pytest.mark.shared_data
def test_the_stored_table(tables):
    table = proxy_table()
    assert len(table) == 9723
    assert len(table.scores) == 13
    assert set(table.accuracies) == set(ACCURACIES)
    with np.load(data_file("nb201_zerocost_cifar10.npz")) as file:
        stored = file["scores"][:, list(map(str, file["proxies"])).index("synflow")].astype(np.float64)
    with np.load(data_file("nb201.npz")) as file:
        truth = file["test_acc_200ep_cifar10"].astype(np.float64)
    there = np.isfinite(stored)
    rows = {row.name: row for row in rank_rows(table)}
    assert rows["synflow"].kendall == pytest.approx(kendalltau(stored[there], truth[there])[0], abs=1e-12)
    assert rows["aggregate"].kendall >= 0.75
    assert rows["aggregate"].kendall > max(row.kendall for name, row in rows.items() if name in table.scores) + 0.1


@pytest.mark.shared_data
def test_what_the_command_prints(tables, capsys):
    assert show_proxy_ranks(as_json=True) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["arches"] == 9723
    assert set(facts["accuracies"]) == set(ACCURACIES)
    assert show_proxy_ranks() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("zero-cost proxies of 9,723 networks")
    by_name = {line.split()[0]: line.split() for line in lines if line.startswith("  synflow")}
    row = next(row for row in facts["accuracies"]["cifar10-test"] if row["name"] == "synflow")
    assert by_name["synflow"][1:3] == [f"{row['kendall']:.3f}", f"{row['spearman']:.3f}"]


def test_without_the_table(monkeypatch, tmp_path):
    proxy_table.cache_clear()
    monkeypatch.setenv("NETWRIGHT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"'nb201_zerocost_cifar10\.npz' must be in"):
        show_proxy_ranks()
