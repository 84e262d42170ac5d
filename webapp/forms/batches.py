"""What a person says about files before they are uploaded."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from webapp.actions.privacy import NOBODY_FINDS, finds_people
from webapp.models import Project, Source


class BatchForm(forms.Form):
    """Name, source, time of capture, and what is done with videos; all may be left out."""

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
        help_text="Left empty, each image's own camera time counts.",
    )
    frame_seconds = forms.FloatField(
        label="One frame every … seconds",
        required=False,
        min_value=0.04,
        max_value=3600,
        widget=forms.NumberInput(
            attrs={"step": "any", "inputmode": "decimal", "placeholder": "1", "class": "input-short"}
        ),
        help_text="Each frame is an image with its own time.",
    )
    blur_people = forms.BooleanField(label="Blur people before anything is stored", required=False)

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        self.fields["blur_people"].initial = project.blur_people
        field = self.fields["source"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = project.sources.all()

    def clean_captured_at(self) -> datetime | None:
        captured_at: datetime | None = self.cleaned_data["captured_at"]
        if captured_at is not None and captured_at > timezone.now() + timedelta(days=1):
            raise forms.ValidationError("This time lies in the future. Give the time at which the images were taken.")
        return captured_at

    def clean_frame_seconds(self) -> float:
        return self.cleaned_data["frame_seconds"] or 1.0

    def clean_blur_people(self) -> bool | None:
        """Who did not ask gets what the project has: other programs send forms without the field."""
        if "blur_people" not in self.data:
            return None
        wanted: bool = self.cleaned_data["blur_people"]
        if wanted and not finds_people(self.project):
            raise forms.ValidationError(NOBODY_FINDS)
        return wanted
