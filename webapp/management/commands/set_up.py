"""Bring tables and roll-ups up to date and make the first administrator: what `up` does before it starts anything."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from webapp.management.first_start import make_ready


class Command(BaseCommand):
    help = (
        "Bring tables and roll-ups up to date and make the first administrator. "
        "For installations that run in containers."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Ready. Sign in as {make_ready()}.")
