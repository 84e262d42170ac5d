"""A model's files out of an uploaded ZIP: only those that a model can have, never a path of the archive's own."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path, PurePosixPath

from webapp.pipeline.archives import ArchiveError, opened_archive, refusal, told_in_words

WANTED = ("model.json", "config.json", "model.safetensors", "card.md")
MOST_BYTES = 4 * 1024**3
_MOST_ENTRIES = 10_000
_BLOCK_BYTES = 1024 * 1024


def unpack_model(archive: Path, into: Path) -> Path:
    """Copy a model's files of `archive` to `into`; returns the folder, or the one ONNX file in it.

    The files may lie in a folder of the archive. ArchiveError for what is no ZIP, holds no model or is too large.
    """
    try:
        with opened_archive(archive, most_entries=_MOST_ENTRIES) as opened:
            for entry in _model_entries(opened):
                _copy(opened, entry, into / PurePosixPath(entry.filename).name)
    except ArchiveError as error:
        raise ArchiveError(f"this ZIP {error}") from error
    graphs = list(into.glob("*.onnx"))
    has_folder = (into / "model.json").is_file() or (into / "config.json").is_file()
    return graphs[0] if graphs and not has_folder else into


def _model_entries(opened: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The entries of the shallowest folder that holds any file of a model."""
    entries = opened.infolist()
    found = [entry for entry in entries if _is_wanted(entry)]
    if not found:
        shown = ", ".join(entry.filename[:60] for entry in entries[:5]) or "nothing"
        raise ArchiveError(
            "holds no model: expected config.json and model.safetensors as save_pretrained writes them, a Pixelwise "
            f"model folder or an .onnx file, found {shown}"
        )
    first = min(found, key=lambda entry: (entry.filename.count("/"), entry.filename))
    home = PurePosixPath(first.filename).parent
    chosen = [entry for entry in found if PurePosixPath(entry.filename).parent == home]
    if sum(entry.file_size for entry in chosen) > MOST_BYTES:
        raise ArchiveError(f"holds more than {MOST_BYTES // 1024**3} GB; that is no model for this machine")
    return chosen


def _is_wanted(entry: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(entry.filename).name
    return not entry.is_dir() and (name in WANTED or name.lower().endswith(".onnx"))


def _copy(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """zipfile gives no more than the archive's own list says, whatever its data unpack to."""
    name = entry.filename[-60:]
    if reason := refusal(entry):
        raise ArchiveError(f"cannot be used: {name} {reason}")
    with told_in_words(f"is damaged at {name}"), opened.open(entry) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, _BLOCK_BYTES)
