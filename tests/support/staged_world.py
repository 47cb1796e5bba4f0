"""The command line over simulated machines, balancer and time; locks, bakes, findings, keys and the record are real."""

import json
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from repave.cli.application import run
from repave.model.names import ProviderName
from repave.ports.checks import CheckOrder, CheckOutcome
from repave.ports.progress import Progress
from repave.ports.provider import Machines
from repave.ports.traffic import Traffic
from repave.simulation.balancer import SimulatedBalancer
from repave.simulation.provider import SimulatedProvider
from repave.simulation.world import World
from repave.wiring import Wiring


class CheckedMachines(SimulatedProvider):
    """Simulated machines, beside which the programs of checks run for real: on this machine, in no container."""

    def run_check(self, order: CheckOrder, *, progress: Progress) -> CheckOutcome:
        """With its files, and the variables of the order alone."""
        del progress
        with TemporaryDirectory() as folder:
            for path, content in order.files.items():
                place = Path(folder, path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
                place.chmod(0o755)
            done = subprocess.run(
                [Path(folder, order.program)],
                cwd=folder,
                env=dict(order.variables),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=order.timeout_seconds,
            )
        passed = done.returncode == 0
        return CheckOutcome(passed=passed, detail=f"exit code {done.returncode}", output=done.stdout)


def staged(world: World) -> type[Wiring]:
    """The composition root, but for machines, balancers and the clock, which are this world's."""

    class Staged(Wiring):
        def __init__(self, file: Path, *, only_looks: bool = False) -> None:
            super().__init__(file, only_looks=only_looks)
            self.clock = world.clock

        def machines(self, provider: ProviderName) -> Machines:
            del provider
            return CheckedMachines(world)

        def traffic(self, provider: ProviderName) -> Traffic:
            del provider
            return SimulatedBalancer(world)

    return Staged


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A project's folder in a simulated world; whoever makes it has ``repave`` open a ``staged`` wiring."""

    world: World
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def repave(self, *arguments: str, code: int = 0) -> Any:  # noqa: ANN401 - whatever the document holds
        """One verb with --json, in this process; answers its document."""
        ended = run([*arguments, "--json", "--file", str(self.folder)])
        said = self.capsys.readouterr()
        assert ended == code, f"{arguments}: {ended}\n{said.out}\n{said.err}"
        return json.loads(said.out)

    def wait_until(self, moment: datetime) -> None:
        """Time passes, until then or a little later."""
        self.world.clock.sleep((moment - self.world.clock.now()).total_seconds() + 1)
