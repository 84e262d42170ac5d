"""Ask for a training: data, time, target, what may happen to the photos, what to start from; and advice on each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from segmentation.architectures_catalogue import CATALOGUE
from segmentation.augment_presets import PRESETS
from webapp.actions.refused import Refused
from webapp.actions.training import start_training
from webapp.actions.training_advice import DataFacts, data_facts, recommendation, start_choices
from webapp.forms.training import LENGTHS, OWN_LENGTH, USUAL_LENGTH, TrainingForm
from webapp.models import Dataset, Project, TrainingRun
from webapp.views.asking import person, project_of
from webapp.views.datasets import EXAMPLES, example_member

_LENGTH_NOTES = {
    "15": "Enough to see whether the data teaches anything.",
    "60": "Right for most first models.",
    "240": "For small or rare defects.",
    "480": "Eight hours, for the last few points.",
    OWN_LENGTH: "From a minute to a week.",
}
_TARGET_NOTES = {
    "pc": "An office or line computer: the model stays slim.",
    "gpu-server": "With an NVIDIA graphics card: the model may be large.",
    "edge": "A small computer beside the camera: the smallest model.",
}


@dataclass(frozen=True)
class Choice:
    value: str
    title: str
    note: str
    is_chosen: bool


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    form = TrainingForm(project, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            training_run = start_training(project=project, user=person(request), wish=form.wish())
        except Refused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            messages.success(request, "The training is on its way.")
            return redirect("training", project.slug, training_run.pk)
    context = {"project": project, "tab": "models", "form": form, **_choices(project, form)}
    return render(request, "training/new.html", context, status=422 if form.errors else 200)


@require_safe
def advice(request: HttpRequest, slug: str) -> HttpResponse:
    """What the data holds, which network is recommended and why, and what it can start from."""
    project = project_of(request, slug)
    form = TrainingForm(project, request.GET)
    form.is_valid()
    dataset = form.cleaned_data.get("dataset")
    context: dict[str, Any] = {"project": project, "dataset": dataset}
    if dataset is not None:
        context |= _advice(project, dataset, form)
    return render(request, "training/_advice.html", context)


@require_safe
def examples(request: HttpRequest, slug: str) -> HttpResponse:
    """Eight times the same picture of the data set, as the chosen presets may change it; `data-preview` draws them."""
    project = project_of(request, slug)
    form = TrainingForm(project, request.GET)
    form.is_valid()
    dataset = form.cleaned_data.get("dataset")
    presets = [name for name in request.GET.getlist("presets") if name in PRESETS]
    has_images = dataset is not None and example_member(dataset) is not None
    context = {"project": project, "dataset": dataset, "places": EXAMPLES if has_images else (), "chosen": presets}
    return render(request, "training/_examples.html", context)


def _choices(project: Project, form: TrainingForm) -> dict[str, Any]:
    """The radio buttons and boxes of the form, as cards with a sentence each."""
    chosen = {name: form[name].value() for name in ("length", "target", "presets", "start")}
    lengths = [*((str(minutes), words) for minutes, words in LENGTHS), (OWN_LENGTH, "Another time")]
    return {
        "datasets": Dataset.objects.filter(project=project).exists(),
        "lengths": [Choice(value, title, _LENGTH_NOTES[value], chosen["length"] == value) for value, title in lengths],
        "targets": [
            Choice(value, title, _TARGET_NOTES[value], chosen["target"] == value)
            for value, title in TrainingRun.Target.choices
        ],
        "presets": [
            Choice(preset.name, preset.title, preset.sentence, preset.name in (chosen["presets"] or ()))
            for preset in PRESETS.values()
        ],
        "architectures": [row for row in CATALOGUE.values() if row.is_trainable],
    }


def _advice(project: Project, dataset: Dataset, form: TrainingForm) -> dict[str, Any]:
    cleaned = form.cleaned_data
    minutes: float = USUAL_LENGTH
    if cleaned.get("length") and (cleaned["length"] != OWN_LENGTH or cleaned.get("own_minutes")):
        minutes = form.minutes()
    facts: DataFacts = data_facts(dataset)
    advised = recommendation(dataset, minutes=minutes, target=cleaned.get("target") or TrainingRun.Target.PC)
    chosen = CATALOGUE.get(cleaned.get("architecture") or "")
    network = chosen or CATALOGUE[advised.architecture]
    encoder = cleaned.get("encoder") or (chosen.default_encoder if chosen else advised.encoder)
    choices = start_choices(
        project,
        architecture=network.name,
        encoder=encoder if network.has_encoder else None,
        own_architecture=chosen.name if chosen else "",
        own_encoder=cleaned.get("encoder") or "",
    )
    usable = [choice.value for choice in choices if choice.is_usable]
    asked = form.data.get("start")
    return {
        "facts": facts,
        "advised": advised,
        "network": network,
        "is_own_choice": chosen is not None,
        "encoder": encoder if network.has_encoder else None,
        "starts": choices,
        "start": asked if asked in usable else TrainingRun.Start.RANDOM,
    }
