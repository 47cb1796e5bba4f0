"""What HAProxy can do here, tried with one started for the purpose."""

import re
import tempfile
from pathlib import Path

from repave.balancers.haproxy.configuration import render
from repave.balancers.haproxy.mapping import state_file
from repave.balancers.haproxy.process import Process, free_port
from repave.balancers.haproxy.record import Attached, FleetRecord
from repave.balancers.haproxy.servers import changes
from repave.model.errors import RepaveError
from repave.model.names import EnvironmentName, FleetKey, FleetName, InstanceId, ProjectName
from repave.model.policy import HealthPolicy
from repave.ports.clock import Clock
from repave.ports.commands import Commands
from repave.ports.errors import CommandFailed
from repave.ports.provider import Proven

OLDEST = (2, 5)
"""From 2.5 on servers added by the runtime API are checked, and any server can be deleted again."""

INSTALL = "apt-get install haproxy"


def proofs(commands: Commands, clock: Clock) -> tuple[Proven, ...]:
    """The program and its version, then one started, told of a server, and ended: about half a second."""
    program = _program(commands)
    if not program.works:
        return (program,)
    return (program, _runtime(commands, clock))


def _program(commands: Commands) -> Proven:
    name = "haproxy"
    try:
        answer = commands.run(["haproxy", "-v"], timeout_seconds=10).stdout.decode(errors="replace")
    except CommandFailed as failure:
        return Proven(name=name, works=False, detail=failure.message, hint=INSTALL)
    found = re.search(r"version (\d+)\.(\d+)(\S*)", answer)
    if not found:
        return Proven(name=name, works=False, detail=f"unknown answer: {answer[:60]}", hint=INSTALL)
    version = f"{found[1]}.{found[2]}{found[3]}"
    if (int(found[1]), int(found[2])) < OLDEST:
        wanted = ".".join(str(part) for part in OLDEST)
        return Proven(name=name, works=False, detail=f"{version} is older than {wanted}", hint=INSTALL)
    return Proven(name=name, works=True, detail=version)


def _runtime(commands: Commands, clock: Clock) -> Proven:
    name = "haproxy runtime API"
    with tempfile.TemporaryDirectory(prefix="repave-") as folder:
        process = Process(Path(folder), commands=commands, clock=clock)
        try:
            record = _example()
            process.start(render([record], process.settings), state_file([record], {}))
            attached = record.put(Attached(instance=InstanceId("trial"), address="127.0.0.1", port=1))
            process.runtime.order(changes(attached, ()).commands)
        except RepaveError as failure:
            return Proven(name=name, works=False, detail=failure.message, hint=failure.hint)
        finally:
            process.end()
    return Proven(name=name, works=True, detail="started one, added a server, ended it")


def _example() -> FleetRecord:
    key = FleetKey(project=ProjectName("repave"), environment=EnvironmentName("doctor"), fleet=FleetName("trial"))
    return FleetRecord(
        fleet=key,
        listen=f"127.0.0.1:{free_port()}",
        chosen=True,
        health=HealthPolicy(),
        drain_timeout_seconds=1,
    )
