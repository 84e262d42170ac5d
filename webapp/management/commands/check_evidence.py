"""manage.py check_evidence FILE: whether every file of an evidence pack is as it was written."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webapp.pipeline.report_writers.evidence import wrong_files


class Command(BaseCommand):
    help = "Recompute the checksums of an evidence pack and compare them with its manifest."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the ZIP")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            count, wrong = wrong_files(file)
        except ValueError as error:
            raise CommandError(str(error)) from error
        if wrong:
            raise CommandError("This pack is not as it was written:\n" + "\n".join(f"  {one}" for one in wrong))
        self.stdout.write(f"All {count} files are as they were written.")
