"""What a signature of an image says: the "simple signing" payload, as cosign writes it.

Source: containers/image, "atomic signature" (signature/container-signature.md); cosign's SIGNATURE_SPEC.
"""

import json

from repave.model.names import Digest
from repave.model.statement import canonical
from repave.ports.errors import Corrupt

TYPE = "cosign container image signature"


def claim(subject: Digest, *, name: str) -> bytes:
    """The payload that says: this is the manifest's digest; ``name`` is by what people know it."""
    image = {"docker-manifest-digest": subject}
    critical = {"identity": {"docker-reference": name}, "image": image, "type": TYPE}
    return canonical({"critical": critical, "optional": None})


def check_claim(payload: bytes, subject: Digest, *, what: str) -> None:
    """Raise Corrupt unless the payload is about this artifact."""
    try:
        critical = json.loads(payload)["critical"]
        said, kind = critical["image"]["docker-manifest-digest"], critical["type"]
    except (ValueError, KeyError, TypeError, RecursionError) as broken:
        raise Corrupt(f"{what} is no signature of an image: {broken!r}", hint="sign the artifact again") from broken
    if said != subject or kind != TYPE:
        raise Corrupt(f"{what} is a signature of {said}, kept beside {subject}", hint="sign the artifact again")
