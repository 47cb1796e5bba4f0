"""What the Debian pinner locks when nothing is locked yet, and what it refuses."""

import hashlib
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from debian_upstream import SECURITY, SUITE, Locking, Upstream

from repave.model.lock import Layer
from repave.model.recipe import Base, ImageKind
from repave.pinners.debian import sources
from repave.pinners.debian.machines import KERNELS, LOADERS, PARTS
from repave.ports.errors import Invalid, Unreachable
from repave.ports.pinner import Refresh

WORLD = {
    "base-files 12": "Essential: yes\nPre-Depends: awk",
    "mawk 1.3": "Provides: awk\nDepends: libc6\nMulti-Arch: allowed",
    "libc6 2.36-9": "",
    "shell 1:5.2-1": "Depends: libc6 (>= 2.30) | musl, mawk:any",
    "app 1.0-1+b1": "Source: application (1.0-1)\nDepends: libapp (= 1.0), shell\nRecommends: extra",
    "libapp 1.0": "Source: application",
    "extra 1.0": "",
    "broken 1.0": "Depends: libapp (>= 9)",
}


@pytest.fixture
def world(upstream: Upstream) -> Upstream:
    """An archive with a handful of packages."""
    upstream.publish(SUITE, WORLD)
    return upstream


def test_the_closure_is_exact_and_layered(world: Upstream, locking: Locking) -> None:
    """Essential packages and all they need are the base, the rest is the platform, and nothing recommended comes."""
    found = locking.run("app")
    assert {name: package.layer for name, package in found.items()} == {
        "base-files": Layer.BASE,
        "mawk": Layer.BASE,
        "libc6": Layer.BASE,
        "shell": Layer.PLATFORM,
        "app": Layer.PLATFORM,
        "libapp": Layer.PLATFORM,
    }
    app = found["app"]
    file = world.root / "pool/main/a/app_1.0-1+b1_amd64.deb"
    assert (app.version, app.source, app.source_version, app.suite) == ("1.0-1+b1", "application", "1.0-1", SUITE)
    assert (app.sha256, app.size_bytes) == (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_size)
    assert app.origin == f"{world.mirror}/pool/main/a/app_1.0-1%2Bb1_amd64.deb"
    assert (app.filename, app.architecture, app.images) == ("app_1.0-1+b1_amd64.deb", "amd64", ("web",))
    assert found["shell"].version == "1:5.2-1"


def test_a_machine_is_locked_with_its_kernel_and_what_makes_its_disk(upstream: Upstream, locking: Locking) -> None:
    """What every machine has is the base, which a package more leaves alone; what makes the disk is beside it."""
    parts = {f"{name} 1": "" for name in (*PARTS, *LOADERS["amd64"])}
    upstream.publish(
        SUITE,
        WORLD
        | parts
        | {
            KERNELS["amd64"] + " 1": "Depends: linux-image-1",
            "linux-image-1 1": "",
            "grub-pc-bin 1": "Depends: grub-common, libc6",
            "grub-common 1": "",
        },
    )
    found = locking.run("app", kind=ImageKind.VM)
    layers = {name: package.layer for name, package in found.items()}
    assert {name for name, layer in layers.items() if layer is Layer.PLATFORM} == {"app", "libapp", "shell"}
    assert {name for name, layer in layers.items() if layer is Layer.BOOT} == {*LOADERS["amd64"], "grub-common"}
    assert {*PARTS, KERNELS["amd64"], "linux-image-1", "base-files", "libc6"} <= {
        name for name, layer in layers.items() if layer is Layer.BASE
    }
    assert not {*LOADERS["amd64"], "systemd"} & locking.run("app").keys()


@pytest.mark.usefixtures("world")
def test_the_same_request_gets_the_same_answer(locking: Locking) -> None:
    """A second lock, also one that forgets the first, changes nothing."""
    first = locking.run("app")
    assert locking.run("app") == first
    assert Locking(upstream=locking.upstream, folder=locking.folder, vault=locking.vault).run("app") == first


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("libaap", "libaap of web is in none of the suites bookworm", "libapp"),
        ("awk", "exists there as a virtual name only", "mawk"),
        ("lib.pp", "lib.pp of web is in none", "libapp"),
        ("app-", "app- of web is in none", "app"),
        ("app=1.0", "is no name of a Debian package", "versions stand in the lock"),
        ("-oDir=/", "is no name of a Debian package", "bare name"),
        ("?essential", "is no name of a Debian package", "bare name"),
    ],
)
@pytest.mark.usefixtures("world")
def test_a_wrong_name_is_refused_with_the_nearest(locking: Locking, name: str, said: str, hint: str) -> None:
    """Nothing that apt would take for a pattern, an option or a removal reaches it as one."""
    with pytest.raises(Invalid) as refused:
        locking.run("app", name)
    assert said in refused.value.message
    assert hint in refused.value.hint


@pytest.mark.usefixtures("world")
def test_what_cannot_be_installed_is_refused_with_the_reason(locking: Locking) -> None:
    """Apt's own reason is in the message, in one line."""
    with pytest.raises(Invalid, match=r"broken: Depends: libapp \(>= 9\) but it is not going to be installed"):
        locking.run("broken")


def test_the_newest_of_several_suites_is_taken(world: Upstream, locking: Locking) -> None:
    """The entry names the suite it is from."""
    world.publish(SECURITY, {"libapp 1.0+deb12u1": "Source: application", "shell 1:5.2-1+deb12u1": "Depends: libc6"})
    locking.suites = (SUITE, SECURITY)
    found = locking.run("shell")
    assert (found["shell"].version, found["shell"].suite) == ("1:5.2-1+deb12u1", SECURITY)


@pytest.mark.usefixtures("world")
def test_two_locks_at_once_share_a_folder(locking: Locking) -> None:
    """Each gets the answer it would have got alone."""
    answers: list[list[str]] = []

    def lock() -> None:
        own = Locking(upstream=locking.upstream, folder=locking.folder, vault=locking.vault)
        answers.append(sorted(own.run("app")))

    threads = [threading.Thread(target=lock) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [sorted(locking.run("app"))] * 3


def test_an_archive_that_does_not_answer_is_unreachable(locking: Locking) -> None:
    """The message names the suite, the hint says what to look at."""
    locking.mirror = "http://127.0.0.1:9/debian"
    with pytest.raises(Unreachable, match="the index of bookworm could not be read") as refused:
        locking.run("app")
    assert "mirror" in refused.value.hint


@pytest.mark.usefixtures("world")
def test_a_suite_that_is_not_there_is_named(locking: Locking) -> None:
    """An archive without the suite is not taken for one that is down."""
    locking.suites = (SUITE, "bookworm-security")
    with pytest.raises(Invalid, match="the archive has no suite bookworm-security"):
        locking.run("app")


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (Base(distribution="alpine", release="v3", suites=("v3",)), "alpine is not known"),
        (Base(distribution="debian", release="bookworm", suites=()), "names no suite"),
        (Base(distribution="debian", release="bookworm", suites=("trixie",)), "not one of the release"),
        (Base(distribution="debian", release="book worm", suites=("x",)), "no name of a release"),
        (
            Base(distribution="debian", release="bookworm", suites=("bookworm",), mirror="http://me:word@host/debian"),
            "credentials",
        ),
        (
            Base(
                distribution="debian",
                release="bookworm",
                suites=("bookworm",),
                mirror="http://host/debian x [trusted=yes]",
            ),
            "is no address",
        ),
        (
            Base(distribution="debian", release="bookworm", suites=("bookworm",), mirror="ftp://host/debian"),
            "is no address",
        ),
    ],
)
def test_an_impossible_base_is_refused(base: Base, said: str) -> None:
    """Before anything is asked of the network."""
    with pytest.raises(Invalid, match=said.replace("[", r"\[")):
        sources.check(base)


def test_security_has_an_archive_of_its_own() -> None:
    """Debian's mirrors keep it beside the main one; any other mirror holds all suites itself."""
    base = Base(distribution="debian", release="bookworm", suites=("bookworm",))
    mirrored = Base(distribution="debian", release="bookworm", suites=("bookworm",), mirror="https://mirror/debian/")
    single = Base(distribution="debian", release="bookworm", suites=("bookworm",), mirror="https://mirror/all")
    assert sources.address(base, SECURITY) == "http://deb.debian.org/debian-security"
    assert sources.address(base, "bookworm-updates") == "http://deb.debian.org/debian"
    assert sources.address(mirrored, SECURITY) == "https://mirror/debian-security"
    assert sources.address(single, SECURITY) == "https://mirror/all"
    assert sources.security_suites(Base(distribution="debian", release="sid", suites=("sid",))) == ()


def test_another_processors_packages_are_locked(upstream: Upstream, locking: Locking) -> None:
    """Whatever processor locks: nothing of them is run."""
    upstream.architecture = "arm64"
    upstream.publish(SUITE, WORLD)
    found = locking.run("app")
    assert {package.architecture for package in found.values()} == {"arm64"}
    assert found["app"].filename.endswith("_arm64.deb")


def test_ubuntu_holds_all_suites_in_one_archive() -> None:
    """Other processors than the PC's have another."""
    base = Base(distribution="ubuntu", release="noble", suites=("noble", "noble-security"))
    assert sources.lines(base, base.suites, {}) == (
        "deb [arch=amd64] http://archive.ubuntu.com/ubuntu noble main universe\n"
        "deb [arch=amd64] http://archive.ubuntu.com/ubuntu noble-security main universe\n"
    )
    assert sources.address(replace(base, architecture="arm64"), "noble") == "http://ports.ubuntu.com/ubuntu-ports"
    assert sources.address(replace(base, mirror="https://mirror/ubuntu"), "noble") == "https://mirror/ubuntu"
    assert sources.security_suites(base) == ("noble-security",)


def test_an_archive_of_ubuntus_is_locked(upstream: Upstream, locking: Locking) -> None:
    """Its suites and both its components, packed with zstd; the security suite's repair moves, and nothing else."""
    upstream.compression = "zstd"
    base = {"base-files 13ubuntu10": "Essential: yes\n"}
    upstream.publish("noble", {**base, "lib 1-0ubuntu1": ""}, universe={"app 1": "Depends: lib\n"})
    locking.distribution, locking.release = "ubuntu", "noble"
    locking.suites = ("noble", "noble-security")
    upstream.publish("noble-security", {}, universe={})
    assert locking.versions("app") == {"app": "1", "lib": "1-0ubuntu1"}
    upstream.publish(
        "noble-security", {"lib 1-0ubuntu1.1": ""}, universe={"app 2": "Depends: lib\nPhased-Update-Percentage: 0\n"}
    )
    assert locking.versions("app") == {"app": "1", "lib": "1-0ubuntu1"}
    assert locking.versions("app", refresh=Refresh.SECURITY) == {"app": "2", "lib": "1-0ubuntu1.1"}


def test_a_machine_without_the_keyring_is_told_so(locking: Locking, tmp_path: Path) -> None:
    """Nothing is read that could not be verified."""
    locking.keyring = tmp_path / "nothing.gpg"
    with pytest.raises(Invalid, match=r"the keyring .*nothing\.gpg is not on this machine") as refused:
        locking.run("app")
    assert "debian-archive-keyring" in refused.value.hint
    locking.distribution, locking.release, locking.suites = "ubuntu", "noble", ("noble",)
    with pytest.raises(Invalid) as refused:
        locking.run("app")
    assert "ubuntu-keyring" in refused.value.hint


MERGING = {
    "init 1": "Essential: yes\nDepends: usrmerge | usr-is-merged",
    "usrmerge 37": "Depends: perl",
    "usr-is-merged 37": "Source: usrmerge",
    "perl 5": "",
    "app 1": "",
}


def test_a_root_that_is_merged_already_needs_no_perl_to_merge_it(upstream: Upstream, locking: Locking) -> None:
    """The converter comes where it is asked for, or is all there is; who has it locked keeps it until an upgrade."""
    upstream.publish(SUITE, {name: fields for name, fields in MERGING.items() if name != "usr-is-merged 37"})
    assert set(locking.versions("app")) == {"init", "usrmerge", "perl", "app"}
    upstream.publish(SUITE, MERGING)
    assert set(locking.versions("app")) == {"init", "usrmerge", "perl", "app"}
    merged = {"init", "usr-is-merged", "app"}
    assert set(locking.versions("app", refresh=Refresh.UPGRADE)) == merged

    locking.suites = (SUITE, SECURITY)
    upstream.publish(SECURITY, {"app 2": ""})
    assert set(locking.versions("app", refresh=Refresh.SECURITY)) == merged
    assert set(locking.versions("app", "usrmerge")) == {"init", "usrmerge", "perl", "app"}
