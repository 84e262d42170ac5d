"""The cast of every test: alice owns, bob works beside her, charlie is an outsider who must see nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from webapp.actions.people import create_workspace
from webapp.actions.projects import create_project
from webapp.models import Membership, Project, User, Workspace

PASSWORD = "correct-horse-battery"
BACKEND = "django.contrib.auth.backends.ModelBackend"


def person(name: str) -> User:
    return User.objects.create_user(f"{name}@example.com", PASSWORD, name=name.title())


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


@pytest.fixture
def data_folder(tmp_path: Path, settings: Any) -> Path:
    """Where files of this test go."""
    settings.PIXELWISE_DATA = tmp_path
    return tmp_path


@pytest.fixture
def alice(db: None) -> User:
    """Administrator of the workspace Acme."""
    user = person("alice")
    create_workspace(user=user, name="Acme")
    return user


@pytest.fixture
def acme(alice: User) -> Workspace:
    return alice.workspaces.get()


@pytest.fixture
def bob(acme: Workspace) -> User:
    """A member of Acme."""
    user = person("bob")
    Membership.objects.create(workspace=acme, user=user)
    return user


@pytest.fixture
def charlie(db: None) -> User:
    """Administrator of another workspace."""
    user = person("charlie")
    create_workspace(user=user, name="Elsewhere")
    return user


@pytest.fixture
def project(alice: User, acme: Workspace) -> Project:
    """A project of Acme from the surface template: background, scratch, crack, pit, stain."""
    return create_project(user=alice, workspace=acme, name="Brake discs, line 3", template=Project.Template.SURFACE)
