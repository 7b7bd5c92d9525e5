"""The process pool: data sent once, workers that die, hang or can't start, interrupts, and what is said about it."""

from __future__ import annotations

import importlib
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import types
from pathlib import Path

import pytest

from netwright import Space, choice
from netwright.core.errors import EvaluationError, InvalidInput, RunError
from netwright.loop import Search
from netwright.runtime import ProcessPool
from netwright.strategies import Grid

WORK = '''
import os, sys, time
from pathlib import Path


class Data:
    """Notes each time that it is loaded."""

    def __init__(self, log):
        self.log = str(log)
        self.numbers = list(range(1000))

    def __setstate__(self, state):
        self.__dict__.update(state)
        with open(self.log, "a") as file:
            file.write(f"{os.getpid()}\\n")

    def __call__(self, candidate, context):
        return {"loss": float(sum(self.numbers[:candidate.arch["x"]]))}

    def plus(self, number):
        return number + len(self.numbers)


def loss(candidate, context):
    x = candidate.arch["x"]
    if x == 1:
        os.kill(os.getpid(), 9)
    if x == 2:
        time.sleep(600)
    if x == 3:
        raise TimeoutError("the licence server didn't answer")
    if x == 4:
        sys.exit(3)
    return {"loss": float(x)}


class NeedsTwo(Exception):
    def __init__(self, one, two):
        super().__init__("needs two")


def fail(kind):
    if kind == "exception":
        raise NeedsTwo(1, 2)
    if kind == "exit":
        sys.exit("enough")
    return lambda: 3


def environment(name):
    return os.environ.get(name)


def busy(folder):
    Path(folder, str(os.getpid())).touch()
    while True:
        pass
'''


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A module that workers can import."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "pool_work.py").write_text(WORK)
    sys.path.insert(0, str(folder))
    yield importlib.import_module("pool_work")
    sys.path.remove(str(folder))
    del sys.modules["pool_work"]


@pytest.fixture(scope="module")
def shared_pool():
    pool = ProcessPool(2)
    yield pool
    pool.close()


@pytest.fixture
def pool(shared_pool, work):
    """One pool for the tests that leave it as it was."""
    return shared_pool


def _result(pool, call):
    assert pool.wait([call]) == [call]
    return call.result()


def _alive(pid):
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"  # a zombie has ended


def _until(condition, what):
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail(f"waited in vain: {what}")


# What travels


def test_data_reach_each_worker_once(work, tmp_path):
    log = tmp_path / "loads"
    search = Search(
        Space({"x": choice(list(range(30)))}), Grid(), work.Data(log), budget="30 candidates", executor=ProcessPool(2)
    )  # fmt: skip
    records = search.run().records
    assert {record.arch["x"]: record.loss for record in records} == {x: sum(range(x)) for x in range(30)}
    loads = log.read_text().split()
    assert 1 <= len(loads) <= 2
    assert len(set(loads)) == len(loads)
    assert str(os.getpid()) not in loads


def test_two_functions_in_turn(pool, work, tmp_path):
    one, other = work.Data(tmp_path / "one").plus, work.Data(tmp_path / "other").plus
    assert [_result(pool, pool.submit(fn, number)) for number in range(3) for fn in (one, other)] == [
        1000, 1000, 1001, 1001, 1002, 1002
    ]  # fmt: skip


def test_what_cannot_be_sent(pool):
    with pytest.raises(
        RunError, match=r"the evaluator can't be sent to worker processes .*no lambdas.*, or use workers=1"
    ):
        pool.submit(lambda: 3)
    with pytest.raises(RunError, match="the arguments of an evaluation can't be sent to worker processes"):
        pool.submit(len, [lambda: 3])
    assert _result(pool, pool.submit(len, [1, 2])) == 2


def test_a_search_with_a_lambda_says_so():
    search = Search(Space({"x": choice([0])}), Grid(), lambda *_: {}, budget="1 candidates", executor=ProcessPool(1))
    with pytest.raises(RunError, match="the evaluator can't be sent to worker processes"):
        search.run()


def test_what_cannot_be_sent_back(pool, work):
    with pytest.raises(
        EvaluationError, match=r"NeedsTwo: needs two \(it can't be sent back from the worker: TypeError"
    ):
        _result(pool, pool.submit(work.fail, "exception"))
    with pytest.raises(EvaluationError, match=r"<class 'function'> \(it can't be sent back from the worker"):
        _result(pool, pool.submit(work.fail, "lambda"))
    with pytest.raises(EvaluationError, match=r"the evaluation ended with SystemExit\(enough\)"):
        _result(pool, pool.submit(work.fail, "exit"))


def test_a_function_that_workers_cannot_import(pool, monkeypatch):
    """Defined in an interactive session, for example."""
    module = types.ModuleType("typed_in")
    exec("def loss(): return 3", module.__dict__)
    monkeypatch.setitem(sys.modules, "typed_in", module)
    module.loss.__module__ = "typed_in"
    with pytest.raises(RunError, match=r"can't be loaded in a worker process \(ModuleNotFoundError: .*'typed_in'\)"):
        _result(pool, pool.submit(module.loss))


# Time and death


def test_the_fates_of_candidates(work):
    """Each is one record with its reason; the others go on."""
    search = Search(
        Space({"x": choice([0, 1, 3, 4, 5, 6])}), Grid(), work.loss, budget="20 candidates", executor=ProcessPool(2)
    )  # fmt: skip
    records = {record.arch["x"]: record for record in search.run().records}
    assert {x for x, record in records.items() if record.status == "ok"} == {0, 5, 6}
    assert records[1].error == "the worker process died with exit code -9 (killed: out of memory?)"
    assert records[3].error.startswith("TimeoutError: the licence server didn't answer (in loss, pool_work.py:")
    assert records[4].error == "the evaluation ended with SystemExit(3)"
    assert sorted(record.id for record in records.values()) == list(range(6))


def test_an_evaluation_that_does_not_mind_its_deadline(work):
    search = Search(Space({"x": choice([2])}), Grid(), work.loss, budget="0.5s", executor=ProcessPool(1))
    record = search.run().records[0]
    assert record.status == "failed"
    assert re.fullmatch(r"ended from outside after \d seconds: time-out", record.error)
    assert record.wall_seconds > 3
    assert search.stopped_by == "time is up"


def test_a_time_out_of_the_caller_ends_nothing(pool):
    call = pool.submit(time.sleep, 0.5, timeout=60)
    assert pool.wait([call], 0.01) == []
    with pytest.raises(TimeoutError) as caught:
        call.result(0.01)
    assert not isinstance(caught.value, EvaluationError)
    assert _result(pool, call) is None


def test_a_time_out_of_nothing_is_a_time_out(pool):
    with pytest.raises(EvaluationError, match="ended from outside after 0 seconds: time-out"):
        _result(pool, pool.submit(time.sleep, 600, timeout=0.0))


@pytest.mark.parametrize("notice", [True, False])
def test_workers_that_are_killed_while_idle(work, notice):
    """By the system, short of memory: new ones take over."""
    pool = ProcessPool(1)
    try:
        pid = _result(pool, pool.submit(os.getpid))
        os.kill(pid, signal.SIGKILL)
        if notice:
            _until(lambda: not pool._pool.active, "the pool notices that its worker died")
        for _ in range(3):
            try:
                again = _result(pool, pool.submit(os.getpid))
            except EvaluationError as error:
                assert "died" in str(error)  # noqa: PT017
            else:
                break
        assert again != pid
    finally:
        pool.close()


def test_close_ends_busy_workers_and_the_pool_can_be_used_again(work, tmp_path):
    pool = ProcessPool(2)
    for _ in range(2):
        pool.submit(work.busy, str(tmp_path))
    _until(lambda: len(list(tmp_path.iterdir())) == 2, "both workers are busy")
    pids = [int(file.name) for file in tmp_path.iterdir()]
    folder = Path(pool._folder())
    assert folder.exists()
    pool.close()
    pool.close()
    assert not any(_alive(pid) for pid in pids)
    assert not folder.exists()
    assert _result(pool, pool.submit(len, "abc")) == 3
    pool.close()


# Settings


def test_cores_are_shared_out(work):
    for given, expected in ((3, "3"), (None, None)):
        pool = ProcessPool(2, threads=given)
        try:
            got = _result(pool, pool.submit(work.environment, "OMP_NUM_THREADS"))
        finally:
            pool.close()
        assert got == (expected or str(max(1, _cores() // 2)))


def _cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.mark.parametrize("workers", [0, -1, 1.5, None, "2"])
def test_bad_numbers(workers):
    with pytest.raises(InvalidInput, match="`workers` must be a whole number of at least 1, but got"):
        ProcessPool(workers)
    with pytest.raises(InvalidInput, match="`threads` must be at least 1, but got 0"):
        ProcessPool(1, threads=0)


# Whole scripts

SEARCH = """
from netwright import Space, choice
from netwright.loop import Search
from netwright.runtime import ProcessPool
from netwright.strategies import Grid
import pool_work

search = Search(Space({"x": choice([0, 5, 6])}), Grid(), pool_work.loss, budget="3 candidates", executor=ProcessPool(2))
"""


def _script(folder, text, *, as_code=False):
    (folder / "pool_work.py").write_text(WORK)
    (folder / "script.py").write_text(text)
    command = [sys.executable, *(["-c", text] if as_code else ["script.py"])]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_a_script_without_a_guard_is_told(tmp_path):
    done = _script(tmp_path, SEARCH + "search.run()\n")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "RunError: the worker processes ended while they were starting" in last
    assert 'put the start of the search under `if __name__ == "__main__":`' in last


def test_a_script_with_a_guard(tmp_path):
    done = _script(tmp_path, SEARCH + 'if __name__ == "__main__":\n    print(len(search.run()))\n')
    assert (done.stdout, done.stderr, done.returncode) == ("3\n", "", 0)


def test_workers_that_are_not_needed_any_more_go_in_silence(tmp_path):
    """The search is over before most of them have started."""
    text = SEARCH.replace("ProcessPool(2)", "ProcessPool(6)").replace("3 candidates", "1 candidates")
    done = _script(tmp_path, text + 'if __name__ == "__main__":\n    print(len(search.run()))\n')
    assert (done.stdout, done.stderr, done.returncode) == ("1\n", "", 0)


@pytest.mark.slow
def test_code_without_a_file(tmp_path):
    """Functions of an importable module work; those that were typed in don't, and it is said why."""
    done = _script(tmp_path, SEARCH + "print(len(search.run()))\n", as_code=True)
    assert (done.stdout, done.stderr, done.returncode) == ("3\n", "", 0)
    typed = SEARCH + "def loss(candidate, context): return {'loss': 0.0}\nsearch.evaluator = loss\nsearch.run()\n"
    done = _script(tmp_path, typed, as_code=True)
    assert "RunError: the evaluator can't be loaded in a worker process" in done.stderr.strip().splitlines()[-1]


@pytest.mark.slow
def test_daemons_cannot_have_workers(tmp_path):
    text = SEARCH + textwrap.dedent(
        """
        import multiprocessing

        def work():
            try:
                search.run()
            except Exception as error:
                print(type(error).__name__, error)

        if __name__ == "__main__":
            process = multiprocessing.get_context("spawn").Process(target=work, daemon=True)
            process.start()
            process.join()
        """
    )
    assert _script(tmp_path, text).stdout == "RunError a daemonic process can't start workers: use workers=1 here.\n"


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("how", ["Ctrl-C", "kill"])
def test_interrupts(tmp_path, how):
    """Ctrl-C goes to all processes of the terminal: one traceback, records kept, no worker left; nor after a kill."""
    (tmp_path / "pool_work.py").write_text(WORK)
    (tmp_path / "busy").mkdir()
    (tmp_path / "script.py").write_text(
        textwrap.dedent(
            """
            import tempfile
            from netwright import Space, choice
            from netwright.loop import Search
            from netwright.runtime import ProcessPool, SqliteStore
            from netwright.strategies import Grid
            import pool_work

            class Evaluator:
                def __call__(self, candidate, context):
                    if candidate.id >= 3:
                        pool_work.busy("busy")
                    return {"loss": 0.0}

            if __name__ == "__main__":
                tempfile.tempdir = "."
                Search(
                    Space({"x": choice(list(range(9)))}), Grid(), Evaluator(), budget="60s",
                    executor=ProcessPool(2), store=SqliteStore("records.sqlite"),
                ).run()
            """
        )
    )
    process = subprocess.Popen(
        [sys.executable, "script.py"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    _until(lambda: len(list((tmp_path / "busy").iterdir())) == 2, "both workers are busy")
    pids = [int(file.name) for file in (tmp_path / "busy").iterdir()]
    if how == "Ctrl-C":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.kill()
    out, err = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGINT if how == "Ctrl-C" else -signal.SIGKILL)
    assert out == ""
    if how == "Ctrl-C":
        assert err.count("Traceback") == 1
        assert err.strip().endswith("KeyboardInterrupt")
        assert not any(_alive(pid) for pid in pids)
    _until(lambda: not any(_alive(pid) for pid in pids), "the workers end")
    _until(lambda: not list(tmp_path.glob("netwright-*")), "the data on disk are deleted")
    from netwright.runtime import SqliteStore

    store = SqliteStore(tmp_path / "records.sqlite")
    assert sorted(record.id for record in store) == [0, 1, 2]
    store.close()
