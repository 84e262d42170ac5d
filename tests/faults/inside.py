"""A process of the installation under test that stays, so that a recount of the roll-ups costs no start of Django."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tests.flows.stack import ROOT

# Answers each line on stdin with the roll-up rows that disagree with a recount of their rows.
_ANSWERING = """
import json, sys
from django.db import close_old_connections
from webapp.models import Project
from webapp.pipeline.rollups import differences
for _ in sys.stdin:
    close_old_connections()
    wrong = [list(map(str, row)) for project in Project.objects.all() for row in differences(project.pk)]
    print(json.dumps(wrong), flush=True)
"""


@dataclass
class Inside:
    """`environment` is the running installation's."""

    environment: dict[str, str]
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns at once: it is ready long before the first question."""
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", _ANSWERING],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def recount(self) -> list[Any]:
        """Roll-up rows that disagree with a recount."""
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("recount\n")
        self.process.stdin.flush()
        answer: list[Any] = json.loads(self.process.stdout.readline())
        return answer

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
