"""`bilevel`: the loop of a gradient-based search. Weights and architecture parameters learn in turns.

Liu et al. 2019, DARTS, https://arxiv.org/abs/1806.09055: a step of the architecture on data that the weights don't
see, then a step of the weights. It is a generator: whoever runs it sees the derived arch, the losses and the
architecture parameters after each epoch, and ends it whenever that is enough.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from netwright.core.errors import EvaluationError, InvalidInput
from netwright.evaluators.examples_in_memory import ExamplesInMemory
from netwright.models.evaluation_mode import evaluating
from netwright.oneshot.relaxation.hessian import dominant_eigenvalue
from netwright.oneshot.relaxation.searching import RelaxedSearch
from netwright.oneshot.relaxation.steps import architecture_step, enter_step, joint_step, weights_step
from netwright.oneshot.stopping import TIME_IS_UP, RelaxedEpoch
from netwright.tasks import Task

__all__ = ["bilevel"]

_HESSIAN_EXAMPLES = 128
_SETTLED = 0.02  # share of the time after which the number of steps can be guessed


def bilevel(
    search: RelaxedSearch,
    examples: ExamplesInMemory,
    task: Task,
    *,
    allotted: float | None = None,
    checkpoint: Path | None = None,
    clock: Callable[[], float] = time.time,
) -> Iterator[RelaxedEpoch]:
    """Search until the plan's epochs are done, the time is up or the method's rule says so.

    Args:
        search: changed in place; goes on where it is, or where the checkpoint is.
        examples: the train part, in memory; with two levels, each has its own part of it.
        task: gives the loss.
        allotted: seconds for the whole schedule, earlier runs included; it then comes to its end in time.
        checkpoint: a file that is written after epochs, as long as that takes a small part of the time.
        clock: tells the time.

    Yields:
        What each epoch leaves behind; the last one has the arch that the search ends with.

    Raises:
        EvaluationError: when the loss is no longer a finite number.
    """
    plan, relaxation, relaxed = search.plan, search.relaxation, search.relaxed
    if checkpoint is not None:
        search.go_on_from(checkpoint)
    device = examples.inputs.device
    own, others = (examples, examples) if relaxation.levels == "one" else _parts(examples, search)
    n_steps = max(1, len(own) // min(plan.batch_size, len(own)))  # of an epoch
    relaxed.train()
    while len(search.epochs) < plan.epochs and not (search.epochs and search.epochs[-1].stopped):
        begun, earlier, done, learned, stopped = clock(), search.seconds, 0, 0, ""
        train, val = torch.zeros((), device=device), torch.zeros((), device=device)
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), _saying_divergence(search):
            if device.type == "cuda":  # dropout draws on the device there; not continued to the bit, but reproducible
                torch.cuda.manual_seed(int(search.noise.sum()) + len(search.epochs))
            torch.random.set_rng_state(search.noise)
            validation = _endless(others, search)
            for batch in own.training_batches(plan, search.generator):
                progress, total = (len(search.epochs) + done / n_steps) / plan.epochs, float(plan.epochs * n_steps)
                if allotted is not None:
                    used = (earlier + clock() - begun) / max(allotted, 1e-9)
                    progress = max(progress, used)
                    total = min(total, search.steps / used) if used > _SETTLED else total
                    if progress >= 1 and search.steps:
                        stopped = TIME_IS_UP
                        break
                enter_step(search, progress, total)
                if relaxation.levels == "one":
                    train += joint_step(search, batch, task, progress)
                else:
                    if progress >= relaxation.warmup:
                        val += architecture_step(search, next(validation), batch, task, progress)
                        learned += 1
                    train += weights_step(search, batch, task, progress)
                done, search.steps = done + 1, search.steps + 1
            search.noise = torch.random.get_rng_state()
        search.seconds = earlier + clock() - begun
        losses = {"train": float(train) / max(done, 1)} | ({"val": float(val) / learned} if learned else {})
        if not all(map(math.isfinite, losses.values())):
            told = ", ".join(f"{name} {loss:g}" for name, loss in losses.items())
            raise _diverged(search, f"the losses of the relaxed network are {told}")
        progress = 1.0 if stopped else (len(search.epochs) + 1) / plan.epochs
        search.epoch(losses=losses, values=_values(search, others, task, progress), progress=progress)
        if stopped:
            search.end(len(search.epochs) - 1, stopped)
        elif relaxation.stopping is not None and progress > relaxation.warmup:
            counted = [epoch for epoch in search.epochs if epoch.progress > relaxation.warmup]
            said = relaxation.stopping(counted)
            if said is not None:
                search.end(len(search.epochs) - len(counted) + said[0], said[1])
        if checkpoint is not None:
            search.save_sometimes(checkpoint, last=bool(search.epochs[-1].stopped) or len(search.epochs) == plan.epochs)
        yield search.epochs[-1]


def _diverged(search: RelaxedSearch, found: str) -> EvaluationError:
    return EvaluationError(f"{found} (lr {search.plan.lr:g}): it diverged. Give a `plan` with a smaller `lr`.")


@contextmanager
def _saying_divergence(search: RelaxedSearch) -> Iterator[None]:
    """Says why nothing can be drawn by architecture parameters that are no numbers any more, before an epoch ends."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if not any(bool(parameter.isnan().any()) for parameter in search.relaxed.arch_parameters()):
            raise
        raise _diverged(search, "architecture parameters are no numbers") from error


def _parts(examples: ExamplesInMemory, search: RelaxedSearch) -> tuple[ExamplesInMemory, ExamplesInMemory]:
    """The examples that the weights learn from, and those of the architecture; the same for a seed."""
    n = len(examples)
    n_others = min(n - 1, max(1, round(search.relaxation.share * n)))
    if n < 2:
        raise InvalidInput(f"a bilevel search needs at least 2 examples, one for each level, but got {n}.")
    order = torch.randperm(n, generator=torch.Generator().manual_seed(search.seed + 2)).to(examples.inputs.device)
    first, second = order[n_others:], order[:n_others]
    return (
        replace(examples, inputs=examples.inputs[first], targets=examples.targets[first]),
        replace(examples, inputs=examples.inputs[second], targets=examples.targets[second]),
    )


def _endless(examples: ExamplesInMemory, search: RelaxedSearch) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of the architecture's examples, epoch after epoch."""
    while True:
        yield from examples.training_batches(search.plan, search.generator)


def _values(search: RelaxedSearch, others: ExamplesInMemory, task: Task, progress: float) -> dict[str, float]:
    """What there is to tell of an epoch besides the losses."""
    values: dict[str, float] = {}
    temperature = getattr(search.relaxation.sampler, "temperature", None)
    if temperature is not None:
        values["temperature"] = temperature(progress)
    stopping, relaxed = search.relaxation.stopping, search.relaxed
    if stopping is not None and stopping.eigenvalue:
        inputs, targets = others.first(_HESSIAN_EXAMPLES).batch(slice(None))

        def loss() -> torch.Tensor:
            relaxed.use([table.softmax(-1) for table in map(relaxed.alphas.alive, range(len(relaxed.alphas.tables)))])
            return task.loss(relaxed(inputs), targets)

        with evaluating(relaxed.network):
            values["hessian_eigenvalue"] = dominant_eigenvalue(loss, relaxed.arch_parameters())
    return values
