"""From where the graph of an image's parts must be entered so that every part is reached."""

from collections.abc import Iterable, Mapping

from repave.attestations.sbom.inventory import Part


def roots(parts: Iterable[Part]) -> tuple[str, ...]:
    """The parts that no other needs; and of those that need each other in a ring, which nothing leads to, one."""
    needs = {part.reference: part.needs for part in parts}
    needed = {other for reference, others in needs.items() for other in others if other != reference}
    found = set(needs) - needed
    reached = _reached(found, needs)
    in_rings = []
    for reference in sorted(needs):
        if reference not in reached:
            in_rings.append(reference)
            reached |= _reached((reference,), needs)
    found.update(in_rings)
    for reference in in_rings:
        if reference in _reached(found - {reference}, needs):
            found.remove(reference)
    return tuple(sorted(found))


def _reached(start: Iterable[str], needs: Mapping[str, tuple[str, ...]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(start)
    while waiting:
        if (here := waiting.pop()) not in reached:
            reached.add(here)
            waiting += needs[here]
    return reached
