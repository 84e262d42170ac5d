"""What a person says about a data set before it is made."""

from __future__ import annotations

from typing import Any

from django import forms

from segmentation.datasets import FORMATS
from webapp.models import DatasetImport
from webapp.models.dataset_groupings import ALIKE, GROUPINGS, OF_ANNOTATIONS, OF_FILES


class GroupingField(forms.MultipleChoiceField):
    """What stays together; none chosen: every image for itself."""

    def __init__(self, names: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(
            label="Keep on one side of the split",
            choices=[(name, GROUPINGS[name].title) for name in names],
            widget=forms.CheckboxSelectMultiple,
            initial=[ALIKE],
            required=False,
            **kwargs,
        )


class UploadForm(forms.Form):
    """A ZIP with labelled data in any of the formats."""

    file = forms.FileField(
        label="ZIP with labelled images",
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
        error_messages={"required": "Choose a ZIP with a labelled data set."},
    )
    name = forms.CharField(
        label="Name",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "The ZIP's name", "autocomplete": "off"}),
    )
    format = forms.ChoiceField(
        label="Format",
        choices=[("", "Find out by looking"), *((one.name, one.title) for one in FORMATS.values())],
        required=False,
    )
    split = forms.ChoiceField(
        label="Training, validation and test images",
        choices=[
            ("auto", "As given; dealt anew where validation lacks labels"),
            ("given", "Exactly as given"),
            ("anew", "Deal training and validation anew"),
        ],
        initial=DatasetImport.Split.AUTO,
        required=False,
        help_text="Test images that are given stay test images always. Without a given split one is made.",
    )
    grouping = GroupingField(OF_FILES)
    cityscapes_classes = forms.TypedChoiceField(
        label="Classes of Cityscapes",
        choices=[(19, "The 19 that are trained on"), (30, "All 30")],
        coerce=int,
        empty_value="19",
        required=False,
        help_text="For Cityscapes only.",
    )
    new_labels_are_defects = forms.BooleanField(
        label="New labels are defects",
        required=False,
        initial=True,
        help_text="Labels are matched by name; where the project lacks one, you are asked what it stands for.",
    )
    ask = forms.TypedChoiceField(
        label="What each class stands for",
        choices=[
            ("unknown", "Ask me where a class has no label of its name"),
            ("always", "Always ask me"),
            ("never", "Do not ask: add the labels that are missing"),
        ],
        initial=DatasetImport.Ask.UNKNOWN,
        empty_value=DatasetImport.Ask.UNKNOWN.value,
        required=False,
    )

    def clean_cityscapes_classes(self) -> int:
        return int(self.cleaned_data["cityscapes_classes"])

    def clean_split(self) -> str:
        return self.cleaned_data["split"] or DatasetImport.Split.AUTO


class FreezeForm(forms.Form):
    """The project's own annotations."""

    name = forms.CharField(
        label="Name",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "Annotations", "autocomplete": "off"}),
    )
    grouping = GroupingField(OF_ANNOTATIONS)
