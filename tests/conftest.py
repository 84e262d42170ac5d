"""One real PostgreSQL and one real Valkey for the whole run; xdist's workers have a database each in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings

from webapp.services.embedded import services_for

pytest_plugins = ["tests.cast", "tests.chromium", "tests.buckets", "tests.intakes"]

# The data is thrown away at the end: nothing needs to reach the disk.
POSTGRES_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


# Stories of whole stacks wait more than they compute: started first, the rest of the run fills the gaps.
FIRST = ("tests/faults/", "tests/flows/", "tests/services/", "tests/browser/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(
        key=lambda item: next((place for place, folder in enumerate(FIRST) if item.nodeid.startswith(folder)), 9)
    )


@pytest.fixture(scope="session")
def services() -> Iterator[None]:
    """Started by the first process that needs them, and stopped by it when the others have finished."""
    with services_for(
        settings.PIXELWISE_DATA,
        purpose="tests",
        database_url="",
        redis_url="",
        postgres_options=POSTGRES_OPTIONS,
    ):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(services: None, django_db_modify_db_settings_parallel_suffix: None) -> None:
    """pytest-django asks for this before it makes its test database."""


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The whole server is thrown away with its databases: dropping each first could only fail on an open connection."""
    return True
