"""Scope: which images a dashboard, a report or a grid looks at. Every query starts from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Literal, get_args
from urllib.parse import quote_plus
from zoneinfo import ZoneInfo

Bucket = Literal["hour", "day", "week", "auto"]
BUCKETS: tuple[Bucket, ...] = get_args(Bucket)

WITHOUT_SOURCE = 0
"""`source_id` of a scope that looks at the images that have no source; no row has this id."""

_FIRST_DAY = date(1900, 1, 1)
_LAST_DAY = date(2100, 12, 31)
_HOUR = timedelta(hours=1)
_NO_SOURCE = {"none": WITHOUT_SOURCE}
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")


class ScopeError(ValueError):
    """A query string that names no scope. `fields`: parameter → what was expected, in words for a person."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {message}" for name, message in fields.items()))
        self.fields = dict(fields)


@dataclass(frozen=True)
class Choice:
    """A row that a scope may be narrowed to."""

    id: int
    name: str


@dataclass(frozen=True)
class Choices:
    """What one project offers to narrow a scope to; ids outside of these are errors, never other rows."""

    sources: tuple[Choice, ...] = ()
    labels: tuple[Choice, ...] = ()
    model_versions: tuple[Choice, ...] = ()
    batches: tuple[Choice, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Versus:
    """What a scope is compared with: the same scope, but with what is given here in place of its own."""

    start: date | None = None
    end: date | None = None
    source_id: int | None = None
    model_version_id: int | None = None
    batch_id: int | None = None

    def parameters(self) -> dict[str, Any]:
        return {
            "vs_from": self.start.isoformat() if self.start else None,
            "vs_to": self.end.isoformat() if self.end else None,
            "vs_source": "none" if self.source_id == WITHOUT_SOURCE else self.source_id,
            "vs_model": self.model_version_id,
            "vs_batch": self.batch_id,
        }


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Images of one project, by when and where they were captured and which model judged them.

    `start` and `end` are days, both included, in `time_zone` (an IANA name). `hour` is the first instant of
    one hour. Without `model_version_id` an image's current prediction counts, with it that version's. With
    `label_id` an image is "defective" when that label affects it, whether or not the label is a defect.
    `versus`: what it is compared with.
    """

    project_id: int
    time_zone: str
    start: date | None = None
    end: date | None = None
    hour: datetime | None = None
    source_id: int | None = None
    label_id: int | None = None
    model_version_id: int | None = None
    batch_id: int | None = None
    bucket: Bucket = "auto"
    versus: Versus | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, Any], *, project_id: int, choices: Choices, time_zone: str) -> Scope:
        """The scope a query string asks for; unknown parameters are left to others.

        Sources and labels may be given by id or by name. ScopeError names every parameter that is wrong.
        """
        reader = _Reader(query)
        start, end = reader.days("from", "to")
        scope = cls(
            project_id=project_id,
            time_zone=time_zone,
            start=start,
            end=end,
            hour=reader.hour("hour"),
            source_id=reader.choice("source", choices.sources, others=_NO_SOURCE),
            label_id=reader.choice("label", choices.labels),
            model_version_id=reader.choice("model", choices.model_versions),
            batch_id=reader.choice("batch", choices.batches),
            bucket=reader.bucket("by"),
            versus=reader.versus(choices),
        )
        if reader.errors:
            raise ScopeError(reader.errors)
        return scope

    def parameters(self) -> dict[str, str]:
        """The query parameters that differ from an unlimited scope, in one fixed order."""
        given = {
            "from": self.start.isoformat() if self.start else None,
            "to": self.end.isoformat() if self.end else None,
            "hour": self.hour.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ") if self.hour else None,
            "source": "none" if self.source_id == WITHOUT_SOURCE else self.source_id,
            "label": self.label_id,
            "model": self.model_version_id,
            "batch": self.batch_id,
            "by": None if self.bucket == "auto" else self.bucket,
            **(self.versus.parameters() if self.versus else {}),
        }
        return {name: str(value) for name, value in given.items() if value is not None}

    def query(self, **changes: Any) -> str:
        """The canonical query string, without "?", after `changes`: `scope.query(label_id=None)`."""
        return _encoded(replace(self, **changes).parameters())

    def images_query(self, *, defective: bool, **changes: Any) -> str:
        """The query string of the image grid behind a number of this scope.

        `defective`: those that count as defective; otherwise all that were inspected.
        """
        left_out: dict[str, Any] = {} if defective else {"label_id": None}
        scope = replace(self, **(changes | {"bucket": "auto", "versus": None} | left_out))
        verdict = {"verdict": "fail"} if defective and not scope.label_id else {}
        return _encoded(scope.parameters() | verdict)

    def previous(self) -> Scope | None:
        """The period of the same length just before, or None where this one is open or a single hour."""
        if self.start is None or self.end is None or self.hour is not None:
            return None
        length = self.end - self.start + timedelta(days=1)
        if self.start - length < _FIRST_DAY:
            return None
        return replace(self, start=self.start - length, end=self.end - length, versus=None)

    def compared(self) -> Scope | None:
        """What it is compared with: what `versus` names, else the period before, if there is one."""
        versus = self.versus
        if versus is None:
            return self.previous()
        changes = {name: value for name, value in vars(versus).items() if value is not None}
        if versus.start or versus.end:
            changes |= {"start": versus.start, "end": versus.end, "hour": None}
        return replace(self, versus=None, **changes)

    def span(self) -> tuple[datetime | None, datetime | None]:
        """First instant inside and first instant after, in UTC; None where open."""
        starts = [_midnight(self.start, self.time_zone)] if self.start else []
        ends = [_midnight(self.end + timedelta(days=1), self.time_zone)] if self.end else []
        if self.hour is not None:
            starts.append(self.hour)
            ends.append(self.hour + _HOUR)
        return max(starts, default=None), min(ends, default=None)

    def is_narrowed(self) -> bool:
        """Whether anything limits it; its bucket and what it is compared with do not."""
        return bool(replace(self, bucket="auto", versus=None).parameters())

    def fits_utc_hours(self) -> bool:
        """Whether every bound and bucket of it falls on full UTC hours, as the roll-ups do.

        False in zones such as Asia/Kolkata (+05:30): there, days begin inside of a UTC hour.
        """
        return _keeps_full_hours(self.time_zone) and (self.hour is None or self.hour.minute == 0)


@dataclass
class _Reader:
    """Takes parameters out of a query string and remembers what was wrong with them."""

    query: Mapping[str, Any]
    errors: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return str(self.query.get(name) or "").strip()

    def day(self, name: str) -> date | None:
        text = self.text(name)
        if not text:
            return None
        try:
            day = datetime.strptime(text, "%Y-%m-%d").date()
        except ValueError:
            self.errors[name] = f"Expected a day like 2026-05-12, got “{text[:40]}”."
            return None
        if not _FIRST_DAY <= day <= _LAST_DAY:
            self.errors[name] = f"Expected a day from {_FIRST_DAY.year} to {_LAST_DAY.year}, got {text}."
            return None
        return day

    def days(self, first: str, last: str) -> tuple[date | None, date | None]:
        start, end = self.day(first), self.day(last)
        if start and end and end < start:
            self.errors[last] = f"The last day must not be before the first, {start.isoformat()}."
        return start, end

    def versus(self, choices: Choices) -> Versus | None:
        start, end = self.days("vs_from", "vs_to")
        versus = Versus(
            start=start,
            end=end,
            source_id=self.choice("vs_source", choices.sources, others=_NO_SOURCE),
            model_version_id=self.choice("vs_model", choices.model_versions),
            batch_id=self.choice("vs_batch", choices.batches),
        )
        return None if versus == Versus() else versus

    def hour(self, name: str) -> datetime | None:
        text = self.text(name)
        if not text:
            return None
        try:
            hour = datetime.fromisoformat(text)
        except ValueError:
            hour = None
        if hour is None or hour.tzinfo is None or hour.second or not _FIRST_DAY < hour.date() < _LAST_DAY:
            self.errors[name] = f"Expected the start of an hour like 2026-05-12T13:00Z, got “{text[:40]}”."
            return None
        return hour.astimezone(UTC).replace(microsecond=0)

    def choice(self, name: str, choices: tuple[Choice, ...], others: Mapping[str, int] | None = None) -> int | None:
        text = self.text(name)
        if not text:
            return None
        known = {choice.name.casefold(): choice.id for choice in reversed(choices)}
        known |= {key: value for key, value in (others or {}).items() if key not in known}
        known |= {str(choice.id): choice.id for choice in choices}
        found = known.get(text.casefold())
        if found is None:
            self.errors[name] = f"This project has no {name.removeprefix('vs_')} “{text[:40]}”."
        return found

    def bucket(self, name: str) -> Bucket:
        text = self.text(name) or "auto"
        for bucket in BUCKETS:
            if text == bucket:
                return bucket
        self.errors[name] = f"Expected hour, day, week or auto, got “{text[:40]}”."
        return "auto"


def _encoded(parameters: Mapping[str, str]) -> str:
    """As `urlencode`, which takes its time over dates and numbers, of which a page has thousands."""
    return "&".join(
        f"{name}={value if _PLAIN.fullmatch(value) else quote_plus(value)}" for name, value in parameters.items()
    )


def _midnight(day: date, time_zone: str) -> datetime:
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


@lru_cache(maxsize=64)
def _keeps_full_hours(time_zone: str) -> bool:
    zone = ZoneInfo(time_zone)
    return all(
        (datetime(year, month, 1, tzinfo=zone).utcoffset() or timedelta()) % _HOUR == timedelta()
        for year in range(2000, 2051)
        for month in range(1, 13)
    )
