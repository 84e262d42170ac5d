"""The people of a workspace, and the way in by an invitation."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webapp.actions import invitations
from webapp.actions.people import change_role as change_member_role
from webapp.actions.people import create_workspace as create_new_workspace
from webapp.actions.people import is_admin, remove_member
from webapp.actions.people import rename_workspace as rename
from webapp.actions.refused import Refused
from webapp.forms.accounts import SignUpForm
from webapp.forms.people import InvitationForm, WorkspaceForm
from webapp.models import Invitation, Membership, Workspace
from webapp.views.asking import person

PASSWORD_BACKEND = "django.contrib.auth.backends.ModelBackend"  # noqa: S105


@require_safe
def show(request: HttpRequest, workspace_id: int | None = None) -> HttpResponse:
    workspaces = Workspace.objects.visible_to(request.user).order_by("name", "pk")
    workspace = workspaces.first() if workspace_id is None else get_object_or_404(workspaces, pk=workspace_id)
    if workspace is None:
        return render(request, "people/none.html", {"nav": "people", "workspace_form": WorkspaceForm()})
    return _page(request, workspace)


@require_http_methods(["GET", "HEAD", "POST"])
def create_workspace(request: HttpRequest) -> HttpResponse:
    form = WorkspaceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        workspace = create_new_workspace(user=person(request), name=form.cleaned_data["name"])
        messages.success(request, f"The workspace {workspace} is there. Invite the people who share it.")
        return redirect("workspace", workspace.pk)
    return render(request, "people/new_workspace.html", {"nav": "people", "form": form})


@require_POST
def rename_workspace(request: HttpRequest, workspace_id: int) -> HttpResponse:
    workspace = _workspace(request, workspace_id)
    form = WorkspaceForm(request.POST)
    if not form.is_valid():
        return _page(request, workspace, rename_form=form)
    rename(user=person(request), workspace=workspace, name=form.cleaned_data["name"])
    messages.success(request, "The workspace has its new name.")
    return redirect("workspace", workspace.pk)


@require_POST
def invite(request: HttpRequest, workspace_id: int) -> HttpResponse:
    workspace = _workspace(request, workspace_id)
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return _invitations(request, workspace, invitation_form=form)
    invitation, secret = invitations.invite(user=person(request), workspace=workspace, **form.cleaned_data)
    link = request.build_absolute_uri(f"/join/{secret}")
    return _invitations(request, workspace, new_invitation=invitation, link=link)


@require_POST
def revoke_invitation(request: HttpRequest, workspace_id: int, invitation_id: int) -> HttpResponse:
    workspace = _workspace(request, workspace_id)
    invitation = get_object_or_404(Invitation, pk=invitation_id, workspace=workspace)
    invitations.revoke_invitation(user=person(request), invitation=invitation)
    messages.success(request, "The invitation is withdrawn. Its link opens nothing any more.")
    return redirect("workspace", workspace.pk)


@require_POST
def change_role(request: HttpRequest, workspace_id: int, member_id: int) -> HttpResponse:
    membership = _membership(request, workspace_id, member_id)
    try:
        change_member_role(user=person(request), membership=membership, role=request.POST.get("role", ""))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        membership.refresh_from_db()
        role = membership.get_role_display().lower()
        messages.success(request, f"The role of {membership.user} is now {role}.")
    return redirect("workspace", workspace_id)


@require_POST
def remove(request: HttpRequest, workspace_id: int, member_id: int) -> HttpResponse:
    membership = _membership(request, workspace_id, member_id)
    try:
        remove_member(user=person(request), membership=membership)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("workspace", workspace_id)
    if membership.user_id == person(request).pk:
        messages.success(request, f"You left {membership.workspace}.")
        return redirect("people")
    messages.success(request, f"{membership.user} is no longer in {membership.workspace}.")
    return redirect("workspace", workspace_id)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """Behind an invitation link: sign up, or join as who one is signed in as."""
    invitation = invitations.open_invitation(secret)
    if invitation is None:
        return render(request, "people/join_closed.html", status=410)
    form = SignUpForm(request.POST or None, initial={"email": invitation.email})
    if request.method == "POST":
        try:
            if _enter(request, secret, form):
                messages.success(request, f"Welcome to {invitation.workspace}.")
                return redirect("home")
        except Refused as refused:
            form.add_error(refused.field or None, str(refused))
    is_member = Workspace.objects.visible_to(request.user).filter(pk=invitation.workspace_id).exists()
    context = {"invitation": invitation, "form": form, "is_member": is_member}
    return render(request, "people/join.html", context)


def _enter(request: HttpRequest, secret: str, form: SignUpForm) -> bool:
    if request.user.is_authenticated:
        invitations.accept_invitation(user=person(request), secret=secret)
        return True
    if not form.is_valid():
        return False
    user = invitations.sign_up(secret=secret, **form.cleaned_data)
    login(request, user, backend=PASSWORD_BACKEND)
    return True


def _invitations(request: HttpRequest, workspace: Workspace, **extra: Any) -> HttpResponse:
    """The invitations alone where htmx asked, so that a reload of the page does not make another one."""
    if not getattr(request, "htmx", False):
        return _page(request, workspace, **extra)
    return render(request, "people/_invitations.html", _context(request, workspace) | extra)


def _page(request: HttpRequest, workspace: Workspace, **extra: Any) -> HttpResponse:
    context = {
        **_context(request, workspace),
        "nav": "people",
        "workspaces": Workspace.objects.visible_to(request.user).order_by("name", "pk"),
        "rename_form": WorkspaceForm(initial={"name": workspace.name}),
        "members": workspace.memberships.select_related("user").order_by("role", "user__name", "user__email"),
        "roles": Membership.Role.choices,
    }
    response = render(request, "people/show.html", context | extra)
    response["Cache-Control"] = "no-store"
    return response


def _context(request: HttpRequest, workspace: Workspace) -> dict[str, Any]:
    is_open = {"accepted_at__isnull": True, "expires_at__gt": timezone.now()}
    return {
        "workspace": workspace,
        "is_admin": is_admin(person(request), workspace),
        "invitation_form": InvitationForm(),
        "invitations": workspace.invitations.filter(**is_open).select_related("invited_by").order_by("-pk"),
    }


def _workspace(request: HttpRequest, workspace_id: int) -> Workspace:
    return get_object_or_404(Workspace.objects.visible_to(request.user), pk=workspace_id)


def _membership(request: HttpRequest, workspace_id: int, member_id: int) -> Membership:
    members = Membership.objects.select_related("user", "workspace")
    return get_object_or_404(members, pk=member_id, workspace=_workspace(request, workspace_id))
