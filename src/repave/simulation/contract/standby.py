"""The rules of a load balancer that can have instances stand by, as `repave.ports.traffic` states them."""

from repave.model.observation import TrafficState
from repave.ports.errors import Conflict, Gone
from repave.ports.traffic import Traffic
from repave.simulation.contract.requirement import never, refusal, require
from repave.simulation.contract.traffic import CLOCK_GRAIN_SECONDS, Origin, TrafficSubject


class StandbyContract:
    """Rules of standing by in `Traffic`; the numbers are those of `repave.ports.provider`."""

    def test_an_instance_that_stands_by_gets_no_request(self, subject: TrafficSubject) -> None:
        """It is checked, and said to be ready; requests go to those that serve alone, or to nobody."""
        endpoint = subject.balancer.ensure(subject.frontend)
        ready = subject.ready()
        require(subject.ask(endpoint) is None, "one that only stands by answers nobody")
        _, [serving] = subject.serving()
        answers = {subject.ask(endpoint) for _ in range(6)}
        require(answers == {serving.instance}, f"the one that serves gets every request: {answers}")
        require(subject.state(ready) is TrafficState.READY, "and the other stands by")

    def test_an_admitted_instance_serves_at_once(self, subject: TrafficSubject) -> None:
        """What was found healthy while it stood by is not checked anew: the next request may reach it."""
        endpoint = subject.balancer.ensure(subject.frontend)
        ready = subject.ready()
        subject.balancer.admit(subject.fleet, ready.instance, generation=1)
        require(subject.ask(endpoint) == ready.instance, "it answers the next request")
        require(subject.state(ready) is TrafficState.SERVING, "and is said to serve")

    def test_traffic_is_switched_without_a_gap(self, subject: TrafficSubject) -> None:
        """The new are admitted, then the old stand by: every request between is answered; and so on the way back."""
        endpoint, old = subject.serving(2)
        new = [subject.ready(), subject.ready()]
        for those, others in ((new, old), (old, new)):
            for origin in those:
                subject.balancer.admit(subject.fleet, origin.instance, generation=1)
                require(subject.ask(endpoint) is not None, "a request between two orders is answered")
            for origin in others:
                subject.balancer.stand_by(subject.fleet, origin.instance, generation=1)
                require(subject.ask(endpoint) is not None, "a request between two orders is answered")
            answers = {subject.ask(endpoint) for _ in range(8)}
            require(answers == {origin.instance for origin in those}, f"who was admitted answers all: {answers}")
            states = {subject.state(origin) for origin in others}
            require(states == {TrafficState.READY}, f"the others are ready to come back: {states}")

    def test_what_stands_by_ends_its_open_requests(self, subject: TrafficSubject) -> None:
        """Nothing is cut: an open request is counted and goes on."""
        endpoint, [first] = subject.serving()
        with subject.hang(endpoint) as held:
            require(held == first.instance, "the one that serves holds the open request")
            subject.serving()
            subject.balancer.stand_by(subject.fleet, first.instance, generation=1)
            backend = subject.backend(first)
            require(backend and backend.state is TrafficState.READY, "it stands by")
            require(backend and backend.sessions >= 1, "and its open request is counted")

    def test_what_stands_by_since_when_is_told(self, subject: TrafficSubject) -> None:
        """From when it stood by, not from when it was found healthy; asked for again it is the same."""
        _, [origin] = subject.serving()
        subject.clock.sleep(3 * CLOCK_GRAIN_SECONDS)
        before = subject.clock.now()
        subject.balancer.stand_by(subject.fleet, origin.instance, generation=1)
        subject.clock.sleep(2 * CLOCK_GRAIN_SECONDS)
        subject.balancer.stand_by(subject.fleet, origin.instance, generation=1)
        backend = subject.backend(origin)
        late = (backend.since - before).total_seconds() if backend else None
        require(late is not None and abs(late) <= CLOCK_GRAIN_SECONDS, f"it stands by since then: {late} s after")

    def test_one_that_stands_by_and_falls_ill_is_failing(self, subject: TrafficSubject) -> None:
        """It was ready, so it is not checked for the first time; well again it stands by again."""
        subject.balancer.ensure(subject.frontend)
        ready = subject.ready()
        ready.become(well=False)
        subject.await_state(ready, TrafficState.FAILING)
        ready.become(well=True)
        subject.await_state(ready, TrafficState.READY)

    def test_one_that_was_admitted_too_soon_serves_once_it_is_healthy(self, subject: TrafficSubject) -> None:
        """Admitting says where it belongs; its checks say when."""
        endpoint = subject.balancer.ensure(subject.frontend)
        origin = subject.origin()
        origin.become(well=False)
        subject.attached(origin, standby=True)
        subject.balancer.admit(subject.fleet, origin.instance, generation=1)
        never(
            subject.clock,
            subject.glance_seconds,
            lambda: subject.ask(endpoint) is not None,
            "an instance that was never healthy gets a request",
        )
        origin.become(well=True)
        subject.await_state(origin, TrafficState.SERVING)

    def test_rule_1_admitting_and_standing_by_again_change_nothing(self, subject: TrafficSubject) -> None:
        """Rule 1: after a crash too; attaching again keeps the part that the instance has."""
        endpoint, [serving] = subject.serving()
        ready = subject.ready()
        for balancer in (subject.balancer, subject.balancer, subject.reopen()):
            balancer.stand_by(subject.fleet, ready.instance, generation=1)
            balancer.admit(subject.fleet, serving.instance, generation=1)
            _attached_with_other_parts(balancer, subject, ready=ready, serving=serving)
            require(subject.state(ready) is TrafficState.READY, "the one stands by")
            require(subject.state(serving) is TrafficState.SERVING, "the other serves")
        require({subject.ask(endpoint) for _ in range(4)} == {serving.instance}, "and gets every request")

    def test_one_that_drains_goes_on_draining(self, subject: TrafficSubject) -> None:
        """It was sent away: neither brings it back."""
        endpoint, [leaving, staying] = subject.serving(2)
        subject.balancer.drain(subject.fleet, leaving.instance, generation=1)
        subject.balancer.stand_by(subject.fleet, leaving.instance, generation=1)
        subject.balancer.admit(subject.fleet, leaving.instance, generation=1)
        subject.await_state(leaving, TrafficState.DRAINED)
        require({subject.ask(endpoint) for _ in range(4)} == {staying.instance}, "only the other is asked")

    def test_one_that_stands_by_can_be_drained(self, subject: TrafficSubject) -> None:
        """It then leaves like any other."""
        subject.balancer.ensure(subject.frontend)
        ready = subject.ready()
        subject.balancer.drain(subject.fleet, ready.instance, generation=1)
        subject.await_state(ready, TrafficState.DRAINED)

    def test_a_changed_frontend_leaves_every_part_as_it_is(self, subject: TrafficSubject) -> None:
        """Settings change in place: who stands by gets no request through it, who serves goes on."""
        endpoint, [serving] = subject.serving()
        ready = subject.ready()
        subject.balancer.ensure(subject.other)
        answers = {subject.ask(endpoint) for _ in range(6)}
        require(answers == {serving.instance}, f"only the one that serves is asked: {answers}")
        subject.await_state(ready, TrafficState.READY)
        subject.balancer.admit(subject.fleet, ready.instance, generation=1)
        require(subject.state(ready) is TrafficState.SERVING, "and it can be admitted as before")

    def test_rule_2_the_unknown_is_not_switched(self, subject: TrafficSubject) -> None:
        """Rule 2: what is not attached can neither be admitted nor stand by."""
        subject.balancer.ensure(subject.frontend)
        unknown = subject.origin().instance
        refusal(Gone, lambda: subject.balancer.admit(subject.fleet, unknown, generation=1), "admitting is refused")
        refusal(Gone, lambda: subject.balancer.stand_by(subject.fleet, unknown, generation=1), "so is standing by")

    def test_rule_5_an_older_switch_is_refused(self, subject: TrafficSubject) -> None:
        """Rule 5: a controller that was overtaken switches nothing."""
        _, [serving] = subject.serving()
        ready = subject.ready()
        subject.balancer.admit(subject.fleet, serving.instance, generation=5)
        for balancer in (subject.balancer, subject.reopen()):
            _refused_when_older(balancer, subject, ready=ready, serving=serving)
        require(subject.state(ready) is TrafficState.READY, "the one still stands by")
        require(subject.state(serving) is TrafficState.SERVING, "the other still serves")


def _attached_with_other_parts(balancer: Traffic, subject: TrafficSubject, *, ready: Origin, serving: Origin) -> None:
    for origin, standby in ((ready, False), (serving, True)):
        balancer.attach(
            subject.fleet,
            origin.instance,
            address=origin.address,
            port=origin.port,
            generation=1,
            standby=standby,
        )


def _refused_when_older(balancer: Traffic, subject: TrafficSubject, *, ready: Origin, serving: Origin) -> None:
    def admit() -> None:
        balancer.admit(subject.fleet, ready.instance, generation=4)

    def stand_by() -> None:
        balancer.stand_by(subject.fleet, serving.instance, generation=4)

    refusal(Conflict, admit, "an older admission is refused")
    refusal(Conflict, stand_by, "an older standing by is refused")
