"""What the families are made of, each held to an answer known before: upsampling, unpooling, padding, attention."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from segmentation.architectures import build, segnet
from segmentation.architectures.fcn import BilinearUpsampling
from segmentation.architectures.norms import PatientBatchNorm2d, with_patient_norms
from segmentation.architectures.padding import Padded
from tests.segmentation.models import seeded, spec_of


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("factor", [2, 8, 16, 32])
def test_fcn_upsampling_starts_out_bilinear(factor: int) -> None:
    scores = noise(2, 3, 5, 4)
    found = BilinearUpsampling(3, factor)(scores)
    expected = F.interpolate(scores, scale_factor=factor, mode="bilinear", align_corners=False)
    # At the rim interpolation repeats the edge where a transposed convolution finds nothing.
    rim = slice(factor // 2, -(factor // 2))
    assert found.shape == expected.shape
    torch.testing.assert_close(found[..., rim, rim], expected[..., rim, rim], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "scored"), [("fcn-32s", 1), ("fcn-16s", 2), ("fcn-8s", 3)])
def test_fcn_scores_as_many_scales_as_its_name_says(name: str, scored: int) -> None:
    network = build(spec_of(name)).get_submodule("network")
    steps = [layer.stride[0] for layer in network.modules() if isinstance(layer, BilinearUpsampling)]
    assert len(network.get_submodule("scores")) == scored
    assert steps == [2] * (scored - 1) + [32 // 2 ** (scored - 1)]


def test_unpooling_puts_values_back_where_they_came_from() -> None:
    picture = torch.tensor([[1.0, 9.0, 2.0, 3.0], [4.0, 5.0, 8.0, 6.0]]).reshape(1, 1, 2, 4)
    pooled, places = F.max_pool2d(picture, 2, return_indices=True)
    found = segnet.max_unpool(pooled, places)
    assert found.flatten().tolist() == [0, 9, 0, 0, 0, 0, 8, 0]


def test_a_bed_of_nails_has_its_values_upper_left() -> None:
    values = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 1, 2, 2)
    found = segnet.bed_of_nails(values, torch.zeros(0))
    assert found[0, 0].tolist() == [[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("upsampling", segnet.UPSAMPLING_NAMES)
def test_segnet_learns_with_each_upsampling(upsampling: str) -> None:
    network = seeded(spec_of("segnet", options={"width": 2, "upsampling": upsampling})).train()
    logits = network(noise(1, 3, 33, 47))
    logits.square().mean().backward()
    assert logits.shape == (1, 3, 33, 47)
    assert [key for key, value in network.named_parameters() if value.grad is None] == []


def test_the_upsamplings_of_segnet_differ() -> None:
    found = []
    for upsampling in segnet.UPSAMPLINGS:
        network = seeded(spec_of("segnet", options={"width": 2, "upsampling": upsampling})).eval()
        with torch.inference_mode():
            found.append(network(noise(1, 3, 64, 64)))
    assert all(not torch.equal(one, other) for place, one in enumerate(found) for other in found[:place])


@pytest.mark.parametrize("name", ["segmenter-linear", "segmenter-mask", "dpt", "segformer"])
def test_a_transformer_sees_the_whole_picture(name: str) -> None:
    network = seeded(spec_of(name)).eval()
    picture = noise(1, 3, 96, 160)
    other = picture.clone()
    other[..., -16:, -16:] = 0
    with torch.inference_mode():
        assert not torch.equal(network(picture)[..., :8, :8], network(other)[..., :8, :8])


@pytest.mark.parametrize("name", ["segmenter-linear", "segmenter-mask"])
def test_segmenter_keeps_its_positions_at_other_sizes(name: str) -> None:
    """Without positions an empty picture would give the same logits everywhere."""
    network = seeded(spec_of(name)).eval()
    with torch.no_grad():
        network.get_parameter("network.encoder.pos_embed").normal_(std=1.0)
        for size in [(64, 64), (160, 96)]:
            logits = network(torch.zeros(1, 3, *size))
            assert logits.shape == (1, 3, *size)
            assert float(logits.std(dim=(2, 3)).min()) > 1e-3


def test_smaller_patches_make_more_tokens() -> None:
    fine = seeded(spec_of("segmenter-linear", options={"encoder_patch_px": 8, "encoder_blocks": 2}))
    encoder = fine.get_submodule("network.encoder")
    prefix = encoder.get_parameter("cls_token").shape[1]
    with torch.inference_mode():
        tokens = encoder.forward_features(noise(1, 3, 64, 64))
    assert tokens.shape[1] == prefix + 64
    assert len(encoder.get_submodule("blocks")) == 2


def test_a_maxvit_is_padded_to_its_windows() -> None:
    network = seeded(spec_of("unet-hybrid", encoder="tu-test_maxvit")).eval()
    assert isinstance(network, Padded)
    assert network.multiple_px == 160
    with torch.inference_mode():
        assert network(noise(1, 3, 33, 170)).shape == (1, 3, 33, 170)


@pytest.mark.parametrize(
    ("size", "seen"), [((1, 1), (64, 64)), ((64, 65), (64, 96)), ((96, 128), (96, 128)), ((200, 33), (224, 64))]
)
def test_padding_repeats_the_edge_and_is_cut_off(size: tuple[int, int], seen: tuple[int, int]) -> None:
    class Shapes(nn.Module):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            assert given.shape[-2:] == seen
            assert bool((given[..., -1, -1] == given[..., size[0] - 1, size[1] - 1]).all())
            return given

    picture = noise(1, 2, *size)
    assert torch.equal(Padded(Shapes())(picture), picture)


def test_a_patient_norm_takes_a_single_value() -> None:
    norm = PatientBatchNorm2d(3).train()
    single = noise(1, 3, 1, 1)
    before = {key: value.clone() for key, value in norm.state_dict().items()}
    torch.testing.assert_close(norm(single), single, rtol=1e-4, atol=1e-4)
    assert all(torch.equal(norm.state_dict()[key], value) for key, value in before.items())


def test_a_patient_norm_is_otherwise_the_usual_one() -> None:
    torch.manual_seed(0)
    usual = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, eps=1e-3, momentum=0.2)).train()
    patient = with_patient_norms(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, eps=1e-3, momentum=0.2))).train()
    patient.load_state_dict(usual.state_dict())
    assert isinstance(patient[1], PatientBatchNorm2d)
    chunk = noise(2, 3, 6, 6)
    assert torch.equal(usual(chunk), patient(chunk))
    assert all(torch.equal(patient.state_dict()[key], value) for key, value in usual.state_dict().items())


def test_stages_that_a_shallow_unet_never_asks_for_do_not_train() -> None:
    """Data-parallel training waits for the gradient of every weight that may have one."""
    options = {"encoder_depth": 3, "decoder_channels": (16, 8, 8)}
    network = seeded(spec_of("unet", encoder="resnet18", options=options)).train()
    frozen = {key.split(".")[2] for key, value in network.named_parameters() if not value.requires_grad}
    assert frozen == {"layer3", "layer4"}
    network(noise(1, 3, 64, 64)).square().mean().backward()
    assert all(value.grad is not None for value in network.parameters() if value.requires_grad)


def test_stages_that_can_be_dropped_are() -> None:
    def size(depth: int) -> int:
        options = {"encoder_depth": depth, "decoder_channels": (8, 8, 8, 8, 8)[:depth]}
        network = build(spec_of("unet", encoder="tu-mobilenetv3_small_050", options=options))
        return sum(value.numel() for value in network.get_submodule("network.encoder").parameters())

    assert size(3) < size(5) / 4
