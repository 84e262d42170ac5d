"""Pictures handed from thread to thread: read, through the network, finished, given out in the order they came."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import torch

from segmentation.pictures import header_size

Item = tuple[Any, str | os.PathLike[str]]
"""A key and the path of its file."""


_WAITING_SECONDS = 1.0


class Steps(Protocol):
    """What is done with a picture; `read` gives why it could not be as a string."""

    def chunk_count(self, height: int, width: int) -> int: ...
    def network_size(self, height: int, width: int) -> tuple[int, int]: ...
    def read(self, path: str | os.PathLike[str]) -> Any: ...
    def forward(self, chunk: list[Any]) -> Sequence[Any]: ...
    def finish(self, key: Any, decoded: Any, underway: Any) -> Any: ...
    def failed(self, key: Any, reason: str) -> Any: ...


class Stages:
    """Threads of each stage. Leaving the block drops what waits and ends them, those first that feed the others."""

    def __init__(self, *, readers: int, networks: int, finishers: int) -> None:
        """`networks` threads share the threads that torch was told to take."""
        self._counts = readers, networks, finishers
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        readers, networks, finishers = self._counts
        # Threads that torch did not start forget how many threads it was told to take.
        self._torch_threads = count = torch.get_num_threads()
        self.finishers = self._stack.enter_context(_Threads("measure", finishers, count))
        self.model = self._stack.enter_context(_Threads("model", networks, max(1, count // networks)))
        self.readers = self._stack.enter_context(_Threads("decode", readers, count))
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @contextmanager
    def all_threads(self) -> Iterator[None]:
        """A thread of the network takes what all of them share."""
        share = torch.get_num_threads()
        torch.set_num_threads(self._torch_threads)
        try:
            yield
        finally:
            torch.set_num_threads(share)


class _Threads(ThreadPoolExecutor):
    def __init__(self, name: str, count: int, torch_threads: int) -> None:
        super().__init__(
            count,
            thread_name_prefix=f"pixelwise-{name}",
            initializer=torch.set_num_threads,
            initargs=(torch_threads,),
        )

    def __exit__(self, *exception: object) -> None:
        self.shutdown(wait=True, cancel_futures=True)


@dataclass(eq=False)
class _Slot:
    """One picture under way; `result` is set by the last stage that it comes to."""

    key: Any
    pixels: int
    size: tuple[int, int]
    decoded: Future[Any]
    result: Future[Any] = field(default_factory=Future)
    is_sent: bool = False


class Relay:
    """Keeps all stages busy with no more under way than it is allowed; results come in the order of the items."""

    def __init__(
        self,
        stages: Stages,
        steps: Steps,
        *,
        count_under_way: int,
        pixels_under_way: int,
        largest_chunk: int,
        while_waiting: Callable[[], None] | None = None,
    ) -> None:
        self._stages, self._steps = stages, steps
        self._count, self._pixels, self._largest_chunk = count_under_way, pixels_under_way, largest_chunk
        self._while_waiting = while_waiting
        self._under_way: deque[_Slot] = deque()
        self._gathered: dict[tuple[int, int], list[_Slot]] = {}
        self._takes_more = True

    def results(self, items: Iterable[Item]) -> Iterator[Any]:
        """One result for each item. A picture larger than the limit alone is let through when nothing else is."""
        measured = ((key, path, header_size(path)) for key, path in items)
        upcoming = next(measured, None)
        while self._under_way or upcoming is not None:
            self._takes_more = True
            while upcoming is not None and self._has_room(upcoming[2]):
                self._take(*upcoming)
                upcoming = next(measured, None)
            self._takes_more = False
            self._send_what_cannot_wait(is_last=upcoming is None)
            yield self._awaited(self._under_way[0].result)
            self._under_way.popleft()

    def _awaited(self, result: Future[Any]) -> Any:
        while self._while_waiting is not None and not wait([result], _WAITING_SECONDS).done:
            self._while_waiting()
        return result.result()

    def _has_room(self, size: tuple[int, int]) -> bool:
        if not self._under_way:
            return True
        pixels = sum(slot.pixels for slot in self._under_way)
        return len(self._under_way) < self._count and pixels + size[0] * size[1] <= self._pixels

    def _take(self, key: Any, path: str | os.PathLike[str], size: tuple[int, int]) -> None:
        """Have a picture read and put it to others of its size."""
        height, width = size
        seen = self._steps.network_size(height, width) if height and width else size
        slot = _Slot(key, height * width, seen, self._stages.readers.submit(self._steps.read, path))
        self._under_way.append(slot)
        group = self._gathered.setdefault(seen, [])
        group.append(slot)
        full = self._steps.chunk_count(height, width) if height and width else 1
        if len(group) >= min(self._largest_chunk, full):
            self._send(seen)

    def _send_what_cannot_wait(self, *, is_last: bool) -> None:
        """The group of the picture that is due next, however few it has; all groups where nothing more comes."""
        if is_last:
            for size in list(self._gathered):
                self._send(size)
        elif not self._under_way[0].is_sent:
            self._send(self._under_way[0].size)

    def _send(self, size: tuple[int, int]) -> None:
        group = self._gathered.pop(size)
        for slot in group:
            slot.is_sent = True
        self._stages.model.submit(self._through_the_network, group)

    def _through_the_network(self, group: Sequence[_Slot]) -> None:
        try:
            readable = []
            for slot in group:
                decoded = slot.decoded.result()
                if isinstance(decoded, str):
                    slot.result.set_result(self._steps.failed(slot.key, decoded))
                else:
                    readable.append((slot, decoded))
            self._forward(readable)
        except BaseException as error:
            for slot in group:
                if not slot.result.done():
                    slot.result.set_exception(error)

    def _forward(self, pictures: list[tuple[_Slot, Any]]) -> None:
        """Where memory does not suffice for all at once, one after the other."""
        if not pictures:
            return
        is_alone = not self._takes_more and len(pictures) == len(self._under_way)
        try:
            with self._stages.all_threads() if is_alone else nullcontext():
                found = self._steps.forward([decoded for _, decoded in pictures])
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            if len(pictures) > 1:
                for picture in pictures:
                    self._forward([picture])
            else:
                self._too_large(*pictures[0])
            return
        for (slot, decoded), underway in zip(pictures, found, strict=True):
            self._stages.finishers.submit(self._finish, slot, decoded, underway)

    def _finish(self, slot: _Slot, decoded: Any, underway: Any) -> None:
        try:
            slot.result.set_result(self._steps.finish(slot.key, decoded, underway))
        except BaseException as error:
            if _is_out_of_memory(error):
                self._too_large(slot, decoded)
            else:
                slot.result.set_exception(error)

    def _too_large(self, slot: _Slot, decoded: Any) -> None:
        height, width = decoded.size
        reason = f"is {width:,} × {height:,} pixels: too large for the memory of this machine"
        slot.result.set_result(self._steps.failed(slot.key, reason))


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)
