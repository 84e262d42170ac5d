"""An audit's result in one plain sentence."""

from __future__ import annotations

from analytics.audits import EscapeEstimate
from analytics.statistics import MIN_IMAGES_COUNT
from analytics.wording import counted


def escape_sentence(estimate: EscapeEstimate | None) -> str:
    """How many defective images slip through, with interval and n; or how many more to judge before one can say."""
    if estimate is None:
        return "Nothing has been judged blind yet."
    judged, escapes = counted(estimate.judged_count, "passed image"), counted(estimate.escape_count, "escape")
    found = f"{judged} judged blind, {escapes} found"
    if not estimate.is_enough:
        return f"{found}: too few to say. Judge {MIN_IMAGES_COUNT - estimate.judged_count} more."
    rate = estimate.per_1000
    sentence = (
        f"{found}: of 1,000 passed images about {_number(rate.value)} are defective "
        f"({_number(rate.low)} to {_number(rate.high)})."
    )
    if estimate.count is not None:
        sentence += (
            f" In the {counted(estimate.passed_count, 'image')} that passed here, that is about "
            f"{_number(estimate.count.value)} ({_number(estimate.count.low)} to {_number(estimate.count.high)})."
        )
    return sentence


def _number(value: float) -> str:
    return f"{value:,.1f}" if 0 < value < 10 else f"{value:,.0f}"
