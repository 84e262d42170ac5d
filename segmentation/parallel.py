"""One training on several GPUs or machines, as `torchrun` starts them: torch's DistributedDataParallel.

Every process holds the whole network and cuts its own rows of each chunk; process r of n takes rows r, r + n, ….
The loss is computed over the rows of all processes, whatever the loss is, and gradients are averaged by torch, so a
step is the step of one process with the same chunk, up to rounding (sums are added in another order).

What is not equal: batch normalisation on a CPU, where torch cannot share its statistics, sees the process's own rows
only (on GPUs it is exchanged for SyncBatchNorm, which sees all); dropout draws other numbers in every process.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class World:
    """This process's `rank` among `size` that train together; 0 of 1 where it is alone.

    Process 0 judges the epochs, decides when to stop, and hands out results.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def current(cls) -> World:
        """What `torch.distributed.init_process_group` has set up; a world of one where nobody called it."""
        if distributed.is_available() and distributed.is_initialized():
            return cls(distributed.get_rank(), distributed.get_world_size())
        return cls()

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def rows(self, chunk_size: int) -> range:
        """Rows of each chunk that this process cuts. ValueError where the processes' shares would differ."""
        if chunk_size % self.size:
            raise ValueError(
                f"{self.size} processes cannot share chunks of {chunk_size} crops evenly: take a chunk_size that"
                f" is a multiple of {self.size}"
            )
        return range(self.rank, chunk_size, self.size)

    def shared(self, module: nn.Module, device: torch.device) -> nn.Module:
        """The network whose gradients are averaged over all processes; the same object in a world of one."""
        if self.size == 1:
            return module
        return DistributedDataParallel(module, device_ids=[device] if device.type == "cuda" else None)

    def gathered(self, own: torch.Tensor) -> torch.Tensor:
        """The rows (N, ...) of all processes, (N × size, ...); gradients flow to this process's own rows only."""
        if self.size == 1:
            return own
        parts = [torch.empty_like(own, memory_format=torch.contiguous_format) for _ in range(self.size)]
        distributed.all_gather(parts, own.detach().contiguous())
        parts[self.rank] = own
        return torch.cat(parts)

    def agreed(self, *values: float) -> tuple[float, ...]:
        """Process 0's values, in every process; all of them must call this together."""
        if self.size == 1:
            return values
        device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
        numbers = torch.tensor(values, dtype=torch.float64, device=device)
        distributed.broadcast(numbers, src=0)
        return tuple(numbers.tolist())


def synchronised_norms(module: nn.Module, world: World, device: torch.device) -> nn.Module:
    """Batch normalisation over the chunks of all processes, where torch can do that."""
    if world.size == 1 or device.type != "cuda":
        return module
    return nn.SyncBatchNorm.convert_sync_batchnorm(module)


def local_rank() -> int:
    """Which of this machine's GPUs belongs to this process, as torchrun says."""
    return int(os.environ.get("LOCAL_RANK", "0"))
