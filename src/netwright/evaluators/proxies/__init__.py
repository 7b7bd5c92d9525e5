"""Zero-cost proxies: scores of an untrained model from one batch. One file each; higher is better, by convention."""

from netwright.evaluators.proxies.aggregate import AZ_NAS, Aggregate
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.evaluator import ProxyScores
from netwright.evaluators.proxies.passes import Passes, Proxy, SharedProxy
from netwright.evaluators.proxies.searching import Ranked, best_by_proxies
from netwright.evaluators.proxies.together import THIRTEEN, Scores, proxies_from, together

__all__ = [
    "AZ_NAS",
    "THIRTEEN",
    "Aggregate",
    "Passes",
    "Proxy",
    "ProxyBatch",
    "ProxyScores",
    "Ranked",
    "Scores",
    "SharedProxy",
    "best_by_proxies",
    "proxies_from",
    "together",
]
