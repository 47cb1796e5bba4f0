"""A real PostgreSQL, on a socket in a folder of its own, for the tests of one process or a benchmark."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

from repave.store.sql import SqlStore

USER = "postgres"
"""Debian's package makes it. The server refuses to run as root."""

SETTINGS = ("fsync=off", "full_page_writes=off", "listen_addresses=", "shared_buffers=16MB", "max_connections=40")
"""What is lost with the machine is lost; nobody reaches it but by the socket."""

PARENT, TAKEN = 1, (11, 12)
"""Of /proc/PID/stat, behind the name: the process that began it; its time in its own code and in the system's."""

TEMPLATE = "prepared"
PATIENCE_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Server:
    """One that runs."""

    folder: Path
    numbers: Iterator[int] = field(default_factory=count)
    made: list[str] = field(default_factory=list)

    def empty(self) -> str:
        """The address of a database that nobody has used."""
        return self._made("template0")

    def prepared(self) -> str:
        """The same, with the tables of a store."""
        return self._made(TEMPLATE)

    def prepare(self) -> None:
        """Make the tables once: a copy of them takes a fraction of what the migrations do."""
        SqlStore(self._made("template0", TEMPLATE)).close()
        self.made.clear()

    def drop(self) -> None:
        """Put away all databases that were asked for so far."""
        while self.made:
            self.say(f"DROP DATABASE {self.made.pop()} WITH (FORCE)")

    def cpu_seconds(self) -> float:
        """What its processes have taken, those that have ended left out; counted in hundredths."""
        leader = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[PARENT]) == leader:
                    ticks += sum(int(fields[place]) for place in TAKEN)
        return ticks / os.sysconf("SC_CLK_TCK")

    def say(self, statement: str, database: str = "postgres") -> None:
        """As the server's owner."""
        with psycopg.connect(host=str(self.folder), user=USER, dbname=database, autocommit=True) as connection:
            connection.execute(statement)

    def _made(self, template: str, name: str = "") -> str:
        database = name or f"test{next(self.numbers)}"
        self.say(f"CREATE DATABASE {database} TEMPLATE {template}")
        self.made.append(database)
        return f"postgresql://{USER}@/{database}?host={self.folder}"


@contextmanager
def served() -> Iterator[Server]:
    """Start it, and stop it."""
    folder = Path(tempfile.mkdtemp(prefix="repave-pg-"))
    as_user: tuple[str, ...] = ()
    if os.geteuid() == 0:
        shutil.chown(folder, USER)
        as_user = ("runuser", "-u", USER, "--")
    data = folder / "data"
    try:
        made = ("-D", data, "-U", USER, "-A", "trust", "-N", "--no-instructions")
        _run(*as_user, program("initdb"), *made, folder=folder)
        control = (*as_user, program("pg_ctl"), "-D", data, "-w", "-t", PATIENCE_SECONDS)
        options = " ".join(f"-c {setting}" for setting in (*SETTINGS, f"unix_socket_directories={folder}"))
        _run(*control, "-l", folder / "log", "-o", options, "start", folder=folder)
        try:
            server = Server(folder=folder)
            server.prepare()
            yield server
        finally:
            _run(*control, "-m", "immediate", "stop", folder=folder)
    finally:
        shutil.rmtree(folder)


def program(name: str) -> Path:
    """Debian keeps each version's programs apart."""
    return max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))


def _run(*words: object, folder: Path) -> None:
    done = subprocess.run(
        [str(word) for word in words], cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    if done.returncode:
        log = folder / "log"
        raise RuntimeError(f"{done.args}: {done.stdout}{done.stderr}{log.read_text() if log.exists() else ''}")
