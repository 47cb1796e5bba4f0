"""Alpine's record of installed packages (``lib/apk/db/installed``), and what needs what in it.

Source: apk-tools' own documentation, apk-installed(5) and apk-package(5).
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from repave.attestations.sbom.inventory import Facts, Found, Licence
from repave.attestations.sbom.licences import expression
from repave.attestations.sbom.people import person

WANTED = re.compile(r"([^<>=~!]+)(?:[<>=~].*)?")


def installed(text: str) -> Iterator[Found]:
    """The packages of the record."""
    for paragraph in text.split("\n\n"):
        said = {line[0]: line[2:] for line in paragraph.splitlines() if line[1:2] == ":" and line[0] in "PVALUmTDpo"}
        if "P" in said and "V" in said:
            exact = expression(said.get("L", ""))
            licence = Licence(spdx=exact, name="" if exact else said.get("L", ""))
            yield Found(
                ecosystem="apk",
                name=said["P"],
                version=said["V"],
                architecture=said.get("A", ""),
                source=said.get("o", ""),
                facts=Facts(
                    licences=(licence,) if said.get("L") else (),
                    supplier=person(said.get("m", "")),
                    summary=said.get("T", ""),
                    homepage=said.get("U", ""),
                    needs=tuple(said.get("D", "").split()),
                    provides=tuple(said.get("p", "").split()),
                ),
            )


def apk_needs(packages: Iterable[Found]) -> Mapping[str, tuple[str, ...]]:
    """By name, the names of what satisfies each package's dependencies: by name, or by what it provides."""
    listed = sorted(packages, key=lambda package: package.name)
    offers = {name: one.name for one in listed for name in _names(one.facts.provides)}
    offers |= {one.name: one.name for one in listed}
    return {
        one.name: tuple(sorted({offers[name] for name in _names(one.facts.needs) if name in offers})) for one in listed
    }


def _names(relations: Iterable[str]) -> Iterator[str]:
    return (match[1] for text in relations if (match := WANTED.fullmatch(text)))
