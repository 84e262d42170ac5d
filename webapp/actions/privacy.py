"""Whether people in videos are blurred before anything is stored, and what finds them."""

from __future__ import annotations

from webapp.actions.refused import Refused
from webapp.models import Batch, Project, User

NOBODY_FINDS = (
    "People cannot be blurred yet: no label of the live model is marked as people. Mark the label under Settings → "
    "Labels, and let a model that knows it go live."
)


def finds_people(project: Project) -> bool:
    """Whether the live model has a label that is marked as people."""
    return bool(people_labels(project))


def people_labels(project: Project) -> list[str]:
    """Names of the live model's labels that are marked as people."""
    live = project.live_model
    if live is None:
        return []
    people = live.model_labels.filter(label__is_person=True).order_by("index")
    return list(people.values_list("label__name", flat=True))


def blur_of(*, project: Project, blur_people: bool | None) -> str:
    """A new batch's `blur`. Refused where somebody asks for it and nothing could find people.

    Where nobody said, as the project has it: photos go their way, and a video is refused if nothing finds people then.
    """
    if blur_people and not finds_people(project):
        raise Refused(NOBODY_FINDS, field="blur_people")
    wanted = project.blur_people if blur_people is None else blur_people
    return Batch.Blur.MODEL if wanted else Batch.Blur.NONE


def change_privacy(*, project: Project, user: User | None, blur_people: bool) -> None:
    """What new batches start with. Batches that are there keep what they were opened with.

    Refused where nothing could find people: every upload would be refused.
    """
    if blur_people and not finds_people(project):
        raise Refused(NOBODY_FINDS, field="blur_people")
    Project.objects.filter(pk=project.pk).update(blur_people=blur_people)
    project.blur_people = blur_people
