"""What a training could start from, and why or why not. Needs no torch.

`segmentation.initial_weights` copies an earlier model's weights, `segmentation.architectures` an encoder's.
"""

from __future__ import annotations

import http.client
import threading
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from huggingface_hub import constants

from segmentation.architectures_catalogue import CATALOGUE, Facts
from segmentation.spec import ModelSpec

RANDOM, HUB, FOLDER, MODEL = "random", "hub", "folder", "model"
SPEC_FILE, WEIGHTS_FILE = "model.json", "model.safetensors"
HUB_SECONDS = 2.0
_REMEMBERED_SECONDS = 300


@dataclass(frozen=True)
class Start:
    """One way to start. `name`: "random", "hub", "folder", or "model:" and the name of a model's folder.

    `why` is a plain sentence: what it brings, or why it cannot be used. `folder` goes to `TrainSettings.pretrained`
    (of a "folder") or `TrainSettings.initial_model` (of a model); for "hub" `pretrained` is "imagenet".
    """

    name: str
    title: str
    is_usable: bool
    why: str
    folder: Path | None = None


def starts(
    architecture: str, encoder: str | None, *, weights_folder: Path | None, model_folders: Sequence[Path] = ()
) -> list[Start]:
    """Every way to start this network; `encoder` None for one that has no encoder of the library.

    `weights_folder` holds ENCODER/model.safetensors, or that file itself. Whether the hub answers is tried for
    at most two seconds and remembered for five minutes.
    """
    return [
        Start(RANDOM, "From nothing", True, "Always possible; needs the most pictures and time."),
        _from_hub(encoder),
        _from_folder(encoder, weights_folder),
        *(model_start(folder, architecture, encoder) for folder in model_folders),
    ]


def model_start(folder: Path, architecture: str = "", encoder: str | None = None) -> Start:
    """Whether a network could start from the earlier model in `folder`.

    Without `architecture` it is the model's own network; without `encoder` the one that comes with it.
    """

    def start(is_usable: bool, why: str) -> Start:
        return Start(f"{MODEL}:{folder.name}", f"From the earlier model {folder.name}", is_usable, why, folder)

    try:
        spec = ModelSpec.from_json((folder / SPEC_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return start(False, f"There is no whole model in {folder}.")
    if not (folder / WEIGHTS_FILE).is_file():
        return start(False, "It is here for segmenting only: its weights cannot be trained on.")
    facts = CATALOGUE.get(spec.architecture)
    if facts is None or not facts.learns_by_gradient:
        return start(False, "It learned in another way; nothing of it can be carried over.")
    its_encoder = spec.encoder or facts.default_encoder
    is_same = architecture in ("", spec.architecture)
    wanted = facts if is_same else CATALOGUE[architecture]
    encoder = encoder or (its_encoder if is_same else wanted.default_encoder)
    if encoder != its_encoder:
        return start(
            False, f"It sees with another encoder ({its_encoder or 'its own'}, not {encoder or 'none'}): nothing fits."
        )
    if is_same:
        return start(True, "Keeps what it has learned; labels that it does not know start from nothing.")
    if _share_an_encoder(facts, wanted):
        return start(True, "Keeps what its encoder has learned; the rest is another network and starts from nothing.")
    return start(False, f"It is another kind of network ({facts.title}, not {wanted.title}): nothing fits.")


def _share_an_encoder(one: Facts, other: Facts) -> bool:
    """Whether an encoder of the same name is the same layers in both families; DPT calls them otherwise."""
    return one.has_encoder and other.has_encoder and "dpt" not in (one.name, other.name)


def weights_of(encoder: str, weights_folder: Path) -> Path | None:
    """The folder to name as `TrainSettings.pretrained`, None where there are no weights for the encoder."""
    for folder in (weights_folder / encoder, weights_folder):
        if (folder / WEIGHTS_FILE).is_file():
            return folder
    return None


def hub_answers(endpoint: str | None = None, *, seconds: float = HUB_SECONDS) -> bool:
    """Whether the hub can be reached from here. HF_HUB_OFFLINE and HF_ENDPOINT count, as in its own library."""
    if constants.is_offline_mode():
        return False
    return _asked(endpoint or constants.ENDPOINT, seconds, int(time.monotonic() // _REMEMBERED_SECONDS))


@lru_cache(maxsize=4)
def _asked(endpoint: str, seconds: float, remembered: int) -> bool:
    """In a thread of its own, because looking up a name knows no time-out."""
    answers: list[bool] = []
    asking = threading.Thread(target=lambda: answers.append(_ask(endpoint, seconds)), daemon=True)
    asking.start()
    asking.join(seconds)
    return bool(answers and answers[0])


def _ask(endpoint: str, seconds: float) -> bool:
    if not endpoint.startswith(("https://", "http://")):
        return False
    request = urllib.request.Request(endpoint, method="HEAD")  # noqa: S310 - the scheme is checked above
    try:
        with urllib.request.urlopen(request, timeout=seconds):  # noqa: S310
            return True
    except (OSError, ValueError, http.client.HTTPException):
        return False


def _from_hub(encoder: str | None) -> Start:
    def start(is_usable: bool, why: str) -> Start:
        return Start(HUB, "From a general network", is_usable, why)

    if encoder is None:
        return start(False, "There are no general weights for this kind of model.")
    if _was_fetched(encoder):
        return start(True, "General weights were fetched earlier and lie on this computer.")
    if hub_answers():
        return start(True, "General weights, learned on millions of photos, can be fetched from the internet.")
    if constants.is_offline_mode():
        return start(False, "Fetching from the internet is turned off here (HF_HUB_OFFLINE).")
    return start(False, f"{constants.ENDPOINT} cannot be reached from here: there is no way to fetch general weights.")


def _was_fetched(encoder: str) -> bool:
    """Whether the hub library's own folder holds weights for it, whichever of its variants."""
    name = encoder.removeprefix("tu-").partition(".")[0]
    found = Path(constants.HF_HUB_CACHE).glob(f"models--*--{name}.*/snapshots/*/{WEIGHTS_FILE}")
    return any(file.is_file() for file in found)


def _from_folder(encoder: str | None, weights_folder: Path | None) -> Start:
    def start(why: str, folder: Path | None = None) -> Start:
        return Start(FOLDER, "From weights on this computer", folder is not None, why, folder)

    if encoder is None:
        return start("This kind of model cannot take weights from a folder.")
    if weights_folder is None:
        return start("No folder with weights has been set up.")
    found = weights_of(encoder, weights_folder)
    if found is None:
        return start(f"The folder holds no weights for {encoder}: expected {weights_folder / encoder / WEIGHTS_FILE}.")
    return start(f"Weights for {encoder} lie in {found}.", found)
