"""The audit of packages: fails for what can be mended, and is skipped in words where nobody can tell."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from deploy import audit


@contextmanager
def index(answer: bytes) -> Iterator[str]:
    """A server that answers every question alike."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_index_without_advisories_is_told_from_one_with_them() -> None:
    with index(json.dumps({"vulnerabilities": [{"id": "PYSEC-2023-1"}]}).encode()) as address:
        assert audit.why_unreachable(address) is None
    with index(b'{"vulnerabilities": []}') as address:
        assert audit.why_unreachable(address) == "this mirror of PyPI has no advisories"
    with index(b"<html>") as address:
        assert audit.why_unreachable(address)
    assert audit.why_unreachable("http://127.0.0.1:1")


def test_only_what_can_be_mended_stops() -> None:
    """The shape is that of pip-audit 2.10's own JSON."""
    report = {
        "dependencies": [
            {"name": "fine", "version": "1.0", "vulns": []},
            {"name": "unknown", "skip_reason": "Dependency not found on PyPI"},
            {"name": "old", "version": "2.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"], "aliases": []}]},
            {"name": "hopeless", "version": "3.0", "vulns": [{"id": "CVE-2", "fix_versions": [], "aliases": []}]},
        ],
        "fixes": [],
    }
    assert audit.judge(report) == (["old 2.0: CVE-1, mended in 2.1"], ["hopeless 3.0: CVE-2, no fix yet"])


def test_lint_runs_it() -> None:
    makefile = (Path(audit.__file__).parents[1] / "Makefile").read_text()
    assert "deploy/audit.py" in makefile.partition("lint:")[2].partition("\n\n")[0]
