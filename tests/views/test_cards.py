"""Model cards on a page: anyone may have written them."""

from __future__ import annotations

import pytest

from webapp.templatetags.cards import card


def test_headings_go_below_those_of_the_page_and_tables_are_tables() -> None:
    shown = card("# Starter model\n\n## Scores\n\n| label | IoU |\n| --- | --- |\n| rust | **0.9** |\n")
    assert "<h3>Starter model</h3>" in shown
    assert "<h4>Scores</h4>" in shown
    assert '<table class="table compact">' in shown
    assert "<td><strong>0.9</strong></td>" in shown


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[a](javascript:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "![a](https://example.org/seen.png)",
        "<javascript:alert(1)>",
        '[a](https://example.org "x" onclick="alert(1)")',
    ],
)
def test_nothing_in_it_runs_or_is_fetched(hostile: str) -> None:
    shown = card(hostile)
    assert "<script" not in shown
    assert "<img" not in shown
    assert 'href="javascript' not in shown
    assert 'href="data' not in shown
    assert 'onclick="' not in shown
