"""The SQL that plants a ledger: a timetable once, then the rows of a chunk of images at a time."""

from __future__ import annotations

TEMPORARY = (
    "SET synchronous_commit = off",
    "SET work_mem = '256MB'",
    "DROP TABLE IF EXISTS pg_temp.fill_hour, pg_temp.fill_source, pg_temp.fill_label, pg_temp.fill_image, "
    "pg_temp.fill_region, pg_temp.fill_found, pg_temp.fill_sum",
    """CREATE OR REPLACE FUNCTION pg_temp.chance(place bigint, salt bigint) RETURNS float8 LANGUAGE sql IMMUTABLE
       RETURN (hashint8extended(place, salt) & 9007199254740991) / 9007199254740992.0::float8""",
    "CREATE TEMPORARY TABLE fill_hour (hour timestamptz, first bigint, next bigint, is_night bool, weekday int)",
    "CREATE TEMPORARY TABLE fill_source (place bigint, id bigint, mm_per_pixel float8, factor float8)",
    "CREATE TEMPORARY TABLE fill_label (place int, id bigint, is_defect bool, rate float8, is_last bool)",
    """CREATE TEMPORARY TABLE fill_image (
           place bigint, image_id bigint, prediction_id bigint, batch_id bigint, run_id bigint, source_id bigint,
           mm_per_pixel float8, captured_at timestamptz, passed float8, rate float8, model_version_id bigint)""",
    """CREATE TEMPORARY TABLE fill_region (
           place bigint, label int, number int, area_px bigint, width_px int, height_px int)""",
    """CREATE TEMPORARY TABLE fill_found (
           place bigint, label int, pixels bigint, region_count int, largest_region_px bigint)""",
    """CREATE TEMPORARY TABLE fill_sum (
           place bigint, pixels bigint, defect_pixels bigint, verdict text, reviewed_verdict text)""",
)

SCHEDULE = (
    """INSERT INTO fill_hour
       SELECT hour, round(%(images)s * (upto - weight) / total), round(%(images)s * upto / total), is_night, weekday
       FROM (SELECT *, sum(weight) OVER (ORDER BY hour) AS upto, sum(weight) OVER () AS total
             FROM (SELECT hour, is_night, weekday,
                          CASE WHEN is_night THEN 0.25 ELSE 1 END * CASE WHEN weekday > 5 THEN 0.4 ELSE 1 END AS weight
                   FROM (SELECT hour, extract(hour FROM hour AT TIME ZONE %(zone)s) NOT BETWEEN 6 AND 21 AS is_night,
                                extract(isodow FROM hour AT TIME ZONE %(zone)s)::int AS weekday
                         FROM generate_series(%(from)s::timestamptz, %(until)s::timestamptz - interval '1 hour',
                                              interval '1 hour') AS hour) AS hours) AS weighed) AS summed""",
    """INSERT INTO fill_source
       SELECT place, id, mm_per_pixel, 0.6 + 0.8 * pg_temp.chance(place, %(salt)s)
       FROM (SELECT row_number() OVER (ORDER BY id) - 1 AS place, id, mm_per_pixel
             FROM source WHERE project_id = %(project)s) AS numbered""",
    """INSERT INTO fill_label
       SELECT index, id, is_defect, CASE WHEN is_defect THEN 0.05 / (index + 1) ELSE 0.2 END,
              index = max(index) OVER ()
       FROM label WHERE project_id = %(project)s""",
    "ANALYZE fill_hour, fill_source, fill_label",
    """INSERT INTO batch (id, project_id, name, created_at, sealed_at)
       SELECT %(before_batch)s + number, %(project)s, 'Filled ' || number, now(), now()
       FROM generate_series(1, (%(images)s + %(batch_images)s - 1) / %(batch_images)s) AS number""",
)

_IMAGES = """
    INSERT INTO fill_image
    SELECT timed.place, %(before_image)s + timed.place + 1, %(before_prediction)s + timed.place + 1,
           %(before_batch)s + timed.place / %(batch_images)s + 1,
           %(before_run)s + timed.place / %(batch_images)s + 1,
           fill_source.id, fill_source.mm_per_pixel, captured_at,
           extract(epoch FROM captured_at - %(from)s::timestamptz)
               / extract(epoch FROM %(until)s::timestamptz - %(from)s::timestamptz),
           fill_source.factor * CASE WHEN is_night THEN 1.5 ELSE 1 END * CASE WHEN weekday = 1 THEN 1.2 ELSE 1 END
               * CASE WHEN captured_at >= %(second_model_from)s THEN 1.1 ELSE 1 END,
           CASE WHEN timed.place / %(batch_images)s * %(batch_images)s
                     >= (SELECT coalesce(min(first), %(images)s) FROM fill_hour WHERE hour >= %(second_model_from)s)
                THEN %(second_model)s ELSE %(first_model)s END
    FROM (SELECT place, is_night, weekday,
                 hour + (place - first + 0.5) / (next - first) * interval '1 hour' AS captured_at
          FROM fill_hour, generate_series(greatest(first, %(start)s), least(next, %(stop)s) - 1) AS place
          WHERE first < %(stop)s AND next > %(start)s AND next > first) AS timed
    JOIN fill_source
        ON fill_source.place = floor(pg_temp.chance(timed.place, %(salt)s + 1) * (SELECT count(*) FROM fill_source))
    ORDER BY 1
"""

_REGIONS = """
    INSERT INTO fill_region
    SELECT place, label, number, area_px, ceil(sqrt(area_px * 2)),
           ceil(area_px / ceil(sqrt(area_px * 2))) + 1
    FROM (
        SELECT image.place, label.place AS label, number,
               CASE WHEN image.source_id = %(asset)s AND label.is_last
                    THEN floor(300 + 8700 * passed + 300 * pg_temp.chance(image.place, %(salt)s + 7))
                    ELSE least(24000, floor(25 * power(greatest(1e-9,
                        pg_temp.chance(image.place * 8 + number, %(salt)s + 100 + label.place)), -0.9)))
               END::bigint AS area_px
        FROM fill_image AS image
        JOIN fill_label AS label ON label.place > 0
        CROSS JOIN LATERAL generate_series(1, CASE
            WHEN image.source_id = %(asset)s AND label.is_last THEN 1
            WHEN pg_temp.chance(image.place, %(salt)s + 10 + label.place) >= label.rate * image.rate
                * CASE WHEN image.source_id = %(step_source)s AND label.place = %(step_label)s
                            AND captured_at >= %(step_from)s THEN 5 ELSE 1 END THEN 0
            ELSE 1 + floor(3 * power(pg_temp.chance(image.place, %(salt)s + 40 + label.place), 2))::int
        END) AS number) AS drawn
"""

_FOUND = """
    INSERT INTO fill_found
    SELECT place, label, sum(area_px), count(*), max(area_px) FROM fill_region GROUP BY place, label
"""

_SUMS = """
    INSERT INTO fill_sum
    SELECT place, pixels, defect_pixels, verdict,
           CASE WHEN verdict = 'fail' AND pg_temp.chance(place, %(salt)s + 2) < 0.7
                THEN CASE WHEN pg_temp.chance(place, %(salt)s + 3) < 1.0 / 12 THEN 'pass' ELSE 'fail' END
                WHEN verdict = 'pass' AND pg_temp.chance(place, %(salt)s + 2) < 0.002 THEN 'fail' END
    FROM (SELECT image.place, coalesce(sum(found.pixels), 0) AS pixels,
                 coalesce(sum(found.pixels) FILTER (WHERE is_defect), 0) AS defect_pixels,
                 CASE WHEN coalesce(bool_or(is_defect AND largest_region_px >= %(limit)s), false)
                      THEN 'fail' ELSE 'pass' END AS verdict
          FROM fill_image AS image
          LEFT JOIN fill_found AS found ON found.place = image.place
          LEFT JOIN fill_label AS label ON label.place = found.label
          GROUP BY image.place) AS summed
"""

_RUN_ROWS = """
    INSERT INTO run (id, batch_id, model_version_id, kind, state, created_at, finished_at)
    SELECT run_id, min(batch_id), min(model_version_id), 'normal', 'done', now(), now()
    FROM fill_image GROUP BY run_id ORDER BY run_id
"""

_IMAGE_ROWS = """
    INSERT INTO image (id, project_id, source_id, name, sha256, format, size_bytes, width_px, height_px, captured_at,
                       captured_at_from, reviewed_verdict, created_at)
    SELECT image_id, %(project)s, source_id, 'part-' || lpad((place + 1)::text, 8, '0') || '.jpg',
           lpad(to_hex(%(project)s::bigint), 16, '0') || lpad(to_hex(place), 16, '0') || md5(place || ' ' || %(salt)s),
           'JPEG', 400000, %(width)s, %(height)s, captured_at,
           CASE WHEN pg_temp.chance(place, %(salt)s + 4) < 0.03 THEN 'upload' ELSE 'exif' END, reviewed_verdict,
           captured_at
    FROM fill_image JOIN fill_sum USING (place) ORDER BY place
"""

_BATCH_ROWS = """
    INSERT INTO batch_image (batch_id, image_id, name, was_known)
    SELECT batch_id, image_id, 'part-' || lpad((place + 1)::text, 8, '0') || '.jpg', false
    FROM fill_image ORDER BY place
"""

_PREDICTION_ROWS = """
    INSERT INTO prediction (id, run_id, image_id, model_version_id, state, claimed_by, attempts_count, error,
                            is_current, is_shadow, verdict, min_region_px, defect_area_fraction, confidence,
                            finished_at, project_id, source_id, captured_at, mm_per_pixel, brightness, sharpness,
                            warmth)
    SELECT prediction_id, run_id, image_id, model_version_id, 'done', 'fill_ledger', 1, '', true, false, verdict,
           %(limit)s, defect_pixels / (%(width)s * %(height)s)::float8,
           round((0.97 - 0.25 * power(pg_temp.chance(place, %(salt)s + 5), 2))::numeric, 4)::float8, captured_at,
           %(project)s, source_id, captured_at, mm_per_pixel,
           5200 + 400 * (pg_temp.chance(place, %(salt)s + 6) - 0.5)
               - CASE WHEN source_id = %(drift_source)s THEN %(drift_depth)s * passed ELSE 0 END,
           7000 + 600 * (pg_temp.chance(place, %(salt)s + 8) - 0.5),
           300 + 200 * (pg_temp.chance(place, %(salt)s + 9) - 0.5)
    FROM fill_image JOIN fill_sum USING (place) ORDER BY place
"""

_MEASUREMENT_ROWS = """
    INSERT INTO measurement (prediction_id, label_id, pixels, area_fraction, region_count, largest_region_px,
                             confidence)
    SELECT prediction_id, id, pixels, pixels / (%(width)s * %(height)s)::float8, region_count, largest, confidence
    FROM (SELECT image.prediction_id, label.id, label.place AS label,
                 CASE WHEN label.place = 0 THEN %(width)s * %(height)s - fill_sum.pixels
                      ELSE coalesce(found.pixels, 0) END AS pixels,
                 CASE WHEN label.place = 0 THEN 1 ELSE coalesce(found.region_count, 0) END AS region_count,
                 CASE WHEN label.place = 0 THEN %(width)s * %(height)s - fill_sum.pixels
                      ELSE coalesce(found.largest_region_px, 0) END AS largest,
                 CASE WHEN label.place = 0 OR found.pixels > 0
                      THEN 0.9 - 0.2 * pg_temp.chance(image.place, %(salt)s + 60 + label.place) END AS confidence
          FROM fill_image AS image
          JOIN fill_sum USING (place)
          CROSS JOIN fill_label AS label
          LEFT JOIN fill_found AS found ON found.place = image.place AND found.label = label.place) AS measured
    ORDER BY prediction_id, label
"""

_REGION_ROWS = """
    INSERT INTO region (prediction_id, label_id, area_px, x_px, y_px, width_px, height_px, centroid_x_px,
                        centroid_y_px, length_px, breadth_px, orientation_deg)
    SELECT prediction_id, label_id, area_px, x_px, y_px, width_px, height_px, x_px + (width_px - 1) / 2.0,
           y_px + (height_px - 1) / 2.0, 1.5 * sqrt(area_px), area_px / (1.5 * sqrt(area_px)), orientation
    FROM (SELECT image.prediction_id, label.id AS label_id, region.*,
                 floor((%(width)s - width_px) * power(
                     pg_temp.chance(image.place * 8 + number, %(salt)s + 200 + region.label),
                     CASE WHEN region.label = 1 THEN 4 ELSE 1 END))::int AS x_px,
                 floor((%(height)s - height_px)
                     * pg_temp.chance(image.place * 8 + number, %(salt)s + 300 + region.label))::int AS y_px,
                 180 * pg_temp.chance(image.place * 8 + number, %(salt)s + 400 + region.label) AS orientation
          FROM fill_region AS region
          JOIN fill_image AS image USING (place)
          JOIN fill_label AS label ON label.place = region.label) AS placed
    ORDER BY prediction_id, label, number
"""

_REVIEW_ROWS = """
    INSERT INTO review (project_id, image_id, prediction_id, model_version_id, model_verdict, verdict, reason, is_blind,
                        is_withdrawn, is_repeat, user_id, at)
    SELECT %(project)s, image_id, prediction_id, model_version_id, verdict, reviewed_verdict,
           CASE WHEN reviewed_verdict <> verdict THEN 'Planted by fill_ledger' ELSE '' END, false, false, false,
           %(user)s, least(now(), captured_at + interval '6 hours')
    FROM fill_image JOIN fill_sum USING (place) WHERE reviewed_verdict IS NOT NULL ORDER BY place
"""

CHUNK_ROWS = (
    "TRUNCATE fill_image, fill_region, fill_found, fill_sum",
    _IMAGES,
    "ANALYZE fill_image",
    _REGIONS,
    _FOUND,
    "ANALYZE fill_region, fill_found",
    _SUMS,
    "ANALYZE fill_sum",
    _RUN_ROWS,
    _IMAGE_ROWS,
    _BATCH_ROWS,
    _PREDICTION_ROWS,
    _MEASUREMENT_ROWS,
    _REGION_ROWS,
    _REVIEW_ROWS,
)
