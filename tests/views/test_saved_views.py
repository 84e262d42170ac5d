"""Saved views: kept with their filters, shared or not, refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.views.visit import Visit, start_visit
from webapp.models import Membership, SavedView, User


@pytest.fixture
def visit(db: None, settings: Any, tmp_path: Path) -> Visit:
    return start_visit(settings, tmp_path)


def save(visit: Visit, **form: str) -> str:
    sent = {"name": "Last week", "page": "dashboard", "query": "from=2026-05-12&by=day"} | form
    answer = visit.client.post(visit.address("view-save"), sent, follow=True)
    assert answer.status_code in (200, 400)
    return str(answer.content.decode())


def test_a_view_is_kept_listed_and_deleted(visit: Visit) -> None:
    page = save(visit)
    assert "“Last week” is saved" in page
    view = SavedView.objects.get()
    assert (view.query, view.is_shared) == ("from=2026-05-12&by=day", False)
    assert f"{visit.address('dashboard')}?from=2026-05-12&amp;by=day" in page
    visit.client.post(visit.address("view-delete", view.pk), {"back": "//evil.example/"})
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"name": "  "}, "Give the view a name"),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"page": "nowhere"}, "Expected a page of the dashboard"),
        ({"query": "from=yesterday"}, "These filters cannot be used"),
        ({"query": f"from=2026-05-12&x={'y' * 1000}"}, "too long to be kept"),
    ],
)
def test_what_cannot_be_kept_is_told(visit: Visit, form: dict[str, str], says: str) -> None:
    assert says in save(visit, **form)
    assert not SavedView.objects.exists()


def test_one_name_once(visit: Visit) -> None:
    save(visit)
    assert "already have a view called “Last week”" in save(visit)
    assert SavedView.objects.count() == 1


def test_others_see_what_is_shared_and_cannot_delete_it(visit: Visit) -> None:
    other = User.objects.create_user("dora@example.com", name="Dora")
    Membership.objects.create(workspace=visit.plant.project.workspace, user=other, role="member")
    views = visit.plant.project.saved_views
    shared = views.create(user=other, name="Hers", page="dashboard", is_shared=True)
    own = views.create(user=other, name="Secret", page="dashboard")
    page = visit.page("dashboard")
    assert "Hers" in page
    assert "shared by Dora" in page
    assert "Secret" not in page
    assert visit.client.post(visit.address("view-delete", own.pk)).status_code == 404
    assert "only they can delete it" in str(
        visit.client.post(visit.address("view-delete", shared.pk), follow=True).content.decode()
    )
    assert views.count() == 2
