"""`together`: several proxies of one model, with passes that they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from netwright.core import registry
from netwright.core.errors import EvaluationError, InvalidInput
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.passes import Need, Proxy, SharedProxy, finite, passes_of
from netwright.evaluators.proxies.undisturbed import draw_from

__all__ = ["THIRTEEN", "Scores", "proxies_from", "together"]

THIRTEEN = (
    *("epe_nas", "fisher", "flops", "grad_norm", "grasp", "jacov", "l2_norm", "nwot", "params", "plain", "snip"),
    *("synflow", "zen"),
)
"""The proxies of NAS-Bench-Suite-Zero, Krishnakumar et al. 2022, https://arxiv.org/abs/2210.03230."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What proxies say of a model.

    Attributes:
        values: by name.
        failed: why there is no value, by name, of those that have none.
    """

    values: Mapping[str, float]
    failed: Mapping[str, str] = field(default_factory=dict)


def proxies_from(given: str | Iterable[str] | Mapping[str, Proxy]) -> dict[str, Proxy]:
    """Proxies by name: from names with commas between them, several names, or objects by names of your own.

    Example:
        >>> list(proxies_from("nwot, synflow"))
        ['nwot', 'synflow']

    Raises:
        NotFound: for an unknown name.
        InvalidInput: if there are none.
    """
    if isinstance(given, Mapping):
        found = dict(given)
    else:
        names = given.split(",") if isinstance(given, str) else list(given)
        found = {name: registry.proxies[name]() for name in (one.strip().replace("-", "_") for one in names)}
    if not found:
        raise InvalidInput("`proxies` must be at least one proxy, but there are none.")
    return found


def together(
    model: nn.Module, batch: ProxyBatch, proxies: str | Iterable[str] | Mapping[str, Proxy] = THIRTEEN
) -> Scores:
    """The scores of a model: one forward pass and one way back serve all proxies that look at them.

    Args:
        model: with fresh weights; it is left as it was.
        batch: what it is tried on.
        proxies: names, or objects by name; those of your own that share nothing are called one by one.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
        >>> batch = ProxyBatch(torch.randn(8, 3), torch.randn(8, 1), nn.functional.mse_loss)
        >>> list(together(model, batch, "params,snip").values)
        ['params', 'snip']
    """
    chosen = proxies_from(proxies)
    shared = {name: one for name, one in chosen.items() if isinstance(one, SharedProxy)}
    values: dict[str, float] = {}
    failed: dict[str, str] = {}

    def note(name: str, proxy: Proxy, score: Callable[..., float], *arguments: Any) -> None:
        try:
            values[name] = finite(proxy, score(*arguments))
        except (EvaluationError, RuntimeError, NotImplementedError) as error:
            failed[name] = " ".join(str(error).split())

    needs: frozenset[Need] = frozenset().union(*(one.needs for one in shared.values()))
    try:
        with passes_of(model, batch, needs) as passes:
            for name, one in shared.items():
                draw_from(batch.seed, model)  # what each draws must not depend on its company
                note(name, one, one.of, passes)
    except (EvaluationError, RuntimeError, NotImplementedError):
        # What all need at once may be more than this model can do: each by itself says what it can't.
        values.clear()
        failed.clear()
        for name, one in shared.items():
            note(name, one, one, model, batch)
    for name, own in chosen.items():
        if name not in shared:
            note(name, own, own, model, batch)
    return Scores({name: values[name] for name in chosen if name in values}, failed)
