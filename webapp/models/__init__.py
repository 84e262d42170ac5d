"""Tables, constraints and querysets. `visible_to(user)` is the only door to rows."""

from webapp.models.dataset_files import DatasetExport, DatasetImport
from webapp.models.exchange import ModelExport, ModelImport
from webapp.models.images import Archive, Batch, BatchImage, Image, SkippedFile
from webapp.models.judging import EvaluatedImage, Evaluation, Promotion, ShadowImage
from webapp.models.learning import (
    Annotation,
    Dataset,
    DatasetImage,
    ModelLabel,
    ModelVersion,
)
from webapp.models.people import ApiToken, Invitation, Membership, User, Workspace
from webapp.models.progress import BatchProgress, batch_progress, batches_with_progress
from webapp.models.projects import Label, Project, Source
from webapp.models.runs import InspectionRollup, LabelRollup, Measurement, Prediction, Region, Run
from webapp.models.trainings import TrainingEpoch, TrainingRun

__all__ = [
    "Annotation",
    "ApiToken",
    "Archive",
    "Batch",
    "BatchImage",
    "BatchProgress",
    "Dataset",
    "DatasetExport",
    "DatasetImage",
    "DatasetImport",
    "EvaluatedImage",
    "Evaluation",
    "Image",
    "InspectionRollup",
    "Invitation",
    "Label",
    "LabelRollup",
    "Measurement",
    "Membership",
    "ModelExport",
    "ModelImport",
    "ModelLabel",
    "ModelVersion",
    "Prediction",
    "Project",
    "Promotion",
    "Region",
    "Run",
    "ShadowImage",
    "SkippedFile",
    "Source",
    "TrainingEpoch",
    "TrainingRun",
    "User",
    "Workspace",
    "batch_progress",
    "batches_with_progress",
]
