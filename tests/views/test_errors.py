"""Error pages: in words, the same for what is not there and what one may not see."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.views.defaults import bad_request, server_error

from tests.cast import signed_in
from webapp.models import Project, User


def text(answer: Any) -> str:
    return str(answer.content.decode())


def without_token(page: str) -> str:
    """The page without its CSRF tokens, which differ from page to page."""
    return "\n".join(line for line in page.splitlines() if "csrf" not in line.lower())


def test_what_is_hidden_looks_like_what_is_not_there(project: Project, charlie: User) -> None:
    client = signed_in(charlie)
    hidden = client.get(f"/p/{project.slug}/settings/")
    missing = client.get("/p/never-was/settings/")
    assert hidden.status_code == missing.status_code == 404
    assert without_token(text(hidden)) == without_token(text(missing))
    assert "There is nothing here for you" in text(hidden)
    assert client.get("/nowhere").status_code == 404


def test_stale_form_is_explained(alice: User) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in", {"username": "a", "password": "b"})
    assert answer.status_code == 403
    assert "This page was open for too long" in text(answer)


@pytest.mark.parametrize(
    ("view", "arguments", "words"),
    [(server_error, {}, "on our side"), (bad_request, {"exception": ValueError("broken")}, "was not understood")],
)
def test_pages_that_need_nothing_that_may_be_broken(view: Any, arguments: dict[str, Any], words: str) -> None:
    request: HttpRequest = RequestFactory().get("/")
    assert words in text(view(request, **arguments))


def test_every_page_is_whole_without_a_user() -> None:
    for name in ("400", "403", "403_csrf", "404", "500"):
        page = render_to_string(f"{name}.html")
        assert page.rstrip().endswith("</html>")
        assert "<h1>" in page
