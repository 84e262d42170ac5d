"""A signed-in person with a project, and what its store holds after an upload."""

from __future__ import annotations

import hashlib
import time
from collections import Counter

from django.conf import settings
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client as Browser

from benchmarks.upload_client import Client, photo
from webapp import storage
from webapp.actions.batches import delete_batch
from webapp.actions.upload import open_batch
from webapp.models import Batch, Label, Membership, Project, User, Workspace
from webapp.views.uploads import upload_urls


class Plant:
    """A project without a model: its images wait."""

    def __init__(self, port: int) -> None:
        self._port = port
        workspace = Workspace.objects.create(name="Bench")
        self._user = User.objects.create_user("bench@example.com")
        Membership.objects.create(workspace=workspace, user=self._user, role="admin")
        self._project = Project.objects.create(workspace=workspace, name="Bench", slug="bench")
        Label.objects.create(project=self._project, index=0, name="background", color="#9aa3ad")
        browser = Browser()
        browser.force_login(self._user)
        self._session = browser.session.session_key
        self._csrf_token = _get_new_csrf_string()

    def client(self) -> Client:
        cookies = f"{settings.SESSION_COOKIE_NAME}={self._session}; {settings.CSRF_COOKIE_NAME}={self._csrf_token}"
        return Client("127.0.0.1", self._port, cookies, self._csrf_token)

    def open(self, name: str) -> dict[str, str]:
        """The addresses of a new batch."""
        return upload_urls(open_batch(project=self._project, user=self._user, name=name), self._project.slug)

    def lost_and_twice(self, count: int) -> tuple[int, int]:
        """Photos of which the newest batch lacks the image or the store the whole content; images too many."""
        batch = Batch.objects.latest("pk")
        members = Counter(batch.batch_images.values_list("image__sha256", flat=True))
        wanted = {hashlib.sha256(photo(number)).hexdigest() for number in range(count)}
        whole = {sha256 for sha256 in wanted & set(members) if _is_whole(sha256)}
        return len(wanted - whole), members.total() - len(wanted & set(members))

    def wait_until(self, count: float) -> None:
        """Return when so many images have arrived in the newest batch."""
        while Batch.objects.latest("pk").batch_images.count() < count:
            time.sleep(0.02)

    def require_each_once(self, count: int) -> None:
        found = self.lost_and_twice(count)
        if found != (0, 0):
            raise RuntimeError(f"{found[0]} photos were lost, {found[1]} came twice")

    def forget(self) -> None:
        """Delete what was uploaded, or the next upload would find it known."""
        for batch in Batch.objects.all():
            delete_batch(batch=batch, user=None)


def _is_whole(sha256: str) -> bool:
    path = storage.original_path(sha256)
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
