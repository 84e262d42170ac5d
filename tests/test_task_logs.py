"""Every log line of a task names the task, its ids and the request that it belongs to."""

from __future__ import annotations

from typing import Any

import pytest
import structlog

from webapp import tasks
from webapp.celery import REQUEST_HEADER, pass_the_request_on


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What log lines of a task's work would say."""
    found: list[dict[str, Any]] = []

    def note(_module: str, _function: str) -> Any:
        return lambda *_, **__: found.append(dict(structlog.contextvars.get_contextvars()))

    monkeypatch.setattr(tasks, "_pipeline", note)
    return found


def test_a_task_bears_the_request_that_queued_it(said: list[dict[str, Any]]) -> None:
    headers: dict[str, Any] = {}
    with structlog.contextvars.bound_contextvars(request_id="from-proxy-17"):
        pass_the_request_on(headers=headers)
    assert headers == {REQUEST_HEADER: "from-proxy-17"}
    tasks.segment_run.apply(args=(42,), headers=headers, throw=True)
    assert said == [{"task": "segment_run", "run_id": 42, "request_id": "from-proxy-17"}]
    assert structlog.contextvars.get_contextvars() == {}, "the next task begins anew"


def test_a_task_of_the_clock_bears_none(said: list[dict[str, Any]]) -> None:
    headers: dict[str, Any] = {}
    pass_the_request_on(headers=headers)
    tasks.write_report.apply(kwargs={"report_id": 7}, headers=headers, throw=True)
    assert said[0] == {"task": "write_report", "report_id": 7}
