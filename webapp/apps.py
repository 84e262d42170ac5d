from __future__ import annotations

from django.apps import AppConfig
from django.core import checks

from webapp.checks import check_database_url, check_device, check_hosts, check_intakes, check_redis_url, check_storage


class WebappConfig(AppConfig):
    name = "webapp"
    verbose_name = "Pixelwise"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        for check in (check_database_url, check_device, check_hosts, check_intakes, check_redis_url, check_storage):
            checks.register(check, "pixelwise")
