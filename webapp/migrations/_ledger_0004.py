"""The ledger's views as migration 0004 changed them: zones, labels of people, how long a frame stands for."""

from __future__ import annotations

_LOCAL = """({at} AT TIME ZONE coalesce((SELECT name FROM rollup_zone ORDER BY id LIMIT 1), 'UTC'))"""
_DAY = f"{_LOCAL}::date"

_IMAGES = f"""
    SELECT prediction.project_id, prediction.image_id, image.name::text AS image, image.sha256::text AS sha256,
           prediction.captured_at, {_DAY.format(at="prediction.captured_at")} AS day,
           image.captured_at_from::text AS captured_at_from, prediction.source_id, prediction.model_version_id,
           prediction.is_current, coalesce(image.reviewed_verdict, prediction.verdict)::text AS verdict,
           prediction.verdict::text AS model_verdict, image.reviewed_verdict::text AS reviewed_verdict,
           prediction.min_region_px, image.width_px, image.height_px,
           image.width_px::bigint * image.height_px AS pixels, prediction.mm_per_pixel,
           prediction.defect_area_fraction, prediction.confidence,
           prediction.brightness / 10000.0::float8 AS brightness,
           prediction.sharpness / 1000.0::float8 AS sharpness, prediction.warmth / 10000.0::float8 AS warmth,
           prediction.finished_at, extract(hour FROM {_LOCAL.format(at="prediction.captured_at")})::int AS hour,
           image.latitude, image.longitude, run.batch_id, image.frame_seconds
    FROM prediction
    JOIN ledger.projects USING (project_id)
    JOIN image ON image.id = prediction.image_id
    LEFT JOIN run ON run.id = prediction.run_id
    WHERE prediction.state = 'done' AND NOT prediction.is_shadow
"""  # noqa: S608

_PROJECT_LABELS = """
    SELECT project_id, label.id AS label_id, label.index::int AS label_index, label.name::text AS label,
           label.color::text AS color, label.is_defect, label.severity::int AS severity, label.cost,
           label.is_person
    FROM label JOIN ledger.projects USING (project_id)
"""

_ZONES = """
    SELECT project_id, zone.id AS zone_id, zone.source_id, zone.name::text AS zone, zone.shape
    FROM zone JOIN source ON source.id = zone.source_id JOIN ledger.projects USING (project_id)
"""

# A role that was made before the view is let in too.
_LET_READERS_IN = """
    DO $$
    DECLARE reader text;
    BEGIN
        FOR reader IN SELECT role_name FROM ledger_reader JOIN pg_roles ON rolname = role_name LOOP
            EXECUTE format('GRANT SELECT ON ledger.zones TO %I', reader);
        END LOOP;
    END $$
"""

FORWARDS = [
    f"CREATE OR REPLACE VIEW ledger.images WITH (security_barrier) AS {_IMAGES}",
    f"CREATE OR REPLACE VIEW ledger.project_labels WITH (security_barrier) AS {_PROJECT_LABELS}",
    f"CREATE VIEW ledger.zones WITH (security_barrier) AS {_ZONES}",
    _LET_READERS_IN,
]
SHAPE = """
    ALTER TABLE zone ADD CONSTRAINT zone_shape_in_picture
    CHECK (npoints(shape) >= 3 AND box(shape) <@ box(point(0, 0), point(1, 1)))
"""
