"""Ranges of sizes and what moves them: each needs the other."""

from collections.abc import Iterator, Mapping

from repave.config.document import Document, Path
from repave.config.errors import Problem
from repave.config.problems import Unfit, problem
from repave.config.quantities import SizeRange, size
from repave.config.words import mapping_of

MANNERS = frozenset({"tolerance", "out_after", "in_after", "in_per_hour", "cool_down", "window"})
"""Keys of `scale` that say how a size is moved, and not what moves it."""


def check_scaling(document: Document) -> Iterator[Problem]:
    """A range that nothing moves, a scale that moves nothing, and sizes that no range holds."""
    fleets = mapping_of(mapping_of(document.data).get("fleets"))
    ranges = dict(_ranges(document))
    for path, within in ranges.items():
        fleet = str(path[3])
        scale = mapping_of(mapping_of(fleets.get(fleet)).get("scale"))
        if fleet in fleets and scale.keys() <= MANNERS:
            found = f"`size` of fleet `{fleet}` is a range, and nothing moves it"
            hint = f"give fleet `{fleet}` a `scale`, such as `scale: {{cpu: 60%}}`; or one number as its size"
            yield problem(document, document.at_value(path), found, Unfit("", hint=hint))
        if within.lowest < 1:
            found = f"the range of fleet `{fleet}` begins at 0: an empty fleet measures nothing, and would never grow"
            yield problem(document, document.at_value(path), found, Unfit("", nearest=f"1..{max(1, within.highest)}"))
    for fleet, fields in fleets.items():
        if scale := mapping_of(mapping_of(fields).get("scale")):
            own = [within for path, within in ranges.items() if path[3] == fleet]
            yield from _scale(document, str(fleet), scale, own)


def _ranges(document: Document) -> Iterator[tuple[Path, SizeRange]]:
    for environment, fields in mapping_of(mapping_of(document.data).get("environments")).items():
        for fleet, sizes in mapping_of(mapping_of(fields).get("fleets")).items():
            written = mapping_of(sizes).get("size")
            if isinstance(written, str):
                try:
                    yield ("environments", environment, "fleets", fleet, "size"), size(written)
                except Unfit:
                    continue  # told by the structure's check


def _scale(document: Document, fleet: str, scale: Mapping[str, object], ranges: list[SizeRange]) -> Iterator[Problem]:
    place: Path = ("fleets", fleet, "scale")
    if not ranges:
        found = f"`scale` of fleet `{fleet}` moves nothing: no environment gives the fleet a range"
        hint = f"write one, such as `{fleet}: {{size: 2..6}}`; or remove `scale`"
        yield problem(document, document.at_key(place), found, Unfit("", hint=hint))
        return
    schedule = scale.get("schedule")
    for index, entry in enumerate(schedule if isinstance(schedule, list) else ()):
        wanted = mapping_of(entry).get("size")
        if isinstance(wanted, int) and not any(within.lowest <= wanted <= within.highest for within in ranges):
            found = f"`size` is `{wanted}`, which no range of fleet `{fleet}` holds"
            known = ", ".join(f"`{within.lowest}..{within.highest}`" for within in ranges)
            yield problem(
                document, document.at_value((*place, "schedule", index, "size")), found, Unfit(f"a size within {known}")
            )
