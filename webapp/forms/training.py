"""What a person says before a training."""

from __future__ import annotations

from typing import Any

from django import forms

from segmentation.architectures_catalogue import CATALOGUE, FAMILIES
from segmentation.augment_presets import PRESETS
from segmentation.loss_catalogue import AUTOMATIC, LOSS_FACTS
from webapp.actions.training import LARGEST_CROP_PX, LARGEST_SEED, SMALLEST_CROP_PX, TrainingWish
from webapp.actions.training_advice import USUAL_PRESETS
from webapp.models import Dataset, ModelVersion, Project, TrainingRun
from webapp.models.trainings import MOST_MINUTES

OWN_LENGTH = "own"
LENGTHS = ((15, "15 minutes"), (60, "1 hour"), (240, "4 hours"), (480, "Overnight"))
USUAL_LENGTH = 60


def _architectures() -> list[tuple[str, Any]]:
    """The recommended one first, then every family with its members."""
    families = [
        (family, [(row.name, row.title) for row in CATALOGUE.values() if row.family == family and row.is_trainable])
        for family in FAMILIES
    ]
    return [("", "The recommended one"), *(pair for pair in families if pair[1])]


class TrainingForm(forms.Form):
    dataset = forms.ModelChoiceField(
        Dataset.objects.none(), label="Data set", empty_label=None, error_messages={"required": "Choose a data set."}
    )
    length = forms.ChoiceField(
        choices=[*((str(minutes), words) for minutes, words in LENGTHS), (OWN_LENGTH, "Another time")],
        initial=str(USUAL_LENGTH),
    )
    own_minutes = forms.FloatField(
        label="Minutes",
        required=False,
        min_value=1,
        max_value=MOST_MINUTES,
        widget=forms.NumberInput(attrs={"class": "input-short", "inputmode": "decimal", "step": "any"}),
    )
    target = forms.ChoiceField(choices=TrainingRun.Target.choices, initial=TrainingRun.Target.PC)
    presets = forms.MultipleChoiceField(
        choices=[(preset.name, preset.title) for preset in PRESETS.values()], required=False, initial=USUAL_PRESETS
    )
    start = forms.CharField(max_length=40, initial=TrainingRun.Start.RANDOM)
    architecture = forms.ChoiceField(label="Kind of network", choices=_architectures, required=False)
    encoder = forms.CharField(
        required=False,
        max_length=100,
        help_text="A name of the library, such as resnet34 or tu-convnext_tiny. Empty: the one that suits the network.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "input-medium"}),
    )
    loss = forms.ChoiceField(
        label="What mistakes cost",
        required=False,
        choices=[
            (AUTOMATIC, "Chosen by how rare the labels are"),
            *((facts.name, facts.title) for facts in LOSS_FACTS.values()),
        ],
        initial=AUTOMATIC,
    )
    crop_px = forms.IntegerField(
        label="Side of the crops it learns from, in pixels",
        required=False,
        min_value=SMALLEST_CROP_PX,
        max_value=LARGEST_CROP_PX,
        help_text="Empty: by the size of the images. Smaller needs less memory.",
        widget=forms.NumberInput(attrs={"class": "input-short", "inputmode": "numeric"}),
    )
    mirrored_views = forms.BooleanField(
        label="It may also look at each image mirrored",
        required=False,
        help_text="Where that finds more on the validation images. Segmenting then takes up to four times as long.",
    )
    seed = forms.IntegerField(
        initial=1,
        min_value=0,
        max_value=LARGEST_SEED,
        required=False,
        help_text="The same number gives the same random choices again.",
        widget=forms.NumberInput(attrs={"class": "input-short", "inputmode": "numeric"}),
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        field = self.fields["dataset"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101
        field.queryset = Dataset.objects.filter(project=project).order_by("-pk")
        field.initial = field.queryset.first()

    def clean_start(self) -> tuple[str, ModelVersion | None]:
        """ "random", "hub", "folder", or "version:" and the id of one of the project's."""
        given = str(self.cleaned_data["start"])
        kind, _, version_id = given.partition(":")
        if kind != "version":
            if given not in (TrainingRun.Start.RANDOM, TrainingRun.Start.HUB, TrainingRun.Start.FOLDER):
                raise forms.ValidationError("Choose what to start from.")
            return given, None
        versions = ModelVersion.objects.filter(project=self.project)
        known = version_id.isdecimal() and len(version_id) < 19
        version = versions.filter(pk=int(version_id)).first() if known else None
        if version is None:
            raise forms.ValidationError("This model version is not there any more. Choose another start.")
        return str(TrainingRun.Start.PARENT), version

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("length") == OWN_LENGTH and not cleaned.get("own_minutes") and "own_minutes" not in self.errors:
            self.add_error("own_minutes", "Say how many minutes it may take.")
        return cleaned

    def minutes(self) -> float:
        """On a form whose length is valid."""
        cleaned = self.cleaned_data
        return float(cleaned["own_minutes"] if cleaned["length"] == OWN_LENGTH else cleaned["length"])

    def wish(self) -> TrainingWish:
        """What was typed in; call it on a valid form."""
        cleaned = self.cleaned_data
        start, parent = cleaned["start"]
        return TrainingWish(
            dataset=cleaned["dataset"],
            minutes=self.minutes(),
            target=cleaned["target"],
            presets=cleaned["presets"],
            start=start,
            parent=parent,
            architecture=cleaned["architecture"],
            encoder=cleaned["encoder"],
            loss=cleaned["loss"] or AUTOMATIC,
            crop_px=cleaned["crop_px"],
            mirrored_views=cleaned["mirrored_views"],
            seed=1 if cleaned["seed"] is None else cleaned["seed"],
        )
