"""Keeps programs running: one that ends is started again, ever more slowly if it keeps ending."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from webapp.services.program import Program
from webapp.services.start_error import StartError

_LOOK_SECONDS = 0.1
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 30
# What was killed, by the machine or by a person, may well run the next time; people wait for it.
_LONGEST_PAUSE_AFTER_KILL_SECONDS = 2
_SOUND_AFTER_SECONDS = 30


@dataclass
class Watched:
    """A program and how to start it. `when_done`: its work ends, and this is called when it ended well."""

    program: Program
    start_again: Callable[[], None]
    when_done: Callable[[], None] | None = None
    started_at: float = 0.0
    failure_count: int = 0
    start_at: float | None = None
    is_over: bool = False


class Supervisor:
    """Watches programs that were started already, until something raises (Ctrl-C does)."""

    def __init__(self) -> None:
        self._watched: list[Watched] = []

    def watch(
        self,
        program: Program,
        start_again: Callable[[], None] | None = None,
        *,
        when_done: Callable[[], None] | None = None,
    ) -> None:
        self._watched.append(Watched(program, start_again or program.start, when_done, started_at=time.monotonic()))

    def keep_running(self) -> None:
        """Never returns by itself."""
        while True:
            self.look()
            time.sleep(_LOOK_SECONDS)

    def look(self) -> None:
        """See to each program once."""
        for watched in self._watched:
            if watched.is_over or watched.program.is_running:
                continue
            if watched.start_at is None:
                self._note_end(watched)
            elif time.monotonic() >= watched.start_at:
                self._start_again(watched)

    def _note_end(self, watched: Watched) -> None:
        program = watched.program
        if watched.when_done is not None:
            watched.is_over = True
            if program.exit_code == 0:
                watched.when_done()
            else:
                _say(f"{program.name} did not finish; it is tried again at the next start. See {program.log}")
            return
        if time.monotonic() - watched.started_at > _SOUND_AFTER_SECONDS:
            watched.failure_count = 0
        was_killed = program.exit_code == -signal.SIGKILL
        longest = _LONGEST_PAUSE_AFTER_KILL_SECONDS if was_killed else _LONGEST_PAUSE_SECONDS
        pause = min(longest, _FIRST_PAUSE_SECONDS * 2**watched.failure_count)
        watched.failure_count += 1
        watched.start_at = time.monotonic() + pause
        _say(f"{program.name} ended ({_reason(program.exit_code)}) and is started again. See {program.log}")

    def _start_again(self, watched: Watched) -> None:
        watched.start_at = None
        watched.started_at = time.monotonic()
        try:
            watched.start_again()
        except StartError as error:
            _say(str(error))
        except OSError as error:
            # A full disk, say, while the database was down. The next try comes after a longer pause.
            _say(f"{watched.program.name} could not be started: {error}. It is tried again.")


def stop_all(programs: Iterable[Program]) -> None:
    """Ask all to stop, then wait for each."""
    programs = list(programs)
    for program in programs:
        program.ask_to_stop()
    for program in programs:
        program.wait_stopped()


def _reason(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"signal {-exit_code}"
    return f"exit code {exit_code}"


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()
