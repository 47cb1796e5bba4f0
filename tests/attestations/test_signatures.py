"""What is signed, kept beside its artifact, and judged."""

import base64
import json
from pathlib import Path

import pytest
from cosign_program import pair
from signed_image import flip, small_image, statements

from repave.attestations.signatures.beside import Beside, Entry
from repave.attestations.signatures.cosign import CosignSignatures
from repave.attestations.signatures.dsse import covered
from repave.model.names import Digest
from repave.model.signing import DOCUMENTS, SIGNATURES, name_beside
from repave.model.statement import CYCLONEDX, PROVENANCE, Statement
from repave.ports.errors import Corrupt
from repave.ports.signatures import Mark
from repave.registries.layout import LayoutRegistry

OURS, THEIRS = pair("ours.pub"), pair("theirs.pub")

Image = tuple[LayoutRegistry, Digest]


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """Not signed."""
    return small_image(tmp_path / "registry")


@pytest.fixture
def signed(image: Image) -> Image:
    """By us, with two documents."""
    sign(image, statements(image[1]))
    return image


def sign(image: Image, documents: tuple[Statement, ...] = (), by: object = OURS) -> tuple[Digest, ...]:
    """As a bake does it."""
    registry, subject = image
    signer = (OURS if by is OURS else THEIRS).signer
    return CosignSignatures(registry).sign(subject, name="shop/web", statements=documents, signer=signer)


def marks(image: Image, *keys: object) -> tuple[Mark, ...]:
    """Judged by these keys."""
    trusted = tuple(key.trusted for key in (OURS, THEIRS) if key in keys)
    return CosignSignatures(image[0]).marks(image[1], trusted)


def test_what_a_signature_covers_is_as_the_specification_has_it() -> None:
    """The example of DSSE's own protocol document."""
    assert covered("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_what_was_signed_is_found_and_judged(signed: Image) -> None:
    """By the key that made it, by another, and by none."""
    kinds = ("", CYCLONEDX, PROVENANCE)
    assert marks(signed, OURS, THEIRS) == tuple(Mark(predicate=kind, key="ours.pub") for kind in kinds)
    assert marks(signed, THEIRS) == marks(signed) == tuple(Mark(predicate=kind, key="") for kind in kinds)


def test_what_is_not_signed_has_no_marks(image: Image) -> None:
    """And that is no error."""
    assert marks(image, OURS) == ()


def test_signing_again_changes_nothing(signed: Image) -> None:
    """Every digest stays, so a bake can be interrupted and done again."""
    registry, subject = signed
    before = registry.tags()
    assert sign(signed, statements(subject)) == sign(signed, statements(subject))
    assert registry.tags() == before


def test_another_signature_stands_beside(signed: Image) -> None:
    """A new document of ours takes the place of our old one; those of others, and other kinds, stay."""
    _, subject = signed
    sign(signed, statements(subject), by=THEIRS)
    sign(signed, statements(subject, version=2)[:1])
    found = marks(signed, OURS, THEIRS)
    assert [mark.key for mark in found if not mark.predicate] == ["ours.pub", "theirs.pub"]
    kinds = sorted((mark.predicate, mark.key) for mark in found if mark.predicate)
    assert kinds == sorted((kind, key) for kind in (CYCLONEDX, PROVENANCE) for key in ("ours.pub", "theirs.pub"))


def blobs_beside(image: Image) -> dict[str, Path]:
    """Every file that is kept beside the artifact, by what it is."""
    registry, subject = image
    found = {}
    for kind in (SIGNATURES, DOCUMENTS):
        manifest = registry.resolve(name_beside(subject, kind))
        document = json.loads(registry.read(manifest))
        found[f"{kind} manifest"] = registry.path(manifest)
        found[f"{kind} configuration"] = registry.path(document["config"]["digest"])
        for number, layer in enumerate(document["layers"]):
            found[f"{kind} {number}"] = registry.path(layer["digest"])
    return found


BESIDE = [
    *(f"{kind} {part}" for kind in (SIGNATURES, DOCUMENTS) for part in ("manifest", "configuration", "0")),
    f"{DOCUMENTS} 1",
]


@pytest.mark.parametrize("what", BESIDE)
@pytest.mark.parametrize("bit", [0, 1234, -3])
def test_one_bit_of_anything_beside_an_artifact_is_refused(signed: Image, what: str, bit: int) -> None:
    """By the name under which it is kept, whoever signed it, and also where no key is known."""
    flip(blobs_beside(signed)[what], bit)
    for keys in ((OURS,), ()):
        with pytest.raises(Corrupt, match=rf"sha256-{signed[1][7:]}\.{what[:3]}"):
            marks(signed, *keys)


@pytest.mark.parametrize("what", BESIDE)
def test_anything_that_is_gone_from_beside_an_artifact_is_missed(signed: Image, what: str) -> None:
    """It does not pass for unsigned."""
    blobs_beside(signed)[what].unlink()
    with pytest.raises(Corrupt, match=what[:3]):
        marks(signed, OURS)


def test_a_signature_of_another_artifact_is_none(signed: Image) -> None:
    """Carried over, whole and with right digests, it is still about what it was made for."""
    registry, subject = signed
    other = registry.add(b"{}")
    for kind, match in ((SIGNATURES, "is a signature of"), (DOCUMENTS, "about another artifact")):
        registry.tag(name_beside(other, kind), registry.resolve(name_beside(subject, kind)))
        with pytest.raises(Corrupt, match=match):
            marks((registry, other), OURS)
        registry.untag(name_beside(other, kind))


def test_a_changed_document_in_a_whole_envelope_is_signed_by_nobody(signed: Image) -> None:
    """Whoever may write to the registry can give it right digests, and no right signature."""
    registry, subject = signed
    beside = Beside(registry)
    entries = beside.entries(subject, DOCUMENTS)
    envelope = json.loads(entries[0].content)
    payload = base64.b64decode(envelope["payload"]).replace(b'"version":1', b'"version":2')
    forged = json.dumps({**envelope, "payload": base64.b64encode(payload).decode()}).encode()
    changed = Entry(content=forged, media_type=entries[0].media_type, predicate=entries[0].predicate)
    beside.write(subject, DOCUMENTS, (changed, *entries[1:]))
    found = {mark.predicate: mark.key for mark in marks(signed, OURS)}
    assert found == {"": "ours.pub", CYCLONEDX: "", PROVENANCE: "ours.pub"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"payload": 1}',
        b'{"payload":"","payloadType":"text/plain","signatures":[]}',
        b'{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{}]}',
        b'{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"?"}]}',
        b'{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_envelope_is_refused(image: Image, content: bytes) -> None:
    """By where it is."""
    registry, subject = image
    Beside(registry).write(subject, DOCUMENTS, [Entry(content=content, media_type="x", predicate=CYCLONEDX)])
    with pytest.raises(Corrupt, match="entry 1 of sha256-"):
        marks(image, OURS)
    Beside(registry).write(subject, SIGNATURES, [Entry(content=content, media_type="x")])
    with pytest.raises(Corrupt, match="entry 1 of sha256-"):
        marks(image, OURS)
