"""What every network family must do, and what each says when asked for the impossible."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from segmentation import torchvision_shim
from segmentation.architectures import ARCHITECTURES, EncoderError, build, encoder_names, unet
from segmentation.spec import ModelSpec
from segmentation.weights import load_model, save_model
from tests.segmentation.models import LABELS, seeded, spec_of

FAMILIES = sorted(ARCHITECTURES)


def pixels(count: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", FAMILIES)
class TestEveryFamily:
    @pytest.mark.parametrize("size", [(64, 64), (1, 1), (33, 97), (128, 31)])
    def test_takes_any_picture_size(self, name: str, size: tuple[int, int]) -> None:
        network = seeded(spec_of(name)).eval()
        with torch.inference_mode():
            logits = network(pixels(2, *size))
        assert logits.shape == (2, len(LABELS), *size)
        assert bool(torch.isfinite(logits).all())

    def test_survives_saving_bit_by_bit(self, name: str, tmp_path: Path) -> None:
        spec = spec_of(name)
        network = seeded(spec).eval()
        save_model(tmp_path, spec, network, card="")
        loaded = load_model(tmp_path)
        assert loaded.spec.architecture == name
        with torch.inference_mode():
            assert torch.equal(loaded.module(pixels(1, 64, 48)), network(pixels(1, 64, 48)))

    def test_every_parameter_learns(self, name: str) -> None:
        network = seeded(spec_of(name)).train()
        trainable = {key: value for key, value in network.named_parameters() if value.requires_grad}
        assert bool(trainable) == ARCHITECTURES[name].is_trainable
        if not trainable:
            return
        nn.functional.cross_entropy(network(pixels(2, 64, 64)), torch.arange(3).repeat(2, 64, 22)[:, :, :64]).backward()
        assert [key for key, value in trainable.items() if value.grad is None] == []

    def test_the_same_seed_gives_the_same_network(self, name: str) -> None:
        first, second = seeded(spec_of(name), 7).state_dict(), seeded(spec_of(name), 7).state_dict()
        assert all(torch.equal(first[key], second[key]) for key in first)

    def test_a_picture_does_not_depend_on_its_neighbours_in_the_chunk(self, name: str) -> None:
        network = seeded(spec_of(name)).eval()
        with torch.inference_mode():
            together, alone = network(pixels(3, 40, 50)), network(pixels(3, 40, 50)[1:2])
        torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-5)


def test_nearest_color_is_exact_for_every_colour_of_a_cube() -> None:
    spec = spec_of("nearest-color")
    steps = torch.arange(0, 256, 5)
    cube = torch.cartesian_prod(steps, steps, steps)
    colors = torch.tensor([label.rgb for label in LABELS])
    nearest = ((cube[:, None] - colors) ** 2).sum(-1).argmin(1)
    with torch.inference_mode():
        logits = build(spec)(cube.float().T.reshape(1, 3, 1, -1))
    assert torch.equal(logits.max(1).indices.flatten(), nearest)


def test_nearest_color_wants_plain_pixels() -> None:
    with pytest.raises(ValueError, match=r"needs mean \(0, 0, 0\)"):
        build(ModelSpec("nearest-color", LABELS))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "unett"}, "there is no architecture 'unett': take one of nearest-color, unet"),
        ({"encoder": "resnet19"}, "there is no encoder 'resnet19'"),
        ({"encoder": "tu-resnet19"}, "there is no encoder 'tu-resnet19'"),
        ({"encoder": "mit_b0"}, "NVIDIA's non-commercial licence"),
        ({"encoder": "tu-vit_tiny_patch16_224"}, "encoder tu-vit_tiny_patch16_224 cannot be used here"),
        ({"encoder": "tu-maxvit_rmlp_pico_rw_256"}, "does not take pictures of every size"),
        ({"options": {"decoder_chanels": (1, 2)}}, "unet has no option decoder_chanels"),
        ({"options": {"decoder_channels": (8, 4)}}, "as many decoder_channels"),
        ({"options": {"encoder_depth": 2}}, "encoder_depth of 3 to 5"),
        ({"options": {"encoder_depth": "deep"}}, "encoder_depth of 3 to 5"),
    ],
)
def test_what_cannot_be_built_says_why(changes: dict[str, Any], message: str) -> None:
    values = {"architecture": "unet", "labels": LABELS, **changes}
    with pytest.raises(ValueError, match=message):
        build(ModelSpec(**values))


def test_the_catalogue_names_free_encoders_only() -> None:
    names = encoder_names()
    assert {"resnet18", "mobilenet_v2", "efficientnet-b0"} <= set(names)
    assert [name for name in names if name.startswith("mit_b")] == []


@pytest.mark.parametrize("depth", [3, 4])
def test_options_make_a_smaller_unet(depth: int) -> None:
    options = {"encoder_depth": depth, "decoder_channels": (32, 16, 8, 8)[:depth]}
    small = build(spec_of("unet", options=options)).eval()
    with torch.inference_mode():
        assert small(pixels(1, 50, 70)).shape == (1, 3, 50, 70)
    count = sum(value.numel() for value in small.parameters())
    assert count < sum(value.numel() for value in build(spec_of("unet")).parameters())


@pytest.mark.parametrize("encoder", ["resnet18", "tu-mobilenetv3_small_050"])
def test_learnt_weights_come_from_a_folder(encoder: str, tmp_path: Path) -> None:
    spec = spec_of("unet", encoder=encoder)
    teacher = seeded(spec, 1).get_submodule("network.encoder")
    inner = teacher.get_submodule("model") if encoder.startswith("tu-") else teacher
    save_file({key: value.clone() for key, value in inner.state_dict().items()}, tmp_path / "model.safetensors")
    pupil = seeded(spec, 2)
    torch.manual_seed(2)
    taught = build(spec, pretrained=tmp_path)
    taught_state = taught.get_submodule("network.encoder").state_dict()
    pupil_state = pupil.get_submodule("network.encoder").state_dict()
    teacher_state = teacher.state_dict()
    assert all(torch.equal(taught_state[key], teacher_state[key]) for key in teacher_state)
    assert any(not torch.equal(pupil_state[key], teacher_state[key]) for key in teacher_state)


@pytest.mark.parametrize("encoder", ["resnet18", "tu-mobilenetv3_small_050"])
def test_weights_that_are_missing_or_of_another_network_are_refused(encoder: str, tmp_path: Path) -> None:
    spec = spec_of("unet", encoder=encoder)
    with pytest.raises(EncoderError, match=r"there is no .*model\.safetensors"):
        build(spec, pretrained=tmp_path)
    save_file({"something": torch.zeros(3)}, tmp_path / "model.safetensors")
    with pytest.raises(EncoderError, match=encoder):
        build(spec, pretrained=str(tmp_path))


@pytest.fixture
def hub_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty local copy of the Hugging Face hub, and no network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def test_learnt_weights_come_from_the_hub(hub_copy: Path) -> None:
    spec = spec_of("unet", encoder="resnet18")
    teacher = seeded(spec, 1).get_submodule("network.encoder").state_dict()
    settings = unet.smp.encoders.encoders["resnet18"]["pretrained_settings"]["imagenet"]
    repository = hub_copy / f"models--{settings['repo_id'].replace('/', '--')}"
    snapshot = repository / "snapshots" / settings["revision"]
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    save_file(teacher, snapshot / "model.safetensors")
    taught = build(spec, pretrained="imagenet").get_submodule("network.encoder").state_dict()
    assert all(torch.equal(taught[key], teacher[key]) for key in teacher)


@pytest.mark.parametrize("encoder", ["resnet18", "tu-mobilenetv3_small_050"])
def test_without_the_hub_the_way_out_is_named(encoder: str, hub_copy: Path) -> None:
    with pytest.raises(EncoderError, match=r"copy its model\.safetensors into a folder"):
        build(spec_of("unet", encoder=encoder), pretrained="imagenet")


def test_the_package_itself_does_not_import_torch() -> None:
    """The web process imports these; a torch there costs half a gigabyte a worker."""
    light = "segmentation, segmentation.masks, segmentation.measure, segmentation.pictures, segmentation.spec"
    code = f"import sys, {light}; sys.exit('torch' in sys.modules or 'torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_shim_leaves_a_loaded_torchvision_alone() -> None:
    assert "torchvision" in sys.modules
    assert torchvision_shim.declare_missing_operators() is False
