"""OpenVEX 0.2.0 (https://github.com/openvex/spec)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from repave.advisories.vex.reading import Moment, Reader
from repave.advisories.vex.statements import Product, Said, Statement, Status, purl_of, said

CONTEXT = "https://openvex.dev/ns/v0.2.0"


@dataclass(frozen=True, kw_only=True)
class _Component:
    identifier: Annotated[str, Field(alias="@id")] = ""
    identifiers: dict[str, str] = field(default_factory=dict)

    def product(self, parts: tuple[Product, ...] = ()) -> Product:
        """By its purl where it has one."""
        named = self.identifiers.get("purl") or self.identifier
        return Product(text=named or "a product without a name", purl=purl_of(named), parts=parts)


@dataclass(frozen=True, kw_only=True)
class _Product(_Component):
    subcomponents: tuple[_Component, ...] = ()

    def whole(self) -> Product:
        """With its parts."""
        return self.product(tuple(part.product() for part in self.subcomponents))


@dataclass(frozen=True, kw_only=True)
class _Vulnerability:
    name: Annotated[str, Field(min_length=1)]
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Statement:
    vulnerability: _Vulnerability
    products: Annotated[tuple[_Product, ...], Field(min_length=1)]
    status: Literal["not_affected", "affected", "fixed", "under_investigation"]
    justification: str = ""
    impact_statement: str = ""
    status_notes: str = ""
    timestamp: Moment | None = None
    last_updated: Moment | None = None

    @property
    def reason(self) -> str:
        """In the author's words; that a version is repaired is a reason of its own."""
        words = [word for word in (self.justification, self.impact_statement, self.status_notes) if word.strip()]
        return ": ".join(words) or ("this version is repaired" if self.status == "fixed" else "")


@dataclass(frozen=True, kw_only=True)
class _Document:
    author: str = ""
    role: str = ""
    timestamp: Moment | None = None
    last_updated: Moment | None = None
    statements: tuple[Any, ...] = ()

    @property
    def told_author(self) -> str:
        """With what they are to the product."""
        role = f" ({self.role.strip()})" if self.role.strip() else ""
        return f"{self.author.strip()}{role}" if self.author.strip() else ""


@cache
def _document() -> TypeAdapter[_Document]:
    return TypeAdapter(_Document)


@cache
def _statement() -> TypeAdapter[_Statement]:
    return TypeAdapter(_Statement)


def read_openvex(data: Mapping[str, Any], reader: Reader) -> Said:
    """All its statements. Raises Corrupt when it is no such document, or of another version."""
    if data["@context"] not in (CONTEXT, [CONTEXT]):
        raise reader.corrupt(f"OpenVEX of a version that cannot be read: expected `{CONTEXT}`", "@context")
    document = reader.read(_document(), data)
    parts = (_part(document, index, raw, reader) for index, raw in enumerate(document.statements))
    return said(parts, document.last_updated or document.timestamp)


def _part(document: _Document, index: int, raw: object, reader: Reader) -> Statement | str:
    told = reader.attempt(_statement(), raw, "statements", index)
    if isinstance(told, str):
        return told
    return Statement(
        names=frozenset((told.vulnerability.name, *told.vulnerability.aliases)),
        products=tuple(one.whole() for one in told.products),
        status=Status(told.status),
        author=document.told_author,
        reason=told.reason,
        at=told.last_updated or told.timestamp or document.last_updated or document.timestamp,
        place=reader.place("statements", index),
    )
