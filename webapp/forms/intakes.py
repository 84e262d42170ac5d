"""Where a project shall take images from by itself."""

from __future__ import annotations

from typing import Any

from django import forms

from webapp.actions.intakes import BucketInput
from webapp.models import Project, Source
from webapp.services.bucket_endpoints import AMAZON, allowed_endpoints

_AMAZON = "aws"
_OFF = {"autocomplete": "off", "spellcheck": "false"}


class FolderForm(forms.Form):
    folder = forms.CharField(
        label="Folder", max_length=1000, widget=forms.TextInput(attrs=_OFF), help_text="As the server calls it."
    )
    source = forms.ModelChoiceField(
        Source.objects.none(), required=False, empty_label="No source", help_text="Where these images come from."
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].queryset = project.sources.all()  # type: ignore[attr-defined]


class KeyForm(forms.Form):
    key_id = forms.CharField(
        label="Key id", max_length=200, required=False, widget=forms.TextInput(attrs=_OFF | {"data-1p-ignore": ""})
    )
    secret = forms.CharField(
        label="Secret",
        max_length=500,
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Encrypted, never shown again.",
    )


class BucketForm(KeyForm):
    endpoint = forms.ChoiceField(label="Server")
    region = forms.CharField(
        max_length=40, required=False, widget=forms.TextInput(attrs=_OFF | {"placeholder": "eu-central-1"})
    )
    bucket = forms.CharField(label="Bucket", max_length=63, widget=forms.TextInput(attrs=_OFF))
    # Django takes fields off the class, so a form's own prefix stays what it is.
    prefix = forms.CharField(  # type: ignore[assignment]
        max_length=900,
        required=False,
        widget=forms.TextInput(attrs=_OFF | {"placeholder": "line-3/"}),
        help_text="Only what begins with this.",
    )
    repeats = forms.TypedChoiceField(
        label="How often",
        choices=[("1", "Keep looking"), ("0", "Once")],
        coerce=lambda given: given == "1",
        initial="1",
        help_text="Keep looking takes new images as they come.",
    )
    source = forms.ModelChoiceField(
        Source.objects.none(), required=False, empty_label="No source", help_text="Where these images come from."
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].queryset = project.sources.all()  # type: ignore[attr-defined]
        servers = [(one or _AMAZON, one or "Amazon S3") for one in allowed_endpoints()]
        self.fields["endpoint"].choices = servers  # type: ignore[attr-defined]

    def clean_endpoint(self) -> str:
        given = str(self.cleaned_data["endpoint"])
        return AMAZON if given == _AMAZON else given

    def value(self) -> BucketInput:
        """What was typed in; call it on a valid form."""
        return BucketInput(**{name: given for name, given in self.cleaned_data.items() if name != "source"})
