"""A model that ends its worker while it is loaded: no photo is blamed, and its run comes to an end that says why."""

from __future__ import annotations

import html
import io

import pytest

from tests.cast import person, signed_in
from tests.images import picture, png
from tests.workers import counts, dead_worker, die_loading, in_hand_files, living_mark
from webapp.actions.model_versions import add_color_model
from webapp.actions.runs import retry_failed, start_run
from webapp.actions.upload import upload_batch
from webapp.models import Membership, Project, Run, batch_progress
from webapp.pipeline.claims import MAX_LOSSES
from webapp.pipeline.segment import segment_run
from webapp.pipeline.sweep import sweep

pytestmark = pytest.mark.django_db

SWITCHED_OFF = f"{2**22 - 1}.1"
"""The mark of a parent that is gone too."""


@pytest.fixture
def run(project: Project) -> Run:
    add_color_model(project=project, user=None)
    files = [(f"{mark}.png", io.BytesIO(png(picture(red=0.5, mark=mark)))) for mark in range(5)]
    return upload_batch(project=project, user=None, files=files).runs.get()


def errors(run: Run) -> set[str]:
    return set(run.predictions.values_list("error", flat=True))


def test_the_first_death_blames_nobody(run: Run) -> None:
    die_loading(run, dead_worker(living_mark()))
    assert (counts(run), in_hand_files()) == ([("queued", 0, 0)] * 5, [])
    assert segment_run(run.pk) is False
    assert {state for state, *_ in counts(run)} == {"done"}


def test_the_second_ends_the_run_and_its_page_says_why(run: Run) -> None:
    for _ in range(2):
        die_loading(run, dead_worker(living_mark()))
    assert sweep().runs == []
    run.refresh_from_db()
    assert (run.state, batch_progress(run.batch).status) == (Run.State.DONE, "failed")
    (error,) = errors(run)
    assert error.startswith("Version 1 could not be loaded: the worker ended 2 times while loading it.")
    bob = person("bob")
    project = run.model_version.project
    Membership.objects.create(workspace=project.workspace, user=bob)
    page = signed_in(bob).get(f"/p/{project.slug}/batches/{run.batch_id}/?show=failed")
    assert error in html.unescape(page.content.decode())


def test_other_versions_go_on(run: Run) -> None:
    for _ in range(2):
        die_loading(run, dead_worker(living_mark()))
    version = add_color_model(project=run.model_version.project, user=None)
    other = start_run(batch=run.batch, model_version=version, user=None)
    segment_run(other.pk)
    assert {state for state, *_ in counts(other)} == {"done"}


def test_workers_that_are_switched_off_while_they_load_end_it_only_after_many_times(run: Run) -> None:
    for _ in range(MAX_LOSSES - 1):
        die_loading(run, dead_worker(SWITCHED_OFF))
    assert counts(run) == [("queued", 0, 0)] * 5
    die_loading(run, dead_worker(SWITCHED_OFF))
    (error,) = errors(run)
    assert "ended 5 times while loading it" in error


def test_a_model_that_was_loaded_is_cleared(run: Run) -> None:
    die_loading(run, dead_worker(living_mark()))
    segment_run(run.pk)
    run.refresh_from_db()
    assert (run.load_deaths_count, run.load_losses_count) == (0, 0)


def test_a_person_can_try_again(run: Run) -> None:
    for _ in range(2):
        die_loading(run, dead_worker(living_mark()))
    assert retry_failed(run=run, user=None) == 5
    die_loading(run, dead_worker(living_mark()))
    assert {state for state, *_ in counts(run)} == {"queued"}
    while segment_run(run.pk):
        pass
    assert {state for state, *_ in counts(run)} == {"done"}
