"""Reviews: a person confirms or overrules an image's verdict, or takes the word back."""

from __future__ import annotations

from django.db import connection, transaction

from webapp.actions.refused import Refused
from webapp.models import Image, Prediction, Review, User
from webapp.pipeline import rollups

REASON_LENGTH = 500

REASONS = (
    "Reflection or shadow, no defect",
    "Dirt or dust, no defect",
    "Within tolerance",
    "Defect the model did not find",
    "Larger than the model measured",
    "The image shows the wrong part",
)
"""What people often say; offered while they type."""


@transaction.atomic
def judge(
    *,
    image: Image,
    user: User | None,
    verdict: str,
    reason: str = "",
    prediction: Prediction | None = None,
    is_blind: bool = False,
) -> Review:
    """Confirm or overrule an image's verdict; it counts from now on, and the model's stays beside it.

    `prediction` is what the person saw, the current one without it. Whoever overrules it says why; `is_blind`:
    the person saw only the photo, so nothing was overruled. Refused without a verdict, a reason or a result.
    """
    if verdict not in Review.Verdict.values:
        raise Refused(f"A verdict is pass or fail, got {verdict[:40]!r}.", field="verdict")
    reason = " ".join(reason.split())
    if len(reason) > REASON_LENGTH:
        raise Refused(f"A reason has at most {REASON_LENGTH} characters, this one has {len(reason)}.", field="reason")
    done = _lock(image)
    seen = _seen(done, prediction)
    if seen.verdict != verdict and not reason and not is_blind:
        raise Refused(f"The model says {seen.verdict}. Say in a few words why it is a {verdict}.", field="reason")
    review = Review.objects.create(
        project_id=image.project_id,
        image=image,
        prediction=seen,
        model_verdict=seen.verdict or "",
        verdict=verdict,
        reason=reason,
        is_blind=is_blind,
        user=user,
    )
    _count_anew(image, done, verdict)
    return review


@transaction.atomic
def withdraw(*, image: Image, user: User | None) -> None:
    """Take the word on an image back, so that the model's verdict counts again. The history keeps both.

    Refused where no word of a person counts.
    """
    done = _lock(image)
    newest = standing_review(image)
    if newest is None:
        raise Refused("Nobody has judged this image, so there is nothing to take back.")
    Review.objects.create(
        project_id=image.project_id,
        image=image,
        prediction_id=newest.prediction_id,
        model_verdict=newest.model_verdict,
        verdict=newest.verdict,
        is_withdrawn=True,
        user=user,
    )
    _count_anew(image, done, None)


def standing_review(image: Image) -> Review | None:
    """The word that counts: an image's newest review, unless that one takes a word back."""
    newest = image.reviews.select_related("user").order_by("-pk").first()
    return newest if newest is not None and not newest.is_withdrawn else None


def lock_image(image: Image) -> None:
    """Hold the rule and the image still until the transaction ends, in the order that workers lock them in."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM project WHERE id = %s FOR KEY SHARE", [image.project_id])
    Image.objects.select_for_update(no_key=True).get(pk=image.pk)


def _lock(image: Image) -> list[Prediction]:
    """The image's results, locked after it."""
    lock_image(image)
    done = Prediction.objects.filter(image=image, state=Prediction.State.DONE, is_shadow=False)
    return list(done.order_by("pk").select_for_update(of=("self",), no_key=True))


def _seen(done: list[Prediction], prediction: Prediction | None) -> Prediction:
    wanted = [row for row in done if (row.is_current if prediction is None else row.pk == prediction.pk)]
    if not wanted:
        raise Refused("This image has no result yet. Judge it once it has been inspected.")
    return wanted[0]


def _count_anew(image: Image, done: list[Prediction], verdict: str | None) -> None:
    """Every result of the image is counted by the new word, those of earlier model versions too."""
    ids = [prediction.pk for prediction in done]
    rollups.subtract(ids)
    Image.objects.filter(pk=image.pk).update(reviewed_verdict=verdict)
    image.reviewed_verdict = verdict
    rollups.add(ids)
