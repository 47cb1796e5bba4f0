"""The intent in memory: targets, changed by compare-and-set on their generation, and leases."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from threading import RLock

from repave.model.event import Event
from repave.model.exposure import Exposure
from repave.model.names import Digest, FleetKey, RevisionId
from repave.model.outcome import Outcome, Result
from repave.model.plan import Launch, Plan
from repave.model.record import planned
from repave.model.revocation import Revoked
from repave.model.succession import aimed, came_to_nothing, committed, generation_at, oldest_first
from repave.model.target import Target
from repave.ports.catalog import Catalog
from repave.ports.errors import Conflict, Gone
from repave.ports.intent import Aim, Lease

FAILED = frozenset({Result.REFUSED, Result.NO_CAPACITY})
"""Outcomes of a launch that end its order."""


class MemoryIntent:
    """What is wanted of fleets, and who may act on it."""

    def __init__(
        self,
        catalog: Catalog,
        revoked: Callable[[FleetKey], tuple[Revoked, ...]],
        exposed: Callable[[FleetKey], tuple[Exposure, ...]],
        record: Callable[[Iterable[Event]], None],
    ) -> None:
        self._record_plan = record
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
        with self._intent_guard:
            return self._known(fleet) if fleet in self._targets else None

    def aim(self, fleet: FleetKey, aim: Aim, at: datetime) -> Target:
        """Want this from now on."""
        with self._intent_guard:
            target = self._targets.get(fleet)
            if target is None:
                self._begin(fleet, aim, at)
                return self._known(fleet)
            wanted = aimed(target, revision=aim.revision, release=aim.release, size=aim.size, at=at)
            if wanted != target:
                self._change(wanted, lowest=generation_at(at))
            return self._known(fleet)

    def commit(self, plan: Plan) -> int:
        """Make the plan the target's next generation. Raises Conflict."""
        with self._intent_guard:
            target = self._targets.get(plan.fleet)
            if target is None or target.generation != plan.parent:
                raise Conflict(
                    f"the plan for {plan.fleet} was made from generation {plan.parent}, no longer the newest"
                )
            release = target.release
            if plan.proven is not None and plan.proven != target.revision:
                release = self._catalog.revision(target.fleet, plan.proven).release
            self._targets[plan.fleet] = committed(target, plan, release)
            self._record_plan([planned(plan)])
            return plan.parent + 1

    def settle(self, fleet: FleetKey, outcomes: Iterable[Outcome]) -> None:
        """Close the orders whose launch was refused or found no capacity, each with a failure."""
        with self._intent_guard:
            for outcome in outcomes:
                target = self._targets.get(fleet)
                step = outcome.step
                if target is None or outcome.result not in {*FAILED, Result.SPENT} or not isinstance(step, Launch):
                    continue
                if all(order.slot != step.slot for order in target.orders):
                    continue
                orders = tuple(order for order in target.orders if order.slot != step.slot)
                if outcome.result is Result.SPENT:
                    self._change(replace(target, orders=orders))
                    continue
                failure = came_to_nothing(target, step, outcome)
                self._change(replace(target, orders=orders, failures=oldest_first((*target.failures, failure))))

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
        """With what is revoked of it now, the flaws it is known to have, and to what else it may be returned."""
        target, revoked, exposures = self._targets[fleet], self._revoked(fleet), self._exposed(fleet)
        carried = any(proof.revision == target.revision for proof in target.proven)
        recorded = None if carried else frozenset(each.id for each in self._catalog.revisions(fleet))
        if (target.revoked, target.exposures, target.recorded) != (revoked, exposures, recorded):
            target = replace(target, revoked=revoked, exposures=exposures, recorded=recorded)
            self._targets[fleet] = target
        return target

    def _begin(self, fleet: FleetKey, aim: Aim, at: datetime) -> None:
        before = self._forgotten.pop(fleet, None)
        self._targets[fleet] = Target(
            fleet=fleet,
            generation=max(generation_at(at), before.generation + 1 if before else 0),
            revision=aim.revision,
            release=aim.release,
            size=aim.size,
            since=at,
            next_slot=1 if before is None else before.next_slot,
        )

    def _change(self, target: Target, *, lowest: int = 0) -> None:
        """Every change has a generation of its own, not below the ``lowest``."""
        self._targets[target.fleet] = replace(target, generation=max(target.generation + 1, lowest))
