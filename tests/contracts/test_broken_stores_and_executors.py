"""The contracts of stores and executors find what they are for: each way to break them, with the text that it gives."""

from __future__ import annotations

import json
import math
import random
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

import pytest

from netwright.core import Arch, Record
from netwright.core.errors import EvaluationError
from netwright.runtime import Done, InlineExecutor, MemoryStore
from netwright.testing import check_executor, check_store

# Stores ---------------------------------------------------------------------------------------------------------------


class KeptIn(MemoryStore):
    """Changes each record on its way in."""

    def changed(self, record):
        return record

    def append(self, record):
        super().append(self.changed(record))


class Sorts(MemoryStore):
    def __iter__(self):
        return iter(sorted(super().__iter__(), key=lambda record: record.id))


class Rounds(KeptIn):
    def changed(self, record):
        return replace(record, losses=tuple(round(loss, 6) for loss in record.losses))


class DropsCurves(KeptIn):
    def changed(self, record):
        return replace(record, curves={})


class MakesLists(KeptIn):
    def changed(self, record):
        return replace(record, losses=list(record.losses))


class DropsNaN(KeptIn):
    def changed(self, record):
        return replace(record, metrics={n: None if math.isnan(v) else v for n, v in record.metrics.items()})


class MakesNumbersOfTruth(KeptIn):
    def changed(self, record):
        return replace(record, arch=Arch({n: int(v) if v is True else v for n, v in record.arch.items()}))


class CutsTexts(KeptIn):
    def changed(self, record):
        return replace(record, error=record.error and record.error.partition("\n")[0])


class DropsFailures(MemoryStore):
    def append(self, record):
        if record.status != "failed":
            super().append(record)


class ReadsOnce(MemoryStore):
    def __iter__(self):
        records, self._records = self._records, []
        return iter(records)


class StartsFull(MemoryStore):
    def __init__(self):
        super().__init__()
        self.append(Record(0, Arch({})))


class ForgetsElapsedTime(KeptIn):
    def changed(self, record):
        return replace(record, elapsed_seconds=0.0)


@pytest.mark.parametrize(
    ("store", "text"),
    [
        (
            Sorts,
            r"Sorts, after record 2 was appended must have the records \[0, 3, 2\] in this order, but has \[0, 2, 3\]",
        ),
        (
            Rounds,
            r"must give back losses=\(-0\.30000000000000004, 1000000000000001\.0\) of record 3, but gave \(-0\.3,",
        ),
        (DropsCurves, "must give back curves="),
        (MakesLists, r"must give back losses=\(0\.5,\) of record 0, but gave \[0\.5\]"),
        (DropsNaN, r"must give back metrics=\{'loss': nan"),
        (MakesNumbersOfTruth, "must give back arch=Arch.*'bias': True.*but gave Arch.*'bias': 1"),
        (CutsTexts, "must give back error="),
        (DropsFailures, r"must have the records \[0, 3, 2\] in this order, but has \[0, 3\]"),
        (ReadsOnce, r"must have the records \[0, 3\] in this order, but has \[3\]"),
        (StartsFull, "a new store must be empty, but StartsFull has 1 records"),
        (ForgetsElapsedTime, "must give back elapsed_seconds="),
    ],
)
def test_stores(store, text):
    with pytest.raises(AssertionError, match=text):
        check_store(store)


def test_a_store_that_does_not_last():
    with pytest.raises(
        AssertionError, match=r"MemoryStore, opened again, must have the records \[0, 3, 2.*but has \[\]"
    ):
        check_store(MemoryStore, reopen=lambda _: MemoryStore())


def test_a_store_that_loses_its_last_record(tmp_path):
    """A buffer that is written when the next record comes."""

    class Buffered:
        def __init__(self, path):
            self.path = path
            self.last = None

        def append(self, record):
            if self.last is not None:
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"id": self.last.id, "x": dict(self.last.arch)}) + "\n")
            self.last = record
            self.records = [*getattr(self, "records", []), record]

        def __iter__(self):
            return iter(getattr(self, "records", []))

    def reopen(store):
        again = Buffered(store.path)
        again.records = store.records[: len(store.path.read_text(encoding="utf-8").splitlines())]
        return again

    with pytest.raises(AssertionError, match="Buffered, opened again, must have the records"):
        check_store(lambda: Buffered(tmp_path / "records"), reopen=reopen)


# Executors ------------------------------------------------------------------------------------------------------------


class Inline(InlineExecutor):
    """What all the broken ones have in common."""


class NoWorkers(Inline):
    workers = 0


class MixesResultsUp(Inline):
    def __init__(self):
        self.last = None

    def submit(self, fn, /, *args, timeout=None):
        done = super().submit(fn, *args)
        self.last, done = done, self.last or done
        return done if args and isinstance(args[0], int) else self.last


class Reverses(Inline):
    def wait(self, pending, timeout=None):
        return list(pending)[::-1]


class SwallowsErrors(Inline):
    def submit(self, fn, /, *args, timeout=None):
        try:
            return Done(fn(*args))
        except ValueError:
            return Done(None)


class TakesTimeOutsForItsOwn(Inline):
    def submit(self, fn, /, *args, timeout=None):
        try:
            return Done(fn(*args))
        except TimeoutError:
            return Done(error=EvaluationError("took too long"))
        except Exception as error:  # noqa: BLE001
            return Done(error=error)


class NeverWaits(Inline):
    def wait(self, pending, timeout=None):
        return []


class GivesWhatNobodyAskedFor(Inline):
    def wait(self, pending, timeout=None):
        return [Done()]


class Breaks(Inline):
    """Of no use after a failure."""

    broken = False

    def submit(self, fn, /, *args, timeout=None):
        done = super().submit(fn, *args)
        if self.broken:
            return Done(error=RuntimeError("the pool is broken"))
        self.broken = done._error is not None
        return done


class Threads:
    """A correct one, without a limit of time."""

    workers = 2

    def __init__(self):
        self.pool = ThreadPoolExecutor(2)

    def submit(self, fn, /, *args, timeout=None):
        return self.pool.submit(fn, *args)

    def wait(self, pending, timeout=None):
        pending = list(pending)
        wait(pending, timeout, return_when="FIRST_COMPLETED")
        return [call for call in pending if call.done()]

    def close(self):
        self.pool.shutdown(wait=False, cancel_futures=True)


class SaysTooEarlyThatItIsDone(Threads):
    def wait(self, pending, timeout=None):
        return list(pending)


class DrawsNumbers(Inline):
    """Evaluates another candidate than the one it was given, now and then."""

    def submit(self, fn, /, *args, timeout=None):
        if len(args) == 2 and hasattr(args[0], "arch") and args[0].id == 7:
            args = (replace(args[0], arch=Arch({"x": 0, "y": 0})), args[1])
        return super().submit(fn, *args)


class EndsNothing(Inline):
    """Says that it ends calls, but gives something made up."""

    def submit(self, fn, /, *args, timeout=None):
        if timeout is not None and timeout < 1:
            return Done("what is this?")
        return super().submit(fn, *args)


@pytest.mark.parametrize(
    ("executor", "text"),
    [
        (NoWorkers, "`workers` of NoWorkers must be at least 1, but is 0"),
        (MixesResultsUp, r"MixesResultsUp gave \(0, 'text 0'\) as the result of the call with \(1, 'text 1'\)"),
        (Reverses, "`wait` of Reverses must give the calls in the order of their submission"),
        (SwallowsErrors, r"must raise what the call raised, ValueError\('a wrong value'\), but gave None"),
        (
            TakesTimeOutsForItsOwn,
            r"must raise what the call raised, TimeoutError.*but raised EvaluationError\('took too",
        ),
        (NeverWaits, "`wait` of NeverWaits must block until a call is done"),
        (GivesWhatNobodyAskedFor, "must give nothing where nothing is pending"),
        (Breaks, r"must raise what the call raised, TimeoutError.*but raised RuntimeError\('the pool is broken'\)"),
        (SaysTooEarlyThatItIsDone, "must give calls that are pending and done|gave a call that is not done"),
        (DrawsNumbers, r"a search through DrawsNumbers must give the records of one in this process, but gave"),
    ],
)
def test_executors(executor, text):
    with pytest.raises(AssertionError, match=f"(?s){text}"):
        check_executor(executor)


def test_an_executor_that_does_not_end_calls():
    with pytest.raises(
        AssertionError, match="must raise EvaluationError for a call that exceeds its timeout, but gave"
    ):
        check_executor(EndsNothing, ends_calls=True)


def test_an_executor_of_somebody_else():
    check_executor(Threads)


def test_done_is_as_much_of_a_future_as_a_search_uses():
    future = Future()
    future.set_result(3)
    assert Done(3).result() == future.result()
    assert Done().done()
    assert random.Random(0).random()  # the module is left alone: a generator of its own
    with pytest.raises(ValueError, match="no"):
        Done(error=ValueError("no")).result()
