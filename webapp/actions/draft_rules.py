"""Draft rules: a rule that somebody tried on stored numbers and kept. Nothing is judged by it."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from webapp.actions.refused import Refused
from webapp.models import DraftRule, Project, User

NAME_LENGTH = 80
MOST_DRAFTS = 50


@transaction.atomic
def save_draft(
    *,
    project: Project,
    user: User | None,
    name: str,
    min_region_px: int | None = None,
    label_limits: Mapping[int, int] | None = None,
    min_confidence: float | None = None,
    query: str = "",
    replayed: Mapping[str, str] | None = None,
) -> DraftRule:
    """Keep a rule with what it did to the scope of `query`. `label_limits`: label id → px.

    Refused without a name, for a rule that changes nothing, and for more drafts than a page can hold.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        raise Refused(f"A draft's name has 1 to {NAME_LENGTH} characters, this one has {len(name)}.", field="name")
    if min_region_px is None and not label_limits and not min_confidence:
        raise Refused("This is the rule in force. Move the limit or the confidence first.")
    if project.draft_rules.count() >= MOST_DRAFTS:
        raise Refused(f"The project has {MOST_DRAFTS} draft rules already. Delete one first.")
    return DraftRule.objects.create(
        project=project,
        user=user,
        name=name,
        min_region_px=min_region_px,
        label_limits={str(label): limit for label, limit in (label_limits or {}).items()},
        min_confidence=min_confidence or None,
        query=query,
        replayed=dict(replayed or {}),
    )


def delete_draft(*, draft: DraftRule, user: User | None) -> None:
    draft.delete()
