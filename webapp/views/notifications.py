"""What happened for the user meanwhile: the page behind the bell."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from webapp.actions.reports import mark_read
from webapp.models import Notification
from webapp.views.asking import person

SHOWN = 100


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    notifications = list(Notification.objects.visible_to(person(request)).select_related("project")[:SHOWN])
    return render(request, "notifications/show.html", {"notifications": notifications})


@require_POST
def read(request: HttpRequest) -> HttpResponse:
    """Mark all as read."""
    mark_read(user=person(request))
    return redirect("notifications")


@require_POST
def follow(request: HttpRequest, notification_id: int) -> HttpResponse:
    """Mark one as read and go to what it is about."""
    notification = get_object_or_404(Notification.objects.visible_to(person(request)), pk=notification_id)
    mark_read(user=person(request), notification=notification)
    if url_has_allowed_host_and_scheme(notification.url, allowed_hosts=None):
        return redirect(notification.url)
    return redirect("notifications")
