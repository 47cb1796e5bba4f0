"""What instances printed."""

from collections.abc import Iterator
from dataclasses import dataclass

from repave.model.names import FleetKey, InstanceId
from repave.operations.errors import Refused
from repave.ports.history import History
from repave.ports.provider import Machines


@dataclass(frozen=True, kw_only=True)
class Console:
    """One instance whose output can be read."""

    fleet: FleetKey
    instance: InstanceId
    slot: str
    revision: str
    lives: bool
    failed: bool


def consoles(fleet: FleetKey, machines: Machines, history: History, failed: frozenset[str]) -> tuple[Console, ...]:
    """Every instance of the fleet with kept output, oldest first; ``failed`` are slots known to have failed."""
    living = {lifetime.instance for lifetime in history.lifetimes(fleet, living=True)}
    return tuple(
        Console(
            fleet=fleet,
            instance=instance,
            slot=slot,
            revision=revision,
            lives=instance in living,
            failed=slot in failed,
        )
        for instance, slot, revision in machines.kept_consoles(fleet)
    )


def chosen(
    all_consoles: tuple[Console, ...], *, named: str | None, previous: bool, failed: bool
) -> tuple[Console, ...]:
    """The one that is named; the last one ended (or failed); or all that live. Raises Refused when there is none."""
    if named:
        found = tuple(console for console in all_consoles if named in {console.instance, console.slot})
        what = f"`{named}`"
    elif failed:
        found = tuple(console for console in all_consoles if console.failed)[-1:]
        what = "a failed instance"
    elif previous:
        found = tuple(console for console in all_consoles if not console.lives)[-1:]
        what = "an ended instance"
    else:
        found = tuple(console for console in all_consoles if console.lives) or all_consoles[-1:]
        what = "any instance"
    if not found:
        known = ", ".join(console.slot for console in all_consoles[-8:])
        raise Refused(f"no output of {what} is kept", hint=f"there is output of {known}" if known else "")
    return found


def lines(console: Console, machines: Machines, *, follow: bool) -> Iterator[str]:
    """Its output, oldest line first."""
    return machines.console(console.fleet, console.instance, follow=follow)
