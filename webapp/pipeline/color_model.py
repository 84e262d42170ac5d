"""A model that needs no training: every pixel gets the label of the nearest colour.

Written without torch, so that the web process can make one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from segmentation.spec import LabelSpec, ModelSpec
from webapp import storage
from webapp.models import Label

_CARD = """# Label-colour model

Gives every pixel the label whose colour is nearest in RGB (Euclidean distance). Nothing was learned and nothing
was measured: it is right where the colours of the image *are* the labels (false-colour images, drawn masks,
test images), and wrong on ordinary photos.

Labels: {labels}
"""


@contextmanager
def write_color_model(labels: Sequence[Label]) -> Iterator[Path]:
    """A temporary model folder for these labels, in order of their index."""
    specs = tuple(LabelSpec(place, label.name, label.color, label.is_defect) for place, label in enumerate(labels))
    spec = ModelSpec(architecture="nearest-color", labels=specs, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    colors = np.array([label.rgb for label in specs], np.float32)
    with tempfile.TemporaryDirectory(dir=storage.temporary_folder()) as name:
        folder = Path(name)
        (folder / "model.json").write_text(spec.to_json())
        save_file(
            {
                "score.weight": (2 * colors)[:, :, None, None],
                "score.bias": -(colors**2).sum(axis=1),
            },
            folder / "model.safetensors",
        )
        (folder / "card.md").write_text(
            _CARD.format(labels=", ".join(f"{label.name} {label.color}" for label in specs))
        )
        yield folder
