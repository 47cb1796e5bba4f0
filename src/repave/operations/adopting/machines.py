"""What a virtual machine brings back as it is, and a container cannot: units, accounts, jobs; pure, from the facts."""

from collections.abc import Collection
from dataclasses import dataclass

from repave.operations.adopting import accounts, jobs, judging
from repave.operations.adopting.applications import wrappers
from repave.operations.adopting.facts import Facts
from repave.operations.adopting.findings import Area, Covered, Fate, Found
from repave.operations.adopting.listening import Port
from repave.operations.adopting.serving import is_served, owner_of, whose_port, whose_unit
from repave.operations.adopting.starting import Had, Judged, groups_of, judged_units, switched_off

ACCOUNTS_MADE = "systemd-sysusers.service"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What more the recipe of a machine has."""

    units: tuple[str, ...]
    """Those that it names."""

    made: dict[str, str]
    """Files that stood on no server, by their places: what they say."""

    withheld: tuple[str, ...]
    """Variables of its units that are secrets, or stand in a file that is none of the recipe's: by name only."""

    found: tuple[Found, ...]
    units_covered: Covered
    ports_covered: Covered


def machine(facts: Facts, had: Had, front: int | None) -> Machine:
    """What becomes of each unit, port, account, job and kernel parameter; ``front`` is the port of the fleet."""
    judged = judged_units(facts, had)
    taken = [one for one in judged if one.fate is Fate.TAKEN]
    off = switched_off(facts, had)
    crontabs = jobs.of_users(facts)
    cleaned = jobs.without_secrets(facts, had.files)
    whom = (
        *(one.unit.expanded(one.unit.last("User")) for one in taken),
        *jobs.users(facts, had.taken.union(cleaned)),
        *(one.user for one in crontabs),
    )
    wanted = accounts.wanted(facts, whom)
    places = accounts.Places(
        started=frozenset(one.unit.folder for one in taken),
        without=tuple(one.folder for one in had.environments if one.virtual),
    )
    made = {
        **{place: text for one in taken for place, text in one.made.items()},
        **dict.fromkeys(off, ""),
        **cleaned,
        **{one.place: one.text for one in crontabs},
        **wrappers(had.environments, facts.standing),
        **accounts.files(facts, wanted, groups_of(one.unit for one in taken), places),
    }
    names = [one.unit.name for one in taken if not one.by]
    ports = [_port(port, facts, frozenset(one.unit.name for one in taken), front) for port in facts.ports]
    run = had.taken.union(cleaned, (one.origin for one in crontabs))
    return Machine(
        units=(*names, *([ACCOUNTS_MADE] if judging.ACCOUNTS in made else [])),
        made=made,
        withheld=tuple(sorted({name for one in taken for name in one.withheld})),
        found=(
            *(_told(one, facts) for one in judged),
            *(_told_off(place, unit) for place, unit in off.items()),
            *ports,
            *judging.users(facts, wanted),
            *judging.crontabs(facts, run),
            *judging.kernel_parameters(facts, had.taken),
        ),
        units_covered=_covered([one.fate for one in judged]),
        ports_covered=_covered([one.fate for one in ports]),
    )


def _covered(fates: Collection[Fate]) -> Covered:
    counted = [fate for fate in fates if fate is not Fate.AGAIN]
    return Covered(covered=counted.count(Fate.TAKEN), total=len(counted))


def _told(one: Judged, facts: Facts) -> Found:
    by = f", started by {one.by}" if one.by else ""
    detail = f"{whose_unit(one.unit, facts)}{by}" + (f": {one.why}" if one.why else "")
    line = "" if one.fate is Fate.AGAIN else f"units: [{one.by or one.unit.name}]"
    return Found(area=Area.UNIT, name=one.unit.name, fate=one.fate, detail=detail, line=line)


def _told_off(place: str, unit: str) -> Found:
    detail = "switched off by hand: an empty file keeps it so"
    return Found(area=Area.UNIT, name=unit, fate=Fate.TAKEN, detail=detail, line=f"files: {{files{place}: {place}}}")


def _port(port: Port, facts: Facts, units: Collection[str], front: int | None) -> Found:
    package = owner_of(port.program, facts)
    detail = f"{whose_port(port, package, facts)}{', reached from the server itself only' if port.local else ''}"
    of_package = {one.name for one in facts.units if package and facts.database.owners.get(one.file) == package}
    line = f"port: {port.number}" if port.number == front else f"units: [{port.unit}]" if port.unit else ""
    if judging.stateful(package):
        fate = Fate.STATE
    elif not (of_package if not port.unit else {port.unit}).isdisjoint(units):
        fate = Fate.TAKEN
    else:
        fate = Fate.OPEN if is_served(port, facts) or not port.program else Fate.AGAIN
    return Found(area=Area.PORT, name=str(port.number), fate=fate, detail=detail, line=line)
