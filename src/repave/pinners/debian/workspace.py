"""A folder in which apt works for one base, with nothing of the host's own apt configuration or state.

    lists/            indexes, as apt verified them
    etc/              a configuration that is ours alone: empty folders, and the one keyring
    views/HEX/        for one choice of suites: ``sources.list``, apt's binary caches, and what it has resolved
    runs/RANDOM/      for one run of a program: its ``apt.conf``, and logins for its eyes only; gone after it

Whoever refreshes the indexes holds the lock alone; whoever reads them shares it.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from repave.model.recipe import Base
from repave.pinners.debian import sources
from repave.pinners.debian.answers import Answers
from repave.pinners.debian.complaints import raise_without_room, refused_update
from repave.ports.commands import Commands, Finished
from repave.ports.errors import CommandFailed, Corrupt, Invalid, Unreachable
from repave.ports.logins import Logins

UPDATE_TIMEOUT_SECONDS = 900.0
"""All indexes of a release are about 10 MB: enough for a slow line, and an end for a dead one."""

QUESTION_TIMEOUT_SECONDS = 180.0
"""A resolution takes half a second; this ends only what hangs."""

UPDATE = ("apt-get", "update", "-q", "-o", "pkgCacheFile::Generate=false")
"""Apt would rebuild its binary caches after each update, also after one that brought nothing: half a second."""

LOCK = "lock"
"""Never removed: who waits for it would hold what nobody else can see."""

REFRESHED = "refreshed"
"""A file in the view whose time says when its indexes were last brought up to date."""

EMPTY_FOLDERS = ("apt.conf.d", "preferences.d", "sources.list.d", "auth.conf.d")

CONFIGURATION = """\
Dir "{folder}";
Dir::Etc "{folder}/etc";
Dir::Etc::sourcelist "{view}/sources.list";
Dir::Etc::preferences "{run}/preferences";
Dir::Etc::netrc "{run}/auth.conf";
Dir::State "{folder}/state";
Dir::State::lists "{folder}/lists";
Dir::State::status "{status}";
Dir::Cache "{view}";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Cache::pkgcache "{cache}";
Dir::Log "{run}";
Dir::Bin::dpkg "/usr/bin/dpkg";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Get::List-Cleanup "false";
// Ubuntu's updates reach some machines earlier than others: a lock must not hang on which machine made it.
APT::Get::Always-Include-Phased-Updates "true";
APT::Update::Error-Mode "any";
// Methods run as whoever runs us: the sandbox user may not read a project in somebody's home.
APT::Sandbox::User "";
Acquire::Check-Valid-Until "true";
Acquire::Check-Date "true";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::AllowReleaseInfoChange "true";
Acquire::Languages "none";
Acquire::PDiffs "false";
// After a delay apt asks no more where the disk was full and others waited behind: it stands until it is ended.
Acquire::Retries "3";
Acquire::Retries::Delay "false";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
"""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What apt is to believe in one run."""

    preferences: str = ""
    installed: str = ""
    """Paragraphs of packages taken for installed; empty for none."""

    offered: str = ""
    """Paragraphs of packages to be had beside the archive's."""


class Workspace:
    """One base's folder, and the only way by which apt's programs are run."""

    def __init__(
        self,
        folder: Path,
        *,
        base: Base,
        commands: Commands,
        keyring: Path,
        places: Mapping[str, str],
        logins: Logins,
    ) -> None:
        """``places``: where each archive of the base is asked, by its own address."""
        if any(character in str(folder) for character in '"\\\n'):
            raise Invalid(f"apt cannot work in {folder}", hint="rename the folder: no quotes, backslashes or line ends")
        self.base = base
        self._commands = commands
        self._keyring = keyring
        self._places = places
        self._logins = logins
        self._folder = folder.resolve()
        self._lists = self._folder / "lists"

    def refresh(self, suites: tuple[str, ...]) -> None:
        """Bring the indexes of ``suites`` up to date, verified. Raises Corrupt, Invalid, Unreachable."""
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with locked(self._folder, fcntl.LOCK_EX):
                self._prepare(suites)
                self._update(suites)
                (self._view(suites) / REFRESHED).touch()
        except CommandFailed as failure:
            if failure.program_exit_code is not None:
                raise
            raise Unreachable(
                f"the indexes of {', '.join(suites)} were not brought within {UPDATE_TIMEOUT_SECONDS:g} s",
                hint="the archive may hang: try again, or set `mirror` of the base",
            ) from failure

    def _update(self, suites: tuple[str, ...]) -> None:
        done = self._run(UPDATE, suites, Situation(), UPDATE_TIMEOUT_SECONDS, logins=True)
        output = f"{done.stdout.decode(errors='replace')}\n{done.stderr}"
        # A mirror with a wrong signature makes a warning of apt's while older indexes are still at hand.
        if done.exit_code != 0 or "\nW: " in output or "\nErr:" in output:
            raise refused_update(output, suites)

    def refreshed_at(self, suites: tuple[str, ...]) -> float | None:
        """When ``refresh`` last brought these indexes, in this process or another: seconds since the epoch."""
        try:
            return (self._view(suites) / REFRESHED).stat().st_mtime
        except FileNotFoundError:
            return None

    def ask(self, arguments: tuple[str, ...], suites: tuple[str, ...], situation: Situation) -> Finished:
        """Run one of apt's programs over refreshed indexes; the caller reads the exit code."""
        with self._reading(suites):
            return self._run(arguments, suites, situation, QUESTION_TIMEOUT_SECONDS)

    def resolve(self, arguments: tuple[str, ...], suites: tuple[str, ...], situation: Situation) -> Finished:
        """As ``ask``, of what takes apt half a second: what it answered to the same question is found again."""
        with self._reading(suites):
            answers = Answers(self._view(suites) / "answers")
            question = self._question(arguments, suites, situation)
            known = answers.find(question)
            if known is not None:
                return Finished(exit_code=0, stdout=known.encode(), stderr="")
            done = self._run(arguments, suites, situation, QUESTION_TIMEOUT_SECONDS)
            if done.exit_code == 0:
                answers.keep(question, done.stdout.decode(errors="replace"))
            return done

    def _question(self, arguments: tuple[str, ...], suites: tuple[str, ...], situation: Situation) -> str:
        """The digest of all that the answer follows from: apt itself, the indexes, and what it is told."""
        version = self._run(("apt-get", "--version"), suites, Situation(), QUESTION_TIMEOUT_SECONDS).stdout
        # A signed Release names the digest of every index that apt has verified by it.
        releases = [path.read_bytes() for suite in suites for path in self._releases(suite)]
        told = (CONFIGURATION, self.base.architecture, arguments, astuple(situation))
        sources_list = (self._view(suites) / "sources.list").read_bytes()
        parts = (version, sources_list, json.dumps(told).encode(), *releases)
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

    def published_at(self, suites: tuple[str, ...]) -> datetime:
        """When the oldest of the indexes was published, as its signed Release says."""
        return min(self._published_at(suite) for suite in suites)

    def _published_at(self, suite: str) -> datetime:
        for path in self._releases(suite):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                if line.startswith("Date:"):
                    return parsedate_to_datetime(line.removeprefix("Date:").strip()).astimezone(UTC)
        raise Corrupt(f"the signed index of {suite} does not say when it was published")

    def _releases(self, suite: str) -> list[Path]:
        """What apt has of a suite's signed Release."""
        kinds = ("InRelease", "Release")
        found = [path for kind in kinds for path in sorted(self._lists.glob(f"*_dists_{suite}_{kind}"))]
        if not found:
            raise Corrupt(f"apt has kept no signed index of {suite}", hint=f"remove {self._folder}: it is made anew")
        return found

    def _prepare(self, suites: tuple[str, ...]) -> None:
        if not self._keyring.is_file():
            raise Invalid(
                f"the keyring {self._keyring} is not on this machine, so no signature can be verified",
                hint=f"install the package {sources.distribution(self.base).keyring_package}, or name another file as "
                "the base's `keyring`",
            )
        # Nobody else is at work here: what is left of runs was left by killed ones.
        shutil.rmtree(self._folder / "runs", ignore_errors=True)
        etc = self._folder / "etc"
        for name in EMPTY_FOLDERS:
            (etc / name).mkdir(parents=True, exist_ok=True)
        for place in (etc / "trusted.gpg.d", self._lists / "partial", self._folder / "state", self._folder / "runs"):
            place.mkdir(parents=True, exist_ok=True)
        suffix = self._keyring.suffix if self._keyring.suffix in {".gpg", ".asc"} else ".gpg"
        _write_once(etc / "trusted.gpg.d" / f"keyring{suffix}", self._keyring.read_bytes())
        view = self._view(suites)
        (view / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        # Its time counts: apt takes its caches for outdated when this file is younger.
        _write_once(view / "sources.list", sources.lines(self.base, suites, self._places).encode())
        _write_once(view / "status", b"")

    def _view(self, suites: tuple[str, ...]) -> Path:
        return self._folder / "views" / hashlib.sha256(" ".join(suites).encode()).hexdigest()[:12]

    def _run(
        self,
        arguments: tuple[str, ...],
        suites: tuple[str, ...],
        situation: Situation,
        timeout_seconds: float,
        *,
        logins: bool = False,
    ) -> Finished:
        run = Path(tempfile.mkdtemp(dir=self._folder / "runs"))
        try:
            self._configure(run, suites, situation)
            if logins:
                self._log_in(run)
            offered = ("--with-source", str(run / "Packages")) if situation.offered else ()
            done = self._commands.run(
                (*arguments[:2], *offered, *arguments[2:]),
                environment={"APT_CONFIG": str(run / "apt.conf"), "HOME": str(run)},
                timeout_seconds=timeout_seconds,
                check=False,
            )
        finally:
            shutil.rmtree(run, ignore_errors=True)
        if done.exit_code != 0:
            raise_without_room(done.stderr, suites)  # or no answer would be taken for apt's word on the packages
        return done

    def _configure(self, run: Path, suites: tuple[str, ...], situation: Situation) -> None:
        view = self._view(suites)
        installed = run / "status" if situation.installed else view / "status"
        texts = {
            "preferences": situation.preferences,
            "status": situation.installed,
            "Packages": situation.offered,
            "apt.conf": CONFIGURATION.format(
                folder=self._folder,
                view=view,
                run=run,
                status=installed,
                # The cache of an invented status is worth nothing to the next run.
                cache="" if situation.installed else "pkgcache.bin",
                architecture=self.base.architecture,
            ),
        }
        for name, text in texts.items():
            (run / name).write_text(text, encoding="utf-8")

    def _log_in(self, run: Path) -> None:
        """Write what apt reads as ``auth.conf`` (apt_auth.conf(5)): the run's folder is its owner's alone."""
        known = {place: login for place in self._places.values() if (login := self._logins.login(place))}
        for place, login in known.items():
            if re.search(r"\s", f"{login.username}{login.password}"):
                raise Invalid(f"the login for {place} holds a space, which apt cannot be told", hint="use a token")
        if known:
            lines = (
                f"machine {place.removeprefix('https://')} login {login.username} password {login.password}\n"
                for place, login in known.items()
            )
            with open(run / "auth.conf", "x", opener=_for_us_alone, encoding="utf-8") as target:
                target.writelines(lines)

    @contextmanager
    def _reading(self, suites: tuple[str, ...]) -> Iterator[None]:
        with locked(self._folder, fcntl.LOCK_SH):
            if self.refreshed_at(suites) is None:
                raise Unreachable(
                    f"the indexes of {', '.join(suites)} were removed while they were read", hint="try again"
                )
            yield


@contextmanager
def locked(folder: Path, how: int) -> Iterator[None]:
    """Hold a workspace's folder, shared or alone."""
    with (folder / LOCK).open("ab") as lock:
        fcntl.flock(lock, how)
        yield


def emptied(folder: Path) -> None:
    """Leave nothing of a workspace but its lock, once nobody works in it."""
    with locked(folder, fcntl.LOCK_EX):
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def _write_once(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        temporary = path.with_name(f"{path.name}~")
        temporary.write_bytes(content)
        temporary.replace(path)
