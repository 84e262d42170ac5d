"""Every test here keeps its files in a folder of its own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _own_files(data_folder: None) -> None:
    """The files of the test before are not there."""
