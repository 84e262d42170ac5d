"""A model version against the images of a data set that were kept apart: claim, judge, keep masks and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from segmentation.agreement import Agreement, confusion_counts
from segmentation.evaluation import evaluate
from segmentation.masks import mask_png, overlay, read_mask
from segmentation.pairs import Pair
from segmentation.pictures import thumbnail
from segmentation.segmenter import Segmenter
from segmentation.spec import LabelSpec
from webapp import storage
from webapp.models import DatasetImage, EvaluatedImage, Evaluation, Label
from webapp.pipeline.evaluation_claims import LEASE, claim_evaluation, fail_evaluation, held_by
from webapp.pipeline.segment import THUMBNAIL_PX, label_map, project_labels, shrunk
from webapp.pipeline.training_data import dataset_pairs, sources_by_name
from webapp.pipeline.version_labels import judged_labels, label_specs
from webapp.services.living import worker_name

log = structlog.get_logger(__name__)


class ClaimLostError(Exception):
    """The evaluation was given to another worker, asked for anew or deleted meanwhile."""


def run_evaluation(evaluation_id: int) -> None:
    """Evaluate a queued evaluation to its end; nothing where it is not queued. What goes wrong stands in its row."""
    worker = worker_name()
    evaluation = claim_evaluation(evaluation_id, worker=worker)
    if evaluation is None:
        return
    try:
        _Judge.of(evaluation, worker).judge()
    except ClaimLostError:
        log.warning("an evaluation is somebody else's now, or was deleted", evaluation=evaluation_id)
    except ValueError as error:
        fail_evaluation(held_by(evaluation_id, worker), str(error) or type(error).__name__)
    except Exception as error:
        fail_evaluation(held_by(evaluation_id, worker), f"{type(error).__name__}: {error}")
        raise


@dataclass
class _Judge:
    """`members`: the images by their name in the data set. `labels`: the model's, then those it does not know."""

    evaluation: Evaluation
    worker: str
    members: Mapping[str, DatasetImage]
    labels: Sequence[Label]
    colors: list[LabelSpec]
    project_index: np.ndarray
    shown: np.ndarray = field(default_factory=lambda: np.zeros((1, 1, 3), np.uint8))
    truth: np.ndarray = field(default_factory=lambda: np.zeros((1, 1), np.uint8))
    label_pixels: dict[str, dict[str, list[int]]] = field(default_factory=dict)

    @classmethod
    def of(cls, evaluation: Evaluation, worker: str) -> _Judge:
        members = evaluation.dataset.dataset_images.filter(split=evaluation.split).select_related("annotation")
        return cls(
            evaluation=evaluation,
            worker=worker,
            members={member.name: member for member in members},
            labels=judged_labels(evaluation.model_version),
            colors=project_labels(evaluation.model_version.project_id),
            project_index=label_map(evaluation.model_version),
        )

    def judge(self) -> None:
        version = self.evaluation.model_version
        Evaluation.objects.filter(pk=self.evaluation.pk).update(image_count=len(self.members))
        segmenter = Segmenter(
            storage.fetch_folder(storage.model_folder(version.folder)), device=settings.PIXELWISE_DEVICE
        )
        pairs = dataset_pairs(self.evaluation.dataset, self.evaluation.split, self.labels)
        scores = evaluate(
            segmenter,
            [self._shown(pair) for pair in pairs],
            labels=label_specs(version, self.labels),
            min_region_px=version.project.min_region_px,
            slices=sources_by_name(self.evaluation.dataset, self.evaluation.split),
            on_mask=self._keep_mask,
        ).as_json()
        self._save(scores, str(segmenter.device))

    def _shown(self, pair: Pair) -> Pair:
        """The pair, whose picture and truth are remembered while its mask is awaited."""

        def read() -> tuple[np.ndarray, np.ndarray]:
            self.shown, self.truth = pair.read()
            return self.shown, self.truth

        return replace(pair, read=read)

    def _keep_mask(self, name: str, mask: np.ndarray) -> None:
        """Write the mask and its overlays, and say how far it is; the claim is renewed by that."""
        self.label_pixels[name] = pixels_by_label(self.labels, self.truth, mask)
        member, whole = self.members[name], self.project_index[mask]
        storage.write(storage.evaluation_mask_path(self.evaluation.pk, member.pk), mask_png(whole))
        self._write_overlay(storage.evaluation_overlay_path(self.evaluation.pk, member.pk), whole)
        truth = read_mask(storage.fetch(storage.annotation_path(member.annotation.mask_sha256)))
        self._write_overlay(storage.truth_overlay_path(member.pk), truth)
        held = held_by(self.evaluation.pk, self.worker).filter(done_count__lt=F("image_count"))
        if not held.update(lease_until=Now() + LEASE, done_count=F("done_count") + 1):
            raise ClaimLostError

    def _write_overlay(self, path: Path, mask: np.ndarray) -> None:
        rgb, small = shrunk(self.shown, mask)
        storage.write(path, thumbnail(overlay(rgb, small, self.colors), THUMBNAIL_PX))

    def _save(self, scores: dict[str, Any], device: str) -> None:
        images = scores.pop("images")
        with transaction.atomic():
            saved = held_by(self.evaluation.pk, self.worker).update(
                state=Evaluation.State.DONE,
                scores=scores,
                image_count=len(images),
                done_count=len(images),
                seconds_per_1000_images=1000 * scores["seconds_per_image"],
                device=device,
                error="",
                claimed_by="",
                lease_until=None,
                finished_at=timezone.now(),
            )
            if not saved:
                raise ClaimLostError
            EvaluatedImage.objects.filter(evaluation=self.evaluation).delete()
            EvaluatedImage.objects.bulk_create(
                EvaluatedImage(
                    evaluation=self.evaluation,
                    dataset_image=self.members[image["name"]],
                    is_defective=image["is_defective"],
                    fails=image["fails"],
                    largest_region_px=image["largest_region_px"],
                    mean_iou=image["mean_iou"],
                    label_pixels=self.label_pixels[image["name"]],
                )
                for image in images
            )


def pixels_by_label(labels: Sequence[Label], truth: np.ndarray, mask: np.ndarray) -> dict[str, list[int]]:
    """Label id → pixels marked rightly, marked wrongly and missed; labels that neither mask has are left out."""
    agreement = Agreement(confusion_counts(truth, mask, len(labels)))
    hits = np.diagonal(agreement.counts)
    counts = np.stack([hits, agreement.predicted_pixels - hits, agreement.truth_pixels - hits], axis=1)
    return {str(label.pk): row.tolist() for label, row in zip(labels, counts, strict=True) if row.any()}
