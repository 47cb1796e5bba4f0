"""The signatures port over one registry."""

import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from repave.attestations.signatures.beside import (
    ENVELOPE_TYPE,
    SIGNATURE_TYPE,
    Beside,
    Entry,
)
from repave.attestations.signatures.claims import check_claim, claim
from repave.attestations.signatures.dsse import Envelope, covered, read_envelope
from repave.model.names import Digest
from repave.model.signing import DOCUMENTS, SIGNATURES, name_beside
from repave.model.statement import STATEMENT_MEDIA_TYPE, Statement
from repave.ports.errors import Corrupt
from repave.ports.registry import Registry
from repave.ports.signatures import Mark, Signer, TrustedKey

if TYPE_CHECKING:
    from repave.attestations.signatures.keys import Judge


class CosignSignatures:
    """Keeps what `cosign verify` and `cosign verify-attestation` accept, once the artifact is in a registry."""

    def __init__(self, registry: Registry) -> None:
        self._beside = Beside(registry)

    def sign(
        self, subject: Digest, *, name: str, statements: Sequence[Statement], signer: Signer
    ) -> tuple[Digest, ...]:
        """Sign the artifact and its documents; see the port."""
        own = _judge((TrustedKey(name="own", pem=signer.public),))
        written = [self._sign(subject, claim(subject, name=name), signer, own)]
        if statements:
            written.append(self._attest(subject, statements, signer, own))
        return tuple(written)

    def marks(self, subject: Digest, keys: Collection[TrustedKey]) -> tuple[Mark, ...]:
        """Everything beside the artifact, judged; see the port."""
        signatures = self._beside.entries(subject, SIGNATURES)
        documents = self._beside.entries(subject, DOCUMENTS)
        if not signatures and not documents:
            return ()
        judge = _judge(keys)
        return (
            *(_judged(entry, subject, judge, number) for number, entry in enumerate(signatures, 1)),
            *(_judged_document(entry, subject, judge, number) for number, entry in enumerate(documents, 1)),
        )

    def _sign(self, subject: Digest, payload: bytes, signer: Signer, own: "Judge") -> Digest:
        entries = self._beside.entries(subject, SIGNATURES)
        if not any(entry.content == payload and own.who(payload, entry.signature) for entry in entries):
            signed = Entry(content=payload, media_type=SIGNATURE_TYPE, signature=signer.sign(payload))
            entries = (*entries, signed)
        return self._beside.write(subject, SIGNATURES, entries)

    def _attest(self, subject: Digest, statements: Sequence[Statement], signer: Signer, own: "Judge") -> Digest:
        """The documents of others, and those of kinds that are not made now, stay before ours."""
        kinds = {statement.predicate_type for statement in statements}
        kept, ours = [], {}
        for number, entry in enumerate(self._beside.entries(subject, DOCUMENTS), 1):
            envelope = read_envelope(entry.content, what=_what(number, subject, DOCUMENTS))
            if entry.predicate in kinds and _signed_by(envelope, own):
                ours[envelope.payload] = entry
            else:
                kept.append(entry)
        made = (ours.get(one.in_toto) or _enveloped(one, signer) for one in statements)
        return self._beside.write(subject, DOCUMENTS, (*kept, *made))


def _judge(keys: Collection[TrustedKey]) -> "Judge":
    from repave.attestations.signatures.keys import Judge  # noqa: PLC0415 - where nothing is signed, 60 ms are saved

    return Judge(keys)


def _enveloped(statement: Statement, signer: Signer) -> Entry:
    payload = statement.in_toto
    signature = signer.sign(covered(STATEMENT_MEDIA_TYPE, payload))
    envelope = Envelope(payload_type=STATEMENT_MEDIA_TYPE, payload=payload, signatures=(signature,))
    return Entry(content=envelope.json, media_type=ENVELOPE_TYPE, predicate=statement.predicate_type)


def _judged(entry: Entry, subject: Digest, judge: "Judge", number: int) -> Mark:
    check_claim(entry.content, subject, what=_what(number, subject, SIGNATURES))
    return Mark(predicate="", key=judge.who(entry.content, entry.signature))


def _judged_document(entry: Entry, subject: Digest, judge: "Judge", number: int) -> Mark:
    what = _what(number, subject, DOCUMENTS)
    envelope = read_envelope(entry.content, what=what)
    try:
        statement = json.loads(envelope.payload)
        predicate = statement["predicateType"]
        digests = [one["digest"].get("sha256") for one in statement["subject"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as broken:
        raise Corrupt(f"{what} holds no in-toto statement: {broken!r}", hint="sign the artifact again") from broken
    if subject.removeprefix("sha256:") not in digests or not isinstance(predicate, str):
        raise Corrupt(f"{what} is about another artifact", hint="sign the artifact again")
    return Mark(predicate=predicate, key=_signed_by(envelope, judge))


def _signed_by(envelope: Envelope, judge: "Judge") -> str:
    return next(filter(None, (judge.who(envelope.covered, signature) for signature in envelope.signatures)), "")


def _what(number: int, subject: Digest, kind: str) -> str:
    return f"entry {number} of {name_beside(subject, kind)} in the registry"
