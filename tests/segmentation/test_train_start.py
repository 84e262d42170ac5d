"""Where a training can start from, and what is recommended: earlier models, folders, the hub, the rules."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file

from segmentation.architectures import build
from segmentation.architectures_catalogue import CATALOGUE
from segmentation.initial_weights import inherit
from segmentation.recommend import recommend
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.train import train
from segmentation.transfer import Start, hub_answers, model_start, starts, weights_of
from segmentation.weights import ModelFolderError, save_model
from tests.segmentation.squares import SETTINGS, SPEC, TRAIN, VALIDATION

HEAD = "network.segmentation_head.0"


def seeded(spec: ModelSpec, seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build(spec)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A model whose labels are background, blue, scratch."""
    labels = (
        LabelSpec(0, "background", "#000000"),
        LabelSpec(1, "blue", "#0000ff"),
        LabelSpec(2, "scratch", "#ff0000"),
    )
    spec = dataclasses.replace(SPEC, labels=labels)
    save_model(tmp_path / "earlier", spec, seeded(spec, 5), card="")
    return tmp_path / "earlier"


class TestEarlierModel:
    def test_labels_of_the_same_name_keep_their_part(self, earlier: Path) -> None:
        """Blue is label 1 there and label 2 here; red and “never seen” start from nothing; all else is kept."""
        module, fresh = seeded(SPEC, 6), seeded(SPEC, 6).state_dict()
        learnt = seeded(ModelSpec(SPEC.architecture, SPEC.labels[:3], encoder=SPEC.encoder, options=SPEC.options), 5)
        learnt_values = learnt.state_dict()
        taken = inherit(module, SPEC, earlier)
        assert taken.labels == ("background", "blue")
        assert taken.fraction > 0.99
        for name, value in module.state_dict().items():
            if name.startswith(HEAD):
                assert torch.equal(value[0], learnt_values[name][0])
                assert torch.equal(value[2], learnt_values[name][1])
                assert torch.equal(value[1], fresh[name][1])
                assert torch.equal(value[3], fresh[name][3])
            else:
                assert torch.equal(value, learnt_values[name]), name

    def test_a_label_that_was_called_otherwise_there_keeps_its_part(self, earlier: Path) -> None:
        """Red is the earlier model's scratch, and what is called blue today it did not know."""
        module, fresh = seeded(SPEC, 6), seeded(SPEC, 6).state_dict()
        learnt = load_file(earlier / "model.safetensors")
        assert inherit(module, SPEC, earlier, ("background", "scratch", "", "")).labels == ("background", "red")
        weight = module.state_dict()[f"{HEAD}.weight"]
        assert torch.equal(weight[1], learnt[f"{HEAD}.weight"][2])
        assert torch.equal(weight[2:], fresh[f"{HEAD}.weight"][2:])

    def test_equal_numbers_of_labels_do_not_mean_equal_labels(self, earlier: Path) -> None:
        """Three labels each, but red is no scratch, though its row has the same place and shape."""
        labels = (SPEC.labels[0], SPEC.labels[1], dataclasses.replace(SPEC.labels[2], name="dent"))
        spec = dataclasses.replace(SPEC, labels=labels)
        module, fresh = seeded(spec, 6), seeded(spec, 6).state_dict()
        assert inherit(module, spec, earlier).labels == ("background",)
        weight = module.state_dict()[f"{HEAD}.weight"]
        assert torch.equal(weight[1:], fresh[f"{HEAD}.weight"][1:])

    def test_another_network_is_refused(self, earlier: Path) -> None:
        spec = ModelSpec("segnet", SPEC.labels, options={"width": 8})
        with pytest.raises(ModelFolderError, match=r"another network .unet with tu-test_resnet, not segnet"):
            inherit(build(spec), spec, earlier)

    def test_next_to_nothing_kept_is_refused(self, tmp_path: Path) -> None:
        """A few counters and offsets happen to have one name and shape: too little to be called a start."""
        spec = ModelSpec("segnet", SPEC.labels, options={"width": 8})
        save_model(tmp_path, spec, build(spec), card="")
        other = ModelSpec("linknet-light", SPEC.labels)
        told = r"segnet, not linknet-light.: \d of [\d,]+ numbers fit, and next to nothing .* start from nothing"
        with pytest.raises(ModelFolderError, match=told):
            inherit(build(other), other, tmp_path)

    def test_another_network_keeps_the_encoder_of_the_same_name(self, tmp_path: Path) -> None:
        """Also where that is a small part of the new network."""
        encoder = "tu-mobilenetv3_small_100"
        light = ModelSpec("lraspp", SPEC.labels, encoder=encoder)
        save_model(tmp_path, light, build(light), card="")
        heavy = ModelSpec("manet", SPEC.labels, encoder=encoder, options=dict(CATALOGUE["manet"].default_options))
        assert "what its encoder has learned" in model_start(tmp_path, "manet", encoder).why
        taken = inherit(build(heavy), heavy, tmp_path)
        assert 0.05 < taken.fraction < 0.2

    def test_no_model(self, tmp_path: Path) -> None:
        with pytest.raises(ModelFolderError, match="no model in"):
            inherit(build(SPEC), SPEC, tmp_path)

    def test_training_starts_from_it(self, earlier: Path) -> None:
        """With a learning rate of nothing the first epoch's weights are the earlier model's."""
        settings = dataclasses.replace(SETTINGS, epochs=1, learning_rate=0.0, weight_decay=0.0, initial_model=earlier)
        epoch = next(train(TRAIN[:2], VALIDATION[:1], SPEC, settings))
        expected = build(SPEC)
        inherit(expected, SPEC, earlier)
        name = f"{HEAD}.weight"
        assert torch.equal(epoch.module.state_dict()[name][2], expected.state_dict()[name][2])

    def test_the_share_that_was_kept_outlives_an_interruption(self, earlier: Path, tmp_path: Path) -> None:
        settings = dataclasses.replace(SETTINGS, initial_model=earlier, checkpoint_folder=tmp_path / "checkpoint")
        training = train(TRAIN[:2], VALIDATION[:1], SPEC, settings)
        kept = next(training).kept_fraction
        training.close()
        assert kept is not None
        assert 0.99 < kept < 1
        assert [epoch.kept_fraction for epoch in train(TRAIN[:2], VALIDATION[:1], SPEC, settings)] == [kept, kept]
        fresh = dataclasses.replace(SETTINGS, epochs=1)
        assert [epoch.kept_fraction for epoch in train(TRAIN[:2], VALIDATION[:1], SPEC, fresh)] == [None]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty local copy of the hub, and no network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def start(name: str, found: list[Start]) -> Start:
    return next(each for each in found if each.name == name)


class TestStarts:
    def test_nothing_but_chance(self, hub: Path) -> None:
        found = starts("unet", "resnet18", weights_folder=None)
        assert [each.name for each in found if each.is_usable] == ["random"]
        assert "turned off" in start("hub", found).why
        assert "No folder" in start("folder", found).why

    @pytest.mark.parametrize(
        ("encoder", "repository"),
        [("resnet18", "models--smp-hub--resnet18.imagenet"), ("tu-resnet18", "models--timm--resnet18.a1_in1k")],
    )
    def test_what_was_fetched_earlier(self, hub: Path, encoder: str, repository: str) -> None:
        snapshot = hub / repository / "snapshots" / "0123abcd"
        snapshot.mkdir(parents=True)
        assert not start("hub", starts("unet", encoder, weights_folder=None)).is_usable
        (snapshot / "model.safetensors").write_bytes(b"weights")
        assert start("hub", starts("unet", encoder, weights_folder=None)).is_usable
        assert not start("hub", starts("unet", "resnet1", weights_folder=None)).is_usable

    def test_folder(self, hub: Path, tmp_path: Path) -> None:
        assert "expected" in start("folder", starts("unet", "resnet18", weights_folder=tmp_path)).why
        (tmp_path / "resnet18").mkdir()
        (tmp_path / "resnet18" / "model.safetensors").write_bytes(b"weights")
        usable = start("folder", starts("unet", "resnet18", weights_folder=tmp_path))
        assert usable.is_usable
        assert usable.folder == tmp_path / "resnet18" == weights_of("resnet18", tmp_path)
        assert weights_of("resnet34", tmp_path) is None

    def test_earlier_models(self, hub: Path, earlier: Path, tmp_path: Path) -> None:
        plain = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
        colors = ModelSpec("nearest-color", SPEC.labels, **plain)
        save_model(tmp_path / "colors", colors, build(colors), card="")
        found = starts(
            "unet",
            "tu-test_resnet",
            weights_folder=None,
            model_folders=[earlier, tmp_path / "colors", tmp_path / "gone"],
        )
        assert start("model:earlier", found).is_usable
        assert start("model:earlier", found).folder == earlier
        assert "in another way" in start("model:colors", found).why
        assert "no whole model" in start("model:gone", found).why
        other = start("model:earlier", starts("unet", "resnet18", weights_folder=None, model_folders=[earlier]))
        assert not other.is_usable
        assert "another encoder (tu-test_resnet, not resnet18)" in other.why

    def test_without_encoders_the_kind_of_network_has_to_be_the_same(self, tmp_path: Path) -> None:
        spec = ModelSpec("segnet", SPEC.labels, options={"width": 8})
        save_model(tmp_path / "segnet", spec, build(spec), card="")
        for architecture, is_usable in (("segnet", True), ("linknet-light", False), ("segformer", False)):
            (found,) = starts(architecture, None, weights_folder=None, model_folders=[tmp_path / "segnet"])[-1:]
            assert found.is_usable == is_usable
            assert ("another kind of network (SegNet, not" in found.why) == (not is_usable)

    def test_dpt_names_the_layers_of_its_encoder_otherwise(self, tmp_path: Path) -> None:
        encoder = CATALOGUE["dpt"].default_encoder
        spec = ModelSpec("segmenter-linear", SPEC.labels, encoder=encoder)
        save_model(tmp_path, spec, build(spec), card="")
        assert model_start(tmp_path, "segmenter-mask").is_usable
        assert not model_start(tmp_path, "dpt").is_usable

    def test_a_network_of_its_own_has_no_general_weights(self, hub: Path) -> None:
        found = starts("segnet", None, weights_folder=None)
        assert [each.is_usable for each in found] == [True, False, False]


class _Answering(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(200 if self.path == "/" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Tests stay quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    serving = HTTPServer(("127.0.0.1", 0), _Answering)
    thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    thread.join()
    serving.server_close()


def test_whether_the_hub_answers_is_tried(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert hub_answers(server, seconds=20)
    assert not hub_answers(f"{server}/ill", seconds=20)
    assert not hub_answers("http://127.0.0.1:1", seconds=20)
    assert not hub_answers("file:///etc", seconds=20)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert not hub_answers(server)


class TestRecommendation:
    @pytest.mark.parametrize("target", ["pc", "gpu-server", "edge"])
    @pytest.mark.parametrize("has_gpu", [False, True])
    @pytest.mark.parametrize("minutes", [1, 60, 600])
    @pytest.mark.parametrize("image_count", [1, 200])
    def test_always_one_that_exists(self, target: str, has_gpu: bool, minutes: float, image_count: int) -> None:
        found = recommend(target, minutes, image_count, 4, 480, has_gpu)
        assert found.architecture in CATALOGUE
        assert (found.encoder is None) == (not CATALOGUE[found.architecture].has_encoder)
        assert (found.crop_px is not None) == has_gpu
        assert (found.crop_px or 96) % 32 == 0
        assert found.why.endswith(".")

    def test_few_pictures_need_no_network(self) -> None:
        assert recommend("pc", 60, 5, 3, 480, False).architecture == "random-forest"
        assert "5 labelled images" in recommend("pc", 60, 5, 3, 480, False).why

    def test_an_edge_device_gets_the_smallest(self) -> None:
        assert recommend("edge", 60, 500, 3, 480, True).architecture == "linknet-light"
        assert recommend("gpu-server", 60, 500, 3, 480, True).encoder == "resnet34"

    def test_unknown_target(self) -> None:
        with pytest.raises(ValueError, match="expected a target among pc, gpu-server, edge, got 'moon'"):
            recommend("moon", 60, 500, 3, 480, True)


def test_pages_can_ask_without_torch() -> None:
    modules = "segmentation.recommend, segmentation.transfer, segmentation.train_settings, sys"
    subprocess.run([sys.executable, "-c", f"import {modules}; assert 'torch' not in sys.modules"], check=True)
