"""Statistics of inspection: pure functions, frozen dataclasses in and out, each with its source.

What each says, and what it cannot say: docs/statistics.md.
"""

from analytics.statistics.areas import AdjustedArea, ImageArea, adjusted_area_from_images, adjusted_areas
from analytics.statistics.comparison import Comparison, compare, mcnemar, told_p, two_proportions
from analytics.statistics.control import (
    Chart,
    ChartPoint,
    NoChart,
    choose_count_chart,
    choose_rate_chart,
    choose_value_chart,
    laney_p_chart,
    laney_u_chart,
    p_chart,
    u_chart,
    xmr_chart,
)
from analytics.statistics.correction import rogan_gladen
from analytics.statistics.drift import (
    Cusum,
    Ewma,
    cusum,
    cusum_run_length,
    ewma,
    ewma_run_length,
    false_alarm_rate,
    standardise,
)
from analytics.statistics.growth import Crossing, Growth, fit_growth
from analytics.statistics.intervals import (
    LEVEL,
    MIN_IMAGES_COUNT,
    Estimate,
    Interval,
    cumulative_fractions,
    difference,
    exact,
    wilson,
)
from analytics.statistics.label_mix import MixDistance, mix_distances
from analytics.statistics.movement import Driver, Movement, Tally, explain_change
from analytics.statistics.presence import effective_count, presence
from analytics.statistics.rules import DEFAULT_RULES, RULES, RUN_LENGTH, Signal, sentence, signals, standardised
from analytics.statistics.strata import Stratum, allocate, defect_rate_from_audit, escapes, stratified_rate

__all__ = [
    "DEFAULT_RULES",
    "LEVEL",
    "MIN_IMAGES_COUNT",
    "RULES",
    "RUN_LENGTH",
    "AdjustedArea",
    "Chart",
    "ChartPoint",
    "Comparison",
    "Crossing",
    "Cusum",
    "Driver",
    "Estimate",
    "Ewma",
    "Growth",
    "ImageArea",
    "Interval",
    "MixDistance",
    "Movement",
    "NoChart",
    "Signal",
    "Stratum",
    "Tally",
    "adjusted_area_from_images",
    "adjusted_areas",
    "allocate",
    "choose_count_chart",
    "choose_rate_chart",
    "choose_value_chart",
    "compare",
    "cumulative_fractions",
    "cusum",
    "cusum_run_length",
    "defect_rate_from_audit",
    "difference",
    "effective_count",
    "escapes",
    "ewma",
    "ewma_run_length",
    "exact",
    "explain_change",
    "false_alarm_rate",
    "fit_growth",
    "laney_p_chart",
    "laney_u_chart",
    "mcnemar",
    "mix_distances",
    "p_chart",
    "presence",
    "rogan_gladen",
    "sentence",
    "signals",
    "standardise",
    "standardised",
    "stratified_rate",
    "told_p",
    "two_proportions",
    "u_chart",
    "wilson",
    "xmr_chart",
]
