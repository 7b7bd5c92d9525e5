"""Kill -9 at random moments, resume: are the records those of a search that never stopped?

    python benchmarks/kill_resume.py [--kills 20] [--seeds 1] [--quick] [--json]

Each search runs in a process of its own (inline, a table as evaluator, a run folder) and is killed by SIGKILL at a
random moment; another process goes on with its folder. Its records must be equal, one by one and in order, to those
of a search that was never stopped: everything but the times. The methods take turns. The table has failures, NaN and
arches that break a limit. The bar: all.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netwright import Candidate, Record, Space, choice
from netwright.core import Context, Evaluator
from netwright.core.registry import methods
from netwright.evaluators import Tabular
from netwright.loop import Search
from netwright.runtime import MemoryStore, RunFolder, SqliteStore

METHODS = ("random", "regularized_evolution", "local_search", "grid", "auto")
N_CANDIDATES = 200
SECONDS = 0.003  # of an evaluation: so that a search takes about a second
OPTIONS = {"regularized_evolution": {"population": 20, "tournament": 5}, "auto": {"expected_candidates": 1000}}


def space() -> Space:
    """Five choices of four."""
    return Space({f"c{i}": choice([0, 1, 2, 3]) for i in range(5)})


def table() -> Tabular:
    """Metrics of most of its arches: those that are missing fail."""
    rng = random.Random(0)
    rows: dict[Any, Mapping[str, float]] = {}
    for arch in space().enumerate():
        size, loss, fate = rng.random(), rng.random(), rng.random()
        if fate > 0.95:
            continue
        rows[arch] = {"size": size, "loss": float("nan") if fate > 0.9 else loss}
        if size > 0.9 and fate > 0.5:
            rows[arch] = {"size": size}
    return Tabular(rows)


@dataclass(frozen=True)
class Slowly:
    """An evaluator that takes its time."""

    evaluator: Evaluator
    seconds: float

    def __call__(self, candidate: Candidate, context: Context) -> Mapping[str, float]:
        """What the evaluator gives, later."""
        time.sleep(self.seconds)
        return self.evaluator(candidate, context)


def search(method: str, seed: int, store: SqliteStore | MemoryStore, seconds: float) -> list[Record]:
    """All records of a search."""
    recipe = methods[method](space(), **OPTIONS.get(method, {}))
    running = Search(
        space(), recipe.strategy, Slowly(table(), seconds), constraints="size<=0.9",
        budget=f"{N_CANDIDATES} candidates", store=store, seed=seed,
    )  # fmt: skip
    return list(running.run().records)


def child(folder: str, method: str, seed: int) -> None:
    """What the processes do."""
    with RunFolder(folder) as run:
        print("started", flush=True)
        search(method, seed, run.store, SECONDS)
    print("ended", flush=True)


def process_of(folder: Path, method: str, seed: int) -> subprocess.Popen[str]:
    """A process that searches in this folder, when it has started to."""
    command = [sys.executable, __file__, "--child", str(folder), method, str(seed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline() != "started\n":
        sys.exit(f"the search in {folder} didn't start: see above.")
    return process


def killed_and_resumed(folder: Path, method: str, seed: int, delay: float) -> tuple[int, list[Record]] | None:
    """How many records there were at the kill, and those at the end; None if the search ended before."""
    with process_of(folder, method, seed) as process:
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        if process.stdout.read() == "ended\n":
            return None
    n_before = len(records_in(folder))
    with process_of(folder, method, seed) as process:
        process.wait()
    return n_before, records_in(folder)


def records_in(folder: Path) -> list[Record]:
    """What a run folder holds."""
    store = SqliteStore(folder / "records.sqlite", read_only=True)
    records = list(store)
    store.close()
    return records


def measure(n_kills: int, seeds: int) -> dict[str, Any]:
    """One entry for each kill."""
    kills: list[dict[str, Any]] = []
    for seed in range(seeds):
        rng = random.Random(seed)
        whole = {method: search(method, seed, MemoryStore(), 0.0) for method in METHODS[:n_kills]}
        with tempfile.TemporaryDirectory() as temporary:
            longest = 1.3 * N_CANDIDATES * SECONDS
            while sum(kill["seed"] == seed for kill in kills) < n_kills:
                number = len(kills)
                method = METHODS[number % len(METHODS)]
                folder = Path(temporary) / f"{number}-{rng.random()}"
                found = killed_and_resumed(folder, method, seed, rng.random() * longest)
                if found is None:  # too late: another moment
                    longest *= 0.9
                    continue
                same = found[1] == whole[method]
                kills.append({"seed": seed, "method": method, "records_at_kill": found[0], "same": same})
    n_same = sum(kill["same"] for kill in kills)
    return {"n_records": N_CANDIDATES, "kills": kills, "n_kills": len(kills), "n_same": n_same,
            "met": n_same == len(kills)}  # fmt: skip


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="searches that are killed, for each seed")
    parser.add_argument("--seeds", type=int, default=1, help="seeds of the searches and the moments")
    parser.add_argument("--quick", action="store_true", help="three kills: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    parser.add_argument("--child", nargs=3, metavar=("FOLDER", "METHOD", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], options.child[1], int(options.child[2]))
        return
    found = measure(3 if options.quick else options.kills, options.seeds)
    print(f"{'method':<24}{'seed':>5}{'records at the kill':>22}   records at the end")
    for kill in found["kills"]:
        verdict = "the same" if kill["same"] else "DIFFERENT"
        print(f"{kill['method']:<24}{kill['seed']:>5}{kill['records_at_kill']:>22}   {verdict}")
    print(f"{found['n_same']} of {found['n_kills']} the same as in a search that never stopped (bar: all)")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
