"""How soon a page that follows the workers asks again."""

from __future__ import annotations

import math

from django.http import HttpRequest

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1, 15


def next_pause(request: HttpRequest, seen: str) -> int:
    """Seconds until the page asks again: few after a change, more and more while nothing happens.

    `seen` changes when anything that the page shows has changed; the page sends back what it was given.
    """
    before = request.GET.get("pause", "")
    if request.GET.get("seen") != seen or not before.isdecimal():
        return SHORTEST_PAUSE_S
    return min(math.ceil(min(int(before[:4]), LONGEST_PAUSE_S) * 1.5), LONGEST_PAUSE_S)
