"""A network replayed on an NVIDIA GPU as CUDA graphs, one for each size and number of pictures: no launch costs."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch

_log = logging.getLogger(__name__)

_MOST_GRAPHS = 8
_WARM_UP_CALLS = 3

Network = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class _Graph:
    graph: torch.cuda.CUDAGraph
    given: torch.Tensor
    found: torch.Tensor


class GraphedNetwork:
    """Calls a network; from the second call with a shape on as a graph. What cannot be captured runs as it is.

    Shapes are fixed: a chunk is filled up to a power of two of pictures, so that few graphs serve all chunks. The
    least used of more than eight graphs is let go. Used from one thread, as `Segmenter` is.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._graphs: OrderedDict[tuple[int, ...], _Graph] = OrderedDict()
        self._seen: set[tuple[int, ...]] = set()
        self._is_given_up = False
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        shape = (filled_count(len(pixels)), *pixels.shape[1:])
        if self._is_given_up or not self._is_worth_it(shape):
            return self._network(pixels)
        graph = self._graph(shape, pixels)
        if graph is None:
            return self._network(pixels)
        graph.given[: len(pixels)].copy_(pixels)
        graph.graph.replay()
        # The next replay writes over it.
        return graph.found[: len(pixels)].clone()

    def _is_worth_it(self, shape: tuple[int, ...]) -> bool:
        """A size that comes once, a large photo say, is not worth a capture and the memory that it holds."""
        if shape in self._seen:
            return True
        if len(self._seen) > 1000:
            self._seen.clear()
        self._seen.add(shape)
        return False

    def _graph(self, shape: tuple[int, ...], like: torch.Tensor) -> _Graph | None:
        if shape in self._graphs:
            self._graphs.move_to_end(shape)
            return self._graphs[shape]
        try:
            self._graphs[shape] = self._captured(shape, like)
        except torch.OutOfMemoryError:
            self._graphs.clear()
            torch.cuda.empty_cache()
            return None
        except RuntimeError as error:
            self._is_given_up = True
            _log.warning("the network runs without CUDA graphs: %s", str(error).splitlines()[0])
            return None
        if len(self._graphs) > _MOST_GRAPHS:
            self._graphs.popitem(last=False)
        return self._graphs[shape]

    def _captured(self, shape: tuple[int, ...], like: torch.Tensor) -> _Graph:
        given = torch.zeros(shape, dtype=like.dtype, device=like.device).to(memory_format=torch.channels_last)
        current = torch.cuda.current_stream(like.device)
        beside = torch.cuda.Stream(like.device)
        beside.wait_stream(current)
        with torch.cuda.stream(beside):
            for _ in range(_WARM_UP_CALLS):
                self._network(given)
        current.wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        # Other threads copy results meanwhile, which must not end the capture.
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            found = self._network(given)
        return _Graph(graph, given, found)


def filled_count(count: int) -> int:
    """The least power of two that is not below: 1, 2, 4, 8 …"""
    return 1 << (count - 1).bit_length()
