"""Stored scores of zero-cost proxies, and how well they rank trained networks.

Krishnakumar et al. 2022, NAS-Bench-Suite-Zero, https://arxiv.org/abs/2210.03230: thirteen proxies of networks of
NAS-Bench-201 on CIFAR-10. The tables are looked for in the folder of NETWRIGHT_DATA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from netwright.benchmarks.nb201_files import read_columns
from netwright.benchmarks.tables import data_file
from netwright.benchmarks.zoo.nb201 import DECISIONS, the_space
from netwright.core import Arch
from netwright.core.errors import unknown
from netwright.predictors import Pairwise
from netwright.spaces.zoo.nb201 import OPERATIONS

__all__ = ["ACCURACIES", "ProxyTable", "RankRow", "proxy_table", "rank_rows"]

Numbers = npt.NDArray[np.float64]

ACCURACIES = {
    "cifar10-test": "test accuracy on CIFAR-10 (trained on all training images)",
    "cifar10-val": "validation accuracy on CIFAR-10 (trained on one half, mean of the runs there are)",
    "cifar100-val": "validation accuracy on CIFAR-100",
}
"""What proxies are compared with, all after 200 epochs."""

_LOWEST = -1e8  # what the table has where a proxy failed


@dataclass(frozen=True, slots=True, eq=False)
class ProxyTable:
    """Scores and accuracies of the same arches.

    Attributes:
        scores: by proxy, of the arches that have all of them, as they are stored: at most -1e8 where a proxy failed.
        accuracies: by the names of `ACCURACIES`.
        arches: in the order of the values.
    """

    scores: Mapping[str, Numbers]
    accuracies: Mapping[str, Numbers]
    arches: tuple[Arch, ...]

    def __len__(self) -> int:
        return len(self.arches)

    def features(self) -> Numbers:
        """Encodings of the arches: decisions, and pairs of them."""
        return Pairwise()(the_space(), self.arches)

    def aggregated(self, *, smooth: bool = True) -> Numbers:
        """The label-free aggregate of the scores (see `netwright.evaluators.proxies.Aggregate`).

        Args:
            smooth: whether encodings are given to it, so that noise is smoothed away.
        """
        return _aggregated(self, smooth)


@lru_cache(maxsize=2)
def _aggregated(table: ProxyTable, smooth: bool) -> Numbers:
    from netwright.evaluators.proxies.aggregate import Aggregate

    found = {name: np.where(values > _LOWEST, values, -np.inf) for name, values in table.scores.items()}
    return Aggregate()(found, table.features() if smooth else None)


@lru_cache(maxsize=1)
def proxy_table() -> ProxyTable:
    """The table of the thirteen proxies.

    Raises:
        DataError: if its files aren't there.
    """
    with np.load(data_file("nb201_zerocost_cifar10.npz")) as file:
        names, scores = [str(name) for name in file["proxies"]], file["scores"].astype(np.float64)
    columns = read_columns(data_file("nb201.npz"))
    rows = np.flatnonzero(~np.isnan(scores).any(1))
    accuracies = {
        "cifar10-test": columns["test_acc_200ep_cifar10"],
        "cifar10-val": _mean(columns["val_acc_200ep_seeds_cifar10"]),
        "cifar100-val": _mean(columns["val_acc_200ep_seeds_cifar100"]),
    }
    arches = tuple(
        Arch(dict(zip(DECISIONS, map(OPERATIONS.__getitem__, codes), strict=True)))
        for codes in columns["ops"][rows].tolist()
    )
    return ProxyTable(
        {name: scores[rows, place] for place, name in enumerate(names)},
        {name: values[rows].astype(np.float64) for name, values in accuracies.items()},
        arches,
    )


def _mean(runs: npt.NDArray[np.floating]) -> Numbers:
    known = np.isfinite(runs)
    total: Numbers = np.where(known, runs, 0.0).sum(1) / np.maximum(known.sum(1), 1)
    return total


@dataclass(frozen=True, slots=True)
class RankRow:
    """How well one score ranks networks.

    Attributes:
        name: the proxy.
        kendall, spearman: rank correlations with the accuracy.
        failed: arches for which the proxy failed; they count as its lowest.
    """

    name: str
    kendall: float
    spearman: float
    failed: int = 0


def rank_rows(table: ProxyTable, accuracy: str = "cifar10-test") -> list[RankRow]:
    """All proxies and their aggregates, the best Kendall's tau first.

    Args:
        table: scores and accuracies.
        accuracy: which one.

    Raises:
        NotFound: if there is no such accuracy.
    """
    from scipy.stats import kendalltau, spearmanr

    if accuracy not in table.accuracies:
        raise unknown("accuracy", accuracy, table.accuracies)
    truth = table.accuracies[accuracy]
    scores = {
        **table.scores,
        "aggregate": table.aggregated(),
        "aggregate, not smoothed": table.aggregated(smooth=False),
    }
    rows = [
        RankRow(
            name,
            float(kendalltau(values, truth)[0]),
            float(spearmanr(values, truth)[0]),
            int((values <= _LOWEST).sum()),
        )
        for name, values in scores.items()
    ]
    return sorted(rows, key=lambda row: -row.kendall)
