"""Files for the picture tests: pictures in every format, and two HEIC files that nothing here can write."""

from __future__ import annotations

import base64
import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

# 64 × 48, left half (200, 0, 0), right half (0, 0, 200), drawn for these tests and encoded by libheif.
_HEIC = (
    "c-muNV30{GsVvAy%}izhg51nBLl8SRGck>UfpKkaYDppk1Sn>t<P<^K3<a6VB@AeQuOPD|7tCS;Vu8$*M2Hdx1_K~zk(ra9%m`$-H~{4t"
    "AzBzO!dMJ`2vIoA0oIq9mj*Xg6v#<s0;vG1$tX)UWIz%GD@iZPOaU=(WEK<^0O@U+1<Cn9x(uk=nUT2w?p(PK41fOq_`$%y&#VA6O~QeZ"
    "hw=Y^kOF3g2_OQ9<aRMRC;}z5oERC=WELnivQB&TWZBLg0s;mKAR#cJs038b=E8We_&_Jn5|PZ}f>fx54p59P1_~X4g3O9ckN`6W2guh_"
    "nFYD9fCq*PQzH`t6BBa_Sf(g74Hn`lnYroUa07){SS}>Qy)+otM?CxTYXASYO#A=c`qO^i_<#KWti9nM8HN8H|Nr7!XJ(81^c{1u_8pL^"
    "FE|&{qFAVXeaZ3U<64hSo&CQoc;5Xjyj(NPR;{@20011sbes"
)
# The same with its rotation property set as a phone held upright sets it: seen as 48 × 64, red above blue.
_HEIC_ROTATED = (
    "c-mc2Pbh>@5TEzHXqAvCMcb~6%?UT<u(6WZ99*2#_WiLFpM8D%B~IHG$xZF%;N;|pn?K2)oW+3)$-&=<BnJv>-uvvvPR*N{H@|sr<~IP)"
    "V7XHwZlVq(Hd?LHw=re`ut(c;W8g_JZj3p<J_yuZD3S_+uB|*yT7^c;gM^`l&VC$A=!~357&KsB39rn1gyIE1Z+(RHa07)qKWP+k+)|Ou"
    "*HU0|Sw)!mgx(5&E>$xl4jS+eNp;<msNT3l;Rv$ZDD(u`Bt6l^G*Ot#{{o+1@9zMWT7XLH!mOO-auT4yylO!M{}vAiDcRJ?SW#vvkS<wx"
    "xL)2|3&>a<!A8QCM%aFGZ;pPb!K5$?Ja}4sCpoMVIEiX(pU+3844s54DX2$b=l4W3@-zpoY11<lhR`vs{Dus)M-<PJ%?jN}>S`B~C(HKs"
    ")e&N=L$_}aySXR6`+fE~d(@I?+c~IjPhDR0T#bIbKHc;_Ph}4y>)E?dX81mJnm#`7+gKSqS?rcQLNp4^YIlrPtNqZV-uFMIuXV}"
)

LOSSLESS = {"PNG": {}, "TIFF": {}, "BMP": {}, "WEBP": {"lossless": True}}
LOSSY = {"JPEG": {"quality": 95, "subsampling": 0}}


def heic(*, rotated: bool = False) -> bytes:
    return zlib.decompress(base64.b85decode(_HEIC_ROTATED if rotated else _HEIC))


def corners(width: int = 48, height: int = 32) -> np.ndarray:
    """uint8 (H, W, 3) whose four quarters differ, so that every turn and flip shows."""
    rgb = np.empty((height, width, 3), np.uint8)
    rgb[: height // 2, : width // 2] = (200, 40, 40)
    rgb[: height // 2, width // 2 :] = (40, 200, 40)
    rgb[height // 2 :, : width // 2] = (40, 40, 200)
    rgb[height // 2 :, width // 2 :] = (220, 220, 220)
    return rgb


def noise(width: int = 200, height: int = 150, seed: int = 0) -> np.ndarray:
    """uint8 (H, W, 3) that does not compress, so that a file's size follows its content."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def encoded(image: np.ndarray | Image.Image, format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(stream, format, **options)
    return stream.getvalue()


def written(folder: Path, content: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
