"""`MeCo`: whether the channels of feature maps differ from each other.

Jiang et al. 2023, https://proceedings.neurips.cc/paper_files/paper/2023/hash/bfa815ac6f08f4ada34fe22be054f2b9-Abstract-Conference.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from netwright.core.errors import EvaluationError
from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.correlations import correlations
from netwright.evaluators.proxies.features import channels_last_of
from netwright.evaluators.proxies.passes import Need, Passes, measured

__all__ = ["MeCo"]

_FEWEST = 2  # positions, or examples, over which channels can correlate


@dataclass(frozen=True, slots=True)
class MeCo:
    """The least eigenvalue of the correlations between channels, summed over layers (Jiang et al. 2023, NeurIPS).

    For one random input; correlations that aren't defined count as zero. Higher is better. As in the paper for feature
    maps. The authors' code counts what contains layers as well as layers, and layers without channels; here the outputs
    of layers count, and where a layer has no positions (a table, the network's head), correlations are over the
    examples of a random batch.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
        >>> batch = ProxyBatch(torch.randn(8, 1, 6, 6), torch.randn(8, 2), nn.functional.mse_loss)
        >>> _ = model(batch.inputs)
        >>> MeCo()(model, batch) > 0
        True
    """

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        model, inputs = passes.model, passes.batch.inputs
        noise = torch.Generator().manual_seed(passes.batch.seed)
        found: list[float] = []

        def note(_: nn.Module, __: Any, output: Any) -> None:
            first = output[0] if isinstance(output, tuple) and output else output
            if isinstance(first, torch.Tensor) and first.is_floating_point() and first.dim() >= 2:
                channels = channels_last_of(model, first)
                rows = channels[0] if channels.dim() > 2 else channels  # (positions or examples, channels)
                rows = rows.reshape(-1, rows.shape[-1])
                if len(rows) >= _FEWEST and rows.shape[1] > 1:
                    found.append(float(torch.linalg.eigvalsh(correlations(rows.T).nan_to_num(0.0))[0]))

        if inputs.is_floating_point():
            inputs = torch.randn(inputs.shape, generator=noise, dtype=inputs.dtype).to(inputs)
        hooks = [
            module.register_forward_hook(note) for module in model.modules() if next(module.children(), None) is None
        ]
        try:
            with torch.no_grad():
                model(inputs.clone())
        finally:
            for hook in hooks:
                hook.remove()
        if not found:
            raise EvaluationError("MeCo compares the channels of layers, but found no layer with several channels.")
        return sum(found)


proxies.add("meco", MeCo)
