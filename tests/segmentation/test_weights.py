"""Model folders: whole, deterministic, and refused in words where they are not."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path

import pytest
import torch

from segmentation.weights import ModelFolderError, load_model, load_spec, save_model
from tests.segmentation.models import seeded, spec_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    spec = spec_of("unet", min_region_px=12, max_side_px=640)
    save_model(tmp_path / "model", spec, seeded(spec), card="# A card")
    return tmp_path / "model"


def test_a_model_is_three_files(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["card.md", "model.json", "model.safetensors"]
    assert (folder / "card.md").read_text() == "# A card"
    assert json.loads((folder / "model.json").read_text())["architecture"] == "unet"


def test_the_spec_comes_back_equal(folder: Path) -> None:
    loaded, spec = load_spec(folder), spec_of("unet", min_region_px=12, max_side_px=640)
    assert loaded.labels == spec.labels
    assert (loaded.mean, loaded.std, loaded.encoder) == (spec.mean, spec.std, spec.encoder)
    assert (loaded.min_region_px, loaded.max_side_px, loaded.tile_px) == (12, 640, 1024)
    assert list(loaded.options["decoder_channels"]) == list(spec.options["decoder_channels"])


def test_the_checksum_is_that_of_the_weights_and_repeats(folder: Path, tmp_path: Path) -> None:
    spec = spec_of("unet")
    again = save_model(tmp_path / "again", spec, seeded(spec), card="another card")
    loaded = load_model(folder)
    assert loaded.sha256 == again == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert save_model(tmp_path / "other", spec, seeded(spec, 1), card="") != again


def test_loaded_models_are_ready_to_judge(folder: Path) -> None:
    assert not load_model(folder).module.training


def test_half_precision_halves_the_file_and_loads_as_float32(folder: Path, tmp_path: Path) -> None:
    spec = spec_of("unet")
    network = seeded(spec).eval()
    save_model(tmp_path / "half", spec, network, card="", dtype=torch.float16)
    assert next(network.parameters()).dtype == torch.float32
    sizes = [(place / "model.safetensors").stat().st_size for place in (tmp_path / "half", folder)]
    assert sizes[0] < 0.6 * sizes[1]
    module = load_model(tmp_path / "half").module
    assert {value.dtype for value in module.parameters()} == {torch.float32}
    picture = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(module(picture), network(picture), rtol=0.05, atol=0.05)


def test_missing_files_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match=r"model\.json cannot be read"):
        load_model(tmp_path)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelFolderError, match=r"model\.safetensors cannot be read"):
        load_model(folder)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"labels": []}', '{"architecture": "unet", "labels": [{"index": 0}]}']
)
def test_a_broken_spec_is_named(text: str, folder: Path) -> None:
    (folder / "model.json").write_text(text)
    with pytest.raises(ModelFolderError, match=r"model\.json"):
        load_model(folder)


def test_a_cut_off_weights_file_is_named(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelFolderError, match=r"no safetensors file or is cut off"):
        load_model(folder)


def test_a_pickle_is_never_opened(folder: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    (folder / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ModelFolderError, match="no safetensors file"):
        load_model(folder)
    assert not (tmp_path / "sprung").exists()


def test_weights_of_another_network_are_refused(folder: Path, tmp_path: Path) -> None:
    spec = spec_of("nearest-color")
    save_model(tmp_path / "other", spec, seeded(spec), card="")
    (folder / "model.safetensors").write_bytes((tmp_path / "other" / "model.safetensors").read_bytes())
    with pytest.raises(ModelFolderError, match=r"does not fit its model\.json"):
        load_model(folder)


def test_saving_over_a_model_replaces_it(folder: Path) -> None:
    spec = spec_of("nearest-color")
    save_model(folder, spec, seeded(spec), card="new")
    assert load_model(folder).spec.architecture == "nearest-color"
    assert len(list(folder.iterdir())) == 3
