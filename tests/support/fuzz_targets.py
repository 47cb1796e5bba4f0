"""The readers that get strangers' bytes, each as one call that returns: whatever it raises is a crash."""

import io
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cosign_program import ed25519_pair
from fuzz_seeds import (
    archive_seeds,
    bundle_seeds,
    changelog_seeds,
    control_seeds,
    cvss_seeds,
    document_seeds,
    fact_seeds,
    image_seeds,
    lock_seeds,
    osv_seeds,
    package_lock_seeds,
    pet_seeds,
    published_seeds,
)
from tar_bytes import field

from repave.advisories.changelogs import reaches, repaired
from repave.advisories.debian_package import documents
from repave.advisories.debian_tracker.document import read_tracker
from repave.advisories.documents import Copy
from repave.advisories.epss import read_epss
from repave.advisories.kev import read_kev
from repave.advisories.osv.matching import Subject, judge
from repave.advisories.osv.orders import Unordered, debian
from repave.advisories.osv.records import read_record, write_record
from repave.advisories.rating import rate
from repave.advisories.vex.formats import read_vex
from repave.archives.control import groups, paragraphs, source_of, written
from repave.archives.errors import BadArchive
from repave.archives.packages import opened_package
from repave.archives.rules import MIB, ROOT_FILESYSTEM, TREE, Rules
from repave.archives.stacks import LayerStack
from repave.archives.tars import opened_tar
from repave.archives.unpacking import Unpacking, unpack
from repave.archives.whiteouts import Hiding
from repave.archives.zips import opened_zip
from repave.attestations.sbom.apk import apk_needs
from repave.attestations.sbom.apk import installed as apk_installed
from repave.attestations.sbom.copyright import licences as copyright_licences
from repave.attestations.sbom.debian import control_fields, facts_of_fields
from repave.attestations.sbom.licences import combined, expression, identifier
from repave.attestations.sbom.npm import sha512
from repave.attestations.sbom.people import person
from repave.attestations.sbom.wheels import facts_of_metadata, read_metadata
from repave.attestations.signatures.keys import Judge
from repave.config.errors import FileError
from repave.config.lockfile import dump_lock, load_lock
from repave.model.lock import Ecosystem, project_path
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, FileMapping, Image, ImageKind, NodeApplication
from repave.operations.adopting.applications import node_applications
from repave.operations.adopting.dpkg import DIVERSIONS, INFO, STATUS, database
from repave.operations.adopting.listening import LAST_PORT, declared
from repave.operations.adopting.secrecy import secret_in, tells_secret
from repave.operations.adopting.sources import release, sources
from repave.operations.adopting.units import enabled
from repave.operations.errors import Refused
from repave.operations.integrity.image import ImageReader
from repave.operations.recording.verifying import verify_bundle
from repave.pinners.npm.archives import origin_of
from repave.pinners.npm.fitting import Machine, installed
from repave.pinners.npm.mending import taken
from repave.pinners.npm.packagelock import Entry as PackageEntry
from repave.pinners.npm.packagelock import PackageLock, parsed, read_package_lock
from repave.pinners.npm.published import versions_in
from repave.pinners.npm.rewriting import rewritten
from repave.ports.distribution import DIGEST
from repave.ports.errors import Corrupt, Gone, Invalid
from repave.ports.image_format import ImageConfiguration, is_index, platforms
from repave.ports.pinner import Repair
from repave.ports.progress import Silent
from repave.providers.local.accounts import HIGHEST_ID
from repave.providers.local.images import facts_of, read_image
from repave.registries.layout import LayoutRegistry
from repave.servers.kernel import heard_in

NAME = "the input"
BLOCK_BYTES = 512
STRANGER = ed25519_pair("stranger.pub")
MEMORY = next((place for place in ("/dev/shm",) if os.access(place, os.W_OK)), None)  # noqa: S108 - folders of random names
"""Where files are made that live for a millisecond."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One reader."""

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    """What it is known to take, to begin with."""

    largest_bytes: int = 4096
    """Of an input; a larger one finds nothing else, more slowly."""

    everywhere: bool = False
    """Every project reads such bytes, whatever its file says."""


def read_a_lock(data: bytes) -> None:
    """What is read is written and read again as the same."""
    with suppress(FileError):
        lock = load_lock(data.decode(errors="replace"))
        assert load_lock(dump_lock(lock)) == lock


def read_a_record(data: bytes) -> None:
    """What is read judges versions of every order, and is written and read again as the same."""
    try:
        record = read_record(data, name=NAME)
    except Corrupt:
        return
    assert read_record(write_record(record), name=NAME) == record
    named = {(part.package.ecosystem, part.package.name) for part in record.affected if part.package}
    for ecosystem, name in named | {("GIT", "https://example.org/x.git")}:
        for version in ("1.0", "1:2.3-4+deb12u1", "0" * 40):
            judge(record, Subject(ecosystem=ecosystem, name=name, version=version))


def read_a_changelog(data: bytes) -> None:
    """Whatever it holds: names of flaws, or none."""
    text = data.decode(errors="replace")
    found = repaired(text, after="1.0-1", up_to="3.0.22-1~deb12u2", newer=_newer)
    assert all(name.startswith("CVE-") for name in found)
    reaches(text, "1.0-1", _newer)


def read_control_data(data: bytes) -> None:
    """Paragraphs, their relations and sources; what is written from them is read as the same."""
    for fields in paragraphs(data.decode(errors="replace")):
        list(groups(fields, "Depends", "Pre-Depends", "Provides"))
        with suppress(Corrupt):
            source_of(fields)
        if all(fields.values()):
            list(paragraphs(written(fields)))


def read_an_archive(data: bytes) -> None:
    """As what it claims to be, by strangers' rules and by a root filesystem's; nothing outside the target is made."""
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=MEMORY) as made:
        folder = Path(made)
        for content in {data, mended(data)}:
            (folder / "archive").write_bytes(content)
            for rules, settings in (
                (_small(TREE), Unpacking()),
                (_small(ROOT_FILESYSTEM), Unpacking(hiding=Hiding.REMOVED)),
            ):
                with suppress(BadArchive, Invalid):
                    _unpack(folder / "archive", folder, rules, settings)
        assert sorted(os.listdir(folder)) in (["archive"], ["archive", "target"])  # noqa: PTH208 - names alone


def mended(data: bytes) -> bytes:
    """A tar whose headers have the checksums they should have: a changed one is not read beyond its first header."""
    blocks = [data[start : start + BLOCK_BYTES] for start in range(0, len(data), BLOCK_BYTES)]
    return b"".join(
        field(block, 0, b"")
        if len(block) == BLOCK_BYTES and block.count(0) != BLOCK_BYTES and block[148:156]
        else block
        for block in blocks
    )


def read_a_vector(data: bytes) -> None:
    """A rating, or a problem that is told."""
    vector, _, word = data.decode(errors="replace").partition("\n")
    rated = rate([vector], word)
    assert rated.rating is None or rated.rating.score is None or 0.0 <= rated.rating.score <= 10.0


def read_an_image(data: bytes) -> None:
    """A manifest or index, the configuration that it names (``@DIGEST``, ``@SIZE``), users, groups; zeros between."""
    manifest, configuration, users, groups_file = (*data.split(b"\0", 3), b"", b"", b"")[:4]
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=MEMORY) as made:
        folder = Path(made)
        registry = _Registry(folder)
        named = registry.add(configuration)
        size = str(len(configuration)).encode()
        content = manifest.replace(b"@DIGEST", named.encode()).replace(b"@SIZE", size)
        digest = registry.add(content)
        with suppress(Corrupt, Gone):
            ImageReader(registry).parts(digest)
        if is_index(content, ""):
            with suppress(Invalid):
                assert all(platform.title is not None for platform in platforms(content, NAME))
        (folder / "root/etc").mkdir(parents=True)
        (folder / "root/etc/passwd").write_bytes(users)
        (folder / "root/etc/group").write_bytes(groups_file)
        with suppress(Corrupt):
            image = read_image(registry, digest)
            facts = facts_of(image, ("root",), folder)
            assert 0 <= facts.user <= HIGHEST_ID
            assert 0 <= facts.group <= HIGHEST_ID
        with suppress(Invalid):
            said = ImageConfiguration.parse(configuration, NAME)
            assert len(said.environment) + len(said.volumes) >= 0


class _Registry(LayoutRegistry):
    """Files by their digest, which nobody needs after a power cut."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, content: bytes) -> Digest:
        digest = Digest(f"sha256:{sha256(content).hexdigest()}")
        (self._folder / digest).write_bytes(content)
        return digest

    def read(self, digest: Digest) -> bytes:
        return self.path(digest).read_bytes()

    def path(self, digest: Digest) -> Path:
        if not DIGEST.fullmatch(digest) or not (self._folder / digest).exists():
            raise Gone(f"no blob {digest}")
        return self._folder / digest


def read_documents(data: bytes) -> None:
    """What the world knows of flaws: VEX, KEV, EPSS, Debian's tracker."""
    with suppress(Corrupt):
        read_vex(Copy(content=data), name=NAME)
    with suppress(Corrupt):
        read_kev(data)
    with suppress(Corrupt):
        read_epss(data)
    with suppress(Corrupt):
        list(read_tracker(io.BytesIO(data), name=NAME, as_of=datetime(2026, 11, 25, tzinfo=UTC)))


def read_a_bundle(data: bytes) -> None:
    """A record that somebody handed over, judged by a key of no one's."""
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=MEMORY) as made:
        (Path(made) / "bundle").write_bytes(data)
        with suppress(Refused):
            verdict = verify_bundle(Path(made) / "bundle", (STRANGER.trusted,), Judge, Silent())
            assert not verdict.holds


def read_a_package_lock(data: bytes) -> None:
    """A package-lock, and after a zero the ``package.json`` beside it; what npm would leave of it on a machine."""
    lock, _, manifest = data.partition(b"\0")
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=MEMORY) as made:
        folder = Path(made)
        (folder / "package-lock.json").write_bytes(lock)
        (folder / "package.json").write_bytes(manifest)
        (folder / "own").mkdir()
        (folder / "own" / "package.json").write_text("{}", encoding="utf-8")
        with suppress(Invalid):
            found = read_package_lock(folder, "package-lock.json")
            for entry in installed(found, Machine(processor="x64", node="18.20.4")):
                assert ".." not in entry.path.split("/")
                sha512(entry.integrity)
                with suppress(Invalid):
                    assert not project_path(origin_of(entry, NODE, IMAGE)).startswith(("/", "../"))


NODE = NodeApplication(lock="web/package-lock.json", into="/srv/app")
IMAGE = Image(
    name=ImageName("web"),
    kind=ImageKind.CONTAINER,
    base=Base(image="registry.example/node:20"),
    files=(FileMapping(source="web/", target="/srv/app/"),),
)
OLD = PackageEntry(path="node_modules/a", table={"version": "1.0.0", "resolved": "https://r.example/a/-/a-1.0.0.tgz"})
OLD_LOCK = PackageLock(
    file="package-lock.json",
    content=json.dumps({"packages": {"": {}, OLD.path: OLD.table}, "dependencies": {"a": {}}}).encode(),
    manifests={"": b"{}"},
    root=PackageEntry(path="", table={"dependencies": {"a": "^1.0.0"}}),
    entries={OLD.path: OLD},
)
REPAIR = Repair(ecosystem=Ecosystem.NPM, name="a", versions=("1.0.1",), images=(), locked="1.0.0")


def read_published_versions(data: bytes) -> None:
    """What a registry says of a package's versions; each may be put into a package-lock in place of another."""
    with suppress(Invalid):
        published = versions_in(parsed(data, NAME), OLD, "https://registry.example")
        after, _ = taken(OLD_LOCK, REPAIR, published, Machine(processor="x64", node="18.20.4"))
        json.loads(rewritten(OLD_LOCK, after))


def read_facts_of_packages(data: bytes) -> None:
    """What packages say of themselves, in the words of each ecosystem."""
    text = data.decode(errors="replace")
    copyright_licences(text, "name")
    apk_needs(apk_installed(text))
    facts_of_fields(control_fields(text))
    facts_of_metadata(read_metadata(data))
    for word in (identifier, expression, combined, person):
        word(text)


def read_a_pets_files(data: bytes) -> None:
    """Whatever a server's own files and kernel say: packages, sources, units, ports, applications; or nothing of it."""
    text = data.decode(errors="replace")
    heard_in(text)
    found = database({STATUS: text, DIVERSIONS: text, f"{INFO}web.list": text, f"{INFO}web.md5sums": text}, {})
    found.closure(found.by_hand)
    release({"/etc/os-release": text})
    sources({"/etc/apt/sources.list": text, "/etc/apt/sources.list.d/x.sources": text})
    unit = "/etc/systemd/system/x.service"
    units = enabled(["/etc/systemd/system/multi-user.target.wants/x.service"], {unit: text})
    assert all(0 < port.number <= LAST_PORT for port in declared(units, {unit: text, "/etc/nginx/nginx.conf": text}))
    node_applications({"/opt/n/package.json": text, "/opt/n/package-lock.json": text})
    secret_in("/etc/x.conf", data)
    tells_secret(text)


TARGETS = (
    Target(name="lock", run=read_a_lock, seeds=lock_seeds, everywhere=True),
    Target(name="osv", run=read_a_record, seeds=osv_seeds, everywhere=True),
    Target(name="changelog", run=read_a_changelog, seeds=changelog_seeds, everywhere=True),
    Target(name="control", run=read_control_data, seeds=control_seeds, everywhere=True),
    Target(name="archives", run=read_an_archive, seeds=archive_seeds, largest_bytes=8192, everywhere=True),
    Target(name="cvss", run=read_a_vector, seeds=cvss_seeds, largest_bytes=300),
    Target(name="image", run=read_an_image, seeds=image_seeds),
    Target(name="packagelock", run=read_a_package_lock, seeds=package_lock_seeds),
    Target(name="published", run=read_published_versions, seeds=published_seeds),
    Target(name="facts", run=read_facts_of_packages, seeds=fact_seeds),
    Target(name="documents", run=read_documents, seeds=document_seeds),
    Target(name="bundle", run=read_a_bundle, seeds=bundle_seeds),
    Target(name="pet", run=read_a_pets_files, seeds=pet_seeds),
)


def target_of(name: str) -> Target:
    """By its name."""
    return next(target for target in TARGETS if target.name == name)


def _newer(one: str, other: str) -> bool:
    """Debian's order, in which what is no version comes first."""
    try:
        return debian(one) > debian(other)
    except Unordered:
        return False


def _small(rules: Rules) -> Rules:
    return replace(rules, entries=200, file_bytes=4 * MIB, total_bytes=8 * MIB)


def _unpack(path: Path, folder: Path, rules: Rules, settings: Unpacking) -> None:
    start = path.read_bytes()[:4]
    (folder / "target").mkdir(exist_ok=True)
    if start.startswith(b"PK"):
        with opened_zip(path, name=NAME, rules=rules) as archive:
            for member in archive.infolist():
                archive.read(member)
    elif start.startswith(b"!<ar"):
        for part in ("control", "data"):
            with opened_package(path, part, name=NAME, rules=rules) as entries:
                unpack(entries, folder / "target", name=NAME, settings=settings)
        documents(path, "name")
    else:
        with opened_tar(path, name=NAME, rules=rules) as entries:
            unpack(entries, folder / "target", name=NAME, settings=settings)
        stack = LayerStack(lambda _: True)
        for _ in ("below", "above"):
            with ExitStack() as opened:
                stack.take_in(lambda: opened.enter_context(opened_tar(path, name=NAME, rules=rules)), name=NAME)
        for name in (*stack.files, *stack.links):
            stack.file(name)
