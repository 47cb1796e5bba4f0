"""Carrying out a committed plan: the steps of one slot in their order, slots at the same time.

Nothing is decided here. Every verb may be given again, so a step that is lost is simply planned again. What every plan
would say next of an instance that is being started, that the balancer checks it, is done as soon as it can be.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import assert_never

from repave.controller.lanes import run_lanes
from repave.controller.patience import patiently
from repave.controller.ports import Ports
from repave.model.names import FleetKey, InstanceId
from repave.model.outcome import Outcome, Result
from repave.model.plan import Admit, Attach, Detach, Drain, Launch, StandBy, Step, Terminate
from repave.model.release import SecretReference
from repave.ports.errors import Conflict, Corrupt, Denied, Gone, Invalid, NoCapacity, WorldError
from repave.ports.provider import LaunchOrder


@dataclass(frozen=True, kw_only=True)
class Commission:
    """One committed generation of one fleet, to be carried out."""

    fleet: FleetKey
    generation: int
    steps: tuple[Step, ...]


def act(ports: Ports, commission: Commission, *, parallel: int) -> tuple[Outcome, ...]:
    """What came of each step; one that did not work leaves the later ones of its slot undone and without outcome."""
    lanes: dict[str, list[Step]] = {}
    for step in commission.steps:
        lanes.setdefault(step.slot, []).append(step)
    if not lanes:
        return ()
    work = [partial(_carry_out_in_order, ports, commission, steps) for steps in lanes.values()]
    return tuple(outcome for outcomes in run_lanes(work, parallel) for outcome in outcomes)


def _carry_out_in_order(ports: Ports, commission: Commission, steps: Iterable[Step]) -> tuple[Outcome, ...]:
    outcomes: list[Outcome] = []
    for step in steps:
        outcomes.append(_carry_out(ports, commission, step))
        if outcomes[-1].result is not Result.DONE:
            break
    return tuple(outcomes)


def _carry_out(ports: Ports, commission: Commission, step: Step) -> Outcome:
    try:
        patiently(ports.clock, lambda: _give(ports, commission, step))
    except WorldError as error:
        return Outcome(step=step, result=_result(step, error), at=ports.clock.now(), detail=error.message)
    return Outcome(step=step, result=Result.DONE, at=ports.clock.now())


def _result(step: Step, error: WorldError) -> Result:
    """What an error means for the order: whether it may have worked, and whether giving it again could help."""
    match error:
        case Gone():
            # A slot that was ended is never filled again; for everything else, gone is what was wanted or no matter.
            return Result.SPENT if isinstance(step, Launch) else Result.DONE
        case NoCapacity():
            return Result.NO_CAPACITY
        case Denied() | Invalid() | Corrupt():
            return Result.REFUSED
        case Conflict():
            return Result.STALE
        case _:
            return Result.UNCERTAIN


def _give(ports: Ports, commission: Commission, step: Step) -> None:
    fleet, generation = commission.fleet, commission.generation
    match step:
        case Launch():
            placed = partial(_have_checked, ports, commission, step)
            ports.machines.launch(_order(ports, commission, step), placed=placed)
        case Attach():
            ports.traffic.attach(
                fleet,
                step.instance,
                address=step.address,
                port=step.port,
                generation=generation,
                standby=step.standby,
            )
        case Admit():
            ports.traffic.admit(fleet, step.instance, generation=generation)
        case StandBy():
            ports.traffic.stand_by(fleet, step.instance, generation=generation)
        case Drain():
            ports.traffic.drain(fleet, step.instance, generation=generation)
        case Detach():
            ports.traffic.detach(fleet, step.instance, generation=generation)
        case Terminate():
            ports.machines.terminate(fleet, step.instance, generation=generation)
        case _:
            assert_never(step)


def _have_checked(
    ports: Ports, commission: Commission, launch: Launch, instance: InstanceId, address: str, port: int | None
) -> None:
    """Have the balancer check an instance from its start on; should it not work now, the next plan orders it."""
    with suppress(WorldError):
        ports.traffic.attach(
            commission.fleet,
            instance,
            address=address,
            port=port,
            generation=commission.generation,
            standby=launch.standby,
        )


def _order(ports: Ports, commission: Commission, launch: Launch) -> LaunchOrder:
    """The order with its secrets, resolved at this moment and kept nowhere; nothing that was revoked meanwhile."""
    revoked = ports.store.revoked(commission.fleet, launch.revision)
    if revoked is not None:
        raise Conflict(f"it was revoked meanwhile: {revoked.reason}")
    revision = ports.store.revision(commission.fleet, launch.revision)
    return LaunchOrder(
        fleet=commission.fleet,
        slot=launch.slot,
        zone=launch.zone,
        revision=revision,
        generation=commission.generation,
        secrets={name: _resolved(ports, reference) for name, reference in revision.secrets},
    )


def _resolved(ports: Ports, reference: SecretReference) -> str:
    try:
        return ports.secrets.resolve(reference)
    except Gone as missing:
        # Gone from here would speak of the slot; a secret that is missing refuses every launch of the revision.
        raise Invalid(missing.message, hint=missing.hint) from missing
