"""The README's table of measured figures, made from the results that are kept in benchmarks/results.

    python benchmarks/main_job.py --json | tail -1 > benchmarks/results/main_job.json
    python tools/results_table.py            # print the table
    python tools/results_table.py --write    # put it into README.md

Each file is the JSON object that the script of its name prints as its last line. `machine.txt`, if it is there, says in
one line where they were measured. A script without results has rows that say so.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
BEGIN, END = "<!-- results: written by tools/results_table.py -->", "<!-- end of results -->"
MISSING = "not measured yet"

Found = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: is measured.
        script: in `benchmarks`, without its ending.
        value: the figure as text, from the script's JSON object; None where that holds no such figure.
        bar: what it shall be.
    """

    what: str
    script: str
    value: Callable[[Found], str | None]
    bar: str = ""


def _job(data: str) -> Callable[[Found], str | None]:
    def value(found: Found) -> str | None:
        if data not in found:
            return None
        job = found[data]
        return (
            f"{100 * job['test_accuracy_median']:.2f} % (median of {job['seeds']} seeds), "
            f"at most {job['wall_seconds_longest']:.1f} s"
        )

    return value


def _loop(where: str) -> Callable[[Found], str]:
    def value(found: Found) -> str:
        costs = found["costs"]
        return f"{costs[f'random, {where}']['median_ms']:.3f} / {costs[f'evolution, {where}']['median_ms']:.3f} ms"

    return value


def _optuna(found: Found) -> str | None:
    cost = found["costs"].get("optuna random, memory")
    return None if cost is None else f"{cost['median_ms']:.3f} ms, {found['optuna_against_ours']:.1f} times ours"


def _growth(found: Found) -> str:
    return f"{max(entry['growth'] for entry in found['growth'].values()):.2f} times at most"


def _speed(found: Found) -> str:
    return (
        f"{found['ratio']:.2f} times ({found['evaluator_images_per_second']:,.0f} against "
        f"{found['plain_images_per_second']:,.0f} images/s, {found['precision']})"
    )


def _lines(found: Found) -> str:
    others = [f"{found['plain_loop_lines']} with torch alone"]
    others += [f"{name} {n}" for name, n in found["published_lines"].items() if name != "plain loop"]
    return f"{found['netwright_lines']} ({', '.join(others)})"


def _controllers(found: Found) -> str:
    reinforce, ppo = (found["methods"][name]["met"] for name in ("reinforce", "ppo"))
    return f"{100 * reinforce:.1f} / {100 * ppo:.1f} % of {found['seeds']} seeds"


def _queries(method: str) -> Callable[[Found], str | None]:
    def value(found: Found) -> str | None:
        one = found["methods"].get(method)
        return None if one is None else f"{one['optimum_median']:g} (median of {one['seeds']} seeds)"

    return value


def _near(found: Found) -> str | None:
    one = found["methods"].get("bayesian_optimisation")
    return None if one is None else f"{one['near_median']:g}; {100 * one['share_by_200']:.0f} %"


def _with_proxies(found: Found) -> str | None:
    one = found["methods"].get("proxies")
    return None if one is None else f"{one['optimum_median']:g}; {one['near_median']:g}"


def _proposal(found: Found) -> str:
    costs = found["costs"]
    names = ("bayesian_optimisation", "regularized_evolution", "random")
    ours = " / ".join(f"{costs[name]['median_ms']:.2g}" for name in names)
    peers = [
        f"{name.partition('.')[2]} {cost['median_ms']:.3g}" for name, cost in costs.items() if name[:7] == "optuna."
    ]
    return f"{ours} ms (Optuna's {', '.join(peers)} ms)"


def _agreement(found: Found) -> str:
    rows = found["proxies"]
    free = {name: row["spearman"] for name, row in rows.items() if row["bar"] > 0.9}
    data = {name: row["spearman"] for name, row in rows.items() if name not in free}
    return "; ".join(", ".join(f"{name} {rho:.3f}" for name, rho in part.items()) for part in (free, data))


def _tau(found: Found) -> str:
    return f"{found['tau']:.3f} (CIFAR-100, validation: {found['aggregate']['cifar100-val']:.3f})"


def _proxy_speed(found: Found) -> str:
    return f"{found['ratio']:.1f} times ({found['ratio_channels_last']:.1f})"


def _distinct(found: Found) -> str:
    whole = [one["distinct"] == one["candidates"] for one in found["repeats"].values()]
    pairs = sum(one["pairs"] for one in found["conditional"].values() if one)
    return f"{sum(whole)} of {len(whole)} methods; {pairs} pairs"


def _learning(found: Found) -> str:
    whole = [name for name, one in found["learning"].items() if one["learned"] == one["seeds"]]
    return f"{len(whole)} of {len(found['learning'])} methods on every seed"


def _ranking(found: Found) -> str:
    taus = {row: one["tau"] for row, one in found["rows"].items()}
    names = ("whole", "whole, own statistics", "few-shot, own statistics")
    return f"{' / '.join(f'{taus[name]:.2f}' for name in names)} ({found['arches']} arches, {found['seeds']} seeds)"


def _front(found: Found) -> str:
    methods = found["problems"]["arches"]["methods"]
    ours, random = (100 * methods[name]["share_mean"] for name in ("nsga2", "random"))
    return f"{ours:.1f} against {random:.1f} %: {methods['nsga2']['times_random']:.1f} times ({found['seeds']} seeds)"


def _predictors(found: Found) -> str:
    return _taus(found, found["best"])


def _predictors_with_proxies(found: Found) -> str | None:
    name = found.get("best_with_proxies")
    return _taus(found, name) if name else None


def _taus(found: Found, name: str) -> str:
    best = found["predictors"][name]
    taus = " / ".join(f"{best[f'tau_{n}']:.2f}" for n in (32, 128, 1024))
    return f"{taus}, {best['cold_seconds']:.1f} s ({name})"


def _nb101(found: Found) -> str:
    ranks = {name: row["mean_rank"] for name, row in found["methods"].items()}
    others = {"random": "random", "regularized_evolution": "evolution", "optuna_tpe": "Optuna's TPE"}
    told = [f"{ranks[name]:.2f} {said}" for name, said in others.items() if name in ranks]
    return f"{ranks['auto']:.2f} ({', '.join(told)}; {found['seeds']} seeds)"


def _curves(found: Found) -> str:
    rules = found["rules"]
    others = {"median": "median rule", "last_value": "last value"}
    told = [f"{said} {100 * rules[name]['saved']:.0f} %" for name, said in others.items() if name in rules]
    own = rules["extrapolation"]
    return f"{100 * own['saved']:.0f} % ({', '.join(told)}); nothing lost in {100 * own['kept']:.1f} %"


def _inherited(found: Found) -> str:
    told = []
    for name, facts in found["data"].items():
        own, *others = (100 * facts["methods"][key]["test"] for key in ("inherit", "scratch", "scratch, longer"))
        told.append(f"{name} {own:.2f} ({' / '.join(f'{other:.2f}' for other in others)}) %")
    return "; ".join(told)


def _multi_fidelity(found: Found) -> str:
    gains = {(row["method"], row["table"]): row["times_less"] for row in found["rows"]}
    tables = list(dict.fromkeys(row["table"] for row in found["rows"]))
    said = [f"{gains['asha', table]:.1f} / {gains['bohb', table]:.1f} ({table})" for table in tables]
    return ", ".join(said).replace("_", "-")


def _collapse(found: Found) -> str:
    rows = found["methods"]
    best = max((name for name in rows if name != "darts"), key=lambda name: rows[name]["accuracy"])
    return (
        f"{100 * rows['darts']['accuracy']:.2f} % with {rows['darts']['free']:.1f} of 6 edges without weights / "
        f"{100 * found['random_median']:.2f} % / {100 * rows[best]['accuracy']:.2f} % ({best.replace('_', '-')})"
    )


ROWS = (
    Row("`netwright search digits --budget 60s`: test accuracy, wall time", "main_job", _job("digits"), "98 %, 66 s"),
    Row(
        "`netwright search fashion-mnist --budget 10m`: test accuracy, wall time",
        "main_job",
        _job("fashion-mnist"),
        "93.8 %, 660 s",
    ),
    Row(
        "`--method spos --budget 2m` on the digits: test accuracy, wall time",
        "main_job",
        _job("digits, spos"),
        "97.5 %",
    ),
    Row(
        "`--method enas --budget 2m` on the digits: test accuracy, wall time",
        "main_job",
        _job("digits, enas"),
        "97.5 %",
    ),
    Row("training, against a plain loop with `DataLoader` in float32", "training_throughput", _speed, "2 times"),
    Row(
        "its accuracy against the plain loop's, after 3 epochs",
        "training_throughput",
        lambda found: f"{100 * found['accuracy_difference']:+.2f} points",
        "-0.3 points",
    ),
    Row(
        "weight sharing: largest relative difference between a path and its standalone model, all layers and spaces",
        "supernet_law",
        lambda found: f"{found['largest']:.0e} ({len(found['spaces'])} spaces)",
        "1e-5",
    ),
    Row(
        "a supernet's ranking of NAS-Bench-201's cells on Fashion-MNIST, Kendall's tau with standalone training: "
        "mixed statistics / own statistics / few-shot",
        "supernet_ranking",
        _ranking,
        "0.5",
    ),
    Row(
        "hypervolume of an elastic supernet's front on Fashion-MNIST, against random search with standalone training",
        "elastic_front",
        lambda found: f"{found['ratio']:.2f} times ({found['points']} points)",
        "above 1; 8 points",
    ),
    Row(
        "first-order DARTS / a random path a step, images/s against loops written by hand; memory of a path's step "
        "against its own network's",
        "supernet_speed",
        lambda found: (
            f"{found['darts']['ratio']:.2f} / {found['path']['ratio']:.2f} times "
            f"({found['darts']['ratio_channels_last']:.2f} / {found['path']['ratio_channels_last']:.2f} where those "
            f"are channels-last); {found['memory']['ratio']:.2f} times"
        ),
        "1.3 / 1.0; 1.3 times",
    ),
    Row(
        "DARTS drifts to operations without weights on NAS-Bench-201's cells, others don't: test accuracy of DARTS / "
        "the median random cell / the best answer",
        "darts_collapse",
        _collapse,
        "below; above",
    ),
    Row(
        "arches that DARTS / GDAS / PC-DARTS / DrNAS / SPOS / ENAS end with on Fashion-MNIST, looked up in "
        "NAS-Bench-201: CIFAR-10 test accuracy",
        "derived_arches",
        lambda found: (
            " / ".join(f"{row['test_accuracy']:.1f}" for row in found["methods"].values())
            + f" % (median random cell {found['random_median']:.1f} %)"
        ),
    ),
    Row(
        "published cells as built: numbers of parameters that equal the papers', in their rounding",
        "genotype_parameters",
        lambda found: f"{found['agree']} of {found['published']}",
        "all; others [explained](docs/guides/cell-spaces.md)",
    ),
    Row("the loop, a candidate: random search / evolution, in memory", "loop_overhead", _loop("memory"), "0.03 ms"),
    Row("the same with the SQLite journal", "loop_overhead", _loop("sqlite"), "0.3 ms"),
    Row("Optuna's random sampler in the same run, in memory", "loop_overhead", _optuna),
    Row("cost of a candidate at 20,000 records, against the first thousand", "loop_overhead", _growth, "under 2 times"),
    Row(
        "`import netwright` on top of numpy",
        "import_time",
        lambda found: f"{1000 * found['on_top_of_numpy_seconds']:.0f} ms",
        "100 ms, no torch",
    ),
    Row("`netwright --help`", "import_time", lambda found: f"{1000 * found['help_seconds']:.0f} ms", "400 ms"),
    Row(
        "killed at random moments and resumed: same records as never stopped",
        "kill_resume",
        lambda found: f"{found['n_same']} of {found['n_kills']}",
        "all",
    ),
    Row("lines of code for the tutorial's search", "tutorial_lines", _lines, "6"),
    Row(
        "2 workers on 2 cores, `cnn` on the digits: speed-up over 1 worker with 1 thread / with 2 threads",
        "workers_speedup",
        lambda found: f"{found['speedup_over_one_thread']:.2f} / {found['speedup_over_two_threads']:.2f} times",
    ),
    Row(
        "`reinforce` / `ppo`, 1,000 queries of NAS-Bench-201: learned, and beat random or tied at the optimum",
        "controller_learns",
        _controllers,
        "95 % of seeds",
    ),
    Row(
        "20,000 evaluations of evolution by 1,000 simulated workers: real time",
        "simulated_cluster",
        lambda found: f"{found['real_seconds']:.1f} s",
        "30 s",
    ),
    Row(
        "queries to the optimum of NAS-Bench-201: Bayesian optimisation",
        "nb201_queries",
        _queries("bayesian_optimisation"),
        "30",
    ),
    Row("the same to within 0.3 points; share of seeds at the optimum by 200", "nb201_queries", _near, "15; 100 %"),
    Row(
        "queries to the optimum of NAS-Bench-201: Bayesian optimisation, CIFAR-100",
        "nb201_queries",
        _queries("bayesian_optimisation_cifar100"),
        "40",
    ),
    Row(
        "with zero-cost proxies as a prior (CIFAR-10): to the optimum; to within 0.3 points",
        "nb201_queries",
        _with_proxies,
        "20; 8",
    ),
    Row("queries to the optimum of NAS-Bench-201: local search", "nb201_queries", _queries("local_search"), "65"),
    Row(
        "queries to the optimum of NAS-Bench-201: regularized evolution",
        "nb201_queries",
        _queries("regularized_evolution"),
        "150",
    ),
    Row(
        "a proposal at 300 records: Bayesian optimisation / evolution / random search",
        "proposal_cost",
        _proposal,
        "20 / 0.03 / 0.03 ms",
    ),
    Row(
        "1,000 different networks in 1,000 candidates; two arches of one network in a conditional space",
        "proposal_cost",
        _distinct,
        "all; 0 pairs",
    ),
    Row(
        "candidates 201 to 300 better than 1 to 100, none proposed twice",
        "proposal_cost",
        _learning,
        "all with a model",
    ),
    Row(
        "share of the true Pareto front (error, latency) of NAS-Bench-201 after 500 candidates: NSGA-II against random",
        "pareto_front",
        _front,
        "5 times",
    ),
    Row(
        "the best predictor after 32 / 128 / 1,024 cells of NAS-Bench-201: Kendall's τ over all; learning and guessing",
        "predictors",
        _predictors,
        ".47 / .65 / .82, 10 s",
    ),
    Row(
        "the same with the scores of zero-cost proxies",
        "predictors",
        _predictors_with_proxies,
        ".64 / .72 / .83, 10 s",
    ),
    Row(
        "zero-cost proxies of 300 networks of NAS-Bench-201 against the stored ones: Spearman (data-free; with data)",
        "proxies_agree",
        _agreement,
        ".99; .9",
    ),
    Row(
        "a ranking of NAS-Bench-201 without labels: Kendall's τ with CIFAR-10's test accuracy",
        "proxies_rank",
        _tau,
        ".75",
    ),
    Row(
        "all thirteen proxies of a network, against thirteen plain implementations (the same memory layout)",
        "proxies_speed",
        _proxy_speed,
        "2 times",
    ),
    Row(
        "ASHA / BOHB, NAS-Bench-101 and -201: simulated time to what 100 random full trainings reach, times less",
        "multi_fidelity",
        _multi_fidelity,
        "5 times on each",
    ),
    Row("`auto` after 150 queries of NAS-Bench-101: mean rank among four methods", "nb101_ranking", _nb101, "the best"),
    Row(
        "epochs saved by learning-curve extrapolation on NAS-Bench-NLP; searches that lose nothing",
        "learning_curves",
        _curves,
        "60 %, more than others; 99 %",
    ),
    Row(
        "evolution with inherited weights (from scratch / longer from scratch) at equal time: test accuracy",
        "weight_inheritance",
        _inherited,
        "higher",
    ),
)


def results(folder: Path = RESULTS) -> dict[str, Found]:
    """The JSON objects by script."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def table(found: Mapping[str, Found], machine: str = "") -> str:
    """The table as Markdown."""
    lines = ["| what | measured | bar | script |", "|---|---|---|---|"]
    for row in ROWS:
        value = row.value(found[row.script]) if row.script in found else None
        lines.append(f"| {row.what} | {value or MISSING} | {row.bar} | [{row.script}](benchmarks/{row.script}.py) |")
    return "\n".join([*lines, *(["", f"Measured on {machine}."] if machine else [])])


def machine(folder: Path = RESULTS) -> str:
    """Where it was measured."""
    file = folder / "machine.txt"
    return file.read_text(encoding="utf-8").strip().rstrip(".") if file.exists() else ""


def with_table(text: str, new: str) -> str:
    """A page with its table replaced.

    Raises:
        ValueError: if the page has no place for it.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs a line {BEGIN!r} and after it a line {END!r}.")
    return f"{head}{BEGIN}\n\n{new}\n\n{END}{tail}"


def main() -> None:
    """Print the table, or write it into the README."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    new = table(results(), machine())
    if not options.write:
        print(new)
        return
    readme = ROOT / "README.md"
    before = readme.read_text(encoding="utf-8")
    after = with_table(before, new)
    readme.write_text(after, encoding="utf-8")
    print("README.md is as it was." if after == before else "README.md has the new table.", file=sys.stderr)


if __name__ == "__main__":
    main()
