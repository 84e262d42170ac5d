"""The evidence pack: a ZIP with summary, numbers, images, model cards, rules and a checksum of every file."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from analytics import GRAINS, dashboard_json, image_rows
from analytics.images import ImageRow
from webapp import storage
from webapp.models import Image, ModelVersion
from webapp.pipeline.report_writers.content import Content, Progress
from webapp.pipeline.report_writers.printed import write_printed
from webapp.pipeline.report_writers.spreadsheet import write_spreadsheet

MOST_IMAGES = 200
MOST_IMAGE_BYTES = 1_000_000_000
"""Of the worst images so many come along, and no more once their originals reach this size."""

MANIFEST = "MANIFEST.sha256"
_BLOCK_BYTES = 1 << 20
_PAGE = 60
_ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "WebP": ".webp", "TIFF": ".tif", "HEIF": ".heic", "BMP": ".bmp"}
_READ_ME = """Evidence pack of Pixelwise

summary.pdf     the numbers with charts and the worst images
numbers.xlsx    every row: images, labels, regions, days; its last sheet explains the columns
numbers.json    what the dashboard shows of this scope; the same ledger gives the same file again
rules.json      what was in force: labels, limits, model versions
models/         the card of each model version that judged these images
images/         the worst images, at most {most}: original, mask (grey values are label indices), overlay
MANIFEST.sha256 the SHA-256 of every other file

To check that nothing was changed: sha256sum --check MANIFEST.sha256
or: python manage.py check_evidence FILE.zip
"""


def write_evidence(path: Path, content: Content, progress: Progress, *, most_images: int = MOST_IMAGES) -> None:
    """Write the pack. Files of images that are not on disk are left out and listed in numbers.json."""
    with tempfile.TemporaryDirectory(dir=storage.temporary_folder()) as name, zipfile.ZipFile(path, "w") as archive:
        folder = Path(name)
        pack = _Pack(archive)
        counts = write_spreadsheet(folder / "numbers.xlsx", content, GRAINS, lambda share: progress(share * 0.6))
        write_printed(folder / "summary.pdf", content)
        for file in ("summary.pdf", "numbers.xlsx"):
            pack.add_file(file, folder / file)
        pack.add("rules.json", _json(_rules(content)))
        for version in ModelVersion.objects.filter(pk__in=[one.model_version_id for one in content.versions]):
            card = storage.fetch_folder(storage.model_folder(version.folder), only=["card.md"]) / "card.md"
            if card.is_file():
                pack.add_file(f"models/v{version.number}/card.md", card)
        chosen = list(_worst(content, most_images))
        missing: list[str] = []
        for done, (row, image) in enumerate(chosen):
            progress(0.6 + 0.39 * done / len(chosen))
            missing += _add_image(pack, row, image)
        numbers = {
            "about": dict(content.about()),
            "rows": counts,
            "dashboard": dashboard_json(content.dashboard),
            "images_in_pack": len(chosen),
            "images_at_most": most_images,
            "missing_files": missing,
        }
        pack.add("numbers.json", _json(numbers))
        pack.add("README.txt", _READ_ME.format(most=most_images).encode())
        archive.writestr(MANIFEST, pack.manifest())


def wrong_files(path: Path) -> tuple[int, list[str]]:
    """How many files a pack's manifest lists, and in words what is wrong with the pack: empty where all is as written.

    ValueError where the file is no evidence pack.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _compared(archive)
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError, OSError) as error:
        raise ValueError(f"Expected an evidence pack, a ZIP with {MANIFEST}; {path.name}: {error}") from error


def _compared(archive: zipfile.ZipFile) -> tuple[int, list[str]]:
    listed: dict[str, str] = {}
    for line in archive.read(MANIFEST).decode().splitlines():
        sha256, _, name = line.partition("  ")
        listed[name] = sha256
    names = archive.namelist()
    wrong = [f"{name} is missing" for name in listed if name not in names]
    wrong += [f"{name} is not in the manifest" for name in sorted(set(names)) if name not in {*listed, MANIFEST}]
    wrong += [f"{name} is there twice" for name in sorted(set(names)) if names.count(name) > 1]
    for name, sha256 in listed.items():
        if name in names and _sha256_in(archive, name) != sha256:
            wrong.append(f"{name} was changed")
    return len(listed), wrong


def _sha256_in(archive: zipfile.ZipFile, name: str) -> str:
    """Empty where its bytes do not even fit the ZIP's own check."""
    digest = hashlib.sha256()
    try:
        with archive.open(name) as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except zipfile.BadZipFile:
        return ""
    return digest.hexdigest()


class _Pack:
    """Files on their way into the archive, with their checksums."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._sums: list[tuple[str, str]] = []

    def add(self, name: str, content: bytes) -> None:
        self._archive.writestr(name, content, zipfile.ZIP_DEFLATED)
        self._sums.append((hashlib.sha256(content).hexdigest(), name))

    def add_file(self, name: str, path: Path) -> None:
        """Stored as it is: pictures and workbooks are packed already."""
        with path.open("rb") as file:
            self._sums.append((hashlib.file_digest(file, "sha256").hexdigest(), name))
        self._archive.write(path, name, zipfile.ZIP_STORED)

    def manifest(self) -> bytes:
        return "".join(f"{sha256}  {name}\n" for sha256, name in self._sums).encode()


def _worst(content: Content, most_images: int) -> Iterator[tuple[ImageRow, Image]]:
    after, count, size_bytes = None, 0, 0
    while True:
        page = image_rows(
            content.cursor, content.scope, order="worst", after=after, limit=min(_PAGE, most_images - count)
        )
        images = Image.objects.in_bulk([row.image_id for row in page.items])
        for row in page.items:
            yield row, images[row.image_id]
            count += 1
            size_bytes += images[row.image_id].size_bytes
            if count >= most_images or size_bytes >= MOST_IMAGE_BYTES:
                return
        if page.next is None:
            return
        after = page.next


def _add_image(pack: _Pack, row: ImageRow, image: Image) -> list[str]:
    """Returns the names of files that are not on disk."""
    stem = PurePosixPath(row.name).stem
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in stem)[:60]
    folder = f"images/{row.image_id}-{safe}"
    files = {
        f"{folder}/original{_ENDINGS.get(image.format, '.bin')}": storage.original_path(image.sha256),
        f"{folder}/mask.png": storage.mask_path(row.prediction_id),
        f"{folder}/overlay.webp": storage.overlay_path(row.prediction_id),
    }
    storage.fetch_all(files.values())
    for name, path in files.items():
        if path.is_file():
            pack.add_file(name, path)
    return [name for name, path in files.items() if not path.is_file()]


def _rules(content: Content) -> dict[str, Any]:
    project = content.project
    versions = ModelVersion.objects.filter(pk__in=[one.model_version_id for one in content.versions])
    return {
        "min_region_px": project.min_region_px,
        "min_region_px_in_force": project.effective_min_region_px,
        "live_model": project.live_model.number if project.live_model else None,
        "labels": [
            {
                "index": label.index,
                "name": label.name,
                "is_defect": label.is_defect,
                "severity": label.severity,
                "cost": None if label.cost is None else str(label.cost),
            }
            for label in project.labels.order_by("index")
        ],
        "models": [
            {
                "number": version.number,
                "architecture": version.architecture,
                "encoder": version.encoder,
                "weights_sha256": version.weights_sha256,
                "min_region_px": version.min_region_px,
                "temperature": version.temperature,
                "label_limits": {row.label.name: row.min_region_px for row in version.model_labels.all()},
            }
            for version in versions.order_by("number").prefetch_related("model_labels__label")
        ],
    }


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True).encode()
