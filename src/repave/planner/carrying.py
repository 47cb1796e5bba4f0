"""What carried the fleet until something else was wanted: it may be returned to, though nobody called it proven yet."""

from collections.abc import Set as AbstractSet
from dataclasses import replace

from repave.model.names import InstanceId, RevisionId
from repave.model.observation import MachineState, Observation, TrafficState
from repave.model.succession import not_before
from repave.model.target import Proof, Target
from repave.planner.failures import DAMNING, last_proven, under_judgement
from repave.planner.turns import carried_before


def carrier(target: Target, observation: Observation) -> Proof | None:
    """The revision that serves the whole fleet alone while one is wanted that never ran here; None when none does.

    A release is called proven late where an old group stands by, or an old instance still ends its requests. When the
    next one is deployed before that, a rollback has to know that this one was well.
    """
    if carried_before(target) or not under_judgement(target) or not target.size:
        return None
    if observation.machines.incomplete or observation.traffic.incomplete:
        return None
    if sum(seen.revision != target.revision for seen in observation.machines.instances) < target.size:
        return None
    backends = observation.traffic.backends
    serving = {backend.instance for backend in backends if backend.state is TrafficState.SERVING}
    proof = _alone(target, observation, serving)
    if proof is None or not _is_news(target, proof.revision):
        return None
    failing = {backend.instance for backend in backends if backend.state is TrafficState.FAILING}
    unwell = any(seen.state is MachineState.STOPPED or seen.id in failing for seen in observation.machines.instances)
    return None if unwell else proof


def _alone(target: Target, observation: Observation, serving: AbstractSet[InstanceId]) -> Proof | None:
    """What all of those who serve run, if they are as many as wanted and it is not what is wanted now."""
    proof, missing = None, max(1, target.size)
    for seen in observation.machines.instances:
        if seen.id in serving:
            if seen.revision == target.revision or (proof and proof.revision != seen.revision):
                return None
            missing -= 1
            if proof is None:
                proof = Proof(
                    revision=seen.revision,
                    release=seen.release,
                    at=not_before(observation.at, target.since),
                )
    return proof if missing <= 0 else None


def with_proof(target: Target, proof: Proof) -> Target:
    """The target with this proof in place of an older one of its revision."""
    return replace(target, proven=(*(one for one in target.proven if one.revision != proof.revision), proof))


def _is_news(target: Target, revision: RevisionId) -> bool:
    """Whether it is not the last that was proven, and nothing speaks against it."""
    last = last_proven(target.proven)
    revoked = any(one.revision == revision for one in target.revoked)
    failed = any(failure.revision == revision and failure.kind in DAMNING for failure in target.failures)
    lost = any(proof.revision == revision and not proof.bootable for proof in target.proven)
    strange = target.recorded is not None and revision not in target.recorded
    return not (revoked or failed or lost or strange) and (last is None or last.revision != revision)
