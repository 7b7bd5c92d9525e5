"""`RelaxedSearch`: a bilevel search under way, and its checkpoint."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from netwright.core.arch import Arch
from netwright.evaluators.checkpoints import read_checkpoint, write_checkpoint
from netwright.evaluators.optimizers import begin_momentum, make_optimizer
from netwright.evaluators.plan import TrainingPlan
from netwright.oneshot.derivation import Weighed, skips_by_cell
from netwright.oneshot.diary import option_text
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.relaxed import Relaxed
from netwright.oneshot.sparingly import Sparingly
from netwright.oneshot.stopping import RelaxedEpoch

__all__ = ["RelaxedSearch"]


@dataclass(slots=True)
class RelaxedSearch:
    """A bilevel search under way: all that is needed to go on exactly where it stopped.

    Attributes:
        relaxed: the network, searched in place; takes standardised inputs.
        relaxation: the method.
        plan: how the network's weights are trained.
        weights: their optimizer.
        architecture: the optimizer of the architecture parameters.
        generator: of the batches and their augmentation.
        noise: the state of torch's own generator, which dropout draws from.
        epochs: those that are done.
        stage: the number of the stage that it is in.
        seconds: of the search so far, earlier runs included.
        steps: steps so far.
        key: tells it from other searches, whose checkpoints can't be continued.
        saving: keeps the time that checkpoints take small.
    """

    relaxed: Relaxed
    relaxation: Relaxation
    plan: TrainingPlan
    weights: torch.optim.Optimizer
    architecture: torch.optim.Optimizer
    generator: torch.Generator
    noise: torch.Tensor
    seed: int
    epochs: list[RelaxedEpoch] = field(default_factory=list)
    stage: int = 0
    seconds: float = 0.0
    steps: int = 0
    key: str = ""
    saving: Sparingly = field(default_factory=Sparingly)

    @classmethod
    def begin(cls, relaxed: Relaxed, relaxation: Relaxation, plan: TrainingPlan, *, seed: int = 0) -> RelaxedSearch:
        """A search that hasn't started."""
        if plan.channels_last and len(relaxed.supernet.input_shape) == 3:
            relaxed.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's types
        weights = make_optimizer(relaxed.network, plan)
        begin_momentum(weights, relaxed.network)  # options that a step leaves out would have none when others have
        architecture = torch.optim.Adam(
            relaxed.arch_parameters(),
            lr=relaxation.arch_lr,
            betas=relaxation.arch_betas,
            weight_decay=relaxation.arch_weight_decay,
        )
        relaxation.stages.enter(relaxed, 0, partial=relaxation.partial)
        generator = torch.Generator().manual_seed(seed)
        noise = torch.Generator().manual_seed(seed + 1).get_state()
        return cls(relaxed, relaxation, plan, weights, architecture, generator, noise, seed)

    def derived(self) -> Arch:
        """The arch that the architecture parameters stand for now."""
        return self.relaxation.derivation(self.weighed())

    def weighed(self) -> Weighed:
        """What a derivation sees; sigmoids where options don't compete."""
        alphas = self.relaxed.alphas
        weights = alphas.weights(competing=getattr(self.relaxation.sampler, "competing", True))
        choices = {mixed.name: mixed for mixed in alphas.choices()}
        return Weighed(self.relaxed.supernet.space, choices, weights, edges=self.relaxation.edges)

    def epoch(self, *, losses: dict[str, float], values: dict[str, float], progress: float) -> RelaxedEpoch:
        """What an epoch leaves behind; it is appended."""
        weighed = self.weighed()
        arch = self.relaxation.derivation(weighed)
        weights = {
            name: {option_text(option): weight for option, weight in row.items()}
            for name, row in weighed.weights.items()
            if weighed.edges or weighed.choices[name].kind != "edges"
        }
        skips = {cell: len(names) for cell, names in skips_by_cell(weighed.choices, arch).items()}
        found = RelaxedEpoch(len(self.epochs) + 1, arch, losses, values, weights, skips, progress, seconds=self.seconds)
        self.epochs.append(found)
        return found

    def end(self, chosen: int, why: str) -> RelaxedEpoch:
        """The last epoch, which takes its arch from an earlier one."""
        arch = self.epochs[chosen].arch
        skips = self.epochs[chosen].skips
        earlier = self.epochs[chosen] is not self.epochs[-1]
        stopped = f"{why}; the arch is that of epoch {self.epochs[chosen].number}" if earlier else why
        self.epochs[-1] = dataclasses.replace(self.epochs[-1], arch=arch, skips=skips, stopped=stopped)
        return self.epochs[-1]

    # Checkpoints ------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything as plain tensors, numbers and texts."""
        epochs = [dataclasses.asdict(dataclasses.replace(e, arch=None)) for e in self.epochs]  # type: ignore[arg-type]
        return {
            "supernet": self.relaxed.supernet.state_dict(),
            "alphas": self.relaxed.alphas.state_dict(),
            "weights": self.weights.state_dict(),
            "architecture": self.architecture.state_dict(),
            "generators": [self.generator.get_state(), self.relaxed.generator.get_state()],
            "noise": self.noise,
            "epochs": json.dumps(epochs),
            "arches": [epoch.arch.to_json() for epoch in self.epochs],
            "stage": self.stage,
            "seconds": self.seconds,
            "steps": self.steps,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to what `state` returned."""
        self.relaxed.supernet.load_state_dict(state["supernet"])
        self.relaxed.alphas.load_state_dict(state["alphas"])
        self.weights.load_state_dict(state["weights"])
        self.architecture.load_state_dict(state["architecture"])
        self.generator.set_state(state["generators"][0])
        self.relaxed.generator.set_state(state["generators"][1])
        self.noise = state["noise"]
        arches = [Arch.from_json(text) for text in state["arches"]]
        told = json.loads(state["epochs"])
        self.epochs = [RelaxedEpoch(**{**e, "arch": arch}) for e, arch in zip(told, arches, strict=True)]
        self.stage, self.seconds, self.steps = state["stage"], state["seconds"], state["steps"]
        stage = self.relaxation.stages.stages[self.stage]
        self.relaxed.mixing.depth_share = stage.depth
        self.relaxed.mixing.partial = self.relaxation.partial if stage.partial is None else stage.partial
        self.relaxed.mixing.rows = {}

    def save_sometimes(self, file: Path, *, last: bool) -> None:
        """Write a checkpoint, unless the last one was a moment ago; the last one in any case."""
        self.saving(lambda: self.save(file), anyway=last)

    def save(self, file: Path) -> None:
        """Write a checkpoint, at once or not at all; where it can't be written, the search goes on without."""
        write_checkpoint(file, {**self.state(), "key": self.key})

    def go_on_from(self, file: Path) -> None:
        """Continue from a checkpoint of the same search, if there is one that can be read."""
        state = read_checkpoint(file)
        if state is not None and state.get("key") == self.key:
            self.restore(state)
