"""Make the example project, or finish making it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webapp.actions.example import load_example
from webapp.models import Membership


class Command(BaseCommand):
    help = "Make the example project: drawn pictures of three lines over two weeks, segmented by the workers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", help="whose workspace; default: the first administrator's")

    def handle(self, *args: Any, **options: Any) -> None:
        memberships = Membership.objects.filter(role=Membership.Role.ADMIN).select_related("user", "workspace")
        if options["email"]:
            memberships = memberships.filter(user__email=options["email"].lower())
        membership = memberships.order_by("pk").first()
        if membership is None:
            raise CommandError(
                "Expected an administrator to own the example project, found none. Run `make run` first."
            )
        project = load_example(user=membership.user, workspace=membership.workspace)
        self.stdout.write(f"Project {project.name} is at /p/{project.slug}/")
