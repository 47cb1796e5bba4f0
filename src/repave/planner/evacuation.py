"""Evacuation: what runs in a zone that a person took out is replaced in the others, launch first."""

from repave.model.disruption import Drawer
from repave.model.plan import Hold, Rule
from repave.planner.draft import ALIVE, Draft


def evacuate(draft: Draft) -> None:
    """Send for the replacements; once nothing runs there, the fleet rests without the zone."""
    for zone, out in sorted(draft.zones.out.items()):
        words = f"zone {zone} was taken out: {out.reason}"
        draft.resting.append(Hold(subject="fleet", rule=Rule.ZONE_OUT, detail=words, since=out.since, until=out.until))
    for member in draft.remaining(*ALIVE) if draft.zones.out else ():
        taken_out = draft.zones.out.get(member.instance.zone)
        if taken_out is not None:
            draft.replace(member, Drawer.OPERATOR, f"its zone was taken out: {taken_out.reason}")
