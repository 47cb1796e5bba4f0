"""Makes what is committed beside it: packages, lock and vault anew, or (``digests``) only what they bake to.

From the repository's folder: ``PYTHONPATH=tests/support .venv/bin/python tests/offline/make.py [digests]``
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tiny_project import CONTENT, DIGESTS, PROJECT, VAULT, content, laid_out, repave

from repave.registries.layout import LayoutRegistry

ARCHIVE = Path("/tmp/repave-tiny-archive")  # noqa: S108 - the lock names it, so it is the same wherever this runs
"""Where the packages are had from while they are locked; removed after."""

BUILT = "1700000000"
"""When the packages were built, as they say: files in them are not newer."""

LIBRARIES = {
    "libc6": ("ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libresolv.so.2"),
    "libacl1": ("libacl.so.1",),
    "libbz2-1.0": ("libbz2.so.1.0",),
    "liblzma5": ("liblzma.so.5",),
    "libmd0": ("libmd.so.0",),
    "libpcre2-8-0": ("libpcre2-8.so.0",),
    "libselinux1": ("libselinux.so.1",),
    "libzstd1": ("libzstd.so.1",),
    "zlib1g": ("libz.so.1",),
}
"""What dpkg, tar and busybox load; libm is for those who show them another day."""

PROGRAMS = ("bin", "usr/bin", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")
"""Where Debian's packages have them."""

APPLETS = (
    "awk cat chmod chown cmp cp cut date diff egrep env false find grep head id ln ls md5sum mkdir mktemp mv nc od "
    "printf rm rmdir sed sh sha256sum sleep sort stat tail test touch tr true wc wget yes"
)
DPKG = ("dpkg", "dpkg-deb", "dpkg-query", "dpkg-split", "tar")
STUBS = ("ldconfig", "start-stop-daemon")
"""Programs that dpkg wants to see; libraries lie where the loader looks, and nothing is started."""

ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\nmail:x:8:\nwww-data:x:33:\nutmp:x:43:\nstaff:x:50:\nnogroup:x:65534:\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\nwww-data:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n",
    "etc/issue.probed": "the probe removes it\n",
}

PROBE = """#!/bin/sh
# All that a package may do to make two bakes differ, once: each trace must be gone from the layer, or be dated alike.
set -e
mkdir -p /var/log /var/cache /var/lib/probe
date >/var/log/probe.log
date >/var/cache/probe.cache
head -c 16 /dev/urandom | od -An -tx1 >/etc/machine-id
echo "probe:!:$(($(date +%s) / 86400)):0:99999:7:::" >>/etc/shadow
echo "probe:x:990:990::/nonexistent:/usr/sbin/nologin" >>/etc/passwd
for name in zebra apple Mango 10 9; do echo "$name" >"/var/lib/probe/$name"; done
ls /var/lib/probe >/var/lib/probe/listed
umask >/var/lib/probe/umask
env | cut -d= -f1 | sort | grep -v -e '^FAKETIME' -e '^LD_PRELOAD' -e '^NO_FAKE_STAT' >/var/lib/probe/variables
rm /etc/issue.probed
"""


@dataclass(frozen=True, kw_only=True)
class Made:
    """One package of our own."""

    name: str
    files: dict[str, bytes]
    """By path in the package."""

    links: dict[str, str] = field(default_factory=dict)
    fields: str = ""
    essential: bool = True
    script: str = ""
    compress: str = "xz"


def main() -> None:
    """As the command line asks."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("what", nargs="?", choices=["all", "digests"], default="all")
    if options.parse_args().what == "all":
        make_lock()
    make_digests()


def make_lock() -> None:
    """A signed archive of the packages, the lock that is made of it, and the vault that the lock wants."""
    ARCHIVE.mkdir()
    try:
        publish(ARCHIVE)
        (PROJECT / "repave.lock").unlink(missing_ok=True)
        repave(PROJECT, "lock")
        shutil.rmtree(VAULT, ignore_errors=True)
        repave(PROJECT, "vault", "export", str(VAULT))
    finally:
        shutil.rmtree(ARCHIVE)
        shutil.rmtree(PROJECT / ".repave", ignore_errors=True)


def make_digests() -> None:
    """What lock and vault bake to, with the repave at hand."""
    with tempfile.TemporaryDirectory() as folder:
        place = laid_out(Path(folder) / "project")
        repave(place, "vault", "import", str(VAULT))
        baked = repave(place, "bake")
        artifacts = {artifact["image"]: artifact["digest"] for artifact in baked["artifacts"]}
        lines = content(LayoutRegistry(place / ".repave" / "registry"), artifacts)
    DIGESTS.write_text(json.dumps(artifacts, indent=2) + "\n", encoding="utf-8")
    CONTENT.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def publish(archive: Path) -> None:
    """Packages, index and signature."""
    debs, pool = archive / "debs", archive / "pool" / "main"
    for folder in (debs, pool, archive / "build"):
        folder.mkdir(parents=True)
    debs.chmod(0o777)  # apt fetches as a user of its own
    wanted = (*LIBRARIES, "dpkg", "tar", "busybox", "base-files", "media-types")
    run(["apt-get", "download", "-q", *wanted], folder=debs)
    originals = {path.name.partition("_")[0]: path for path in debs.glob("*.deb")}
    for name in ("base-files", "media-types"):
        shutil.copy(originals[name], pool)
    for made in packages(originals, archive / "unpacked"):
        build(made, archive / "build" / made.name, pool)
    suite = archive / "dists" / "bookworm"
    index = suite / "main" / "binary-amd64" / "Packages"
    index.parent.mkdir(parents=True)
    index.write_bytes(run(["apt-ftparchive", "packages", "pool"], folder=archive))
    described = {"Suite": "bookworm", "Codename": "bookworm", "Components": "main", "Architectures": "amd64"}
    settings = [f"-oAPT::FTPArchive::Release::{key}={value}" for key, value in described.items()]
    (archive / "Release").write_bytes(run(["apt-ftparchive", *settings, "release", "."], folder=suite))
    sign(archive, suite)


def packages(originals: dict[str, Path], unpacked: Path) -> list[Made]:
    """Debian's programs and libraries without their documents and translations, and what they need to run."""
    for path in originals.values():
        run(["dpkg-deb", "--extract", str(path), str(unpacked)])
    versions = {name: shown(path, "Version") for name, path in originals.items()}
    found = {path.name: path for folder in PROGRAMS for path in unpacked.glob(f"{folder}/*") if path.is_file()}

    def taken(name: str, files: dict[str, str], of: Sequence[str], links: dict[str, str]) -> Made:
        notices = b"".join((unpacked / f"usr/share/doc/{each}/copyright").resolve().read_bytes() for each in of)
        return Made(
            name=name,
            files={path: found[source].read_bytes() for path, source in files.items()}
            | {f"usr/share/doc/{name}/copyright": notices},
            links=links,
            fields=f"Built-Using: {', '.join(f'{each} (= {versions[each]})' for each in of)}\n",
        )

    library = "usr/lib/x86_64-linux-gnu"
    libraries = {f"{library}/{name}": name for names in LIBRARIES.values() for name in names}
    loader = {"usr/lib64/ld-linux-x86-64.so.2": "../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"}
    shell = taken(
        "tiny-shell",
        {"usr/bin/busybox": "busybox"},
        ["busybox"],
        {f"usr/bin/{each}": "busybox" for each in APPLETS.split()},
    )
    stubs = {f"usr/sbin/{name}": b"#!/bin/sh\nexit 0\n" for name in STUBS}
    accounts = {path: text.encode() for path, text in ACCOUNTS.items()}
    probe = {"usr/share/tiny-probe/file": b"probe\n"}
    return [
        taken("tiny-libraries", libraries, list(LIBRARIES), loader),
        taken("tiny-dpkg", {f"usr/bin/{name}": name for name in DPKG}, ["dpkg", "tar"], {}),
        replace(shell, files=shell.files | stubs, fields=f"{shell.fields}Provides: awk\n"),
        Made(name="tiny-accounts", files=accounts, compress="gzip"),
        Made(name="tiny-probe", files=probe, essential=False, script=PROBE, compress="none"),
    ]


def build(made: Made, tree: Path, pool: Path) -> None:
    """The package file."""
    (tree / "DEBIAN").mkdir(parents=True)
    control = (
        f"Package: {made.name}\nVersion: 1\nArchitecture: amd64\nMaintainer: Nobody <nobody@example.org>\n"
        f"{'Essential: yes' if made.essential else 'Priority: optional'}\n{made.fields}"
        "Description: part of a tiny image, made for a test\n"
    )
    (tree / "DEBIAN" / "control").write_text(control, encoding="ascii")
    if made.script:
        (tree / "DEBIAN" / "postinst").write_text(made.script, encoding="ascii")
        (tree / "DEBIAN" / "postinst").chmod(0o755)
    for path, what in made.files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(what)
        (tree / path).chmod(0o755 if "bin/" in path or "/ld-linux" in path else 0o644)
    for path, target in made.links.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).symlink_to(target)
    run(["dpkg-deb", "--root-owner-group", f"-Z{made.compress}", "-z9", "--build", str(tree), str(pool)])


def sign(archive: Path, suite: Path) -> None:
    """By a key that nobody keeps: what the lock pins is sha256."""
    with tempfile.TemporaryDirectory() as home:
        gpg = ["gpg", "--homedir", home, "--batch", "--quiet"]
        run([*gpg, "--passphrase", "", "--quick-generate-key", "Tiny <tiny@example.org>", "ed25519", "sign"])
        run([*gpg, "--clearsign", "--output", str(suite / "InRelease"), str(archive / "Release")])
        (archive / "keyring.gpg").write_bytes(run([*gpg, "--export"]))
        run(["gpgconf", "--homedir", home, "--kill", "all"])


def shown(package: Path, field: str) -> str:
    """A field of the package's control file."""
    return run(["dpkg-deb", "--field", str(package), field]).decode().strip()


def run(command: list[str], *, folder: Path | None = None) -> bytes:
    """Its output."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": BUILT, "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    main()
