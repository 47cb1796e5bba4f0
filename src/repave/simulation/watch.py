"""Whoever holds every deed and every thought of the controllers against the invariants."""

from collections import Counter
from collections.abc import Iterable

from repave.model.names import FleetKey, InstanceId, SlotId
from repave.simulation.invariants import AT_REST, OF_BOTH_FLEETS, OF_DEEDS, OF_THOUGHTS, PLANS, Broken, Deed, Thought
from repave.simulation.life import Decision, Mandate
from repave.simulation.stage import Stage
from repave.simulation.world import Effect

OF_THE_BALANCER = frozenset({"attach", "drain", "detach"})


class Watch:
    """Looks on. ``broken`` holds what did not hold, in the order it was found."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._mandates: dict[int, Mandate] = {}
        self._given: dict[SlotId, Mandate] = {}
        """Of each slot the newest mandate that gave its order when all could be seen."""

        self._taken: set[InstanceId] = set()
        self._newest: Counter[tuple[str, FleetKey]] = Counter()
        """Of each fleet the newest generation whose orders took effect, in the provider and in the balancer."""

        self.excused: set[str] = set()
        """The invariants that could not hold against what adapters did since the fleet was last at rest."""

        self.broken: list[Broken] = []
        self.effects = 0
        self.thoughts = 0
        stage.world.on_effect = self.effect

    def committed(self, mandate: Mandate) -> None:
        """A plan became the target's newest generation."""
        self._mandates[mandate.target.generation] = mandate
        if mandate.sighted:
            self._given |= dict.fromkeys(mandate.launches, mandate)

    def effect(self, effect: Effect) -> None:
        """A call of repave changed something."""
        self.effects += 1
        if effect.served:
            self._taken.add(effect.machine.id)
        where = "balancer" if effect.kind in OF_THE_BALANCER else "provider", effect.fleet
        mandate = self._mandates.get(effect.generation)
        deed = Deed(
            effect=effect,
            mandate=mandate,
            stage=self._stage,
            counted=self._counted(effect, mandate),
            taken=self._taken,
            newest=self._newest[where],
        )
        self._newest[where] = max(self._newest[where], effect.generation)
        own = effect.machine.fleet == self._stage.fleet
        for name, invariant in OF_DEEDS.items():
            if own or name in OF_BOTH_FLEETS:
                self._note(name, invariant(deed))

    def _counted(self, effect: Effect, mandate: Mandate | None) -> Mandate | None:
        """The mandate that counted who lives before it gave this order; None for what is no launch."""
        if effect.kind != "launch" or mandate is None:
            return None
        return mandate if mandate.sighted else self._given.get(effect.machine.slot)

    def thought(self, decision: Decision) -> None:
        """A controller decided something."""
        self.thoughts += 1
        policy = self._stage.of(decision.target.fleet).policy
        thought = Thought(decision=decision, world=self._stage.world, policy=policy)
        for name, invariant in OF_THOUGHTS.items():
            self._note(name, invariant(thought))

    def refused(self, words: str) -> None:
        """The planner made a plan that its checker refuses."""
        self.broken.append(Broken(invariant=PLANS, at=self._stage.world.clock.now(), detail=words))

    def rest(self) -> None:
        """Faults have been over for so long that the fleet must be at rest."""
        self._stage.world.settle()
        for name, invariant in AT_REST.items():
            for stage in self._stage.all:
                self._note(name, invariant(stage))
        self.excused.clear()
        self._taken.clear()
        self._given.clear()
        newest = max(self._mandates, default=0)
        self._mandates = {generation: kept for generation, kept in self._mandates.items() if generation == newest}

    def _note(self, name: str, complaints: Iterable[str]) -> None:
        if name in self.excused:
            return
        for complaint in complaints:
            self.broken.append(Broken(invariant=name, at=self._stage.world.clock.now(), detail=complaint))
