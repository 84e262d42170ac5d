"""The planted ledger: its rows fit together, its patterns are there, the same seed gives the same numbers."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.cast import person
from webapp.actions.people import create_workspace
from webapp.models import Image, Project
from webapp.pipeline import rollups

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def administrator(settings: Any, tmp_path: Any) -> None:
    settings.PIXELWISE_DATA = tmp_path
    create_workspace(user=person("alice"), name="Works")


def filled(name: str, **options: Any) -> Project:
    planted = {"images": 1200, "days": 20, "sources": 4, **options}
    call_command("fill_ledger", project_name=name, stdout=StringIO(), **planted)
    return Project.objects.get(name=name)


def one(statement: str, project: Project) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"project": project.pk})
        return cursor.fetchone()


def test_rows_fit_together_and_the_patterns_are_there() -> None:
    project = filled("Filled")
    counted = """SELECT count(*), count(DISTINCT image_id), count(DISTINCT source_id), max(day) - min(day) + 1
        FROM ledger.images WHERE project_id = %(project)s"""
    assert one(counted, project) == (1200, 1200, 4, 20)
    assert one("SELECT count(*) FROM ledger.labels WHERE project_id = %(project)s", project) == (7200,)
    whole = (
        "SELECT count(*) FROM (SELECT sum(pixels) AS p FROM ledger.labels GROUP BY image_id) AS s WHERE p <> 1920000"
    )
    assert one(whole, project) == (0,)
    alike = """SELECT count(*) FROM (
        SELECT image_id, label_id, count(*) AS n, sum(area_px) AS area, max(area_px) AS largest
        FROM ledger.regions GROUP BY 1, 2) AS regions
        JOIN ledger.labels USING (image_id, label_id)
        WHERE (n, area, largest) <> (region_count, pixels, largest_region_px)"""
    assert one(alike, project) == (0,)
    wrong = """SELECT count(*) FROM ledger.images JOIN (
        SELECT image_id, bool_or(is_affected AND is_defect) AS is_bad FROM ledger.labels GROUP BY 1) AS judged
        USING (image_id) WHERE (model_verdict = 'fail') <> is_bad"""
    assert one(wrong, project) == (0,)
    growth = "SELECT corr(extract(epoch FROM captured_at), pixels) FROM ledger.labels WHERE label = 'corrosion' AND "
    asset = "source_id = (SELECT max(source_id) FROM ledger.sources)"
    assert one(growth + asset, project)[0] > 0.99
    assert rollups.differences(project.pk) == []
    assert project.batches.count() == 3
    assert project.promotions.count() == 2


def test_the_same_seed_gives_the_same_numbers() -> None:
    projects = [filled(str(place), images=200, seed=seed) for place, seed in enumerate((5, 5, 6))]
    sums = "SELECT sum(hashint8(pixels * 61 + label_index)) FROM ledger.labels WHERE project_id = %(project)s"
    first, second, third = (one(sums, project) for project in projects)
    assert first == second != third


def test_a_project_that_is_there_is_left_alone() -> None:
    project = filled("Mine", images=100)
    with pytest.raises(CommandError, match="has real images"):
        filled("Mine")
    assert Image.objects.filter(project=project).count() == 100


@pytest.mark.parametrize("wrong", [{"images": 0}, {"days": 99999}, {"labels": 1}, {"seed": -1}])
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(CommandError, match="Expected --"):
        call_command("fill_ledger", **{"images": 10, "project_name": "Mine", **wrong})
    assert not Project.objects.exists()
