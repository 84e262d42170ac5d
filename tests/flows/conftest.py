"""One running stack for all stories of a test process."""

from __future__ import annotations

from collections.abc import Iterator

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
