"""Carrying out a plan: what an error means, what waits for what, and what goes on at the same time."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Barrier, Event
from typing import cast

import pytest

from repave.controller.act import Commission, act
from repave.controller.lanes import run_lanes
from repave.controller.ports import Ports
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    ImageName,
    InstanceId,
    ProjectName,
    ReleaseNumber,
    RevisionId,
    SlotId,
    ZoneName,
)
from repave.model.outcome import Result
from repave.model.plan import Attach, Detach, Drain, Launch, Step, Terminate
from repave.model.release import Revision, SecretReference
from repave.model.revocation import Revoked
from repave.ports.errors import (
    CommandFailed,
    Conflict,
    Corrupt,
    Denied,
    Gone,
    Invalid,
    NoCapacity,
    Throttled,
    Unreachable,
    WorldError,
)
from repave.ports.provider import LaunchOrder, Machines, Placed
from repave.ports.secrets import Secrets
from repave.ports.store import Store
from repave.ports.traffic import Traffic
from repave.simulation.world import SimulatedClock

FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
REVISION = Revision(
    release=ReleaseNumber(1),
    image=ImageName("web"),
    artifact=Digest("sha256:1"),
    port=80,
    secrets=(("TOKEN", SecretReference(scheme="env", locator="TOKEN")),),
)


def launch(slot: str = "web-1") -> Launch:
    """One more."""
    return Launch(slot=SlotId(slot), revision=REVISION.id, zone=ZoneName("a"), reason="wanted")


def terminate(slot: str = "web-1") -> Terminate:
    """One less."""
    return Terminate(instance=InstanceId(f"i-{slot}"), slot=SlotId(slot), reason="old")


def detach(slot: str = "web-1") -> Detach:
    """Forgotten by the balancer."""
    return Detach(instance=InstanceId(f"i-{slot}"), slot=SlotId(slot), reason="old")


def nothing() -> None:
    """It works."""


@dataclass
class Recorder:
    """Every port at once: writes down what was asked, then answers as told."""

    answer: Callable[[], None] = nothing
    calls: list[tuple[object, ...]] = field(default_factory=list)
    orders: list[LaunchOrder] = field(default_factory=list)
    address: str = ""
    """Where what is launched is going to answer, when that is known at once."""

    clock: SimulatedClock = field(default_factory=SimulatedClock)
    because: str = ""

    def revoked(self, _: FleetKey, revision: RevisionId) -> Revoked | None:
        """Whether there is a reason."""
        return Revoked(revision=revision, reason=self.because, since=self.clock.now()) if self.because else None

    def revision(self, _: FleetKey, __: RevisionId) -> Revision:
        """The only one."""
        return REVISION

    def resolve(self, reference: SecretReference) -> str:
        """A secret."""
        return f"value of {reference}"

    def launch(self, order: LaunchOrder, *, placed: Placed) -> InstanceId:
        """Start."""
        self.orders.append(order)
        self.calls.append(("launch", order.slot, order.generation))
        if self.address:
            placed(InstanceId("i"), self.address, order.revision.port)
        self.answer()
        return InstanceId("i")

    def attach(self, *given: object, address: str, port: int, generation: int, standby: bool) -> None:
        """Check."""
        self.calls.append(("attach", given[1], address, port, generation, standby))
        self.answer()

    def drain(self, *given: object, generation: int) -> None:
        """Leave."""
        self.calls.append(("drain", given[1], generation))
        self.answer()

    def detach(self, *given: object, generation: int) -> None:
        """Forget."""
        self.calls.append(("detach", given[1], generation))
        self.answer()

    def terminate(self, *given: object, generation: int) -> None:
        """End."""
        self.calls.append(("terminate", given[1], generation))
        self.answer()

    def ports(self) -> Ports:
        """Itself, in every role."""
        return Ports(
            store=cast("Store", self),
            machines=cast("Machines", self),
            traffic=cast("Traffic", self),
            secrets=cast("Secrets", self),
            clock=self.clock,
        )

    def act(self, *steps: Step, parallel: int = 1) -> list[tuple[str, Result, str]]:
        """The steps, as generation 7: what came of each."""
        outcomes = act(self.ports(), Commission(fleet=FLEET, generation=7, steps=steps), parallel=parallel)
        return [(outcome.step.kind, outcome.result, outcome.detail) for outcome in outcomes]


def failing(error: WorldError) -> Callable[[], None]:
    """Every call fails like this."""

    def fail() -> None:
        raise error

    return fail


def test_every_step_reaches_its_port_with_the_committed_generation() -> None:
    """And a launch with its secrets, resolved just then."""
    recorder = Recorder()
    attach = Attach(instance=InstanceId("i-2"), slot=SlotId("2"), address="10.0.0.2", port=80, reason="")
    drain = Drain(instance=InstanceId("i-3"), slot=SlotId("3"), reason="")
    results = recorder.act(launch(), attach, drain, detach("4"), terminate("4"))
    assert [result for _, result, _ in results] == [Result.DONE] * 5
    assert recorder.calls == [
        ("launch", "web-1", 7),
        ("attach", "i-2", "10.0.0.2", 80, 7, False),
        ("drain", "i-3", 7),
        ("detach", "i-4", 7),
        ("terminate", "i-4", 7),
    ]
    assert recorder.orders[0].secrets == {"TOKEN": "value of env:TOKEN"}
    assert "value of" not in repr(recorder.orders[0])


def test_the_balancer_checks_an_instance_as_soon_as_its_place_is_known() -> None:
    """By an order of the same generation, while the instance still starts."""
    for standby in (False, True):
        recorder = Recorder(address="10.0.0.9")
        assert recorder.act(replace(launch(), standby=standby)) == [("launch", Result.DONE, "")]
        assert recorder.calls == [("launch", "web-1", 7), ("attach", "i", "10.0.0.9", 80, 7, standby)]


def test_a_balancer_that_does_not_answer_keeps_nothing_from_starting() -> None:
    """The next plan orders again what did not work."""
    troubles = iter([Unreachable("silence")])

    def answer() -> None:
        for trouble in troubles:
            raise trouble

    recorder = Recorder(answer=answer, address="10.0.0.9")
    assert recorder.act(launch()) == [("launch", Result.DONE, "")]


def test_what_was_revoked_after_the_commit_is_not_launched() -> None:
    """It counts as overtaken: the revocation has made a newer generation."""
    recorder = Recorder(because="its key was stolen (key old.pub)")
    told = "it was revoked meanwhile: its key was stolen (key old.pub)"
    assert recorder.act(launch(), terminate("2")) == [("launch", Result.STALE, told), ("terminate", Result.DONE, "")]
    assert recorder.orders == []


@pytest.mark.parametrize(
    ("error", "launched", "ended"),
    [
        (Gone("gone"), Result.SPENT, Result.DONE),
        (NoCapacity("full"), Result.NO_CAPACITY, Result.NO_CAPACITY),
        (Denied("no"), Result.REFUSED, Result.REFUSED),
        (Invalid("never"), Result.REFUSED, Result.REFUSED),
        (Corrupt("bytes"), Result.REFUSED, Result.REFUSED),
        (Conflict("older"), Result.STALE, Result.STALE),
        (Unreachable("silence"), Result.UNCERTAIN, Result.UNCERTAIN),
        (Throttled("slowly", after_seconds=4), Result.UNCERTAIN, Result.UNCERTAIN),
        (CommandFailed(["runc"], exit_code=1, stderr=""), Result.UNCERTAIN, Result.UNCERTAIN),
    ],
)
def test_errors_say_whether_it_may_have_worked_and_whether_to_try_again(
    error: WorldError, launched: Result, ended: Result
) -> None:
    """A slot that was ended is never filled; for a removal, gone is success."""
    recorder = Recorder(answer=failing(error))
    detail = error.message
    assert recorder.act(launch()) == [("launch", launched, detail)]
    assert recorder.act(terminate()) == [("terminate", ended, detail)]


def test_a_step_that_did_not_work_leaves_the_later_ones_of_its_slot_undone() -> None:
    """Nothing is ended that the balancer may still send requests to; other slots go on."""
    recorder = Recorder(answer=failing(Unreachable("silence")))
    results = recorder.act(detach("1"), terminate("1"), launch("2"))
    assert [(kind, result) for kind, result, _ in results] == [
        ("detach", Result.UNCERTAIN),
        ("launch", Result.UNCERTAIN),
    ]
    assert [call[0] for call in recorder.calls] == ["detach", "launch"]


def test_a_throttled_step_waits_as_long_as_it_is_told() -> None:
    """And works then."""
    waits = iter([3.0, 0.0])

    def answer() -> None:
        for wait in waits:
            raise Throttled("slowly", after_seconds=wait)

    recorder = Recorder(answer=answer)
    began = recorder.clock.now()
    assert recorder.act(launch()) == [("launch", Result.DONE, "")]
    assert 3.0 < (recorder.clock.now() - began).total_seconds() < 4.0


def test_slots_are_worked_on_at_the_same_time() -> None:
    """Each of three launches returns only once all three have begun."""
    barrier = Barrier(3, timeout=20)

    def meet() -> None:
        barrier.wait()

    recorder = Recorder(answer=meet)
    results = recorder.act(launch("1"), launch("2"), launch("3"), parallel=3)
    assert [result for _, result, _ in results] == [Result.DONE] * 3


def test_what_was_not_begun_when_one_breaks_is_not_begun_any_more() -> None:
    """Those under way are waited for; the error is not lost."""
    begun: list[int] = []
    both, never = Barrier(2, timeout=20), Event()

    def work(number: int) -> Callable[[], int]:
        def lane() -> int:
            begun.append(number)
            if number < 2:
                both.wait()
            else:
                never.wait(0.1)  # long enough for the first error to be noticed many lanes before the last
            raise ValueError(number)

        return lane

    with pytest.raises(ValueError, match="0"):
        run_lanes([work(number) for number in range(40)], 2)
    assert {0, 1} <= set(begun)
    assert len(begun) < 40
