"""From a draft to the plan: the holds of what merely takes its time, the phase, and one line for people."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from repave.model.disruption import Drawer
from repave.model.names import SlotId
from repave.model.plan import Admit, Drain, Launch, Phase, Plan, Rule, StandBy
from repave.model.target import Target
from repave.planner import onsets
from repave.planner.draft import ALIVE, Draft
from repave.planner.failures import last_proven
from repave.planner.keeper import drained_by
from repave.planner.sets import Standing
from repave.planner.turns import Turn, carried_before

MOST_NAMES = 3
"""In one line for people."""


def narrate(draft: Draft) -> Plan:
    """The finished plan."""
    _hold_what_takes_time(draft)
    _hold_what_is_stopped(draft)
    phase = _phase(draft)
    summary = _summary(draft, phase)
    draft.holds += draft.resting
    return Plan(
        fleet=draft.target.fleet,
        parent=draft.target.generation,
        at=draft.now,
        phase=phase,
        summary=summary,
        steps=tuple(draft.steps),
        holds=tuple(sorted(sorted(draft.holds, key=attrgetter("rule")), key=attrgetter("subject"))),
        draws=tuple(draft.budget.draws),
        failures=tuple(draft.failures),
        closed=tuple(sorted(set(draft.closed))),
        heals=tuple(draft.heals),
        sicknesses=tuple(draft.notes.sicknesses),
        healing=draft.notes.healing,
        replaced=tuple(draft.notes.replaced),
        resumes=draft.notes.resumes,
        disruptions=tuple(draft.budget.disruptions),
        next_slot=draft.next_slot,
        retarget=draft.retarget,
        stop=draft.stop,
        resize=draft.size.resize,
        size_history=draft.size.history,
        sizing=draft.size.sizing,
        canary=draft.canary,
        switch=draft.switch,
        proven=draft.proven,
        ages=draft.ages,
        wake_at=_wake_at(draft),
    )


def _hold_what_takes_time(draft: Draft) -> None:
    for member in draft.remaining(Standing.COMING):
        if not draft.is_held(member):
            steady = draft.policy.health.steady_seconds
            words = "it has not been found healthy yet" if steady is None else f"it has not run for {steady:g} s yet"
            draft.hold(member.slot, Rule.STARTING, words, since=member.instance.started_at, until=member.healthy_by)
    for member in draft.remaining(Standing.LEAVING):
        backend = member.backend
        if backend is not None and not draft.is_held(member):
            words = f"{backend.sessions} open request{'' if backend.sessions == 1 else 's'}"
            if draft.policy.health.steady_seconds is not None:
                words = "it finishes its work"
            until = drained_by(draft.policy, backend, draft.sets.lag)
            draft.hold(member.slot, Rule.DRAINING, words, since=backend.since, until=until)
    for member in draft.remaining(Standing.SICK, Standing.LATE, Standing.DEAD):
        if not draft.is_held(member):
            paused = draft.target.paused
            rule, ends = (Rule.PAUSED, draft.target.paused_until) if paused else (Rule.UNSEEN, None)
            words = "it does not serve; nothing is removed now"
            draft.hold(member.slot, rule, words, since=member.since, until=ends)


def _hold_what_is_stopped(draft: Draft) -> None:
    revoked = draft.revoked.get(draft.target.revision)
    if draft.halted:
        reason = draft.target.stopped or draft.stop or (draft.retarget.reason if draft.retarget else "")
        rule = Rule.REVOKED if revoked and draft.retarget else Rule.STOPPED
        draft.hold("fleet", rule, reason, since=onsets.stopped(draft))
    elif revoked:
        words = f"{draft.barred}; nothing of it is started, what serves goes on, and no good release is known here"
        draft.hold("fleet", Rule.REVOKED, words, since=revoked.since)
    elif draft.barred and _lacks(draft):
        draft.hold("fleet", Rule.STOPPED, f"{draft.barred}: nothing of it is launched", since=draft.now)


def _lacks(draft: Draft) -> bool:
    return len(draft.remaining(*ALIVE, current=True)) < draft.target.size


def _phase(draft: Draft) -> Phase:
    if draft.target.paused:
        return Phase.PAUSED
    return _phase_before(draft.turn) if draft.turn else _phase_of_move(draft)


def _phase_before(turn: Turn) -> Phase:
    if turn.hopeless:
        return Phase.STOPPED
    return _way(turn.wanted) if carried_before(turn.wanted) else Phase.ROLLING


def _phase_of_move(draft: Draft) -> Phase:
    if draft.retarget:
        return Phase.ROLLING_BACK
    if draft.halted or draft.target.revision in draft.revoked or (draft.barred and _lacks(draft)):
        return Phase.STOPPED
    return _moving_phase(draft)


def _moving_phase(draft: Draft) -> Phase:
    # A fleet of nobody has nothing to prove.
    if any(not member.current for member in draft.sets.members) or (draft.judging and draft.target.size > 0):
        return _way(draft.target) if draft.returning else Phase.ROLLING
    if draft.failures or draft.heals or (_serving(draft) < draft.target.size and _failed_lately(draft)):
        return Phase.HEALING
    flapping = any(outgoing.drawer is Drawer.HEAL for outgoing in draft.outgoing.values())
    if flapping or draft.remaining(Standing.SICK, current=True):
        return Phase.HEALING
    if draft.outgoing:
        return Phase.RENEWING
    busy = draft.steps or draft.closed or draft.proven or draft.holds or draft.sets.orders or draft.size.resize
    return Phase.SCALING if busy else Phase.CONVERGED


def _way(target: Target) -> Phase:
    """Of what carried the fleet before: it may have been left for an earlier one, and is gone forward to again."""
    last = last_proven(target.proven)
    forward = last is not None and last.revision != target.revision and last.release < target.release
    return Phase.ROLLING if forward else Phase.ROLLING_BACK


def _failed_lately(draft: Draft) -> bool:
    """Whether what is missing was lost, rather than newly wanted."""
    window = timedelta(seconds=draft.policy.healing.window_seconds)
    failed = (failure.at for failure in draft.all_failures if failure.revision == draft.target.revision)
    return any(timedelta(0) <= draft.now - at < window for at in failed)


def _summary(draft: Draft, phase: Phase) -> str:
    size, release = draft.target.size, f"r{draft.target.release}"
    serving = _serving(draft)
    if phase is Phase.CONVERGED:
        return f"{serving} of {size} serve {release}"
    if draft.turn and phase is not Phase.PAUSED:
        wanted = draft.turn.wanted
        kept = f"; {serving} of {size} serve {release}" if draft.turn.meanwhile else ""
        return f"r{wanted.release} waits for its turn: {draft.turn.detail}{kept}"
    if draft.retarget:
        other = draft.retarget.release != draft.target.release
        way = f"r{draft.retarget.release}" if other else "its settings of before"
        return f"stopped {release}: {draft.retarget.reason}; back to {way}"
    if phase is Phase.STOPPED:
        return f"stopped {release}: {draft.target.stopped or draft.stop or draft.barred}; {serving} of {size} serve it"
    doing = [f"{serving} of {size} serve {release}"]
    resize = draft.size.resize
    doing += [f"{resize.size} are wanted from now on ({resize.reason})"] if resize else []
    starting = sum(isinstance(step, Launch) for step in draft.steps)
    leaving = sum(isinstance(step, Drain) for step in draft.steps)
    doing += [f"starting {starting}"] if starting else []
    doing += [f"draining {leaving}"] if leaving else []
    doing += _standing_by(draft)
    sick = draft.remaining(Standing.SICK, Standing.LATE, current=False)
    doing += [f"{len(sick)} old ones are sick and hold nothing up"] if sick and draft.judging else []
    doing += [] if starting or leaving or resize else _waiting(draft)
    return f"{phase.value}: {', '.join(doing)}"


def _standing_by(draft: Draft) -> list[str]:
    admitted = sum(isinstance(step, Admit) for step in draft.steps)
    resting = sum(isinstance(step, StandBy) for step in draft.steps)
    ready = len(draft.remaining(Standing.READY, current=True)) - admitted
    kept = len(draft.remaining(Standing.READY, current=False)) + resting
    words = [f"letting {admitted} in"] if admitted else []
    words += [f"{ready} ready for the switch"] if ready else []
    return words + ([f"{kept} old ones stand by"] if kept else [])


def _waiting(draft: Draft) -> list[str]:
    """What the whole fleet waits for just now, the nearest first."""
    coming = [member.slot for member in draft.remaining(Standing.COMING, current=True)]
    coming += [member.slot for member in draft.remaining(Standing.COMING, current=False) if member.slot in draft.beside]
    coming += [order.slot for order in (*draft.sets.orders, *draft.sets.beside) if not draft.halted]
    if coming:
        return [f"waiting for {_names(coming)} to become healthy"]
    leaving = [member.slot for member in draft.remaining(Standing.LEAVING)]
    if leaving:
        what = "end open requests" if draft.policy.health.steady_seconds is None else "finish their work"
        return [f"waiting for {_names(leaving)} to {what}"]
    return [f"{hold.subject} waits: {hold.detail}" for hold in draft.holds[:1]]


def _names(slots: Sequence[SlotId]) -> str:
    *others, last = (
        slots if len(slots) <= MOST_NAMES else [*slots[: MOST_NAMES - 1], f"{len(slots) - MOST_NAMES + 1} more"]
    )
    return f"{', '.join(others)} and {last}" if others else last


def _serving(draft: Draft) -> int:
    return len(draft.sets.of(Standing.SERVING, current=True))


def _wake_at(draft: Draft) -> datetime | None:
    ends = [hold.until for hold in draft.holds if hold.until is not None and hold.until > draft.now]
    # Whatever holds one that is not healthy yet, it stands otherwise when its grace is over.
    ends += [member.healthy_by for member in draft.remaining(Standing.COMING) if member.healthy_by > draft.now]
    grace = timedelta(seconds=draft.policy.health.grace_seconds)
    ends += [order.ordered_at + grace for order in (*draft.sets.orders, *draft.sets.beside)]
    return min([*ends, *draft.notes.wakes], default=None)
