"""Segment images of a run: claim, compute with no transaction open, save in short transactions."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import lru_cache
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
from django.conf import settings

from segmentation.masks import mask_png, overlay
from segmentation.model_files import TORCH, chosen_backend
from segmentation.pictures import thumbnail
from segmentation.segmenter import Segmenter
from segmentation.spec import LabelSpec
from segmentation.spent import Spent
from segmentation.stream import FailedPicture, StreamResult, segment_files
from webapp import storage
from webapp.models import Label, ModelVersion, Prediction, Run
from webapp.pipeline.claims import give_back, hand_back, requeue_lost
from webapp.pipeline.held_claims import HeldClaims
from webapp.pipeline.outages import is_of_the_machine, once_it_answers
from webapp.pipeline.queueing import finish_complete_runs
from webapp.pipeline.receive import picture_limits
from webapp.pipeline.save import Drawn, Outcome
from webapp.pipeline.unsaved import Unsaved
from webapp.services import roll_call
from webapp.services.in_hand import InHand, in_hand
from webapp.services.living import worker_name

THUMBNAIL_PX = 480
# Then another run has its turn. Every end of one is a moment in which the network waits for pictures.
TURN_SECONDS = 10.0


def segment_run(run_id: int, *, wake_another: Callable[[], None] | None = None) -> bool:
    """Segment images of a run for a turn's time. True when more of it is waiting.

    `wake_another` is called at the start where this worker leaves anything waiting: whoever is free, another worker
    or this one after its turn, goes on with the run.
    """
    run = Run.objects.select_related("model_version").filter(pk=run_id, state=Run.State.RUNNING).first()
    if run is None:
        return False
    # What the process before us died with; the next sweep would come to it later.
    requeue_lost()
    worker = worker_name()
    with in_hand(settings.PIXELWISE_DATA, worker) as hand:
        claimed = _claimed_by_and_by(run, worker)
        first = next(claimed, None)
        if first is not None:
            if wake_another is not None and _is_waiting(run):
                wake_another()
            _segment(run, chain([first], claimed), worker, hand)
    finish_complete_runs([run_id])
    return _is_waiting(run)


def _is_waiting(run: Run) -> bool:
    return run.predictions.filter(state=Prediction.State.QUEUED).exists()


def _claimed_by_and_by(run: Run, worker: str) -> Iterator[Prediction]:
    """Claims more whenever all were taken, so that nothing runs dry between two chunks; a suspect stays alone."""
    until = time.monotonic() + TURN_SECONDS
    claimed = _claim(run, worker)
    while claimed:
        yield from claimed
        if claimed[0].is_suspect or time.monotonic() > until:
            return
        claimed = once_it_answers(lambda: _claim(run, worker, fresh_only=True), lease())


def _claim(run: Run, worker: str, *, fresh_only: bool = False) -> list[Prediction]:
    claimed = run.predictions.all().claim(
        worker=worker, count=settings.PIXELWISE_CHUNK_IMAGES, lease=lease(), fresh_only=fresh_only
    )
    try:
        storage.fetch_all([storage.original_path(one.image.sha256) for one in claimed])
    except OSError:
        # The bucket is away or the disk full: no picture's try is used up by that.
        hand_back(run.predictions.filter(pk__in=[one.pk for one in claimed]))
        raise
    return claimed


def _segment(run: Run, claimed: Iterable[Prediction], worker: str, hand: InHand) -> None:
    model_version = run.model_version
    spent, unsaved = Spent(), Unsaved(model_version, worker, lease())
    mine = Prediction.objects.filter(model_version=model_version, claimed_by=worker)
    try:
        with hand.loading(run.pk):
            segmenter = loaded(model_version)
        Run.objects.filter(pk=run.pk).exclude(load_deaths_count=0, load_losses_count=0).update(
            load_deaths_count=0, load_losses_count=0
        )
        outcomes = compute(segmenter, model_version, claimed, worker=worker, spent=spent, hand=hand)
        with closing(outcomes):
            for outcome in outcomes:
                unsaved.add(outcome, spent)
        unsaved.save(spent)
    except Exception as error:
        if is_of_the_machine(error):
            once_it_answers(lambda: hand_back(mine), lease())
        else:
            give_back(mine, f"{type(error).__name__}: {error}")
        raise


def lease() -> timedelta:
    return timedelta(seconds=settings.PIXELWISE_LEASE_SECONDS)


def compute(
    segmenter: Segmenter,
    model_version: ModelVersion,
    claimed: Iterable[Prediction],
    *,
    worker: str,
    spent: Spent | None = None,
    hand: InHand | None = None,
) -> Generator[Outcome]:
    """Segment, measure and draw what of the claimed predictions is still the worker's when its turn comes.

    The claims are renewed on the way.
    """
    spent, hand, held = spent or Spent(), hand or InHand(None), HeldClaims(worker, lease())
    labels = project_labels(model_version.project_id)
    sha256: dict[int, str] = {}

    def items() -> Iterator[tuple[int, Path]]:
        for prediction in claimed:
            if held.has(prediction.pk):
                sha256[prediction.pk] = prediction.image.sha256
                yield prediction.pk, storage.original_path(prediction.image.sha256)

    def finish(result: StreamResult) -> Drawn:
        with spent.on("saving"):
            return draw(result, sha256[result.key], labels)

    for result in segment_files(
        segmenter,
        hand.taking(items()),
        label_map=label_map(model_version),
        label_count=max(label.index for label in labels) + 1,
        spent=spent,
        finish=finish,
        limits=picture_limits(),
        # A picture of hundreds of megapixels takes longer than a lease.
        while_waiting=held.renew,
    ):
        held.renew()
        hand.put_down(result.key)
        if isinstance(result, FailedPicture):
            yield Outcome(result.key, result.error)
        else:
            yield Outcome(result.key, result.measurement, result.look, result.finished)


def loaded(model_version: ModelVersion) -> Segmenter:
    return loaded_segmenter(model_version.folder, settings.PIXELWISE_DEVICE, backend_of(model_version))


def backend_of(model_version: ModelVersion) -> str:
    """What serves this version at the moment; a person may choose another between two chunks."""
    return chosen_backend(storage.fetch_folder(storage.model_folder(model_version.folder)))


@lru_cache(maxsize=2)
def loaded_segmenter(folder: str, device: str, backend: str = TORCH) -> Segmenter:
    """A model version never changes, so a worker loads it once for each `backend` that is chosen for it."""
    segmenter = Segmenter(storage.model_folder(folder), device=device)
    segmenter.warm_up()
    roll_call.note_device(f"{segmenter.device}, {backend}")
    return segmenter


def project_labels(project_id: int) -> list[LabelSpec]:
    return [
        LabelSpec(label.index, label.name, label.color, label.is_defect)
        for label in Label.objects.filter(project=project_id)
    ]


def label_map(model_version: ModelVersion) -> np.ndarray:
    """uint8[256]: the project's label index for each index of the model's masks; 255 stays 255."""
    mapping = np.full(256, 255, np.uint8)
    for index, project_index in model_version.model_labels.values_list("index", "label__index"):
        mapping[index] = project_index
    return mapping


def draw(result: StreamResult, sha256: str, labels: list[LabelSpec]) -> Drawn:
    """Mask and overlay. The picture's thumbnail is written at once: it is the same whoever segments it."""
    small_rgb, small_mask = shrunk(result.rgb, result.mask)
    if not storage.exists(storage.thumbnail_path(sha256)):
        storage.write(storage.thumbnail_path(sha256), thumbnail(small_rgb, THUMBNAIL_PX))
    laid_over = overlay(small_rgb, small_mask, labels)
    return Drawn(mask_png(result.mask), thumbnail(laid_over, THUMBNAIL_PX))


def shrunk(rgb: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Picture and mask scaled down together until the longer side is `THUMBNAIL_PX`; smaller ones as they are."""
    height, width = mask.shape
    if max(height, width) <= THUMBNAIL_PX:
        return rgb, mask
    scale = THUMBNAIL_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return (
        cv2.resize(rgb, size, interpolation=cv2.INTER_AREA),
        cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT),
    )
