"""What the Debian pinner believes, and what of the machine it leaves alone."""

import hashlib
import json
import os
import stat
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from debian_upstream import SUITE, Locking, SigningKey, Upstream

from repave.model.recipe import Base
from repave.pinners.debian import sources
from repave.pinners.debian.complaints import refused_update
from repave.pinners.debian.workspace import Situation, Workspace
from repave.ports.commands import Finished
from repave.ports.errors import Corrupt, NoCapacity, WorldError
from repave.ports.logins import NoLogins

PACKAGES = {"base-files 12": "Essential: yes", "app 1.0": ""}
HOST = ("/etc/apt", "/var/lib/apt", "/var/cache/apt", "/var/lib/dpkg", "/var/log/apt")
NOBODY = 65534

Spoil = Callable[[Upstream, SigningKey], None]


def unsigned(upstream: Upstream, _: SigningKey) -> None:
    """Publish an index without a signature."""
    upstream.publish(SUITE, {**PACKAGES, "app 2.0": ""})
    place = upstream.root / "dists" / SUITE
    (place / "InRelease").rename(place / "Release")


def wrongly_signed(upstream: Upstream, foreign: SigningKey) -> None:
    """Publish an index signed by a stranger."""
    upstream.publish(SUITE, {**PACKAGES, "app 2.0": ""}, key=foreign)


def tampered(upstream: Upstream, _: SigningKey) -> None:
    """Change a signed index."""
    upstream.publish(SUITE, {**PACKAGES, "app 2.0": ""})
    index = upstream.root / "dists" / SUITE / "InRelease"
    index.write_text(index.read_text().replace("Origin: Test", "Origin: Evil"))


def expired(upstream: Upstream, _: SigningKey) -> None:
    """Publish an index that was valid until two hours ago."""
    upstream.publish(SUITE, {**PACKAGES, "app 2.0": ""}, valid_for=timedelta(hours=22))


def mismatched(upstream: Upstream, _: SigningKey) -> None:
    """Change a package index after its Release was signed."""
    upstream.publish(SUITE, {**PACKAGES, "app 2.0": ""})
    index = upstream.root / "dists" / SUITE / "main/binary-amd64/Packages"
    index.write_text(index.read_text().replace("Version: 2.0", "Version: 6.6"))


SPOILED = [
    (unsigned, "is not signed by a key we trust"),
    (wrongly_signed, "is not signed by a key we trust"),
    (tampered, "is not signed by a key we trust"),
    (expired, "has expired"),
    (mismatched, "does not have the hash"),
]


@pytest.mark.parametrize(("spoil", "said"), SPOILED)
@pytest.mark.parametrize("seen_before", [False, True], ids=["new", "seen"])
def test_an_index_that_is_not_right_is_refused(
    upstream: Upstream, locking: Locking, foreign_key: SigningKey, spoil: Spoil, said: str, seen_before: bool
) -> None:
    """By name and with the reason, also when an older, good one is at hand; the lock does not change."""
    if seen_before:
        upstream.publish(SUITE, PACKAGES)
        locking.run("app")
    before = locking.lock
    spoil(upstream, foreign_key)
    with pytest.raises(Corrupt, match=f"index of {SUITE} {said}"):
        locking.run("app")
    assert locking.lock == before


def test_a_repaired_archive_is_believed_again(upstream: Upstream, locking: Locking, foreign_key: SigningKey) -> None:
    """A refusal leaves nothing behind that stands in the way."""
    wrongly_signed(upstream, foreign_key)
    with pytest.raises(Corrupt):
        locking.run("app")
    upstream.publish(SUITE, PACKAGES)
    assert locking.run("app")["app"].version == "1.0"


def state_of_the_host() -> str:
    """A digest of apt's and dpkg's files on this machine: names, times, sizes."""
    lines = []
    for root in HOST:
        for path in sorted(Path(root).rglob("*")):
            status = path.lstat()
            lines.append(f"{path} {status.st_mtime_ns} {status.st_size} {stat.filemode(status.st_mode)}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_the_hosts_apt_is_neither_read_nor_touched(
    upstream: Upstream, locking: Locking, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A configuration of the host's that would break everything is not read, and no file of apt's changes."""
    hostile = tmp_path / "apt.conf"
    hostile.write_text('Dir::State::lists "/nowhere";\nAPT::Architecture "riscv64";\n')
    monkeypatch.setenv("APT_CONFIG", str(hostile))
    monkeypatch.setenv("HOME", str(tmp_path))
    upstream.publish(SUITE, PACKAGES)
    before = state_of_the_host()
    assert locking.run("app")["app"].version == "1.0"
    assert state_of_the_host() == before


def test_it_works_without_root(upstream: Upstream, locking: Locking) -> None:
    """As the user who may do least; as whoever runs the tests, where that is not root."""
    upstream.publish(SUITE, PACKAGES)
    locking.keyring = locking.folder / "keyring.gpg"
    locking.keyring.write_bytes(upstream.key.keyring.read_bytes())
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            os.environ["HOME"] = "/nonexistent"
            versions = {name: package.version for name, package in locking.run("app").items()}
            os.write(writing, json.dumps(versions).encode())
            status = 0
        except WorldError as failure:
            os.write(writing, json.dumps({"failure": failure.message}).encode())
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as answer:
        assert json.loads(answer.read() or "{}") == {"app": "1.0", "base-files": "12"}
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(
    ("complaint", "kind", "said"),
    [
        (
            "E: Release file for http://x/dists/bookworm-security/InRelease is expired (invalid since 2d).",
            "corrupt",
            "the index of bookworm-security has expired",
        ),
        (
            "E: Release file for http://x/debian/dists/bookworm/InRelease is not valid yet (invalid for another 3h).",
            "corrupt",
            "the index of bookworm is from the future",
        ),
        (
            "E: Failed to fetch http://x/debian/dists/bookworm/InRelease  Temporary failure resolving 'x'",
            "unreachable",
            "the index of bookworm could not be read",
        ),
        (
            "E: The repository 'http://x/debian bookworm-updates Release' does not have a Release file.",
            "invalid",
            "the archive has no suite bookworm-updates",
        ),
        (
            "E: Failed to fetch http://x/dists/bookworm/main/Packages  write (28: No space left on device)",
            "no-capacity",
            "no room left on the disk for the index of bookworm",
        ),
        ("E: Something that nobody foresaw", "unreachable", "bookworm, bookworm-security, bookworm-updates"),
    ],
)
def test_apts_complaints_are_understood(complaint: str, kind: str, said: str) -> None:
    """Each names the suite it is about; of two names the whole one counts."""
    refused = refused_update(f"Hit:1 x\n{complaint}\n", (SUITE, "bookworm-updates", "bookworm-security"))
    assert (refused.code, said in refused.message) == (kind, True), refused.message


class FullDisk:
    """Runs nothing: an index is brought, and every program finds no room for what it makes of it."""

    def run(self, arguments: Sequence[str], **_: object) -> Finished:
        """End as apt does."""
        if "update" in arguments:
            return Finished(exit_code=0, stdout=b"", stderr="")
        said = "E: Write error - write (28: No space left on device)\nE: IO Error saving source cache\n"
        return Finished(exit_code=100, stdout=b"", stderr=said)

    def available(self, program: str) -> bool:
        """All are there."""
        return bool(program)


def test_a_disk_that_is_full_when_apt_answers_is_said(tmp_path: Path) -> None:
    """Reading an index writes a cache: what apt could not say is not taken for its word on the packages."""
    base = Base(distribution="debian", release="bookworm", suites=(SUITE,), architecture="amd64")
    (keyring := tmp_path / "keys").touch()
    archive = sources.address(base, SUITE)
    workspace = Workspace(
        tmp_path, base=base, commands=FullDisk(), keyring=keyring, places={archive: archive}, logins=NoLogins()
    )
    workspace.refresh((SUITE,))
    with pytest.raises(NoCapacity, match=f"no room left on the disk for the index of {SUITE}"):
        workspace.ask(("apt-cache", "show", "openssl"), (SUITE,), Situation())


@pytest.mark.real
def test_the_keyring_of_the_file_is_what_is_believed(
    upstream: Upstream, locking: Locking, foreign_key: SigningKey
) -> None:
    """`base.keyring` takes the place of the usual keys: what they signed is refused, what it signed is locked."""
    upstream.publish(SUITE, PACKAGES)
    locking.declared_keyring = str(foreign_key.keyring)
    with pytest.raises(Corrupt):
        locking.run("app")
    upstream.publish(SUITE, PACKAGES, key=foreign_key)
    assert locking.versions("app") == {"app": "1.0"}
