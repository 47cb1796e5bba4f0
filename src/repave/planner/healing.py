"""Healing: a proven revision's sick are replaced, unless so many fall sick that the alarm may be false."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from repave.model.disruption import Drawer
from repave.model.names import SlotId
from repave.model.plan import Rule
from repave.model.target import Sickness
from repave.planner.budget import Refusal, Request
from repave.planner.draft import Draft
from repave.planner.sets import Member, Standing

SAME_ONSET = timedelta(seconds=5)
"""Onsets of one instance that are closer are one: balancers count in whole seconds, and clocks differ."""


def heal(draft: Draft) -> None:
    """Replace the sick, and what falls sick again and again; past the limit stop, and say so."""
    if draft.judging or draft.halted or draft.barred:
        return
    onsets = _onsets(draft)
    for member in _undecided(draft):
        if member.instance.zone in draft.zones.lost:  # no false alarm: the limit is for the single ones
            draft.fail(draft.failure_of(member))
    sick = _undecided(draft) if draft.serving < draft.target.size else []
    ward = _ward(draft, sick, onsets)
    for member in sick:
        _answer(draft, member, ward)
    for member in ward.flapping:
        draft.replace(member, Drawer.HEAL, f"it fell sick {len(onsets[member.slot])} times lately")
        draft.wake(onsets[member.slot][-draft.policy.healing.flaps] + _window(draft))
    draft.wake(draft.target.healing_allowed)
    if bool(ward.refusal) is not bool(draft.target.healing_stopped):
        draft.notes.healing = "stops" if ward.refusal else "goes on"


@dataclass(frozen=True, kw_only=True)
class Ward:
    """Who may be replaced now for looking sick, and why the others may not."""

    admitted: frozenset[SlotId]
    flapping: tuple[Member, ...]
    """Serving, and to be replaced all the same."""

    refusal: Refusal | None


def _ward(draft: Draft, sick: list[Member], onsets: Mapping[SlotId, list[datetime]]) -> Ward:
    policy, target = draft.policy.healing, draft.target
    allowed = _allowed(draft)
    # What looked sick when a person allowed healing was looked at by somebody: no limit holds for it.
    wished = {wish.slot for wish in target.replacements}
    free = {m.slot for m in sick if m.slot in wished or (allowed and m.since <= allowed)}
    limited = sorted((m for m in sick if m.slot not in free), key=lambda member: (member.since, member.slot))
    flapping = [
        m for m in draft.remaining(Standing.SERVING, current=True) if len(onsets.get(m.slot, ())) >= policy.flaps
    ]
    used = dict(_used(draft))
    known = [member for member in flapping if member.slot in used or draft.is_condemned(member)]
    asking = [*limited, *(member for member in flapping if member not in known)]
    most = max(1, policy.limit.of(target.size))
    # What has been sick before is known to be ill: that it falls sick once more is no news.
    first = {sickness.slot: sickness.since for sickness in reversed(target.sicknesses)}
    news = [min(member.since, first.get(member.slot, member.since)) for member in limited]
    moments = [*used.values(), *news]
    calm = all(draft.now >= at + _window(draft) for at in moments) and len(asking) <= most
    left = 0 if target.healing_stopped and not calm else max(0, most - len(used))
    admitted = {member.slot for member in asking[:left]}
    refusal = None
    if beyond := len(asking[left:]):
        words = f"{most} at most are replaced within {policy.window_seconds:g} s, and {beyond} more fell sick"
        calm_at = max([*moments, *([draft.now] if admitted else [])], default=draft.now) + _window(draft)
        refusal = Refusal(rule=Rule.HEALING_LIMIT, words=words, until=calm_at if beyond <= most else None)
    return Ward(
        admitted=frozenset(free | admitted),
        flapping=(*known, *(m for m in flapping if m.slot in admitted)),
        refusal=refusal,
    )


def _answer(draft: Draft, member: Member, ward: Ward) -> None:
    request = Request(member=member, drawer=Drawer.HEAL, reason="looks sick")
    if member.slot in ward.admitted:
        draft.budget.record(request, None)
        draft.heal(member)
    elif ward.refusal is not None:
        draft.budget.record(request, ward.refusal)
        words = f"looks sick, but {ward.refusal.words}"
        draft.hold(member.slot, ward.refusal.rule, words, since=member.since, until=ward.refusal.until)


def _undecided(draft: Draft) -> list[Member]:
    return [member for member in draft.remaining(Standing.SICK, current=True) if not draft.is_condemned(member)]


def _used(draft: Draft) -> Iterator[tuple[SlotId, datetime]]:
    """Who was replaced for looking sick within the window, and when; what a person allowed does not count.

    What a clock dated that was ahead does not either: nobody waits for the day that it named.
    """
    since = max(filter(None, (_allowed(draft), draft.now - _window(draft))))
    for heal in draft.target.heals:
        if since < heal.at <= draft.now:
            yield heal.slot, heal.at
    for entry in draft.target.disruptions:
        if entry.drawer is Drawer.HEAL and since < entry.at <= draft.now:
            yield entry.slot, entry.at


def _allowed(draft: Draft) -> datetime | None:
    """When a person allowed healing of what was sick; a moment of the future would speak of what is still to come."""
    allowed = draft.target.healing_allowed
    return allowed if allowed and allowed <= draft.now else None


def _onsets(draft: Draft) -> Mapping[SlotId, list[datetime]]:
    """When each fell sick within the window, oldest first; those not remembered yet are."""
    onsets: dict[SlotId, list[datetime]] = {}
    for sickness in draft.target.sicknesses:
        onsets.setdefault(sickness.slot, []).append(sickness.since)
    for member in draft.remaining(Standing.SICK, current=True):
        known = onsets.setdefault(member.slot, [])
        # A later one was dated by a clock that was ahead; the balancer's own may be ahead of this one now.
        newest = max(draft.now, member.since) + SAME_ONSET
        last = max((at for at in known if at < newest), default=None)
        if last is None or member.since - last >= SAME_ONSET:
            known.append(member.since)
            draft.notes.sicknesses.append(Sickness(slot=member.slot, since=member.since))
    begin = draft.now - _window(draft)
    return {slot: sorted(at for at in times if begin < at <= draft.now) for slot, times in onsets.items()}


def _window(draft: Draft) -> timedelta:
    return timedelta(seconds=draft.policy.healing.window_seconds)
