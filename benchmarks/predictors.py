"""How well predictors order all of NAS-Bench-201 after a few of its arches, and how long that takes.

    python benchmarks/predictors.py [--seeds 10] [--only "gp" ...] [--quick] [--json]

Each predictor learns the mean validation accuracy on CIFAR-10 after 200 epochs from 32, 128 and 1,024 random arches,
and guesses it for all 15,625. What counts is Kendall's tau between guesses and truth, in the mean over draws of the
arches to learn from; all predictors learn from the same ones. No predictor sees a proxy, but for the rows "with
proxies", which see the stored scores of six zero-cost proxies (NAS-Bench-Suite-Zero) of all arches that have them.

Seconds are those of learning from 1,024 arches and guessing all, once for a space that was never seen before (it is
enumerated and encoded), and in the median of all seeds where it is known.

The bars, for the best predictor without proxies: tau of at least 0.47, 0.65 and 0.82, in less than 10 seconds; for the
best one with proxies 0.64, 0.72 and 0.83. The row to compare with is plain ridge regression on the one-hot encoding.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from functools import lru_cache
from typing import Any

import numpy as np

from netwright.benchmarks.stored_proxies import StoredProxies
from netwright.core.protocols import SearchSpace
from netwright.core.registry import benchmarks, spaces
from netwright.predictors import (
    Canonical,
    GaussianProcess,
    GradientBoosting,
    GraphFeatures,
    GraphNetwork,
    Joined,
    MlpEnsemble,
    OneHot,
    Pairwise,
    Paths,
    Predictor,
    RandomForest,
    Ridge,
    whole_space,
)
from netwright.predictors.proxies import Proxies, with_proxies

BARS = {32: 0.47, 128: 0.65, 1024: 0.82}
BARS_WITH_PROXIES = {32: 0.64, 128: 0.72, 1024: 0.83}
SECONDS = 10.0
WITH_PROXIES = " with proxies"
PROXIES = Proxies(StoredProxies(), samples=20_000)  # judged by all of the space: they are stored


@lru_cache(maxsize=1)
def the_table() -> Any:
    """NAS-Bench-201, CIFAR-10."""
    return benchmarks["nb201_cifar10"]().evaluator.table  # type: ignore[attr-defined]  # of a `Lookup`


GRAPH = Joined((Paths(skips=False), GraphFeatures(depth=1)))
PREDICTORS: dict[str, Predictor] = {
    "ridge one-hot": Ridge(OneHot()),
    "ridge one-hot, canonical": Ridge(Canonical(OneHot())),
    "ridge pairwise": Ridge(Pairwise()),
    "ridge paths": Ridge(Paths()),
    "ridge paths without skips": Ridge(Paths(skips=False)),
    "ridge graph features": Ridge(GraphFeatures(depth=1)),
    "ridge": Ridge(),
    "ridge with proxies": with_proxies(Ridge(), PROXIES),
    "random forest one-hot": RandomForest(OneHot()),
    "random forest": RandomForest(),
    "boosting one-hot": GradientBoosting(OneHot()),
    "boosting": GradientBoosting(),
    "boosting with proxies": with_proxies(GradientBoosting(), PROXIES),
    "perceptrons one-hot": MlpEnsemble(OneHot()),
    "perceptrons paths": MlpEnsemble(Paths()),
    "perceptrons": MlpEnsemble(),
    "perceptrons graph": MlpEnsemble(GRAPH),
    "graph network": GraphNetwork(),
    "graph network, order": GraphNetwork(learns="order"),
    "gp": GaussianProcess(),
    "gp with proxies": GaussianProcess(proxies=PROXIES),
}


def learned_seconds(predictor: Predictor, space: SearchSpace, losses: Any, seed: int, n: int) -> tuple[float, float]:
    """Kendall's tau over the whole space, and the seconds that learning and guessing took."""
    from scipy.stats import kendalltau

    chosen = np.random.default_rng(seed).choice(len(losses), n, replace=False)
    start = time.perf_counter()
    whole = whole_space(space)
    assert whole is not None, "nb201 is small"
    fitted = predictor.fit(space, [whole.arches[i] for i in chosen], losses[chosen], np.random.default_rng(seed))
    mean, _ = fitted.predict(whole.arches)
    seconds = time.perf_counter() - start
    return float(kendalltau(mean, losses).statistic), seconds


def measure(name: str, space: SearchSpace, losses: Any, seeds: int) -> dict[str, Any]:
    """All figures of one predictor, over seeds."""
    predictor = PREDICTORS[name]
    largest = max(BARS)
    _, cold = learned_seconds(predictor, spaces["nb201"](), losses, 0, largest)
    found: dict[str, Any] = {"seeds": seeds, "cold_seconds": cold}
    for n in BARS:
        runs = [learned_seconds(predictor, space, losses, seed, n) for seed in range(seeds)]
        taus = [tau for tau, _ in runs]
        found[f"tau_{n}"] = statistics.mean(taus)
        found[f"tau_{n}_spread"] = statistics.stdev(taus) if seeds > 1 else 0.0
        found[f"seconds_{n}"] = statistics.median(seconds for _, seconds in runs)
    found["met"] = cold < SECONDS and all(found[f"tau_{n}"] >= bar for n, bar in bars_of(name).items())
    return found


def bars_of(name: str) -> dict[int, float]:
    """Those of predictors with proxies, or without."""
    return BARS_WITH_PROXIES if name.endswith(WITH_PROXIES) else BARS


def best_of(results: dict[str, Any]) -> str:
    """The predictor that is farthest above its bars, by the number where it is the least."""
    return max(results, key=lambda name: min(results[name][f"tau_{n}"] - bar for n, bar in bars_of(name).items()))


def show(name: str, found: dict[str, Any]) -> None:
    """One line of the table."""
    taus = "".join(f"{found[f'tau_{n}']:>9.3f} ± {found[f'tau_{n}_spread']:.3f}" for n in BARS)
    met = "yes" if found["met"] else "no"
    print(f"{name:<28}{taus}{found['cold_seconds']:>9.2f}{found[f'seconds_{max(BARS)}']:>9.2f}   {met}", flush=True)


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="draws of the arches to learn from")
    parser.add_argument("--only", nargs="+", choices=list(PREDICTORS), default=list(PREDICTORS), help="which to run")
    parser.add_argument("--quick", action="store_true", help="one seed: to see that it works")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    options = parser.parse_args()
    seeds = 1 if options.quick else options.seeds

    space = spaces["nb201"]()
    whole = whole_space(space)
    assert whole is not None, "nb201 is small"
    losses = np.array([-the_table().metrics(arch)["val_accuracy"] for arch in whole.arches])

    heads = "".join(f"{f'tau at {n}':>17}" for n in BARS)
    print(f"{'predictor':<28}{heads}{'new, s':>9}{'known, s':>9}   bars met")
    results = {}
    for name in options.only:
        results[name] = measure(name, space, losses, seeds)
        show(name, results[name])
    groups = {
        "without proxies": {name: found for name, found in results.items() if not name.endswith(WITH_PROXIES)},
        "with proxies": {name: found for name, found in results.items() if name.endswith(WITH_PROXIES)},
    }
    best = {group: best_of(found) for group, found in groups.items() if found}
    print()
    for group, name in best.items():
        figures = ", ".join(f"{results[name][f'tau_{n}']:.3f} (bar {bar})" for n, bar in bars_of(name).items())
        print(f"best {group}: {name}: {figures}; {results[name]['cold_seconds']:.1f} s (bar {SECONDS:g})")
    if options.json:
        found = {
            "predictors": results,
            "best": best.get("without proxies"),
            "best_with_proxies": best.get("with proxies"),
        }
        print(json.dumps({**found, "met": all(results[name]["met"] for name in best.values())}))


if __name__ == "__main__":
    main()
