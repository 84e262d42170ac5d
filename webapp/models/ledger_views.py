"""The ledger: read-only views for programs that draw their own charts. Their columns are a promise (docs/ledger.md).

A role that stands in `ledger_reader` sees its workspace's rows, the owner of the schema all, anybody else none:
every view starts from `ledger.projects`, which decides. A migration that changes the views keeps its SQL to itself
(`_ledger_0004`): it runs before later columns are there. One that changes the type of a column read here drops the
views first.
"""

from __future__ import annotations

_LOCAL = """({at} AT TIME ZONE coalesce((SELECT name FROM rollup_zone ORDER BY id LIMIT 1), 'UTC'))"""
_DAY = f"{_LOCAL}::date"

_PROJECTS = """
    SELECT project.id AS project_id, project.name::text AS project, project.slug::text AS slug,
           project.currency::text AS currency
    FROM project
    WHERE project.workspace_id IN (SELECT workspace_id FROM ledger_reader WHERE role_name = current_user)
       OR current_user = (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'ledger')
"""

_SOURCES = """
    SELECT project_id, source.id AS source_id, source.site::text AS site, source.name::text AS source,
           source.kind::text AS kind, source.mm_per_pixel
    FROM source JOIN ledger.projects USING (project_id)
"""

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

_MODEL_VERSIONS = """
    SELECT project_id, model_version.id AS model_version_id, model_version.number,
           model_version.architecture::text AS architecture, model_version.origin::text AS origin,
           model_version.min_region_px, model_version.created_at,
           EXISTS (SELECT FROM project WHERE project.live_model_id = model_version.id) AS is_live
    FROM model_version JOIN ledger.projects USING (project_id)
"""

_PROMOTIONS = f"""
    SELECT project_id, promotion.id AS promotion_id, promotion.at, promotion.model_version_id,
           promotion.kind::text AS kind, {_DAY.format(at="promotion.at")} AS day, promotion.note::text AS note,
           promotion.user_id AS person_id
    FROM promotion JOIN ledger.projects USING (project_id)
"""  # noqa: S608

_EVENTS = f"""
    SELECT project_id, project_event.id AS event_id, project_event.at, project_event.kind::text AS kind,
           project_event.sentence::text AS sentence, {_DAY.format(at="project_event.at")} AS day,
           project_event.user_id AS person_id
    FROM project_event JOIN ledger.projects USING (project_id)
"""  # noqa: S608

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

_LABELS = f"""
    SELECT prediction.project_id, prediction.image_id, prediction.captured_at,
           {_DAY.format(at="prediction.captured_at")} AS day, prediction.source_id, prediction.model_version_id,
           prediction.is_current, measurement.label_id, label.name::text AS label, label.index::int AS label_index,
           label.is_defect, measurement.pixels, measurement.area_fraction,
           measurement.pixels * prediction.mm_per_pixel * prediction.mm_per_pixel AS area_mm2,
           measurement.region_count, measurement.largest_region_px,
           coalesce(measurement.min_region_px, prediction.min_region_px) AS min_region_px,
           measurement.largest_region_px
               >= coalesce(measurement.min_region_px, prediction.min_region_px) AS is_affected,
           measurement.confidence
    FROM prediction
    JOIN ledger.projects USING (project_id)
    JOIN measurement ON measurement.prediction_id = prediction.id
    JOIN label ON label.id = measurement.label_id
    WHERE prediction.state = 'done' AND NOT prediction.is_shadow
"""  # noqa: S608

_REGIONS = f"""
    SELECT prediction.project_id, region.id AS region_id, prediction.image_id, prediction.captured_at,
           {_DAY.format(at="prediction.captured_at")} AS day, prediction.source_id, prediction.model_version_id,
           prediction.is_current, region.label_id, label.name::text AS label, region.area_px,
           region.area_px * prediction.mm_per_pixel * prediction.mm_per_pixel AS area_mm2,
           region.x_px, region.y_px, region.width_px, region.height_px, region.centroid_x_px, region.centroid_y_px,
           region.length_px, region.length_px * prediction.mm_per_pixel AS length_mm,
           region.breadth_px, region.breadth_px * prediction.mm_per_pixel AS breadth_mm, region.orientation_deg
    FROM prediction
    JOIN ledger.projects USING (project_id)
    JOIN region ON region.prediction_id = prediction.id
    JOIN label ON label.id = region.label_id
    WHERE prediction.state = 'done' AND NOT prediction.is_shadow
"""  # noqa: S608

_DAILY = """
    SELECT project_id, kept.day, kept.source_id, kept.model_version_id, kept.is_current,
           kept.inspected_count AS inspected, kept.final_fail_count AS defective, kept.fail_count AS model_failed,
           kept.first_pass_count AS first_pass, kept.waiting_count AS waiting, kept.upload_time_count AS upload_time,
           kept.pixels
    FROM inspection_day AS kept JOIN ledger.projects USING (project_id)
    WHERE kept.inspected_count <> 0
"""

_DAILY_LABELS = """
    SELECT kept.project_id, kept.day, kept.source_id, kept.model_version_id, kept.is_current, kept.label_id,
           label.name::text AS label, kept.affected_count AS affected, kept.pixels, kept.region_count AS regions
    FROM label_day AS kept
    JOIN ledger.projects USING (project_id)
    JOIN label ON label.id = kept.label_id
"""

_REVIEWS = f"""
    SELECT review.project_id, review.id AS review_id, review.image_id, review.at, review.verdict::text AS verdict,
           review.model_verdict::text AS model_verdict, review.reason::text AS reason, review.is_blind,
           review.is_withdrawn, review.user_id AS person_id, {_DAY.format(at="review.at")} AS day,
           prediction.model_version_id
    FROM review
    JOIN ledger.projects USING (project_id)
    LEFT JOIN prediction ON prediction.id = review.prediction_id
"""  # noqa: S608

_AUDITS = """
    SELECT project_id, audit_image.id AS audit_id, audit_sample.week, audit_stratum.id AS stratum_id,
           audit_stratum.source_id, audit_stratum.passed_count AS passed, audit_image.image_id,
           audit_image.verdict::text AS verdict, audit_image.judged_at
    FROM audit_sample
    JOIN ledger.projects USING (project_id)
    JOIN audit_stratum ON audit_stratum.sample_id = audit_sample.id
    JOIN audit_image ON audit_image.stratum_id = audit_stratum.id
"""

# Of each version one evaluation corrects numbers: the newest on a test split, else the newest.
_EVALUATED_IMAGES = """
    SELECT model_version.project_id, evaluation.id AS evaluation_id, evaluation.model_version_id,
           dataset.name::text AS dataset, evaluation.split::text AS split, evaluation.finished_at,
           evaluation.id = (
               SELECT chosen.id FROM evaluation AS chosen
               WHERE chosen.model_version_id = evaluation.model_version_id AND chosen.state = 'done'
               ORDER BY chosen.split = 'test' DESC, chosen.finished_at DESC LIMIT 1) AS is_newest,
           annotation.image_id, evaluated_image.is_defective, evaluated_image.fails
    FROM evaluated_image
    JOIN evaluation ON evaluation.id = evaluated_image.evaluation_id AND evaluation.state = 'done'
    JOIN model_version ON model_version.id = evaluation.model_version_id
    JOIN ledger.projects USING (project_id)
    JOIN dataset ON dataset.id = evaluation.dataset_id
    JOIN dataset_image ON dataset_image.id = evaluated_image.dataset_image_id
    JOIN annotation ON annotation.id = dataset_image.annotation_id
"""

_EVALUATED_LABELS = """
    SELECT model_version.project_id, evaluation.id AS evaluation_id, evaluation.model_version_id,
           evaluation.id = (
               SELECT chosen.id FROM evaluation AS chosen
               WHERE chosen.model_version_id = evaluation.model_version_id AND chosen.state = 'done'
               ORDER BY chosen.split = 'test' DESC, chosen.finished_at DESC LIMIT 1) AS is_newest,
           annotation.image_id, label.id AS label_id, label.name::text AS label,
           coalesce((evaluated_image.label_pixels -> label.id::text ->> 0)::bigint, 0) AS hit_pixels,
           coalesce((evaluated_image.label_pixels -> label.id::text ->> 1)::bigint, 0) AS wrong_pixels,
           coalesce((evaluated_image.label_pixels -> label.id::text ->> 2)::bigint, 0) AS missed_pixels
    FROM evaluated_image
    JOIN evaluation ON evaluation.id = evaluated_image.evaluation_id AND evaluation.state = 'done'
    JOIN model_version ON model_version.id = evaluation.model_version_id
    JOIN ledger.projects USING (project_id)
    JOIN label ON label.project_id = model_version.project_id
    JOIN dataset_image ON dataset_image.id = evaluated_image.dataset_image_id
    JOIN annotation ON annotation.id = dataset_image.annotation_id
    WHERE evaluated_image.label_pixels <> '{}'
"""

VIEWS = {
    "projects": _PROJECTS,
    "sources": _SOURCES,
    "zones": _ZONES,
    "project_labels": _PROJECT_LABELS,
    "model_versions": _MODEL_VERSIONS,
    "promotions": _PROMOTIONS,
    "events": _EVENTS,
    "images": _IMAGES,
    "labels": _LABELS,
    "regions": _REGIONS,
    "daily": _DAILY,
    "daily_labels": _DAILY_LABELS,
    "reviews": _REVIEWS,
    "audits": _AUDITS,
    "evaluated_images": _EVALUATED_IMAGES,
    "evaluated_labels": _EVALUATED_LABELS,
}
