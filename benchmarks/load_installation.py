"""A Pixelwise of the load benchmark's own: filled, started as `make run` does, and given work."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
READERS, UPLOADERS, PHOTOS_AT_ONCE = 50, 5, 8
# From the last one's coming to the first answer that counts: signing in takes a lot of computing on purpose.
SETTLE_SECONDS = 15
# More than two cores segment while it is measured.
_RUNNING_BATCHES, _RUNNING_PHOTOS = 6, 100
_PASSWORD, _ADMIN = "correct-horse-battery", "alice@example.com"
_PROJECT, _RUN_PROJECT = "Load", "Load run"
_TABS = ("", "area", "place", "sources", "drift", "growth", "people", "what-if")
_START_SECONDS = 240

_PEOPLE = """
import json, sys
from django.contrib.auth.hashers import make_password
from webapp.models import Membership, Project, User
given = json.load(sys.stdin)
project = Project.objects.get(name=given["project"])
known = set(User.objects.values_list("email", flat=True))
hashed = make_password(given["password"])
made = User.objects.bulk_create(
    User(email=email, password=hashed, is_active=True) for email in given["emails"] if email not in known
)
Membership.objects.bulk_create(Membership(workspace=project.workspace, user=user, role="member") for user in made)
source, label = project.sources.order_by("pk").first(), project.labels.order_by("index")[1]
print("FACTS " + json.dumps({"slug": project.slug, "source": source.pk, "label": label.pk}))
"""


class Installation:
    """`data` is a folder of the benchmark's own."""

    def __init__(self, data: Path) -> None:
        self.data = data.absolute()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self._host = f"http://127.0.0.1:{self._port}"
        self._token = self._run_slug = ""
        left_out = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
        self._environment = {name: value for name, value in os.environ.items() if name not in left_out} | {
            "PIXELWISE_DATA": str(self.data),
            "PIXELWISE_PORT": str(self._port),
            "PIXELWISE_ADMIN_EMAIL": _ADMIN,
            "PIXELWISE_ADMIN_PASSWORD": _PASSWORD,
            "PIXELWISE_DEMO": "0",
        }

    @property
    def is_filled(self) -> bool:
        return (self.data / "load-ready").exists()

    def fill(self, images: int) -> None:
        self._manage("set_up")
        self._manage("fill_ledger", f"--images={images}", f"--project-name={_PROJECT}")
        (self.data / "load-ready").touch()

    @contextmanager
    def running(self) -> Iterator[None]:
        with (self.data.parent / "load.log").open("w") as log:
            stack = subprocess.Popen(
                [sys.executable, "manage.py", "up"], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
            try:
                self._wait_until_up()
                yield
            finally:
                stack.send_signal(signal.SIGTERM)
                stack.wait(60)

    def plan(self, scratch: Path) -> dict[str, Any]:
        """What everybody is to do. The run that goes on meanwhile begins here."""
        emails = [f"person-{number}@example.com" for number in range(READERS + UPLOADERS)]
        given = json.dumps({"project": _PROJECT, "password": _PASSWORD, "emails": emails})
        told = self._manage("shell", "-v", "0", "-c", _PEOPLE, stdin=given)
        facts = json.loads(told.partition("FACTS ")[2].splitlines()[0])
        self._token = self._ask("tokens", {"email": _ADMIN, "password": _PASSWORD})["token"]
        self._run_slug = self._run_project()
        for number in range(_RUNNING_BATCHES):
            self._upload(number)
        return {
            "host": self._host,
            "people": emails,
            "password": _PASSWORD,
            "token": self._token,
            "readers": READERS,
            "uploaders": UPLOADERS,
            "photos_at_once": PHOTOS_AT_ONCE,
            "settle_seconds": SETTLE_SECONDS,
            "photos": [str(path) for path in _large_photos(scratch)],
            "pages": _pages(facts),
            "upload": f"/api/v1/projects/{self._run_slug}/batches",
            "batches": f"/p/{self._run_slug}/batches/",
            "answers": str(scratch / "answers.json"),
        }

    def segmented_count(self) -> int:
        """Images segmented so far in the project of the run."""
        done, cursor = 0, ""
        while True:
            page = self._ask(f"projects/{self._run_slug}/batches?limit=200&cursor={cursor}")
            done += sum(batch["done_count"] for batch in page["items"])
            if page["next"] is None:
                return done
            cursor = page["next"]

    def _run_project(self) -> str:
        """A project of its own for this turn: what earlier turns left is known and would not be segmented again."""
        named = f"{_RUN_PROJECT} {datetime.now(UTC):%H:%M:%S}"
        slug = str(self._ask("projects", {"name": named, "template": "surface"})["slug"])
        self._ask(f"projects/{slug}/models", {"kind": "starter"})
        return slug

    def _upload(self, number: int) -> None:
        rng = np.random.default_rng([number, time.time_ns()])
        body = bytearray()
        for place in range(_RUNNING_PHOTOS):
            body += (
                f'--load\r\nContent-Disposition: form-data; name="files"; filename="{number}-{place}.jpg"\r\n'
                "Content-Type: image/jpeg\r\n\r\n"
            ).encode()
            body += _jpeg(rng, width=640, height=480) + b"\r\n"
        body += b"--load--\r\n"
        self._send(f"projects/{self._run_slug}/batches", bytes(body), "multipart/form-data; boundary=load")

    def _ask(self, path: str, sent: Any = None) -> Any:
        return self._send(path, None if sent is None else json.dumps(sent).encode(), "application/json")

    def _send(self, path: str, body: bytes | None, content_type: str) -> Any:
        headers = {"Content-Type": content_type} | ({"Authorization": f"Bearer {self._token}"} if self._token else {})
        request = urllib.request.Request(f"{self._host}/api/v1/{path}", body, headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=600) as answer:  # noqa: S310
            return json.load(answer)

    def _manage(self, *arguments: str, stdin: str = "") -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environment, input=stdin, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self._host}/healthz", timeout=5).close()  # noqa: S310
                return
            except (OSError, urllib.error.HTTPError):
                time.sleep(0.3)
        raise SystemExit(f"Pixelwise did not come up in {_START_SECONDS} s.")


def _pages(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Every page of the dashboard unfiltered and with usual filters, the images and the batches."""
    project, today = f"/p/{facts['slug']}", datetime.now(UTC).date()
    queries = ["", *(_days(today, count) for count in (7, 30, 92))]
    queries += [f"?source={facts['source']}", f"?label={facts['label']}"]
    pages = [
        (tab or "overview", f"{project}/{f'dashboard/{tab}' if tab else ''}{query}")
        for tab in _TABS
        for query in queries
    ]
    others = [("images", f"{project}/images/"), ("batches", f"{project}/batches/"), ("projects", "/")]
    return pages + [page for page in others for _ in range(4)]


def _days(today: date, count: int) -> str:
    return f"?from={today - timedelta(days=count)}&to={today}"


def _large_photos(scratch: Path) -> list[Path]:
    """Twelve JPEGs of 1600 × 1200 and some 450 kB."""
    paths = []
    for number in range(12):
        path = scratch / f"photo-{number}.jpg"
        path.write_bytes(_jpeg(np.random.default_rng(number), width=1600, height=1200))
        paths.append(path)
    return paths


def _jpeg(rng: np.random.Generator, *, width: int, height: int) -> bytes:
    """A grainy surface with a round stain."""
    grain = rng.integers(0, 120, (height, width, 3), dtype=np.uint8)
    surface = cv2.GaussianBlur(grain, (0, 0), 1.1) + np.uint8(80)
    place = (int(rng.integers(width)), int(rng.integers(height)))
    cv2.circle(surface, place, height // 10, (40, 90, 160), -1)
    return cv2.imencode(".jpg", surface, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
