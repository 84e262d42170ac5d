"""Claims: one worker per image, nothing lost with a dead worker, nothing saved without a claim."""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import sys
from typing import Any

import pytest
from django.utils import timezone

from segmentation.weights import ModelFolderError
from tests.workers import LEASE, counts, dead_worker, die, in_hand_files, leave_in_hand, living_mark, run_of_five
from webapp import storage
from webapp.actions.batches import delete_batch
from webapp.actions.labels import add_label
from webapp.actions.project_templates import LabelInput
from webapp.actions.runs import cancel_run, retry_failed
from webapp.actions.upload import upload_batch
from webapp.actions.verdicts import change_rule
from webapp.models import Measurement, Project, Run, batch_progress
from webapp.pipeline import claims
from webapp.pipeline.claims import MAX_LOSSES, requeue_lost
from webapp.pipeline.save import Outcome, save_outcomes
from webapp.pipeline.segment import compute, loaded, loaded_segmenter, segment_run
from webapp.pipeline.sweep import sweep
from webapp.services.living import dead_workers, worker_name

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(project: Project) -> Run:
    return run_of_five(project)


def states(run: Run) -> list[str]:
    return sorted(run.predictions.values_list("state", flat=True))


def test_two_workers_never_claim_the_same_image(run: Run) -> None:
    first = run.predictions.all().claim(worker="a:1", count=3, lease=LEASE)
    second = run.predictions.all().claim(worker="b:1", count=3, lease=LEASE)
    assert len(first) == 3
    assert len(second) == 2
    assert not {row.pk for row in first} & {row.pk for row in second}


def test_an_image_tried_before_is_claimed_alone(run: Run) -> None:
    run.predictions.update(attempts_count=1)
    assert len(run.predictions.all().claim(worker="a:1", count=3, lease=LEASE)) == 1


def test_a_claim_whose_lease_ran_out_goes_back(run: Run) -> None:
    run.predictions.all().claim(worker="elsewhere:1", count=3, lease=LEASE)
    assert requeue_lost() == 0
    run.predictions.filter(state="claimed").update(lease_until=timezone.now() - LEASE)
    assert requeue_lost() == 3
    assert states(run) == ["queued"] * 5


def test_a_claim_of_a_dead_process_on_this_machine_goes_back_at_once(run: Run) -> None:
    run.predictions.all().claim(worker=dead_worker(), count=2, lease=LEASE)
    run.predictions.all().claim(worker=worker_name(), count=2, lease=LEASE)
    assert requeue_lost() == 2
    assert states(run) == ["claimed"] * 2 + ["queued"] * 3


def test_only_what_a_dying_process_had_in_hand_is_suspected(run: Run) -> None:
    die(run, dead_worker(living_mark()), holding=4, in_hand_count=1)
    assert counts(run) == [("queued", 0, 0)] * 4 + [("queued", 1, 0)]
    assert len(run.predictions.all().claim(worker="a:1", count=16, lease=LEASE)) == 4, "the suspect comes last"
    assert not in_hand_files()


def test_an_image_that_stopped_its_worker_twice_is_set_aside_and_the_rest_goes_on(run: Run) -> None:
    (poison, *_) = die(run, dead_worker(living_mark()), holding=3, in_hand_count=2)
    run.predictions.filter(attempts_count=0).update(attempts_count=5)
    assert [row.pk for row in die(run, dead_worker(living_mark()), holding=3)] == [poison.pk]
    failed = run.predictions.get(state="failed")
    assert failed.pk == poison.pk
    assert "after 2 tries: the worker stopped" in failed.error
    run.predictions.exclude(state="failed").update(attempts_count=0)
    while segment_run(run.pk):
        pass
    assert states(run) == ["done"] * 4 + ["failed"]
    assert batch_progress(run.batch).status == "done"


def test_a_worker_that_is_switched_off_blames_nobody(run: Run) -> None:
    for _ in range(MAX_LOSSES - 1):
        die(run, dead_worker(f"{2**22 - 1}.1"), holding=5, in_hand_count=5)
    assert {state for state, *_ in counts(run)} == {"queued"}
    assert {attempts for _, attempts, _ in counts(run)} == {0}
    while segment_run(run.pk):
        pass
    assert states(run) == ["done"] * 5


def test_an_image_with_which_whole_workers_end_again_and_again_is_set_aside(run: Run) -> None:
    run.predictions.update(losses_count=MAX_LOSSES - 1)
    die(run, dead_worker(), holding=1)
    failed = run.predictions.get(state="failed")
    assert "after 5 tries: all of the worker ended" in failed.error


def test_an_image_tried_again_by_a_person_begins_anew(run: Run) -> None:
    run.predictions.update(losses_count=MAX_LOSSES - 1)
    die(run, dead_worker(), holding=1)
    assert retry_failed(run=run, user=None) == 1
    assert ("queued", 1, 0) in counts(run)


def test_a_process_that_dies_while_others_are_seen_to_is_told_apart_the_next_time(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had in hand must be known until its claims are given back."""
    still_alive = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    dying = f"{socket.gethostname()}:{living_mark()}:{still_alive.pid}"
    claimed = run.predictions.all().claim(worker=dying, count=4, lease=LEASE)
    leave_in_hand(dying, [row.pk for row in claimed], 1)
    outlived = claims.outlived_by_parent

    def kill_it(worker: str) -> bool:
        still_alive.kill()
        still_alive.communicate()
        return outlived(worker)

    monkeypatch.setattr(claims, "outlived_by_parent", kill_it)
    die(run, dead_worker(living_mark()), holding=1)
    assert in_hand_files() == [dying]
    requeue_lost()
    assert (in_hand_files(), counts(run)) == ([], [("queued", 0, 0)] * 3 + [("queued", 1, 0)] * 2)


def test_a_lease_that_ran_out_takes_nothing_from_a_living_process(run: Run) -> None:
    """A picture that takes longer than the lease, or a database that was away for so long."""
    run.predictions.all().claim(worker=worker_name(), count=1, lease=-LEASE)
    run.predictions.all().claim(worker="elsewhere:1", count=1, lease=-LEASE)
    assert requeue_lost() == 1
    assert counts(run) == [("claimed", 1, 0)] + [("queued", 0, 0)] * 3 + [("queued", 0, 1)]


def test_a_process_whose_number_came_back_is_dead(run: Run) -> None:
    host, mark = worker_name().split(":")
    number, _, started_at = mark.partition(".")
    assert dead_workers([f"{host}:{mark}", f"{host}:{number}", f"{host}:{number}.{int(started_at) + 1}"]) == [
        f"{host}:{number}.{int(started_at) + 1}"
    ]


def test_results_of_a_lost_claim_are_dropped(run: Run) -> None:
    claimed = run.predictions.all().claim(worker="a:1", count=5, lease=LEASE)
    outcomes = list(compute(loaded(run.model_version), run.model_version, claimed, worker="a:1"))
    cancel_run(run=run, user=None)
    assert save_outcomes(outcomes, run.model_version, worker="a:1") == set()
    assert not Measurement.objects.exists()
    assert states(run) == ["cancelled"] * 5


def test_failed_images_are_retried_alone(run: Run) -> None:
    claimed = run.predictions.all().claim(worker="a:1", count=1, lease=LEASE)
    save_outcomes([Outcome(claimed[0].pk, "is damaged")], run.model_version, worker="a:1")
    while segment_run(run.pk):
        pass
    run.refresh_from_db()
    assert (run.state, states(run)) == (Run.State.DONE, ["done"] * 4 + ["failed"])
    assert retry_failed(run=run, user=None) == 1
    assert segment_run(run.pk) is False
    run.refresh_from_db()
    assert (run.state, states(run)) == (Run.State.DONE, ["done"] * 5)


def test_an_image_that_failed_in_another_batch_is_retried_from_this_one(project: Project, run: Run) -> None:
    claimed = run.predictions.all().claim(worker="a:1", count=1, lease=LEASE)
    save_outcomes([Outcome(claimed[0].pk, "is damaged")], run.model_version, worker="a:1")
    content = storage.original_path(claimed[0].image.sha256).read_bytes()
    again = upload_batch(project=project, user=None, files=[("again.png", io.BytesIO(content))])
    assert batch_progress(again).failed_count == 1
    assert retry_failed(run=again.runs.get(), user=None) == 1
    segment_run(again.runs.get().pk)
    assert batch_progress(again).done_count == 1


def test_sweep_names_runs_that_wait_and_nobody_works_on(run: Run) -> None:
    assert sweep().runs == [run.pk]
    run.predictions.all().claim(worker=worker_name(), count=1, lease=LEASE)
    assert sweep().runs == []


def test_a_rule_changed_while_a_chunk_was_segmented_judges_it(run: Run) -> None:
    claimed = run.predictions.all().claim(worker="a:1", count=5, lease=LEASE)
    outcomes = list(compute(loaded(run.model_version), run.model_version, claimed, worker="a:1"))
    change_rule(project=run.model_version.project, user=None, min_region_px=10_000)
    save_outcomes(outcomes, run.model_version, worker="a:1")
    assert set(run.predictions.values_list("verdict", "min_region_px")) == {("pass", 10_000)}


def test_a_label_added_while_a_chunk_was_segmented_has_its_zeros(run: Run) -> None:
    claimed = run.predictions.all().claim(worker="a:1", count=5, lease=LEASE)
    outcomes = list(compute(loaded(run.model_version), run.model_version, claimed, worker="a:1"))
    label = add_label(
        project=run.model_version.project, user=None, label=LabelInput("dust", "#ffffff", is_defect=False)
    )
    save_outcomes(outcomes, run.model_version, worker="a:1")
    assert list(label.measurements.values_list("pixels", flat=True)) == [0] * 5


def test_an_error_of_the_worker_gives_its_images_back_and_then_names_itself(run: Run, settings: Any) -> None:
    shutil.rmtree(storage.model_folder(run.model_version.folder))
    loaded_segmenter.cache_clear()
    for _ in range(10):
        with pytest.raises(ModelFolderError):
            segment_run(run.pk)
        if states(run) == ["failed"] * 5:
            break
    assert states(run) == ["failed"] * 5
    assert "ModelFolderError" in run.predictions.first().error


def test_no_mask_is_written_for_a_batch_deleted_meanwhile(run: Run) -> None:
    claimed = run.predictions.all().claim(worker="a:1", count=1, lease=LEASE)
    outcomes = list(compute(loaded(run.model_version), run.model_version, claimed, worker="a:1"))
    delete_batch(batch=run.batch, user=None)
    assert save_outcomes(outcomes, run.model_version, worker="a:1") == set()
    assert not storage.mask_path(claimed[0].pk).exists()
