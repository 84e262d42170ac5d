"""Count every roll-up again from its rows, or only compare."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webapp.models import Project
from webapp.pipeline import rollups


class Command(BaseCommand):
    help = "Count the dashboards' sums per hour, day and month again from the measurements. --check only compares."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", metavar="SLUG", help="one project instead of all")
        parser.add_argument("--check", action="store_true", help="change nothing; fail where a sum is wrong")

    def handle(self, *args: Any, **options: Any) -> None:
        projects = Project.objects.order_by("slug")
        if options["project"]:
            projects = projects.filter(slug=options["project"])
            if not projects:
                raise CommandError(f"There is no project {options['project']!r}.")
        wrong = 0
        for project in projects:
            found = rollups.differences(project.pk)
            wrong += len(found)
            for row in found:
                self.stdout.write(f"{project.slug}: {row}")
            if found and not options["check"]:
                rollups.rebuild(project.pk)
        if wrong and options["check"]:
            raise CommandError(f"{wrong} roll-up rows disagree with their measurements. Run without --check to mend.")
        self.stdout.write("Every roll-up equals its rows." if not wrong else f"Mended {wrong} roll-up rows.")
