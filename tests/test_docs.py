"""The docs name what exists: version, commands, files, pictures, words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command

import segmentation
from segmentation import train_parallel

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
# Django's own, and what the start-up and the installation call.
UNTOLD_COMMANDS = {"up", "set_up", "load_example", "doctor", "rebuild_rollups"}
DJANGOS_OPTIONS = {
    "--version",
    "--settings",
    "--pythonpath",
    "--traceback",
    "--no-color",
    "--force-color",
    "--skip-checks",
}
# Tables that tie two words of the glossary together.
JOINTS = {
    *("BatchImage", "DatasetImage", "ModelLabel", "TrainingEpoch"),
    *("InspectionRollup", "InspectionDay", "LabelRollup", "LabelDay", "SpreadRollup", "RollupZone"),
    *("InspectionRollupTotal", "InspectionDayTotal", "LabelRollupTotal", "LabelDayTotal"),
    *("InspectionMonth", "LabelMonth"),
}
# A person's account and its key, and a file on its way: nothing a page has a word for.
PLAIN = {"User", "ApiToken", "Archive"}


def test_version_is_the_first_heading_of_the_changelog() -> None:
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first.group(1) == segmentation.__version__


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name} points to {target}"


def test_every_command_is_in_a_page() -> None:
    told = "\n".join(page.read_text() for page in PAGES)
    commands = {path.stem for path in (ROOT / "webapp/management/commands").glob("[a-z]*.py")}
    assert {name for name in commands if f"manage.py {name}" not in told} <= UNTOLD_COMMANDS


def test_commands_that_pages_name_exist() -> None:
    told = set(re.findall(r"manage\.py ([a-z_]+)", "\n".join(page.read_text() for page in PAGES)))
    commands = {path.stem for path in (ROOT / "webapp/management/commands").glob("[a-z]*.py")}
    assert told <= commands | {"changepassword"}


def test_every_option_of_training_is_in_the_guide(capsys: pytest.CaptureFixture[str]) -> None:
    guide = (ROOT / "docs/guide.md").read_text()
    for help_of in (
        lambda: call_command("train", "--help"),
        lambda: train_parallel.main(["--help"]),
    ):
        with pytest.raises(SystemExit):
            help_of()
        options = set(re.findall(r"^ +(--[a-z-]+)", capsys.readouterr().out, re.MULTILINE)) - DJANGOS_OPTIONS
        assert {"--architecture", "--options"} <= options
        assert {option for option in options if f"{option}`" not in guide and f"{option} " not in guide} == set()


def test_every_table_is_a_word_of_the_glossary() -> None:
    words = set(re.findall(r"^\| ([^|]+?) \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE))
    tables = {model.__name__ for model in apps.get_app_config("webapp").get_models()}
    named = {re.sub(r"(?<!^)(?=[A-Z])", " ", name).capitalize() for name in tables - JOINTS - PLAIN}
    assert named - words == set()


def test_no_word_of_the_glossary_has_two_rows() -> None:
    words = re.findall(r"^\| ([^|]+?) \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    assert sorted({word for word in words if words.count(word) > 1}) == []


def test_folders_that_the_architecture_page_names_exist() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    for path in re.findall(r"`((?:webapp|analytics|segmentation|templates|tests)/[\w/.]+)`", page):
        assert (ROOT / path).exists(), path
