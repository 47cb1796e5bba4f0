"""The contract of providers with machines."""

from dataclasses import dataclass, replace

from repave.model.names import FleetKey, FleetName, InstanceId, SlotId, ZoneName
from repave.model.observation import Instance, MachineState
from repave.model.release import Revision
from repave.ports.clock import Clock
from repave.ports.errors import Conflict, Gone
from repave.ports.provider import LaunchOrder, Machines
from repave.simulation.contract.rule import Rule, eventually, refuses, require


@dataclass(frozen=True, kw_only=True)
class ProviderStage:
    """What a test brings: an adapter, an empty fleet, and a published revision whose instances start and stay."""

    machines: Machines
    clock: Clock
    fleet: FleetKey
    zone: ZoneName
    revision: Revision

    def order(self, slot: str, generation: int = 1) -> LaunchOrder:
        """A launch of the revision."""
        return LaunchOrder(
            fleet=self.fleet, slot=SlotId(slot), zone=self.zone, revision=self.revision, generation=generation
        )

    def seen(self) -> dict[InstanceId, Instance]:
        """The fleet's instances by id."""
        return {instance.id: instance for instance in self.machines.observe(self.fleet).instances}


def launch_is_idempotent(stage: ProviderStage) -> None:
    """The same slot again answers the same instance and starts nothing more."""
    first = stage.machines.launch(stage.order("web-1"))
    again = stage.machines.launch(stage.order("web-1"))
    require(first == again, "the same slot answers the same instance")
    require(len(stage.seen()) == 1, "the same slot starts nothing more")


def launched_is_listed(stage: ProviderStage) -> None:
    """An instance is listed with the tags of its launch as soon as the launch has answered, and comes to run."""
    instance = stage.machines.launch(stage.order("web-1"))
    seen = stage.seen().get(instance)
    require(seen is not None, "a launched instance is listed at once")
    if seen is not None:
        tags = (seen.slot, seen.zone, seen.revision, seen.release, seen.port)
        wanted = (SlotId("web-1"), stage.zone, stage.revision.id, stage.revision.release, stage.revision.port)
        require(tags == wanted, f"it bears the tags of its launch: {tags} are not {wanted}")
    eventually(
        stage.clock,
        lambda: (now := stage.seen()[instance]).state is MachineState.RUNNING and now.address is not None,
        "a launched instance runs and has an address",
    )


def terminate_is_idempotent(stage: ProviderStage) -> None:
    """An ended instance is no longer listed; ending it again, or what never was, is success."""
    instance = stage.machines.launch(stage.order("web-1"))
    stage.machines.terminate(stage.fleet, instance, generation=1)
    require(not stage.seen(), "an ended instance is not listed")
    stage.machines.terminate(stage.fleet, instance, generation=1)
    stage.machines.terminate(stage.fleet, InstanceId("never-was"), generation=1)


def ended_slots_stay_ended(stage: ProviderStage) -> None:
    """A slot whose instance was ended starts nothing: Gone."""
    instance = stage.machines.launch(stage.order("web-1"))
    stage.machines.terminate(stage.fleet, instance, generation=1)
    refuses(Gone, lambda: stage.machines.launch(stage.order("web-1")), "an ended slot answers Gone")
    require(not stage.seen(), "an ended slot starts nothing")


def older_generations_are_refused(stage: ProviderStage) -> None:
    """An order older than the newest seen is refused and does nothing."""
    instance = stage.machines.launch(stage.order("web-1", generation=5))
    refuses(Conflict, lambda: stage.machines.launch(stage.order("web-2", generation=4)), "an older launch is refused")
    refuses(
        Conflict,
        lambda: stage.machines.terminate(stage.fleet, instance, generation=4),
        "an older terminate is refused",
    )
    require(set(stage.seen()) == {instance}, "a refused order does nothing")


def fleets_do_not_touch(stage: ProviderStage) -> None:
    """Another fleet's instances are neither listed nor ended."""
    other = replace(stage.fleet, fleet=FleetName("other"))
    instance = stage.machines.launch(stage.order("web-1"))
    require(not stage.machines.observe(other).instances, "another fleet does not list it")
    stage.machines.terminate(other, instance, generation=9)
    require(instance in stage.seen(), "another fleet cannot end it")
    require(stage.fleet in stage.machines.fleets(), "its fleet is found by its tags")


def consoles_outlive_instances(stage: ProviderStage) -> None:
    """What an instance said can be read after its end; what never was answers Gone."""
    instance = stage.machines.launch(stage.order("web-1"))
    stage.machines.terminate(stage.fleet, instance, generation=1)
    list(stage.machines.console(stage.fleet, instance))
    kept = [kept_instance for kept_instance, _, _ in stage.machines.kept_consoles(stage.fleet)]
    require(instance in kept, "an ended instance's console is kept")
    refuses(
        Gone,
        lambda: list(stage.machines.console(stage.fleet, InstanceId("never-was"))),
        "a console that never was answers Gone",
    )


PROVIDER_RULES: tuple[Rule[ProviderStage], ...] = (
    Rule(number="1a", sentence="launching a slot again starts nothing more", check=launch_is_idempotent),
    Rule(number="1b", sentence="ending again, or what never was, is success", check=terminate_is_idempotent),
    Rule(number="2", sentence="an ended slot stays ended", check=ended_slots_stay_ended),
    Rule(number="3", sentence="what was launched is listed at once, by its tags", check=launched_is_listed),
    Rule(number="4", sentence="fleets do not touch each other", check=fleets_do_not_touch),
    Rule(number="5", sentence="older generations are refused", check=older_generations_are_refused),
    Rule(number="8", sentence="consoles outlive instances", check=consoles_outlive_instances),
)
