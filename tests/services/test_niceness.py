"""A niceness that counts against programs of other sessions too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from webapp.services.program import Program


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel does not group by sessions")
def test_a_program_is_nice_together_with_its_session(tmp_path: Path) -> None:
    program = Program(name="it", command=("sleep", "60"), log=tmp_path / "it.log", niceness=7)
    program.start()
    try:
        assert program.process is not None
        assert os.getpriority(os.PRIO_PROCESS, program.process.pid) == 7
        assert Path(f"/proc/{program.process.pid}/autogroup").read_text().split()[-1] == "7"
    finally:
        program.stop()
