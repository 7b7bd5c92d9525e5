"""`ProcessPool`: evaluations in worker processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future
from concurrent.futures import TimeoutError as CallTimeout
from concurrent.futures import wait as wait_for_futures
from pathlib import Path
from typing import Any

from netwright.core.errors import EvaluationError, InvalidInput, RunError
from netwright.core.protocols import PendingResult

__all__ = ["ProcessPool"]

_functions: dict[str, Callable[..., Any]] = {}  # in a worker: what it has been sent, by file


class ProcessPool:
    """Worker processes that take over when one dies or hangs (by pebble).

    The called function, with all the data that it holds, is sent to each worker once; after that only the arguments
    travel. Workers are started fresh (not forked: torch's threads don't survive that), so a script that uses several
    workers needs `if __name__ == "__main__":` around its start.

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
            raise InvalidInput(f"`workers` must be at least 1, but got {workers!r}.")
        self._workers = workers
        self._threads = threads or max(1, (os.cpu_count() or 1) // workers)
        self._pool: Any = None
        self._sent: dict[int, tuple[Callable[..., Any], str]] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def workers(self) -> int:
        """How many processes."""
        return self._workers

    def submit(self, fn: Callable[..., Any], /, *args: Any, timeout: float | None = None) -> PendingResult:
        """Run `fn(*args)` in a worker; it is ended after `timeout` seconds.

        Raises:
            RunError: if `fn` can't be sent to another process.
        """
        if self._pool is None:
            self._start()
        file = self._send(fn)
        future: Future[Any] = self._pool.schedule(_call, args=[file, args], timeout=timeout)
        return _Result(future, timeout)

    def wait(self, pending: Iterable[PendingResult], timeout: float | None = None) -> list[PendingResult]:
        """Block until a call is done; those that are, in the order of their submission."""
        calls = list(pending)
        wait_for_futures(
            [call.future for call in calls if isinstance(call, _Result)], timeout, return_when=FIRST_COMPLETED
        )
        return [call for call in calls if call.done()]

    def close(self) -> None:
        """End all workers, whatever they are doing."""
        if self._pool is not None:
            self._pool.stop()
            self._pool.join()
            self._pool = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self._sent.clear()

    def _start(self) -> None:
        if multiprocessing.current_process().name != "MainProcess" and multiprocessing.parent_process() is not None:
            raise RunError(
                "a worker process tried to start workers of its own: put the start of the search under "
                '`if __name__ == "__main__":`, so that workers can import your script without running it.'
            )
        from pebble import ProcessPool as Pool

        self._folder = tempfile.TemporaryDirectory(prefix="netwright-")
        context = multiprocessing.get_context("spawn")
        self._pool = Pool(max_workers=self._workers, initializer=_prepare, initargs=[self._threads], context=context)

    def _send(self, fn: Callable[..., Any]) -> str:
        """The file that holds a function; written when it is first seen."""
        known = self._sent.get(id(fn))
        if known is not None:
            return known[1]
        try:
            content = pickle.dumps(fn, protocol=5)
        except Exception as error:
            self.close()
            raise RunError(
                f"the evaluator can't be sent to worker processes ({type(error).__name__}: {error}): define its "
                "functions and classes at the top of a module (no lambdas), or use workers=1."
            ) from error
        if self._folder is None:
            raise RunError("the pool is closed.")
        file = Path(self._folder.name) / f"{len(self._sent)}.pickle"
        file.write_bytes(content)
        self._sent[id(fn)] = (fn, str(file))  # keeps fn alive, so that its id stays its own
        return str(file)


class _Result:
    """A future whose failures say what happened to the worker."""

    __slots__ = ("future", "limit")

    def __init__(self, future: Future[Any], limit: float | None) -> None:
        self.future = future
        self.limit = limit

    def done(self) -> bool:
        """Whether `result` returns at once."""
        return self.future.done()

    def result(self, timeout: float | None = None) -> Any:
        """What the call returned; an `EvaluationError` if the worker died or was ended."""
        from pebble import ProcessExpired

        try:
            return self.future.result(timeout)
        except ProcessExpired as error:
            code = error.exitcode
            hint = " (killed: out of memory?)" if code == -9 else ""
            raise EvaluationError(f"the worker process died with exit code {code}{hint}") from None
        except (CallTimeout, TimeoutError):
            limit = "its limit" if self.limit is None else f"{self.limit:.0f} seconds"
            raise EvaluationError(f"ended from outside after {limit}: time-out") from None


def _prepare(threads: int) -> None:
    """In a new worker: share the cores out before any library counts them, and leave Ctrl-C to the main process."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)


def _call(file: str, args: tuple[Any, ...]) -> Any:
    fn = _functions.get(file)
    if fn is None:
        fn = pickle.loads(Path(file).read_bytes())  # noqa: S301  # written by our own main process
        _functions.clear()
        _functions[file] = fn
    return fn(*args)
