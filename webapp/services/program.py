"""A program that runs beside us: it never outlives us, is stopped gently, and its words are kept in a log."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from webapp.services import launch, niceness

KEPT_LOG_BYTES = 5_000_000


@dataclass
class Program:
    """`command` with its output in `log`. `kept_open`: file descriptors it inherits.

    `end_signal` is what the kernel sends it where we are killed without a chance to stop it.
    """

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    end_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10
    user: int | None = None
    pass_closed_folders: bool = False
    kept_open: Sequence[int] = ()
    niceness: int = 0
    folder: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        rotate(self.log)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                launched(
                    self.command,
                    end_signal=self.end_signal,
                    user=self.user,
                    pass_closed_folders=self.pass_closed_folders,
                ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **self.environment},
                cwd=self.folder,
                start_new_session=True,
                pass_fds=tuple(self.kept_open),
            )
        if self.niceness:
            niceness.lower(self.process.pid, self.niceness)

    @property
    def exit_code(self) -> int | None:
        """None while it runs or was never started."""
        return None if self.process is None else self.process.poll()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)

    def wait_stopped(self) -> None:
        """Wait for the end after `ask_to_stop`; what does not end in time is killed with all its children."""
        if self.process is None:
            return
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._kill_left_children()

    def stop(self) -> None:
        self.ask_to_stop()
        self.wait_stopped()

    def kill(self) -> None:
        if self.process is not None:
            self._kill_left_children()
            self.process.wait()

    def _kill_left_children(self) -> None:
        # It leads a process group of its own, which bears its id as long as a member lives.
        try:
            os.killpg(self.process.pid, signal.SIGKILL) if self.process else None
        except ProcessLookupError:
            return

    def last_words(self, lines: int = 3) -> str:
        """The end of its log, on one line."""
        if not self.log.exists():
            return ""
        kept = self.log.read_text(errors="replace").strip().splitlines()[-lines:]
        return " / ".join(line.strip() for line in kept)


def launched(
    command: Sequence[str],
    *,
    end_signal: signal.Signals = signal.SIGTERM,
    user: int | None = None,
    pass_closed_folders: bool = False,
) -> list[str]:
    """The command line that runs `command` as `user` and ends it with `end_signal` when we end."""
    return [
        sys.executable,
        "-I",
        str(Path(launch.__file__)),
        str(int(end_signal)),
        str(os.getpid()),
        "-" if user is None else str(user),
        "any" if pass_closed_folders else "own",
        shutil.which(command[0]) or command[0],
        *command[1:],
    ]


def rotate(log: Path) -> None:
    """Put a log that has grown large aside, over the one put aside before."""
    if log.exists() and log.stat().st_size > KEPT_LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))
