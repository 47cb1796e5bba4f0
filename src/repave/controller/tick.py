"""One tick of one fleet: observe, plan, check, commit, act, record."""

from collections.abc import Callable
from dataclasses import dataclass

from repave.controller.act import Commission, act
from repave.controller.collecting import uncollected
from repave.controller.lanes import run_lanes
from repave.controller.observe import observe
from repave.controller.ports import Declared, Ports
from repave.controller.record import Storyteller
from repave.model.names import FleetKey
from repave.model.observation import Observation
from repave.model.outcome import Outcome
from repave.model.plan import Plan
from repave.model.target import Target
from repave.planner.check import check
from repave.planner.failures import under_judgement
from repave.planner.fleet import plan
from repave.ports.errors import Conflict


@dataclass(frozen=True, kw_only=True)
class Tick:
    """What one tick of one fleet saw, decided and did; for a follower: what the leader last recorded."""

    fleet: FleetKey
    target: Target
    """As the plan was made from it."""

    observation: Observation | None
    plan: Plan | None
    outcomes: tuple[Outcome, ...] = ()
    overtaken: bool = False
    """Another was faster: nothing of the plan was committed or done."""

    leader: str = ""
    """Who acts on the fleet, when it is not us."""


class Ticker:
    """Ticks fleets, without any memory that a decision depends on."""

    def __init__(self, ports: Ports, declared: Declared, *, parallel: int) -> None:
        self._ports = ports
        self._declared = declared
        self._parallel = parallel
        self._story = Storyteller(ports.store)

    def tick(self, fleet: FleetKey) -> Tick | None:
        """One round; None when nothing is wanted of the fleet any more. Raises UnsafePlan, and what the store raises.

        The target is read before the world is looked at: whatever another has done since then makes the commit fail.
        """
        target = self._ports.store.target(fleet)
        if target is None:
            return None
        policy = self._declared.policy(fleet)
        observation = observe(self._ports, policy, rolling=under_judgement(target), parallel=self._parallel)
        now = self._ports.clock.now()
        with uncollected():
            decision = plan(policy, target, observation, now)
            check(decision, policy, target, observation, now)
        try:
            generation = self._ports.store.commit(decision) if decision.changes else target.generation
        except Conflict:
            with self._ports.store.together():
                self._story.saw(observation, target)
            return Tick(fleet=fleet, target=target, observation=observation, plan=decision, overtaken=True)

        def decided() -> None:
            with self._ports.store.together():
                self._story.saw(observation, target)
                self._story.decided(decision, target)

        outcomes = self._carry_out(Commission(fleet=fleet, generation=generation, steps=decision.steps), decided)
        if outcomes:
            with self._ports.store.together():
                self._ports.store.settle(fleet, outcomes)
                self._story.did(outcomes, target)
        return Tick(fleet=fleet, target=target, observation=observation, plan=decision, outcomes=outcomes)

    def _carry_out(self, commission: Commission, story: Callable[[], None]) -> tuple[Outcome, ...]:
        """What came of the steps; what was seen and decided is written down meanwhile, for it holds whatever comes."""
        outcomes: list[Outcome] = []
        if not commission.steps:
            story()
            return ()
        lanes = (story, lambda: outcomes.extend(act(self._ports, commission, parallel=self._parallel)))
        run_lanes(lanes, self._parallel)
        return tuple(outcomes)
