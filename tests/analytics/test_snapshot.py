"""All numbers of a page are of one moment, whatever is written meanwhile."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest
from django.db import DataError, connection, transaction

from analytics import build_dashboard, queries
from analytics.snapshot import snapshot
from tests.inspections import Plant, build_plant, executed


@pytest.mark.django_db(transaction=True)
def test_results_saved_meanwhile_change_no_page_in_half(monkeypatch: pytest.MonkeyPatch) -> None:
    plant = build_plant()
    plant.image({"scratch": [50]})
    plant.count_up()
    ask = queries.labels

    def save_meanwhile(*arguments: Any) -> Any:
        worker = Thread(target=lambda: in_own_connection(plant))
        worker.start()
        worker.join()
        return ask(*arguments)

    monkeypatch.setattr(queries, "labels", save_meanwhile)
    page = executed(build_dashboard, plant.scope())
    assert page.summary.inspected_count == 1
    assert sum(row.inspected_count for row in page.trend) == 1
    assert sum(row.affected_count for row in page.labels if row.is_defect) == 1
    monkeypatch.setattr(queries, "labels", ask)
    assert executed(build_dashboard, plant.scope()).summary.inspected_count == 2


def in_own_connection(plant: Plant) -> None:
    plant.image({"scratch": [50]})
    plant.count_up()
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_the_connection_is_free_again_after_an_error() -> None:
    with connection.cursor() as cursor:
        with pytest.raises(DataError), snapshot(cursor):
            cursor.execute("SELECT 1 / 0")
        with transaction.atomic():
            cursor.execute("SHOW transaction_read_only")
            assert cursor.fetchone() == ("off",)


def test_within_a_callers_transaction_none_is_begun(db: None) -> None:
    with connection.cursor() as cursor:
        with snapshot(cursor):
            pass
        cursor.execute("SHOW transaction_read_only")
        assert cursor.fetchone() == ("off",)
        assert connection.in_atomic_block
