"""What is seen of a fleet now: the provider's list, the load balancer's own view and metrics, asked at one time."""

from repave.controller.lanes import run_lanes
from repave.controller.measure import measure
from repave.controller.patience import patiently
from repave.controller.ports import Ports
from repave.model.metrics import MetricSighting
from repave.model.names import FleetKey
from repave.model.observation import MachineSighting, Observation, TrafficSighting
from repave.model.policy import FleetPolicy
from repave.planner.turns import neighbour
from repave.ports.errors import WorldError


def observe(ports: Ports, policy: FleetPolicy, *, rolling: bool, parallel: int) -> Observation:
    """Ask all about the policy's fleet; who does not answer is shown as last seen, marked incomplete with the reason.

    An old sighting keeps its own time, so nothing is taken for seen that was not. Metrics are measured where the policy
    needs them, ``rolling`` or not. Of the fleets whose turn comes before or after this one's, the store is asked.
    """
    fleet = policy.fleet
    sightings: list[MachineSighting | TrafficSighting | MetricSighting] = run_lanes(
        [
            lambda: _machines(ports, fleet),
            lambda: _traffic(ports, fleet),
            lambda: _metrics(ports, policy, policy.metrics_window_seconds(rolling=rolling)),
        ],
        parallel,
    )
    machines, traffic, metrics = sightings
    if not (
        isinstance(machines, MachineSighting)
        and isinstance(traffic, TrafficSighting)
        and isinstance(metrics, MetricSighting)
    ):
        raise TypeError("the lanes answer in their order")
    neighbours = (neighbour(other, ports.store.target(other)) for other in (*policy.after, *policy.before))
    return Observation(
        fleet=fleet,
        at=ports.clock.now(),
        machines=machines,
        traffic=traffic,
        metrics=metrics,
        neighbours=tuple(neighbours),
    )


def _machines(ports: Ports, fleet: FleetKey) -> MachineSighting:
    try:
        return patiently(ports.clock, lambda: ports.machines.observe(fleet))
    except WorldError as error:
        reason = f"the provider could not be asked: {error.message}"
        before = ports.store.last_seen(fleet)
        if before is None:
            return MachineSighting(at=ports.clock.now(), instances=(), incomplete=reason)
        return MachineSighting(at=before.machines.at, instances=before.machines.instances, incomplete=reason)


def _traffic(ports: Ports, fleet: FleetKey) -> TrafficSighting:
    try:
        return patiently(ports.clock, lambda: ports.traffic.observe(fleet))
    except WorldError as error:
        reason = f"the load balancer could not be asked: {error.message}"
        before = ports.store.last_seen(fleet)
        if before is None:
            return TrafficSighting(at=ports.clock.now(), backends=(), incomplete=reason)
        last = before.traffic
        return TrafficSighting(at=last.at, backends=last.backends, endpoint=last.endpoint, incomplete=reason)


def _metrics(ports: Ports, policy: FleetPolicy, window_seconds: float) -> MetricSighting:
    if not window_seconds:
        return MetricSighting()
    before = ports.store.last_seen(policy.fleet)
    known = before.metrics if before else MetricSighting()
    return measure(ports, policy.fleet, known, window_seconds=window_seconds)
