"""What a VEX document says, whatever its format."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from packageurl import PackageURL


class Status(StrEnum):
    """What is said of a flaw in a product."""

    NOT_AFFECTED = "not_affected"
    FIXED = "fixed"
    FALSE_POSITIVE = "false_positive"
    AFFECTED = "affected"
    UNDER_INVESTIGATION = "under_investigation"

    @property
    def dismisses(self) -> bool:
        """Whether a finding no longer stands by it."""
        return self in {Status.NOT_AFFECTED, Status.FIXED, Status.FALSE_POSITIVE}


@dataclass(frozen=True, kw_only=True)
class Versions:
    """Versions that are meant beside the one in the purl: exactly one of the two is given."""

    version: str = ""
    range: str = ""
    """As ``vers:pypi/>=1.0|<2.0`` (https://github.com/package-url/vers-spec)."""


@dataclass(frozen=True, kw_only=True)
class Product:
    """What a statement is about: a package, or an image with some of its packages."""

    text: str
    """As the document names it."""

    purl: PackageURL | None
    """None where it has none: then nothing in a lock can be meant."""

    versions: tuple[Versions, ...] | None = None
    """None: all versions, or the purl's."""

    parts: tuple["Product", ...] = ()
    """The packages within it that are meant; none means it itself."""

    @property
    def versioned(self) -> bool:
        """Whether it says which versions it means."""
        if self.parts:
            return all(part.versioned for part in self.parts)
        return self.versions is not None or bool(self.purl and self.purl.version)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement."""

    names: frozenset[str]
    """Of the flaw: CVEs and others."""

    products: tuple[Product, ...]
    status: Status
    author: str
    reason: str
    at: datetime | None
    place: str
    """File and line."""

    @property
    def told(self) -> str:
        """In few words."""
        products = ", ".join(product.text for product in self.products[:2])
        more = f" and {len(self.products) - 2} more" if len(self.products) > 2 else ""  # noqa: PLR2004 - as shown
        return f"{self.place}: {', '.join(sorted(self.names))} in {products}{more}"


@dataclass(frozen=True, kw_only=True)
class Said:
    """All of one document."""

    statements: tuple[Statement, ...]
    refused: tuple[str, ...] = ()
    """What is no statement, each with its place, what is wrong and what would be right."""

    at: datetime | None = None
    """When the document was made or last changed, by its own word."""


def purl_of(text: str) -> PackageURL | None:
    """The purl that ``text`` is; None when it is none."""
    try:
        return PackageURL.from_string(text)
    except ValueError:
        return None


def said(parts: Iterable[Statement | str], at: datetime | None) -> Said:
    """Statements, and refusals in words, as they come; a statement that counts for nothing is refused too."""
    statements: list[Statement] = []
    refused: list[str] = []
    for part in parts:
        if isinstance(part, str):
            refused.append(part)
        elif wrong := _faulty(part):
            refused.append(f"{part.place}: {', '.join(sorted(part.names))}: {wrong}")
        else:
            statements.append(part)
    return Said(statements=tuple(statements), refused=tuple(refused), at=at)


def _faulty(statement: Statement) -> str:
    """Why it counts for nothing; empty when it does."""
    if not statement.status.dismisses:
        return ""
    if not statement.author:
        return "nobody stands behind it: the document names no author"
    if not statement.reason:
        return f"`{statement.status}` without a reason: nobody could judge later whether it still holds"
    open_ended = [product.text for product in statement.products if not product.versioned]
    if statement.status is Status.FIXED and open_ended:
        return f"`fixed` of {open_ended[0]} without a version: which one is repaired is not known"
    return ""
