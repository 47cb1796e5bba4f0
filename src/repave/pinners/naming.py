"""Names a person may have mistyped: which exist, and which is nearest."""

from collections.abc import Iterable
from difflib import get_close_matches

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from repave.model.lock import Ecosystem
from repave.ports.errors import Invalid
from repave.ports.pinner import PinRequest, Refresh

SHOWN = 3
LENGTH_DIFFERENCE = 3
"""Names further apart in length are no typing mistakes; leaving them out keeps the search among 60,000 names quick."""


def nearest(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """The few of ``names`` most like ``name``, best first."""
    near = sorted({other for other in names if abs(len(other) - len(name)) <= LENGTH_DIFFERENCE})
    return tuple(get_close_matches(name, near, n=SHOWN, cutoff=0.7))


def suggestion(name: str, names: Iterable[str], *, otherwise: str) -> str:
    """A hint with the nearest names, or ``otherwise`` when none is near."""
    near = nearest(name, names)
    return f"the nearest names are {', '.join(near)}" if near else otherwise


def requirement(text: str) -> Requirement:
    """Read one requirement as PEP 508 writes it. Raises Invalid."""
    try:
        return Requirement(text)
    except InvalidRequirement as wrong:
        raise Invalid(
            f"{text!r} is no Python requirement: {str(wrong).splitlines()[0]}",
            hint="write it as in `flask ~= 3.0` (PEP 508)",
        ) from wrong


def check_named(request: PinRequest) -> None:
    """Refuse a name to be upgraded that neither the lock nor the recipe knows, in any ecosystem."""
    if request.refresh is not Refresh.NAMED:
        return
    known = {package.name for package in request.previous.packages} | set(request.image.packages)
    known |= {canonicalize_name(requirement(text).name) for text in request.image.python}
    known |= {file.url for file in request.image.fetch} | {source.url for source in request.image.git}
    of_npm = {package.name for package in request.previous.packages if package.ecosystem is Ecosystem.NPM}
    others = {package.name for package in request.previous.packages if package.ecosystem is not Ecosystem.NPM}
    for name in request.named:
        if name in of_npm - others:
            raise Invalid(
                f"{name} is pinned by the application's own package-lock, which repave follows and never changes",
                hint=f"`npm update {name} --package-lock-only` in the application's folder, then `repave lock`",
            )
        if name not in known and canonicalize_name(name) not in known:
            raise Invalid(
                f"{name} cannot be upgraded: no image has it locked",
                hint=suggestion(name, known, otherwise="`repave.lock` lists what is locked"),
            )
