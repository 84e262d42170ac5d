"""An installation out of a backup, into a new data folder."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection

from webapp.management.first_start import make_ready
from webapp.services.backup import load_dump, removed_afterwards, unpack_backup
from webapp.services.backup_store import fill_store, require_empty
from webapp.services.embedded import services_for
from webapp.stored_files import bucket


class Command(BaseCommand):
    help = "Fill a new data folder (PIXELWISE_DATA) and its database from a backup."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path, help="a file that `manage.py backup` wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        data: Path = settings.PIXELWISE_DATA
        store = bucket()
        if store is not None:
            require_empty(store)
        backup, dump = unpack_backup(options["source"], data=data)
        with (
            removed_afterwards(dump),
            services_for(
                data,
                purpose="manage.py restore",
                database_url=settings.DATABASE_URL,
                redis_url=settings.REDIS_URL,
            ),
        ):
            load_dump(dump, database=connection.settings_dict)
            if store is not None:
                fill_store(data, store)
            make_ready()
        self.stdout.write(
            f"{data}: the state of {backup.made_at}, written by Pixelwise {backup.pixelwise}; "
            f"{backup.file_count} files, all checksums right."
        )
