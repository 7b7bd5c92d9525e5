"""Policy gradient and PPO: what they learn, from what, and that it depends on nothing else."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from netwright import Space, choice, integer, real, subset
from netwright.benchmarks import data_folder
from netwright.core import Arch, History, Record
from netwright.core.errors import InvalidInput
from netwright.core.registry import benchmarks, methods
from netwright.core.streams import Streams
from netwright.loop import Search
from netwright.runtime import MemoryStore
from netwright.strategies import PPO, Deduplicated, Random, Reinforce
from netwright.strategies.controller import Controller, Learning

BOTH = pytest.mark.parametrize("strategy", [Reinforce(), PPO()], ids=["reinforce", "ppo"])
FLAT = Space({f"c{i}": choice(list("abcde")) for i in range(6)})
NESTED = Space(
    {
        "head": choice({"wide": {"units": integer(1, 100)}, "drop": {"rate": real(0.0, 1.0)}}),
        "inputs": subset(list("wxyz"), 2),
        "depth": integer(1, 4),
    }
)
HIDDEN = Arch(dict(zip((f"c{i}" for i in range(6)), "badcab", strict=True)))


def _wrong(arch):
    """How many decisions differ from the hidden arch."""
    return float(sum(arch[name] != value for name, value in HIDDEN.items()))


def _nested(arch):
    """Best: a rate near a third, with x and z, and three deep."""
    loss = abs(arch["depth"] - 3) / 4 + (arch["inputs"] != ("x", "z"))
    return loss + (1.0 if "head.wide.units" in arch else abs(arch["head.drop.rate"] - 0.3))


def _history(strategy, space, loss, n, *, seed=0, history=None):
    """Records of a strategy's own candidates."""
    history = History() if history is None else history
    for _ in range(n):
        candidate = strategy.propose(space, history, Streams(seed)(history.next_id))
        history.add(Record(candidate.id, candidate.arch, losses=(loss(candidate.arch),)))
    return history


def _sampled(strategy, space, history, n=300):
    return [strategy.propose(space, history, Streams(9)(i)).arch for i in range(n)]


@BOTH
def test_good_decisions_become_likely(strategy):
    history = _history(strategy, FLAT, _wrong, 400)
    before = np.mean([_wrong(arch) for arch in _sampled(strategy, FLAT, History())])
    after = np.mean([_wrong(arch) for arch in _sampled(strategy, FLAT, history)])
    assert before == pytest.approx(4.8, abs=0.2)  # one in five is right by chance
    assert after < 3.0


@BOTH
def test_numbers_conditions_and_subsets_are_learned(strategy):
    history = _history(strategy, NESTED, _nested, 500)
    arches = _sampled(strategy, NESTED, history)
    rates = [arch["head.drop.rate"] for arch in arches if "head.drop.rate" in arch]
    assert len(rates) > 0.75 * len(arches)
    assert np.mean(np.abs(np.array(rates) - 0.3)) < 0.15  # 0.29 by chance
    assert np.mean([arch["inputs"] == ("x", "z") for arch in arches]) > 0.5  # one in six by chance
    assert np.mean([arch["depth"] == 3 for arch in arches]) > 0.4


@BOTH
def test_at_first_it_is_random_search(strategy):
    arches = _sampled(strategy, NESTED, History(), 2000)
    assert np.mean(["head.wide.units" in arch for arch in arches]) == pytest.approx(0.5, abs=0.05)
    assert np.mean([arch["inputs"] == ("x", "z") for arch in arches]) == pytest.approx(1 / 6, abs=0.04)
    units = [arch["head.wide.units"] for arch in arches if "head.wide.units" in arch]
    assert np.mean(units) == pytest.approx(50.5, abs=4)


@BOTH
def test_what_others_proposed_is_learned_from_too(strategy):
    history = _history(Random(), FLAT, _wrong, 400)
    assert np.mean([_wrong(arch) for arch in _sampled(strategy, FLAT, history)]) < 3.5


@BOTH
def test_only_the_order_of_the_losses_counts(strategy):
    plain = _history(strategy, FLAT, _wrong, 60)
    for change in (lambda loss: 1e6 * loss - 7, lambda loss: -1e-9 * 0.5**loss):
        changed = _history(strategy, FLAT, lambda arch, change=change: change(_wrong(arch)), 60)
        assert [record.arch for record in changed.records] == [record.arch for record in plain.records]


@BOTH
def test_failures_become_unlikely(strategy):
    history = History()
    for _ in range(300):
        candidate = strategy.propose(FLAT, history, Streams(0)(history.next_id))
        if candidate.arch["c0"] == "a":
            told = {"status": "failed"}
        elif candidate.arch["c0"] == "b":
            told = {"status": "infeasible", "violation": 0.5}
        else:
            told = {"losses": (float("cde".index(candidate.arch["c0"])),)}
        history.add(Record(candidate.id, candidate.arch, **told))
    drawn = [arch["c0"] for arch in _sampled(strategy, FLAT, history)]
    assert drawn.count("a") + drawn.count("b") < 60  # of 300; 120 by chance
    assert drawn.count("c") > 120


@BOTH
def test_where_nothing_is_better_nothing_is_learned(strategy):
    history = _history(strategy, FLAT, lambda _: 0.5, 100)
    drawn = [arch["c0"] for arch in _sampled(strategy, FLAT, history, 1000)]
    assert all(abs(drawn.count(option) - 200) < 70 for option in "abcde")


def test_standings_are_among_records_of_one_fidelity():
    controller = Controller(FLAT, Learning(4, 2, 0.1, 0.0, 0.9))
    arch = FLAT.default()
    rough = [Record(i, arch, 0.1, losses=(5.0 + i,)) for i in range(2)]
    full = [Record(2 + i, arch, losses=(1.0 + i,)) for i in range(2)]
    for record in rough + full:
        controller.note(record)
    expected = np.sqrt(12) * np.array([0.25, -0.25])
    assert controller._rewards(tuple(rough)) == pytest.approx(expected)
    assert controller._rewards(tuple(full)) == pytest.approx(expected)


@BOTH
def test_two_histories_do_not_mix(strategy):
    apart = [_history(strategy, FLAT, loss, 60) for loss in (_wrong, lambda arch: -_wrong(arch))]
    together = [History(), History()]
    for _ in range(60):
        for history, sign in zip(together, (1, -1), strict=True):
            _history(strategy, FLAT, lambda arch, sign=sign: sign * _wrong(arch), 1, history=history)
    for one, other in zip(apart, together, strict=True):
        assert one.records == other.records
    assert apart[0].records[20:] != apart[1].records[20:]


@BOTH
def test_a_resumed_search_with_another_copy_of_the_space_goes_on_the_same_way(strategy):
    def loss(candidate, _):
        return {"loss": _nested(candidate.arch)}

    full = Search(NESTED, strategy, loss, budget="45 candidates", seed=3).run()
    store = MemoryStore()
    for record in full.records[:23]:  # in the middle of a batch
        store.append(record)
    copies = pickle.loads(pickle.dumps((NESTED, strategy)))
    assert list(Search(*copies, loss, budget="45 candidates", seed=3, store=store).run().records) == list(full.records)


@BOTH
def test_records_that_are_not_of_the_space_are_passed_over(strategy):
    history = _history(Random(), FLAT, _wrong, 30)
    odd = History()
    for i in range(60):
        record = history.records[i // 2]
        arch = record.arch if i % 2 else record.arch.replace(c0="f")
        odd.add(Record(i, arch, losses=record.losses))
    assert _sampled(strategy, FLAT, odd) == _sampled(strategy, FLAT, history)


@BOTH
def test_hard_constraints(strategy):
    """The policy is asked again, and where that doesn't help the space is."""
    space = Space({f"c{i}": choice([0, 1, 2, 3]) for i in range(6)}, constraints=[lambda arch: sum(arch.values()) < 2])
    history = _history(strategy, space, lambda arch: -float(arch["c0"]), 60)
    for record in history.records:
        space.validate(record.arch)


@BOTH
def test_a_space_without_decisions(strategy):
    space = Space({"none": subset(["a"], 0)})
    assert len(_history(strategy, space, lambda _: 0.0, 15)) == 15


def test_steps_of_ppo_are_clipped():
    """On one batch, a smaller limit moves the policy less; without one it is plain policy gradient."""
    batch = _history(Random(), FLAT, _wrong, 10)
    moved = {}
    for clip in (0.01, 0.2, 10.0):
        controller = Controller(FLAT, Learning(8, 10, 0.02, 0.0, 0.9, 20, clip))
        start = controller.policy.weights.copy()
        for record in batch.records:
            controller.note(record)
        texts = [list(controller.writing.read(record.arch)) for record in batch.records]
        arrays = controller.policy.texts(texts)
        logs = controller.policy.forward(arrays).log_probs
        own = np.take_along_axis(logs, arrays.options[..., None], -1)[..., 0]
        assert not np.array_equal(start, controller.policy.weights)
        moved[clip] = np.abs(own - np.log(1 / 5)).mean()
    assert moved[0.01] < moved[0.2] < moved[10.0]
    once = Learning(8, 10, 0.02, 0.1, 0.9)
    assert all(
        np.array_equal(*(_learned(learning, batch) for learning in (once, replace(once, clip=clip))))
        for clip in (0.01, 10.0)  # the first step of a batch is never clipped
    )


def _learned(learning, history):
    controller = Controller(FLAT, learning)
    for record in history.records:
        controller.note(record)
    return controller.policy.weights


def test_entropy_keeps_the_policy_broad():
    def spread(entropy):
        strategy = Reinforce(entropy=entropy)
        drawn = _sampled(strategy, FLAT, _history(strategy, FLAT, _wrong, 300))
        return len(set(drawn))

    assert spread(0.0) < spread(2.5) < spread(12.0)


@BOTH
def test_bad_numbers(strategy):
    kind = type(strategy)
    for name, value, rule in [
        ("hidden", 0, "a whole number of at least 1"),
        ("batch", 2.5, "a whole number"),
        ("learning_rate", 0.0, "a positive number"),
        ("entropy", -0.1, "a number of at least 0"),
        ("baseline_decay", 1.0, r"a number in \[0, 1\)"),
        ("learning_rate", float("nan"), "a positive number"),
    ]:
        with pytest.raises(InvalidInput, match=rf"`{name}`( of \w+)? must be {rule}, but got {value}"):
            kind(**{name: value})
    with pytest.raises(
        InvalidInput, match=r"`epochs` must be .* but got 0; `clip` must be a positive number, but got 0"
    ):
        PPO(epochs=0, clip=0)


def test_the_methods():
    assert methods["reinforce"](FLAT, entropy=0.1).strategy == Deduplicated(Reinforce(entropy=0.1))
    assert methods["ppo"](FLAT, clip=0.1, epochs=5).strategy == Deduplicated(PPO(clip=0.1, epochs=5))
    for name in ("reinforce", "ppo"):
        with pytest.raises(InvalidInput, match="needs a space with a fixed list of `decisions`"):
            methods[name](object())


@pytest.mark.shared_data
@pytest.mark.parametrize("method", ["reinforce", "ppo"])
@pytest.mark.parametrize("name", ["nb201-cifar10", "nb201-cifar100"])
def test_they_learn_on_a_real_table(shared_data, monkeypatch, method, name):
    monkeypatch.setenv("NETWRIGHT_DATA", str(shared_data))
    assert data_folder() == shared_data
    benchmark = benchmarks[name]()
    strategy = methods[method](benchmark.space).strategy
    search = Search(
        benchmark.space, strategy, benchmark.evaluator, objectives=benchmark.objective, budget="300 candidates"
    )
    accuracies = -np.array([record.loss for record in search.run().records])
    assert np.median(accuracies[-100:]) > np.median(accuracies[:100]) + 1.0
