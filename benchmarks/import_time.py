"""How long `import netwright` takes on top of numpy, and how long `netwright --help` takes from the shell.

    python benchmarks/import_time.py [--repeats 15] [--json]

Each repeat starts one fresh process of each kind, in turn, so that a busy machine slows all of them alike; medians are
compared. The bars: 0.1 s on top of numpy, without torch; 0.4 s for the help.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HEAVY = ["torch", "sklearn", "scipy", "pandas", "plotly", "rich", "typer"]
IMPORT_BAR_SECONDS = 0.1
HELP_BAR_SECONDS = 0.4


def wall_seconds(command: list[str]) -> float:
    """The time that a command takes, from start to end."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def imported(statement: str) -> list[str]:
    """The heavy packages that a fresh process has imported after a statement."""
    code = f"{statement}\nimport sys\nprint([name for name in {HEAVY} if name in sys.modules])"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return list(json.loads(output.splitlines()[-1].replace("'", '"')))


def measure(repeats: int) -> dict[str, Any]:
    """Medians in seconds, and what was imported."""
    beside = Path(sys.executable).parent / "netwright"
    netwright = str(beside) if beside.exists() else shutil.which("netwright")
    if netwright is None:
        sys.exit("the command `netwright` is not installed: pip install -e . first.")
    commands = {
        "python": [sys.executable, "-c", "pass"],
        "numpy": [sys.executable, "-c", "import numpy"],
        "netwright": [sys.executable, "-c", "import numpy, netwright"],
        "help": [netwright, "--help"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for name, command in commands.items():
        wall_seconds(command)  # once for the file cache and the bytecode
        times[name].clear()
    for _ in range(repeats):
        for name, command in commands.items():
            times[name].append(wall_seconds(command))
    median = {name: statistics.median(values) for name, values in times.items()}
    # Differences of the same repeat: what one slow moment adds, it adds to both.
    on_top = statistics.median(a - b for a, b in zip(times["netwright"], times["numpy"], strict=True))
    heavy = imported("import netwright")
    return {
        "python_seconds": median["python"],
        "numpy_seconds": median["numpy"],
        "netwright_seconds": median["netwright"],
        "on_top_of_numpy_seconds": on_top,
        "help_seconds": median["help"],
        "heavy_imports": heavy,
        "met": on_top <= IMPORT_BAR_SECONDS and median["help"] <= HELP_BAR_SECONDS and "torch" not in heavy,
    }


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=15, help="processes of each kind")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    found = measure(options.repeats)
    rows = [
        ("python -c pass", "python_seconds", ""),
        ("import numpy", "numpy_seconds", ""),
        ("import numpy, netwright", "netwright_seconds", ""),
        ("netwright on top of numpy", "on_top_of_numpy_seconds", f"bar: {IMPORT_BAR_SECONDS}"),
        ("netwright --help", "help_seconds", f"bar: {HELP_BAR_SECONDS}"),
    ]
    for title, key, bar in rows:
        print(f"{title:<28}{found[key]:>8.3f} s   {bar}".rstrip())
    print(f"{'heavy packages imported':<28}{', '.join(found['heavy_imports']) or 'none':>10}")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
