"""Every address of Pixelwise. tests/views/test_outsider.py wants an entry for each."""

from __future__ import annotations

from django.urls import path

from webapp import api
from webapp.views import (
    accounts,
    audit,
    batch_changes,
    batches,
    dashboard,
    dashboard_area,
    dashboard_drift,
    dashboard_growth,
    dashboard_people,
    dashboard_place,
    dashboard_sources,
    dashboard_zones,
    dataset_changes,
    dataset_downloads,
    dataset_labels,
    datasets,
    evaluations,
    files,
    health,
    home,
    image_grid,
    images,
    intakes,
    labels,
    ledger,
    model_compare,
    model_exports,
    model_import,
    model_page,
    models,
    notifications,
    operations,
    people,
    projects,
    promotion,
    report_pages,
    report_schedules,
    reports,
    reviews,
    saved_views,
    sources,
    training,
    training_new,
    uploads,
    what_if,
    zones,
)

PROJECT = "p/<slug:slug>"
PERSONAL = [
    path("", home.show, name="home"),
    path("healthz", health.show, name="healthz"),
    path("metrics", operations.metrics, name="metrics"),
    path("status", operations.status, name="status"),
    path("sign-in", accounts.sign_in, name="sign-in"),
    path("sign-out", accounts.sign_out, name="sign-out"),
    path("account", accounts.show, name="account"),
    path("account/password", accounts.change_password, name="account-password"),
    path("notifications", notifications.show, name="notifications"),
    path("notifications/read", notifications.read, name="notifications-read"),
    path("notifications/<int:notification_id>/open", notifications.follow, name="notification-open"),
    path("account/tokens", accounts.create_api_token, name="token-new"),
    path("account/tokens/<int:token_id>/revoke", accounts.revoke_api_token, name="token-revoke"),
]
PEOPLE = [
    path("people", people.show, name="people"),
    path("people/new", people.create_workspace, name="workspace-new"),
    path("people/<int:workspace_id>", people.show, name="workspace"),
    path("people/<int:workspace_id>/name", people.rename_workspace, name="workspace-rename"),
    path("people/<int:workspace_id>/invitations", people.invite, name="invitation-new"),
    path(
        "people/<int:workspace_id>/invitations/<int:invitation_id>/revoke",
        people.revoke_invitation,
        name="invitation-revoke",
    ),
    path("people/<int:workspace_id>/members/<int:member_id>/role", people.change_role, name="member-role"),
    path("people/<int:workspace_id>/members/<int:member_id>/remove", people.remove, name="member-remove"),
    path("people/<int:workspace_id>/ledger", ledger.show, name="ledger"),
    path("people/<int:workspace_id>/ledger/new", ledger.create, name="ledger-new"),
    path("people/<int:workspace_id>/ledger/revoke", ledger.revoke, name="ledger-revoke"),
    path("join/<str:secret>", people.join, name="join"),
]
DASHBOARD = [
    path(f"{PROJECT}/", dashboard.show, name="dashboard"),
    path(f"{PROJECT}/dashboard/area", dashboard_area.show, name="dashboard-area"),
    path(f"{PROJECT}/dashboard/place", dashboard_place.show, name="dashboard-place"),
    path(f"{PROJECT}/dashboard/zones", dashboard_zones.show, name="dashboard-zones"),
    path(f"{PROJECT}/dashboard/sources", dashboard_sources.show, name="dashboard-sources"),
    path(f"{PROJECT}/dashboard/drift", dashboard_drift.show, name="dashboard-drift"),
    path(f"{PROJECT}/dashboard/growth", dashboard_growth.show, name="dashboard-growth"),
    path(f"{PROJECT}/dashboard/people", dashboard_people.show, name="dashboard-people"),
    path(f"{PROJECT}/views/save", saved_views.save, name="view-save"),
    path(f"{PROJECT}/views/<int:view_id>/delete", saved_views.delete, name="view-delete"),
    path(f"{PROJECT}/reports/<slug:grain>.csv", reports.download, name="report"),
]
REPORT = f"{PROJECT}/reports/<int:report_id>"
SCHEDULE = f"{PROJECT}/reports/schedules/<int:schedule_id>"
REPORTS = [
    path(f"{PROJECT}/reports/", report_pages.show, name="reports"),
    path(f"{PROJECT}/reports/status", report_pages.status, name="reports-status"),
    path(f"{PROJECT}/reports/matching", report_pages.matching, name="reports-matching"),
    path(f"{PROJECT}/reports/ask", report_pages.ask, name="report-ask"),
    path(f"{REPORT}/file", report_pages.download, name="report-file"),
    path(f"{REPORT}/cancel", report_pages.cancel, name="report-cancel"),
    path(f"{REPORT}/remove", report_pages.remove, name="report-remove"),
    path(f"{PROJECT}/reports/schedules/new", report_schedules.create, name="schedule-new"),
    path(f"{SCHEDULE}/switch", report_schedules.switch, name="schedule-switch"),
    path(f"{SCHEDULE}/recipients", report_schedules.recipients, name="schedule-recipients"),
    path(f"{SCHEDULE}/send", report_schedules.send, name="schedule-send"),
    path(f"{SCHEDULE}/delete", report_schedules.delete, name="schedule-delete"),
]
ZONES = f"{PROJECT}/settings/sources/<int:source_id>/zones"
PROJECTS = [
    path("projects/new", projects.create, name="project-new"),
    path(f"{PROJECT}/settings/", projects.settings, name="project-settings"),
    path(f"{PROJECT}/settings/rule", projects.change_rule, name="project-rule"),
    path(f"{PROJECT}/settings/videos", projects.change_privacy, name="project-privacy"),
    path(f"{PROJECT}/settings/labels", labels.save, name="project-labels"),
    path(f"{PROJECT}/settings/labels/new", labels.add, name="label-new"),
    path(f"{PROJECT}/settings/labels/<int:label_id>/remove", labels.remove, name="label-remove"),
    path(f"{PROJECT}/settings/sources", sources.save, name="project-sources"),
    path(f"{PROJECT}/settings/sources/new", sources.add, name="source-new"),
    path(f"{PROJECT}/settings/sources/<int:source_id>/remove", sources.remove, name="source-remove"),
    path(f"{ZONES}/", zones.show, name="zones"),
    path(f"{ZONES}/new", zones.add, name="zone-new"),
    path(f"{ZONES}/<int:zone_id>/rename", zones.rename, name="zone-rename"),
    path(f"{ZONES}/<int:zone_id>/remove", zones.remove, name="zone-remove"),
    path(f"{PROJECT}/settings/delete", projects.delete, name="project-delete"),
]
MODEL = f"{PROJECT}/models/<int:number>"
MODELS = [
    path(f"{PROJECT}/models/", models.show, name="models"),
    path(f"{PROJECT}/models/board", models.board, name="model-board"),
    path(f"{PROJECT}/models/starter", models.add_starter, name="model-starter"),
    path(f"{PROJECT}/models/colors", models.add_colors, name="model-colors"),
    path(f"{PROJECT}/models/evaluate", evaluations.start_all, name="evaluations-start"),
    path(f"{PROJECT}/models/compare", model_compare.show, name="model-compare"),
    path(f"{PROJECT}/models/import", model_import.upload, name="model-import"),
    path(f"{PROJECT}/models/import/<int:import_id>/", model_import.show, name="model-import-labels"),
    path(f"{MODEL}/", model_page.show, name="model-card"),
    path(f"{MODEL}/licence", model_page.change_licence, name="model-licence"),
    path(f"{MODEL}/evaluate", evaluations.start, name="evaluation-start"),
    path(f"{MODEL}/promote", promotion.show, name="model-promote"),
    path(f"{MODEL}/promote/status", promotion.status, name="model-promote-status"),
    path(f"{MODEL}/shadow", promotion.start_shadow, name="model-shadow"),
    path(f"{MODEL}/shadow/stop", promotion.stop_shadow, name="model-shadow-stop"),
    path(f"{MODEL}/live", promotion.go_live, name="model-live"),
    path(f"{MODEL}/export", model_exports.start, name="model-export"),
    path(f"{MODEL}/backend", model_exports.use, name="model-backend"),
    path(f"{MODEL}/download", model_exports.download, name="model-download"),
    path("files/evaluated/<int:evaluated_id>/overlay", files.evaluated_overlay, name="evaluated-overlay"),
    path("files/evaluated/<int:evaluated_id>/truth", files.evaluated_truth, name="evaluated-truth"),
]
TRAINING = f"{PROJECT}/models/trainings/<int:training_id>"
TRAININGS = [
    path(f"{PROJECT}/models/train", training_new.new, name="training-new"),
    path(f"{PROJECT}/models/train/advice", training_new.advice, name="training-advice"),
    path(f"{PROJECT}/models/train/examples", training_new.examples, name="training-examples"),
    path(f"{TRAINING}/", training.show, name="training"),
    path(f"{TRAINING}/status", training.status, name="training-status"),
    path(f"{TRAINING}/cancel", training.cancel, name="training-cancel"),
    path(f"{TRAINING}/retry", training.retry, name="training-retry"),
    path(f"{TRAINING}/delete", training.delete, name="training-delete"),
    path(
        "files/trainings/<int:training_id>/previews/<int:place>/<int:epoch>",
        files.training_preview,
        name="training-preview",
    ),
]
DATASET = f"{PROJECT}/data/<int:dataset_id>"
DATASETS = [
    path(f"{PROJECT}/data/", datasets.index, name="data-sets"),
    path(f"{PROJECT}/data/status", datasets.status, name="data-status"),
    path(f"{PROJECT}/data/upload", dataset_changes.upload, name="data-upload"),
    path(f"{PROJECT}/data/freeze", dataset_changes.freeze, name="data-freeze"),
    path(f"{PROJECT}/data/imports/<int:dataset_import_id>/dismiss", dataset_changes.dismiss, name="data-dismiss"),
    path(f"{PROJECT}/data/imports/<int:dataset_import_id>/labels", dataset_labels.show, name="data-import-labels"),
    path(f"{DATASET}/", datasets.show, name="data-set"),
    path(f"{DATASET}/delete", dataset_changes.delete, name="data-delete"),
    path(f"{DATASET}/pack", dataset_changes.pack, name="data-pack"),
    path(f"{DATASET}/<slug:format>.zip", dataset_downloads.packed, name="data-packed"),
    path(f"{DATASET}/preview/<int:place>.webp", dataset_downloads.preview, name="data-preview"),
]
BATCH = f"{PROJECT}/batches/<int:batch_id>"
BATCHES = [
    path(f"{PROJECT}/batches/", batches.index, name="batches"),
    path(f"{PROJECT}/batches/new", batches.new, name="batch-new"),
    path(f"{PROJECT}/batches/open", uploads.open_, name="batch-open"),
    path(f"{BATCH}/", batches.show, name="batch"),
    path(f"{BATCH}/manifest", uploads.manifest, name="batch-manifest"),
    path(f"{BATCH}/files", uploads.files, name="batch-files"),
    path(f"{BATCH}/uploads", uploads.uploads, name="batch-uploads"),
    path(f"{BATCH}/uploads/<slug:sha256>", uploads.upload, name="batch-upload"),
    path(f"{BATCH}/seal", uploads.seal, name="batch-seal"),
    path(f"{BATCH}/progress", batches.progress, name="batch-progress"),
    path(f"{BATCH}/status", batches.status, name="batch-status"),
    path(f"{BATCH}/images", batches.images, name="batch-images"),
    path(f"{BATCH}/run", batch_changes.run, name="batch-run"),
    path(f"{BATCH}/runs/<int:run_id>/cancel", batch_changes.cancel, name="batch-cancel"),
    path(f"{BATCH}/runs/<int:run_id>/retry", batch_changes.retry, name="batch-retry"),
    path(f"{BATCH}/finish", batch_changes.finish, name="batch-finish"),
    path(f"{BATCH}/rename", batch_changes.rename, name="batch-rename"),
    path(f"{BATCH}/delete", batch_changes.delete, name="batch-delete"),
]
INTAKE = f"{PROJECT}/intakes/<int:intake_id>"
INTAKES = [
    path(f"{PROJECT}/intakes/", intakes.index, name="intakes"),
    path(f"{PROJECT}/intakes/status", intakes.status, name="intakes-status"),
    path(f"{PROJECT}/intakes/folders/new", intakes.add_folder, name="intake-folder-new"),
    path(f"{PROJECT}/intakes/buckets/new", intakes.add_bucket, name="intake-bucket-new"),
    path(f"{INTAKE}/files", intakes.files, name="intake-files"),
    path(f"{INTAKE}/switch", intakes.switch, name="intake-switch"),
    path(f"{INTAKE}/look", intakes.look, name="intake-look"),
    path(f"{INTAKE}/key", intakes.replace_key, name="intake-key"),
    path(f"{INTAKE}/remove", intakes.remove, name="intake-remove"),
]
IMAGES = [
    path(f"{PROJECT}/images/", image_grid.index, name="images"),
    path(f"{PROJECT}/images/more", image_grid.more, name="images-more"),
    path(f"{PROJECT}/images/<int:image_id>/", images.show, name="image"),
    path(f"{PROJECT}/images/<int:image_id>/state", images.state, name="image-state"),
    path(f"{PROJECT}/images/<int:image_id>/judge", reviews.judge, name="image-judge"),
    path(f"{PROJECT}/images/<int:image_id>/withdraw", reviews.withdraw, name="image-withdraw"),
]
WHAT_IF = [
    path(f"{PROJECT}/dashboard/what-if", what_if.show, name="dashboard-what-if"),
    path(f"{PROJECT}/dashboard/what-if/drafts", what_if.save, name="draft-save"),
    path(f"{PROJECT}/dashboard/what-if/drafts/<int:draft_id>/delete", what_if.delete, name="draft-delete"),
]
AUDITS = [
    path(f"{PROJECT}/audit", audit.show, name="audit"),
    path(f"{PROJECT}/audit/draw", audit.draw, name="audit-draw"),
    path(f"{PROJECT}/audit/count", audit.change_count, name="audit-count"),
    path(f"{PROJECT}/audit/images/<int:drawn_id>/judge", audit.judge, name="audit-judge"),
    path(f"{PROJECT}/audit/<int:sample_id>/undo", audit.undo, name="audit-undo"),
]
FILES = [
    path("files/images/<int:image_id>/original", files.image_original, name="image-original"),
    path("files/images/<int:image_id>/view", files.image_view, name="image-view"),
    path("files/images/<int:image_id>/thumbnail", files.image_thumbnail, name="image-thumbnail"),
    path("files/predictions/<int:prediction_id>/mask.png", files.prediction_mask, name="prediction-mask"),
    path("files/predictions/<int:prediction_id>/overlay", files.prediction_overlay, name="prediction-overlay"),
]
API = [path("api/", api.urls)]

urlpatterns = [
    *(PERSONAL + PEOPLE + DASHBOARD + REPORTS + PROJECTS + MODELS + DATASETS + TRAININGS),
    *(BATCHES + INTAKES + IMAGES + AUDITS + WHAT_IF + FILES + API),
]
