"""Which of the formats a document is of, and what it says."""

import json

from repave.advisories.documents import Copy
from repave.advisories.vex.cyclonedx import read_cyclonedx
from repave.advisories.vex.openvex import read_openvex
from repave.advisories.vex.reading import Reader
from repave.advisories.vex.statements import Said
from repave.ports.errors import Corrupt


def read_vex(copy: Copy, *, name: str) -> Said:
    """All that it says. Raises Corrupt for what is no VEX document."""
    try:
        text = copy.content.decode()
        data = json.loads(text)
    except UnicodeDecodeError as wrong:
        raise Corrupt(f"{name}: it is no UTF-8") from wrong
    except RecursionError as wrong:
        raise Corrupt(f"{name}: its values are nested too deeply") from wrong
    except json.JSONDecodeError as wrong:
        raise Corrupt(f"{name}:{wrong.lineno}: it is no JSON: {wrong.msg.lower()}") from wrong
    reader = Reader(name=name, text=text)
    if isinstance(data, dict) and "openvex" in str(data.get("@context")):
        return read_openvex(data, reader)
    if isinstance(data, dict) and data.get("bomFormat") == "CycloneDX":
        return read_cyclonedx(data, reader)
    raise reader.corrupt("it is no VEX document: expected OpenVEX (`@context`) or CycloneDX (`bomFormat`), as JSON")
