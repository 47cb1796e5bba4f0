"""Runs checks in containers of their own: what ``stage`` is told, and what its answer means."""

import json
import os
import sys
from base64 import b64encode
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from repave.model.names import FleetKey, FleetName, InstanceId, ProjectName, RevisionId, SlotId, ZoneName
from repave.model.release import Limits
from repave.ports.checks import LARGEST_FILES_BYTES, CheckOrder, CheckOutcome
from repave.ports.clock import Clock
from repave.ports.errors import Denied
from repave.providers.local.artifacts import MOUNT_POINTS_LAYER
from repave.providers.local.checks.jobs import Answer, Job
from repave.providers.local.container_engine import ContainerEngine
from repave.providers.local.containers import SEARCH_PATH, Container, hosts_file, runtime_configuration
from repave.providers.local.errors import mapped
from repave.providers.local.limits import CONTROL_GROUPS
from repave.providers.local.mapping import ImageFacts, Phase, Record
from repave.providers.local.mount_points import make_mount_points
from repave.providers.local.settings import MIB

FOLDER = "/run/project"
"""Where a check's files stand, and where it starts."""

STAGE = (
    # The kernel ends the stage when this process ends, however that comes, and with the stage all that is below it.
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--ipc", "--uts", "--"),
)

NOBODY = 65_534
"""Runs a check in an image that is root's own."""

LIMITS = Limits(memory_bytes=512 * MIB, cpus=1.0)
"""A check asks; it does not work."""

SLACK_SECONDS = 30.0
"""Beyond its time a check is given no more: this is for what is laid out before and put away after it."""

DUMMY_PORT = 8080
"""A check listens nowhere; a port above 1023 gives it no right to."""


@dataclass(frozen=True, kw_only=True)
class Running:
    """Implements ``run_check`` by runc."""

    project: ProjectName
    clock: Clock
    containers: ContainerEngine

    def run(self, order: CheckOrder) -> CheckOutcome:
        """See the port; the artifact is published."""
        what = f"running {order.program} on r{order.release} in {order.environment}"
        if self.containers.identities is not None:
            raise Denied(
                f"{what}: without root no network of its own can be made for it",
                hint="run repave as root, or ask by `http`",
            )
        self.containers.artifacts.check(order.artifact.digest)
        work = self.containers.places.root / "checks"
        with mapped(what):
            work.mkdir(mode=0o700, exist_ok=True)
            make_mount_points(self.containers.places.layers / MOUNT_POINTS_LAYER)
            self._sweep()
            try:
                finished = self.containers.commands.run(
                    [*STAGE, sys.executable, "-I", "-m", "repave.providers.local.checks.stage"],
                    stdin=json.dumps(asdict(self._job(order, work))).encode(),
                    timeout_seconds=order.timeout_seconds + SLACK_SECONDS,
                )
            finally:
                self._sweep()
        return _judged(Answer(**json.loads(finished.stdout)), order)

    def _job(self, order: CheckOrder, work: Path) -> Job:
        facts = self.containers.artifacts.facts(order.artifact.digest)
        record = self._record(order)
        container = Container(
            record=record,
            image=_as_checked(facts, order),
            root=work / "root",
            hosts=work / "hosts",
            variables={"PATH": SEARCH_PATH, **dict(facts.environment), **order.variables},
            limits=LIMITS,
            network=Path("/proc/self/ns/net"),
            controllers=self.containers.controllers,
        )
        return Job(
            work=str(work),
            room_bytes=LARGEST_FILES_BYTES + 8 * MIB,
            layers_folder=str(self.containers.places.layers),
            layers=[MOUNT_POINTS_LAYER, *reversed(facts.layers)],
            files={name: b64encode(content).decode() for name, content in order.files.items()},
            hosts=hosts_file("127.0.0.1", record.slot),
            configuration=_with_files(runtime_configuration(container), work / "files"),
            container=record.instance,
            endpoints=[(endpoint.host, endpoint.port) for endpoint in order.endpoints],
            timeout_seconds=order.timeout_seconds,
        )

    def _record(self, order: CheckOrder) -> Record:
        """What a container is made by; kept nowhere, for there is nothing to find again."""
        fleet = FleetKey(project=self.project, environment=order.environment, fleet=FleetName("check"))
        return Record(
            instance=InstanceId(f"{self._prefix}{os.getpid()}"),
            fleet=fleet,
            slot=SlotId("check"),
            revision=RevisionId(""),
            release=order.release,
            artifact=order.artifact.digest,
            zone=ZoneName(""),
            port=DUMMY_PORT,
            generation=0,
            phase=Phase.STARTING,
            address="127.0.0.1",
            started_at=self.clock.now(),
        )

    @property
    def _prefix(self) -> str:
        return f"check-{self.containers.places.token}-"

    def _sweep(self) -> None:
        """Remove control groups of checks whose repave is gone, or was this one's last: what a killed one leaves."""
        name = f"repave-{self._prefix}*"
        for group in (*CONTROL_GROUPS.glob(name), *CONTROL_GROUPS.glob(f"*/{name}")):
            owner = group.name.rpartition("-")[2]
            if owner == str(os.getpid()) or not Path("/proc", owner).exists():
                with suppress(OSError):
                    group.rmdir()


def _as_checked(facts: ImageFacts, order: CheckOrder) -> ImageFacts:
    """The image with another command, and never as root."""
    checked = replace(facts, command=(f"{FOLDER}/{order.program}",), folder=FOLDER)
    return checked if facts.user else replace(checked, user=NOBODY, group=NOBODY, groups=())


def _with_files(configuration: dict[str, object], files: Path) -> dict[str, object]:
    mounts = configuration["mounts"]
    shown = {
        "destination": FOLDER,
        "type": "bind",
        "source": str(files),
        "options": ["bind", "ro", "nosuid", "nodev"],
    }
    return {**configuration, "mounts": [*mounts, shown]} if isinstance(mounts, list) else configuration


def _judged(answer: Answer, order: CheckOrder) -> CheckOutcome:
    if answer.problem:
        detail = f"it could not be started: {answer.problem}"
    elif answer.exit_code is None:
        detail = f"it took longer than {order.timeout_seconds:g} s"
    else:
        detail = f"exit code {answer.exit_code}"
    passed = answer.exit_code == 0 and not answer.problem
    return CheckOutcome(passed=passed, detail=detail, output=answer.output)
