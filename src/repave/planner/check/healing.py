"""Healing keeps its limit, and stays stopped until it may go on."""

from collections.abc import Iterator
from datetime import timedelta

from repave.model.disruption import Drawer
from repave.planner.check.view import View


def limit(view: View) -> Iterator[str]:
    """So many within the window and no more, but for what looked sick when a person allowed it."""
    allowed = view.target.healing_allowed
    since = view.now - timedelta(seconds=view.policy.healing.window_seconds)
    since = max(since, allowed) if allowed and allowed <= view.now else since
    heals = {heal.slot for heal in view.target.heals if since < heal.at <= view.now}
    drawn = [entry for entry in view.target.disruptions if entry.drawer is Drawer.HEAL]
    draws = {entry.slot for entry in drawn if since < entry.at <= view.now}
    asked = [heal.slot for heal in view.plan.heals if not _was_allowed(view, heal.slot)]
    most = max(1, view.policy.healing.limit.of(view.target.size))
    if asked and len(heals | draws) + len(asked) > most:
        yield f"{len(heals | draws) + len(asked)} would be healed within the window, and {most} may be"
    if asked and view.target.healing_stopped and view.plan.healing != "goes on":
        yield f"{len(asked)} would be healed, and healing is stopped"


def turns(view: View) -> Iterator[str]:
    """It stops once, and goes on only from a stop."""
    stopped = view.target.healing_stopped is not None
    if view.plan.healing == "stops" and stopped:
        yield "healing would be stopped, and is"
    if view.plan.healing == "goes on" and not stopped:
        yield "healing would go on, and was not stopped"


def _was_allowed(view: View, slot: str) -> bool:
    if any(wish.slot == slot for wish in view.target.replacements):
        return True
    allowed = view.target.healing_allowed
    for instance in view.instances.values():
        if instance.slot == slot:
            backend = view.traffic.get(instance.id)
            since = backend.since if backend else instance.started_at
            return allowed is not None and since <= allowed <= view.now
    return False
