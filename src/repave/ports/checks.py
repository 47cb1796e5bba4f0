"""What is asked of whoever runs checks: programs in containers of their own, and single requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from repave.model.artifact import Artifact
from repave.model.checks import HttpCheck
from repave.model.names import Digest, EnvironmentName, ReleaseNumber
from repave.ports.progress import Progress

LARGEST_FILES_BYTES = 32 << 20
"""Files of one check, all together: they are held in memory."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where clients reach one fleet."""

    host: str
    """An IP address, without brackets."""

    port: int
    http: bool = True
    """Whether its clients speak HTTP."""

    @property
    def address(self) -> str:
        """``127.0.0.1:8080``, ``[::1]:8080``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return f"http://{self.address}"


@dataclass(frozen=True, kw_only=True)
class CheckOrder:
    """One program to be run."""

    environment: EnvironmentName
    release: ReleaseNumber
    artifact: Artifact
    """What it runs in."""

    program: str
    """One of ``files``."""

    files: Mapping[str, bytes]
    """By their paths below the folder it starts in; nothing can be written there."""

    variables: Mapping[str, str]
    """Beside those of the image."""

    endpoints: tuple[Endpoint, ...]
    """All that it can reach, at these very addresses."""

    timeout_seconds: float


@dataclass(frozen=True, kw_only=True)
class CheckOutcome:
    """What came of it."""

    passed: bool
    detail: str
    """In a few words: ``exit code 1``, ``took longer than 60 s``."""

    output: str
    """The end of what it printed, or what was answered."""


@runtime_checkable
class Checks(Protocol):
    """The ability to run a program beside an environment, in a container of its own that ends with it."""

    def run_check(self, order: CheckOrder, *, progress: Progress) -> CheckOutcome:
        """Run it to its end, or to the end of its time.

        It is no user of importance, can write nothing that lasts, and reaches nothing but the endpoints. However this
        process ends, nothing of the container goes on. What cannot be run is an outcome too: not passed, with the
        reason. Raises Denied, Corrupt, Invalid, NoCapacity, Unreachable where this place cannot run any.
        """
        ...


class Asking(Protocol):
    """Sends one request."""

    def ask(self, check: HttpCheck, endpoint: Endpoint) -> CheckOutcome:
        """The answer, judged. Never raises for what comes, or does not come, of it."""
        ...


class CheckLogs(Protocol):
    """Outputs of checks, by the digest of what they say; the oldest make room for new ones."""

    def keep(self, output: str) -> Digest:
        """Keep it; again is no error."""
        ...

    def read(self, log: Digest) -> str:
        """Raises Gone where it is not kept any more."""
        ...
