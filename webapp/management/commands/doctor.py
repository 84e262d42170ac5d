"""What works, what does not, and how to mend it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webapp.services.examination import examine


class Command(BaseCommand):
    help = "Say what works, what does not, and how to mend it. Fails where something is broken."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        for finding in examine():
            findings.append(finding)
            self.stdout.write(f"{finding.sign} {finding.part}: {finding.says}")
            if finding.cure:
                self.stdout.write(f"   → {finding.cure}")
        broken = sum(finding.is_broken for finding in findings)
        if broken:
            raise CommandError(f"{broken} of {len(findings)} parts do not work; the arrows say how to mend them.")
        self.stdout.write("Everything that Pixelwise needs works.")
