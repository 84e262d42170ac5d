"""A project whose drawn pictures go through the worker's own code."""

from __future__ import annotations

import io
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from django.conf import settings

from segmentation.pictures import read_rgb
from segmentation.scenes import SCENE_LABELS, draw_scene
from webapp import storage
from webapp.actions.upload import upload_batch
from webapp.models import Label, ModelVersion, Prediction, Project, Run, Workspace
from webapp.pipeline import rollups
from webapp.pipeline.registering import put_live, register_model
from webapp.pipeline.segment import backend_of, loaded_segmenter, segment_run

Picture = npt.NDArray[np.uint8]
_SCENES = 32


class Line:
    """One project, one live model version at a time."""

    def __init__(self) -> None:
        settings.PIXELWISE_DEVICE = "cpu"
        workspace = Workspace.objects.create(name="Bench")
        self.project = Project.objects.create(workspace=workspace, name="Bench", slug="bench")
        for label in SCENE_LABELS:
            Label.objects.create(
                project=self.project,
                index=label.index,
                name=label.name,
                color=label.color.lower(),
                is_defect=label.is_defect,
            )
        self._numbers = count()
        self._jpegs = [_drawn(number) for number in range(_SCENES)]

    def use(self, folder: Path) -> None:
        """Make the model of this folder the live one, and load it as a worker does."""
        self.model_version: ModelVersion = register_model(
            project=self.project, user=None, folder=folder, origin="imported"
        )
        put_live(self.model_version, user=None)
        self._segmenter = loaded_segmenter(self.model_version.folder, "cpu", backend_of(self.model_version))

    def pictures(self, images: int) -> list[Picture]:
        with storage.temporary_file() as file:
            return [read_rgb(_written(Path(file.name), self._jpegs[number % _SCENES])) for number in range(images)]

    def bare(self, rgbs: list[Picture]) -> None:
        for rgb in rgbs:
            self._segmenter.segment([rgb])

    def uploaded(self, images: int) -> Run:
        """A run over new images: the drawn pictures, each with a remark of its own in the file."""
        numbers = [next(self._numbers) for _ in range(images)]
        files = [
            (f"{number}.jpg", io.BytesIO(_with_remark(self._jpegs[place % _SCENES], f"{number:08d}")))
            for place, number in enumerate(numbers)
        ]
        return upload_batch(project=self.project, user=None, files=files).runs.get()

    def segment(self, run: Run) -> None:
        """As a worker does it, until nothing waits."""
        while segment_run(run.pk):
            pass

    def check(self) -> None:
        """Every image that was measured here ended done, with its files, and is counted."""
        predictions = Prediction.objects.filter(project=self.project, state=Prediction.State.DONE)
        done = list(predictions.values_list("pk", "image__sha256"))
        if len(done) != next(self._numbers):
            raise RuntimeError(f"only {len(done)} images were done")
        for pk, sha256 in done:
            for path in (storage.mask_path(pk), storage.overlay_path(pk), storage.thumbnail_path(sha256)):
                if not path.stat().st_size:
                    raise RuntimeError(f"{path} is empty")
        if wrong := rollups.differences(self.project.pk):
            raise RuntimeError(f"{len(wrong)} roll-up rows are wrong, the first: {wrong[0]}")


def _drawn(number: int) -> bytes:
    scene = draw_scene(np.random.default_rng(number))
    done, jpeg = cv2.imencode(".jpg", scene.rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not done:
        raise RuntimeError("a scene could not be written as JPEG")
    return jpeg.tobytes()


def _with_remark(jpeg: bytes, remark: str) -> bytes:
    """The same picture in a file of another hash: a comment segment after the first marker (ITU-T T.81, B.2.4.5)."""
    return jpeg[:2] + b"\xff\xfe" + (len(remark) + 2).to_bytes(2) + remark.encode() + jpeg[2:]


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
