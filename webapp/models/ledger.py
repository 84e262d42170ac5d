"""Who reads the ledger with a database client."""

from __future__ import annotations

from django.db import models

from webapp.models.people import User, Workspace


class LedgerReader(models.Model):
    """A read-only database role: it sees the ledger's views, and in them one workspace's rows."""

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, related_name="ledger_reader")
    role_name = models.CharField(max_length=63, unique=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "ledger_reader"

    def __str__(self) -> str:
        return self.role_name
