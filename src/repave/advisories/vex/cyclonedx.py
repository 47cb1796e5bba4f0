"""The analyses of vulnerabilities in CycloneDX documents, 1.4 to 1.6 (https://cyclonedx.org/docs/1.6/json/)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import Field, TypeAdapter

from repave.advisories.vex.products import range_problem
from repave.advisories.vex.reading import Moment, Reader
from repave.advisories.vex.statements import Product, Said, Statement, Status, Versions, purl_of, said

SPECIFICATIONS = ("1.4", "1.5", "1.6")

STATES = {
    "resolved": Status.FIXED,
    "resolved_with_pedigree": Status.FIXED,
    "exploitable": Status.AFFECTED,
    "in_triage": Status.UNDER_INVESTIGATION,
    "false_positive": Status.FALSE_POSITIVE,
    "not_affected": Status.NOT_AFFECTED,
}


@dataclass(frozen=True, kw_only=True)
class _Named:
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class _Component:
    reference: Annotated[str, Field(alias="bom-ref")] = ""
    purl: str = ""
    name: str = ""
    components: tuple["_Component", ...] = ()

    def all(self) -> Iterator["_Component"]:
        """It, and all within it."""
        yield self
        for component in self.components:
            yield from component.all()


@dataclass(frozen=True, kw_only=True)
class _Metadata:
    timestamp: Moment | None = None
    authors: tuple[_Named, ...] = ()
    manufacturer: _Named = _Named()
    manufacture: _Named = _Named()
    """As 1.4 and 1.5 call it."""

    supplier: _Named = _Named()
    component: _Component = _Component()

    @property
    def author(self) -> str:
        """Who stands behind the document: its authors, else who made or supplies what it is about."""
        names = [one.name.strip() for one in self.authors if one.name.strip()]
        organisations = (self.manufacturer, self.manufacture, self.supplier)
        return ", ".join(names) or next((one.name.strip() for one in organisations if one.name.strip()), "")


@dataclass(frozen=True, kw_only=True)
class _Reference:
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class _Analysis:
    state: Literal[
        "", "resolved", "resolved_with_pedigree", "exploitable", "in_triage", "false_positive", "not_affected"
    ] = ""
    justification: str = ""
    detail: str = ""
    first_issued: Annotated[Moment | None, Field(alias="firstIssued")] = None
    last_updated: Annotated[Moment | None, Field(alias="lastUpdated")] = None

    @property
    def reason(self) -> str:
        """In the author's words; that a version is repaired is a reason of its own."""
        words = ": ".join(word for word in (self.justification, self.detail) if word.strip())
        return words or ("this version is repaired" if self.state.startswith("resolved") else "")


@dataclass(frozen=True, kw_only=True)
class _Version:
    version: str = ""
    range: str = ""
    status: Literal["", "affected", "unaffected", "unknown"] = ""


@dataclass(frozen=True, kw_only=True)
class _Affected:
    ref: Annotated[str, Field(min_length=1)]
    versions: tuple[_Version, ...] | None = None

    def product(self, purls: Mapping[str, str], *, dismisses: bool) -> Product:
        """What is referred to: by its purl there, or because the reference is one."""
        # A link into another document (BOM-Link) ends with the reference there.
        reference = unquote(self.ref.partition("#")[2]) if self.ref.startswith("urn:cdx:") else self.ref
        # A version without a status has the one that the analysis gives.
        meant = {"", "unaffected"} if dismisses else {"", "affected", "unknown"}
        versions = tuple(
            Versions(version=one.version, range=one.range) for one in self.versions or () if one.status in meant
        )
        return Product(
            text=purls.get(reference, reference),
            purl=purl_of(purls.get(reference, reference)),
            versions=None if self.versions is None else versions,
        )


@dataclass(frozen=True, kw_only=True)
class _Vulnerability:
    id: str = ""
    references: tuple[_Reference, ...] = ()
    analysis: _Analysis = _Analysis()
    affects: tuple[_Affected, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Document:
    metadata: _Metadata = _Metadata()
    components: tuple[_Component, ...] = ()
    vulnerabilities: tuple[Any, ...] = ()

    def purls(self) -> dict[str, str]:
        """By reference within the document."""
        parts = (self.metadata.component, *self.components)
        return {part.reference: part.purl for top in parts for part in top.all() if part.reference and part.purl}


@cache
def _document() -> TypeAdapter[_Document]:
    return TypeAdapter(_Document)


@cache
def _vulnerability() -> TypeAdapter[_Vulnerability]:
    return TypeAdapter(_Vulnerability)


def read_cyclonedx(data: Mapping[str, Any], reader: Reader) -> Said:
    """Every vulnerability that it analyses. Raises Corrupt when it is no such document, or of another version."""
    if data.get("specVersion") not in SPECIFICATIONS:
        known = ", ".join(SPECIFICATIONS)
        raise reader.corrupt(f"CycloneDX of a version that cannot be read: expected one of {known}", "specVersion")
    document = reader.read(_document(), data)
    purls = document.purls()
    parts = (_part(document, purls, index, raw, reader) for index, raw in enumerate(document.vulnerabilities))
    return said((part for part in parts if part is not None), document.metadata.timestamp)


def _part(
    document: _Document, purls: Mapping[str, str], index: int, raw: object, reader: Reader
) -> Statement | str | None:
    """None where it is listed without having been analysed."""
    told = reader.attempt(_vulnerability(), raw, "vulnerabilities", index)
    if isinstance(told, str):
        return told
    place = reader.place("vulnerabilities", index)
    analysis = told.analysis
    if not analysis.state:
        return None
    if not (told.id and told.affects):
        return f"{place}: an analysis of {told.id or 'nothing'} names {'no component' if told.id else 'no flaw'}"
    status = STATES[analysis.state]
    products = tuple(one.product(purls, dismisses=status.dismisses) for one in told.affects)
    if wrong := next(filter(None, map(range_problem, products)), ""):
        return f"{place}: {told.id}: {wrong}"
    return Statement(
        names=frozenset((told.id, *(one.id for one in told.references if one.id))),
        products=products,
        status=status,
        author=document.metadata.author,
        reason=analysis.reason,
        at=analysis.last_updated or analysis.first_issued or document.metadata.timestamp,
        place=place,
    )
