"""Events: somebody changed what a project's numbers mean. Trends carry a marker for each."""

from __future__ import annotations

from webapp.models import Project, ProjectEvent, Source, User

SENTENCE_LENGTH = 300


def record(
    *, project: Project, kind: str, sentence: str, user: User | None, source: Source | None = None
) -> ProjectEvent:
    """Keep that something changed just now; call it in the transaction that changes it.

    `sentence` says from what to what, in a person's words. ValueError for an unknown kind.
    """
    if kind not in ProjectEvent.Kind.values:
        raise ValueError(f"expected one of {', '.join(ProjectEvent.Kind.values)}, got {kind!r}")
    if len(sentence) > SENTENCE_LENGTH:
        sentence = sentence[: SENTENCE_LENGTH - 1].rstrip() + "…"
    return ProjectEvent.objects.create(project=project, kind=kind, sentence=sentence, user=user, source=source)
