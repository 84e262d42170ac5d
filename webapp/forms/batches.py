"""What a person says about files before they are uploaded."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from webapp.models import Project, Source


class BatchForm(forms.Form):
    """Name, source and time of capture; all may be left out."""

    source = forms.ModelChoiceField(Source.objects.none(), required=False, empty_label="No source")
    name = forms.CharField(
        label="Batch name",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "Date and time of the upload", "autocomplete": "off"}),
    )
    captured_at = forms.DateTimeField(
        label="Time of capture",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="Left empty, each picture's own camera time counts.",
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["source"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = project.sources.all()

    def clean_captured_at(self) -> datetime | None:
        captured_at: datetime | None = self.cleaned_data["captured_at"]
        if captured_at is not None and captured_at > timezone.now() + timedelta(days=1):
            raise forms.ValidationError("This time lies in the future. Give the time at which the images were taken.")
        return captured_at
