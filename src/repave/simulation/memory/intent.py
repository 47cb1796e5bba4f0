"""The intent in memory: targets, changed by compare-and-set on their generation, and leases."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from threading import RLock

from repave.model.canary import CanaryStage
from repave.model.disruption import HOUR
from repave.model.exposure import Exposure
from repave.model.names import Digest, FleetKey, ReleaseNumber, RevisionId
from repave.model.outcome import Outcome, Result
from repave.model.plan import Launch, Plan
from repave.model.revocation import Revoked
from repave.model.target import Failure, FailureKind, Order, Proof, Target
from repave.ports.catalog import Catalog
from repave.ports.errors import Conflict, Gone
from repave.ports.intent import Aim, Lease

KEPT = timedelta(days=1)
"""How long failures and heals count, as the port says."""

CLOSING = {Result.REFUSED: FailureKind.REFUSED, Result.NO_CAPACITY: FailureKind.NO_CAPACITY}
"""Outcomes of a launch that end its order."""


class MemoryIntent:
    """What is wanted of fleets, and who may act on it."""

    def __init__(
        self,
        catalog: Catalog,
        revoked: Callable[[FleetKey], tuple[Revoked, ...]],
        exposed: Callable[[FleetKey], tuple[Exposure, ...]],
    ) -> None:
        self._intent_guard = RLock()
        self._catalog = catalog
        self._revoked = revoked
        self._exposed = exposed
        self._targets: dict[FleetKey, Target] = {}
        self._forgotten: dict[FleetKey, Target] = {}
        self._leases: dict[str, Lease] = {}

    def fleets(self) -> tuple[FleetKey, ...]:
        """Every fleet that has a target, sorted."""
        return tuple(sorted(self._targets))

    def target(self, fleet: FleetKey) -> Target | None:
        """With its open orders, failures of the last day, heals and proofs."""
        return self._known(fleet) if fleet in self._targets else None

    def aim(self, fleet: FleetKey, aim: Aim, at: datetime) -> Target:
        """Want this from now on."""
        with self._intent_guard:
            target = self._targets.get(fleet)
            if target is None:
                self._begin(fleet, aim, at)
                return self._known(fleet)
            if target.stopped or (target.revision, target.release, target.size) != (
                aim.revision,
                aim.release,
                aim.size,
            ):
                self._targets[fleet] = replace(
                    target,
                    generation=target.generation + 1,
                    revision=aim.revision,
                    release=aim.release,
                    size=aim.size,
                    since=target.since if target.revision == aim.revision else at,
                    switched=target.switched if target.revision == aim.revision else None,
                    canary=target.canary if target.revision == aim.revision else CanaryStage(),
                    stopped="",
                    failures=tuple(failure for failure in target.failures if failure.revision != aim.revision),
                )
            return self._known(fleet)

    def commit(self, plan: Plan) -> int:
        """Make the plan the target's next generation. Raises Conflict."""
        with self._intent_guard:
            target = self._targets.get(plan.fleet)
            if target is None or target.generation != plan.parent:
                raise Conflict(
                    f"the plan for {plan.fleet} was made from generation {plan.parent}, no longer the newest"
                )
            wanted = target
            if plan.retarget is not None:
                back = plan.retarget
                wanted = replace(
                    target,
                    revision=back.revision,
                    release=back.release,
                    since=plan.at,
                    switched=None,
                    canary=CanaryStage(),
                    stopped="",
                )
            elif plan.stop:
                wanted = replace(target, stopped=plan.stop)
            elif plan.switch:
                wanted = replace(target, switched=plan.at)
            elif plan.canary is not None:
                wanted = replace(target, canary=plan.canary)
            if plan.resumes:
                wanted = replace(wanted, paused=False, paused_since=None, paused_until=None, paused_reason="")
            if plan.healing:
                wanted = replace(wanted, healing_stopped=plan.at if plan.healing == "stops" else None)
            self._change(
                replace(
                    wanted,
                    protections=tuple(known for known in target.protections if known.until > plan.at),
                    replacements=tuple(wish for wish in target.replacements if wish.slot not in plan.replaced),
                    sicknesses=(
                        *(entry for entry in target.sicknesses if entry.since >= plan.at - KEPT),
                        *plan.sicknesses,
                    ),
                    orders=_orders(target, plan),
                    failures=_oldest_first(
                        *(failure for failure in target.failures if failure.at >= plan.at - KEPT), *plan.failures
                    ),
                    heals=tuple(
                        sorted(
                            (*(heal for heal in target.heals if heal.at >= plan.at - KEPT), *plan.heals),
                            key=lambda heal: heal.at,
                        )
                    ),
                    disruptions=(
                        *(entry for entry in target.disruptions if entry.at >= plan.at - HOUR),
                        *plan.disruptions,
                    ),
                    proven=self._proofs(target, plan),
                    next_slot=max(target.next_slot, plan.next_slot),
                    size=target.size if plan.resize is None else plan.resize.size,
                    size_history=target.size_history if plan.size_history is None else plan.size_history,
                )
            )
            return plan.parent + 1

    def settle(self, fleet: FleetKey, outcomes: Iterable[Outcome]) -> None:
        """Close the orders whose launch was refused or found no capacity, each with a failure."""
        with self._intent_guard:
            for outcome in outcomes:
                target = self._targets.get(fleet)
                step = outcome.step
                if target is None or outcome.result not in (*CLOSING, Result.SPENT) or not isinstance(step, Launch):
                    continue
                if all(order.slot != step.slot for order in target.orders):
                    continue
                orders = tuple(order for order in target.orders if order.slot != step.slot)
                if outcome.result is Result.SPENT:
                    self._change(replace(target, orders=orders))
                    continue
                failure = Failure(
                    slot=step.slot,
                    revision=step.revision,
                    zone=step.zone,
                    kind=CLOSING[outcome.result],
                    at=outcome.at,
                    detail=outcome.detail,
                )
                self._change(replace(target, orders=orders, failures=_oldest_first(*target.failures, failure)))

    def unbootable(self, fleet: FleetKey, revisions: Iterable[RevisionId]) -> None:
        """These proven revisions can no longer be started; the others can."""
        with self._intent_guard:
            lost, target = frozenset(revisions), self._targets.get(fleet)
            if target is None:
                return
            proven = tuple(replace(proof, bootable=proof.revision not in lost) for proof in target.proven)
            if proven != target.proven:
                self._change(replace(target, proven=proven))

    def forget(self, fleet: FleetKey) -> None:
        """The fleet is destroyed; its generations and slot numbers are never given again."""
        with self._intent_guard:
            target = self._targets.pop(fleet, None)
            if target is not None:
                self._forgotten[fleet] = replace(target, generation=target.generation + 1)

    def acquire(self, name: str, holder: str, *, at: datetime, seconds: float) -> Lease | None:
        """Take or renew the lease; None while another holds it."""
        with self._intent_guard:
            held = self._leases.get(name)
            if held is not None and held.holder != holder and held.expires_at > at:
                return None
            self._leases[name] = Lease(name=name, holder=holder, expires_at=at + timedelta(seconds=seconds))
            return self._leases[name]

    def lease(self, name: str, at: datetime) -> Lease | None:
        """Who holds it now."""
        held = self._leases.get(name)
        return held if held is not None and held.expires_at > at else None

    def release_lease(self, name: str, holder: str) -> None:
        """Give it back; not held is no error."""
        with self._intent_guard:
            held = self._leases.get(name)
            if held is not None and held.holder == holder:
                del self._leases[name]

    def change(self, fleet: FleetKey, become: Callable[[Target], Target]) -> Target:
        """Make one target of another; what comes out the same changes nothing. Raises Gone."""
        with self._intent_guard:
            target = self._targets.get(fleet)
            if target is None:
                raise Gone(f"{fleet} has no target")
            if become(target) != target:
                self._change(become(target))
            return self._known(fleet)

    def move_on(self, artifacts: frozenset[Digest]) -> None:
        """A generation more for every fleet that was asked to run one of them: what is revoked has changed."""
        with self._intent_guard:
            for fleet, target in self._targets.items():
                if any(revision.artifact in artifacts for revision in self._catalog.revisions(fleet)):
                    self._targets[fleet] = replace(target, generation=target.generation + 1)

    def _known(self, fleet: FleetKey) -> Target:
        """With what is revoked of it now, and the flaws it is known to have."""
        return replace(self._targets[fleet], revoked=self._revoked(fleet), exposures=self._exposed(fleet))

    def _begin(self, fleet: FleetKey, aim: Aim, at: datetime) -> None:
        before = self._forgotten.pop(fleet, None)
        self._targets[fleet] = Target(
            fleet=fleet,
            generation=1 if before is None else before.generation + 1,
            revision=aim.revision,
            release=aim.release,
            size=aim.size,
            since=at,
            next_slot=1 if before is None else before.next_slot,
        )

    def _change(self, target: Target) -> None:
        """Every change has a generation of its own."""
        self._targets[target.fleet] = replace(target, generation=target.generation + 1)

    def _proofs(self, target: Target, plan: Plan) -> tuple[Proof, ...]:
        if plan.proven is None:
            return target.proven
        known = next((proof for proof in target.proven if proof.revision == plan.proven), None)
        if known is None:
            release = (
                target.release
                if plan.proven == target.revision
                else ReleaseNumber(self._catalog.revision(target.fleet, plan.proven).release)
            )
            known = Proof(revision=plan.proven, release=release, at=plan.at)
        others = [proof for proof in target.proven if proof.revision != plan.proven]
        proven = (*others, replace(known, at=plan.at, bootable=True))
        return tuple(sorted(proven, key=lambda proof: (proof.at, proof.revision)))


def _orders(target: Target, plan: Plan) -> tuple[Order, ...]:
    """A launch given again keeps the moment it was first ordered."""
    known = {order.slot: order for order in target.orders}
    for step in plan.steps:
        if isinstance(step, Launch) and step.slot not in known:
            known[step.slot] = Order(slot=step.slot, revision=step.revision, zone=step.zone, ordered_at=plan.at)
    waiting = [order for slot, order in known.items() if slot not in plan.closed]
    return tuple(sorted(waiting, key=lambda order: (order.ordered_at, order.slot)))


def _oldest_first(*failures: Failure) -> tuple[Failure, ...]:
    return tuple(sorted(failures, key=lambda failure: failure.at))
