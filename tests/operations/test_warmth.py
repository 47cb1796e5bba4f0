"""What is saved for warm starts: for the fleets that the file names, by providers that can."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from repave.config.project import parse_project
from repave.model.names import Digest, FleetName, ImageName, ProviderName, ReleaseNumber
from repave.model.release import Limits, Release
from repave.operations.warmth import keep_warm
from repave.ports.progress import Progress, Silent
from repave.ports.provider import Machines
from repave.simulation.provider import SimulatedProvider
from repave.simulation.world import World

PROJECT = parse_project(
    """
project: shop
images:
  web: {kind: vm, base: {distribution: debian, release: bookworm}, run: serve}
  job: {kind: container, base: {distribution: debian, release: bookworm}, run: work}
fleets:
  web: {image: web, port: 80, start: warm, limits: {memory: 1GiB}}
  api: {image: web, port: 81, start: warm}
  old: {image: web, port: 82}
  job: {image: job, port: 83}
environments: {test: {provider: local, fleets: {web: {size: 1}}}}
""",
    filename="repave.yaml",
)
VM, CONTAINER = Digest("sha256:" + "a" * 64), Digest("sha256:" + "b" * 64)
RELEASE = Release(
    number=ReleaseNumber(1),
    artifacts={ImageName("web"): VM, ImageName("job"): CONTAINER},
    lock=Digest("sha256:" + "0" * 64),
    source="",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


class Remembering(SimulatedProvider):
    """Knows what it was asked to save, and cannot save one of it."""

    asked: Mapping[Digest, Mapping[FleetName, Limits]] = {}

    def keep_ready(
        self, artifact: Digest, wanted: Mapping[FleetName, Limits], *, progress: Progress
    ) -> Mapping[FleetName, str]:
        """Remember it."""
        del progress
        self.asked = {**self.asked, artifact: wanted}
        return {FleetName("api"): "it is too small"} if FleetName("api") in wanted else {}


def test_memory_is_saved_for_the_fleets_that_start_warm() -> None:
    """With their limits, in whatever environment they run; of other images none is wanted, and why not is handed on."""
    provider = Remembering(World())
    told = keep_warm(RELEASE, PROJECT, machines=provider, progress=Silent())
    assert told == {"api": "it is too small"}
    assert provider.asked == {
        VM: {"web": Limits(memory_bytes=1 << 30), "api": Limits()},
        CONTAINER: {},
    }


class Plain:
    """A provider without that ability."""

    name = ProviderName("plain")


def test_a_provider_that_saves_nothing_is_named() -> None:
    """For each fleet that was to start warm."""
    told = keep_warm(RELEASE, PROJECT, machines=cast("Machines", Plain()), progress=Silent())
    assert told == dict.fromkeys(("web", "api"), "the provider plain saves no memory")
