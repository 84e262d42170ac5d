"""Evaluations: ask for the scores of model versions on images kept apart. A worker finds them; needs no torch here."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from webapp.actions.refused import Refused
from webapp.models import Dataset, Evaluation, ModelVersion, User
from webapp.models.leaderboard import holdout
from webapp.tasks import count_disagreement, evaluate, queue_on_commit


@transaction.atomic
def start_evaluation(*, model_version: ModelVersion, dataset: Dataset, user: User | None) -> Evaluation:
    """Judge a version on the data set's hold-out; anew where it was done before under another rule.

    One that goes on already is left alone. Refused where no image was kept apart; ValueError where the data set
    is another project's.
    """
    if dataset.project_id != model_version.project_id:
        raise ValueError(f"data set {dataset} belongs to another project than {model_version}")
    split = holdout(dataset).split
    if split is None:
        raise Refused(
            f"{dataset.name} has no test or validation images, so no version can be judged on it fairly. "
            "Import it with a split."
        )
    evaluation, is_new = Evaluation.objects.select_for_update().get_or_create(
        model_version=model_version, dataset=dataset, split=split, defaults={"created_by": user}
    )
    if not is_new and evaluation.is_going_on:
        return evaluation
    Evaluation.objects.filter(pk=evaluation.pk).update(
        state=Evaluation.State.QUEUED, error="", attempts_count=0, done_count=0, claimed_by="", lease_until=None
    )
    evaluation.refresh_from_db()
    queue_on_commit(evaluate, evaluation.pk)
    return evaluation


@transaction.atomic
def evaluate_all(*, dataset: Dataset, user: User | None) -> list[Evaluation]:
    """Judge every version of the project that has no scores on this data set yet; returns what was started."""
    split = holdout(dataset).split
    known = Evaluation.objects.filter(dataset=dataset, split=split).exclude(state=Evaluation.State.FAILED)
    missing = ModelVersion.objects.filter(project=dataset.project_id).exclude(pk__in=known.values("model_version"))
    return [start_evaluation(model_version=version, dataset=dataset, user=user) for version in missing]


def ask_for_disagreement(one: Evaluation, other: Evaluation) -> None:
    """Have a worker compare the masks of two finished evaluations, unless that was done."""
    transaction.on_commit(partial(count_disagreement.delay, one.pk, other.pk), robust=True)
