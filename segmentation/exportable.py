"""Operations that the exporter cannot write for pictures of any size, said in ones that it can.

All three are exact: means over a grid of cells and resampling are products with small matrices, computed from the
sizes; unpooling is one comparison for each of the four places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

# The cubic kernel of antialiased resampling, Keys 1981, as PyTorch and Pillow have it.
_CUBIC = -0.5
_CUBIC_SUPPORT = 2.0


class Exportable(TorchFunctionMode):
    """While it is in force, networks compute the same numbers by operations that export with sizes left open."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is F.adaptive_avg_pool2d:
            return adaptive_mean(*args, **kwargs)
        if func is F.conv2d and len(args) == 2 and not isinstance(args[1], nn.Parameter):
            # A window computed from a picture's channel count has a shape that is only known once it is a constant.
            window = torch.tensor(args[1].tolist(), dtype=args[1].dtype)
            return F.conv2d(args[0], window, groups=int(kwargs.get("groups", 1)))
        if func is F.max_unpool2d:
            return unpooled(*args, **kwargs)
        if func is F.interpolate and kwargs.get("mode") in ("area", "bicubic"):
            size = args[1] if len(args) > 1 else kwargs["size"]
            if kwargs["mode"] == "area":
                return adaptive_mean(args[0], size)
            if kwargs.get("antialias"):
                return resampled(args[0], size[0], size[1])
        return func(*args, **kwargs)


def adaptive_mean(values: torch.Tensor, output_size: Any) -> torch.Tensor:
    """`F.adaptive_avg_pool2d`: float (N, C, H, W) → (N, C, h, w), the means of h × w cells that may overlap."""
    wanted = (output_size, output_size) if isinstance(output_size, int) else tuple(output_size)
    if wanted == (1, 1):
        return values.mean(dim=(2, 3), keepdim=True)
    height, width = values.shape[-2:]
    return _cells(wanted[0], height, values) @ values @ _cells(wanted[1], width, values).T


def _cells(count: int, length: Any, like: torch.Tensor) -> torch.Tensor:
    """(count, length): row i averages what lies from floor(i·length/count) to ceil((i+1)·length/count)."""
    cell = torch.arange(count, device=like.device)[:, None]
    place = torch.arange(length, device=like.device)[None, :]
    start = torch.div(cell * length, count, rounding_mode="floor")
    end = -torch.div(-(cell + 1) * length, count, rounding_mode="floor")
    inside = ((place >= start) & (place < end)).to(like.dtype)
    return inside / inside.sum(dim=1, keepdim=True)


def resampled(values: torch.Tensor, height: Any, width: Any) -> torch.Tensor:
    """`F.interpolate(mode="bicubic", antialias=True)`: float (N, C, h, w) → (N, C, `height`, `width`)."""
    rows = _cubic(height, values.shape[-2], values)
    columns = _cubic(width, values.shape[-1], values)
    return rows @ values @ columns.T


def _cubic(count: Any, length: Any, like: torch.Tensor) -> torch.Tensor:
    """(count, length): each row the weights of the old places around a new one."""
    ones = torch.ones(1, dtype=torch.float32, device=like.device)
    scale = ones * length / count
    center = (torch.arange(count, device=like.device).float()[:, None] + 0.5) * scale
    place = torch.arange(length, device=like.device).float()[None, :] + 0.5
    distance = ((place - center) / scale.clamp(min=1)).abs()
    near = ((_CUBIC + 2) * distance - (_CUBIC + 3)) * distance * distance + 1
    far = _CUBIC * (((distance - 5) * distance + 8) * distance - 4)
    weights = torch.where(distance < 1, near, torch.where(distance < _CUBIC_SUPPORT, far, torch.zeros_like(far)))
    return (weights / weights.sum(dim=1, keepdim=True)).to(like.dtype)


def unpooled(values: torch.Tensor, indices: torch.Tensor, kernel_size: int = 2, **_: Any) -> torch.Tensor:
    """`F.max_unpool2d` of 2×2: (N, C, h, w) → (N, C, 2h, 2w), each value where `indices` says, zeros elsewhere."""
    if kernel_size not in (2, (2, 2)):
        raise ValueError(f"only unpooling of 2×2 can be exported, not {kernel_size}")
    height, width = values.shape[-2:]
    row = 2 * torch.arange(height, device=values.device)[:, None]
    column = 2 * torch.arange(width, device=values.device)[None, :]
    zeros = torch.zeros_like(values)

    def where(down: int, right: int) -> torch.Tensor:
        return torch.where(indices == (row + down) * (2 * width) + column + right, values, zeros)

    rows = [torch.stack([where(down, 0), where(down, 1)], dim=-1).flatten(-2) for down in (0, 1)]
    return torch.stack(rows, dim=-2).flatten(-3, -2)
