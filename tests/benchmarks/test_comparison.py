"""A comparison as data: tables, ranks, significance, and the file that keeps it."""

from __future__ import annotations

import dataclasses
import gzip
import json
import math

import numpy as np
import pytest

from netwright.benchmarks import BenchmarkFacts, Comparison, Run
from netwright.core.errors import InvalidInput, NotFound, RunError

HIGH = BenchmarkFacts("high", "max:accuracy", test_metric="test_accuracy", n_arches=10, optimum=0.9)
LOW = BenchmarkFacts("low", "min:loss")


def run(benchmark, method, seed, steps, **more):
    """A run of five queries; steps: query → (value, test)."""
    at = tuple(steps)
    values = tuple(value for value, _ in steps.values())
    tests = tuple(test for _, test in steps.values())
    given = {"n_queries": 5, "n_distinct": 5, "total_seconds": 50.0, "wall_seconds": 0.01} | more
    return Run(
        benchmark, method, seed, 5, 1, at=at, seconds=tuple(10.0 * a for a in at), values=values, tests=tests, **given
    )


@pytest.fixture
def comparison():
    """On `high` a is best, b finds the optimum once, c refuses; on `low` b is best."""
    runs = [run("high", "a", seed, {1: (0.5, 0.4), 3: (0.9, 0.8)}) for seed in range(4)]
    runs += [run("high", "b", seed, {2: (0.6, 0.5)}, n_distinct=4, n_failed=1) for seed in range(3)]
    runs += [run("high", "b", 3, {2: (0.6, 0.5), 5: (0.9, 0.7)}, n_distinct=4, n_failed=1)]
    runs += [run("low", "a", seed, {1: (3.0, math.nan)}) for seed in range(4)]
    runs += [run("low", "b", seed, {1: (2.0 - seed / 10, math.nan)}) for seed in range(4)]
    runs += [run("low", "c", seed, {}, error="it broke", n_queries=1, n_distinct=1) for seed in range(4)]
    return Comparison(
        benchmarks=(HIGH, LOW), methods=("a", "b", "c"), seeds=(0, 1, 2, 3), queries=5, workers=1, runs=tuple(runs),
        refused={("high", "c"): "it needs something else"}, recipes={("high", "a"): "A()"},
    )  # fmt: skip  # three rows


def test_the_table_of_a_maximised_metric(comparison):
    first, second, last = comparison.table("high")
    assert (first.method, first.median, first.worse_quartile, first.better_quartile) == ("a", 0.9, 0.9, 0.9)
    assert (first.mean_rank, second.mean_rank) == ((1 + 1 + 1 + 1.5) / 4, (2 + 2 + 2 + 1.5) / 4)
    assert (first.optimum_share, first.queries_to_optimum, first.test_median) == (1.0, 3.0, 0.8)
    assert (second.method, second.median, second.optimum_share) == ("b", 0.6, 0.25)
    assert second.queries_to_optimum == math.inf
    assert second.worse_quartile == 0.6
    assert second.better_quartile == pytest.approx(0.675)
    assert (second.distinct_share, second.failed_share) == (0.8, 0.2)
    assert first.query_ms == pytest.approx(2.0)
    assert (last.method, last.error) == ("c", "it needs something else")
    assert math.isnan(last.mean_rank)


def test_the_rank_on_the_way(comparison):
    """Before the second query only a has something; at the second b has more; from the third on a."""
    first, second, _ = comparison.table("high")
    assert first.anytime_rank == pytest.approx((1 + 2 + 1 + 1 + (3 * 1 + 1.5) / 4) / 5)
    assert second.anytime_rank == pytest.approx(3 - first.anytime_rank)


def test_the_table_of_a_minimised_metric_with_broken_runs(comparison):
    rows = comparison.table("low")
    assert [row.method for row in rows] == ["b", "a", "c"]
    assert rows[0].median == pytest.approx(1.85)
    assert rows[0].worse_quartile > rows[0].better_quartile
    assert math.isnan(rows[0].optimum_share)
    assert math.isnan(rows[0].test_median)
    assert (rows[2].n_broken, rows[2].error, rows[2].median) == (4, "it broke", math.inf)


def test_ranks_over_benchmarks_are_of_those_that_took_part_in_all(comparison):
    ranks = comparison.ranks()
    assert list(ranks) == ["b", "a"]
    assert ranks == pytest.approx({"b": (1.875 + 1) / 2, "a": (1.125 + 2) / 2})
    assert comparison.ranks(query=1) == pytest.approx({"a": 1.5, "b": 1.5})
    curves = comparison.rank_curves()
    assert curves["a"][-1] == ranks["a"]
    assert curves["a"] + curves["b"] == pytest.approx(np.full(5, 3.0))
    with pytest.raises(InvalidInput, match=r"`query` must be in 1\.\.5, but got 6"):
        comparison.ranks(query=6)


def test_significance_by_benchmark_and_over_all(comparison):
    (pair,) = comparison.significance("high")
    assert (pair.better, pair.worse, pair.wins, pair.draws, pair.losses) == ("a", "b", 3, 1, 0)
    pairs = comparison.significance("low")
    assert len(pairs) == 3
    assert all(one.p <= one.p_corrected for one in pairs)
    assert {(one.better, one.worse) for one in pairs} == {("b", "a"), ("b", "c"), ("a", "c")}
    (overall,) = comparison.significance()
    assert (overall.wins, overall.draws, overall.losses) == (4, 1, 3)
    assert not overall.significant


def test_arrays(comparison):
    assert comparison.values("high", "a").shape == (4, 5)
    assert np.array_equal(comparison.values("high", "b")[0], [np.nan, 0.6, 0.6, 0.6, 0.6], equal_nan=True)
    assert comparison.values("high", "b", test=True)[3, -1] == 0.7
    assert comparison.values("high", "c").shape == (0, 5)
    assert comparison.values_by_time("high", "a", [5.0, 29.0, 30.0])[0].tolist()[1:] == [0.5, 0.9]
    losses = comparison.losses("high")
    assert losses.shape == (2, 4, 5)
    assert losses[1, 0].tolist() == [np.inf, -0.6, -0.6, -0.6, -0.6]


def test_names_that_are_not_there(comparison):
    with pytest.raises(NotFound, match="unknown benchmark 'hihg': did you mean 'high'"):
        comparison.table("hihg")
    with pytest.raises(NotFound, match="unknown method 'd'"):
        comparison.values("high", "d")


def test_one_benchmark_needs_no_name(comparison):
    with pytest.raises(InvalidInput, match="`benchmark` must be one of high, low, but none was given"):
        comparison.table()
    runs = tuple(run for run in comparison.runs if run.benchmark == "low")
    only = dataclasses.replace(comparison, benchmarks=(LOW,), runs=runs)
    assert only.table() == only.table("low")


def test_a_comparison_is_whole(comparison):
    with pytest.raises(InvalidInput, match=r"needs one run for each .* but these are missing: high a 0"):
        dataclasses.replace(comparison, runs=comparison.runs[1:])
    with pytest.raises(InvalidInput, match="some are there twice"):
        dataclasses.replace(comparison, runs=(*comparison.runs, comparison.runs[0]))


def test_save_and_load(comparison, tmp_path):
    path = comparison.save(tmp_path / "deep" / "c.json.gz")
    loaded = Comparison.load(path)
    assert loaded.table("high") == comparison.table("high")
    assert [f.name for f in dataclasses.fields(loaded)] == [f.name for f in dataclasses.fields(comparison)]
    assert (loaded.benchmarks, loaded.refused, loaded.recipes) == (
        comparison.benchmarks,
        comparison.refused,
        comparison.recipes,
    )
    assert path.read_bytes() == loaded.save(tmp_path / "again.json.gz").read_bytes(), "the same to the last byte"
    assert [file.name for file in path.parent.iterdir()] == ["c.json.gz"]


def test_files_that_are_no_comparison(comparison, tmp_path):
    for name, content in [
        ("text", b"hello"),
        ("cut", comparison.save(tmp_path / "whole").read_bytes()[:100]),
        ("json", gzip.compress(b"{}")),
        ("list", gzip.compress(b"[1]")),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RunError, match=f"{name} is no comparison that was saved"):
            Comparison.load(tmp_path / name)
    (tmp_path / "newer").write_bytes(gzip.compress(json.dumps({"format": "netwright comparison 9"}).encode()))
    with pytest.raises(RunError, match="has the format 'netwright comparison 9', and only 'netwright comparison 1'"):
        Comparison.load(tmp_path / "newer")
    with pytest.raises(RunError, match="is no comparison"):
        Comparison.load(tmp_path / "missing")
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="can't be written to"):
        comparison.save(tmp_path / "file" / "c.json.gz")
