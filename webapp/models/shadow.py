"""What a version would change: a shadow run's verdicts beside those that count."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.models.images import Image
from webapp.models.judging import ShadowImage
from webapp.models.learning import ModelVersion
from webapp.models.projects import Project
from webapp.models.runs import Prediction, Run


@dataclass(frozen=True)
class ShadowPair:
    """One image under the version that counts and under the shadowed one; `after` is None until it is done."""

    image: Image
    before: Prediction
    after: Prediction | None

    @property
    def is_changed(self) -> bool:
        return self.after is not None and self.after.verdict != self.before.verdict


@dataclass(frozen=True)
class ShadowResult:
    """`image_count` images were asked for; those deleted meanwhile, or without a verdict, are not among them."""

    run: Run
    pairs: tuple[ShadowPair, ...]
    failed_count: int

    @property
    def image_count(self) -> int:
        return len(self.pairs)

    @property
    def compared(self) -> tuple[ShadowPair, ...]:
        return tuple(pair for pair in self.pairs if pair.after is not None)

    @property
    def changed(self) -> tuple[ShadowPair, ...]:
        """Largest change of the defect area first."""
        changed = [pair for pair in self.pairs if pair.is_changed]
        return tuple(sorted(changed, key=lambda pair: (-_area_change(pair), pair.image.pk)))

    @property
    def is_over(self) -> bool:
        return len(self.compared) + self.failed_count >= self.image_count

    @property
    def is_stopped(self) -> bool:
        return self.run.state == Run.State.CANCELLED

    @property
    def is_in_vain(self) -> bool:
        """Over without an image compared: all failed, or were deleted meanwhile."""
        return self.is_over and not self.compared

    @property
    def pass_count(self) -> int:
        """Images that pass today."""
        return sum(1 for pair in self.compared if pair.before.verdict == Prediction.Verdict.PASS)

    @property
    def fail_count(self) -> int:
        """Images that fail today."""
        return len(self.compared) - self.pass_count

    @property
    def pass_to_fail_count(self) -> int:
        return sum(1 for pair in self.changed if pair.before.verdict == Prediction.Verdict.PASS)

    @property
    def fail_to_pass_count(self) -> int:
        return len(self.changed) - self.pass_to_fail_count

    def as_json(self) -> dict[str, int]:
        """What a promotion keeps of it."""
        return {
            "run": self.run.pk,
            "image_count": len(self.compared),
            "failed_count": self.failed_count,
            "pass_count": self.pass_count,
            "fail_count": self.fail_count,
            "pass_to_fail": self.pass_to_fail_count,
            "fail_to_pass": self.fail_to_pass_count,
        }


def newest_judged(project: Project, *, count: int) -> list[int]:
    """Ids of the newest images by time of capture that have a verdict that counts."""
    judged = Image.objects.filter(project=project, predictions__is_current=True)
    return list(judged.order_by("-captured_at", "-pk").values_list("pk", flat=True)[:count])


def newest_shadow_run(model_version: ModelVersion) -> Run | None:
    return model_version.runs.filter(kind=Run.Kind.SHADOW).order_by("-pk").first()


def shadow_result(run: Run) -> ShadowResult:
    """The images of a shadow run with both results, newest first; three queries."""
    ids = ShadowImage.objects.filter(run=run).values("image")
    before = {
        row.image_id: row
        for row in Prediction.objects.filter(image__in=ids, is_current=True).select_related("image", "model_version")
    }
    asked = list(Prediction.objects.filter(image__in=ids, model_version=run.model_version_id))
    after = {row.image_id: row for row in asked if row.state == Prediction.State.DONE}
    ended = {row.image_id for row in asked if row.state in (Prediction.State.FAILED, Prediction.State.CANCELLED)}
    pairs = [ShadowPair(row.image, row, after.get(image_id)) for image_id, row in before.items()]
    pairs.sort(key=lambda pair: (pair.image.captured_at, pair.image.pk), reverse=True)
    return ShadowResult(run, tuple(pairs), failed_count=len(ended & set(before)))


def _area_change(pair: ShadowPair) -> float:
    if pair.after is None:
        return 0.0
    return abs((pair.after.defect_area_fraction or 0.0) - (pair.before.defect_area_fraction or 0.0))
