"""What `manage.py doctor` looks at once database and queue answer: whether work gets done, and what watches over it."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from importlib import import_module
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection

from webapp.services.finding import Finding

_ANSWER_SECONDS = 10

_STUCK = """
    SELECT count(*) FROM prediction WHERE state = 'claimed' AND lease_until < now() - interval '10 minutes'
"""
_FAILED = """
    SELECT split_part(error, ':', 1), count(*) FROM prediction WHERE state = 'failed'
    GROUP BY 1 ORDER BY 2 DESC LIMIT 3
"""


def backends() -> Finding:
    """The runtimes that models may be exported for. One that does not load is no reason to stop."""
    missing = []
    for name in ("onnxruntime", "openvino"):
        try:
            import_module(name)
        except (ImportError, OSError) as error:
            missing.append(f"{name} ({error})")
    if missing:
        return Finding.note("Back ends", f"cannot be loaded: {', '.join(missing)}", "Remove .venv and run make run.")
    return Finding.works("Back ends", "PyTorch, ONNX Runtime and OpenVINO")


def web(url: str) -> Finding:
    """Whether the web server of a running Pixelwise answers; `url` is what it said of itself."""
    place = urlsplit(url)
    asked = http.client.HTTPConnection(place.hostname or "", place.port or 80, timeout=_ANSWER_SECONDS)
    try:
        asked.request("GET", "/healthz?only=database")
        status = asked.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return Finding.broken("Web", f"does not answer at {url}: {error}", "See logs/web.log in the data folder.")
    finally:
        asked.close()
    if status != 200:
        return Finding.broken("Web", f"answers at {url} that it cannot reach the database", "Mend the database first.")
    return Finding.works("Web", f"answers at {url}")


def mail() -> Finding:
    if settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        cure = "Set EMAIL_URL where reports and invitations are to be sent."
        return Finding.note("E-mail", "no server is named; mails are written to logs/worker-cpu.log", cure)
    return Finding.works("E-mail", f"through {settings.EMAIL_HOST}:{settings.EMAIL_PORT}")


def work() -> Iterator[Finding]:
    """What waits, what failed and what the database spends its time on; nothing where there are no tables yet."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('prediction') IS NOT NULL")
            if not cursor.fetchone()[0]:
                return
            cursor.execute(_STUCK)
            (stuck_count,) = cursor.fetchone()
            cursor.execute(_FAILED)
            failed = cursor.fetchall()
            cursor.execute("SHOW shared_preload_libraries")
            keeps_count = "pg_stat_statements" in cursor.fetchone()[0]
    except DatabaseError as error:
        yield Finding.broken("Work", f"cannot be asked for: {error}", "Run make run: it brings tables up to date.")
        return
    finally:
        connection.close()
    yield _stuck(stuck_count)
    yield _failed(failed)
    yield _statements(keeps_count)


def _stuck(count: int) -> Finding:
    if count:
        cure = "The clock gives them back: see that it runs (logs/clock.log)."
        return Finding.broken("Work", f"{count} images are held by workers that are gone", cure)
    return Finding.works("Work", "no image is stuck")


def _failed(found: list[tuple[str, int]]) -> Finding:
    if not found:
        return Finding.works("Failed images", "none")
    told = "; ".join(f"{count} × {reason}" for reason, count in found)
    return Finding.note("Failed images", told, "Their batches say which and why, and try them again by one click.")


def _statements(keeps_count: bool) -> Finding:
    if keeps_count:
        return Finding.works("Slow queries", "counted by pg_stat_statements; /status shows them")
    cure = "Add pg_stat_statements to its shared_preload_libraries and restart it."
    return Finding.note("Slow queries", "this database keeps no count", cure)
