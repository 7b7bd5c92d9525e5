"""`compare`: what is run, how it is counted and timed, what is kept, and what happens to methods that can't."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from netwright import Arch, Space, real
from netwright.benchmarks import Benchmark, Comparison, compare
from netwright.benchmarks.contenders import methods_from
from netwright.benchmarks.running import Runner, without_default
from netwright.core import Recipe, registry
from netwright.core.errors import InvalidInput, MissingDependency, NotFound, SpaceExhausted
from netwright.evaluators import Function
from netwright.loop import Search
from netwright.strategies import Deduplicated, LocalSearch, Random, StartingWith


@dataclass(frozen=True)
class Same:
    """Proposes one arch for ever."""

    def propose(self, space, history, rng):
        return history.candidate(Arch({"x": 2, "y": 2}))


@dataclass(frozen=True)
class Breaks:
    """Works for a while, on the first seeds."""

    def propose(self, space, history, rng):
        if history.next_id == 4:
            raise RuntimeError("out of ideas\nfor now")
        return history.candidate(space.sample(rng))


@dataclass(frozen=True)
class LowFirst:
    """Looks at an arch with a tenth of the training, then at another in full."""

    def propose(self, space, history, rng):
        if history.next_id % 2:
            return history.candidate(Arch({"x": 9, "y": 9}))
        return history.candidate(Arch({"x": history.next_id % 10, "y": 3}), fidelity=0.1)


@dataclass(frozen=True)
class Few:
    """Ends after three candidates."""

    def propose(self, space, history, rng):
        if history.next_id == 3:
            raise SpaceExhausted("that was all")
        return history.candidate(space.sample(rng))


def refuses(space):
    raise InvalidInput("`refuses` needs every choice to be a colour.")


def own_scores(space):
    """A recipe with an evaluator of its own: everything is worth the same."""
    return Recipe(Random(), evaluator=lambda _: Function(lambda _: {"score": 1.0, "seconds": 1.0}))


@pytest.fixture
def told():
    """What `on_run` was told."""
    said = []

    def tell(run, done, total):
        said.append((None if run is None else (run.method, run.seed), done, total))

    tell.said = said
    return tell


def test_a_run_is_the_search_that_it_says_it_is(toy):
    found = compare(toy, ["random"], seeds=(5,), queries=30)
    search = Search(
        toy.space, Deduplicated(Random()), toy.evaluator, objectives=toy.objective, budget="30 candidates", seed=5
    )
    best, expected, spent, ends = -math.inf, [], 0.0, []
    for record in search.run().records:
        best = max(best, record.metrics["score"])
        expected.append(best)
        spent += record.metrics["seconds"]
        ends.append(spent)
    assert found.values("toy", "random")[0].tolist() == expected
    assert found.values_by_time("toy", "random", ends)[0].tolist() == expected
    (run,) = found.runs
    assert run.total_seconds == pytest.approx(spent)
    assert (run.n_queries, run.n_distinct, run.n_failed, run.error) == (30, 30, 0, None)
    place = toy.arches().index(search.history.best.arch)
    assert run.tests[-1] == toy.values("test_score")[place]


def test_several_simulated_workers_take_less_simulated_time(toy):
    one, four = (compare(toy, "random", seeds=3, queries=40, workers=n) for n in (1, 4))
    assert four.workers == 4
    times = [c.table("toy")[0].simulated_seconds for c in (one, four)]
    assert 3 < times[0] / times[1] <= 4


def test_the_same_arguments_give_the_same_comparison(toy):
    first, second = (compare(toy, "random,regularized-evolution", seeds=3, queries=20) for _ in range(2))
    assert first == second
    assert first != compare(toy, "random,regularized-evolution", seeds=(7, 8, 9), queries=20)


def test_a_seed_is_not_changed_by_who_else_is_there(toy, other_toy):
    alone = compare(toy, "random", seeds=2, queries=15)
    among = compare([other_toy, toy], "grid,random", seeds=4, queries=15)
    assert among.runs_of("toy", "random")[:2] == alone.runs_of("toy", "random")


def test_processes_change_nothing(told):
    """On a table that worker processes can load: it comes with the package."""
    names = ["digits-cnn"]
    assert compare(names, "random,grid", seeds=2, queries=5, jobs=2, on_run=told) == (
        compare(names, "random,grid", seeds=2, queries=5)
    )
    assert [done for _, done, _ in told.said] == [0, 1, 2, 3, 4]


def test_what_cannot_travel_to_other_processes(toy):
    with pytest.raises(InvalidInput, match=r"with jobs=2 the methods .* travel to other processes, .* or use jobs=1"):
        compare(toy, {"mine": lambda _: Recipe(Random())}, seeds=2, queries=3, jobs=2)


def test_repeats_are_counted_and_told(toy):
    found = compare(toy, {"same": Same(), "random": Random()}, seeds=2, queries=60)
    rows = {row.method: row for row in found.table("toy")}
    assert rows["same"].distinct_share == 1 / 60
    assert rows["same"].n_queries == 60
    assert rows["same"].simulated_seconds == pytest.approx(60 * 30.0), "each one is paid"
    assert 0.3 < rows["random"].distinct_share < 0.9, "drawn with replacement"


def test_who_refuses_is_told_and_everybody_else_goes_on(toy, other_toy):
    found = compare([toy, other_toy], {"refuses": refuses, "random": "random"}, seeds=2, queries=10)
    assert found.refused == dict.fromkeys(
        [("toy", "refuses"), ("other", "refuses")], "`refuses` needs every choice to be a colour."
    )
    assert [row.method for row in found.table("toy")] == ["random", "refuses"]
    assert list(found.ranks()) == ["random"]


def test_who_breaks_keeps_what_it_had(toy):
    found = compare(toy, {"breaks": Breaks(), "random": Random()}, seeds=2, queries=10)
    row = next(row for row in found.table("toy") if row.method == "breaks")
    assert (row.n_broken, row.n_queries, row.error) == (2, 4, "RuntimeError: out of ideas for now")
    assert found.values("toy", "breaks")[:, -1].tolist() == found.values("toy", "random")[:, 3].tolist()


def test_who_ends_early_keeps_what_it_has(toy):
    found = compare(toy, {"few": Few()}, seeds=1, queries=10)
    (run,) = found.runs
    assert (run.n_queries, run.error) == (3, None)
    assert len(set(found.values("toy", "few")[0, 2:])) == 1


def test_a_low_fidelity_counts_with_its_full_value(toy):
    """The incumbent is told as what it is worth after full training, which the method may not know."""
    found = compare(toy, {"low": LowFirst()}, seeds=1, queries=2)
    full = dict(zip(toy.arches(), toy.values("score"), strict=True))
    values = found.values("toy", "low")[0]
    assert values.tolist() == [full[Arch({"x": 0, "y": 3})], full[Arch({"x": 9, "y": 9})]]
    assert found.runs[0].total_seconds == pytest.approx(0.1 * 10 + 100)


def test_scores_of_a_methods_own_are_not_believed(toy):
    found = compare(toy, {"own": own_scores}, seeds=1, queries=3)
    assert found.values("toy", "own")[0, 0] in toy.values("score")


def test_no_method_has_a_head_start_unless_asked_for(toy):
    usual, ahead = (compare(toy, "local-search", seeds=4, queries=1, start=start) for start in ("random", "default"))
    default = dict(zip(toy.arches(), toy.values("score"), strict=True))[toy.space.default()]
    assert set(ahead.values("toy", "local_search")[:, 0]) == {default}
    assert len(set(usual.values("toy", "local_search")[:, 0])) > 1
    assert "StartingWith" in ahead.recipes["toy", "local_search"]
    assert "StartingWith" not in usual.recipes["toy", "local_search"]


def test_only_the_default_is_taken_out():
    arch = Arch({"x": 1})
    inner = Deduplicated(StartingWith(LocalSearch()), tries=7)
    assert without_default(inner) == Deduplicated(LocalSearch(), tries=7)
    given = StartingWith(Deduplicated(StartingWith(Random())), (arch,))
    assert without_default(given) == StartingWith(Deduplicated(Random()), (arch,))
    plain = Deduplicated(Random())
    assert without_default(plain) is plain
    assert without_default(Same()) == Same()


def test_a_journal_goes_on(toy, tmp_path, told):
    journal = tmp_path / "runs.jsonl"
    compare(toy, "random", seeds=2, queries=8, journal=journal)
    more = compare(toy, "random,grid", seeds=3, queries=8, journal=journal, on_run=told)
    assert more == compare(toy, "random,grid", seeds=3, queries=8)
    assert told.said[0] == (None, 2, 6)
    assert [what for what, _, _ in told.said[1:]] == [("grid", 0), ("grid", 1), ("random", 2), ("grid", 2)]
    told.said.clear()
    assert compare(toy, "grid,random", seeds=3, queries=8, journal=journal, on_run=told).runs
    assert told.said == [(None, 6, 6)]


@pytest.mark.parametrize("change", ["queries", "workers", "strategy", "table"])
def test_a_journal_is_not_taken_for_another_comparison(toy, other_toy, tmp_path, told, change):
    journal = tmp_path / "runs.jsonl"
    given = {"benchmarks": toy, "methods": {"mine": Random()}, "seeds": 1, "queries": 8, "workers": 1}
    changed = {
        "queries": {"queries": 9},
        "workers": {"workers": 2},
        "strategy": {"methods": {"mine": Deduplicated(Random())}},
        "table": {"benchmarks": dataclasses.replace(other_toy, name="toy")},
    }[change]
    compare(**given, journal=journal)
    compare(**(given | changed), journal=journal, on_run=told)
    assert told.said == [(None, 0, 1), (("mine", 0), 1, 1)]


def test_broken_runs_are_tried_again(toy, tmp_path, told):
    journal = tmp_path / "runs.jsonl"
    for _ in range(2):
        compare(toy, {"breaks": Breaks()}, seeds=1, queries=8, journal=journal, on_run=told)
    assert told.said == [(None, 0, 1), (("breaks", 0), 1, 1)] * 2


def test_a_comparison_survives_its_file(toy, tmp_path):
    found = compare(toy, "random,grid", seeds=2, queries=8)
    assert Comparison.load(found.save(tmp_path / "c.json.gz")) == found


def test_names_and_numbers_that_are_wrong(toy):
    with pytest.raises(NotFound, match="unknown benchmark 'nb201-cifar': did you mean"):
        compare("nb201-cifar", "random")
    with pytest.raises(InvalidInput, match=r"these benchmarks can't be used:\n  - unknown benchmark 'a'.*\n  - .*'b'"):
        compare(["a", "b"], "random")
    with pytest.raises(InvalidInput, match="a benchmark must be a name or a Benchmark, but got a int"):
        compare([3], "random")
    with pytest.raises(InvalidInput, match=r"say at least one benchmark; there are: .*nb201-cifar10"):
        compare([], "random")
    with pytest.raises(InvalidInput, match="two benchmarks are called 'toy'"):
        compare([toy, dataclasses.replace(toy)], "random")
    with pytest.raises(NotFound, match="unknown method 'randm': did you mean 'random'"):
        compare(toy, "randm")
    with pytest.raises(
        NotFound, match=r"(?s)unknown method 'xqz'\.?:?\n  - unknown method 'xyq'\.?:? Available: asha, "
    ):
        compare(toy, ["xqz", "xyq"])
    for name in ("queries", "workers", "jobs"):
        with pytest.raises(InvalidInput, match=f"`{name}` must be a whole number of at least 1, but got 0"):
            compare(toy, "random", **{name: 0})
    for seeds in (0, -1, "3", [], [1, 1], [-1], [0.5], True):
        with pytest.raises(InvalidInput, match="`seeds` must be a number of them"):
            compare(toy, "random", seeds=seeds)
    with pytest.raises(InvalidInput, match="`start` must be 'random' or 'default', but got 'best'"):
        compare(toy, "random", start="best")
    with pytest.raises(InvalidInput, match="`vs` must be one of optuna, but got 'ax'"):
        compare(toy, "random", vs="ax")


def test_which_methods_are_meant():
    every = methods_from("all")
    assert {"random", "grid", "local_search", "auto"} <= set(every)
    assert not [name for name in every if name.startswith("optuna")]
    assert list(methods_from("grid, local-search")) == ["grid", "local_search"]
    assert list(methods_from(["random", Same(), refuses])) == ["random", "Same", "refuses"]
    assert methods_from({"mine": "random"}) == {"mine": "random"}
    with pytest.raises(NotFound, match="two methods are called 'Deduplicated': give a mapping"):
        methods_from([Deduplicated(Random()), Deduplicated(LocalSearch())])
    with pytest.raises(InvalidInput, match="say at least one method"):
        methods_from([])
    with pytest.raises(InvalidInput, match="say at least one method"):
        methods_from(" , ")


def test_optunas_samplers_come_with_vs(monkeypatch):
    peers = [name for name in registry.methods if name.startswith("optuna_")]
    if importlib.util.find_spec("optuna") is not None and peers:
        assert list(methods_from("random", vs="optuna")) == ["random", *peers]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingDependency, match=r"comparing with optuna needs it, .*install 'netwright\[optuna\]'"):
        methods_from("random", vs="optuna")


def test_a_space_without_end(toy):
    """No optimum is known, and nobody enumerates."""
    endless = Benchmark("endless", Space({"x": real(0.0, 1.0)}), Function(lambda arch: {"loss": arch["x"]}), "min:loss")
    found = compare(endless, "random", seeds=2, queries=5)
    assert found.facts("endless").optimum is None
    assert found.facts("endless").n_arches == math.inf
    assert found.runs[0].total_seconds == 5.0, "a second each, where nobody knows better"
    assert np.isnan(found.values("endless", "random", test=True)).all()


def test_a_runner_travels():
    runner = Runner({}, {"random": "random"}, 10)
    assert pickle.loads(pickle.dumps(runner)) == runner


@pytest.mark.parametrize("column", ["test_metric", "seconds_metric"])
def test_a_metric_that_the_table_doesnt_have(toy, column):
    with pytest.raises(NotFound, match="unknown metric 'scnds': did you mean"):
        compare(dataclasses.replace(toy, **{column: "scnds"}), "random", seeds=1, queries=3)


def test_without_times_a_query_takes_a_second_and_nothing_is_said(toy, caplog):
    found = compare(dataclasses.replace(toy, seconds_metric=None), "random", seeds=1, queries=3)
    assert found.runs[0].total_seconds == 3
    assert not caplog.records


def test_a_table_has_no_data_to_prepare_on(toy):
    def prepares(space):
        return Recipe(Random(), prepare=_prepared)

    found = compare(toy, {"random": "random", "prepares": prepares}, seeds=1, queries=3)
    assert found.refused["toy", "prepares"].startswith("'prepares' needs data before it searches")


def _prepared(*_):
    raise AssertionError("there is nothing to prepare on")
