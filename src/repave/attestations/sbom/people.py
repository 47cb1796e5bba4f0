"""Who stands behind a package, as its own words name them."""

import re

from repave.attestations.sbom.inventory import Supplier

PERSON = re.compile(r'"?([^"<]*?)"?\s*<([^<>]*)>')


def person(text: str) -> Supplier | None:
    """``Name <address>`` as packages write it; None for nothing."""
    if match := PERSON.fullmatch(text.strip()):
        return Supplier(name=match[1].strip() or match[2], email=match[2])
    return Supplier(name=text.strip()) if text.strip() else None
