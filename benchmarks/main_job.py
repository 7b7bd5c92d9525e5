"""The main job from the shell: `netwright search DATA --budget TIME`; its wall time and its test accuracy.

    python benchmarks/main_job.py [--data digits fashion-mnist "digits, spos"] [--seeds 3] [--journal FILE]
        [--quick] [--json]

Each run is a process of its own in an empty folder; the time is what the shell sees, Python's start and the final
training included. The test part is never seen by the search: 359 of the digits, the official 10,000 of Fashion-MNIST.
Beside it the space's default arch, for how much of the result is the search's: what the search itself measured.
The bars: digits in 60 s: at most 66 s, test accuracy (median of the seeds) at least 0.98; Fashion-MNIST in 10 minutes:
at most 660 s, at least 0.938, and on every seed above `auto-full`, which trains every candidate fully; digits in 2
minutes by a method of weight sharing, `spos` or `enas`: at least 0.975.

With `--journal` a measurement that was broken off goes on: runs that the file has aren't run again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

JOBS = {
    "digits": ("60s", 66.0, 0.98),
    "fashion-mnist": ("10m", 660.0, 0.938),
    "fashion-mnist, auto-full": ("10m", 660.0, 0.930),
    "digits, spos": ("2m", 126.0, 0.975),
    "digits, enas": ("2m", 126.0, 0.975),
}
"""Data (and method, where it isn't `auto`) → the budget and the bars for wall time and accuracy."""


def command() -> str:
    """The command `netwright` of this Python."""
    beside = Path(sys.executable).parent / "netwright"
    found = str(beside) if beside.exists() else shutil.which("netwright")
    if found is None:
        sys.exit("the command `netwright` is not installed: pip install -e . first.")
    return found


def run(data: str, budget: str, seed: int) -> dict[str, Any]:
    """One search; its time and what it says of itself."""
    with tempfile.TemporaryDirectory() as folder:
        name, _, method = data.partition(", ")
        line = [
            command(),
            "search",
            name,
            "--method",
            method or "auto",
            "--budget",
            budget,
            "--seed",
            str(seed),
            "--out",
            "run",
            "--json",
        ]
        start = time.perf_counter()
        done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
        if done.returncode:
            sys.exit(f"{' '.join(line[1:])} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        said = json.loads(done.stdout.strip().splitlines()[-1])
        records = subprocess.run(
            [command(), "show", "run", "--json"], cwd=folder, capture_output=True, text=True, check=True
        )
        # The default arch comes first; where short trainings do, it counts if it was trained fully, too.
        all_records = json.loads(records.stdout)["records"]
        arch = next((r["arch"] for r in all_records if r["id"] == 0), None)
        first = next((r for r in all_records if r["arch"] == arch and r["fidelity"] == 1), None)
    return {
        "data": data,
        "seed": seed,
        "wall_seconds": seconds,
        "test_accuracy": said["test_metrics"]["accuracy"],
        "validation_accuracy": said["metrics"]["accuracy"],
        "default_validation_accuracy": None if first is None else first["metrics"].get("accuracy"),
        "params": said["metrics"].get("params"),
        "candidates": said["counts"],
        "arch": said["arch"],
    }


def known_runs(journal: Path | None) -> dict[tuple[str, int], dict[str, Any]]:
    """The runs that a journal has, by their data (and method) and their seed."""
    lines = journal.read_text(encoding="utf-8").splitlines() if journal is not None and journal.exists() else []
    return {(one["data"], one["seed"]): one for one in map(json.loads, lines)}


def summary(data: str, runs: list[dict[str, Any]], wall_bar: float, accuracy_bar: float) -> dict[str, Any]:
    """Medians over the seeds, against the bars."""
    accuracy = statistics.median(r["test_accuracy"] for r in runs)
    longest = max(r["wall_seconds"] for r in runs)
    return {
        "data": data,
        "seeds": len(runs),
        "test_accuracy_median": accuracy,
        "test_accuracies": [r["test_accuracy"] for r in runs],
        "wall_seconds_longest": longest,
        "met": accuracy >= accuracy_bar and longest <= wall_bar,
        "runs": runs,
    }


def main() -> None:
    """Run, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", nargs="+", choices=list(JOBS), default=list(JOBS))
    parser.add_argument("--seeds", type=int, default=3, help="runs of each job")
    parser.add_argument("--journal", type=Path, help="a file that keeps the runs: what is in it is not run again")
    parser.add_argument("--quick", action="store_true", help="one run of the digits in 15 s, without bars")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    jobs = {"digits": ("15s", 20.0, 0.0)} if options.quick else {name: JOBS[name] for name in options.data}
    print("data           budget  seed   wall s     test  validation  default arch      params")
    journal = None if options.quick else options.journal
    known = known_runs(journal)
    found = {}
    for data, (budget, wall_bar, accuracy_bar) in jobs.items():
        runs = []
        for seed in range(1 if options.quick else options.seeds):
            one = known.get((data, seed))
            if one is None:
                one = run(data, budget, seed)
                if journal is not None:
                    with journal.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(one) + "\n")
            runs.append(one)
            default = one["default_validation_accuracy"]
            print(
                f"{data:<15}{budget:>7}{seed:>6}{one['wall_seconds']:>9.1f}{one['test_accuracy']:>9.4f}"
                f"{one['validation_accuracy']:>12.4f}{'-' if default is None else format(default, '.4f'):>14}"
                f"{one['params'] or 0:>12,.0f}",
                flush=True,
            )
        found[data] = summary(data, runs, wall_bar, accuracy_bar)
        print(
            f"{data:<15} median test accuracy {found[data]['test_accuracy_median']:.4f} (bar {accuracy_bar}), "
            f"longest {found[data]['wall_seconds_longest']:.1f} s (bar {wall_bar:.0f})"
        )
    if {"fashion-mnist", "fashion-mnist, auto-full"} <= found.keys():
        names = ("fashion-mnist", "fashion-mnist, auto-full")
        pairs = zip(*(found[name]["test_accuracies"] for name in names), strict=True)
        found["fashion-mnist"]["seeds_above_full"] = above = sum(auto > full for auto, full in pairs)
        print(f"fashion-mnist: short trainings first are above full training of every candidate on {above} seeds")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
