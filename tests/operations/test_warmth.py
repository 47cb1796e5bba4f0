"""What is saved for warm and hot starts: for the fleets that the file names, by providers that can."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from repave.config.policies import revision_for
from repave.config.project import parse_project
from repave.model.names import Digest, EnvironmentName, FleetName, ImageName, ProviderName, ReleaseNumber
from repave.model.release import Limits, Release
from repave.operations.warmth import keep_warm
from repave.ports.progress import Progress, Silent
from repave.ports.provider import Machines, MemoryWanted, Serving
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
  hot: {image: web, port: 84, start: hot, health: {path: /ok}}
  far: {image: web, port: 85, start: hot}
  job: {image: job, port: 83}
environments:
  test: {provider: local, fleets: {web: {size: 1}, hot: {size: 1}}, config: {LEVEL: info}}
  prod: {provider: local, fleets: {far: {size: 1}}}
pipeline: [test, prod]
""",
    filename="repave.yaml",
)
TEST = PROJECT.environments[EnvironmentName("test")]
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

    asked: Mapping[Digest, MemoryWanted] = {}

    def keep_memory(self, artifact: Digest, wanted: MemoryWanted, *, progress: Progress) -> Mapping[FleetName, str]:
        """Remember it."""
        del progress
        self.asked = {**self.asked, artifact: wanted}
        return {FleetName("api"): "it is too small"} if FleetName("api") in wanted.fleets else {}


def test_memory_is_saved_for_the_fleets_that_start_warm() -> None:
    """With their limits, in whatever environment they run; of other images none is wanted, and why not is handed on."""
    provider = Remembering(World())
    told = keep_warm(RELEASE, PROJECT, TEST, machines=provider, progress=Silent())
    assert told == {"api": "it is too small"}
    assert provider.asked[VM].ready == {"web": Limits(memory_bytes=1 << 30), "api": Limits()}
    assert provider.asked[CONTAINER] == MemoryWanted(environment=TEST.name)


def test_who_is_to_serve_is_saved_for_its_environment() -> None:
    """With what it serves there, and for no fleet that this environment lacks."""
    provider = Remembering(World())
    keep_warm(RELEASE, PROJECT, TEST, machines=provider, progress=Silent())
    revision = revision_for(PROJECT, TEST.name, FleetName("hot"), RELEASE)
    assert revision.configuration == (("LEVEL", "info"),)
    assert provider.asked[VM].serving == {"hot": Serving(revision=revision, health_path="/ok")}
    assert provider.asked[VM].environment == "test"


class Plain:
    """A provider without that ability."""

    name = ProviderName("plain")


def test_a_provider_that_saves_nothing_is_named() -> None:
    """For each fleet that was to start warm."""
    told = keep_warm(RELEASE, PROJECT, TEST, machines=cast("Machines", Plain()), progress=Silent())
    assert told == dict.fromkeys(("web", "api", "hot", "far"), "the provider plain saves no memory")
