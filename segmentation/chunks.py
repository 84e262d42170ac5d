"""Chunks of training crops, made ahead of the network by threads, and the same whenever they are asked for."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from segmentation.sampling import CropSampler

Chunk = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]

CHUNKS_AHEAD = 2


class ChunkSource:
    """Chunk 7 is the same whether it is the first one asked for or the eighth, and whichever thread cuts it.

    Every crop has a random generator of its own, seeded by `seed`, its chunk's number and its row. So an
    interrupted training needs to remember nothing but how many chunks it has seen, and processes that train
    together cut different `rows` of one chunk.
    """

    def __init__(self, sampler: CropSampler, *, seed: int, rows: Sequence[int]) -> None:
        self._sampler, self._seed, self._rows = sampler, seed, tuple(rows)

    def chunk(self, number: int) -> Chunk:
        """Crops uint8 (rows, crop, crop, channels) and masks uint8 (rows, crop, crop)."""
        crops = [self._crop(number, row) for row in self._rows]
        return np.concatenate([image for image, _ in crops]), np.concatenate([mask for _, mask in crops])

    def ahead(self, pool: ThreadPoolExecutor, first: int, chunks_ahead: int = CHUNKS_AHEAD) -> Iterator[Chunk]:
        """Chunks `first`, `first` + 1, … without end, in order, up to `chunks_ahead` of them made in advance."""
        waiting: deque[Future[Chunk]] = deque(pool.submit(self.chunk, first + place) for place in range(chunks_ahead))
        number = first + chunks_ahead
        while True:
            ready = waiting.popleft().result()
            waiting.append(pool.submit(self.chunk, number))
            number += 1
            yield ready

    def _crop(self, number: int, row: int) -> Chunk:
        # a copy: other threads cut other crops at the same time
        sampler = copy.copy(self._sampler)
        sampler.rng = np.random.default_rng((self._seed, number, row))
        return sampler.chunk(1)
