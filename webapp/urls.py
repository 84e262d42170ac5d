"""Every address of Pixelwise. tests/views/test_outsider.py wants an entry for each."""

from __future__ import annotations

from django.urls import path

from webapp import api
from webapp.views import (
    accounts,
    batch_changes,
    batches,
    dashboard,
    dataset_changes,
    dataset_downloads,
    datasets,
    evaluations,
    files,
    health,
    home,
    image_grid,
    images,
    labels,
    model_compare,
    model_exports,
    model_import,
    model_page,
    models,
    people,
    projects,
    promotion,
    reports,
    sources,
    training,
    training_new,
    uploads,
)

PROJECT = "p/<slug:slug>"
PERSONAL = [
    path("", home.show, name="home"),
    path("healthz", health.show, name="healthz"),
    path("sign-in", accounts.sign_in, name="sign-in"),
    path("sign-out", accounts.sign_out, name="sign-out"),
    path("account", accounts.show, name="account"),
    path("account/password", accounts.change_password, name="account-password"),
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
    path("join/<str:secret>", people.join, name="join"),
]
DASHBOARD = [
    path(f"{PROJECT}/", dashboard.show, name="dashboard"),
    path(f"{PROJECT}/reports/<slug:grain>.csv", reports.download, name="report"),
]
PROJECTS = [
    path("projects/new", projects.create, name="project-new"),
    path(f"{PROJECT}/settings/", projects.settings, name="project-settings"),
    path(f"{PROJECT}/settings/rule", projects.change_rule, name="project-rule"),
    path(f"{PROJECT}/settings/labels", labels.save, name="project-labels"),
    path(f"{PROJECT}/settings/labels/new", labels.add, name="label-new"),
    path(f"{PROJECT}/settings/labels/<int:label_id>/remove", labels.remove, name="label-remove"),
    path(f"{PROJECT}/settings/sources", sources.save, name="project-sources"),
    path(f"{PROJECT}/settings/sources/new", sources.add, name="source-new"),
    path(f"{PROJECT}/settings/sources/<int:source_id>/remove", sources.remove, name="source-remove"),
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
    path(f"{DATASET}/", datasets.show, name="data-set"),
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
    path(f"{BATCH}/files", uploads.file, name="batch-file"),
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
IMAGES = [
    path(f"{PROJECT}/images/", image_grid.index, name="images"),
    path(f"{PROJECT}/images/more", image_grid.more, name="images-more"),
    path(f"{PROJECT}/images/<int:image_id>/", images.show, name="image"),
    path(f"{PROJECT}/images/<int:image_id>/state", images.state, name="image-state"),
]
FILES = [
    path("files/images/<int:image_id>/original", files.image_original, name="image-original"),
    path("files/images/<int:image_id>/view", files.image_view, name="image-view"),
    path("files/images/<int:image_id>/thumbnail", files.image_thumbnail, name="image-thumbnail"),
    path("files/predictions/<int:prediction_id>/mask.png", files.prediction_mask, name="prediction-mask"),
    path("files/predictions/<int:prediction_id>/overlay", files.prediction_overlay, name="prediction-overlay"),
]
API = [path("api/", api.urls)]

urlpatterns = PERSONAL + PEOPLE + DASHBOARD + PROJECTS + MODELS + DATASETS + TRAININGS + BATCHES + IMAGES + FILES + API
