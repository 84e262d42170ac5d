"""Every page as a person sees it: wide and on a phone, light and dark, full, empty and failing, as PNG files.

Not a test that CI runs; it says in report.json which pages scroll sideways on a phone and what axe-core objects to.

LOOKS=FOLDER [LOOKS_MODES="wide phone-dark"] .venv/bin/pytest -n 0 tests/browser/looks.py [-k full]
"""

from __future__ import annotations

import io
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page

from analytics import Scope
from tests.browser.factory import Factory
from tests.images import picture, png
from tests.trainings import drawn_dataset, learned, queued_training
from tests.views.test_outsider import PAGES
from webapp import storage
from webapp.actions.audits import draw_now
from webapp.actions.evaluations import evaluate_all
from webapp.actions.example import load_example
from webapp.actions.invitations import invite
from webapp.actions.model_versions import add_color_model
from webapp.actions.reports import ask_for_report
from webapp.actions.saved_views import save_view
from webapp.actions.tokens import create_token
from webapp.actions.upload import open_batch, upload_batch
from webapp.models import (
    AuditImage,
    Evaluation,
    Image,
    Membership,
    ModelImport,
    Notification,
    Project,
    ReportSchedule,
    Run,
    User,
)
from webapp.pipeline.evaluate_dataset import run_evaluation
from webapp.pipeline.reports import run_report
from webapp.pipeline.segment import segment_run

pytestmark = pytest.mark.django_db(transaction=True)

WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
MODES = [("wide", WIDE, "light"), ("wide-dark", WIDE, "dark"), ("phone", PHONE, "light"), ("phone-dark", PHONE, "dark")]
AXE = ("wide", "wide-dark")
CHOSEN = os.environ.get("LOOKS_MODES", "").split()
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
DAYS = int(os.environ.get("LOOKS_DAYS", "8"))


def draw(page: Page, url: str, addresses: dict[str, str], folder: Path) -> list[str]:
    """PNG files of each address in each mode; returns what is wrong, a line each."""
    folder.mkdir(parents=True, exist_ok=True)
    wrong = []
    for name, address in addresses.items():
        for mode, size, scheme in (one for one in MODES if not CHOSEN or one[0] in CHOSEN):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            answer = page.goto(url + address)
            page.wait_for_load_state("load")
            page.wait_for_timeout(300)
            page.screenshot(path=folder / f"{name}.{mode}.png", full_page=True)
            if answer is not None and answer.status >= 500:
                wrong.append(f"{name}: {answer.status}")
            if (over := page.evaluate(SIDEWAYS)) > 0:
                wrong.append(f"{name} {mode}: {over} px wider than the screen")
            if mode in AXE:
                found = Axe().run(page).response["violations"]
                wrong += [f"{name} {mode}: {one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]
    (folder / "report.json").write_text(json.dumps(wrong, indent=1, ensure_ascii=False))
    return wrong


@pytest.fixture
def folder() -> Path:
    if "LOOKS" not in os.environ:
        pytest.skip("LOOKS names the folder that the pictures go to")
    return Path(os.environ["LOOKS"])


def html_pages(client: Client, values: dict[str, Any]) -> dict[str, str]:
    """Addresses that answer with a whole page, by name."""
    found = {}
    for address in PAGES:
        if address.name in ("sign-out", "join") or set(address.parameters) - set(values):
            continue
        path = address.path(values)
        answer: Any = client.get(path)
        body = b"" if answer.streaming else answer.content
        answer.close()
        if answer.status_code == 200 and b"<html" in body:
            found[address.name] = path
    return found


def signed_in_page(browser: Browser, factory: Factory, settings: Any) -> Page:
    context = browser.new_context(viewport=WIDE)
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": factory.session_key, "url": factory.url}])
    return context.new_page()


def full(factory: Factory, settings: Any) -> dict[str, Any]:
    """The example project with everything that a project can have; parameters of its addresses."""
    settings.PIXELWISE_EXAMPLE_DAYS = DAYS
    alice, workspace = factory.alice, factory.project.workspace
    alice.is_superuser = True
    alice.save()
    project = load_example(user=alice, workspace=workspace)
    broken = [
        ("whole.png", png(picture())),
        ("cut.png", png(picture())[:60]),
        ("letter.docx", b"PK\x03\x04" + bytes(60)),
    ]
    batch = upload_batch(
        project=project, user=alice, name="Tuesday", files=[(name, io.BytesIO(content)) for name, content in broken]
    )
    segment_all()
    project.refresh_from_db()
    bob = User.objects.create_user("bob@example.com", name="Bob")
    membership = Membership.objects.create(workspace=workspace, user=bob)
    invitation, _ = invite(user=alice, workspace=workspace, role="member", email="carla@example.com")
    failed = Image.objects.filter(project=project, batch_images__batch__name__contains="Line 2").order_by("-pk")
    return {
        "slug": project.slug,
        "number": project.model_versions.get(number=1).number,
        "batch_id": project.batches.exclude(pk=batch.pk).order_by("-pk").values_list("pk", flat=True)[0],
        "image_id": failed.values_list("pk", flat=True)[0],
        "workspace_id": workspace.pk,
        "member_id": membership.pk,
        "invitation_id": invitation.pk,
        "broken_id": batch.pk,
        **_learned(project, alice),
        **_asked_for(project, alice),
    }


def _learned(project: Project, alice: User) -> dict[str, int]:
    """Data, versions, their evaluations, a training, a model on its way in; parameters of their addresses."""
    dataset = drawn_dataset(project, train=16, val=4, test=6)
    add_color_model(project=project, user=alice)
    evaluate_all(dataset=dataset, user=alice)
    for evaluation in Evaluation.objects.all():
        run_evaluation(evaluation.pk)
    training = queued_training(project, dataset, epochs=30)
    learned(training, 12, preview_names=["5.png"])
    for epoch in (None, *range(1, 13)):
        storage.write(storage.preview_path(training.pk, 0, epoch), png(picture(red=0.1, width=64, height=48)))
    import_ = ModelImport.objects.create(
        project=project, name="unet.zip", path="x.zip", state="asking",
        facts={"output_count": 2, "names": [], "summary": "U-Net with encoder resnet18. It takes colour pictures."},
    )  # fmt: skip
    return {"dataset_id": dataset.pk, "training_id": training.pk, "import_id": import_.pk}


def _asked_for(project: Project, alice: User) -> dict[str, int]:
    """An audit, reports, views and what else a person asks for; parameters of their addresses."""
    sample = draw_now(project=project, user=alice, day=timezone.localdate() - timedelta(days=DAYS - 2))
    report = ask_for_report(
        project=project, user=alice, kind="xlsx", grain="images", scope=Scope(project_id=project.pk, time_zone="UTC")
    )
    run_report(report.pk)
    schedule = ReportSchedule.objects.create(
        project=project, user=alice, name="Weekly", kind="pdf", every="week", next_at=timezone.now()
    )
    Notification.objects.create(
        user=alice,
        project=project,
        sentence="“Weekly” is no longer sent: Bob set it up and left. Switch it on again to go on.",
        url=reverse("reports", args=[project.slug]) + "#schedules",
    )
    save_view(project=project, user=alice, name="Line 2 only", page="dashboard", query="")
    create_token(user=alice, name="Camera PC")
    draft = project.draft_rules.create(name="Larger defects only", min_region_px=60)
    drawn = AuditImage.objects.filter(stratum__sample=sample).first()
    return {
        "report_id": report.pk,
        "schedule_id": schedule.pk,
        "draft_id": draft.pk,
        "sample_id": sample.pk,
        "drawn_id": drawn.pk if drawn else 0,
    }


def segment_all() -> None:
    """What the worker does."""
    for run in Run.objects.filter(state="running"):
        while segment_run(run.pk):
            pass


def test_full(browser: Browser, factory: Factory, settings: Any, folder: Path) -> None:
    values = full(factory, settings)
    client = Client()
    client.force_login(factory.alice)
    addresses = html_pages(client, values)
    slug = values["slug"]
    addresses["batch-broken"] = reverse("batch", args=[slug, values["broken_id"]])
    addresses["model-compare-two"] = reverse("model-compare", args=[slug]) + "?a=1&b=2"
    addresses["images-failed"] = reverse("images", args=[slug]) + "?verdict=fail"
    addresses["api-docs"] = "/api/docs"
    addresses["not-found"] = "/p/nothing-here/"
    (folder / "full").mkdir(parents=True, exist_ok=True)
    (folder / "full" / "addresses.json").write_text(json.dumps(addresses, indent=1))
    draw(signed_in_page(browser, factory, settings), factory.url, addresses, folder / "full")


def test_empty(browser: Browser, factory: Factory, settings: Any, folder: Path) -> None:
    """A new project, a batch on its way, a training that failed."""
    project = factory.project
    project.model_versions.exclude(pk=project.live_model_id).delete()
    batch = open_batch(project=project, user=factory.alice, name="On its way")
    training = queued_training(project, drawn_dataset(project))
    training.state, training.error = "failed", "The worker ran out of memory at the first epoch. Take smaller crops."
    training.finished_at = timezone.now()
    training.save()
    client = Client()
    client.force_login(factory.alice)
    values = {"slug": project.slug, "batch_id": batch.pk, "training_id": training.pk, "number": 1}
    draw(signed_in_page(browser, factory, settings), factory.url, html_pages(client, values), folder / "empty")


def test_signed_out(browser: Browser, factory: Factory, folder: Path) -> None:
    _, secret = invite(user=factory.alice, workspace=factory.project.workspace, role="member", email="c@example.com")
    pages = {"sign-in": "/sign-in", "join": f"/join/{secret}", "join-closed": "/join/nothing"}
    draw(browser.new_context().new_page(), factory.url, pages, folder / "signed-out")
