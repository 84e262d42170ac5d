"""How a network is trained where nothing else is said: the same for the app, its command and torchrun."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from segmentation.architectures_catalogue import facts_of
from segmentation.augment import Augmentation
from segmentation.augment_presets import augmentation_for
from segmentation.input_choice import choose_input
from segmentation.pairs import Pair
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.train_settings import TrainSettings


def recipe_spec(
    architecture: str,
    labels: tuple[LabelSpec, ...],
    train_pairs: Sequence[Pair],
    *,
    encoder: str | None = None,
    options: Mapping[str, Any] | None = None,
    earlier: ModelSpec | None = None,
    has_gpu: bool,
) -> ModelSpec:
    """What is trained; without `encoder` and `options` the architecture's own.

    Pictures are handed to it as to the `earlier` model it starts from, else as suits them and the computer.
    """
    facts = facts_of(architecture)
    spec = ModelSpec(
        architecture=architecture,
        encoder=encoder or facts.default_encoder,
        options=dict(facts.default_options if options is None else options),
        labels=labels,
    )
    if earlier is not None:
        return dataclasses.replace(spec, scale=earlier.scale, evens_light=earlier.evens_light)
    if not train_pairs or not facts.learns_by_gradient:
        return spec
    choice = choose_input(train_pairs, has_gpu=has_gpu)
    return dataclasses.replace(spec, scale=choice.scale, evens_light=choice.evens_light)


def recipe_settings(architecture: str, *, presets: Sequence[str] | None = None, **chosen: Any) -> TrainSettings:
    """`TrainSettings` with the architecture's learning rate; the rest as `chosen`, or as the library has it.

    `presets`: names of what may happen to the photos, None = the library's mixture, empty = nothing.
    """
    return TrainSettings(
        learning_rate=facts_of(architecture).learning_rate,
        augmentation=Augmentation() if presets is None else augmentation_for(presets),
        **chosen,
    )
