"""What a clock does: give back what dead workers held, and wake workers for what still waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import Exists, OuterRef
from django.utils import timezone

from webapp.models import Archive, Prediction, Run
from webapp.pipeline.added_files import Unpacking
from webapp.pipeline.audits import draw_due
from webapp.pipeline.broken_uploads import seal_broken_off
from webapp.pipeline.claims import requeue_lost
from webapp.pipeline.evaluation_claims import requeue_lost_evaluations, waiting_evaluations
from webapp.pipeline.export_dataset import waiting_exports
from webapp.pipeline.import_dataset import waiting_imports
from webapp.pipeline.intakes import waiting_intakes
from webapp.pipeline.left_archives import remove_left_archives
from webapp.pipeline.left_originals import remove_left_originals
from webapp.pipeline.model_exchange import waiting_model_exports, waiting_model_imports
from webapp.pipeline.partial_uploads import remove_expired_partials
from webapp.pipeline.queueing import finish_complete_runs
from webapp.pipeline.receive import unpacking_of
from webapp.pipeline.report_files import remove_old_reports
from webapp.pipeline.report_lease import requeue_lost_reports, waiting_reports
from webapp.pipeline.report_mail import waiting_mails
from webapp.pipeline.report_schedules import start_due
from webapp.pipeline.training_lease import requeue_lost_trainings, waiting_trainings
from webapp.services import space
from webapp.services.folder import remove_stale_temporaries
from webapp.stored_files import sweep_cache

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Waiting:
    """Ids of runs with queued images that no worker is at, of archives not unpacked yet with what does it, and of
    a training, an evaluation, an import and an export of a data set or a model that wait for a worker; of intakes whose
    next look is due; of reports to be written and to be sent.

    The next sweep finds anew what is not taken up before `expires_seconds`.
    """

    runs: list[int]
    archives: list[tuple[int, Unpacking]]
    trainings: list[int]
    evaluations: list[int]
    model_exports: list[int]
    model_imports: list[int]
    dataset_imports: list[int]
    dataset_exports: list[int]
    intakes: list[int]
    reports: list[int]
    report_mails: list[int]
    is_space_stale: bool
    expires_seconds: int


def _keep_house() -> None:
    """Whatever keeps one of these from its work, such as a bucket that is away, the others go on and work is woken."""
    now = timezone.now()
    steps: tuple[Callable[[], object], ...] = (
        requeue_lost,
        requeue_lost_trainings,
        requeue_lost_evaluations,
        requeue_lost_reports,
        partial(start_due, now),
        partial(remove_old_reports, now),
        partial(seal_broken_off, now),
        partial(remove_expired_partials, now),
        finish_complete_runs,
        draw_due,
        partial(remove_stale_temporaries, settings.PIXELWISE_DATA),
        remove_left_archives,
        remove_left_originals,
        sweep_cache,
    )
    for step in steps:
        try:
            step()
        except (InterfaceError, OperationalError):
            raise
        except Exception:
            log.exception("a part of the sweep failed", part=getattr(step, "func", step).__name__)


def sweep() -> Waiting:
    _keep_house()
    own = Prediction.objects.filter(run=OuterRef("pk"))
    runs = Run.objects.filter(
        Exists(own.filter(state=Prediction.State.QUEUED)),
        ~Exists(own.filter(state=Prediction.State.CLAIMED)),
        state=Run.State.RUNNING,
    )
    return Waiting(
        runs=list(runs.order_by("pk").values_list("pk", flat=True)),
        archives=[
            (archive.pk, unpacking_of(archive.batch, archive.kind))
            for archive in Archive.objects.select_related("batch").order_by("pk")
        ],
        trainings=waiting_trainings(),
        evaluations=waiting_evaluations(),
        model_exports=waiting_model_exports(),
        model_imports=waiting_model_imports(),
        dataset_imports=waiting_imports(),
        dataset_exports=waiting_exports(),
        intakes=waiting_intakes(),
        reports=waiting_reports(),
        report_mails=waiting_mails(timezone.now()),
        is_space_stale=space.is_stale(settings.PIXELWISE_DATA),
        expires_seconds=settings.PIXELWISE_SWEEP_SECONDS,
    )
