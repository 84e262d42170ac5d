"""Parts of what a fixed camera sees: a shelf, a door, a counter."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Lower

from webapp.models.polygons import PolygonField
from webapp.models.projects import Source


class ZoneQuerySet(models.QuerySet["Zone"]):
    def visible_to(self, user: Any) -> ZoneQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.filter(source__project__workspace__memberships__user=user)


class Zone(models.Model):
    """`shape` in shares of a picture's width and height: x from the left, y from the top, both 0–1.

    The database holds shapes to at least three corners within the picture (migration 0004).
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="zones")
    name = models.CharField(max_length=60)
    shape = PolygonField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ZoneQuerySet.as_manager()

    class Meta:
        db_table = "zone"
        ordering = ["source", "id"]
        constraints = [
            models.UniqueConstraint("source", Lower("name"), name="zone_name_once"),
            models.CheckConstraint(condition=~models.Q(name=""), name="zone_has_name"),
        ]

    def __str__(self) -> str:
        return self.name
