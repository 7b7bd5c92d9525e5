"""All thirteen proxies of an arch in shared passes, against thirteen plain implementations that each build a model.

    python benchmarks/proxies_speed.py [--arches 8] [--seeds 1] [--batch 64] [--threads 2] [--quick] [--json]

Arches are random ones of NAS-Bench-201 (16 channels, 5 cells), images are 32x32. The plain implementations are written
as in the papers' code: each builds its own model, takes the whole gradient by `backward`, and looks at layers by hooks.
Ours is what `ProxyScores` does: one model, `together`, images with channels last in memory. Both are timed on the same
arches in turns, so that a busy machine slows both. Since part of the gain is the memory's layout, the plain
implementations are also timed with channels last. The bar: at least twice as fast as the plain ones.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from netwright import Arch
from netwright.cli.output import json_text
from netwright.evaluators.proxies import THIRTEEN, ProxyBatch, together
from netwright.models import build, cost_of
from netwright.spaces.zoo.nb201 import nb201

BAR = 2.0
SPACE = nb201()


def fresh(arch: Arch, *, channels_last: bool) -> nn.Module:
    """A model of the arch."""
    model = build(SPACE, arch, input_shape=(3, 32, 32), n_outputs=10)
    return model.to(memory_format=torch.channels_last) if channels_last else model


def layers_of(model: nn.Module) -> list[nn.Module]:
    """Those that all scores look at."""
    return [module for module in model.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]


def trained(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> list[nn.Module]:
    """Layers with the loss' gradient."""
    functional.cross_entropy(model(x), y).backward()
    return layers_of(model)


def plain_gradients(score: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[..., float]:
    """A score that sums over layers what is made of weight and gradient."""

    def of(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
        found = trained(model, x, y)
        return sum(score(one.weight.detach(), one.weight.grad).item() for one in found if one.weight.grad is not None)

    return of


def plain_fisher(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """By hooks on every layer."""
    kept: list[tuple[nn.Module, torch.Tensor]] = []

    def note(module: nn.Module, _: Any, output: torch.Tensor) -> None:
        output.retain_grad()
        kept.append((module, output))

    for layer in layers_of(model):
        layer.register_forward_hook(note)
    trained(model, x, y)
    total = 0.0
    for layer, out in kept:
        if out.grad is not None:
            product = out.detach() * out.grad
            summed = product.flatten(2).sum(2) if out.dim() > 2 else product
            total += 0.5 * float(summed.square().mean(0).sum()) * layer.weight[0].numel()
    return total


def plain_grasp(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Two gradients, the second one once more."""
    weights = [one.weight for one in layers_of(model)]
    first = torch.autograd.grad(functional.cross_entropy(model(x), y), weights, allow_unused=True)
    second = torch.autograd.grad(functional.cross_entropy(model(x), y), weights, create_graph=True, allow_unused=True)
    parts = [(one * other).sum() for one, other in zip(first, second, strict=True) if one is not None]
    torch.stack(parts).sum().backward()
    return -sum((one.detach() * one.grad).sum().item() for one in weights if one.grad is not None)


def jacobian(model: nn.Module, x: torch.Tensor) -> Any:
    """The gradient of all outputs' sum, by `backward`."""
    inputs = x.clone().requires_grad_()
    outputs = model(inputs)
    outputs.backward(torch.ones_like(outputs))
    assert inputs.grad is not None
    return inputs.grad.flatten(1).numpy()


def plain_jacov(model: nn.Module, x: torch.Tensor, _: torch.Tensor) -> float:
    """The authors' eigenvalues."""
    values = np.linalg.eigvals(np.corrcoef(jacobian(model, x))).real + 1e-5
    return -float(np.sum(np.log(np.abs(values)) + 1 / values))


def plain_epe_nas(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Class by class."""
    rows, labels = jacobian(model, x), y.numpy()
    return float(sum(abs(np.log(np.abs(np.corrcoef(rows[labels == one])) + 1e-5).sum()) for one in np.unique(labels)))


def plain_nwot(model: nn.Module, x: torch.Tensor, _: torch.Tensor) -> float:
    """Both products of the patterns; ReLU is looked at before the layers that call it."""
    total = np.zeros((len(x), len(x)))

    def note(__: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        nonlocal total
        code = (given[0].flatten(1) > 0).float()
        total = total + (code @ code.T).numpy() + ((1 - code) @ (1 - code.T)).numpy()

    for module in model.modules():
        if type(module).__name__ in ("ReLUConvNorm", "ReLU"):
            module.register_forward_pre_hook(note)
    with torch.no_grad():
        model(x)
    return float(np.linalg.slogdet(total)[1])


def plain_synflow(model: nn.Module, x: torch.Tensor, _: torch.Tensor) -> float:
    """In double precision, without normalisation."""
    model.double()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.forward = lambda given: given
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()
    model(torch.ones_like(x[:1]).double()).sum().backward()
    seen = [one.weight for one in layers_of(model) if one.weight.grad is not None]
    return float(np.log(sum((weight * weight.grad).abs().sum().item() for weight in seen)))


def plain_zen(model: nn.Module, x: torch.Tensor, _: torch.Tensor) -> float:
    """Two forward passes with normal weights."""
    features: list[torch.Tensor] = []
    with torch.no_grad():
        for layer in layers_of(model):
            nn.init.normal_(layer.weight)
        next(one for one in model.modules() if type(one).__name__ == "GlobalAveragePool").register_forward_pre_hook(
            lambda __, given: features.append(given[0])
        )
        first = torch.randn_like(x)
        model(first)
        model(first + 0.01 * torch.randn_like(x))
    change = (features[0] - features[1]).abs().sum(dim=(1, 2, 3)).mean().log()
    scales = [one.running_var.mean().sqrt().log() for one in model.modules() if isinstance(one, nn.BatchNorm2d)]
    return float(change + torch.stack(scales).sum())


PLAIN: dict[str, Callable[[nn.Module, torch.Tensor, torch.Tensor], float]] = {
    "epe_nas": plain_epe_nas,
    "fisher": plain_fisher,
    "flops": lambda model, x, _: cost_of(model, tuple(x.shape[1:]))["flops"],
    "grad_norm": plain_gradients(lambda _, gradient: gradient.norm()),
    "grasp": plain_grasp,
    "jacov": plain_jacov,
    "l2_norm": lambda model, _, __: sum(one.weight.detach().norm().item() for one in layers_of(model)),
    "nwot": plain_nwot,
    "params": lambda model, _, __: float(sum(one.numel() for one in model.parameters())),
    "plain": plain_gradients(lambda weight, gradient: (weight * gradient).sum()),
    "snip": plain_gradients(lambda weight, gradient: (weight * gradient).abs().sum()),
    "synflow": plain_synflow,
    "zen": plain_zen,
}


def timed_plain(arch: Arch, x: torch.Tensor, y: torch.Tensor, *, channels_last: bool) -> tuple[float, dict[str, float]]:
    """Seconds of all thirteen, and their scores."""
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    start = time.perf_counter()
    found = {name: PLAIN[name](fresh(arch, channels_last=channels_last), x, y) for name in THIRTEEN}
    return time.perf_counter() - start, found


def timed_ours(arch: Arch, x: torch.Tensor, y: torch.Tensor) -> tuple[float, dict[str, float]]:
    """Seconds of one model and shared passes, and the scores."""
    x = x.contiguous(memory_format=torch.channels_last)
    start = time.perf_counter()
    scores = together(fresh(arch, channels_last=True), ProxyBatch(x, y, functional.cross_entropy))
    return time.perf_counter() - start, dict(scores.values)


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--arches", type=int, default=8, help="random networks of each seed")
    parser.add_argument("--seeds", type=int, default=1, help="draws of networks")
    parser.add_argument("--batch", type=int, default=64, help="images")
    parser.add_argument("--threads", type=int, default=2, help="threads of the processor")
    parser.add_argument("--quick", action="store_true", help="one network and eight images: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    n_arches, n_images, n_seeds = (1, 8, 1) if options.quick else (options.arches, options.batch, options.seeds)
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(n_images, 3, 32, 32, generator=generator), torch.arange(n_images) % 10
    arches = [
        SPACE.sample(np.random.default_rng((seed, place))) for seed in range(n_seeds) for place in range(n_arches)
    ]
    timed_ours(arches[0], x, y)  # what is set up once
    rows: list[dict[str, float]] = []
    differences: dict[str, float] = {}
    for place, arch in enumerate(arches):
        plain, theirs = timed_plain(arch, x, y, channels_last=False)
        plain_last, _ = timed_plain(arch, x, y, channels_last=True)
        ours, scores = timed_ours(arch, x, y)
        rows.append({"plain": plain, "plain_channels_last": plain_last, "ours": ours})
        for name in THIRTEEN:
            if name not in ("zen", "grasp", "plain") and name in scores and name not in ("flops", "params"):
                gap = abs(scores[name] - theirs[name]) / max(abs(theirs[name]), 1e-9)
                differences[name] = max(differences.get(name, 0.0), gap)
        print(f"\r{place + 1} of {len(arches)} arches", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    seconds = {name: statistics.mean(row[name] for row in rows) for name in rows[0]}
    ratio, ratio_last = (seconds[name] / seconds["ours"] for name in ("plain", "plain_channels_last"))
    print(f"{len(arches)} networks, {n_images} images, {options.threads} thread(s): seconds a network")
    print(f"  thirteen plain implementations    {seconds['plain']:.2f}")
    print(f"  the same with channels last       {seconds['plain_channels_last']:.2f}")
    print(f"  together                          {seconds['ours']:.2f}")
    print(f"ratio {ratio:.2f} (with channels last {ratio_last:.2f}); the bar is {BAR:g}")
    name = max(differences, key=lambda name: differences[name])
    print(f"largest relative difference of scores: {differences[name]:.2g} ({name})")
    if options.json:
        print(json_text({
            "arches": len(arches), "batch": n_images, "threads": options.threads, "seconds": seconds, "ratio": ratio,
            "ratio_channels_last": ratio_last, "bar": BAR, "met": ratio >= BAR, "differences": differences,
        }))  # fmt: skip


if __name__ == "__main__":
    main()
