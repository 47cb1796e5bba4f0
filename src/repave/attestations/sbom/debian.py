"""What a Debian package says of itself: its control file, and the copyright file among its documents."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from repave.archives.entries import Entry
from repave.archives.packages import control_file, opened_package
from repave.archives.rules import ROOT_FILESYSTEM
from repave.attestations.sbom.copyright import licences
from repave.attestations.sbom.inventory import DOCUMENT_LIMIT_BYTES, Facts
from repave.attestations.sbom.people import person

DOCUMENTS = "usr/share/doc/"
LINKED = re.compile(r"(?:\.\./|/usr/share/doc/)?([a-z0-9][a-z0-9+.-]*)(?:/copyright)?")


def debian_facts(package: Path, name: str) -> Facts:
    """The facts of the package ``name``. Raises Corrupt."""
    control, built_at = control_file(package, name)
    copyright_text, elsewhere = _copyright(package, name)
    facts = facts_of_fields(control_fields(control))
    declared = () if elsewhere else licences(copyright_text, name)
    return replace(facts, licences=declared, licences_of=elsewhere, built_at=built_at)


def facts_of_fields(fields: Mapping[str, str]) -> Facts:
    """What a control file says, by its fields: all but the licence."""
    return Facts(
        supplier=person(fields.get("maintainer", "")),
        summary=fields.get("description", "").partition("\n")[0],
        homepage=fields.get("homepage", ""),
        needs=tuple(relation for field in ("pre-depends", "depends") for relation in _relations(fields, field)),
        provides=_relations(fields, "provides"),
    )


def _copyright(package: Path, name: str) -> tuple[str, str]:
    """The copyright file's text, or the package whose documents stand for its own (policy 12.5)."""
    folder = f"{DOCUMENTS}{name}"
    with opened_package(package, "data", name=f"the package {name}", rules=ROOT_FILESYSTEM) as entries:
        for entry in entries:
            if entry.name not in {folder, f"{folder}/copyright"}:
                continue
            if entry.link:
                return "", linked_documents(entry.link, name)
            if entry.name != folder and entry.size_bytes <= DOCUMENT_LIMIT_BYTES:
                return _text(entry), ""
    return "", ""


def linked_documents(link: str, name: str) -> str:
    """The package to whose documents those of ``name`` are a link; empty for another kind of link."""
    linked = LINKED.fullmatch(link)
    return linked[1] if linked and linked[1] != name else ""


def _text(entry: Entry) -> str:
    return entry.whole().decode("utf-8", errors="replace")


def control_fields(text: str) -> Mapping[str, str]:
    """The fields of a control file (deb822, Debian policy 5.1), by small names."""
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line[:1] in {" ", "\t"}:
            fields[name] = f"{fields.get(name, '')}\n{line.strip()}"
        else:
            name, _, value = line.partition(":")
            name = name.lower()
            fields[name] = value.strip()
    return fields


def _relations(fields: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in fields.get(name, "").split(",") if part.strip())
