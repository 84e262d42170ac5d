"""Segmenter: Strudel, Garcia, Laptev, Schmid, "Segmenter: Transformer for semantic segmentation", ICCV 2021.

A vision transformer of timm turns patches of the picture into tokens. The linear decoder scores every token;
the mask transformer lets one learnt token per label attend to them and scores by scalar product.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import timm
import torch
from torch import nn
from torch.nn import functional as F

from segmentation.architectures.encoders import Pretrained, build_with_encoder
from segmentation.architectures.options import checked_options, whole_number
from segmentation.architectures.vision_transformers import SIZE_OPTIONS, transformer_arguments
from segmentation.spec import ModelSpec

_HEAD_CHANNELS = 64


class LinearDecoder(nn.Module):
    """Tokens float (N, P, D) → scores (N, P, K)."""

    def __init__(self, width: int, label_count: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, label_count)
        nn.init.trunc_normal_(self.score.weight, std=0.02)
        nn.init.zeros_(self.score.bias)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.score(tokens)


class MaskTransformer(nn.Module):
    """Tokens float (N, P, D) → scores (N, P, K); `depth` blocks of attention among patches and labels."""

    def __init__(self, width: int, label_count: int, depth: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, width)
        self.label_tokens = nn.Parameter(torch.randn(1, label_count, width) * 0.02)
        self.blocks = nn.ModuleList(
            timm.models.vision_transformer.Block(width, num_heads=_head_count(width), qkv_bias=True)
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.of_patches = nn.Parameter(torch.randn(width, width) * width**-0.5)
        self.of_labels = nn.Parameter(torch.randn(width, width) * width**-0.5)
        self.score_norm = nn.LayerNorm(label_count)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        count = self.label_tokens.shape[1]
        tokens = torch.cat([self.project(tokens), self.label_tokens.expand(tokens.shape[0], -1, -1)], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.norm(tokens)
        patches = F.normalize(tokens[:, :-count] @ self.of_patches, dim=-1)
        labels = F.normalize(tokens[:, -count:] @ self.of_labels, dim=-1)
        return self.score_norm(patches @ labels.transpose(1, 2))


class Segmenter(nn.Module):
    """`mask_depth`: blocks of the mask transformer; 0 = the linear decoder."""

    def __init__(
        self,
        encoder_name: str,
        encoder_weights: Any,
        in_channels: int,
        classes: int,
        mask_depth: int,
        **encoder_arguments: Any,
    ) -> None:
        super().__init__()
        encoder: Any = timm.create_model(
            encoder_name.removeprefix("tu-"),
            pretrained=encoder_weights is not None,
            in_chans=in_channels,
            num_classes=0,
            global_pool="",
            **encoder_arguments,
        )
        self.encoder = encoder
        width = int(encoder.embed_dim)
        self.decoder = MaskTransformer(width, classes, mask_depth) if mask_depth else LinearDecoder(width, classes)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """float (N, C, H, W), H and W multiples of the patch → logits (N, K, H, W)."""
        height, width = pixels.shape[-2:]
        patch_height, patch_width = self.encoder.patch_embed.patch_size
        tokens = self.encoder.forward_features(pixels)[:, self.encoder.num_prefix_tokens :]
        scores = self.decoder(tokens).transpose(1, 2)
        scores = scores.reshape(pixels.shape[0], -1, height // patch_height, width // patch_width)
        return F.interpolate(scores, (height, width), mode="bilinear", align_corners=False)


def _head_count(width: int) -> int:
    return width // _HEAD_CHANNELS if width % _HEAD_CHANNELS == 0 else 1


def build_linear(spec: ModelSpec, pretrained: Pretrained = None) -> nn.Module:
    """Options: those of the transformer, `SIZE_OPTIONS`. ValueError for an encoder that is no vision transformer."""
    checked_options(spec, SIZE_OPTIONS)
    return build_with_encoder(partial(Segmenter, mask_depth=0), spec, pretrained, **transformer_arguments(spec))


def build_mask(spec: ModelSpec, pretrained: Pretrained = None) -> nn.Module:
    """Options: `SIZE_OPTIONS` and `decoder_depth` (2 blocks)."""
    checked_options(spec, {*SIZE_OPTIONS, "decoder_depth"})
    depth = whole_number(spec, "decoder_depth", 2, most=24)
    return build_with_encoder(partial(Segmenter, mask_depth=depth), spec, pretrained, **transformer_arguments(spec))
