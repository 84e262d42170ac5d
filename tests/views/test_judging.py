"""The leaderboard, a version's page and two versions side by side, on drawn images whose truth is known."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from django.test import Client
from django.utils import timezone

from segmentation.masks import read_mask
from tests.cast import signed_in
from tests.trainings import drawn_dataset, taken_at
from tests.views.visit import words
from webapp import storage
from webapp.actions.evaluations import start_evaluation
from webapp.actions.model_versions import add_color_model
from webapp.models import Dataset, Evaluation, Project, User
from webapp.models.comparison import compare
from webapp.pipeline.disagreement import count_disagreement, disagreement
from webapp.pipeline.evaluate_dataset import run_evaluation

COLORS = {"background": "#808080", "scratch": "#dc1e1e", "crack": "#1e3cdc", "pit": "#00ff00", "stain": "#ffff00"}


@pytest.fixture
def project(project: Project) -> Project:
    """Its label `scratch` is the red of the drawn parts."""
    for name, color in COLORS.items():
        project.labels.filter(name=name).update(color=color)
    return project


@pytest.fixture
def dataset(project: Project) -> Dataset:
    """Four test images; two of them are scratched."""
    return drawn_dataset(project, train=1, val=1, test=4)


@pytest.fixture
def versions(project: Project, alice: User) -> Project:
    """Version 1 is exact, version 2 takes red for a pit and so has a lower overlap, version 3 sees no defect."""
    add_color_model(project=project, user=alice)
    project.labels.filter(name="scratch").update(color="#ffffff")
    project.labels.filter(name="pit").update(color=COLORS["scratch"])
    add_color_model(project=project, user=alice)
    project.labels.filter(name="pit").update(color="#00ff00")
    project.labels.filter(name="background").update(color="#a05050")
    add_color_model(project=project, user=alice)
    return project


@pytest.fixture
def client(alice: User) -> Client:
    return signed_in(alice)


def evaluate_all_of(project: Project, dataset: Dataset) -> None:
    for version in project.model_versions.all():
        run_evaluation(start_evaluation(model_version=version, dataset=dataset, user=None).pk)


def shown(client: Client, project: Project, path: str = "") -> str:
    answer = client.get(f"/p/{project.slug}/models/{path}")
    assert answer.status_code == 200
    return answer.content.decode()


def order(page: str) -> list[str]:
    """Numbers of the versions in the order of the table."""
    return re.findall(r'<th scope="row">\s*<a href="[^"]*/models/(\d+)/', page)


def test_what_is_not_evaluated_is_offered_in_one_click(client: Client, versions: Project, dataset: Dataset) -> None:
    page = shown(client, versions)
    assert "Evaluate 3 versions" in page
    assert page.count("Not evaluated yet") == 3
    told = client.post(f"/p/{versions.slug}/models/evaluate", {"dataset": dataset.pk}, follow=True).content.decode()
    assert "3 versions will be evaluated, one after the other." in told
    assert told.count("Waiting for a worker") == 3
    assert "hx-get" in told
    for evaluation in Evaluation.objects.all():
        run_evaluation(evaluation.pk)
    board = shown(client, versions, "board")
    assert "hx-get" not in board
    assert "1,000 0 to 658" not in words(board)
    assert "0 0 to 658 0 of 2" in words(board)
    assert "1,000 342 to 1,000 2 of 2" in words(board)


def test_sorting(client: Client, versions: Project, dataset: Dataset) -> None:
    evaluate_all_of(versions, dataset)
    assert order(shown(client, versions))[0] == "1"
    assert order(shown(client, versions, "?sort=quality&order=reverse"))[-1] == "1"
    assert order(shown(client, versions, "?sort=missed"))[-1] == "3"
    assert order(shown(client, versions, "?sort=version")) == ["3", "2", "1"]
    page = shown(client, versions, "?sort=missed")
    assert page.count('aria-sort="ascending"') == 1
    assert client.get(f"/p/{versions.slug}/models/?sort=beauty").status_code == 404
    assert client.get(f"/p/{versions.slug}/models/?dataset=999999").status_code == 404


def test_versions_without_scores_come_last(client: Client, versions: Project, dataset: Dataset) -> None:
    third = versions.model_versions.get(number=3)
    run_evaluation(start_evaluation(model_version=third, dataset=dataset, user=None).pk)
    for query in ("?sort=quality", "?sort=quality&order=reverse", "?sort=missed"):
        assert order(shown(client, versions, query))[0] == "3"


def test_validation_instead_of_test_is_said(client: Client, versions: Project) -> None:
    drawn_dataset(versions, train=1, val=2, test=0)
    assert "There are no test images, and these ones also chose the weights and limits" in shown(client, versions)


def test_the_list_costs_as_many_queries_however_long(
    client: Client, versions: Project, dataset: Dataset, alice: User, django_assert_max_num_queries: object
) -> None:
    evaluate_all_of(versions, dataset)
    with django_assert_max_num_queries(26):  # type: ignore[operator]
        shown(client, versions)
    for _ in range(3):
        add_color_model(project=versions, user=alice)
    with django_assert_max_num_queries(26):  # type: ignore[operator]
        shown(client, versions)


def test_page_of_a_version(client: Client, versions: Project, dataset: Dataset) -> None:
    assert "Not evaluated on these images yet." in shown(client, versions, "3/")
    evaluate_all_of(versions, dataset)
    page = shown(client, versions, "3/")
    assert "Missed per 1,000 defective images 1,000 95% interval 342 to 1,000; 2 of 2" in words(page)
    assert "Of 2 true regions 0 were found" in page
    assert "What is taken for what" in page
    assert "Limit for scratch" in page
    for figure in ("confusion", "regions", "calibration"):
        assert f'id="figure-{figure}"' in page
    assert versions.model_versions.get(number=3).weights_sha256 in page


def test_below_the_card_stand_the_newest_scores_on_test_images(
    client: Client, versions: Project, dataset: Dataset
) -> None:
    def below_the_card(query: str = "") -> str:
        return words(shown(client, versions, f"1/{query}")).partition("Model card")[2]

    first = versions.model_versions.get(number=1)
    for older in (drawn_dataset(versions, train=1, val=2, test=0), dataset):
        run_evaluation(start_evaluation(model_version=first, dataset=older, user=None).pk)
    assert "on the 4 test images of Drawn parts. Missed 0 of 2 defective, rejected 0 of 2 good." in below_the_card()
    assert "Camera 1" not in below_the_card()
    newer = drawn_dataset(versions, train=1, val=1, test=6)
    Dataset.objects.filter(pk=newer.pk).update(name="Newer parts")
    taken_at(newer, "test", "Camera 1", "Camera 2")
    run_evaluation(start_evaluation(model_version=first, dataset=newer, user=None).pk)
    shown_last = below_the_card(f"?dataset={dataset.pk}")
    today = timezone.localtime().strftime("%-d %b %Y")
    assert f"Evaluated {today}" in shown_last
    assert "on the 6 test images of Newer parts." in shown_last
    assert "scratch 1.000 1.000 1.000 1.000 1.000" in shown_last
    assert "Camera 1 3" in shown_last


def test_validation_scores_are_not_shown_as_those_of_test_images(client: Client, versions: Project) -> None:
    only = drawn_dataset(versions, train=1, val=2, test=0)
    evaluate_all_of(versions, only)
    assert "Scores on test images" not in shown(client, versions, "1/")


def test_a_failed_evaluation_says_why(client: Client, versions: Project, dataset: Dataset) -> None:
    first = versions.model_versions.get(number=1)
    (storage.model_folder(first.folder) / "model.safetensors").write_bytes(b"broken")
    run_evaluation(start_evaluation(model_version=first, dataset=dataset, user=None).pk)
    assert "model.safetensors" in shown(client, versions)
    assert "Try again" in shown(client, versions)
    assert "model.safetensors" in shown(client, versions, "1/")


def test_licence_is_kept(client: Client, versions: Project) -> None:
    told = client.post(f"/p/{versions.slug}/models/1/licence", {"licence": " CC BY 4.0 "}, follow=True)
    assert 'value="CC BY 4.0"' in told.content.decode()
    refused = client.post(f"/p/{versions.slug}/models/1/licence", {"licence": "x" * 201}, follow=True)
    assert "A licence has at most 200 characters" in refused.content.decode()


def test_two_versions_on_the_same_images(client: Client, versions: Project, dataset: Dataset) -> None:
    assert "has no scores on" in shown(client, versions, "compare?a=1&b=2") or "have no scores on" in shown(
        client, versions, "compare?a=1&b=2"
    )
    evaluate_all_of(versions, dataset)
    page = shown(client, versions, "compare?a=1&b=3")
    assert "Only version 1 right 2" in words(page)
    assert "Both right 2" in words(page)
    assert (
        "a split of 2 to 0 or more uneven is common between equally good models (exact McNemar test: p = 0.50)" in page
    )
    names = re.findall(r'<h3 class="clip" title="([^"]+)"', page)
    assert len(names) == 4
    only_first = shown(client, versions, "compare?a=1&b=3&show=a")
    assert set(re.findall(r'<h3 class="clip" title="([^"]+)"', only_first)) == set(names[:2])
    assert "No image of this kind." in shown(client, versions, "compare?a=1&b=3&show=b")
    for address in re.findall(r'<img src="(/files[^"]+)"', page):
        answer = client.get(address)
        assert answer["Content-Type"] == "image/webp"
        assert b"".join(answer.streaming_content).startswith(b"RIFF")


def test_images_are_sorted_by_the_share_of_pixels_that_differ(
    client: Client, versions: Project, dataset: Dataset
) -> None:
    evaluate_all_of(versions, dataset)
    before = shown(client, versions, "compare?a=1&b=3")
    assert "are being counted" in before
    assert 'hx-select="#image-by-image"' in before
    one, other = (Evaluation.objects.get(model_version__project=versions, model_version__number=n) for n in (1, 3))
    count_disagreement(other.pk, one.pk)
    shares = disagreement(one, other)
    assert shares is not None
    rows = compare(one, other, shares).images
    for row in rows:
        member = row.first.dataset_image_id
        masks = [read_mask(storage.evaluation_mask_path(found.pk, member)) for found in (one, other)]
        assert row.disagreement == pytest.approx(float((masks[0] != masks[1]).mean()))
    changed = [row.disagreement for row in rows if row.is_verdict_changed]
    same = [row.disagreement for row in rows if not row.is_verdict_changed]
    assert changed == sorted(changed, reverse=True)
    assert same == sorted(same, reverse=True)
    assert max(shares.values()) > 0
    page = shown(client, versions, "compare?a=1&b=3")
    assert "of the pixels differ" in page
    assert "are being counted" not in page
    Evaluation.objects.filter(pk=one.pk).update(finished_at=timezone.now())
    one.refresh_from_db()
    assert disagreement(one, other) is None, "masks that were made anew are compared anew"


def test_comparing_says_what_is_missing(client: Client, project: Project, alice: User) -> None:
    assert "Two versions are needed" in shown(client, project, "compare")
    for _ in range(2):
        add_color_model(project=project, user=alice)
    assert "No labelled images kept apart" in shown(client, project, "compare")
    assert client.get(f"/p/{project.slug}/models/compare?a=9").status_code == 404


def test_the_model_folder_as_a_zip(client: Client, versions: Project) -> None:
    answer = client.get(f"/p/{versions.slug}/models/1/download")
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        names = {name.split("/")[1] for name in archive.namelist()}
        assert {"model.json", "model.safetensors", "card.md"} <= names
        version = versions.model_versions.get(number=1)
        assert (
            archive.read(f"{versions.slug}-v1/model.json").decode()
            == (storage.model_folder(version.folder) / "model.json").read_text()
        )
    assert client.get(f"/p/{versions.slug}/models/1/download?only=onnx").status_code == 404


def test_only_a_checked_export_can_be_used(client: Client, versions: Project) -> None:
    told = client.post(f"/p/{versions.slug}/models/1/backend", {"backend": "onnx"}, follow=True).content.decode()
    assert "export it first" in told
    told = client.post(f"/p/{versions.slug}/models/1/export", {"backend": "magic"}, follow=True).content.decode()
    assert "Expected one of onnx, openvino" in told


def test_a_page_that_waits_asks_again(client: Client, versions: Project, dataset: Dataset) -> None:
    assert "hx-select" not in shown(client, versions, "1/")
    client.post(f"/p/{versions.slug}/models/1/evaluate", {"dataset": dataset.pk})
    client.post(f"/p/{versions.slug}/models/1/export", {"backend": "onnx"})
    page = shown(client, versions, "1/")
    assert page.count("hx-select") == 2
    assert "Being exported" in page


def test_outputs_are_guessed_by_name_then_by_a_place_that_is_free(client: Client, versions: Project) -> None:
    taken = versions.model_imports.create(
        name="a.onnx", path="a.onnx", state="asking", facts={"output_count": 3, "names": ["background", "Pit", "thing"]}
    )
    page = shown(client, versions, f"import/{taken.pk}/")
    assert re.findall(r'value="(\d+)" selected', page) == ["0", "3", "2"]
    told = client.post(f"/p/{versions.slug}/models/import/{taken.pk}/", {"output-0": "0", "output-1": "0"}, follow=True)
    assert "Choose a label for each of the 3 outputs, got 2." in told.content.decode()
    answer = client.post(f"/p/{versions.slug}/models/import", {"file": io.BytesIO(b"x")})
    assert answer.status_code == 422
