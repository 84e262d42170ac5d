"""How a bucket that pictures are taken from is asked: nothing but its own server is reached, with its own key."""

from __future__ import annotations

from typing import Any

import boto3
from botocore import UNSIGNED

from webapp.services.bucket import client_config
from webapp.services.bucket_endpoints import require_allowed

DEFAULT_REGION = "us-east-1"


def intake_client(*, endpoint: str, region: str, key_id: str, secret: str) -> Any:
    """A client that uses this key or none at all, never the server's own rights. ValueError for another endpoint."""
    require_allowed(endpoint)
    more = {} if key_id else {"signature_version": UNSIGNED}
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint or None,
        region_name=region or DEFAULT_REGION,
        # Named even where nothing is signed: else boto3 goes looking for a key of this machine.
        aws_access_key_id=key_id or "none",
        aws_secret_access_key=secret or "none",
        config=client_config(endpoint, **more),
    )
