"""How releases answer in the environments that carry them."""

from collections.abc import Callable, Iterable

from repave.model.evidence import Measured
from repave.model.metrics import InstanceMetrics
from repave.model.names import FleetKey, InstanceId, ReleaseNumber
from repave.model.project import Environment, Project
from repave.operations.keys import fleets_of
from repave.ports.errors import WorldError
from repave.ports.metrics import Metrics
from repave.ports.store import Store

READER = "-gates"
"""Gates look back for longer than a size does: their looks are their own."""


class Measuring:
    """Asks whoever measures an environment's instances."""

    def __init__(self, *, project: Project, store: Store, sources: Callable[[Environment], Iterable[Metrics]]) -> None:
        self._project = project
        self._store = store
        self._sources = sources

    def of(self, environment: Environment, release: ReleaseNumber) -> tuple[Measured, ...]:
        """Each of its fleets that answers somebody, by the instances of the release; nothing where no gate asks."""
        limits = environment.gates.metrics
        if limits is None:
            return ()
        sources = tuple(self._sources(environment))
        keys = (key for key in fleets_of(self._project, environment) if self._project.fleets[key.fleet].speaks_http)
        asked = (key for key in keys if (target := self._store.target(key)) is None or target.size)
        return tuple(self._fleet(key, release, sources, limits.over_seconds) for key in asked)

    def _fleet(
        self, key: FleetKey, release: ReleaseNumber, sources: Iterable[Metrics], over_seconds: float
    ) -> Measured:
        seen = self._store.last_seen(key)
        ours = {one.id for one in seen.machines.instances if one.release == release} if seen else set()
        found: dict[InstanceId, InstanceMetrics] = {}
        problems = []
        for source in sources:
            try:
                sighting = source.read(key, window_seconds=over_seconds, reader=READER)
            except WorldError as error:
                problems.append(error.message)
                continue
            problems += [sighting.incomplete] if sighting.incomplete else []
            found |= {one.instance: one for one in sighting.instances if one.instance in ours and one.samples}
        return Measured(
            fleet=key.fleet,
            samples=sum(one.samples for one in found.values()),
            error_rate=_mean(found.values(), lambda one: one.error_rate),
            latency_seconds=_mean(found.values(), lambda one: one.latency_seconds),
            problem="; ".join(problems),
        )


def _mean(metrics: Iterable[InstanceMetrics], value_of: Callable[[InstanceMetrics], float | None]) -> float | None:
    """Weighted by samples; None where any of them is not known."""
    pairs = [(one.samples, value_of(one)) for one in metrics]
    known = [(samples, value) for samples, value in pairs if value is not None]
    if not known or len(known) < len(pairs):
        return None
    return sum(samples * value for samples, value in known) / sum(samples for samples, _ in known)
