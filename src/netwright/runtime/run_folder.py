"""`RunFolder`: everything that one search leaves on disk, in one folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from netwright.core.errors import InvalidInput, RunError
from netwright.runtime.sqlite_store import SqliteStore

__all__ = ["RunFolder"]


class RunFolder:
    """A folder with `run.json` (what was asked for), `records.sqlite` (the journal) and `checkpoints`.

    One process at a time may write to it; a lock is let go when its process ends, however it ends.

    Args:
        path: the folder; made if it isn't there.
        read_only: take no lock; for looking at a run, also while it goes on.

    Raises:
        RunError: if another process is using the folder, or there is no run to read.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        if not isinstance(path, (str, os.PathLike)):
            raise InvalidInput(f"the folder of a run must be a path, but got {path!r}.")
        self.path = Path(path)
        self.read_only = read_only
        self._lock: Any = None
        if read_only:
            if not (self.path / "run.json").exists():
                raise RunError(f"there is no run in {self.path}: its run.json is missing.")
        else:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise RunError(f"the folder {self.path} can't be made: {error.strerror or error}.") from error
            self._acquire()
        try:
            self.store = SqliteStore(self.path / "records.sqlite", read_only=read_only)
        except BaseException:
            self._release()
            raise

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints, made when first asked for."""
        folder = self.path / "checkpoints"
        if not self.read_only:
            folder.mkdir(exist_ok=True)
        return folder

    @property
    def header(self) -> dict[str, Any]:
        """What `run.json` says; empty for a new run.

        Raises:
            RunError: if it is damaged.
        """
        file = self.path / "run.json"
        if not file.exists():
            return {}
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise RunError(f"{file} is damaged ({error}): restore it, or start a new run in another folder.") from error
        if not isinstance(content, dict):
            raise RunError(f"{file} must hold a JSON object: restore it, or start a new run in another folder.")
        return content

    def write_header(self, header: dict[str, Any]) -> None:
        """Replace `run.json`, at once or not at all."""
        self.write_text("run.json", json.dumps(header, indent=2, sort_keys=True) + "\n")

    def write_text(self, name: str, text: str) -> Path:
        """Write a file of the run, at once or not at all.

        Raises:
            RunError: if the run was opened for reading only, or the file can't be written.
        """
        if self.read_only:
            raise RunError(f"the run in {self.path} was opened for reading only.")
        target = self.path / name
        partial = target.with_name(f"{name}.partial")
        try:
            partial.write_text(text, encoding="utf-8")
            partial.replace(target)
        except OSError as error:
            raise RunError(f"{target} can't be written: {error.strerror or error}.") from error
        return target

    def _acquire(self) -> None:
        try:
            file = (self.path / "lock").open("a+", encoding="utf-8")  # held as long as the run
        except OSError as error:
            raise RunError(f"the folder {self.path} can't be written to: {error.strerror or error}.") from error
        try:
            if os.name == "nt":  # pragma: no cover
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # Windows only
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            if not isinstance(error, (BlockingIOError, PermissionError)):
                raise RunError(f"the folder {self.path} can't be locked: {error.strerror or error}.") from error
            raise RunError(
                f"another search is using the run in {self.path}: wait for it, or choose another folder."
            ) from error
        self._lock = file

    def close(self) -> None:
        """Close the store and let go of the lock."""
        self.store.close()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
