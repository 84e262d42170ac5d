"""docker-compose.yml against the Compose specification, and every name in it against the code."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from tests.named_settings import NAMED_SETTINGS
from webapp.services import heartbeat, processes
from webapp.services.postgres import MAJOR

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = ROOT / "docker-compose.yml"
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "pixelwise"}
ENVIRONMENT = Path(sys.executable).parent
# What .env may hold besides our own settings: read by other images, or by the file itself.
FOREIGN = {"POSTGRES_PASSWORD", "PIXELWISE_ADDRESS", "CPU_WORKER_QUEUES", "CPU_TRAINERS"}


def test_fits_the_compose_specification() -> None:
    command = [ENVIRONMENT / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_part_is_there() -> None:
    assert {"postgres", "redis", "web", "worker-cpu", "worker-gpu", "worker-train", "beat", "proxy"} <= set(SERVICES)
    for name in ("worker-gpu", "worker-train-gpu"):
        assert SERVICES[name]["profiles"] == ["gpu"]
        (device,) = SERVICES[name]["deploy"]["resources"]["reservations"]["devices"]
        assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
        assert SERVICES[name]["environment"]["PIXELWISE_DEVICE"] == "cuda"
    assert SERVICES["postgres"]["image"] == f"postgres:{MAJOR}"


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"set-up"}))
def test_every_lasting_service_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", sorted(OURS))
def test_commands_exist(name: str) -> None:
    command = OURS[name]["command"]
    program, *arguments = command
    assert shutil.which(program, path=str(ENVIRONMENT)), program
    if program == "python":
        assert arguments[0] == "manage.py"
        assert get_commands()[arguments[1]] == "webapp"
    if program == "celery":
        checked = subprocess.run(
            [ENVIRONMENT / "celery", *arguments, "--help"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stderr


def test_commands_are_those_of_make_run() -> None:
    def without_values(command: list[str] | tuple[str, ...], *options: str) -> list[str]:
        words = list(command)
        for option in options:
            del words[words.index(option) : words.index(option) + 2]
        return words

    changed = ("--queues", "--hostname", "--concurrency")
    assert tuple(SERVICES["web"]["command"]) == processes.WEB
    assert tuple(SERVICES["beat"]["command"]) == processes.CLOCK
    assert tuple(SERVICES["worker-gpu"]["command"]) == processes.worker("gpu")
    assert tuple(SERVICES["worker-train"]["command"]) == processes.worker("train")
    assert without_values(SERVICES["worker-train-gpu"]["command"], "--hostname") == without_values(
        processes.worker("train"), "--hostname"
    )
    assert without_values(SERVICES["worker-cpu"]["command"], *changed) == without_values(
        processes.worker("cpu"), *changed
    )
    assert "${CPU_WORKER_QUEUES:-cpu,gpu}" in SERVICES["worker-cpu"]["command"]
    assert OURS["web"]["environment"].items() >= processes.WORKER_ENVIRONMENT.items()


def test_health_checks_ask_what_answers() -> None:
    asked = " ".join(SERVICES["web"]["healthcheck"]["test"])
    assert "http://localhost:8000/healthz?only=database,queue,storage" in asked
    for name in ("worker-cpu", "worker-gpu", "worker-train", "worker-train-gpu", "beat"):
        *_, module, sign = SERVICES[name]["healthcheck"]["test"]
        assert importlib.util.find_spec(module)
        assert sign in heartbeat.NAMES


def test_variables_are_settings() -> None:
    given = set().union(*(service["environment"] for service in OURS.values()))
    assert given <= NAMED_SETTINGS | {"REMAP_SIGTERM"}
    asked = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text()))
    assert asked <= NAMED_SETTINGS | FOREIGN
    documented = (ROOT / "docs" / "settings.md").read_text()
    assert [name for name in asked if f"`{name}`" not in documented] == []


def test_settings_that_operators_change_are_handed_on() -> None:
    """All of the first table of docs/settings.md but what the containers themselves decide."""
    first = (ROOT / "docs" / "settings.md").read_text().split("Rarely needed")[0]
    inside = {"PIXELWISE_PORT", "PIXELWISE_HOST", "PIXELWISE_DEMO"}
    told = set(re.findall(r"^\| `([A-Z_]+)`", first, re.MULTILINE)) - inside
    handed = OURS["web"]["environment"]
    assert sorted(told - set(handed)) == []
    assert {"PIXELWISE_METRICS_TOKEN", "PIXELWISE_LOG_JSON"} <= set(handed)


def test_an_empty_value_is_as_if_it_were_not_set() -> None:
    """Compose hands on an empty string for what .env does not name."""
    names = [name for name, value in OURS["web"]["environment"].items() if str(value).endswith(":-}")]
    code = "from webapp import settings; print(settings.EMAIL_BACKEND, settings.PIXELWISE_METRICS_TOKEN)"
    environment = {"PATH": "/usr/bin:/bin", "SECRET_KEY": "x" * 50} | dict.fromkeys(names, "")
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert found.stdout.split() == ["django.core.mail.backends.console.EmailBackend"], found.stderr


def test_ports_and_paths() -> None:
    proxy = (ROOT / "deploy" / "Caddyfile").read_text()
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "reverse_proxy web:8000" in proxy
    assert set(re.findall(r"\{\$(\w+)", proxy)) <= set(SERVICES["proxy"]["environment"])
    assert "EXPOSE 8000" in dockerfile
    assert 'PIXELWISE_PORT = whole_number("PIXELWISE_PORT", 8000)' in (ROOT / "webapp" / "settings.py").read_text()
    mounted = [mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])]
    declared = yaml.safe_load(COMPOSE.read_text())["volumes"]
    for source in mounted:
        assert source in declared or (ROOT / source).is_file(), source
    assert {mount.split(":")[1] for mount in OURS["web"]["volumes"]} == {OURS["web"]["environment"]["PIXELWISE_DATA"]}


def test_image_takes_what_exists_and_runs_as_nobody_special() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = [
        word for line in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE) for word in line.split()
    ]
    assert copied
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    for path in copied:
        assert (ROOT / path).exists(), path
        assert f"!{path}" in allowed
    assert set(re.findall(r"PIXELWISE_\w+", dockerfile)) <= NAMED_SETTINGS
    assert dockerfile.index("USER pixelwise") < dockerfile.index("CMD [")
