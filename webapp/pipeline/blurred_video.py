"""A video whose people are blurred before anything is stored: where the project's live model finds them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from django.conf import settings

from segmentation.privacy import FindPeople
from segmentation.segmenter import Segmenter
from segmentation.video import VideoError
from webapp.models import Batch
from webapp.pipeline.segment import backend_of, loaded_segmenter
from webapp.pipeline.video import Step, take_apart


def unpack_blurred_video(archive_id: int) -> Step:
    """A step of a video whose batch asks for people to be blurred."""
    return take_apart(archive_id, people_finder, blurs=(Batch.Blur.MODEL,))


def people_finder(batch: Batch) -> FindPeople:
    """What marks people: the live model. VideoError where it knows none, for then nothing may be stored."""
    live = batch.project.live_model
    rows = live.model_labels.filter(label__is_person=True) if live is not None else None
    indices = list(rows.values_list("index", flat=True)) if rows is not None else []
    if live is None or not indices:
        raise VideoError(
            "was not stored: people are to be blurred in it, and no label of the live model is marked as people. Let a "
            "model go live that knows them, then upload it again"
        )
    return _finder(loaded_segmenter(live.folder, settings.PIXELWISE_DEVICE, backend_of(live)), indices)


def _finder(segmenter: Segmenter, indices: list[int]) -> FindPeople:
    def find(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        return np.isin(segmenter.segment([rgb])[0].mask, indices)

    return find
