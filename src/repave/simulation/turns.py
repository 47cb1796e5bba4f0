"""Whose turn it was: fleets that depend on each other, held against what each of them carried."""

from collections.abc import Iterator

from repave.model.target import Target
from repave.simulation.stage import Stage
from repave.simulation.world import Effect, Machine


def out_of_turn(stage: Stage, effect: Effect) -> Iterator[str]:
    """What was started before its turn: of a release before the first fleet carried it, or of one they go back to."""
    if stage.first is None or effect.kind != "launch":
        return
    machine, name = effect.machine, f"{effect.machine.slot} of r{effect.machine.revision.release}"
    first, behind = stage.first.target, stage.target
    if effect.fleet == stage.fleet:
        if not _carried(behind, machine) and not _carried(first, machine):
            yield f"{name} was started, and {first.fleet.fleet} never carried that"
    elif _goes_back(first, machine) and _goes_back(behind, machine) and not _has_begun(stage.first, machine):
        yield f"{name} was started, and {behind.fleet.fleet} is still to go back"


def _carried(target: Target, machine: Machine) -> bool:
    """Whether the fleet ever carried the release of this instance."""
    return any(proof.release == machine.revision.release for proof in target.proven)


def _goes_back(target: Target, machine: Machine) -> bool:
    """Whether the release of this instance is wanted, and carried the fleet before and not since."""
    proofs = [proof.at for proof in target.proven if proof.revision == target.revision]
    return target.release == machine.revision.release and bool(proofs) and max(proofs) < target.since


def _has_begun(stage: Stage, machine: Machine) -> bool:
    """Whether others of the release are there, were ordered before this one, or came to nothing."""
    target, revision = stage.target, machine.revision.id
    orders = {order.slot: order.ordered_at for order in target.orders if order.revision == revision}
    earlier = orders and min(orders.values()) < orders.get(machine.slot, target.since)
    others = any(other.revision.id == revision and other is not machine for other in stage.world.living(target.fleet))
    failed = any(failure.revision == revision and failure.at >= target.since for failure in target.failures)
    return bool(earlier) or others or failed
