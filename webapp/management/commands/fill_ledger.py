"""Fill a project of its own with ledger rows that carry planted patterns."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webapp.actions.model_versions import add_color_model, go_live
from webapp.actions.projects import LabelInput, create_project
from webapp.models import Membership, Project
from webapp.pipeline import rollups
from webapp.pipeline.ledger_filling import Filling, fill, planted, sources_of

_COLORS = ("#9e9e9e", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442")
_NAMES = ("background", "scratch", "dent", "stain", "crack", "corrosion")
_MOST = {"images": 100_000_000, "days": 3660, "sources": 1000, "labels": 60}


class Command(BaseCommand):
    help = "Make a project and fill it with inspected images (without picture files) that carry known patterns."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--images", type=int, required=True, metavar="N")
        parser.add_argument("--days", type=int, default=365, help="they end with yesterday (default: 365)")
        parser.add_argument("--sources", type=int, default=60, help="default: 60")
        parser.add_argument("--labels", type=int, default=6, help="background among them (default: 6)")
        parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same numbers (default: 1)")
        parser.add_argument("--project-name", required=True, metavar="NAME", help="of the project to make")
        parser.add_argument("--email", help="whose workspace; default: the first administrator's")

    def handle(self, *args: Any, **options: Any) -> None:
        for name, most in _MOST.items():
            least = 2 if name == "labels" else 1
            if not least <= options[name] <= most:
                raise CommandError(f"Expected --{name} from {least} to {most:,}, got {options[name]:,}.")
        if not 0 <= options["seed"] < 2**31:
            raise CommandError(f"Expected --seed from 0 to {2**31 - 1}, got {options['seed']}.")
        project = self._project(options)
        begun = time.monotonic()
        filling = Filling(
            project=project,
            models=self._models(project),
            image_count=options["images"],
            day_count=options["days"],
            seed=options["seed"],
        )
        for count in fill(filling):
            self.stdout.write(f"{count:,} images after {time.monotonic() - begun:,.0f} s")
        rollups.rebuild(project.pk)
        self.stdout.write(f"Roll-ups counted after {time.monotonic() - begun:,.0f} s. Planted:")
        for sentence in planted(filling):
            self.stdout.write(f"- {sentence}")
        self.stdout.write(f"Project {project.name} is at /p/{project.slug}/")

    def _project(self, options: dict[str, Any]) -> Project:
        memberships = Membership.objects.filter(role=Membership.Role.ADMIN).select_related("user", "workspace")
        if options["email"]:
            memberships = memberships.filter(user__email=options["email"].lower())
        membership = memberships.order_by("pk").first()
        if membership is None:
            raise CommandError("Expected an administrator to own the project, found none. Run `make run` first.")
        name = options["project_name"].strip()
        if found := Project.objects.filter(workspace=membership.workspace, name=name).first():
            held = "real images" if found.images.exists() else "no images yet but belongs to somebody"
            raise CommandError(
                f"There is a project {name!r} already, and it has {held}: planted rows would be counted with them. "
                "Choose another --project-name; the command makes a project of its own."
            )
        return self._new_project(membership, name, options)

    def _new_project(self, membership: Membership, name: str, options: dict[str, Any]) -> Project:
        count = options["labels"]
        names = [_NAMES[place] if place < len(_NAMES) else f"label {place}" for place in range(count)]
        project = create_project(
            user=membership.user,
            workspace=membership.workspace,
            name=name,
            template=Project.Template.BLANK,
            description="Filled by fill_ledger: planted numbers, no picture files.",
            labels=[
                LabelInput(name=label, color=_COLORS[place % len(_COLORS)], is_defect=place > 0 and place != 3)
                for place, label in enumerate(names)
            ],
        )
        sources_of(project, options["sources"])
        return project

    def _models(self, project: Project) -> Any:
        first = add_color_model(project=project, user=project.created_by)
        second = add_color_model(project=project, user=project.created_by)
        go_live(model_version=second, user=project.created_by)
        return first, second
