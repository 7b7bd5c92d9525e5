"""Our proxies against the stored scores of NAS-Bench-Suite-Zero, on random networks of NAS-Bench-201.

    python benchmarks/proxies_agree.py [--arches 300] [--seeds 1] [--again 60] [--batch 64] [--journal FILE] [--quick]
        [--json]

Each arch is built with 16 channels and 5 cells in a stage; the thirteen proxies score it with one batch of CIFAR-10
images, other images and other weights than theirs. Shown is Spearman's correlation with the stored scores over the
arches that have them. Where a proxy has no value (a network without a way from input to output), the arch is left out
for this proxy and counted. `grasp`, whose second derivative takes longer than all the rest, is measured on every fourth
network. The tables are looked for in the folder of NETWRIGHT_DATA, or in ../shared/data beside the
repository. Networks train faster with channels last in memory, and are scored like that.

Some scores hang on the draw of weights and images so much that even the same code doesn't agree with itself. So the
first arches (`--again`) are scored once more with other weights, and a batch of its own for each: as theirs, whose
loader is asked anew for each arch. No agreement with theirs can be expected to be much higher than this one.

The bars: at least .99 for params, flops, synflow, zen and l2_norm, at least .9 for those that see data.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from netwright import Arch
from netwright.benchmarks.tables import data_file
from netwright.cli.output import json_text
from netwright.core.errors import NetwrightError
from netwright.evaluators.proxies import THIRTEEN, ProxyBatch, together
from netwright.models import build
from netwright.spaces.zoo.nb201 import EDGES, OPERATIONS, nb201

EXACT = ("params", "flops", "synflow", "zen", "l2_norm")
GRASP_EVERY = 4
AGAIN = 100_000  # the seed of a second draw, which differs from all of the first
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of CIFAR-10's training images


@lru_cache(maxsize=1)
def images_of() -> tuple[Any, Any, Any]:
    """Bytes, where each image begins, and labels."""
    with np.load(data_file("cifar10_jpeg_test.npz")) as file:
        return file["data"], file["offsets"], file["labels"]


def batch_of(n: int, seed: int) -> ProxyBatch:
    """CIFAR-10 images, drawn at random."""
    from PIL import Image

    data, offsets, labels = images_of()
    rows = np.random.default_rng((seed, 1)).permutation(len(labels))[:n]
    images = [Image.open(io.BytesIO(data[offsets[i] : offsets[i + 1]].tobytes())) for i in rows]
    pixels = np.stack([np.asarray(image, dtype=np.float32) for image in images]) / 255
    inputs = torch.from_numpy(((pixels - MEAN) / STD).astype(np.float32)).permute(0, 3, 1, 2)  # channels last in memory
    targets = torch.from_numpy(labels[rows].astype(np.int64))
    return ProxyBatch(inputs, targets, torch.nn.functional.cross_entropy, seed)


def one_batch(n: int, seed: int) -> Callable[[int], ProxyBatch]:
    """The same images for every arch."""
    batch = batch_of(n, seed)
    return lambda _: batch


def batches(n: int, seed: int) -> Callable[[int], ProxyBatch]:
    """Other images for each arch."""
    return lambda place: batch_of(n, seed + place)


def arches_of(n: int, seed: int) -> tuple[list[int], list[Arch], Any]:
    """Rows of the table that have scores, drawn at random; their arches and stored scores (n, 13)."""
    with np.load(data_file("nb201_zerocost_cifar10.npz")) as file:
        scores = file["scores"].astype(np.float64)
        order = [list(map(str, file["proxies"])).index(name) for name in THIRTEEN]
    with np.load(data_file("nb201.npz")) as file:
        operations = file["ops"].astype(int)
    there = np.flatnonzero(np.isfinite(scores[:, order]).sum(1) >= len(THIRTEEN) - 1)
    rows = np.random.default_rng((seed, 2)).permutation(there)[:n]
    names = [f"cell.{target}<-{source}" for target, source in EDGES]
    arches = [Arch({name: OPERATIONS[code] for name, code in zip(names, operations[row], strict=True)}) for row in rows]
    return rows.tolist(), arches, scores[rows][:, order]


def scored(
    rows: list[int], arches: list[Arch], batch_for: Callable[[int], ProxyBatch], seed: int, journal: Path | None
) -> list[dict[str, float]]:
    """Our scores of each arch; those in the journal are not computed again."""
    known: dict[int, dict[str, float]] = {}
    n_images = len(batch_for(0))
    if journal is not None and journal.exists():
        for line in journal.read_text().splitlines():
            entry = json.loads(line)
            if entry["seed"] == seed and entry["batch"] == n_images:
                known[entry["row"]] = entry["scores"]
    space = nb201()
    for place, (row, arch) in enumerate(zip(rows, arches[: len(rows)], strict=True)):
        if row not in known:
            model = build(space, arch, input_shape=(3, 32, 32), n_outputs=10, seed=100_000 * seed + place)
            model = model.to(memory_format=torch.channels_last)
            chosen = [name for name in THIRTEEN if name != "grasp" or place % GRASP_EVERY == 0]
            batch = batch_for(place)
            known[row] = dict(together(model, batch, chosen).values)
            if journal is not None:
                with journal.open("a") as file:
                    entry = {"seed": seed, "batch": len(batch), "row": row, "scores": known[row]}
                    file.write(json.dumps(entry) + "\n")
        print(f"\r{place + 1} of {len(rows)} arches", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return [known[row] for row in rows]


def columns_of(found: list[dict[str, float]]) -> Any:
    """Scores as an array (n, 13), NaN where there is none."""
    return np.array([[scores.get(name, np.nan) for name in THIRTEEN] for scores in found])


def agreement(ours: Any, theirs: Any) -> list[tuple[float, int]]:
    """Spearman's correlation of each proxy, and over how many arches."""
    from scipy.stats import spearmanr

    facts = []
    for one, other in zip(ours.T, theirs.T, strict=True):
        both = np.isfinite(one) & np.isfinite(other) & (other > -1e8)
        rho = float(spearmanr(one[both], other[both])[0]) if both.sum() > 2 else float("nan")
        facts.append((rho, int(both.sum())))
    return facts


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--arches", type=int, default=300, help="random networks")
    parser.add_argument("--seeds", type=int, default=1, help="draws of networks, images and weights")
    parser.add_argument("--again", type=int, default=60, help="networks that are scored with two draws")
    parser.add_argument("--batch", type=int, default=64, help="images")
    parser.add_argument("--journal", type=Path, help="a file that keeps scores: what is in it is not computed again")
    parser.add_argument("--quick", action="store_true", help="four networks and eight images: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    n_arches, n_again, n_images = (4, 4, 8) if options.quick else (options.arches, options.again, options.batch)
    start = time.time()
    try:
        by_seed = []
        for seed in range(1 if options.quick else options.seeds):
            rows, arches, stored = arches_of(n_arches, seed)
            found = columns_of(scored(rows, arches, one_batch(n_images, seed), seed, options.journal))
            other = AGAIN * (1 + seed)
            again = scored(rows[:n_again], arches, batches(n_images, other), other, options.journal)
            by_seed.append((agreement(found, stored), agreement(found[:n_again], columns_of(again))))
    except NetwrightError as error:
        sys.exit(f"error: {error}")
    facts = {
        name: {
            "spearman": float(np.mean([with_theirs[place][0] for with_theirs, _ in by_seed])),
            "ourselves": float(np.mean([with_ours[place][0] for _, with_ours in by_seed])),
            "arches": sum(with_theirs[place][1] for with_theirs, _ in by_seed),
            "bar": 0.99 if name in EXACT else 0.9,
        }
        for place, name in enumerate(THIRTEEN)
    }
    print(f"{n_arches} random networks of NAS-Bench-201, {n_images} images, {len(by_seed)} seed(s)")
    print(f"{'proxy':<12}{'Spearman':>10}{'bar':>7}{'arches':>9}{'ours with ours':>16}")
    for name, one in facts.items():
        print(f"{name:<12}{one['spearman']:>10.4f}{one['bar']:>7.2f}{one['arches']:>9}{one['ourselves']:>16.4f}")
    if options.json:
        print(json_text({
            "arches": n_arches, "again": n_again, "batch": n_images, "seeds": len(by_seed),
            "seconds": time.time() - start, "proxies": facts,
            "met": all(one["spearman"] >= one["bar"] for one in facts.values()),
        }))  # fmt: skip


if __name__ == "__main__":
    main()
