"""What the three scores of AZ-NAS look at: features of blocks with random weights and random inputs.

Lee & Ham 2024, AZ-NAS, https://arxiv.org/abs/2403.19232.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from netwright.core.errors import EvaluationError
from netwright.evaluators.proxies.features import block_features, channels_last_of
from netwright.evaluators.proxies.passes import Passes

__all__ = ["RandomBlocks", "random_blocks"]

_SMALL = 1e-8  # the authors'


@dataclass(frozen=True, slots=True, eq=False)
class RandomBlocks:
    """What is known of the blocks.

    Attributes:
        entropies: of each block's features: how evenly they use all directions of their space.
        gains: for each two blocks that follow each other, the largest singular value of what one passes back to the
            other; infinite for a block that passes on what it gets.
    """

    entropies: tuple[float, ...]
    gains: tuple[float, ...]


def random_blocks(passes: Passes) -> RandomBlocks:
    """Measured once for all proxies that ask.

    Weights are drawn as He et al. 2015 do (normal, by the inputs of a unit), biases are zero, inputs are normal.

    Raises:
        EvaluationError: if the model has fewer than two blocks, or its inputs are whole numbers.
    """
    known = passes.shared.get("random_blocks")
    if known is None:
        known = passes.shared["random_blocks"] = _measured(passes)
    found: RandomBlocks = known
    return found


def _measured(passes: Passes) -> RandomBlocks:
    model, inputs = passes.model, passes.batch.inputs
    if not inputs.is_floating_point():
        raise EvaluationError(f"random inputs are needed, but these are whole numbers ({inputs.dtype}).")
    noise = torch.Generator().manual_seed(passes.batch.seed)
    tensors: dict[str, torch.Tensor] = {}
    for name, one in model.named_parameters():
        if one.dim() >= 2:
            scale = (2 / one[0].numel()) ** 0.5
            tensors[name] = torch.randn(one.shape, generator=noise, dtype=one.dtype).mul_(scale).to(one)
        else:
            tensors[name] = torch.zeros_like(one) if name.endswith("bias") else one.detach()
    drawn = torch.randn(inputs.shape, generator=noise, dtype=inputs.dtype).to(inputs).requires_grad_()
    features = block_features(model, tensors, drawn * 1)
    entropies = [_entropy(channels_last_of(model, one.detach())) for one in features]
    gains = []
    for place in reversed(range(1, len(features))):
        gain = _gain(passes, features[place], features[place - 1], noise)
        if gain is not None:
            gains.append(gain)
    return RandomBlocks(tuple(entropies), tuple(gains))


def _entropy(features: torch.Tensor) -> float:
    rows = features.reshape(-1, features.shape[-1])
    rows = rows - rows.mean(0, keepdim=True)
    values = torch.linalg.eigvalsh((rows.T @ rows / len(rows)).double()).clamp(min=0)
    shares = values / values.sum()
    return float((-shares * (shares + _SMALL).log()).sum())


def _gain(passes: Passes, later: torch.Tensor, earlier: torch.Tensor, noise: torch.Generator) -> float | None:
    if later is earlier or not later.requires_grad:
        return float("inf")
    signs = torch.randint(0, 2, later.shape, generator=noise).mul_(2).sub_(1).to(later)
    back = torch.autograd.grad(later, earlier, signs, retain_graph=True, allow_unused=True)[0]
    if back is None:
        return 0.0
    if back.shape == signs.shape and torch.equal(back, signs):
        return float("inf")
    if back.shape[2:] != signs.shape[2:] and back.dim() == 4:
        step = back.shape[2] // max(1, signs.shape[2])
        if step < 1 or any(a != step * b for a, b in zip(back.shape[2:], signs.shape[2:], strict=True)):
            return None
        back = torch.nn.functional.pixel_unshuffle(back, step)
    given, got = (channels_last_of(passes.model, one) for one in (signs, back))
    if given.shape[:-1] != got.shape[:-1]:
        return None
    given, got = (one.reshape(-1, one.shape[-1]) for one in (given, got))
    return float(torch.linalg.matrix_norm(got.T @ given / len(given), 2))
