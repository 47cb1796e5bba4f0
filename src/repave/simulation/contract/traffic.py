"""The rules of a load balancer, as `repave.ports.traffic` states them and `repave.ports.provider` numbers them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from repave.model.names import FleetKey, InstanceId
from repave.model.observation import Backend, TrafficState
from repave.ports.clock import Clock
from repave.ports.errors import Conflict, Gone, WorldError
from repave.ports.traffic import Frontend, Traffic
from repave.simulation.contract.requirement import eventually, never, refusal, require


class Origin(Protocol):
    """Something that answers requests at an address: what a balancer sends them to."""

    @property
    def instance(self) -> InstanceId:
        """The name it is attached under; its answers bear it."""
        ...

    @property
    def address(self) -> str:
        """Its IP address."""
        ...

    @property
    def port(self) -> int:
        """Its port."""
        ...

    def become(self, *, well: bool) -> None:
        """Answer health checks well or badly from now on."""
        ...


CLOCK_GRAIN_SECONDS = 1.5
"""Balancers count the time since a change in whole seconds."""


@dataclass(frozen=True, kw_only=True)
class TrafficSubject:
    """One balancer under test, with what the rules need around it. Make one for each test."""

    balancer: Traffic
    clock: Clock
    frontend: Frontend
    """Of a fleet that was never ensured; its checks should be quick."""

    other: Frontend
    """Of a second fleet."""

    origin: Callable[[], Origin]
    """A new origin, well, with an instance name and address of its own."""

    ask: Callable[[str], InstanceId | None]
    """Send one request to an endpoint: which instance answered well; None when none did."""

    hang: Callable[[str], AbstractContextManager[InstanceId]]
    """Send a request to an endpoint that stays open until the block ends: which instance holds it."""

    reopen: Callable[[], Traffic]
    """The same balancer as another process of repave would see it."""

    kill: Callable[[], None]
    """End the balancer itself, as a crash would."""

    patience_seconds: float = 20.0
    """How long the world may take for any one thing."""

    glance_seconds: float = 1.0
    """How long is looked for what must not happen: several rounds of checks."""

    @property
    def fleet(self) -> FleetKey:
        """The fleet under test."""
        return self.frontend.fleet

    def attached(self, origin: Origin, *, generation: int = 1, standby: bool = False) -> Origin:
        """Attach the origin and give it back."""
        self.balancer.attach(
            self.fleet,
            origin.instance,
            address=origin.address,
            port=origin.port,
            generation=generation,
            standby=standby,
        )
        return origin

    def backend(self, origin: Origin) -> Backend | None:
        """The balancer's own view of the origin now."""
        return self.backends().get(origin.instance)

    def backends(self) -> dict[InstanceId, Backend]:
        """The balancer's own view of the fleet now."""
        seen = self.balancer.observe(self.fleet)
        require(not seen.incomplete, f"the list is complete; the balancer says: {seen.incomplete}")
        return {backend.instance: backend for backend in seen.backends}

    def state(self, origin: Origin) -> TrafficState | None:
        """The state of the origin now; None when the balancer does not know it."""
        backend = self.backend(origin)
        return backend.state if backend else None

    def await_state(self, origin: Origin, state: TrafficState) -> None:
        """Wait until the balancer says so."""
        sentence = f"{origin.instance} becomes {state}"
        eventually(self.clock, self.patience_seconds, lambda: self.state(origin) is state, sentence)

    def ready(self) -> Origin:
        """An origin that stands by, and was found healthy."""
        origin = self.attached(self.origin(), standby=True)
        self.await_state(origin, TrafficState.READY)
        return origin

    def serving(self, count: int = 1) -> tuple[str, list[Origin]]:
        """The endpoint, and so many origins that serve behind it."""
        endpoint = self.balancer.ensure(self.frontend)
        origins = [self.attached(self.origin()) for _ in range(count)]
        for origin in origins:
            self.await_state(origin, TrafficState.SERVING)
        return endpoint, origins


class TrafficContract:
    """Rules of `Traffic`; the numbers are those of `repave.ports.provider`."""

    def test_describe_tries_and_tells(self, subject: TrafficSubject) -> None:
        """Whatever a balancer needs is tried, and named with what to do where it does not work."""
        for proof in subject.balancer.describe():
            require(proof.detail, f"the proof `{proof.name}` says what was tried")
            require(proof.works or proof.hint, f"the proof `{proof.name}` fails and says what to do")

    def test_rule_1_ensuring_again_keeps_the_endpoint(self, subject: TrafficSubject) -> None:
        """Rule 1: the endpoint is chosen once and kept, for this process and the next."""
        endpoint = subject.balancer.ensure(subject.frontend)
        scheme = "tcp" if subject.frontend.health.path is None else "http"
        require(endpoint.startswith(f"{scheme}://"), f"the endpoint says how it can be asked: {endpoint}")
        require(subject.balancer.ensure(subject.frontend) == endpoint, "it stays the same")
        require(subject.reopen().ensure(subject.frontend) == endpoint, "also after a crash of repave")
        require(subject.balancer.observe(subject.fleet).endpoint == endpoint, "and the observation tells it")

    def test_an_instance_serves_once_it_is_found_healthy(self, subject: TrafficSubject) -> None:
        """An attached instance is checked first, then gets requests: the balancer's own word is true."""
        endpoint = subject.balancer.ensure(subject.frontend)
        require(subject.ask(endpoint) is None, "without an instance nothing answers")
        origin = subject.attached(subject.origin())
        require(
            subject.state(origin) in {TrafficState.CHECKING, TrafficState.SERVING}, "an attached instance is listed"
        )
        subject.await_state(origin, TrafficState.SERVING)
        require(subject.ask(endpoint) == origin.instance, "it serves, and so gets the request")

    def test_a_sick_instance_never_serves(self, subject: TrafficSubject) -> None:
        """An instance that was never found healthy is being checked, not failing, and gets no request."""
        endpoint = subject.balancer.ensure(subject.frontend)
        origin = subject.origin()
        origin.become(well=False)
        subject.attached(origin)
        never(
            subject.clock,
            subject.glance_seconds,
            lambda: subject.state(origin) is not TrafficState.CHECKING,
            "an instance that was never healthy stays in `checking`",
        )
        require(subject.ask(endpoint) is None, "it gets no request")
        origin.become(well=True)
        subject.await_state(origin, TrafficState.SERVING)

    def test_rule_1_attaching_again_changes_nothing(self, subject: TrafficSubject) -> None:
        """Rule 1: an instance that serves goes on serving, and since when it did."""
        _, [origin] = subject.serving()
        before = subject.backend(origin)
        subject.attached(origin)
        subject.reopen().attach(subject.fleet, origin.instance, address=origin.address, port=origin.port, generation=1)
        after = subject.backend(origin)
        require(before is not None and after is not None, "it is listed before and after")
        require(after and after.state is TrafficState.SERVING, "it goes on serving")
        moved = abs((after.since - before.since).total_seconds()) if before and after else 0
        require(moved <= CLOCK_GRAIN_SECONDS, "it still serves since the same time")
        require(len(subject.backends()) == 1, "it is listed once")

    def test_a_failing_instance_gets_no_requests_until_it_is_well(self, subject: TrafficSubject) -> None:
        """What served and fails its checks is failing, not checking; it may come back."""
        endpoint, [first, second] = subject.serving(2)
        first.become(well=False)
        subject.await_state(first, TrafficState.FAILING)
        answers = {subject.ask(endpoint) for _ in range(6)}
        require(answers == {second.instance}, f"the other gets every request: {answers}")
        first.become(well=True)
        subject.await_state(first, TrafficState.SERVING)

    def test_a_draining_instance_ends_its_open_requests(self, subject: TrafficSubject) -> None:
        """A drained instance gets nothing new; an open request ends in peace, and then it is idle."""
        endpoint, [only] = subject.serving()
        with subject.hang(endpoint) as held:
            require(held == only.instance, "the one that serves holds the open request")
            _, [_] = subject.serving()
            subject.balancer.drain(subject.fleet, only.instance, generation=1)
            subject.await_state(only, TrafficState.DRAINING)
            backend = subject.backend(only)
            require(backend and backend.sessions >= 1, "an open request is counted")
            answers = {subject.ask(endpoint) for _ in range(6)}
            require(only.instance not in answers and None not in answers, f"it gets no new request: {answers}")
        subject.await_state(only, TrafficState.DRAINED)

    def test_rule_1_draining_again_changes_nothing(self, subject: TrafficSubject) -> None:
        """Rule 1: a drain is asked for again after a crash, and an idle instance is drained soon."""
        endpoint, [first, second] = subject.serving(2)
        for balancer in (subject.balancer, subject.balancer, subject.reopen()):
            balancer.drain(subject.fleet, first.instance, generation=1)
        subject.await_state(first, TrafficState.DRAINED)
        require({subject.ask(endpoint) for _ in range(4)} == {second.instance}, "only the other is asked")

    def test_rule_2_draining_the_unknown_answers_gone(self, subject: TrafficSubject) -> None:
        """Rule 2: what is not attached cannot be drained."""
        subject.balancer.ensure(subject.frontend)
        unknown = subject.origin().instance
        refusal(Gone, lambda: subject.balancer.drain(subject.fleet, unknown, generation=1), "an unknown one is refused")

    def test_rule_2_detaching_again_is_no_error(self, subject: TrafficSubject) -> None:
        """Rules 1 and 2: what is forgotten is success where forgetting was asked."""
        endpoint, [first, second] = subject.serving(2)
        for balancer in (subject.balancer, subject.balancer, subject.reopen()):
            balancer.detach(subject.fleet, first.instance, generation=1)
        require(set(subject.backends()) == {second.instance}, "a detached instance is not listed")
        require({subject.ask(endpoint) for _ in range(4)} == {second.instance}, "and gets no request")

    def test_a_detached_instance_may_be_attached_again(self, subject: TrafficSubject) -> None:
        """Forgotten is forgotten: it starts again with its checks."""
        _, [origin] = subject.serving()
        subject.balancer.detach(subject.fleet, origin.instance, generation=1)
        subject.attached(origin)
        subject.await_state(origin, TrafficState.SERVING)

    def test_rule_3_what_was_never_ensured_has_no_backends(self, subject: TrafficSubject) -> None:
        """Rule 3: an unknown frontend is an empty list, and complete."""
        require(not subject.backends(), "nothing is attached to what was never ensured")

    def test_rule_4_fleets_do_not_see_each_other(self, subject: TrafficSubject) -> None:
        """Rule 4: a fleet's endpoint is served by its own instances, whatever becomes of the other."""
        endpoint, [mine] = subject.serving()
        elsewhere = subject.balancer.ensure(subject.other)
        require(elsewhere != endpoint, "each fleet has an endpoint of its own")
        require(subject.ask(elsewhere) is None, "the other fleet has no instance")
        require(not subject.balancer.observe(subject.other.fleet).backends, "and lists none")
        subject.balancer.detach(subject.other.fleet, mine.instance, generation=1)
        subject.balancer.remove(subject.other.fleet)
        require(subject.ask(endpoint) == mine.instance, "ours goes on")

    def test_rule_5_older_generations_are_refused(self, subject: TrafficSubject) -> None:
        """Rule 5: a controller that was overtaken changes nothing."""
        endpoint, [origin] = subject.serving()
        subject.attached(origin, generation=5)
        for balancer in (subject.balancer, subject.reopen()):
            _refused_when_older(balancer, subject, origin)
        require(subject.state(origin) is TrafficState.SERVING, "it still serves")
        require(subject.ask(endpoint) == origin.instance, "and answers")
        subject.balancer.drain(subject.fleet, origin.instance, generation=5)

    def test_changed_checks_take_effect_in_place(self, subject: TrafficSubject) -> None:
        """Settings change without a dropped request: what serves goes on, and the new checks hold."""
        endpoint, [origin] = subject.serving()
        fewer = replace(subject.frontend.health, unhealthy=subject.frontend.health.unhealthy + 1)
        changed = replace(subject.frontend, health=fewer, drain_timeout_seconds=5.0)
        require(subject.balancer.ensure(changed) == endpoint, "the endpoint stays")
        require(subject.ask(endpoint) == origin.instance, "the instance goes on serving")
        subject.await_state(origin, TrafficState.SERVING)
        origin.become(well=False)
        subject.await_state(origin, TrafficState.FAILING)

    def test_a_dead_balancer_comes_back(self, subject: TrafficSubject) -> None:
        """After a crash of the balancer itself, ensuring and attaching again is all it takes."""
        endpoint, [origin] = subject.serving()
        subject.kill()
        require(_admits_its_death(subject), "a dead balancer does not claim that its instance serves")
        require(subject.balancer.ensure(subject.frontend) == endpoint, "it comes back at the same endpoint")
        subject.attached(origin)
        subject.await_state(origin, TrafficState.SERVING)
        require(subject.ask(endpoint) == origin.instance, "and answers")

    def test_removing_a_fleet_ends_its_endpoint(self, subject: TrafficSubject) -> None:
        """Rules 1 and 2: a removed fleet is neither served nor listed, however often it is removed."""
        endpoint, _ = subject.serving()
        for _ in range(2):
            subject.balancer.remove(subject.fleet)
        subject.reopen().remove(subject.fleet)
        require(not subject.balancer.observe(subject.fleet).backends, "nothing is listed")
        require(subject.ask(endpoint) is None, "nothing answers")


def _refused_when_older(balancer: Traffic, subject: TrafficSubject, origin: Origin) -> None:
    def attach() -> None:
        balancer.attach(subject.fleet, origin.instance, address=origin.address, port=origin.port, generation=4)

    refusal(Conflict, attach, "an older attach is refused")
    refusal(Conflict, lambda: balancer.drain(subject.fleet, origin.instance, generation=4), "an older drain is refused")
    refusal(
        Conflict, lambda: balancer.detach(subject.fleet, origin.instance, generation=4), "an older detach is refused"
    )


def _admits_its_death(subject: TrafficSubject) -> bool:
    try:
        seen = subject.balancer.observe(subject.fleet)
    except WorldError:
        return True
    return bool(seen.incomplete) or all(backend.state is not TrafficState.SERVING for backend in seen.backends)
