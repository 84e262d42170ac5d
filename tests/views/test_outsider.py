"""Every address there is, asked by charlie and by a stranger with alice's ids: nothing of hers comes out or changes.

A new address needs an entry in one of the sets below; without one, test_every_address_has_an_entry fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pytest
from django.apps import apps
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from segmentation.masks import mask_png
from tests.cast import signed_in
from tests.images import picture, png
from tests.inspections import NOON, Plant, build_plant
from webapp import storage
from webapp.actions.invitations import invite
from webapp.actions.tokens import create_token
from webapp.models import (
    Annotation,
    AuditImage,
    AuditSample,
    AuditStratum,
    Dataset,
    DatasetExport,
    DatasetImage,
    EvaluatedImage,
    Evaluation,
    Image,
    Intake,
    Membership,
    ModelImport,
    Notification,
    Prediction,
    Report,
    ReportSchedule,
    SeenFile,
    User,
    Workspace,
)

OPEN = {"sign-in", "sign-out", "healthz", "join", "metrics", "status"}
"""Anyone may ask; the last two are refused to all but the bearer of a token and the administrator."""

OWN = {
    "home",
    "account",
    "account-password",
    "token-new",
    "people",
    "workspace-new",
    "project-new",
    "notifications",
    "notifications-read",
}
"""Shows and changes only what is the asker's own."""

PRIVATE = {
    "token-revoke",
    *("workspace", "workspace-rename", "invitation-new", "invitation-revoke", "member-role", "member-remove"),
    *("ledger", "ledger-new", "ledger-revoke"),
    *("dashboard-area", "dashboard-place", "dashboard-zones", "dashboard-sources"),
    *("zones", "zone-new", "zone-rename", "zone-remove"),
    *("dashboard-drift", "dashboard-growth", "dashboard-people"),
    *("dashboard", "report", "view-save", "view-delete"),
    *("reports", "reports-status", "reports-matching", "report-ask", "report-file", "report-cancel", "report-remove"),
    *("schedule-new", "schedule-switch", "schedule-recipients", "schedule-send", "schedule-delete"),
    "notification-open",
    *("project-settings", "project-rule", "project-privacy", "project-labels", "label-new", "label-remove"),
    *("project-sources", "source-new", "source-remove", "project-delete"),
    *("models", "model-board", "model-starter", "model-colors", "model-card", "model-live", "model-licence"),
    *("evaluations-start", "evaluation-start", "model-compare", "evaluated-overlay", "evaluated-truth"),
    *("model-promote", "model-promote-status", "model-shadow", "model-shadow-stop"),
    *("model-export", "model-backend", "model-download", "model-import", "model-import-labels"),
    *("data-sets", "data-status", "data-upload", "data-freeze", "data-dismiss", "data-import-labels"),
    *("data-set", "data-delete", "data-pack", "data-packed", "data-preview"),
    *("training-new", "training-advice", "training-examples", "training", "training-status", "training-preview"),
    *("training-cancel", "training-retry", "training-delete"),
    *("batches", "batch-new", "batch-open", "batch", "batch-manifest", "batch-files", "batch-seal"),
    *("batch-uploads", "batch-upload"),
    *("batch-progress", "batch-status", "batch-images", "batch-run", "batch-cancel", "batch-retry"),
    *("batch-finish", "batch-rename", "batch-delete"),
    *("intakes", "intakes-status", "intake-files", "intake-folder-new", "intake-bucket-new"),
    *("intake-switch", "intake-look", "intake-key", "intake-remove"),
    *("images", "images-more", "image", "image-state", "image-judge", "image-withdraw"),
    *("audit", "audit-draw", "audit-count", "audit-judge", "audit-undo"),
    *("dashboard-what-if", "draft-save", "draft-delete"),
    *("image-original", "image-view", "image-thumbnail", "prediction-mask", "prediction-overlay"),
}
"""404 for whoever does not share the workspace, and the sign-in page for the signed-out."""

HIDDEN = (
    "The plant",
    "Acme",
    "alice@example.com",
    "Night shift",
    "Night door",
    "part-secret",
    "Nightly token",
    "newcomer@",
)
"""Names of alice's that no answer to an outsider may contain."""


@dataclass(frozen=True)
class Address:
    """`route` with its parameters still in it, as Django writes it."""

    name: str
    route: str

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"<(?:\w+:)?(\w+)>", self.route)

    def path(self, values: dict[str, Any]) -> str:
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found[1]]), self.route)


def walk(patterns: list[Any], prefix: str = "") -> Iterator[Address]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield Address(pattern.name or "", route)


ADDRESSES = list(walk(get_resolver().url_patterns))
PAGES = [address for address in ADDRESSES if not address.route.startswith("api/")]
API = [address for address in ADDRESSES if address.route.startswith("api/")]


@pytest.fixture
def plant(alice: User, acme: Workspace) -> Plant:
    """A project with one segmented image, with its files."""
    plant = build_plant(acme)
    plant.batch.name = "Night shift"
    plant.batch.save()
    image = plant.image({"scratch": [60]}, source=plant.line_1, name="part-secret.png")
    files = (storage.original_path(image.sha256), storage.thumbnail_path(image.sha256))
    prediction = image.predictions.get()
    for path in (*files, storage.mask_path(prediction.pk), storage.overlay_path(prediction.pk)):
        storage.write(path, png(picture()))
    storage.write(storage.model_folder(plant.model_version.folder) / "card.md", b"# The plant's model")
    return plant.count_up()


@pytest.fixture
def hers(plant: Plant, alice: User, bob: User, acme: Workspace) -> dict[str, Any]:
    """Parameters of addresses, all of them of things that alice owns."""
    token, _ = create_token(user=alice, name="Nightly token")
    dataset = plant.project.datasets.create(name="part-secret set", checksum="0" * 64)
    training_run = plant.project.training_runs.create(dataset=dataset, architecture="unet", minutes=15)
    storage.write(storage.preview_path(training_run.pk, 0, 1), b"part-secret")
    drawn = drawn_image(plant)
    invitation, _ = invite(user=alice, workspace=acme, role="admin", email="newcomer@example.com")
    return {
        "slug": plant.project.slug,
        "grain": "images",
        "number": plant.model_version.number,
        "model_id": plant.model_version.pk,
        "label_id": plant.labels["pit"].pk,
        "source_id": plant.line_2.pk,
        "zone_id": plant.line_2.zones.create(name="Night door", shape=((0, 0), (1, 0), (1, 1))).pk,
        "batch_id": plant.batch.pk,
        "run_id": plant.batch.runs.get().pk,
        "image_id": Image.objects.get().pk,
        "sha256": Image.objects.get().sha256,
        "prediction_id": Prediction.objects.get().pk,
        "sample_id": drawn.stratum.sample_id,
        "drawn_id": drawn.pk,
        "draft_id": plant.project.draft_rules.create(name="part-secret draft", min_region_px=9).pk,
        "evaluated_id": evaluated(plant).pk,
        "dataset_id": downloadable(plant).pk,
        "dataset_import_id": plant.project.dataset_imports.create(name="part-secret on its way").pk,
        "format": "voc",
        "import_id": ModelImport.objects.create(project=plant.project, name="newcomer@model.zip", path="x.zip").pk,
        "workspace_id": acme.pk,
        "member_id": Membership.objects.get(user=bob).pk,
        "training_id": training_run.pk,
        "place": 0,
        "epoch": 1,
        "invitation_id": invitation.pk,
        "token_id": token.pk,
        "report_id": written_report(plant, alice).pk,
        "schedule_id": schedule(plant, alice).pk,
        "notification_id": Notification.objects.create(user=alice, sentence="Night shift is ready").pk,
        "view_id": plant.project.saved_views.create(user=alice, name="Night shift", page="dashboard").pk,
        "secret": "not-the-secret-of-any-invitation",
        "intake_id": watched(plant).pk,
    }


def drawn_image(plant: Plant) -> AuditImage:
    """An image that a blind audit has drawn."""
    sample = AuditSample.objects.create(project=plant.project, week=date(2026, 5, 11), seed=1)
    stratum = AuditStratum.objects.create(sample=sample, source=plant.line_1, passed_count=1)
    return AuditImage.objects.create(stratum=stratum, image=Image.objects.get(), prediction=Prediction.objects.get())


def written_report(plant: Plant, alice: User) -> Report:
    storage.write(storage.report_path("1.csv"), b"part-secret")
    return Report.objects.create(
        project=plant.project,
        user=alice,
        kind="csv",
        grain="images",
        state="done",
        path="1.csv",
        filename="a.csv",
        size_bytes=9,
        row_count=1,
        sha256="0" * 64,
        finished_at=NOON,
    )


def watched(plant: Plant) -> Intake:
    """A folder that is watched, with a file that was refused."""
    intake = Intake.objects.create(project=plant.project, kind="folder", folder="/srv/part-secret")
    SeenFile.objects.create(
        intake=intake,
        path="part-secret.txt",
        version="9-1",
        size_bytes=9,
        modified_at=NOON,
        seen_at=NOON,
        state="rejected",
        reason="is not an image",
        ended_at=NOON,
    )
    return intake


def schedule(plant: Plant, alice: User) -> ReportSchedule:
    return ReportSchedule.objects.create(
        project=plant.project, user=alice, name="Night shift", kind="pdf", every="week", next_at=NOON
    )


def evaluated(plant: Plant) -> EvaluatedImage:
    """An image of a data set that a version has judged, with its files."""
    annotation = Annotation.objects.create(image=Image.objects.get(), mask_sha256="1" * 64)
    dataset = Dataset.objects.create(project=plant.project, name="Held out", checksum="2" * 64)
    member = DatasetImage.objects.create(dataset=dataset, annotation=annotation, name="part-secret.png", split="test")
    evaluation = Evaluation.objects.create(model_version=plant.model_version, dataset=dataset, split="test")
    for path in (storage.evaluation_overlay_path(evaluation.pk, member.pk), storage.truth_overlay_path(member.pk)):
        storage.write(path, png(picture()))
    return EvaluatedImage.objects.create(
        evaluation=evaluation, dataset_image=member, is_defective=True, fails=True, largest_region_px=60
    )


def downloadable(plant: Plant) -> Dataset:
    """A data set with a training image that examples are drawn of, packed as VOC."""
    annotation = Annotation.objects.create(image=Image.objects.get(), mask_sha256="3" * 64)
    storage.write(storage.annotation_path(annotation.mask_sha256), mask_png(np.zeros((50, 100), np.uint8)))
    dataset = Dataset.objects.create(
        project=plant.project, name="part-secret labelled", checksum="4" * 64, preview_name="part-secret"
    )
    DatasetImage.objects.create(dataset=dataset, annotation=annotation, name="part-secret", split="train")
    export = DatasetExport.objects.create(dataset=dataset, format="voc", state="done", size_bytes=9)
    storage.write(storage.dataset_export_path(export.pk), b"part-secret")
    return dataset


@pytest.fixture
def his(charlie: User) -> dict[str, Any]:
    """charlie's own place, to reach into alice's from."""
    workspace = charlie.workspaces.get()
    return {"slug": build_plant(workspace, "elsewhere").project.slug, "workspace_id": workspace.pk}


def every_row() -> dict[str, list[dict[str, Any]]]:
    models = apps.get_app_config("webapp").get_models()
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


def body(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(content.decode(errors="replace"))


def sent(hers: dict[str, Any]) -> dict[str, Any]:
    """One form for every POST: it holds what some of them need to do their work."""
    return {"model_version": hers["model_id"], "role": "member", "name": "Mine now"}


def both(client: Client, path: str, form: dict[str, Any], **headers: str) -> list[Any]:
    """The answers to GET and to POST."""
    return [client.get(path, headers=headers), client.post(path, form, headers=headers)]


def assert_nothing_of_hers(address: Address, answers: list[Any]) -> None:
    for answer in answers:
        told = [name for name in HIDDEN if name in body(answer) or name in str(answer.headers)]
        assert told == [], f"{address.name or address.route} tells {told}"


def test_every_address_has_an_entry() -> None:
    names = {address.name for address in PAGES}
    assert names == OPEN | OWN | PRIVATE
    assert not (OPEN & OWN | OWN & PRIVATE | OPEN & PRIVATE)
    assert len(API) > 10


def test_charlie_finds_nothing(hers: dict[str, Any], charlie: User) -> None:
    client = signed_in(charlie)
    before = every_row()
    for address in PAGES:
        answers = [client.get(address.path(hers))]
        if address.name in PRIVATE:
            answers.append(client.post(address.path(hers), sent(hers)))
        assert_nothing_of_hers(address, answers)
        if address.name in PRIVATE:
            assert {answer.status_code for answer in answers} <= {404, 405}, address.name
            assert 404 in {answer.status_code for answer in answers}, address.name
    assert every_row() == before


def test_charlie_reaches_nothing_through_a_place_of_his_own(
    hers: dict[str, Any], his: dict[str, Any], charlie: User
) -> None:
    client = signed_in(charlie)
    before = every_row()
    mixed = [one for one in PAGES if set(one.parameters) - {"slug", "workspace_id", "grain", "number", "secret"}]
    assert len(mixed) > 15
    for address in mixed:
        answers = both(client, address.path(hers | his), sent(hers))
        assert_nothing_of_hers(address, answers)
        assert {answer.status_code for answer in answers} <= {404, 405}, address.name
    assert every_row() == before


def test_stranger_is_sent_to_sign_in(hers: dict[str, Any]) -> None:
    before = every_row()
    for address in PAGES:
        path = address.path(hers)
        answers = both(Client(), path, sent(hers))
        assert_nothing_of_hers(address, answers)
        if address.name not in OPEN:
            for answer in answers:
                assert answer.status_code == 302, address.name
                assert answer["Location"].startswith("/sign-in?next=/"), address.name
            script = Client().get(path, headers={"Accept": "application/json"})
            assert script.status_code == 401, address.name
    assert every_row() == before


def test_api_opens_neither_to_strangers_nor_to_sessions_nor_to_charlie(hers: dict[str, Any], charlie: User) -> None:
    _, secret = create_token(user=charlie, name="his")
    before = every_row()
    for address in API:
        path = address.path(hers)
        answers = both(Client(), path, sent(hers)) + both(signed_in(charlie), path, sent(hers))
        with_token = both(Client(), path, sent(hers), Authorization=f"Bearer {secret}")
        assert_nothing_of_hers(address, answers + with_token)
        if path.startswith("/api/v1/"):
            assert {answer.status_code for answer in answers} <= {400, 401, 405, 422}, address.route
    after = every_row()
    for unsteady in ("ApiToken", "User"):
        before.pop(unsteady)
        after.pop(unsteady)
    assert after == before


def test_alice_finds_what_the_others_did_not(hers: dict[str, Any], alice: User) -> None:
    """Or the walks above would prove nothing."""
    client = signed_in(alice)
    told: set[str] = set()
    for address in PAGES:
        if address.name not in PRIVATE:
            continue
        for method, form in ((client.get, {}), (client.post, sent(hers))):
            with transaction.atomic():
                answer = method(address.path(hers), form)
                told |= {name for name in HIDDEN if name in body(answer)}
                assert answer.status_code != 404, address.name
                transaction.set_rollback(True)
    told |= {name for name in HIDDEN if name in body(client.get("/account"))}
    assert told == set(HIDDEN)
