"""What pages write without the template language: rows of numbers and figures, with everything escaped."""

from __future__ import annotations

import json

from django.utils.html import json_script

from analytics.panels import TableRow
from webapp.templatetags.panels import figure_script, number_rows


def test_rows_open_their_images_and_escape_names() -> None:
    rows = [
        TableRow(("<b>Line & 1</b>", "3"), "source=1&label=2"),
        TableRow(("whole", "4"), None),
        TableRow(("one", "5"), "/17?from=2026-05-01"),
    ]
    first, second, third = number_rows(rows, "/p/plant/images/").split("\n")
    assert first == (
        '<tr><th scope="row"><a href="/p/plant/images/?source=1&amp;label=2">&lt;b&gt;Line &amp; 1&lt;/b&gt;</a></th>'
        '<td class="number">3</td></tr>'
    )
    assert second == '<tr><th scope="row">whole</th><td class="number">4</td></tr>'
    assert '<a href="/p/plant/images/17?from=2026-05-01">one</a>' in third


def test_a_figure_cannot_end_its_script() -> None:
    figure = {"data": [{"text": "</script><script>alert('&')"}]}
    written = figure_script(figure, "area", 2)
    assert written.count("</script>") == 1
    head, _, rest = written.partition(">")
    assert head == '<script id="figure-area-2" type="application/json"'
    assert json.loads(rest.removesuffix("</script>")) == figure
    assert json.loads(rest.removesuffix("</script>")) == json.loads(
        json_script(figure, "figure-area-2").partition(">")[2].removesuffix("</script>")
    )
