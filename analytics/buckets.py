"""Where an area falls among logarithmic buckets and a place on a coarse grid: what spread roll-ups count.

One definition for both sides: SQL that counts rows into buckets, and what is read out of the counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

_PER_DOUBLING = 4
_DOUBLINGS = 20

# The upper edge of every bucket, itself included: bucket 0 is exactly 0, bucket 1 is above 0 up to 2**-20 (a pixel
# of a megapixel), and each further one is 2**(1/4) times as wide, up to 1.
AREA_EDGES: tuple[float, ...] = (
    0.0,
    *(2.0 ** (step / _PER_DOUBLING - _DOUBLINGS) for step in range(_PER_DOUBLING * _DOUBLINGS + 1)),
)
AREA_BUCKETS = len(AREA_EDGES)

PLACE_COLUMNS, PLACE_ROWS = 16, 12
PLACE_CELLS = PLACE_COLUMNS * PLACE_ROWS

# width_bucket counts edges from below; from above, an edge belongs to the bucket it closes.
_EDGES_FROM_ABOVE = ",".join(repr(-edge) for edge in reversed(AREA_EDGES))


def area_bucket_sql(expression: str) -> str:
    """SQL for the bucket, 0 to 81, of an area share: the first whose edge in AREA_EDGES is not below it.

    `expression` is SQL of double precision, 0–1.
    """
    return f"{AREA_BUCKETS} - greatest(1, width_bucket(-({expression}), ARRAY[{_EDGES_FROM_ABOVE}]::float8[]))"


def place_cell_sql(x: str, y: str, width: str, height: str) -> str:
    """SQL for the cell, 0 to 191, of a point: cells are numbered row by row from the upper left.

    `x` and `y` are SQL of pixel coordinates, where 0 is the middle of the first pixel; `width` and `height` of the
    image's pixels.
    """
    column = f"least({PLACE_COLUMNS - 1}, floor((({x}) + 0.5::float8) * {PLACE_COLUMNS} / ({width})))"
    row = f"least({PLACE_ROWS - 1}, floor((({y}) + 0.5::float8) * {PLACE_ROWS} / ({height})))"
    return f"({column} + {PLACE_COLUMNS} * {row})::integer"


def quantile(counts: Sequence[int], q: float) -> float | None:
    """The area share below which the share `q` (0–1) of the counted images lies; None where nothing is counted.

    `counts` has one number per bucket. Inside a bucket images are taken to lie evenly on its logarithmic scale, so
    the result is less than one bucket (19 %) from the image's own. ValueError for other lengths or `q`.
    """
    if len(counts) != AREA_BUCKETS:
        raise ValueError(f"there are {AREA_BUCKETS} buckets, not {len(counts)}")
    if not 0 <= q <= 1:
        raise ValueError(f"a quantile is asked for by a share 0–1, not {q}")
    total = sum(counts)
    if total == 0:
        return None
    rank = q * total
    bucket, upto = next(
        (place, upto) for place, upto in enumerate(accumulate(counts)) if counts[place] and upto >= rank
    )
    return _inside(bucket, (rank - (upto - counts[bucket])) / counts[bucket])


def _inside(bucket: int, position: float) -> float:
    """The area share at `position` (0–1) of a bucket; evenly up from 0 where the bucket begins there."""
    upper, lower = AREA_EDGES[bucket], AREA_EDGES[max(0, bucket - 1)]
    if lower == 0.0:
        return float(upper * position)
    return float(upper * (lower / upper) ** (1 - position))
