"""What every network family must do, and what each says when asked for the impossible."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from segmentation import torchvision_shim
from segmentation.architectures import ARCHITECTURES, build, unet
from segmentation.architectures.encoders import EncoderError, encoder_names
from segmentation.architectures_catalogue import CATALOGUE, FAMILIES
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.weights import load_model, save_model
from tests.segmentation.models import LABELS, seeded, spec_of

NAMES = sorted(ARCHITECTURES)
SIZES = [(33, 47), (1, 1), (64, 96)]
BY_GRADIENT = [name for name in NAMES if ARCHITECTURES[name].learns_by_gradient]


def pixels(count: int, height: int, width: int, seed: int = 0, channels: int = 3) -> torch.Tensor:
    return torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(seed))


def labels(count: int) -> tuple[LabelSpec, ...]:
    return tuple(LabelSpec(index, f"label {index}", f"#0000{index:02x}") for index in range(count))


@cache
def evaluated(name: str) -> nn.Module:
    """Built once; these tests only look."""
    return seeded(spec_of(name)).eval()


@pytest.mark.parametrize("name", NAMES)
class TestEveryFamily:
    def test_takes_any_picture_size(self, name: str) -> None:
        for size in SIZES:
            with torch.inference_mode():
                logits = evaluated(name)(pixels(2, *size))
            assert logits.shape == (2, len(LABELS), *size)
            assert bool(torch.isfinite(logits).all())

    def test_survives_saving_bit_by_bit(self, name: str, tmp_path: Path) -> None:
        spec, network = spec_of(name), evaluated(name)
        save_model(tmp_path, spec, network, card="")
        loaded = load_model(tmp_path)
        assert loaded.spec.architecture == name
        with torch.inference_mode():
            assert torch.equal(loaded.module(pixels(1, 33, 47)), network(pixels(1, 33, 47)))

    def test_a_picture_does_not_depend_on_its_neighbours_in_the_chunk(self, name: str) -> None:
        with torch.inference_mode():
            together, alone = evaluated(name)(pixels(3, 33, 47)), evaluated(name)(pixels(3, 33, 47)[1:2])
        torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-5)

    def test_memory_layout_does_not_matter(self, name: str) -> None:
        # A size without padding: among repeated pixels rounding decides which of equals SegNet's pooling remembers.
        chunk = pixels(1, 64, 64)
        with torch.inference_mode():
            plain, last = evaluated(name)(chunk), evaluated(name)(chunk.contiguous(memory_format=torch.channels_last))
        torch.testing.assert_close(plain, last, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("count", [1, 255])
    def test_takes_one_label_and_the_most(self, name: str, count: int) -> None:
        network = seeded(spec_of(name, labels=labels(count))).eval()
        with torch.inference_mode():
            assert network(pixels(1, 33, 47)).shape == (1, count, 33, 47)

    def test_refuses_options_it_does_not_know(self, name: str) -> None:
        with pytest.raises(ValueError, match=f"{name} has no option no_such_thing"):
            build(spec_of(name, options={"no_such_thing": 1}))

    def test_an_encoder_is_chosen_or_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match="encoder"):
            build(spec_of(name, encoder="tu-no_such_network"))


@pytest.mark.parametrize("name", BY_GRADIENT)
class TestEveryFamilyThatLearnsByGradient:
    def test_one_picture_teaches_every_parameter(self, name: str) -> None:
        """One small picture leaves pooled branches a single value, which has no variance to normalise by."""
        network = seeded(spec_of(name)).train()
        truth = torch.arange(3).repeat(33, 16)[None, :, :47]
        nn.functional.cross_entropy(network(pixels(1, 33, 47)), truth).backward()
        assert [key for key, value in network.named_parameters() if value.grad is None] == []
        assert all(bool(torch.isfinite(value.grad).all()) for value in network.parameters() if value.grad is not None)

    def test_the_same_seed_gives_the_same_network_and_the_same_step(self, name: str) -> None:
        first, second = seeded(spec_of(name), 7).train(), seeded(spec_of(name), 7).train()
        states = first.state_dict(), second.state_dict()
        assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
        logits = []
        for network in (first, second):
            torch.manual_seed(3)
            logits.append(network(pixels(2, 33, 47)))
        assert torch.equal(*logits)
        assert not torch.equal(*(next(iter(seeded(spec_of(name), seed).parameters())) for seed in (7, 8)))

    @pytest.mark.parametrize("channels", [1, 4])
    def test_takes_other_channels_than_three(self, name: str, channels: int, tmp_path: Path) -> None:
        spec = spec_of(name, mean=(120.0,) * channels, std=(60.0,) * channels)
        network = seeded(spec).eval()
        chunk = pixels(1, 33, 47, channels=channels)
        with torch.inference_mode():
            logits = network(chunk)
            assert logits.shape == (1, 3, 33, 47)
            chunk[:, -1] += 1
            assert not torch.equal(network(chunk), logits)

    def test_the_defaults_can_be_built(self, name: str) -> None:
        facts = ARCHITECTURES[name]
        network = build(ModelSpec(name, LABELS, options=dict(facts.default_options)))
        count = sum(value.numel() for value in network.parameters())
        assert 100_000 < count < 15_000_000, "the defaults are to train on two CPU cores"


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
    ("architecture", "changes", "message"),
    [
        ("unett", {}, "there is no architecture 'unett': take one of deeplabv3, "),
        ("unet", {"encoder": "resnet19"}, "there is no encoder 'resnet19'"),
        ("fcn-8s", {"encoder": "tu-resnet19"}, "there is no encoder 'tu-resnet19'"),
        ("unet", {"encoder": "mit_b0"}, "NVIDIA's non-commercial licence"),
        ("unet", {"encoder": "tu-vit_tiny_patch16_224"}, "encoder tu-vit_tiny_patch16_224 cannot be used here"),
        ("fcn-8s", {"encoder": "tu-test_vit"}, "encoder tu-test_vit cannot be used here"),
        ("unet-hybrid", {"encoder": "tu-efficientformerv2_s0"}, "does not take pictures of every size"),
        ("pan", {"encoder": "tu-edgenext_xx_small"}, "cannot be used here: .*output_stride"),
        ("deeplabv3plus", {"encoder": "xception"}, "does not support dilated mode"),
        ("segmenter-linear", {"encoder": "resnet18"}, "wants a vision transformer of timm.* resnet18 is none"),
        ("dpt", {"encoder": "tu-hiera_tiny_224"}, "tu-hiera_tiny_224 is none"),
        ("segnet", {"encoder": "resnet18"}, "segnet has no encoder to choose"),
        ("unet", {"options": {"decoder_channels": (8, 4)}}, "wants 5 whole numbers above 0 as decoder_channels"),
        ("unet", {"options": {"decoder_channels": 8}}, "wants 5 whole numbers above 0 as decoder_channels"),
        ("unet", {"options": {"encoder_depth": 2}}, "whole number of 3 to 5 as encoder_depth, not 2"),
        ("unet", {"options": {"encoder_depth": "deep"}}, "3 to 5 as encoder_depth, not 'deep'"),
        ("segnet", {"options": {"width": 0}}, "1 to 512 as width, not 0"),
        ("segnet", {"options": {"upsampling": "cubic"}}, "one of max-unpool, bed-of-nails, .* not 'cubic'"),
        ("fpn", {"options": {"decoder_segmentation_channels": 40}}, "must be a multiple of 32"),
        ("pan", {"options": {"encoder_output_stride": 8}}, "wants one of 16, 32 as encoder_output_stride, not 8"),
        ("deeplabv3", {"options": {"decoder_atrous_rates": (6, 12)}}, "wants 3 whole numbers"),
        ("segformer", {"options": {"size": "b9"}}, "wants one of b0, b1, .* not 'b9'"),
        ("segformer", {"options": {"widths": (8, 16, 32, 64)}}, "multiples of"),
        ("dpt", {"options": {"encoder_patch_px": 12}}, "wants one of 4, 8, 16, 32 as encoder_patch_px, not 12"),
        ("unet-light", {"options": {"decoder_channels": (8, 8, 8, 8, 8)}}, "wants 4 whole numbers"),
    ],
)
def test_what_cannot_be_built_says_why(architecture: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(ModelSpec(**{"architecture": architecture, "labels": LABELS, **changes}))


def test_a_family_without_encoder_cannot_start_from_learnt_weights() -> None:
    with pytest.raises(ValueError, match="segnet has no encoder to choose or to start from"):
        build(spec_of("segnet"), pretrained="imagenet")


def test_every_family_of_the_catalogue_can_be_built() -> None:
    assert list(ARCHITECTURES) == list(CATALOGUE)


def test_every_family_of_the_catalogue_is_told_in_one_sentence() -> None:
    for facts in CATALOGUE.values():
        assert facts.family in FAMILIES
        assert facts.summary.endswith(".")
        assert facts.summary.count(".") == 1 + facts.summary.count("+.")
        assert facts.has_encoder == (facts.default_encoder is not None)


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


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("encoder", ["resnet18", "tu-mobilenetv3_small_050"])
def test_weights_learnt_on_rgb_serve_other_channels(encoder: str, channels: int, tmp_path: Path) -> None:
    teacher = seeded(spec_of("unet", encoder=encoder), 1).get_submodule("network.encoder")
    inner = teacher.get_submodule("model") if encoder.startswith("tu-") else teacher
    save_file({key: value.clone() for key, value in inner.state_dict().items()}, tmp_path / "model.safetensors")
    spec = spec_of("unet", encoder=encoder, mean=(120.0,) * channels, std=(60.0,) * channels)
    taught = build(spec, pretrained=tmp_path).get_submodule("network.encoder").state_dict()
    differs = [key for key, value in teacher.state_dict().items() if value.shape != taught[key].shape]
    assert all(torch.equal(taught[key], value) for key, value in teacher.state_dict().items() if key not in differs)
    (first,) = differs
    grey = pixels(1, 8, 8, channels=1)
    as_rgb = nn.functional.conv2d(grey.expand(1, 3, 8, 8), teacher.state_dict()[first])
    if channels == 1:
        torch.testing.assert_close(nn.functional.conv2d(grey, taught[first]), as_rgb, rtol=1e-4, atol=1e-5)


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
    light = ("architectures_catalogue", "masks", "measure", "pictures", "spec")
    names = ", ".join(f"segmentation.{name}" for name in light)
    code = f"import sys, {names}; sys.exit('torch' in sys.modules or 'torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_only_what_a_network_is_made_of_is_loaded() -> None:
    """A worker that runs a light network need not wait for the libraries of others after a fall."""
    code = (
        "import sys; import segmentation.stream, segmentation.architectures as made; "
        "from segmentation.spec import LabelSpec, ModelSpec; "
        "made.build(ModelSpec('linknet-light', (LabelSpec(0, 'a', '#808080'), LabelSpec(1, 'b', '#ff0000')))); "
        "heavy = {'torchvision', 'timm', 'segmentation_models_pytorch', 'transformers', 'openvino', 'onnxruntime'}; "
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_shim_leaves_a_loaded_torchvision_alone() -> None:
    assert "torchvision" in sys.modules
    assert torchvision_shim.declare_missing_operators() is False
