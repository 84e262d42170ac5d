"""The product's settings in a data folder of the test run's own, which xdist's workers share."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

if "PIXELWISE_TEST_RUN" not in os.environ:
    os.environ["PIXELWISE_TEST_RUN"] = tempfile.mkdtemp(prefix="pixelwise-test-")
    atexit.register(shutil.rmtree, os.environ["PIXELWISE_TEST_RUN"], ignore_errors=True)
_run = Path(os.environ["PIXELWISE_TEST_RUN"])
_kept = {"PIXELWISE_TEST_RUN", "PIXELWISE_REQUIRE_BROWSER"}
for _name in [*os.environ]:
    if _name in ("DATABASE_URL", "REDIS_URL") or (_name.startswith("PIXELWISE_") and _name not in _kept):
        del os.environ[_name]
os.environ["PIXELWISE_DATA"] = str(_run / "data")
os.environ["PIXELWISE_DEVICE"] = "cpu"
os.environ["SECRET_KEY"] = "of-no-use-outside-tests"

from webapp.services.folder import prepare  # noqa: E402
from webapp.settings import *  # noqa: E402, F403
from webapp.settings import PIXELWISE_DATA, STORAGES  # noqa: E402

prepare(PIXELWISE_DATA)
STATIC_ROOT = _run / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STORAGES = STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Test clients all come from one address; tests of the lock on guessing switch it on.
AXES_ENABLED = False
