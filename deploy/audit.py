"""Known vulnerabilities of the packages in constraints.txt, by pip-audit: the last step of `make lint`.

Fails where one has a fix. Says in one line that it was skipped where PyPI's advisories cannot be reached, which must
not stop anybody from working.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

CONSTRAINTS = Path(__file__).resolve().parents[1] / "constraints.txt"
PYPI = "https://pypi.org"
PROBE = "/pypi/django/4.2.0/json"
"""A release with many known vulnerabilities. Mirrors of PyPI often leave the advisories out and would pass anything."""
PROBE_SECONDS, AUDIT_SECONDS = 4, 180


def why_unreachable(address: str = PYPI) -> str | None:
    """Why PyPI's advisories cannot be had here; None where they can."""
    try:
        with urllib.request.urlopen(address + PROBE, timeout=PROBE_SECONDS) as answer:  # noqa: S310 - our own address
            has_advisories = bool(json.load(answer).get("vulnerabilities"))
    except (OSError, urllib.error.URLError, ValueError, AttributeError) as error:
        return str(error) or type(error).__name__
    return None if has_advisories else "this mirror of PyPI has no advisories"


def judge(report: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Of pip-audit's JSON: a line for each vulnerability that has a fix, and for each that has none yet."""
    fixable, waiting = [], []
    for package in report["dependencies"]:
        for found in package.get("vulns", []):
            fixes = ", ".join(found["fix_versions"])
            line = f"{package['name']} {package['version']}: {found['id']}"
            (fixable if fixes else waiting).append(f"{line}, mended in {fixes}" if fixes else f"{line}, no fix yet")
    return fixable, waiting


def main() -> int:
    reason = why_unreachable()
    if reason is not None:
        sys.stderr.write(f"Skipped the audit of packages: PyPI's advisories cannot be reached here ({reason}).\n")
        return 0
    command = [sys.executable, "-m", "pip_audit", "-r", str(CONSTRAINTS), "--no-deps", "--disable-pip"]
    options = ["--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    try:
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=AUDIT_SECONDS)  # noqa: S603
        fixable, waiting = judge(json.loads(done.stdout))
    except (subprocess.TimeoutExpired, ValueError) as error:
        sys.stderr.write(f"Skipped the audit of packages: pip-audit gave no answer ({error}).\n")
        return 0
    sys.stderr.writelines(f"{line}\n" for line in [*waiting, *fixable])
    if fixable:
        sys.stderr.write("Raise these in constraints.txt and pyproject.toml.\n")
    return 1 if fixable else 0


if __name__ == "__main__":
    sys.exit(main())
