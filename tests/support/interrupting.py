"""Programs of a process that dies at one of them: what it leaves must not matter."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from repave.ports.commands import Commands, Finished

LAUNCH = """
import sys
from pathlib import Path
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.names import *
from repave.model.release import Revision
from repave.ports.provider import LaunchOrder
from repave.ports.surroundings import Surroundings
from repave.providers.local.provider import LocalProvider
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault
folder = Path(sys.argv[1])
provider = LocalProvider(Surroundings(project=ProjectName("shop"), folder=folder / "local", commands=LocalCommands(),
    clock=SystemClock(), vault=FileVault(folder / "vault"), registry=LayoutRegistry(folder / "registry")))
fleet = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
revision = Revision(release=ReleaseNumber(1), image=ImageName("web"), artifact=Digest(sys.argv[2]), port=8080)
order = LaunchOrder(fleet=fleet, slot=SlotId("web-1"), zone=ZoneName("a"), revision=revision, generation=1)
print("ready", flush=True)
provider.launch(order)
"""
"""A process of its own that launches the slot web-1 below a folder, of the artifact of a digest."""


class Interrupted(BaseException):
    """The process dies here: no handler of ours may run."""


class Interrupting:
    """Commands that die at the call of a number, just before or just after the program did its work."""

    def __init__(self, inner: Commands, *, at: int, after: bool) -> None:
        self._inner = inner
        self._left = at
        self._after = after

    def run(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout_seconds: float = 60.0,
        check: bool = True,
    ) -> Finished:
        """Run, or die."""
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Interrupted
        finished = self._inner.run(
            arguments, cwd=cwd, environment=environment, stdin=stdin, timeout_seconds=timeout_seconds, check=check
        )
        if self._left == 0:
            raise Interrupted
        return finished

    def available(self, program: str) -> bool:
        """As the real one."""
        return self._inner.available(program)
