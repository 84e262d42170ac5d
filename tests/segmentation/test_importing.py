"""Folders of segmentation-models-pytorch from elsewhere: taken in with equal numbers, or refused in words."""

from __future__ import annotations

# First: smp imports torchvision.
from segmentation import torchvision_shim  # noqa: F401

# isort: split

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import load_file, save_file

from segmentation.foreign import ForeignModelError
from segmentation.importing import import_model, read_foreign
from segmentation.preprocess import to_tensor
from segmentation.segmenter import Segmenter
from segmentation.spec import LabelSpec
from tests.segmentation.drawings import noise

LABELS = tuple(LabelSpec(place, name, "#808080") for place, name in enumerate(("part", "rust", "paint")))
ENCODER = "tu-mobilenetv3_small_050"
SMALL: dict[str, dict[str, Any]] = {
    "Unet": {"decoder_channels": (32, 24, 16, 12, 8)},
    "UnetPlusPlus": {"encoder_depth": 3, "decoder_channels": (16, 12, 8)},
    "MAnet": {"encoder_depth": 3, "decoder_channels": (16, 12, 8), "decoder_pab_channels": 8},
    "Linknet": {},
    "FPN": {"decoder_pyramid_channels": 32, "decoder_segmentation_channels": 32},
    "PAN": {"decoder_channels": 16},
    "UPerNet": {"decoder_channels": 16},
    "DeepLabV3": {"encoder_output_stride": 16, "decoder_channels": 16},
    "DeepLabV3Plus": {"decoder_channels": 16},
    "PSPNet": {"psp_out_channels": 32},
    "DPT": {
        "encoder_name": "tu-vit_tiny_patch16_224",
        "dynamic_img_size": True,
        "decoder_intermediate_channels": (8, 8, 8, 8),
        "decoder_fusion_channels": 8,
    },
}


def saved(folder: Path, name: str = "Unet", **changes: Any) -> torch.nn.Module:
    """A tiny network of smp in evaluation mode, saved as its users save it."""
    torch.manual_seed(0)
    arguments = {"encoder_name": ENCODER, "encoder_weights": None, "classes": 3, **SMALL[name], **changes}
    network = getattr(smp, name)(**arguments).eval()
    folder.mkdir(parents=True, exist_ok=True)
    # What save_pretrained writes; its model card would be looked up on the hub.
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, folder / "model.safetensors")
    config = {**network.config, "_model_class": name}
    (folder / "config.json").write_text(json.dumps(config))
    return network


@pytest.mark.parametrize("name", list(SMALL))
def test_smp_networks_give_the_same_logits_here(name: str, tmp_path: Path) -> None:
    network = saved(tmp_path / "theirs", name)
    found = read_foreign(tmp_path / "theirs")
    assert (found.kind, found.label_count, found.channels, found.can_train) == ("smp", 3, 3, True)
    spec = import_model(tmp_path / "theirs", LABELS, tmp_path / "ours", source="a colleague")
    assert [label.name for label in spec.labels] == ["part", "rust", "paint"]
    picture = noise(160, 128)
    with torch.inference_mode():
        expected = network(to_tensor([picture], spec))[0].numpy()
    given = Segmenter(tmp_path / "ours", "cpu").logits(picture)
    np.testing.assert_allclose(given, expected, rtol=1e-3, atol=1e-4 * abs(expected).max())


def test_one_output_becomes_two_labels(tmp_path: Path) -> None:
    network = saved(tmp_path / "theirs", classes=1, in_channels=1)
    found = read_foreign(tmp_path / "theirs")
    assert (found.label_count, found.channels) == (2, 1)
    spec = import_model(tmp_path / "theirs", LABELS[:2], tmp_path / "ours", mean=[100.0], std=[50.0])
    picture = noise(64, 96)
    with torch.inference_mode():
        share = network(to_tensor([picture], spec)).sigmoid()[0, 0].numpy()
    found_here = Segmenter(tmp_path / "ours", "cpu").segment([picture])[0]
    np.testing.assert_array_equal(found_here.mask, share > 0.5)
    np.testing.assert_allclose(found_here.confidence, np.maximum(share, 1 - share), atol=1e-4)


def test_pickled_weights_are_refused_with_the_way_to_convert_them(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ForeignModelError, match=r"pickle.*save_pretrained"):
        read_foreign(tmp_path)


def test_a_pickle_called_safetensors_is_not_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    saved(tmp_path / "theirs")
    (tmp_path / "theirs" / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ForeignModelError, match="no safetensors file or is cut off"):
        import_model(tmp_path / "theirs", LABELS, tmp_path / "ours")
    assert not (tmp_path / "sprung").exists()
    assert not (tmp_path / "ours").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"_model_class": "Segformer"}, "expected one of Unet"),
        ({"_model_class": "__import__"}, "expected one of Unet"),
        ({"encoder_name": "mit_b0"}, "non-commercial"),
        ({"encoder_name": "../../secret"}, "no encoder"),
        ({"encoder_depth": 4}, "do not make a model"),
        ({"classes": 2}, "were named"),
        ({"classes": 4}, "were named"),
        ({"classes": "3"}, "whole number"),
        ({"in_channels": 7}, "1 .grey. or 3"),
        ({"aux_params": {"classes": 2}}, "aux_params"),
        ({"activation": "sigmoid"}, "several labels at once"),
        ({"decoder_magic": 3}, "do not make a model"),
    ],
)
def test_configs_that_do_not_fit_are_told(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    saved(tmp_path / "theirs")
    file = tmp_path / "theirs" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(ForeignModelError, match=message):
        import_model(tmp_path / "theirs", LABELS, tmp_path / "ours")
    assert not (tmp_path / "ours").exists()


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "\xff"])
def test_a_config_that_is_no_json_is_told(text: str, tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ForeignModelError, match=r"config\.json"):
        read_foreign(tmp_path)


def test_missing_and_cut_off_weights_are_told(tmp_path: Path) -> None:
    saved(tmp_path / "theirs")
    file = tmp_path / "theirs" / "model.safetensors"
    tensors = load_file(file)
    tensors.pop("segmentation_head.0.bias")
    save_file(tensors, file)
    with pytest.raises(ForeignModelError, match=r"segmentation_head\.0\.bias"):
        import_model(tmp_path / "theirs", LABELS, tmp_path / "ours")
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(ForeignModelError, match="cut off"):
        import_model(tmp_path / "theirs", LABELS, tmp_path / "ours")


def test_links_are_not_followed(tmp_path: Path) -> None:
    saved(tmp_path / "theirs")
    (tmp_path / "theirs" / "config.json").rename(tmp_path / "elsewhere.json")
    (tmp_path / "theirs" / "config.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(ForeignModelError, match="links are not followed"):
        read_foreign(tmp_path / "theirs")
