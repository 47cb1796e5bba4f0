"""This machine as a provider and as a source of metrics, as the contracts want to meet it."""

from collections.abc import Callable

from repave.model.artifact import Artifact
from repave.model.names import EnvironmentName, FleetKey, FleetName, InstanceId, ProjectName, ReleaseNumber, ZoneName
from repave.model.observation import Instance
from repave.model.release import Revision
from repave.ports.surroundings import Surroundings
from repave.providers.local.provider import LocalProvider
from repave.simulation.contract.metrics import MetricsSubject
from repave.simulation.contract.provider import ProviderSubject


def provider_subject(
    surroundings: Surroundings,
    artifact: Artifact,
    *,
    spoken: str,
    crash: Callable[[Instance], None],
    patience_seconds: float,
) -> ProviderSubject:
    """A provider over a folder of its own, with nothing in it."""

    def fleet(name: str) -> FleetKey:
        return FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName(name))

    return ProviderSubject(
        provider=LocalProvider(surroundings),
        clock=surroundings.clock,
        fleet=fleet("web"),
        other=fleet("worker"),
        zones=(ZoneName("a"), ZoneName("b")),
        artifact=artifact,
        revision=Revision(release=ReleaseNumber(1), image=artifact.image, artifact=artifact.digest, port=8080),
        spoken=spoken,
        crash=crash,
        reopen=lambda: LocalProvider(surroundings),
        patience_seconds=patience_seconds,
    )


def metrics_subject(
    subject: ProviderSubject,
    surroundings: Surroundings,
    *,
    start: Callable[[], InstanceId],
    work: Callable[[float], None],
) -> MetricsSubject:
    """The same provider's instances, measured."""
    return MetricsSubject(
        source=LocalProvider(surroundings),
        clock=subject.clock,
        fleet=subject.fleet,
        other=subject.other,
        start=start,
        end=lambda instance: subject.provider.terminate(subject.fleet, instance, generation=1),
        work=work,
        rates=("cpu",),
        reopen=lambda: LocalProvider(surroundings),
    )
