"""Tables, constraints and querysets. `visible_to(user)` is the only door to rows."""

from webapp.models.images import Archive, Batch, BatchImage, Image, SkippedFile
from webapp.models.learning import (
    Annotation,
    Dataset,
    DatasetImage,
    ModelLabel,
    ModelVersion,
    TrainingEpoch,
    TrainingRun,
)
from webapp.models.people import ApiToken, Invitation, Membership, User, Workspace
from webapp.models.progress import BatchProgress, batch_progress, batches_with_progress
from webapp.models.projects import Label, Project, Source
from webapp.models.runs import InspectionRollup, LabelRollup, Measurement, Prediction, Region, Run

__all__ = [
    "Annotation",
    "ApiToken",
    "Archive",
    "Batch",
    "BatchImage",
    "BatchProgress",
    "Dataset",
    "DatasetImage",
    "Image",
    "InspectionRollup",
    "Invitation",
    "Label",
    "LabelRollup",
    "Measurement",
    "Membership",
    "ModelLabel",
    "ModelVersion",
    "Prediction",
    "Project",
    "Region",
    "Run",
    "SkippedFile",
    "Source",
    "TrainingEpoch",
    "TrainingRun",
    "User",
    "Workspace",
    "batch_progress",
    "batches_with_progress",
]
