#!/usr/bin/env python
"""Django's command line. Starts database and queue for commands that need them, where none run yet."""

import os
import sys

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command, execute_from_command_line, get_commands

from webapp.services.embedded import services_for
from webapp.services.start_error import StartError

# Commands that bring their own services or touch none.
WITHOUT_SERVICES = {
    "check", "collectstatic", "compilemessages", "diffsettings", "doctor", "findstatic", "help",
    "makemessages", "makemigrations", "restore", "startapp", "test", "up", "version",
}  # fmt: skip


def main(arguments: list[str]) -> None:
    data = settings.PIXELWISE_DATA
    command = arguments[1] if len(arguments) > 1 else "help"
    is_asking = command.startswith("-") or not {"-h", "--help"}.isdisjoint(arguments)
    if command in WITHOUT_SERVICES or is_asking:
        execute_from_command_line(arguments)
        return
    django.setup()
    with services_for(
        data,
        purpose=f"manage.py {command}",
        database_url=settings.DATABASE_URL,
        redis_url=settings.REDIS_URL,
    ) as started_here:
        if started_here and get_commands().get(command) == "webapp":
            call_command("migrate", interactive=False, verbosity=0)
        execute_from_command_line(arguments)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    try:
        main(sys.argv)
    except (StartError, ImproperlyConfigured) as refused:
        sys.exit(str(refused))
    except KeyboardInterrupt:
        sys.exit(130)
