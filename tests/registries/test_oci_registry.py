"""Reading from and writing to a real registry, whoever it wants us to be."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from oci_registry import PASSWORD, USER, open_registry, password_registry, token_registry

from repave.jobs.commands import LocalCommands
from repave.model.names import Digest
from repave.ports.distribution import Blob, Manifest, Reference, Repository
from repave.ports.errors import Corrupt, Denied, Gone, Invalid, Unreachable
from repave.ports.logins import Login, Logins, NoLogins
from repave.ports.progress import Silent
from repave.ports.vault import Fetch
from repave.registries.lines import Lines
from repave.registries.oci.authentication import challenge
from repave.registries.oci.pushing import RegistryWriter
from repave.registries.oci.session import Session
from repave.registries.vault import FileVault

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
SMALL, LARGE = b"small", bytes(range(256)) * 70_000


class Us:
    """A login for every registry; what it was asked for."""

    def __init__(self, password: str = PASSWORD) -> None:
        self.asked: list[str] = []
        self._password = password

    def login(self, address: str) -> Login | None:
        """Always the same."""
        self.asked.append(address)
        return Login(username=USER, password=self._password)


def digest(content: bytes) -> Digest:
    """As OCI writes it."""
    return Digest(f"sha256:{hashlib.sha256(content).hexdigest()}")


def blob(content: bytes) -> Blob:
    """Its descriptor."""
    return Blob(digest=digest(content), size_bytes=len(content))


def manifest(*layers: bytes) -> Manifest:
    """An artifact of these."""
    described = [
        {"mediaType": "application/octet-stream", "digest": blob(layer).digest, "size": len(layer)} for layer in layers
    ]
    content = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {**described[0], "mediaType": "application/vnd.oci.image.config.v1+json"},
            "layers": described,
        }
    ).encode()
    return Manifest(content=content, media_type=MANIFEST_TYPE, digest=digest(content))


def push(registry: RegistryWriter, repository: Repository, folder: Path, *, mount: Repository | None = None) -> None:
    """Both blobs and a manifest of them, tagged ``1``."""
    for content in (SMALL, LARGE):
        source = folder / "source"
        source.write_bytes(content)
        with Silent().task("") as task:
            registry.upload(repository, blob(content), source, task=task, mount=mount)
    registry.put(repository, manifest(SMALL, LARGE), tag="1")


class Opened:
    """Clients of one registry, ended with it."""

    def __init__(self, host: str, stack: ExitStack) -> None:
        self.host = host
        self._stack = stack

    def client(self, logins: Logins) -> RegistryWriter:
        """One that is who ``logins`` says."""
        session = Session(logins=logins)
        self._stack.callback(session.close)
        return RegistryWriter(session)

    def repository(self, name: str) -> Repository:
        """By name."""
        return Repository(registry=self.host, name=name)


@pytest.fixture(scope="module", params=["open", "password", "token"])
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A registry of each kind."""
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        match request.param:
            case "open":
                host = stack.enter_context(open_registry(folder))
            case "password":
                host = stack.enter_context(password_registry(folder))
            case _:
                host, _ = stack.enter_context(token_registry(folder))
        yield Opened(host, stack)


@pytest.mark.real
def test_what_was_pushed_is_pulled(opened: Opened, tmp_path: Path) -> None:
    """Byte for byte, small and in chunks; by tag and by digest; and again it changes nothing."""
    registry, shop = opened.client(Us()), opened.repository("team/shop")
    for _ in range(2):
        push(registry, shop, tmp_path)
    found = registry.manifest(Reference(repository=shop, tag="1"))
    assert found == manifest(SMALL, LARGE)
    assert registry.manifest(Reference(repository=shop, digest=found.digest)).content == found.content
    assert registry.read(shop, blob(SMALL)) == SMALL
    registry.fetch(shop, [(blob(SMALL), tmp_path / "a"), (blob(LARGE), tmp_path / "b")], progress=Silent())
    assert ((tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()) == (SMALL, LARGE)
    assert registry.tags(shop) == ("1",)
    assert registry.tags(opened.repository("team/nothing")) == ()


@pytest.mark.real
def test_a_blob_of_another_repository_is_not_sent_again(opened: Opened, tmp_path: Path) -> None:
    """The registry takes it from where it is."""
    registry, shop, copy = opened.client(Us()), opened.repository("team/shop"), opened.repository("team/copy")
    push(registry, shop, tmp_path)
    (tmp_path / "nothing").write_bytes(b"")
    with Silent().task("") as task:
        registry.upload(copy, blob(LARGE), tmp_path / "nothing", task=task, mount=shop)
    assert registry.read(copy, blob(LARGE)) == LARGE


@pytest.mark.real
def test_what_is_not_there_is_gone(opened: Opened) -> None:
    """A manifest, a blob."""
    registry, shop = opened.client(Us()), opened.repository("team/shop")
    with pytest.raises(Gone, match="404"):
        registry.manifest(Reference(repository=shop, tag="nothing"))
    with pytest.raises(Gone):
        registry.read(shop, blob(b"nothing"))
    assert registry.has(shop, blob(b"nothing").digest) is False


@pytest.mark.real
def test_a_vault_fetches_blobs_by_their_address(opened: Opened, tmp_path: Path) -> None:
    """A locked file may have its origin in a registry."""
    shop = opened.repository("team/public")
    push(opened.client(Us()), shop, tmp_path)
    vault = FileVault(tmp_path / "vault", line=lambda: Lines(logins=Us()))
    wanted = blob(LARGE).digest.removeprefix("sha256:")
    vault.fetch(
        [Fetch(url=shop.blob(blob(LARGE).digest), sha256=wanted, size_bytes=len(LARGE), name="large")],
        progress=Silent(),
    )
    vault.verify(wanted)


@pytest.mark.real
def test_strangers_are_told_what_to_do(tmp_path: Path) -> None:
    """Without a login and with a wrong one: denied at once, and no secret in the words."""
    with password_registry(tmp_path) as host, ExitStack() as stack:
        opened = Opened(host, stack)
        for logins in (NoLogins(), Us("wrong word")):
            with pytest.raises(Denied, match="401") as denied:
                opened.client(logins).manifest(Reference(repository=opened.repository("shop"), tag="1"))
            assert "credentials" in denied.value.hint
            assert "wrong word" not in str(denied.value)


@pytest.mark.real
def test_nobody_may_pull_what_is_public(tmp_path: Path) -> None:
    """An anonymous token is enough for what a token server lets everybody read, and for nothing else."""
    with token_registry(tmp_path / "registry") as (host, tokens), ExitStack() as stack:
        opened = Opened(host, stack)
        for name in ("public", "private"):
            push(opened.client(Us()), opened.repository(name), tmp_path)
        tokens.asked.clear()
        nobody = opened.client(NoLogins())
        assert nobody.read(opened.repository("public"), blob(LARGE)) == LARGE
        with pytest.raises(Denied):
            nobody.read(opened.repository("private"), blob(LARGE))
        assert "login" not in tokens.asked
        tokens.asked.clear()
        with pytest.raises(Denied, match="gives no token"):
            opened.client(Us("wrong word")).read(opened.repository("private"), blob(LARGE))


@pytest.mark.real
def test_a_registry_that_hands_out_other_bytes_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest and a blob that were changed on its disk."""
    monkeypatch.setattr("repave.registries.patience.FIRST_WAIT_SECONDS", 0.001)
    with open_registry(tmp_path / "registry") as host, ExitStack() as stack:
        opened = Opened(host, stack)
        registry, shop = opened.client(NoLogins()), opened.repository("shop")
        push(registry, shop, tmp_path)
        kept = manifest(SMALL, LARGE)
        for place in (tmp_path / "registry" / "data").rglob("data"):
            if place.is_file():
                place.write_bytes(place.read_bytes()[:-1] + b"?")
        with pytest.raises((Corrupt, Invalid, Unreachable)):
            registry.manifest(Reference(repository=shop, digest=kept.digest))
        with pytest.raises(Corrupt, match="sha256"):
            registry.read(shop, blob(SMALL))


@pytest.mark.real
def test_skopeo_reads_what_was_pushed(tmp_path: Path) -> None:
    """And we read what skopeo pushed."""
    with open_registry(tmp_path / "registry") as host, ExitStack() as stack:
        opened = Opened(host, stack)
        registry, shop = opened.client(NoLogins()), opened.repository("shop")
        push(registry, shop, tmp_path)
        run = LocalCommands().run
        plain = ("--src-tls-verify=false", "--dest-tls-verify=false", "--insecure-policy")
        run(("skopeo", "copy", "--preserve-digests", *plain, f"docker://{shop}:1", f"docker://{host}/other:2"))
        other = Reference(repository=opened.repository("other"), tag="2")
        assert registry.manifest(other) == manifest(SMALL, LARGE)


def test_references_are_read_as_people_write_them() -> None:
    """With and without registry, port, tag and digest."""
    wanted = "sha256:" + "a" * 64
    read = {
        text: str(Reference.parse(text))
        for text in ("debian", "debian:12", "team/shop", f"r.example:5000/a/b:1@{wanted}", f"localhost/x@{wanted}")
    }
    assert list(read.values()) == [
        "docker.io/library/debian",
        "docker.io/library/debian:12",
        "docker.io/team/shop",
        f"r.example:5000/a/b:1@{wanted}",
        f"localhost/x@{wanted}",
    ]
    assert Reference.parse(f"r.example/a:1@{wanted}").name == wanted


@pytest.mark.parametrize("text", ["", "r.example/", "r.example/UPPER", "r.example/a@sha256:1", "r.example/a:-", "a b"])
def test_what_names_nothing_is_refused(text: str) -> None:
    """With an example of what would."""
    with pytest.raises(Invalid) as refused:
        Reference.parse(text)
    assert "registry.example" in refused.value.hint


def test_challenges_are_read() -> None:
    """Quoted, escaped and bare parameters."""
    read = challenge('Bearer realm="https://a.example/t?x=\\"1\\"", service=s,scope="repository:a:pull,push"')
    assert read.scheme == "bearer"
    assert read.parameters == {
        "realm": 'https://a.example/t?x="1"',
        "service": "s",
        "scope": "repository:a:pull,push",
    }
    assert challenge("").scheme == ""
