"""Files through the stream: order, errors, label maps, bounded reading ahead, and a clean stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from segmentation.pictures import PictureLimits, read_rgb
from segmentation.segmenter import Segmenter
from segmentation.stream import FailedPicture, StreamResult, segment_files
from segmentation.underway import ScaledPicture, Underway
from tests.segmentation.drawings import encoded, noise, written
from tests.segmentation.models import BLUE, GREY, RED, segmenter


def picture(red_rows: int, width: int = 20, height: int = 10) -> np.ndarray:
    """Red rows at the top, one blue pixel in the corner, the rest grey."""
    rgb = np.full((height, width, 3), GREY, np.uint8)
    rgb[:red_rows] = RED
    rgb[-1, -1] = BLUE
    return rgb


def files(folder: Path, count: int) -> list[tuple[int, Path]]:
    """Key n has n % 8 red rows; widths differ so that no two neighbours share a chunk of the network."""
    return [(n, written(folder, encoded(picture(n % 8, width=20 + n % 3), "PNG"), f"{n}.png")) for n in range(count)]


def stream_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("pixelwise-")]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert stream_threads() == []


@pytest.fixture
def torch_threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_every_file_is_measured_in_order(tmp_path: Path) -> None:
    results = list(segment_files(segmenter(tmp_path / "model"), files(tmp_path, 30), chunk_count=4))
    assert [result.key for result in results] == list(range(30))
    for result in results:
        assert isinstance(result, StreamResult)
        width, red_rows = 20 + result.key % 3, result.key % 8
        assert (result.width, result.height) == (width, 10)
        assert result.rgb.shape == (10, width, 3)
        assert [row.pixels for row in result.measurement.measurements] == [
            width * (10 - red_rows) - 1,
            width * red_rows,
            1,
        ]
        assert result.measurement.confidence == pytest.approx(1)
        assert result.error is None


def test_broken_files_fail_alone(tmp_path: Path) -> None:
    items = files(tmp_path, 6)
    items[0] = (0, written(tmp_path, b"", "empty.png"))
    items[2] = (2, tmp_path / "missing.png")
    items[3] = (3, written(tmp_path, b"%PDF-1.4", "fake.png"))
    items[5] = (5, written(tmp_path, encoded(picture(1, 500, 500), "PNG"), "large.png"))
    results = list(
        segment_files(segmenter(tmp_path / "model"), items, limits=PictureLimits(max_pixels=10_000), chunk_count=2)
    )
    assert [result.key for result in results] == [0, 1, 2, 3, 4, 5]
    errors = {result.key: result.error for result in results if isinstance(result, FailedPicture)}
    assert errors == {
        0: "is empty",
        2: "is missing: no such file",
        3: "is not an image that can be read here (looks like a PDF)",
        5: "is 500 × 500 pixels; at most 0.01 million pixels are accepted",
    }


def test_nothing_but_broken_files_and_no_files_at_all(tmp_path: Path) -> None:
    model = segmenter(tmp_path / "model")
    assert list(segment_files(model, [])) == []
    results = list(segment_files(model, [(n, tmp_path / "missing") for n in range(5)], chunk_count=2))
    assert [result.error for result in results] == ["is missing: no such file"] * 5


def test_label_map_turns_model_labels_into_the_projects(tmp_path: Path) -> None:
    mapping = np.full(256, 255, np.uint8)
    mapping[[0, 1]] = [3, 0]
    (result,) = segment_files(segmenter(tmp_path / "model"), files(tmp_path, 3)[2:], label_map=mapping, label_count=5)
    assert isinstance(result, StreamResult)
    assert [row.pixels for row in result.measurement.measurements] == [44, 0, 0, 175, 0]
    assert sorted(np.unique(result.mask)) == [0, 3, 255]


def test_a_label_map_needs_its_shape_and_a_label_count(tmp_path: Path) -> None:
    model = segmenter(tmp_path / "model")
    with pytest.raises(ValueError, match="label_count must say"):
        next(segment_files(model, [], label_map=np.zeros(256, np.uint8)))
    with pytest.raises(ValueError, match=r"label_map is uint8 \(256,\)"):
        next(segment_files(model, [], label_map=np.zeros(3, np.uint8), label_count=2))


def test_reading_ahead_is_bounded(tmp_path: Path) -> None:
    taken = 0

    def counted() -> Iterator[tuple[int, Path]]:
        nonlocal taken
        for item in files(tmp_path, 40):
            taken += 1
            yield item

    stream = segment_files(segmenter(tmp_path / "model"), counted(), chunk_count=3)
    next(stream)
    time.sleep(0.05)
    chunks_under_way, looked_at = 3, 1
    assert taken <= chunks_under_way * 3 + looked_at
    stream.close()


def test_a_slow_caller_fills_no_memory(tmp_path: Path) -> None:
    """Whatever the stages could do meanwhile, no more than nine pictures are opened and not taken yet."""
    under_way, most = 0, 0

    def counted() -> Iterator[tuple[int, Path]]:
        nonlocal under_way, most
        for item in files(tmp_path, 40):
            under_way += 1
            most = max(most, under_way)
            yield item

    for result in segment_files(segmenter(tmp_path / "model"), counted(), chunk_count=3):
        assert result.error is None
        time.sleep(0.005)
        under_way -= 1
    assert most == 3 * 3 + 1


def test_the_model_goes_on_while_the_caller_is_busy(tmp_path: Path) -> None:
    finished = threading.Semaphore(0)
    stream = segment_files(
        segmenter(tmp_path / "model"), files(tmp_path, 12), chunk_count=2, finish=lambda _: finished.release()
    )
    next(stream)
    for _ in range(6):
        assert finished.acquire(timeout=10)
    stream.close()


def test_finishing_happens_in_the_measuring_threads_and_is_handed_on(tmp_path: Path) -> None:
    def finish(result: StreamResult) -> tuple[int, str]:
        return result.key, threading.current_thread().name

    for result in segment_files(segmenter(tmp_path / "model"), files(tmp_path, 5), finish=finish):
        assert isinstance(result, StreamResult)
        key, thread = result.finished
        assert key == result.key
        assert thread.startswith("pixelwise-measure")


def test_what_goes_wrong_in_finishing_is_raised(tmp_path: Path) -> None:
    def full(_: StreamResult) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        list(segment_files(segmenter(tmp_path / "model"), files(tmp_path, 5), finish=full))


class Slow(Segmenter):
    def begin(self, pictures: Sequence[ScaledPicture]) -> list[Underway]:
        time.sleep(0.1)
        return super().begin(pictures)


def test_the_caller_can_give_signs_of_life_while_it_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segmentation.relay._WAITING_SECONDS", 0.02)
    segmenter(tmp_path / "model")
    signs: list[str] = []
    model = Slow(tmp_path / "model", device="cpu")
    list(segment_files(model, files(tmp_path, 1), while_waiting=lambda: signs.append(threading.current_thread().name)))
    assert len(signs) >= 2
    assert set(signs) == {threading.current_thread().name}


class Counting(Segmenter):
    """A real segmenter that notes which pictures go through the network together, as its GPU would have them."""

    def begin(self, pictures: Sequence[ScaledPicture]) -> list[Underway]:
        self.sizes = [*getattr(self, "sizes", []), [picture.size for picture in pictures]]
        return super().begin(pictures)


def test_pictures_of_like_size_go_together_where_others_lie_between(tmp_path: Path) -> None:
    segmenter(tmp_path / "model")
    model = Counting(tmp_path / "model", device="cpu")
    results = list(segment_files(model, files(tmp_path, 24), chunk_count=4))
    assert [result.key for result in results] == list(range(24))
    assert all(len(set(chunk)) == 1 for chunk in model.sizes)
    assert sorted(len(chunk) for chunk in model.sizes) == [4] * 6


def test_a_jpeg_is_decoded_no_larger_than_the_model_sees_it(tmp_path: Path) -> None:
    model = segmenter(tmp_path / "model", max_side_px=512)
    rgb = cv2.resize(noise(64, 48), (4096, 3072), interpolation=cv2.INTER_CUBIC)
    (tmp_path / "whole.jpg").write_bytes(encoded(rgb, "JPEG", quality=95))
    (tmp_path / "whole.bmp").write_bytes(encoded(read_rgb(tmp_path / "whole.jpg"), "BMP"))
    reduced, whole = segment_files(model, [(1, tmp_path / "whole.jpg"), (2, tmp_path / "whole.bmp")])
    assert isinstance(reduced, StreamResult)
    assert isinstance(whole, StreamResult)
    assert (reduced.rgb.shape, whole.rgb.shape) == ((768, 1024, 3), (3072, 4096, 3))
    assert reduced.mask.shape == whole.mask.shape == (3072, 4096)
    assert (reduced.mask == whole.mask).mean() > 0.998
    for row, other in zip(reduced.measurement.measurements, whole.measurement.measurements, strict=True):
        assert row.area_fraction == pytest.approx(other.area_fraction, abs=0.001)
    assert reduced.look.brightness == pytest.approx(whole.look.brightness, abs=20)
    assert reduced.look.sharpness == pytest.approx(whole.look.sharpness, rel=0.03)


def test_large_pictures_are_read_fewer_at_a_time(tmp_path: Path) -> None:
    taken = 0

    def counted() -> Iterator[tuple[int, Path]]:
        nonlocal taken
        for item in files(tmp_path, 40):
            taken += 1
            yield item

    stream = segment_files(segmenter(tmp_path / "model"), counted(), chunk_count=30, pixels_ahead=250)
    next(stream)
    assert taken <= 12
    assert len(list(stream)) == 39


def test_leaving_early_stops_the_threads(tmp_path: Path) -> None:
    stream = segment_files(segmenter(tmp_path / "model"), files(tmp_path, 40), chunk_count=2)
    assert next(stream).key == 0
    assert stream_threads() != []
    stream.close()
    assert stream_threads() == []


class Meeting(Segmenter):
    """Goes on only when two threads have come to the network."""

    both = threading.Barrier(2, timeout=60)

    def begin(self, pictures: Sequence[ScaledPicture]) -> list[Underway]:
        self.both.wait()
        return super().begin(pictures)


def test_two_threads_share_a_network_that_can_be_shared_and_its_threads(
    tmp_path: Path, torch_threads: Callable[[int], None]
) -> None:
    torch_threads(2)
    segmenter(tmp_path / "model")
    results = list(segment_files(Meeting(tmp_path / "model", device="cpu"), files(tmp_path, 30), chunk_count=1))
    assert [result.key for result in results] == list(range(30))
    assert all(result.error is None for result in results)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("threads", [1, 2])
def test_a_network_that_cannot_be_shared_has_one_thread(
    tmp_path: Path, threads: int, torch_threads: Callable[[int], None]
) -> None:
    torch_threads(threads)
    seen: set[tuple[int, int]] = set()

    class Watched(Segmenter):
        can_be_shared = threads == 1

        def begin(self, pictures: Sequence[ScaledPicture]) -> list[Underway]:
            seen.add((threading.get_ident(), torch.get_num_threads()))
            return super().begin(pictures)

    segmenter(tmp_path / "model")
    assert len(list(segment_files(Watched(tmp_path / "model", device="cpu"), files(tmp_path, 12), chunk_count=1))) == 12
    assert [count for _, count in seen] == [threads]


def test_a_picture_that_is_alone_takes_all_threads(tmp_path: Path, torch_threads: Callable[[int], None]) -> None:
    torch_threads(2)
    seen: list[int] = []

    class Watched(Segmenter):
        def begin(self, pictures: Sequence[ScaledPicture]) -> list[Underway]:
            seen.append(torch.get_num_threads())
            return super().begin(pictures)

    segmenter(tmp_path / "model")
    (result,) = segment_files(Watched(tmp_path / "model", device="cpu"), files(tmp_path, 1))
    assert (result.error, seen) == (None, [2])


def test_an_error_of_the_list_itself_is_passed_on(tmp_path: Path) -> None:
    def interrupted() -> Iterator[tuple[int, Path]]:
        yield from files(tmp_path, 5)
        raise LookupError("the list broke")

    with pytest.raises(LookupError, match="the list broke"):
        list(segment_files(segmenter(tmp_path / "model"), interrupted(), chunk_count=2))


class Cramped(Segmenter):
    """A real segmenter on a machine with room for 900 pixels at a time."""

    def begin(self, pictures: Sequence[ScaledPicture]) -> list[Underway]:
        if sum(picture.height * picture.width for picture in pictures) > 900:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().begin(pictures)


def test_too_little_memory_fails_only_what_is_too_large_alone(tmp_path: Path) -> None:
    segmenter(tmp_path / "model")
    items = files(tmp_path, 8)
    items[3] = (3, written(tmp_path, encoded(picture(1, 40, 30), "PNG"), "large.png"))
    results = list(segment_files(Cramped(tmp_path / "model", device="cpu"), items))
    assert [result.key for result in results if result.error is None] == [0, 1, 2, 4, 5, 6, 7]
    assert results[3].error == "is 40 × 30 pixels: too large for the memory of this machine"


class Broken(Segmenter):
    def begin(self, pictures: Sequence[ScaledPicture]) -> list[Underway]:
        raise RuntimeError("CUDA error: device-side assert triggered")


def test_a_gpu_that_falls_over_is_not_blamed_on_a_picture(tmp_path: Path) -> None:
    segmenter(tmp_path / "model")
    with pytest.raises(RuntimeError, match="device-side"):
        list(segment_files(Broken(tmp_path / "model", device="cpu"), files(tmp_path, 3)))
