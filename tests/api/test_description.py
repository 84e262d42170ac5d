"""The API's description, its page, and docs/api.md: all of them say what the routes are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from tests.api.operations import name, operations
from webapp.api import api as ninja_api
from webapp.api.errors import CODES

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"

# The public contract: these may never go away.
CONTRACT = {
    "POST /api/v1/tokens",
    "GET /api/v1/projects",
    "POST /api/v1/projects",
    "GET /api/v1/projects/{slug}",
    "GET /api/v1/projects/{slug}/models",
    "POST /api/v1/projects/{slug}/batches",
    "GET /api/v1/batches/{batch_id}",
    "GET /api/v1/batches/{batch_id}/images",
    "GET /api/v1/images/{image_id}",
    "GET /api/v1/images/{image_id}/mask.png",
    "GET /api/v1/projects/{slug}/dashboard",
    "GET /api/v1/projects/{slug}/reports/{grain}.csv",
}


@pytest.fixture
def page(db: None) -> str:
    return Client().get("/api/docs").content.decode()


def test_the_contract_is_kept() -> None:
    assert {name(operation) for operation in operations()} >= CONTRACT


def test_the_guide_lists_every_route_and_no_other() -> None:
    listed = re.findall(r"^### (GET|POST|DELETE|PUT|PATCH) (\S+)$", GUIDE.read_text(), re.MULTILINE)
    assert sorted(f"{method} {path}" for method, path in listed) == sorted(map(name, operations()))


def test_the_guide_has_an_example_for_every_route() -> None:
    sections = re.split(r"^### ", GUIDE.read_text(), flags=re.MULTILINE)[1:]
    assert [section.splitlines()[0] for section in sections if "curl " not in section] == []


def test_every_operation_is_described_and_says_how_it_fails() -> None:
    described = ninja_api.get_openapi_schema(path_prefix="/api/")
    assert described["openapi"].startswith("3.1")
    names = []
    for path, methods in described["paths"].items():
        for operation in methods.values():
            names.append(operation["operationId"])
            assert operation["summary"], path
            assert {str(status) for status in operation["responses"]} & {"401"}, path
            if not path.endswith("/tokens"):
                assert operation["security"], path
    assert len(names) == len(set(names))


def test_the_description_is_served(db: None) -> None:
    answer = Client().get("/api/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["paths"]


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere(page: str) -> None:
    scripts = re.findall(r"<script([^>]*)>", page)
    assert scripts
    assert all("src=" in attributes or "application/json" in attributes for attributes in scripts)
    assert "<style" not in page
    assert not re.search(r"\sstyle=|\son\w+=", page)
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)
    assert "validator.swagger.io" not in page


def test_every_file_of_the_page_is_ours_to_serve(page: str) -> None:
    files = re.findall(r"""(?:src|href)=["']/static/([^"'#?]+)""", page)
    assert "ninja/swagger-ui-bundle.js" in files
    assert [file for file in files if finders.find(file) is None] == []


def test_the_guide_explains_every_error() -> None:
    listed = {(int(status), code) for status, code in re.findall(r"\| (\d{3}) \| `(\w+)` \|", GUIDE.read_text())}
    raised = {(status, code) for status, (code, _) in CODES.items()}
    assert listed == raised
