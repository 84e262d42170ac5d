"""Everything of this installation in one file."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection

from segmentation import __version__
from webapp.services.backup import write_backup
from webapp.stored_files import bucket


class Command(BaseCommand):
    help = "Write database, photos, masks and models to one file. Pixelwise may run meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "target", type=Path, help="a file that does not exist, or a folder to put a file with today's date in"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path = options["target"]
        if target.is_dir():
            target = target / f"pixelwise-{datetime.now():%Y-%m-%d-%H%M%S}.tar"
        backup = write_backup(
            target,
            data=settings.PIXELWISE_DATA,
            database=connection.settings_dict,
            version=__version__,
            store=bucket(),
        )
        self.stdout.write(f"{target}: database and {backup.file_count} files, {backup.size_bytes / 1e6:.1f} MB.")
        if backup.vanished_count:
            self.stdout.write(f"{backup.vanished_count} files were deleted meanwhile and are not in it.")
