"""What people say of an image's verdict: confirm, overrule, take back, and everything said so far."""

from __future__ import annotations

from ninja import Router

from webapp.actions import reviews
from webapp.api.auth import ApiRequest
from webapp.api.images import show_image, visible_image
from webapp.api.schemas.errors import answers
from webapp.api.schemas.images import ImageOut, ReviewIn, ReviewRow

router = Router()

WRITE_ERRORS = (400, 401, 403, 404, 422)


@router.get("/images/{int:image_id}/reviews", response=answers(list[ReviewRow]))
def list_reviews(request: ApiRequest, image_id: int) -> list[ReviewRow]:
    """Everything that people said of an image, newest first; words that were taken back too."""
    image = visible_image(request.auth, image_id)
    return [ReviewRow.of_row(row) for row in image.reviews.select_related("user").order_by("-pk")]


@router.post("/images/{int:image_id}/reviews", response=answers(ImageOut, errors=WRITE_ERRORS))
def judge_image(request: ApiRequest, image_id: int, payload: ReviewIn) -> ImageOut:
    """Confirm or overrule the verdict of an image. It counts from now on; the model's stays beside it."""
    image = visible_image(request.auth, image_id)
    reviews.judge(image=image, user=request.auth, verdict=payload.verdict, reason=payload.reason)
    return show_image(request, image_id)


@router.post("/images/{int:image_id}/reviews/withdraw", response=answers(ImageOut, errors=WRITE_ERRORS))
def withdraw_review(request: ApiRequest, image_id: int) -> ImageOut:
    """Take the word on an image back: the model's verdict counts again."""
    image = visible_image(request.auth, image_id)
    reviews.withdraw(image=image, user=request.auth)
    return show_image(request, image_id)
