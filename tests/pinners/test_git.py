"""Git repositories: which commit, which files, and nothing of anybody's configuration."""

import gzip
import io
import os
import subprocess
import tarfile
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar

import pytest
from git_origin import CONTENT, GitOrigin, git_origin
from guarded_folder import Watched
from protected import certificate, serving

from repave.jobs.commands import LocalCommands
from repave.model.lock import Ecosystem, Layer, Lock, LockedPackage
from repave.model.names import ImageName
from repave.model.recipe import Base, GitSource, Image, ImageKind
from repave.pinners.git.address import GitAddress
from repave.pinners.git.exporting import GitExports
from repave.pinners.git.pinner import GitPinner
from repave.pinners.git.program import Git
from repave.pinners.git.trees import tree_name
from repave.ports.errors import Corrupt, Denied, Gone, Invalid, Unreachable, WorldError
from repave.ports.logins import Login, NoLogins
from repave.ports.pinner import PinRequest, Pins, Refresh
from repave.ports.progress import Silent
from repave.ports.vault import Fetch
from repave.registries.vault import FileVault

WEB = ImageName("web")


@dataclass
class Desk:
    """A pinner, its vault, and what it pinned before."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    @property
    def exports(self) -> GitExports:
        """Exports with nothing of this machine."""
        git = Git(commands=LocalCommands(), environment=self.environment, logins=NoLogins())
        return GitExports(self.folder / "cache", git=git)

    @property
    def vault(self) -> FileVault:
        """Which can make again what it lost."""
        return FileVault(self.folder / "vault", exports=lambda: self.exports)

    def pin(self, *sources: GitSource, refresh: Refresh = Refresh.KEEP, named: tuple[str, ...] = ()) -> Pins:
        """Pin again; the next time this is what was pinned before."""
        base = Base(distribution="debian", release="bookworm", suites=("bookworm",))
        image = Image(name=WEB, kind=ImageKind.CONTAINER, base=base, git=sources)
        request = PinRequest(image=image, folder=self.folder, previous=self.lock, refresh=refresh, named=named)
        pins = GitPinner(self.folder / "cache", exports=self.exports, vault=self.vault).pin(request, progress=Silent())
        self.lock = Lock(packages=pins.packages)
        return pins

    def files(self, package: LockedPackage) -> dict[str, bytes | str]:
        """What an archive in the vault holds: content by path, targets of links as text."""
        found: dict[str, bytes | str] = {}
        with tarfile.open(self.vault.path(package.sha256)) as tar:
            for member in tar.getmembers():
                stream = tar.extractfile(member) if member.isfile() else None
                if stream is not None:
                    found[member.name] = stream.read()
                elif member.issym():
                    found[member.name] = member.linkname
        return found


@pytest.fixture
def origin(tmp_path: Path) -> GitOrigin:
    """A repository."""
    return git_origin(tmp_path / "tool.git")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """With nothing pinned."""
    (tmp_path / "desk").mkdir()
    return Desk(folder=tmp_path / "desk")


def by_commit(origin: GitOrigin, commit: str = "", path: str = "") -> GitSource:
    """The repository at a commit."""
    return GitSource(url=origin.url, into="/srv/tool", commit=commit or origin.git("rev-parse", "HEAD"), path=path)


def by_name(origin: GitOrigin, reference: str) -> GitSource:
    """The repository at a tag or branch."""
    return GitSource(url=origin.url, into="/srv/tool", reference=reference)


def test_a_commit_is_exported_as_it_is_committed(origin: GitOrigin, desk: Desk) -> None:
    """Whatever its attributes say of line ends, keywords and what is to be left out."""
    (package,) = desk.pin(by_commit(origin)).packages
    assert desk.files(package) == {**CONTENT, "keep/run": b"#!/bin/sh\n", "keep/link": "../README", "current": "keep"}
    commit = origin.git("rev-parse", "HEAD")
    assert package == LockedPackage(
        ecosystem=Ecosystem.GIT,
        name=origin.url,
        version=commit,
        sha256=package.sha256,
        size_bytes=desk.vault.path(package.sha256).stat().st_size,
        origin=f"git+{origin.url}@{commit}",
        filename=f"tool,{commit}.tar",
        layer=Layer.SOURCES,
        images=(WEB,),
    )


def test_a_folder_of_a_repository_is_all_that_is_kept(origin: GitOrigin, desk: Desk) -> None:
    """Below the path that it has there; the address says which."""
    (package,) = desk.pin(by_commit(origin, path="keep")).packages
    assert {name.partition("/")[0] for name in desk.files(package)} == {"keep"}
    assert package.origin.endswith("#keep")
    assert GitAddress.parse(package.origin).path == "keep"


@pytest.mark.parametrize("reference", ["refs/tags/v1", "refs/tags/light", "refs/heads/main"])
def test_a_name_is_pinned_to_its_commit_and_moves_only_when_told(origin: GitOrigin, desk: Desk, reference: str) -> None:
    """A tag with a note is the commit below it; an upgrade of all, or of this repository, looks again."""
    source, first = by_name(origin, reference), origin.git("rev-parse", "HEAD")
    (package,) = desk.pin(source).packages
    assert (package.version, package.reference) == (first, reference)
    second = origin.commit({"README": b"read me again\n"})
    for tag in ("v1", "light"):
        origin.git("tag", "--force", tag)
    for refresh, named in ((Refresh.KEEP, ()), (Refresh.SECURITY, ()), (Refresh.NAMED, ("openssl",))):
        assert desk.pin(source, refresh=refresh, named=named).packages == (package,)
    before = desk.lock
    (moved,) = desk.pin(source, refresh=Refresh.UPGRADE).packages
    assert moved.version == second
    desk.lock = before
    assert desk.pin(source, refresh=Refresh.NAMED, named=(origin.url,)).packages == (moved,)


def test_a_commit_in_the_recipe_never_moves(origin: GitOrigin, desk: Desk) -> None:
    """Whatever is asked for; and it is found though no branch names it any more."""
    first = origin.git("rev-parse", "HEAD")
    origin.commit({"README": b"read me again\n"})
    source = by_commit(origin, first)
    (package,) = desk.pin(source).packages
    assert package.version == first
    assert desk.pin(source, refresh=Refresh.UPGRADE).packages == (package,)
    assert desk.files(package)["README"] == CONTENT["README"]


def test_one_commit_under_several_names_is_an_entry_for_each(origin: GitOrigin, desk: Desk) -> None:
    """Each moves by itself; the bytes are kept once."""
    sources = (by_name(origin, "refs/tags/v1"), by_name(origin, "refs/heads/main"), by_commit(origin))
    packages = desk.pin(*sources).packages
    assert len({package.identity for package in packages}) == len(packages) == 3
    assert len({package.sha256 for package in packages}) == 1


def test_what_the_vault_lost_is_exported_again(origin: GitOrigin, desk: Desk) -> None:
    """To the same bytes; what is not them is not kept."""
    (package,) = desk.pin(by_commit(origin, path="keep")).packages
    fetch = Fetch(url=package.origin, sha256=package.sha256, size_bytes=package.size_bytes, name="tool")
    desk.vault.remove(package.sha256)
    desk.vault.fetch([fetch], progress=Silent())
    desk.vault.verify(package.sha256)
    wrong = Fetch(url=package.origin, sha256="0" * 64, size_bytes=package.size_bytes, name="tool")
    with pytest.raises(Corrupt, match=f"tool exported from .* has sha256 {package.sha256}"):
        desk.vault.fetch([wrong], progress=Silent())
    assert not desk.vault.has("0" * 64)


def test_what_a_killed_lock_left_goes_with_the_next(origin: GitOrigin, desk: Desk) -> None:
    """A repository and an archive have gigabytes; nothing of either run stays."""
    left = desk.folder / "cache/run-killed/repository"
    left.mkdir(parents=True)
    (left / "pack").write_bytes(b"half")
    desk.pin(by_commit(origin))
    assert list((desk.folder / "cache").iterdir()) == []


def test_a_submodule_stays_empty_and_is_told(tmp_path: Path, desk: Desk) -> None:
    """Nothing is fetched from where a repository points to."""
    origin = git_origin(tmp_path / "tool.git", submodule=True)
    pins = desk.pin(by_commit(origin, path="keep"))
    assert pins.remarks == (
        f"submodule vendor of {origin.url} stays an empty folder: name its repository under `git` too",
    )
    assert not [name for name in desk.files(pins.packages[0]) if "vendor" in name]


def test_nobodys_configuration_has_a_say(
    origin: GitOrigin, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No address is rewritten, no hook runs, no variable of git's is passed on."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[url "file:///nowhere"]\n\tinsteadOf = {origin.url}\n[core]\n\thooksPath = {home}/hooks\n'
        f"[init]\n\ttemplateDir = {home}/template\n",
        encoding="utf-8",
    )
    for folder in (home / "hooks", home / "template/hooks"):
        folder.mkdir(parents=True)
        for hook in ("reference-transaction", "post-checkout", "pre-auto-gc"):
            (folder / hook).write_text(f"#!/bin/sh\ntouch {home}/ran\n", encoding="utf-8")
            (folder / hook).chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    desk.pin(by_name(origin, "refs/heads/main"))
    assert not (home / "ran").exists()


@pytest.mark.parametrize("url", ["ext::sh -c id", "http://127.0.0.1:9/a.git", "git://127.0.0.1/a.git", "/srv/a.git"])
def test_only_what_moves_bytes_over_a_protected_line_is_asked(desk: Desk, url: str) -> None:
    """Below the grammar, too, which refuses the others in the file."""
    with pytest.raises(Invalid, match="no address of a repository"):
        desk.exports.commit_of(url, "refs/heads/main")
    with pytest.raises(Invalid, match="names no commit"):
        desk.exports.write(f"git+{url}@{'1' * 40}", io.BytesIO())


@pytest.mark.parametrize(
    ("changes", "error", "said", "hint"),
    [
        ({"reference": "refs/tags/lihgt"}, Invalid, "has no tag lihgt", "light"),
        ({"reference": "refs/heads/mian"}, Invalid, "has no branch mian", "main"),
        ({"commit": "2" * 40}, Invalid, f"has no commit {'2' * 40}", "look it up"),
        ({"url": "file:///nowhere/tool.git", "reference": "refs/heads/main"}, Gone, "nowhere", "check the address"),
        ({"path": "nothing"}, Invalid, "nothing of .* is not there", "folder"),
        ({"path": "README"}, Invalid, "README of .* is a file", "folder"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    origin: GitOrigin, desk: Desk, changes: dict[str, str], error: type[WorldError], said: str, hint: str
) -> None:
    """The nearest name, where there is one."""
    commit = "" if "reference" in changes else origin.git("rev-parse", "HEAD")
    source = GitSource(**{"url": origin.url, "into": "/srv", "commit": commit, **changes})
    with pytest.raises(error, match=said) as refused:
        desk.pin(source)
    assert hint in refused.value.hint
    assert list((desk.folder / "cache").iterdir()) == []


def test_an_archive_has_the_name_of_its_tree_only_when_nothing_differs(origin: GitOrigin, tmp_path: Path) -> None:
    """Content, name, right and target of a link all count."""
    (origin.folder / ".git/info/attributes").write_text("* -export-ignore -export-subst -text -ident\n")
    origin.git("archive", "-o", str(tmp_path / "right.tar"), "HEAD")
    tree = origin.git("rev-parse", "HEAD^{tree}")
    assert tree_name(tmp_path / "right.tar", path="", submodules={}) == tree
    for change in ("content", "name", "mode", "link", "extra"):
        with tarfile.open(tmp_path / "right.tar") as old, tarfile.open(tmp_path / "wrong.tar", "w") as new:
            for member in old.getmembers():
                stream = old.extractfile(member) if member.isfile() else None
                content = stream.read() if stream else b""
                if member.name == "keep/run":
                    content = b"#!/bin/sH\n" if change == "content" else content
                    member.name = "keep/ruN" if change == "name" else member.name
                    member.mode = 0o644 if change == "mode" else member.mode
                if member.issym() and change == "link":
                    member.linkname = "/etc/passwd"
                new.addfile(member, io.BytesIO(content))
            if change == "extra":
                new.addfile(tarfile.TarInfo("keep/extra"))
        assert tree_name(tmp_path / "wrong.tar", path="", submodules={}) != tree, change


SSH = """#!/bin/sh
echo "$@" >> "$TOLD"
for last; do :; done
eval exec "$last"
"""
"""In the place of ssh: tells how it was called, and runs here what it was to run there."""


def test_ssh_is_asked_without_questions_and_only_of_known_hosts(
    origin: GitOrigin, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's agent is passed on, and nothing else of the environment."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "ssh").write_text(SSH.replace('"$TOLD"', str(tmp_path / "told")), encoding="utf-8")
    (tools / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    url = f"ssh://git@host.example{origin.folder}"
    (package,) = desk.pin(GitSource(url=url, into="/srv", reference="refs/tags/v1")).packages
    assert package.version == origin.git("rev-parse", "HEAD")
    told = (tmp_path / "told").read_text(encoding="utf-8")
    for wanted in ("-oBatchMode=yes", "-oStrictHostKeyChecking=yes", "git@host.example", "git-upload-pack"):
        assert wanted in told


class Backend(BaseHTTPRequestHandler):
    """git's own server, for whoever has the login; ``/elsewhere`` sends on."""

    protocol_version = "HTTP/1.1"
    root = Path()
    asked: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        """Answer, or send away."""
        login = self.headers.get("Authorization", "")
        self.asked.append((self.path, login))
        if self.path.startswith("/elsewhere"):
            self.send_response(302)
            self.send_header("Location", self.path.replace("/elsewhere", ""))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif login != "Basic " + b64encode(b"me:secret").decode():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._answer()

    do_POST = do_GET  # noqa: N815 - the library's own name

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        answer = subprocess.run(
            ["git", "http-backend"],
            input=gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body,
            capture_output=True,
            check=True,
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": os.fspath(self.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            },
        ).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        self.send_response(200)
        for line in head.decode().splitlines():
            self.send_header(*line.split(": ", 1))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """Say nothing."""


PASSWORD = "secret"  # noqa: S105 - it opens nothing but the server of this test


class Us:
    """One login, for everything."""

    def login(self, address: str) -> Login:
        """Ours."""
        del address
        return Login(username="me", password=PASSWORD)


@pytest.mark.real
def test_a_login_goes_to_its_repository_and_is_shown_nowhere(origin: GitOrigin, tmp_path: Path) -> None:
    """Not in a process list, not to where a server sends on; who has none is told so, without a question."""
    own = certificate(tmp_path)
    Backend.root, Backend.asked[:] = tmp_path, []
    commands, folder, environment = Watched(), tmp_path / "cache", {"SSL_CERT_FILE": str(own.file)}
    with serving(Backend, own) as port:
        url = f"https://127.0.0.1:{port}/tool.git"
        exports = GitExports(folder, git=Git(commands=commands, environment=environment, logins=Us()))
        commit = exports.commit_of(url, "refs/tags/v1")
        exports.export(GitAddress(url=url, commit=commit), io.BytesIO())
        assert commit == origin.git("rev-parse", "HEAD")
        assert not [
            shown for shown in commands.arguments if "secret" in shown or b64encode(b"me:secret").decode() in shown
        ]
        Backend.asked.clear()
        with pytest.raises(WorldError):
            exports.commit_of(url.replace("/tool", "/elsewhere/tool"), "refs/tags/v1")
        assert [path for path, _ in Backend.asked if not path.startswith("/elsewhere")] == []
        nobody = GitExports(folder, git=Git(commands=commands, environment=environment, logins=NoLogins()))
        with pytest.raises(Denied, match="cannot be read"):
            nobody.commit_of(url, "refs/tags/v1")
        stranger = GitExports(folder, git=Git(commands=commands, environment={}, logins=Us()))
        with pytest.raises(Unreachable, match="certificate"):
            stranger.commit_of(url, "refs/tags/v1")
