"""Licences in a Debian package's copyright file (policy 12.5), machine-readable or not.

Source: Debian's copyright-format 1.0. The file speaks of the whole source package, so of what one binary package holds
it names at least all.
"""

import re
from collections.abc import Iterator

from repave.attestations.sbom.inventory import Licence
from repave.attestations.sbom.licences import GNU, LONGEST, combined, identifier

FORMAT = re.compile(r"\s*format(?:-specification)?:", re.IGNORECASE)
FIELD = re.compile(r"([A-Za-z][A-Za-z-]*):[ \t]*(.*)")
SYNOPSIS = re.compile(r"[A-Za-z0-9][\w.+/-]*(?:,?\s+(?:and|or)\s+[A-Za-z0-9][\w.+/-]*)*(?:\s+with\s+[\w .+-]+)?")
COMMON = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9])")
MOST = 100
"""Licences of one package: glibc and perl name about thirty."""


def licences(text: str, name: str) -> tuple[Licence, ...]:
    """What the copyright file of the package ``name`` declares, each once, sorted."""
    found = set(_declared(text)) if FORMAT.match(text) else set()
    if not found:
        found = {_common(common) for common in COMMON.findall(text)}
    if not found:
        found = {Licence(name=f"see /usr/share/doc/{name}/copyright")}
    return tuple(sorted(found, key=lambda licence: (licence.name, licence.spdx))[:MOST])


def _common(name: str) -> Licence:
    """A licence whose text Debian itself keeps; whether a later one of GNU's will do, is said in prose only."""
    exact = "" if GNU.fullmatch(name) else identifier(name)
    return Licence(spdx=exact, name="" if exact else name)


def _declared(text: str) -> Iterator[Licence]:
    """The licences of files; a paragraph that only brings a licence's text declares nothing."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields = {match[1].lower(): match[2].strip() for match in map(FIELD.match, paragraph.splitlines()) if match}
        if "files" not in fields and not FORMAT.match(paragraph):
            continue
        synopsis = fields.get("license", "")
        if synopsis and len(synopsis) <= LONGEST and SYNOPSIS.fullmatch(synopsis):
            exact = combined(synopsis)
            yield Licence(spdx=exact, name="" if exact else " ".join(synopsis.split()))
