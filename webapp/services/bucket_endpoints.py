"""Which S3 servers pictures may be taken from, and what their buckets and regions may be called."""

from __future__ import annotations

import re

from django.conf import settings

AMAZON = ""
"""Stands for Amazon's own servers."""
_BUCKET = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]", re.ASCII)
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+){1,3}-\d", re.ASCII)


def allowed_endpoints() -> list[str]:
    """Amazon S3, unless PIXELWISE_BUCKET_ENDPOINTS names servers; then these, and Amazon where `aws` is among them."""
    named = settings.PIXELWISE_BUCKET_ENDPOINTS
    return [AMAZON if one.lower() == "aws" else one.rstrip("/") for one in named] if named else [AMAZON]


def require_allowed(endpoint: str) -> None:
    """ValueError in words for a person."""
    if endpoint not in allowed_endpoints():
        names = [one or "Amazon S3" for one in allowed_endpoints()]
        raise ValueError(
            f"Buckets of {endpoint or 'Amazon S3'} are not allowed here, only of {' or '.join(names)}. "
            "Whoever runs the installation names servers in PIXELWISE_BUCKET_ENDPOINTS."
        )


def clean_bucket(name: str) -> str:
    name = name.strip()
    if not _BUCKET.fullmatch(name):
        raise ValueError(f"Expected the name of a bucket, like plant-photos, got {name[:80] or 'nothing'}.")
    return name


def clean_region(name: str) -> str:
    name = name.strip()
    if name and not _REGION.fullmatch(name):
        raise ValueError(f"Expected a region like eu-central-1, got {name[:40]}.")
    return name
