"""The contract of load balancers."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from repave.model.names import FleetKey, FleetName, InstanceId
from repave.model.observation import Backend, TrafficState
from repave.ports.clock import Clock
from repave.ports.errors import Conflict, Gone
from repave.ports.traffic import Frontend, Traffic
from repave.simulation.contract.rule import Rule, eventually, refuses, require


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that a test started for the balancer to check."""

    instance: InstanceId
    address: str
    port: int


@dataclass(frozen=True, kw_only=True)
class TrafficStage:
    """What a test brings: an adapter with one ensured frontend, and servers that are well or never will be."""

    traffic: Traffic
    clock: Clock
    frontend: Frontend
    well: Callable[[], Server]
    ill: Callable[[], Server]
    stop: Callable[[Server], None]
    """End a server's process."""

    @property
    def fleet(self) -> FleetKey:
        """The frontend's fleet."""
        return self.frontend.fleet

    def attach(self, server: Server, generation: int = 1) -> None:
        """Attach a server."""
        self.traffic.attach(
            self.fleet, server.instance, address=server.address, port=server.port, generation=generation
        )

    def seen(self) -> dict[InstanceId, Backend]:
        """The fleet's backends by instance."""
        return {backend.instance: backend for backend in self.traffic.observe(self.fleet).backends}

    def state(self, server: Server) -> TrafficState | None:
        """What the balancer says of a server."""
        backend = self.seen().get(server.instance)
        return backend.state if backend else None

    def serve(self, server: Server) -> None:
        """Attach a server and wait until it serves."""
        self.attach(server)
        eventually(self.clock, lambda: self.state(server) is TrafficState.SERVING, "a well server comes to serve")


def well_servers_come_to_serve(stage: TrafficStage) -> None:
    """An attached server that is well serves, after it was checked; attaching it again changes nothing."""
    server = stage.well()
    stage.attach(server)
    require(stage.state(server) is not None, "an attached server is listed at once")
    stage.attach(server)
    eventually(stage.clock, lambda: stage.state(server) is TrafficState.SERVING, "a well server comes to serve")
    stage.attach(server)
    require(stage.state(server) is TrafficState.SERVING, "attaching a serving server again changes nothing")


def ill_servers_never_serve(stage: TrafficStage) -> None:
    """An attached server that is not well is checked, and never serves."""
    server = stage.ill()
    stage.attach(server)
    for _ in range(30):
        require(stage.state(server) is TrafficState.CHECKING, "a server that is not well stays in checking")
        stage.clock.sleep(0.1)


def dead_servers_fail(stage: TrafficStage) -> None:
    """A serving server whose process ends no longer serves."""
    server = stage.well()
    stage.serve(server)
    stage.stop(server)
    eventually(stage.clock, lambda: stage.state(server) is TrafficState.FAILING, "a dead server fails")


def draining_ends(stage: TrafficStage) -> None:
    """A drained server gets no new requests and becomes idle; draining again changes nothing; unknown is Gone."""
    server = stage.well()
    stage.serve(server)
    stage.traffic.drain(stage.fleet, server.instance, generation=1)
    require(stage.state(server) in {TrafficState.DRAINING, TrafficState.DRAINED}, "a drained server leaves at once")
    stage.traffic.drain(stage.fleet, server.instance, generation=1)
    eventually(stage.clock, lambda: stage.state(server) is TrafficState.DRAINED, "an idle server is drained")
    refuses(
        Gone,
        lambda: stage.traffic.drain(stage.fleet, InstanceId("never-was"), generation=1),
        "draining what is not attached answers Gone",
    )


def detaching_forgets(stage: TrafficStage) -> None:
    """A detached server is no longer listed; detaching again, or what never was, is success."""
    server = stage.well()
    stage.serve(server)
    stage.traffic.detach(stage.fleet, server.instance, generation=1)
    require(stage.state(server) is None, "a detached server is not listed")
    stage.traffic.detach(stage.fleet, server.instance, generation=1)
    stage.traffic.detach(stage.fleet, InstanceId("never-was"), generation=1)


def older_generations_are_refused(stage: TrafficStage) -> None:
    """An order older than the newest seen is refused and does nothing."""
    server = stage.well()
    stage.attach(server, generation=5)
    other = stage.well()
    refuses(Conflict, lambda: stage.attach(other, generation=4), "an older attach is refused")
    refuses(
        Conflict,
        lambda: stage.traffic.detach(stage.fleet, server.instance, generation=4),
        "an older detach is refused",
    )
    require(set(stage.seen()) == {server.instance}, "a refused order does nothing")


def ensuring_again_keeps_everything(stage: TrafficStage) -> None:
    """The same frontend again, or one with other checks, keeps its endpoint and its serving servers."""
    server = stage.well()
    stage.serve(server)
    first = stage.traffic.ensure(stage.frontend)
    slower = replace(stage.frontend.health, unhealthy=stage.frontend.health.unhealthy + 1)
    second = stage.traffic.ensure(replace(stage.frontend, health=slower))
    require(first == second, "an endpoint stays")
    require(stage.state(server) is TrafficState.SERVING, "what serves goes on serving")


def fleets_do_not_touch(stage: TrafficStage) -> None:
    """Another fleet's frontend neither lists nor forgets this one's servers."""
    server = stage.well()
    stage.serve(server)
    other = replace(stage.fleet, fleet=FleetName("other"))
    stage.traffic.ensure(replace(stage.frontend, fleet=other, listen=None))
    require(not stage.traffic.observe(other).backends, "another fleet does not list it")
    stage.traffic.detach(other, server.instance, generation=9)
    stage.traffic.remove(other)
    stage.traffic.remove(other)
    require(stage.state(server) is TrafficState.SERVING, "another fleet does not touch it")


TRAFFIC_RULES: tuple[Rule[TrafficStage], ...] = (
    Rule(number="1a", sentence="well servers come to serve", check=well_servers_come_to_serve),
    Rule(number="1b", sentence="detaching forgets, again and again", check=detaching_forgets),
    Rule(number="1c", sentence="ensuring again keeps everything", check=ensuring_again_keeps_everything),
    Rule(number="2", sentence="draining ends", check=draining_ends),
    Rule(number="4", sentence="fleets do not touch each other", check=fleets_do_not_touch),
    Rule(number="5", sentence="older generations are refused", check=older_generations_are_refused),
    Rule(number="8", sentence="ill servers never serve", check=ill_servers_never_serve),
    Rule(number="9", sentence="dead servers fail", check=dead_servers_fail),
)
