"""`netwright search` and `netwright resume`: run a search, show how it goes, say what came of it."""

from __future__ import annotations

import contextlib
import itertools
import re
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.cli.given import kind_of_task, known_names, whole_number
from netwright.cli.output import complain, json_text, stdout_for_the_end
from netwright.core import Budget, constraints_from, objectives_from, registry
from netwright.core.errors import RunError

if TYPE_CHECKING:
    from netwright.automl import Progress, Result

__all__ = ["resume", "search"]


def search(
    data: str,
    *,
    space: str,
    method: str,
    budget: str,
    objectives: Sequence[str] | None,
    constraints: Sequence[str] | None,
    workers: str,
    seed: str,
    out: str | None,
    target: str | None,
    kind: str | None,
    stop: str | None,
    inherit: bool,
    device: str,
    download: bool,
    as_json: bool,
    quiet: bool,
    started: float,
) -> int:
    """Search for a network for the data, and train the best one.

    Whatever can be checked without torch is checked first: a mistyped name is answered at once.

    Returns:
        The exit code: 0; 1 where no network could be trained; 130 after Ctrl-C.
    """
    limit = Budget.of(budget)
    n_workers = whole_number("--workers", workers, least=1)
    seed_number = whole_number("--seed", seed, least=0)
    wanted = objectives_from(",".join(objectives)) if objectives else None
    limits = constraints_from(",".join(constraints)) if constraints else None
    task_kind = kind_of_task(kind)
    known_names(data=data, space=space, method=method)
    with _folder_of(data, out) as folder:

        def call(progress: Progress) -> Result:
            from netwright import automl

            if download and data in registry.tasks:
                registry.tasks[data](seed=seed_number, download=True)  # from now on it is on this machine
            return automl.search(
                space,
                data,
                method=method,
                budget=limit,
                objectives=wanted,
                constraints=limits,
                workers=n_workers,
                out=folder,
                seed=seed_number,
                device=device,
                target=target,
                kind=task_kind,
                stop=stop,
                inherit=inherit,
                progress=progress,
                started=started,
            )

        return _shown(call, folder, budget=limit, began=started, as_json=as_json, quiet=quiet)


def resume(folder: str, *, budget: str | None, as_json: bool, quiet: bool, started: float) -> int:
    """Go on with the search of a folder.

    Returns:
        The exit code, as for `search`.
    """
    limit = None if budget is None else Budget.of(budget)
    spent = _spent_seconds(Path(folder))

    def call(progress: Progress) -> Result:
        from netwright import automl

        return automl.resume(folder, budget=limit, progress=progress, started=started)

    return _shown(call, Path(folder), budget=limit, began=started - spent, as_json=as_json, quiet=quiet)


@contextlib.contextmanager
def _folder_of(data: str, out: str | None) -> Iterator[Path]:
    """The run folder; one of our own naming goes again if no run has come into it."""
    if out is not None:
        yield Path(out)
        return
    folder = _new_folder(data if data in registry.tasks else Path(data).expanduser().resolve().stem)
    try:
        yield folder
    finally:
        if not (folder / "run.json").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _new_folder(name: str) -> Path:
    """`runs/NAME`, or the first of `runs/NAME-2`, `runs/NAME-3`, … that isn't there; made here, so that it is ours."""
    name = re.sub(r"[^\w.-]+", "_", name).strip(".") or "data"
    for number in itertools.count(1):
        folder = Path("runs") / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(f"the folder {folder} can't be made: {error.strerror}. Choose one with --out.") from error
        return folder
    raise AssertionError  # there is always a next number


def _spent_seconds(folder: Path) -> float:
    """What a run has used of its budget so far.

    Raises:
        RunError: if there is no run.
    """
    from netwright.runtime import RunFolder

    with RunFolder(folder, read_only=True) as run:
        return max((record.elapsed_seconds for record in run.store), default=0.0)


def _shown(
    call: Callable[[Progress], Result],
    folder: Path,
    *,
    budget: Budget | None,
    began: float,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run a search with what the user wants to see of it."""
    try:
        with contextlib.ExitStack() as stack:
            if as_json:
                stack.enter_context(stdout_for_the_end())
            progress = None
            if not as_json and not quiet and sys.stdout.isatty():
                from rich.console import Console

                from netwright.cli.live_view import LiveView

                # Before torch is imported, which takes a while.
                progress = stack.enter_context(LiveView(Console(), budget=budget, started=began))
            from netwright.automl import Quiet

            result = call(progress or Quiet())
    except KeyboardInterrupt:
        kept = (folder / "run.json").exists()
        go_on = f"the run is kept: `netwright resume {shlex.quote(str(folder))}` goes on."
        complain(f"stopped; {go_on if kept else 'nothing was evaluated yet.'}", kind="")
        return 130
    print(json_text(_facts(result)) if as_json else result.summary())
    return 0 if result.best is not None and result.best.model is not None else 1


def _facts(result: Result) -> dict[str, Any]:
    """The result for programs."""
    best, final, facts = result.best, result.final, result.facts
    folder = result.folder
    return {
        "arch": None if best is None else dict(best.arch),
        "metrics": {} if best is None else dict(best.record.metrics),
        "test_metrics": {} if best is None else dict(best.metrics),
        "data": facts["name"],
        "space": facts["space"]["name"],
        "method": facts["method"]["name"],
        "budget": facts["budget"],
        "seed": facts["seed"],
        "counts": dict(Counter(record.status for record in result.history.records)),
        "stopped_by": result.stopped_by,
        "seconds": round(result.seconds, 3),
        "folder": None if folder is None else str(folder),
        "files": [] if folder is None else [str(folder / name) for name in final.get("files", ())],
        "warnings": list(final.get("warnings", ())),
    }
