"""What the multipart form of an upload says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any

from django.utils import timezone

from webapp.actions.privacy import blur_of
from webapp.actions.refused import Refused
from webapp.actions.sources import SourceInput, add_source
from webapp.api.errors import invalid
from webapp.api.inputs import without_controls
from webapp.api.multipart import Form, SentFile
from webapp.models import Project, Source

FIELDS = ("files", "names", "name", "source", "captured_at", "frame_seconds", "blur_people")
MOST_NAME_LETTERS = 200
MOST_SOURCE_LETTERS = 100
FIRST_YEAR = 1900
SHORTEST_SECONDS, LONGEST_SECONDS = 0.04, 3600.0

UPLOAD_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["files"],
                "properties": {
                    "files": {
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "description": "Pictures, ZIPs of pictures and videos. Sub-folders in file names are kept.",
                    },
                    "names": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "File names with sub-folders, one for each file in the same order, "
                        "for clients that cannot send sub-folders otherwise.",
                    },
                    "name": {
                        "type": "string",
                        "maxLength": MOST_NAME_LETTERS,
                        "description": "Name of the batch.",
                    },
                    "source": {"type": "string", "description": "A source of the project, by id or by name."},
                    "captured_at": {
                        "type": "string",
                        "description": "When the pictures were taken, ISO 8601; without an offset in the "
                        "server's time zone. Left out, each picture's own EXIF time counts. Of a video: when it began.",
                    },
                    "frame_seconds": {
                        "type": "number",
                        "default": 1,
                        "description": "Of videos one frame is kept every so many seconds, 0.04 to 3600.",
                    },
                    "blur_people": {
                        "type": "string",
                        "enum": ["true", "false"],
                        "description": "Whether people in videos are blurred before anything is stored, where the "
                        "live model finds them. Left out, as the project has it.",
                    },
                },
            },
            "encoding": {"files": {"contentType": "image/*, application/zip, video/*"}, "names": {"explode": True}},
        }
    },
}


@dataclass(frozen=True)
class BatchForm:
    name: str
    source: Source | None
    captured_at: datetime | None
    frame_seconds: float
    blur_people: bool | None
    files: tuple[SentFile, ...]

    def streams(self) -> Iterator[tuple[str, IO[bytes]]]:
        """Name and content of each file, one open at a time."""
        for file in self.files:
            with file.path.open("rb") as stream:
                yield file.name, stream


def read_batch_form(form: Form, project: Project) -> BatchForm:
    """ApiError names the first field that is not what was expected."""
    unknown = sorted({*form.values, *form.files} - set(FIELDS))
    if unknown:
        raise invalid(unknown[0] or "body", f"Expected the fields {', '.join(FIELDS)}, got “{unknown[0][:40]}”.")
    return BatchForm(
        name=_name(_single(form, "name")),
        captured_at=captured_at_of(_single(form, "captured_at")),
        frame_seconds=_frame_seconds(_single(form, "frame_seconds")),
        blur_people=_blur_people(_single(form, "blur_people"), project),
        files=_files(form),
        # Last: it may add a source, which a form refused for something else must not do.
        source=_source(_single(form, "source"), project),
    )


def _single(form: Form, field: str) -> str:
    if field in form.files:
        raise invalid(field, f"Expected text, got a file. Files go into the field “{FIELDS[0]}”.")
    values = form.values.get(field, [])
    if len(values) > 1:
        raise invalid(field, f"Expected one value, got {len(values)}.")
    return values[0].strip() if values else ""


def _files(form: Form) -> tuple[SentFile, ...]:
    if not form.files.get("files"):
        raise invalid("files", "Expected at least one picture or ZIP as a file in the repeated field “files”.")
    sent, names = form.files["files"], form.values.get("names", [])
    if not names:
        return tuple(sent)
    if len(names) != len(sent):
        raise invalid("names", f"Expected one name for each of the {len(sent)} files, got {len(names)}.")
    return tuple(SentFile(name, file.path) for name, file in zip(names, sent, strict=True))


def _name(text: str) -> str:
    if len(text) > MOST_NAME_LETTERS:
        raise invalid("name", f"A batch name has at most {MOST_NAME_LETTERS} characters, got {len(text)}.")
    try:
        return without_controls(text)
    except ValueError as error:
        raise invalid("name", f"A batch name {error}.") from error


def _source(text: str, project: Project) -> Source | None:
    if not text:
        return None
    sources = list(project.sources.all())
    asked = text.casefold()
    by_id = [source for source in sources if str(source.pk) == text]
    by_name = [source for source in sources if asked in (source.name.casefold(), str(source).casefold())]
    matches = by_id or by_name
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise invalid("source", f"“{text[:60]}” could be any of {', '.join(str(match) for match in matches)}.")
    if text.isdecimal():
        raise invalid("source", f"The project has no source with the id {text[:60]}.")
    return _added(text, project)


def _added(text: str, project: Project) -> Source:
    """A new source called “name” or “site / name”, as pages write it."""
    site, _, name = text.rpartition(" / ")
    limits = {"name": name, "site": site}
    too_long = [part for part, value in limits.items() if len(value) > MOST_SOURCE_LETTERS]
    if too_long:
        raise invalid("source", f"A source's {too_long[0]} has at most {MOST_SOURCE_LETTERS} characters.")
    try:
        return add_source(
            project=project, user=None, source=SourceInput(without_controls(name), without_controls(site))
        )
    except ValueError as error:
        raise invalid("source", str(error)) from error


def captured_at_of(text: str) -> datetime | None:
    """ApiError for what is no time, or none that a picture can be from; None for nothing."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        at = at if timezone.is_aware(at) else timezone.make_aware(at)
        is_possible = at.year >= FIRST_YEAR and at <= timezone.now() + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise invalid("captured_at", f"Expected a time like 2026-05-12T14:05:00+02:00, got “{text[:60]}”.") from error
    if not is_possible:
        raise invalid("captured_at", f"Expected a time from {FIRST_YEAR} to now, got “{text[:60]}”.")
    return at


def _frame_seconds(text: str) -> float:
    try:
        seconds = float(text or 1)
    except ValueError:
        seconds = 0.0
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise invalid(
            "frame_seconds", f"Expected {SHORTEST_SECONDS} to {LONGEST_SECONDS:g} seconds, got “{text[:20]}”."
        )
    return seconds


def _blur_people(text: str, project: Project) -> bool | None:
    if not text:
        wanted = None
    elif text in ("true", "false"):
        wanted = text == "true"
    else:
        raise invalid("blur_people", f"Expected true or false, got “{text[:20]}”.")
    try:
        blur_of(project=project, blur_people=wanted)
    except Refused as refused:
        raise invalid("blur_people", str(refused)) from refused
    return wanted
