"""What the simulated people of `benchmarks.load` do: run by Locust, in a process of its own, patched for gevent.

Readers open a page of the dashboard, of images or of batches and read it for 5 to 15 seconds; uploaders send eight
photos, watch their batch as its page does until it is done or half a minute has passed, and choose the next.
Answers are counted from the moment on when everybody has signed in.
"""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, between, events, task

PLAN: dict[str, Any] = json.loads(Path(os.environ["PIXELWISE_LOAD_PLAN"]).read_text())
PAGE, OTHER = "page", "upload"
_WATCH_SECONDS = 30
_POLL_SECONDS = 3

answers: list[tuple[str, str, float, str]] = []
_people = iter(PLAN["people"])
_places = iter(range(10**9))


class Person(FastHttpUser):
    """Somebody who signs in as a browser does. `wait_time` is what a person reads or chooses for."""

    abstract = True
    wait_time = between(5, 15)
    network_timeout = 60
    connection_timeout = 60

    def on_start(self) -> None:
        form = self.client.get("/sign-in", name="sign in").text
        token = form.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        sent = {"username": next(_people), "password": PLAN["password"], "csrfmiddlewaretoken": token}
        headers = {"Referer": PLAN["host"] + "/sign-in"}
        with self.client.post(
            "/sign-in", data=sent, headers=headers, name="sign in", allow_redirects=False, catch_response=True
        ) as answer:
            if answer.status_code != 302:
                answer.failure(f"not signed in: {answer.status_code}")
        # Nobody begins in step with the others.
        time.sleep(random.uniform(0, 10))  # noqa: S311


class Reader(Person):
    fixed_count = PLAN["readers"]

    @task
    def read(self) -> None:
        name, address = random.choice(PLAN["pages"])  # noqa: S311
        self.client.get(address, name=f"{PAGE}: {name}")


class Uploader(Person):
    fixed_count = PLAN["uploaders"]

    @task
    def upload(self) -> None:
        files = [
            ("files", (f"{next(_places)}.jpg", self._photo(), "image/jpeg")) for _ in range(PLAN["photos_at_once"])
        ]
        headers = {"Authorization": f"Bearer {PLAN['token']}"}
        answer = self.client.post(PLAN["upload"], files=files, headers=headers, name=f"{OTHER}: {len(files)} photos")
        if answer.status_code != 201:
            return
        batch = f"{PLAN['batches']}{answer.json()['id']}"
        self.client.get(f"{batch}/", name=f"{PAGE}: batch")
        until = time.monotonic() + _WATCH_SECONDS
        while time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
            self.client.get(f"{batch}/status", name=f"{PAGE}: progress of a batch")

    def _photo(self) -> bytes:
        """One of the drawn photos, made another by what follows its last byte, which decoders do not read."""
        content = Path(random.choice(PLAN["photos"])).read_bytes()  # noqa: S311
        return content + random.randbytes(16)  # noqa: S311


@events.request.add_listener
def note(request_type: str, name: str, response_time: float, exception: Exception | None, **_: Any) -> None:
    kind, _, what = name.partition(": ")
    answers.append((kind, what or kind, response_time, "" if exception is None else repr(exception)[:200]))


@events.spawning_complete.add_listener
def everybody_is_in(user_count: int, **_: Any) -> None:
    """The last to come still sign in; then it counts. Who could not sign in stays counted."""
    gevent.spawn_later(PLAN["settle_seconds"], begin_to_count)


def begin_to_count() -> None:
    answers[:] = [answer for answer in answers if answer[3]]


@events.quitting.add_listener
def write_answers(**_: Any) -> None:
    Path(PLAN["answers"]).write_text(json.dumps(answers))
