"""The dashboard's further pages again, by the lines of SQL in docs/ledger.md."""

from __future__ import annotations

from datetime import date

import pytest

from tests.analytics.tabs.ledger_lines import OF_TABS
from tests.inspections import Plant
from tests.test_ledger import asked, assert_alike
from webapp.models import Prediction


def test_the_ledger_gives_every_number_again(week: Plant) -> None:
    first, last = date(2026, 5, 12), date(2026, 5, 18)
    Prediction.objects.update(brightness=5_000, sharpness=3_000, warmth=-20)
    week.count_up()
    scratch = week.labels["scratch"].pk
    scope = week.scope(start=first, end=last, label_id=scratch)
    values = {"project": week.project.pk, "from": first, "to": last, "label": scratch}
    for figure, shown in OF_TABS.items():
        rows = shown(scope)
        assert rows, figure
        try:
            assert_alike(asked(figure, **values), rows)
        except AssertionError as error:
            pytest.fail(f"{figure}: {error}")
