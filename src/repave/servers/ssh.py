"""A server over SSH, by OpenSSH's client: a fixed set of commands that only read; paths go in as data."""

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from repave.archives.entries import Kind as EntryKind
from repave.archives.errors import BadArchive
from repave.archives.rules import ROOT_FILESYSTEM
from repave.archives.tars import read_tar
from repave.ports.commands import Commands, Finished
from repave.ports.errors import CommandFailed, Corrupt, Denied, Invalid, Unreachable
from repave.ports.progress import Progress
from repave.ports.server import Heard, Kind, Standing, Tree, is_plain
from repave.servers.kernel import REMOTE_FILESYSTEMS, SHOWN_BY_KERNEL, SOCKETS, TEMPORARY, heard_in

DESTINATION = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9\[][A-Za-z0-9_.:\]-]*")

OPTIONS = (
    "BatchMode=yes",  # a question would wait for ever
    "ConnectTimeout=15",
    "ServerAliveInterval=15",  # a server that is gone is noticed within a minute
    "ServerAliveCountMax=4",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "Compression=yes",
)

_PRUNED = " -o ".join(
    [
        *(f"-path {path}" for path in (*SHOWN_BY_KERNEL, *TEMPORARY)),
        *(f"-fstype {kind}" for kind in REMOTE_FILESYSTEMS),
    ]
)
LISTING = r"LC_ALL=C find / \( " + _PRUNED + r" \) -prune -o -path / -o -printf '%y\0%m\0%U\0%s\0%p\0%l\0'"
CONTENTS = (
    "LC_ALL=C tar --create --file=- --directory=/ --null --verbatim-files-from --no-recursion --hard-dereference "
    "--ignore-failed-read --warning=none --files-from=-"
)
HASHES = "LC_ALL=C xargs -0 -r md5sum -z --"

KINDS = {"f": Kind.FILE, "d": Kind.FOLDER, "l": Kind.LINK}

LISTING_SECONDS = 1800.0
READING_SECONDS = 1800.0
"""A disk that turns, with some millions of files, over a slow line."""

PRINT_BEGIN = r"printf '\036\036'"
BEGIN = b"\x1e\x1e"
"""Printed before anything else: what a log-in shell's own settings print stands before it."""

SSH_FAILED = 255
"""What OpenSSH's client ends with for its own errors (ssh(1), EXIT STATUS)."""


class SshServer:
    """The server port over SSH; without root there, what may not be seen is said."""

    def __init__(self, destination: str, *, commands: Commands, configuration: Path | None = None) -> None:
        """``destination`` as ``ssh`` takes it; ``configuration`` stands in for the user's own. Raises Invalid."""
        if not DESTINATION.fullmatch(destination):
            raise Invalid(
                f"`{destination}` is no destination for SSH",
                hint="write `user@host`, or a `Host` of ~/.ssh/config; a port or key of its own stands there too",
            )
        self._destination = destination
        self._commands = commands
        file = ["-F", str(configuration)] if configuration else []
        options = [word for option in OPTIONS for word in ("-o", option)]
        self._client = ("ssh", *file, *options, "-T", "--", destination)

    @property
    def name(self) -> str:
        """Whom SSH was told to reach."""
        return self._destination

    def tree(self, progress: Progress) -> Tree:
        """See the port."""
        with progress.task(f"Listing {self.name}"):
            done = self._run(LISTING, timeout_seconds=LISTING_SECONDS)
        if not done.stdout:
            said = next(iter(done.stderr.strip().splitlines()), "find printed nothing")
            hint = "it needs a shell, GNU find, tar, xargs and md5sum, which every Debian and Ubuntu has, and /proc"
            raise Unreachable(f"the files of {self.name} cannot be listed: {said}", hint=hint)
        fields = done.stdout.decode(errors="surrogateescape").split("\0")
        rows = zip(*(fields[start::6] for start in range(6)), strict=False)
        try:
            standing = tuple(_standing(row) for row in rows)
        except ValueError as error:
            raise Corrupt(f"{self.name} answered with something that is no list of files", hint="try again") from error
        unseen = re.findall(r"^find: '(.+?)': ", done.stderr, re.MULTILINE)
        return Tree(standing=standing, unseen=tuple(unseen))

    def contents(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """See the port. Raises Corrupt for what is no archive of files."""
        asked = dict.fromkeys(paths)
        if not asked:
            return {}
        wanted = "".join(f"{path.lstrip('/')}\0" for path in asked)
        archive = self._run(CONTENTS, stdin=wanted, timeout_seconds=READING_SECONDS).stdout
        try:
            return {path: content for path, content in _files(archive, self.name) if path in asked}
        except BadArchive as error:
            raise Corrupt(
                f"{self.name} answered with something that is no archive: {error}", hint="try again"
            ) from error

    def md5(self, paths: Iterable[str]) -> Mapping[str, str]:
        """See the port."""
        asked = dict.fromkeys(paths)
        if not asked:
            return {}
        wanted = "".join(f"{path}\0" for path in asked)
        printed = self._run(HASHES, stdin=wanted, timeout_seconds=READING_SECONDS).stdout
        lines = printed.decode(errors="surrogateescape").split("\0")
        return {path: digest for digest, _, path in (line.partition("  ") for line in lines) if path in asked}

    def heard(self) -> Heard:
        """See the port."""
        return heard_in(self._run(SOCKETS).stdout.decode(errors="replace"))

    def _run(self, program: str, *, stdin: str = "", timeout_seconds: float = 60.0) -> Finished:
        """One of the programs above; that it could not read everything is no failure."""
        environment = {"SSH_AUTH_SOCK": agent} if (agent := os.environ.get("SSH_AUTH_SOCK")) else {}
        try:
            done = self._commands.run(
                # SSH hands one text to the login shell there, whichever that is; sh reads the program.
                [*self._client, f"exec sh -c {shlex.quote(f'{PRINT_BEGIN}; {program}')}"],
                stdin=stdin.encode(errors="surrogateescape"),
                environment=environment,
                timeout_seconds=timeout_seconds,
                check=False,
            )
        except CommandFailed as error:
            raise Unreachable(f"{self.name} cannot be read: {error.message}", hint=error.hint) from error
        if done.exit_code == SSH_FAILED:
            raise _refusal(self.name, done.stderr)
        return replace(done, stdout=done.stdout.partition(BEGIN)[2])


def _standing(row: tuple[str, ...]) -> Standing:
    """Raises ValueError for what find(1) does not print."""
    if not is_plain(row[4]):
        raise ValueError(row[4])
    kind = KINDS.get(row[0], Kind.OTHER)
    size = int(row[3]) if kind is Kind.FILE else 0
    return Standing(path=row[4], kind=kind, size_bytes=size, mode=int(row[1], 8), user=int(row[2]), link=row[5])


def _files(archive: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    for entry in read_tar(BytesIO(archive), name=f"what {name} sent", rules=ROOT_FILESYSTEM):
        if entry.kind is EntryKind.FILE:
            yield f"/{entry.name}", entry.content.read()


def _refusal(name: str, stderr: str) -> Denied | Unreachable:
    said = next((line for line in reversed(stderr.strip().splitlines()) if line), "no word")
    if "Host key verification failed" in stderr:
        hint = f"its key is not known here or has changed: look at it with `ssh {name}`, by hand"
        return Denied(f"{name} was not read: {said}", hint=hint)
    if "Permission denied" in stderr:
        return Denied(
            f"{name} was not read: {said}", hint=f"`ssh -o BatchMode=yes {name} true` must work: a key, no password"
        )
    return Unreachable(f"{name} cannot be reached: {said}", hint=f"does `ssh {name}` work?")
