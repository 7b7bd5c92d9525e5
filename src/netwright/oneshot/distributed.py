"""`Ranks`: several processes that train one supernet, each on its own share of the data.

All ranks draw the same path in each step and average their gradients, so they have the same weights at all times and
end with the same arch. Start them as for any data-parallel training (`torchrun`, `torch.multiprocessing`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import distributed, nn

from netwright.core.errors import RunError
from netwright.evaluators.examples_in_memory import ExamplesInMemory

__all__ = ["Ranks"]


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those that train together.

    Attributes:
        rank: its number, from 0.
        size: how many there are.

    Example:
        >>> from netwright.evaluators.examples_in_memory import ExamplesInMemory
        >>> examples = ExamplesInMemory(torch.arange(10.0)[:, None], torch.arange(10))
        >>> Ranks(1, 3).share(examples).targets.tolist()
        [1, 4, 7]
    """

    rank: int
    size: int

    @classmethod
    def here(cls) -> Ranks:
        """This process, by `torch.distributed`.

        Raises:
            RunError: if no process group was initialised.
        """
        if not distributed.is_available() or not distributed.is_initialized():
            raise RunError(
                "there is no process group: call torch.distributed.init_process_group('gloo') (or 'nccl') in each "
                "process first; `torchrun --nproc-per-node 2 script.py` starts two."
            )
        return cls(distributed.get_rank(), distributed.get_world_size())

    def share(self, examples: ExamplesInMemory) -> ExamplesInMemory:
        """The examples of this process: as many for each, so that all make the same number of steps."""
        most = len(examples) // self.size * self.size
        rows = slice(self.rank, most, self.size)
        return ExamplesInMemory(
            examples.inputs[rows], examples.targets[rows], examples.mean, examples.std, examples.channels_last
        )

    def average(self, tensors: Iterable[torch.Tensor]) -> None:
        """Replace tensors by their means over all ranks, in one exchange."""
        given = list(tensors)
        if self.size == 1 or not given:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in given])
        distributed.all_reduce(flat)
        flat /= self.size
        at = 0
        for tensor in given:
            tensor.copy_(flat[at : at + tensor.numel()].view(tensor.shape))
            at += tensor.numel()

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace gradients by their means; a path has the same ones on all ranks."""
        with torch.no_grad():
            self.average(parameter.grad for parameter in parameters if parameter.grad is not None)

    def average_statistics(self, module: nn.Module) -> None:
        """Replace running statistics, which each rank has of its own examples, by their means."""
        with torch.no_grad():
            self.average(buffer for buffer in module.buffers() if buffer.is_floating_point())

    def agreed(self, value: float, device: torch.device) -> float:
        """What rank 0 says: clocks differ, and what follows from them must not."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=device)
        distributed.broadcast(shared, 0)
        return float(shared)
