"""The stored proxies of NAS-Bench-Suite-Zero, and the label-free aggregate, against accuracies of NAS-Bench-201.

    python benchmarks/proxies_rank.py [--seeds 20] [--subset 200] [--nb101 0] [--quick] [--json]

Kendall's tau and Spearman's correlation over the arches that have all thirteen scores: what `netwright bench proxies`
shows, and whether scipy says the same on the same arrays, read here in another way. The aggregate is then made anew
on random subsets of a few hundred arches, as a search would see, and compared with its parts there: on CIFAR-10 and
on CIFAR-100. With `--nb101 N` our own scores of N random cells of NAS-Bench-101 (32 channels instead of 128, 64 images)
are compared with their validation accuracies too: another space, which had no part in anything; a cell takes seconds.
The bar: tau of the aggregate of at least .75 with CIFAR-10's
test accuracy over all arches.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any

import numpy as np
from scipy.stats import kendalltau, spearmanr

from netwright.benchmarks.proxy_scores import ProxyTable, proxy_table, rank_rows
from netwright.benchmarks.tables import data_file
from netwright.cli.output import json_text
from netwright.core.errors import NetwrightError

BAR = 0.75


def shown() -> dict[str, Any]:
    """What the command line says."""
    command = [sys.executable, "-m", "netwright", "bench", "proxies", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def largest_difference(said: dict[str, Any]) -> float:
    """Between what the command line says of the thirteen, and scipy on the stored arrays."""
    with np.load(data_file("nb201_zerocost_cifar10.npz")) as file:
        names, scores = list(map(str, file["proxies"])), file["scores"].astype(np.float64)
    with np.load(data_file("nb201.npz")) as file:
        truth = file["test_acc_200ep_cifar10"].astype(np.float64)
    there = ~np.isnan(scores).any(1)
    rows = {row["name"]: row for row in said["accuracies"]["cifar10-test"]}
    differences = []
    for place, name in enumerate(names):
        kendall = float(kendalltau(scores[there, place], truth[there])[0])
        spearman = float(spearmanr(scores[there, place], truth[there])[0])
        differences += [abs(kendall - rows[name]["kendall"]), abs(spearman - rows[name]["spearman"])]
    return max(differences)


def on_subsets(table: ProxyTable, size: int, seeds: int) -> dict[str, dict[str, float]]:
    """Mean tau of the aggregate and of its parts on random subsets, by accuracy."""
    found: dict[str, dict[str, float]] = {}
    for accuracy in table.accuracies:
        taus: dict[str, list[float]] = {}
        for seed in range(seeds):
            rows = np.random.default_rng((seed, size)).permutation(len(table))[:size]
            part = ProxyTable(
                {name: values[rows] for name, values in table.scores.items()},
                {accuracy: table.accuracies[accuracy][rows]},
                tuple(table.arches[row] for row in rows),
            )
            for row in rank_rows(part, accuracy):
                taus.setdefault(row.name, []).append(row.kendall)
        found[accuracy] = {name: float(np.mean(values)) for name, values in taus.items()}
    return found


def on_nb101(n: int) -> dict[str, float]:
    """Tau of our own scores of random cells, which are computed here, and of the aggregate."""
    import torch
    from proxies_agree import batch_of  # the script beside this one

    from netwright.core.registry import benchmarks
    from netwright.evaluators.proxies import Aggregate, together
    from netwright.models import build
    from netwright.predictors import Pairwise
    from netwright.spaces.zoo.nb101 import nb101

    table = benchmarks["nb101-20k-cifar10"]().evaluator.table
    rows = np.random.default_rng(0).permutation(len(table))[:n]
    arches = [table.arches[row] for row in rows]
    space, batch, found = nb101(channels=32), batch_of(64, 0), []
    for place, arch in enumerate(arches):
        model = build(space, arch, input_shape=(3, 32, 32), n_outputs=10, seed=place)
        model = model.to(memory_format=torch.channels_last)
        found.append(together(model, batch, "params,flops,jacov,epe_nas,nwot,synflow").values)
        print(f"\r{place + 1} of {n} cells", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    truth = table.values("val_accuracy")[rows]
    scores = {name: np.array([one.get(name, np.nan) for one in found]) for name in found[0]}
    scores["aggregate"] = Aggregate()(scores, Pairwise(600)(space, arches))
    return {name: float(kendalltau(values, truth, nan_policy="omit")[0]) for name, values in scores.items()}


def main() -> None:
    """Measure, print tables and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20, help="random subsets")
    parser.add_argument("--subset", type=int, default=200, help="arches in each")
    parser.add_argument("--nb101", type=int, default=0, help="cells of NAS-Bench-101 that are scored")
    parser.add_argument("--quick", action="store_true", help="two subsets: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    try:
        said = shown()
        difference = largest_difference(said)
        subsets = on_subsets(proxy_table(), options.subset, 2 if options.quick else options.seeds)
        elsewhere = on_nb101(options.nb101) if options.nb101 and not options.quick else {}
    except NetwrightError as error:
        sys.exit(f"error: {error}")
    print(f"{said['arches']:,} arches; the largest difference from scipy is {difference:.2g}")
    print(f"{'':<26}{'Kendall':>9}{'Spearman':>10}{f'on {options.subset}':>9}")
    for row in said["accuracies"]["cifar10-test"]:
        few = subsets["cifar10-test"][row["name"]]
        print(f"{row['name']:<26}{row['kendall']:>9.4f}{row['spearman']:>10.4f}{few:>9.4f}")
    aggregate = {
        accuracy: next(row for row in rows if row["name"] == "aggregate")
        for accuracy, rows in said["accuracies"].items()
    }
    for accuracy, row in aggregate.items():
        best = max((name for name in subsets[accuracy] if "aggregate" not in name), key=subsets[accuracy].get)
        print(
            f"{accuracy}: the aggregate's tau is {row['kendall']:.4f}; on {options.subset} arches "
            f"{subsets[accuracy]['aggregate']:.4f}, the best single proxy ({best}) {subsets[accuracy][best]:.4f}"
        )
    if elsewhere:
        print("NAS-Bench-101: " + ", ".join(f"{name} {value:.3f}" for name, value in elsewhere.items()))
    tau = aggregate["cifar10-test"]["kendall"]
    print(f"bar {BAR}: {'met' if tau >= BAR else 'not met'}")
    if options.json:
        print(json_text({
            "arches": said["arches"], "difference": difference, "tau": tau, "bar": BAR, "met": tau >= BAR,
            "aggregate": {accuracy: row["kendall"] for accuracy, row in aggregate.items()},
            "proxies": said["accuracies"]["cifar10-test"], "subset": options.subset, "subsets": subsets,
            "nb101": elsewhere,
        }))  # fmt: skip


if __name__ == "__main__":
    main()
