"""One provider on this machine, and what tests of its containers ask of it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

from repave.model.artifact import Artifact
from repave.model.names import (
    EnvironmentName,
    FleetKey,
    FleetName,
    InstanceId,
    ProjectName,
    ReleaseNumber,
    SlotId,
    ZoneName,
)
from repave.model.observation import Instance
from repave.model.release import Revision
from repave.ports.progress import Silent
from repave.ports.provider import LaunchOrder
from repave.ports.surroundings import Surroundings
from repave.providers.local.provider import LocalProvider

WEB = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
PATIENCE_SECONDS = 10.0

Bake = Callable[..., Artifact]
"""Takes ``command``, ``user``, ``change`` (files of the topmost layer), ``volumes``; answers the artifact."""


class Desk:
    """One provider, and the few things these tests ask of it."""

    def __init__(self, surroundings: Surroundings, bake: Bake) -> None:
        self.surroundings = surroundings
        self.provider = LocalProvider(surroundings)
        self.bake = bake

    def order(
        self, *, slot: str = "web-1", zone: str = "a", command: tuple[str, ...] | None = None, **more: object
    ) -> LaunchOrder:
        """An order whose artifact is published."""
        baked = {name: more.pop(name) for name in ("change", "volumes", "architecture") if name in more}
        artifact = self.bake(command=command, **baked) if command else self.bake(**baked)
        self.provider.publish(artifact, progress=Silent())
        revision = Revision(release=ReleaseNumber(3), image=artifact.image, artifact=artifact.digest, port=8080)
        order = LaunchOrder(fleet=WEB, slot=SlotId(slot), zone=ZoneName(zone), revision=revision, generation=1)
        return replace(order, **more)  # type: ignore[arg-type] # a test's own words

    def launch(self, order: LaunchOrder) -> Instance:
        """Launch, then look."""
        identity = self.provider.launch(order)
        return self.seen()[identity]

    def seen(self) -> dict[InstanceId, Instance]:
        """All instances, by id."""
        return {instance.id: instance for instance in self.provider.observe(WEB).instances}

    def pid(self, instance: Instance) -> int:
        """The number of its first process on the machine."""
        return int((self.surroundings.folder / "instances" / instance.id / "pid").read_text())

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the world."""
        for _ in range(int(PATIENCE_SECONDS / 0.05)):
            if condition():
                return
            self.surroundings.clock.sleep(0.05)
        raise AssertionError(f"it did not come to be within {PATIENCE_SECONDS:g} s")

    def said(self, instance: Instance) -> list[str]:
        """Its output so far."""
        return list(self.provider.console(WEB, instance.id))


def fetch(desk: Desk, instance: Instance, path: str = "/index.html") -> tuple[int, bytes]:
    """Status and content that the instance answers over its own address, once it listens."""
    answers: list[tuple[int, bytes]] = []

    def answered() -> bool:
        connection = HTTPConnection(str(instance.address), instance.port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
        except ConnectionRefusedError:
            return False
        finally:
            connection.close()
        return True

    desk.until(answered)
    return answers[0]


def status(pid: int) -> Mapping[str, str]:
    """What the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
