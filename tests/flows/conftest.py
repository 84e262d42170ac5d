"""One running stack for all stories of a test process."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.flows.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(
        tmp_path_factory.mktemp("stack") / "data",
        settings={
            "PIXELWISE_SWEEP_SECONDS": "2",
            "PIXELWISE_LEASE_SECONDS": "10",
            "PIXELWISE_CHUNK_IMAGES": "4",
        },
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    """The administrator over the REST API."""
    with stack.signed_in() as signed_in:
        yield signed_in
