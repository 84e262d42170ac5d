"""Tables, constraints and querysets. `visible_to(user)` is the only door to rows."""

from webapp.models.arrivals import AnnouncedFile, ArrivedFile, PartialUpload
from webapp.models.dataset_files import DatasetExport, DatasetImport
from webapp.models.exchange import ModelExport, ModelImport
from webapp.models.images import Archive, Batch, BatchImage, Image, SkippedFile
from webapp.models.intakes import Intake, SeenFile
from webapp.models.judging import EvaluatedImage, Evaluation, Promotion, ShadowImage
from webapp.models.kept import DraftRule, ProjectEvent, SavedView
from webapp.models.learning import (
    Annotation,
    Dataset,
    DatasetImage,
    ModelLabel,
    ModelVersion,
)
from webapp.models.ledger import LedgerReader
from webapp.models.people import ApiToken, Invitation, Membership, User, Workspace
from webapp.models.progress import BatchProgress, batch_progress, batches_with_progress
from webapp.models.projects import Label, Project, Source
from webapp.models.reports import Notification, Report, ReportKind, ReportSchedule
from webapp.models.reviews import AuditImage, AuditSample, AuditStratum, Review
from webapp.models.rollups import (
    InspectionDay,
    InspectionDayTotal,
    InspectionMonth,
    InspectionRollup,
    InspectionRollupTotal,
    LabelDay,
    LabelDayTotal,
    LabelMonth,
    LabelRollup,
    LabelRollupTotal,
    RollupZone,
    SpreadRollup,
)
from webapp.models.runs import Measurement, Prediction, Region, Run
from webapp.models.trainings import TrainingEpoch, TrainingRun
from webapp.models.zones import Zone

__all__ = [
    "Annotation",
    "AnnouncedFile",
    "ApiToken",
    "Archive",
    "ArrivedFile",
    "AuditImage",
    "AuditSample",
    "AuditStratum",
    "Batch",
    "BatchImage",
    "BatchProgress",
    "Dataset",
    "DatasetExport",
    "DatasetImage",
    "DatasetImport",
    "DraftRule",
    "EvaluatedImage",
    "Evaluation",
    "Image",
    "InspectionDay",
    "InspectionDayTotal",
    "InspectionMonth",
    "InspectionRollup",
    "InspectionRollupTotal",
    "Intake",
    "Invitation",
    "Label",
    "LabelDay",
    "LabelDayTotal",
    "LabelMonth",
    "LabelRollup",
    "LabelRollupTotal",
    "LedgerReader",
    "Measurement",
    "Membership",
    "ModelExport",
    "ModelImport",
    "ModelLabel",
    "ModelVersion",
    "Notification",
    "PartialUpload",
    "Prediction",
    "Project",
    "ProjectEvent",
    "Promotion",
    "Region",
    "Report",
    "ReportKind",
    "ReportSchedule",
    "Review",
    "RollupZone",
    "Run",
    "SavedView",
    "SeenFile",
    "ShadowImage",
    "SkippedFile",
    "Source",
    "SpreadRollup",
    "TrainingEpoch",
    "TrainingRun",
    "User",
    "Workspace",
    "Zone",
    "batch_progress",
    "batches_with_progress",
]
