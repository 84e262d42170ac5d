"""Projects, their rule, labels and sources."""

from __future__ import annotations

from typing import Any

from django import forms

from webapp.actions.project_templates import LabelInput
from webapp.actions.sources import SourceInput
from webapp.models import Project, Source, User, Workspace
from webapp.models.projects import HEX_COLOR


class ProjectForm(forms.Form):
    name = forms.CharField(
        label="Project name",
        max_length=100,
        widget=forms.TextInput(attrs={"placeholder": "Brake discs, line 3", "autocomplete": "off"}),
    )
    description = forms.CharField(
        required=False,
        max_length=2000,
        help_text="What is looked at, and what counts as a defect.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    currency = forms.RegexField(
        r"^[A-Za-z]{3}$",
        required=False,
        max_length=3,
        help_text="Of what defects cost: three letters, such as EUR.",
        error_messages={"invalid": "Expected a code of three letters, such as EUR."},
        widget=forms.TextInput(attrs={"class": "input-short", "autocomplete": "off"}),
    )

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()


class NewProjectForm(ProjectForm):
    currency = None  # type: ignore[assignment]
    template = forms.ChoiceField(choices=Project.Template.choices, initial=Project.Template.SURFACE)
    workspace = forms.ModelChoiceField(queryset=Workspace.objects.none(), empty_label=None)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        workspaces = Workspace.objects.visible_to(user).order_by("name")
        field = self.fields["workspace"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101
        field.queryset = workspaces
        field.initial = workspaces.first()


class RuleForm(forms.Form):
    min_region_px = forms.IntegerField(
        label="Smallest region that fails an image, in pixels",
        required=False,
        min_value=1,
        max_value=2_000_000_000,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "input-short"}),
    )


class LabelForm(forms.Form):
    name = forms.CharField(max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    color = forms.CharField(label="Colour", validators=[HEX_COLOR], widget=forms.TextInput(attrs={"type": "color"}))
    is_defect = forms.BooleanField(label="Defect", required=False)
    is_person = forms.BooleanField(label="People", required=False)
    severity = forms.TypedChoiceField(
        coerce=int,
        initial=1,
        choices=[(1, "1 cosmetic"), (2, "2 minor"), (3, "3 medium"), (4, "4 serious"), (5, "5 dangerous")],
    )

    cost = forms.DecimalField(
        label="Cost per image",
        required=False,
        min_value=0,
        max_digits=11,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal", "placeholder": "–"}),
    )

    def clean_color(self) -> str:
        return str(self.cleaned_data["color"]).lower()

    def value(self) -> LabelInput:
        """What was typed in; call it on a valid form."""
        return LabelInput(**self.cleaned_data)


class SourceForm(forms.Form):
    site = forms.CharField(required=False, max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    name = forms.CharField(max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    kind = forms.ChoiceField(choices=Source.Kind.choices)
    mm_per_pixel = forms.FloatField(
        label="mm per pixel",
        required=False,
        min_value=0.000001,
        max_value=1_000_000,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
    )

    def value(self) -> SourceInput:
        """What was typed in; call it on a valid form."""
        return SourceInput(**self.cleaned_data)


class PrivacyForm(forms.Form):
    blur_people = forms.BooleanField(
        label="Blur people in videos before anything is stored, unless somebody says otherwise at the upload",
        required=False,
    )


class DeletionForm(forms.Form):
    """Delete only what was named: `expected` has to be typed in."""

    name = forms.CharField(label="Project name", widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if name != self.expected:
            raise forms.ValidationError(f"This is not the project's name. To delete it, type: {self.expected}")
        return name
