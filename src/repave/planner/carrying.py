"""What carried the fleet until something else was wanted: it may be returned to, though nobody called it proven yet."""

from dataclasses import replace

from repave.model.names import RevisionId
from repave.model.observation import Instance, MachineState, Observation, TrafficState
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
    states = {backend.instance: backend.state for backend in observation.traffic.backends}
    serving = [seen for seen in observation.machines.instances if states.get(seen.id) is TrafficState.SERVING]
    revisions = {seen.revision for seen in serving}
    if len(serving) < target.size or len(revisions) > 1 or target.revision in revisions:
        return None
    [revision] = revisions
    unwell = any(_is_unwell(seen, states.get(seen.id)) for seen in observation.machines.instances)
    if unwell or not _is_news(target, revision):
        return None
    return Proof(revision=revision, release=serving[0].release, at=not_before(observation.at, target.since))


def with_proof(target: Target, proof: Proof) -> Target:
    """The target with this proof in place of an older one of its revision."""
    return replace(target, proven=(*(one for one in target.proven if one.revision != proof.revision), proof))


def _is_unwell(seen: Instance, state: TrafficState | None) -> bool:
    return seen.state is MachineState.STOPPED or state is TrafficState.FAILING


def _is_news(target: Target, revision: RevisionId) -> bool:
    """Whether it is not the last that was proven, and nothing speaks against it."""
    last = last_proven(target.proven)
    revoked = any(one.revision == revision for one in target.revoked)
    failed = any(failure.revision == revision and failure.kind in DAMNING for failure in target.failures)
    lost = any(proof.revision == revision and not proof.bootable for proof in target.proven)
    return not (revoked or failed or lost) and (last is None or last.revision != revision)
