"""What readers are known to take, from which fuzzing begins."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime

from cosign_program import ed25519_pair
from hostile_packages import data_package
from hostile_tars import EVERYWHERE
from hostile_zips import ZIPS, ZipMember, zipped
from osv_records import document, ranged
from tar_bytes import HARD, LINK, compressed, entry, tar

from repave.model.chain import ORIGIN, chained
from repave.model.event import Event
from repave.model.statement import canonical
from repave.operations.recording.bundle import event_line, header
from repave.operations.recording.sayings import hand_over, head, signed

SHA256 = "0" * 64
DIGEST = f"sha256:{SHA256}"

LOCK = f"""format = 2

[[image]]
name = "web"
kind = "container"
recipe = "{DIGEST}"
distribution = "debian"
release = "bookworm"
suites = ["bookworm", "bookworm-security"]
architecture = "amd64"
mirror = "http://deb.debian.org/debian"

[[package]]
name = "openssl"
version = "3.0.20-1~deb12u2"
ecosystem = "deb"
layer = "base"
sha256 = "{SHA256}"
size_bytes = 12
origin = "http://deb.debian.org/x.deb"
filename = "x.deb"
images = ["web"]
architecture = "amd64"
suite = "bookworm"
source = "openssl"
source_version = "3.0.20-1"

[[package]]
name = "flask"
version = "3.0"
ecosystem = "pypi"
layer = "python"
sha256 = "{SHA256}"
size_bytes = 1
origin = "https://files.example/x.whl"
filename = "x.whl"
images = ["web"]

[[file]]
target = "/srv/app/app.py"
origin = "app/app.py"
mode = 0o644
sha256 = "{SHA256}"
size_bytes = 3
images = ["web"]
"""

CHANGELOG = """openssl (3.0.22-1~deb12u2) bookworm-security; urgency=medium

  * CVE-2026-1234 (a flaw), CVE-2026-12345

 -- A Maintainer <a@example.org>  Mon, 23 Nov 2026 10:00:00 +0000

openssl (1:3.0.20-1) unstable; urgency=low

  * cve-2025-0001

 -- A Maintainer <a@example.org>  Mon, 23 Nov 2025 10:00:00 +0000

# Older entries have been removed from this changelog.
"""

CONTROL = """Package: libssl3
Source: openssl (3.0.20-1)
Version: 3.0.20-1+b1
Architecture: amd64
Pre-Depends: dpkg (>= 1.17.14) | other:any
Depends: libc6 (>= 2.34), debconf (>= 0.5) | debconf-2.0
Provides: libssl (= 3)
Description: a library
 that goes on
 .
 here

Package: other
Version: 1
"""

VECTORS = (
    "AV:N/AC:L/Au:N/C:P/I:P/A:P/E:U/RL:OF/RC:UC/CDP:N/TD:N/CR:M/IR:M/AR:M",
    "(AV:N/AC:L/Au:N/C:C/I:C/A:C)",
    "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
    "CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:C/C:L/I:L/A:N/E:P/RL:T/RC:R/CR:H/IR:L/MAV:N/MS:U",
    "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H/E:A/CR:H",
)

BLOB = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "@DIGEST", "size": "@SIZE"}
MANIFEST = {
    "schemaVersion": 2,
    "config": BLOB,
    "layers": [
        {
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": "@DIGEST",
            "size": "@SIZE",
            "annotations": {"repave.layer": "base"},
        }
    ],
}
CONFIGURATION = {
    "architecture": "amd64",
    "os": "linux",
    "config": {"User": "www-data", "Cmd": ["run"], "Env": ["A=b"], "Volumes": {"/data": {}}},
    "rootfs": {"type": "layers", "diff_ids": [DIGEST]},
}

OPENVEX = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "@id": "https://example.org/vex",
    "author": "A Person",
    "timestamp": "2026-11-20T00:00:00Z",
    "statements": [
        {
            "vulnerability": {"name": "CVE-2026-1234", "aliases": ["GHSA-1"]},
            "products": [{"@id": "pkg:deb/debian/openssl@3.0.20", "subcomponents": [{"@id": "pkg:pypi/flask@3"}]}],
            "status": "not_affected",
            "justification": "vulnerable_code_not_present",
        }
    ],
}
CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "metadata": {"timestamp": "2026-11-20T00:00:00Z", "authors": [{"name": "A Person"}]},
    "components": [{"bom-ref": "a", "purl": "pkg:deb/debian/openssl@3.0.20", "type": "library", "name": "openssl"}],
    "vulnerabilities": [
        {"id": "CVE-2026-1234", "analysis": {"state": "not_affected", "detail": "x"}, "affects": [{"ref": "a"}]}
    ],
}
KEV = {"dateReleased": "2026-11-20T00:00:00Z", "count": 1, "vulnerabilities": [{"cveID": "CVE-2026-1234"}]}
EPSS = "#model_version:v1,score_date:2026-11-20T00:00:00+0000\ncve,epss,percentile\nCVE-2026-1234,0.5,0.9\n"
TRACKER = {
    "openssl": {
        "CVE-2026-1234": {
            "description": "a flaw",
            "releases": {
                "bookworm": {
                    "status": "resolved",
                    "repositories": {"bookworm": "3.0.20-1"},
                    "fixed_version": "3.0.22-1",
                    "urgency": "high",
                    "nodsa": "minor",
                }
            },
        }
    }
}


PACKAGE_LOCK = {
    "lockfileVersion": 3,
    "packages": {
        "": {"dependencies": {"a": "^1.0"}, "devDependencies": {"t": "1"}},
        "node_modules/a": {
            "version": "1.2.3",
            "resolved": "https://registry.npmjs.org/a/-/a-1.2.3.tgz",
            "integrity": f"sha512-{'A' * 86}==",
            "dependencies": {"@s/b": "*"},
            "optionalDependencies": {"c": "2"},
            "engines": {"node": ">=14 || ^12.2"},
        },
        "node_modules/a/node_modules/@s/b": {"version": "1.0.0", "inBundle": True, "os": ["linux", "!win32"]},
        "node_modules/c": {"version": "2.0.0", "optional": True, "cpu": ["arm64"], "libc": "musl"},
        "node_modules/t": {"version": "1.0.0", "dev": True},
        "own": {"version": "1.0.0"},
        "node_modules/own": {"resolved": "own", "link": True},
        "node_modules/g": {"version": "1.0.0", "resolved": f"git+ssh://git@github.com/a/g.git#{'1' * 40}"},
        "node_modules/f": {"version": "1.0.0", "resolved": "file:f.tgz", "integrity": f"sha512-{'A' * 86}=="},
    },
}

COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2026 A Person
License: GPL-2+ with OpenSSL exception or Artistic-2, and Expat

License: Expat
 See /usr/share/common-licenses/GPL-3
"""
APK = "P:musl\nV:1.2.3-r4\nA:x86_64\nL:MIT\nm:A <a@example.org>\nD:so:libc.so.6 b>=1\np:so:x=1\no:musl\n\nP:b\nV:1"
METADATA = """Metadata-Version: 2.4
Name: flask
Version: 3.0
License-Expression: BSD-3-Clause OR (MIT AND Apache-2.0 WITH LLVM-exception)
Classifier: License :: OSI Approved :: MIT License
Author-email: "A Person" <a@example.org>
Project-URL: Homepage, https://example.org
Requires-Dist: werkzeug>=3.0; python_version < "3.13" and extra == "async"

A description.
"""


def lock_seeds() -> Iterator[bytes]:
    """One of each table, and none of any."""
    yield LOCK.encode()
    yield LOCK.replace("format = 2", "format = 1").encode()
    yield b"format = 1\n"


def osv_seeds() -> Iterator[bytes]:
    """One of each order, and of commits."""
    edges = ({"introduced": "0"}, {"fixed": "2.2.5"}, {"introduced": "3"}, {"last_affected": "3.1"}, {"limit": "4"})
    for ecosystem in ("PyPI", "npm", "Debian:12", "Ubuntu:22.04:LTS", "Go"):
        made = document(
            ranged(*edges),
            ecosystem=ecosystem,
            versions=["1.0"],
            aliases=["CVE-2026-1234"],
            severity=[{"type": "CVSS_V3", "score": VECTORS[2]}],
            database_specific={"severity": "HIGH"},
        )
        yield json.dumps(made).encode()
    commits = ranged({"introduced": "0"}, {"fixed": "a" * 40}, kind="GIT", repo="https://example.org/x.git")
    yield json.dumps(document(commits, withdrawn="2026-11-20T00:00:00Z")).encode()


def changelog_seeds() -> Iterator[bytes]:
    """One."""
    yield CHANGELOG.encode()


def control_seeds() -> Iterator[bytes]:
    """Two paragraphs."""
    yield CONTROL.encode()


def pet_seeds() -> Iterator[bytes]:
    """A file of each kind that says something of a server."""
    yield CONTROL.encode()
    yield b"Types: deb\nURIs: http://a.example/debian\nSuites: bookworm\nComponents: main\nSigned-By: /k.gpg\n"
    yield b"deb [signed-by=/k.gpg] http://a.example/debian bookworm main\nID=debian\nVERSION_CODENAME=bookworm\n"
    yield b"[Service]\nExecStart=-/usr/bin/x \\\n --port 80 '%i'\nEnvironment=A=1 'B=2'\nPASSWORD=hunter2\n"
    yield b"server {\n listen [::]:80 default_server;\n}\n"
    yield b'{"name": "n", "scripts": {"start": "x"}, "packages": {"node_modules/a": {"version": "1"}}}'
    table, links = b" 0: 0100007F:1F40 0:0 0A 0:0 0:0 0 0 0 111\n", b"/proc/9/fd/5 socket:[111]\n"
    yield b"\x1e".join((table, links, b"9\x1f/x\x1fx\x01\x1f0::/x.service\n"))


def bundle_seeds() -> Iterator[bytes]:
    """A record of four events, with a head and a key among them, as `repave record export` writes it."""
    key = ed25519_pair("release.pub")
    at = datetime(2026, 3, 1, tzinfo=UTC)
    said = signed(head(project="shop", at=at, number=1, hash_=SHA256), key.signer)
    began = {"instance": "i-1", "release": 1, "artifact": None}
    events = (
        Event(at=at, kind="note", message="first", sequence=1),
        Event(at=at, kind="head", details=said, sequence=2),
        Event(at=at, kind="sighting", details={"began": [began], "ended": ["i-0"]}, sequence=3),
        Event(
            at=at, kind="key", details=signed(hand_over(project="shop", at=at, to=key.trusted), key.signer), sequence=4
        ),
    )
    lines = [header("shop", 1, ORIGIN, {}), *(event_line(one) for one in chained(events, ORIGIN)), canonical(said)]
    yield b"".join(line + b"\n" for line in lines)


def archive_seeds() -> Iterator[bytes]:
    """An honest one of each kind, and those of the hostile corpus that are small."""
    whole = tar((entry("a/b"), b"x" * 600), entry("a/l", LINK, link="b"), entry("h", HARD, link="a/b"), entry("d/"))
    yield from compressed(whole).values()
    yield data_package(whole)
    changelog = (entry("usr/share/doc/name/changelog.Debian.gz"), gzip.compress(CHANGELOG.encode()))
    yield data_package(tar(changelog))
    yield tar((entry("n" * 150), b"x"), entry("a/.wh.b"), entry("a/.wh..wh..opq"), entry("a", pax={"mtime": "1.5"}))
    yield zipped(ZipMember(name="a/b", content=b"x" * 60, method=8), ZipMember(name="c"), ZipMember(name="d/"))
    yield from (one.content for one in (*EVERYWHERE, *ZIPS) if len(one.content) < 4096)


def cvss_seeds() -> Iterator[bytes]:
    """Each version, with a word."""
    for vector in VECTORS:
        yield f"{vector}\nhigh".encode()


def image_seeds() -> Iterator[bytes]:
    """An image of one layer, which is its configuration's file too; and an index."""
    manifest = json.dumps(MANIFEST).replace('"@SIZE"', "@SIZE")
    users = "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:/bin/sh\n"
    yield "\0".join((manifest, json.dumps(CONFIGURATION), users, "tty:x:5:www-data\n")).encode()
    manifests = [{"platform": {"architecture": "arm64", "os": "linux", "variant": "v8"}, **BLOB}]
    index = json.dumps({"schemaVersion": 2, "manifests": manifests}).replace('"@SIZE"', "@SIZE")
    yield f"{index}\0x".encode()


def document_seeds() -> Iterator[bytes]:
    """One of each."""
    for content in (OPENVEX, CYCLONEDX, KEV, TRACKER):
        yield json.dumps(content).encode()
    yield EPSS.encode()
    yield gzip.compress(EPSS.encode())


def package_lock_seeds() -> Iterator[bytes]:
    """One with a package of each kind."""
    manifest = {"dependencies": {"a": "^1.0"}, "devDependencies": {"t": "1"}}
    yield f"{json.dumps(PACKAGE_LOCK)}\0{json.dumps(manifest)}".encode()


def published_seeds() -> Iterator[bytes]:
    """A version that may be taken, and one that needs more."""
    dist = {"dist": {"integrity": f"sha512-{'A' * 86}=="}}
    more = {"dependencies": {"b": "1"}, "optionalDependencies": {"b": "1"}, "bin": "b.js", "engines": {"node": ">=14"}}
    yield json.dumps({"versions": {"1.0.1": dist, "1.0.2": {**dist, **more, "scripts": {"install": "x"}}}}).encode()


def fact_seeds() -> Iterator[bytes]:
    """One of each ecosystem, and licences alone."""
    for text in (COPYRIGHT, APK, METADATA, CONTROL, "GPL-2.0-or-later WITH Classpath-exception-2.0", "A <a@x>"):
        yield text.encode()
