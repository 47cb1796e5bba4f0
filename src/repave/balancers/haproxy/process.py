"""The HAProxy of one project: started, reloaded and ended; known by its pid file and its command line."""

import errno
import hashlib
import os
import pwd
import resource
import shutil
import signal
import socket
import stat
import tempfile
import time
from pathlib import Path

from repave.balancers.haproxy.configuration import Settings, address_of
from repave.balancers.haproxy.holders import configuration_of, project_at
from repave.balancers.haproxy.runtime import RuntimeSocket
from repave.balancers.kept import PRIVATE
from repave.ports.clock import Clock
from repave.ports.commands import Commands
from repave.ports.errors import CommandFailed, Conflict, Invalid, Unreachable
from repave.scratch.whole import write_whole

START_SECONDS = 15.0
"""A start or reload takes 0.1 to 0.3 s; on a busy machine a few seconds. Past this it hangs."""

END_SECONDS = 5.0
"""An asked end takes milliseconds; past this it is forced."""

LOOK_SECONDS = 0.02
"""How often we look whether a start, reload or end has happened."""

MAXIMUM_CONNECTIONS = 4096
"""About 150 MiB when all are open: no demo or small site needs more, no small machine is filled by it."""

MAXIMUM_THREADS = 4
"""Four serve tens of thousands of requests a second; the other cores are the fleets'."""

SOCKET = "haproxy.sock"
LONGEST_SOCKET_PATH = 90
"""Unix allows 107 bytes; HAProxy binds under a longer temporary name first."""


class Process:
    """Starts, reloads and ends HAProxy with the configuration in ``folder``."""

    def __init__(self, folder: Path, *, commands: Commands, clock: Clock) -> None:
        self._folder = folder.resolve()
        self._commands = commands
        self._clock = clock
        self._configuration = self._folder / "haproxy.cfg"
        self._states = self._folder / "server-states"
        self._pid_file = self._folder / "haproxy.pid"
        self._note = self._folder / "socket-folder"

    @property
    def settings(self) -> Settings:
        """What the configuration must say of this machine."""
        hard, cpus = resource.getrlimit(resource.RLIMIT_NOFILE)[1], len(os.sched_getaffinity(0))
        # Two descriptors a connection, and some for listeners, checks and the sockets of a reload.
        affordable = MAXIMUM_CONNECTIONS if hard == resource.RLIM_INFINITY else max(100, (hard - 200) // 2)
        user, group = _unprivileged()
        return Settings(
            node=f"repave-{hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:16]}",
            states=str(self._states),
            maximum_connections=min(MAXIMUM_CONNECTIONS, affordable),
            threads=min(MAXIMUM_THREADS, cpus),
            user=user,
            group=group,
            empty_folder=str(self._folder / "empty"),
        )

    @property
    def runtime(self) -> RuntimeSocket:
        """Where it is asked."""
        return RuntimeSocket(self._socket_path())

    def running(self) -> dict[str, str]:
        """What the running one says of itself; empty when none of ours answers."""
        try:
            information = self.runtime.information()
        except Unreachable:
            return {}
        return information if information.get("node") == self.settings.node else {}

    def outdated(self) -> bool:
        """Whether the program on disk is another than the one that runs, as after an upgrade of the package."""
        program = Path(shutil.which(_program_of(self._pid()) or "haproxy") or "/usr/sbin/haproxy")
        try:
            return not os.path.samestat(os.stat(f"/proc/{self._pid()}/exe"), program.stat())  # noqa: PTH116 - one call for both
        except OSError:
            return False

    def start(self, text: str, states: str) -> None:
        """Start it; one that does not answer is ended before. Raises Conflict, Invalid, Unreachable."""
        self.end()
        self._make_short_folder()
        self._prepare(text, states)
        self._configuration_candidate().replace(self._configuration)
        arguments = ["haproxy", "-W", "-D", "-f", str(self._configuration), "-p", str(self._pid_file)]
        try:
            self._commands.run(
                [*arguments, "-S", f"{self._socket_path()},mode,600,level,admin"],
                cwd=self._folder,
                timeout_seconds=START_SECONDS,
            )
        except CommandFailed as failure:
            raise _start_failure(failure) from failure
        self._await_change(previous="")

    def reload(self, text: str, states: str) -> None:
        """Replace the worker: listening sockets are handed over, none is refused, and none is cut within an hour."""
        previous = self.runtime.information().get("Pid", "")
        self._prepare(text, states)
        self._configuration_candidate().replace(self._configuration)
        self.runtime.reload()
        self._await_change(previous=previous)

    def end(self) -> None:
        """End it, if it runs; nobody else's process is ever touched."""
        pid = self._pid()
        if pid and not self._end_by(pid, signal.SIGTERM):
            self._end_by(pid, signal.SIGKILL)
        # One that runs under another path is found again by these when a moved project is moved back.
        if configuration_of(self._noted_pid()) in {None, self._configuration}:
            self._pid_file.unlink(missing_ok=True)
            self._remove_short_folder()

    def _prepare(self, text: str, states: str) -> None:
        (self._folder / "empty").mkdir(parents=True, exist_ok=True, mode=0o755)
        write_whole(self._states, states.encode(), mode=PRIVATE)
        candidate = self._configuration_candidate()
        write_whole(candidate, text.encode(), mode=PRIVATE)
        try:
            self._commands.run(["haproxy", "-c", "-q", "-f", str(candidate)], timeout_seconds=START_SECONDS)
        except CommandFailed as failure:
            raise _start_failure(failure) from failure

    def _configuration_candidate(self) -> Path:
        return self._configuration.with_name("haproxy.cfg.candidate")

    def _await_change(self, *, previous: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.running().get("Pid", previous) != previous:
                return
            self._clock.sleep(LOOK_SECONDS)
        raise Unreachable(
            f"HAProxy did not {'take its new configuration' if previous else 'answer'} within {START_SECONDS:g} s",
            hint=f"`haproxy -c -f {self._configuration}` says what it thinks of its configuration",
        )

    def _socket_path(self) -> Path:
        """Where its socket is, or would be: looking makes nothing."""
        path = self._folder / SOCKET
        return path if _fits(path) else (self._short_folder() or self._folder) / SOCKET

    def _short_folder(self) -> Path | None:
        """The folder with a short path that holds the socket; None before it is made, or when it is not private."""
        try:
            kept = Path(self._note.read_text(encoding="utf-8"))
            status = kept.lstat()
        except OSError:
            return None
        private = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077
        return kept if private else None

    def _make_short_folder(self) -> None:
        """Made where the socket's path would be too long, and remembered; made anew when a restart swept it away."""
        if _fits(self._folder / SOCKET) or self._short_folder():
            return
        home = os.environ.get("XDG_RUNTIME_DIR", "")
        parent = home if home and os.access(home, os.W_OK) else None
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        note = tempfile.mkdtemp(prefix="repave-", dir=parent)
        write_whole(self._note, note.encode(), mode=PRIVATE)

    def _remove_short_folder(self) -> None:
        short = self._short_folder()
        if short:
            shutil.rmtree(short, ignore_errors=True)
        self._note.unlink(missing_ok=True)

    def _pid(self) -> int:
        """The master's process id; 0 unless a living process with our configuration on its command line has it."""
        pid = self._noted_pid()
        return pid if configuration_of(pid) == self._configuration else 0

    def _noted_pid(self) -> int:
        """What the pid file says, whoever has that number now; 0 without one."""
        try:
            return int(self._pid_file.read_text(encoding="ascii").split()[0])
        except (OSError, ValueError, IndexError):
            return 0

    def _end_by(self, pid: int, number: signal.Signals) -> bool:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            # Looked at again with the handle in hand: from here on the number cannot become another process.
            if self._pid() == pid:
                signal.pidfd_send_signal(handle, number)
            deadline = time.monotonic() + END_SECONDS
            while self._pid() == pid and not _ended(pid) and time.monotonic() < deadline:
                self._clock.sleep(LOOK_SECONDS)
        except ProcessLookupError:
            return True
        finally:
            os.close(handle)
        return self._pid() != pid or _ended(pid)


def require_free(listen: str, *, owner: str) -> None:
    """Raise Conflict when we cannot listen there: another does, it needs root, or this machine lacks the address."""
    address, port = address_of(listen)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        # As HAProxy binds, but without SO_REUSEPORT: with it two processes of one user would share the port silently.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address, port))
        except OSError as failure:
            project = project_at(port) if failure.errno == errno.EADDRINUSE else None
            if project:
                raise _held_by(project, listen, owner) from failure
            hints = {
                errno.EACCES: "ports below 1024 need root: choose a higher one in `listen`",
                errno.EADDRNOTAVAIL: "`ip address` shows the addresses this machine has",
            }
            taken = f"end what uses it (`ss -ltnp 'sport = :{port}'` shows it) or choose another `listen`"
            raise Conflict(
                f"cannot listen on {listen} for {owner}: {failure.strerror}",
                hint=hints.get(failure.errno or 0, taken),
            ) from failure


def _held_by(project: Path, listen: str, owner: str) -> Conflict:
    ending = "`repave destroy` there ends it"
    if not (project / ".repave").is_dir():
        ending = f"a project was moved from there while it ran: move it back, then {ending}"
    return Conflict(
        f"cannot listen on {listen} for {owner}: HAProxy of the project at {project} does",
        hint=f"{ending}; or choose another `listen`",
    )


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def _unprivileged() -> tuple[str, str]:
    if os.geteuid() != 0:
        return "", ""
    try:
        pwd.getpwnam("haproxy")
    except KeyError:
        return "", ""
    return "haproxy", "haproxy"


def _program_of(pid: int) -> str:
    if not pid:
        return ""
    try:
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0])
    except OSError:
        return ""


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST_SOCKET_PATH


def _ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in {"Z", "X"}


def _start_failure(failure: CommandFailed) -> Conflict | Invalid | CommandFailed:
    if "already in use" in failure.stderr.lower():
        return Conflict(f"HAProxy could not start: {failure.message}", hint="choose another `listen`, or free it")
    if failure.program_exit_code == 1:
        return Invalid(f"HAProxy refused its configuration: {failure.message}", hint="see `repave doctor`")
    return failure
