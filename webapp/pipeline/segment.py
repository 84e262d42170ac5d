"""Segment a chunk of a run: claim, compute with no transaction open, save in one short transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache

import cv2
import numpy as np
import structlog
from django.conf import settings
from django.utils import timezone

from segmentation.masks import mask_png, overlay
from segmentation.model_files import TORCH, chosen_backend
from segmentation.pictures import thumbnail
from segmentation.segmenter import Segmenter
from segmentation.spec import LabelSpec
from segmentation.spent import Spent
from segmentation.stream import FailedPicture, StreamResult, segment_files
from webapp import storage
from webapp.models import Label, ModelVersion, Prediction, Run
from webapp.pipeline.claims import give_back, hand_back, remove_masks_without_result, requeue_lost
from webapp.pipeline.outages import is_of_the_machine, once_it_answers
from webapp.pipeline.queueing import finish_complete_runs
from webapp.pipeline.save import Outcome, save_outcomes
from webapp.services import pace, roll_call
from webapp.services.in_hand import InHand, in_hand
from webapp.services.living import worker_name

THUMBNAIL_PX = 480

log = structlog.get_logger(__name__)


def segment_run(run_id: int) -> bool:
    """Segment one chunk of a run. True when more of it is waiting."""
    run = Run.objects.select_related("model_version").filter(pk=run_id, state=Run.State.RUNNING).first()
    if run is None:
        return False
    # What the process before us died with; the next sweep would come to it later.
    requeue_lost()
    worker = worker_name()
    claimed = run.predictions.all().claim(worker=worker, count=settings.PIXELWISE_CHUNK_IMAGES, lease=lease())
    if claimed:
        _segment(run.model_version, claimed, worker)
    finish_complete_runs([run_id])
    return run.predictions.filter(state=Prediction.State.QUEUED).exists()


def _segment(model_version: ModelVersion, claimed: list[Prediction], worker: str) -> None:
    ids = [prediction.pk for prediction in claimed]
    mine = Prediction.objects.filter(pk__in=ids, claimed_by=worker)
    try:
        spent = Spent()
        with in_hand(settings.PIXELWISE_DATA, worker) as hand:
            outcomes = list(compute(model_version, claimed, worker=worker, spent=spent, hand=hand))
        with spent.on("saving"):
            once_it_answers(lambda: save_outcomes(outcomes, model_version, worker=worker), lease())
    except Exception as error:
        if is_of_the_machine(error):
            once_it_answers(lambda: hand_back(mine), lease())
        else:
            give_back(mine, f"{type(error).__name__}: {error}")
        raise
    remove_masks_without_result(ids)
    pace.add(len(outcomes), spent.seconds)
    failed = sum(isinstance(outcome.found, str) for outcome in outcomes)
    seconds = {part: round(value, 3) for part, value in spent.seconds.items()}
    log.info("segmented", images=len(outcomes), failed=failed, seconds=seconds)


def lease() -> timedelta:
    return timedelta(seconds=settings.PIXELWISE_LEASE_SECONDS)


def compute(
    model_version: ModelVersion,
    claimed: list[Prediction],
    *,
    worker: str,
    spent: Spent | None = None,
    hand: InHand | None = None,
) -> Iterator[Outcome]:
    """Segment and measure claimed predictions and write their masks; the claim is renewed on the way."""
    spent, hand = spent or Spent(), hand or InHand(None)
    labels = project_labels(model_version.project_id)
    sha256 = dict(Prediction.objects.filter(pk__in=[row.pk for row in claimed]).values_list("pk", "image__sha256"))
    items = [(pk, storage.original_path(digest)) for pk, digest in sha256.items()]
    storage.fetch_all([path for _, path in items])
    renewed_at = timezone.now()
    for result in segment_files(
        loaded_segmenter(model_version.folder, settings.PIXELWISE_DEVICE, backend_of(model_version)),
        hand.taking(items),
        label_map=label_map(model_version),
        label_count=max(label.index for label in labels) + 1,
        spent=spent,
    ):
        if timezone.now() - renewed_at > lease() / 4:
            renew_claims([row.pk for row in claimed], worker=worker)
            renewed_at = timezone.now()
        if isinstance(result, FailedPicture):
            hand.put_down(result.key)
            yield Outcome(result.key, result.error)
            continue
        with spent.on("saving"):
            write_pictures(result, sha256[result.key], labels)
        hand.put_down(result.key)
        yield Outcome(result.key, result.measurement, result.look)


def backend_of(model_version: ModelVersion) -> str:
    """What serves this version at the moment; a person may choose another between two chunks."""
    return chosen_backend(storage.fetch_folder(storage.model_folder(model_version.folder)))


@lru_cache(maxsize=2)
def loaded_segmenter(folder: str, device: str, backend: str = TORCH) -> Segmenter:
    """A model version never changes, so a worker loads it once for each `backend` that is chosen for it."""
    segmenter = Segmenter(storage.model_folder(folder), device=device)
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


def renew_claims(prediction_ids: list[int], *, worker: str) -> None:
    Prediction.objects.filter(pk__in=prediction_ids, state=Prediction.State.CLAIMED, claimed_by=worker).update(
        lease_until=timezone.now() + lease()
    )


def write_pictures(result: StreamResult, sha256: str, labels: list[LabelSpec]) -> None:
    storage.write(storage.mask_path(result.key), mask_png(result.mask))
    small_rgb, small_mask = shrunk(result.rgb, result.mask)
    if not storage.exists(storage.thumbnail_path(sha256)):
        storage.write(storage.thumbnail_path(sha256), thumbnail(small_rgb, THUMBNAIL_PX))
    laid_over = overlay(small_rgb, small_mask, labels)
    storage.write(storage.overlay_path(result.key), thumbnail(laid_over, THUMBNAIL_PX))


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
