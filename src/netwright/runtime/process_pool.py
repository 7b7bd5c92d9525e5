"""`ProcessPool`: evaluations in worker processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future
from concurrent.futures import TimeoutError as CallTimeout
from concurrent.futures import wait as wait_for_futures
from pathlib import Path
from typing import Any

from netwright.core.errors import EvaluationError, InvalidInput, RunError
from netwright.core.protocols import PendingResult

__all__ = ["ProcessPool"]

_GUARD = (
    'put the start of the search under `if __name__ == "__main__":`, so that workers can import your script without '
    "running it"
)


_PATIENCE_SECONDS = 1.0  # with a worker that was told to end


class ProcessPool:
    """Worker processes that take over when one dies or hangs (by pebble).

    The called function, with all the data that it holds, is sent to each worker once; after that only the arguments
    travel. Workers are started fresh (not forked: torch's threads don't survive that), so a script that uses several
    workers needs `if __name__ == "__main__":` around its start. Workers end with the process that started them, even
    if that one is killed.

    Args:
        workers: how many processes.
        threads: how many threads each may use for computing; the processor's cores are shared out if not given.

    Example:
        >>> pool = ProcessPool(2)
        >>> pool.workers
        2
        >>> pool.close()
    """

    def __init__(self, workers: int, *, threads: int | None = None) -> None:
        if not isinstance(workers, int) or workers < 1:
            raise InvalidInput(f"`workers` must be a whole number of at least 1, but got {workers!r}.")
        if threads is not None and threads < 1:
            raise InvalidInput(f"`threads` must be at least 1, but got {threads!r}.")
        self._workers = workers
        self._threads = threads or max(1, _n_cores() // workers)
        self._pool: Any = None
        self._worked = False  # since the pool was started
        self._sent: dict[int, tuple[Callable[..., Any], str]] = {}
        self._data: tempfile.TemporaryDirectory[str] | None = None

    @property
    def workers(self) -> int:
        """How many processes."""
        return self._workers

    def submit(self, fn: Callable[..., Any], /, *args: Any, timeout: float | None = None) -> PendingResult:
        """Run `fn(*args)` in a worker; it is ended after `timeout` seconds.

        Raises:
            RunError: if the call can't be sent to another process.
        """
        file = self._send(fn)
        content = _pickled(args, "the arguments of an evaluation")
        if self._pool is not None and not self._pool.active:  # all workers died: see _Result
            self._stop()
        if self._pool is None:
            self._start()
        limit = None if timeout is None else max(timeout, 1e-3)  # to pebble, 0 means no limit
        future: Future[bytes] = self._pool.schedule(_call, args=[file, content], timeout=limit)
        return _Result(self, future, timeout)

    def wait(self, pending: Iterable[PendingResult], timeout: float | None = None) -> list[PendingResult]:
        """Block until a call is done; those that are, in the order of their submission."""
        calls = list(pending)
        futures = [call.future for call in calls if isinstance(call, _Result)]
        wait_for_futures(futures, timeout, return_when=FIRST_COMPLETED)
        return [call for call in calls if call.done()]

    def close(self) -> None:
        """End all workers, whatever they are doing. The next `submit` starts new ones."""
        self._stop()
        if self._data is not None:
            self._data.cleanup()
            self._data = None
        self._sent.clear()

    def _stop(self) -> None:
        if self._pool is not None:
            self._pool.stop()
            # First the workers, then what joins them (which pebble does the other way round): one that is just starting
            # would miss it, and say so at length.
            manager = getattr(getattr(self._pool, "_pool_manager", None), "worker_manager", None)  # pebble's own affair
            for process in list(getattr(manager, "workers", {}).values()):
                process.terminate()
                process.join(_PATIENCE_SECONDS)
            self._pool.join()
            self._pool = None

    def _start(self) -> None:
        process = multiprocessing.current_process()
        if getattr(process, "_inheriting", False):  # importing the main script, before its work begins
            raise RunError(f"a worker process tried to start workers of its own: {_GUARD}.")
        if process.daemon:
            raise RunError("a daemonic process can't start workers: use workers=1 here.")
        from pebble import ProcessPool as Pool

        context = multiprocessing.get_context("spawn")
        self._worked = False
        self._pool = Pool(
            max_workers=self._workers, initializer=_prepare, initargs=[self._threads, self._folder()], context=context
        )

    def _send(self, fn: Callable[..., Any]) -> str:
        """The file that holds a function; written when it is first seen."""
        known = self._sent.get(id(fn))
        if known is not None:
            return known[1]
        content = _pickled(fn, "the evaluator")
        file = Path(self._folder()) / f"{len(self._sent)}.pickle"
        file.write_bytes(content)
        self._sent[id(fn)] = (fn, str(file))  # keeps fn alive, so that its id stays its own
        return str(file)

    def _folder(self) -> str:
        if self._data is None:
            self._data = tempfile.TemporaryDirectory(prefix="netwright-")
        return self._data.name


class _Result:
    """A future whose failures say what happened to the worker."""

    __slots__ = ("future", "limit", "pool")

    def __init__(self, pool: ProcessPool, future: Future[bytes], limit: float | None) -> None:
        self.pool = pool
        self.future = future
        self.limit = limit

    def done(self) -> bool:
        """Whether `result` returns at once."""
        return self.future.done()

    def result(self, timeout: float | None = None) -> Any:
        """What the call returned; raises what it raised.

        Raises:
            EvaluationError: if the worker died or was ended.
            RunError: if no worker can do its work at all.
        """
        from pebble import ProcessExpired

        try:
            answer = self.future.result(timeout)
        except (CallTimeout, TimeoutError):
            if not self.future.done():
                # Nobody ended it; the caller didn't wait long enough. (Python 3.10 has two classes of this name.)
                raise TimeoutError("the call is not done yet") from None
            limit = "its limit" if self.limit is None else f"{self.limit:.0f} seconds"
            raise EvaluationError(f"ended from outside after {limit}: time-out") from None
        except ProcessExpired as error:
            code = error.exitcode
            hint = " (killed: out of memory?)" if code == -9 else ""
            raise EvaluationError(f"the worker process died with exit code {code}{hint}") from None
        except BrokenExecutor as error:
            if self.pool._worked:  # noqa: SLF001  # the two classes are one thing
                raise EvaluationError("the worker processes died while they had nothing to do") from error
            raise RunError(
                "the worker processes ended while they were starting (what they said is above). The usual reason is "
                f"a script that starts its search when it is imported: {_GUARD}. Or use workers=1."
            ) from None
        self.pool._worked = True  # noqa: SLF001
        kind, value = pickle.loads(answer)  # noqa: S301  # written by our own worker
        if kind == "value":
            return value
        raise value


# What follows runs in the workers.

_functions: dict[str, Callable[..., Any]] = {}  # what was sent, by file


def _prepare(threads: int, folder: str) -> None:
    """In a new worker: compute on its share of the cores, die at once when told to, and with the main process."""
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)
    if "OMP_WAIT_POLICY" not in os.environ:  # threads that wait leave their core to the other workers soon
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    if "torch" in sys.modules:  # the main script imports it, and it has read those variables
        sys.modules["torch"].set_num_threads(threads)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a handler in Python would wait for a long computation to end
    threading.Thread(target=_end_with_the_main_process, args=[folder], daemon=True).start()


def _end_with_the_main_process(folder: str) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)  # it had no time to
        os._exit(1)


def _call(file: str, content: bytes) -> bytes:
    """Call the function with these arguments; whatever comes of it is pickled here, where a failure can be told."""
    try:
        fn = _functions.get(file)
        if fn is None:
            fn = pickle.loads(Path(file).read_bytes())  # noqa: S301  # written by our own main process
            _functions.clear()
            _functions[file] = fn
        args = pickle.loads(content)  # noqa: S301
    except Exception as error:  # noqa: BLE001  # told to the main process
        said = f"{type(error).__name__}: {error}"
        return pickle.dumps(("error", RunError(
            f"the evaluator can't be loaded in a worker process ({said}): define its functions and classes at the top "
            "of a file that can be imported (not in an interactive session), or use workers=1."
        )))  # fmt: skip
    try:
        answer = ("value", fn(*args))
    except Exception as error:  # noqa: BLE001  # raised again in the main process
        answer = ("error", error)
    except BaseException as error:  # noqa: BLE001  # sys.exit() in a worker is no request to end the search
        answer = ("error", EvaluationError(f"the evaluation ended with {type(error).__name__}({error})"))
    try:
        content = pickle.dumps(answer, protocol=5)
        if answer[0] == "error":
            pickle.loads(content)  # noqa: S301  # some exceptions can be pickled, but not loaded again
    except Exception as error:  # noqa: BLE001
        said = f"{type(answer[1]).__name__}: {answer[1]}" if answer[0] == "error" else repr(type(answer[1]))
        text = f"{said} (it can't be sent back from the worker: {type(error).__name__}: {error})"
        content = pickle.dumps(("error", EvaluationError(text)))
    return content


def _pickled(given: Any, what: str) -> bytes:
    try:
        return pickle.dumps(given, protocol=5)
    except Exception as error:
        raise RunError(
            f"{what} can't be sent to worker processes ({type(error).__name__}: {error}): define functions and classes "
            "at the top of a module (no lambdas), or use workers=1."
        ) from error


def _n_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
