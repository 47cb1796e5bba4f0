"""What the documents name exists: files, links, commands, rooms."""

import os
import re
import shlex
import subprocess
import sys
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from repave.attestations.signatures.keys import read_private
from repave.model.plan import Rule

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
REQUIRED = (
    "README.md",
    "ARCHITECTURE.md",
    "SCOPE.md",
    "GLOSSARY.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "LICENSE",
    "docs/tutorial",
    "docs/how-to",
    "docs/explanation",
    "docs/reference",
    "changelog.d",
)
OWN_FOLDERS = ("src/", "tests/", "scripts/", "docs/", "demo/", "benchmarks/", "examples/", "changelog.d/")


def relative(path: Path) -> str:
    """As a person writes it."""
    return path.relative_to(ROOT).as_posix()


@cache
def verbs() -> frozenset[str]:
    """The verbs that ``repave --help`` lists."""
    repave = Path(sys.executable).with_name("repave")
    shown = subprocess.run([repave, "--help"], capture_output=True, text=True, check=True).stdout
    return frozenset(re.findall(r"^[ │|]+([a-z][a-z-]+) ", shown, flags=re.MULTILINE))


def test_the_documents_are_there() -> None:
    """A reader finds what every project owes."""
    missing = [name for name in REQUIRED if not (ROOT / name).exists()]
    assert not missing, f"missing: {missing}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=relative)
def test_every_link_leads_somewhere(document: Path) -> None:
    """A relative link names a file that exists."""
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (document.parent / target).exists(), f"{relative(document)} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=relative)
def test_every_path_named_exists(document: Path) -> None:
    """A path of ours in code style is a path in the tree."""
    for named in re.findall(r"`([A-Za-z0-9_./-]+)`", document.read_text(encoding="utf-8")):
        if named.startswith(OWN_FOLDERS):
            assert (ROOT / named).exists(), f"{relative(document)} names {named}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=relative)
def test_every_command_named_exists(document: Path) -> None:
    """A verb that a document tells a reader to type is a verb."""
    known = verbs()
    assert known, "`repave --help` lists no verb"
    text = document.read_text(encoding="utf-8")
    for verb in re.findall(r"(?:^\$ |`)repave ([a-z][a-z-]*)", text, flags=re.MULTILINE):
        assert verb in known, f"{relative(document)} names `repave {verb}`"


def test_the_architecture_lists_every_room() -> None:
    """The map has all rooms of the house, and no other."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in (ROOT / "src" / "repave").glob("*/__init__.py")}
    named = set(re.findall(r"^\| `([a-z]+)/` \|", text, flags=re.MULTILINE))
    assert named == rooms, f"not on the map: {sorted(rooms - named)}; no room: {sorted(named - rooms)}"


def test_the_guide_to_what_waits_has_every_rule() -> None:
    """What `repave explain` can name is found there, once, and nothing else is."""
    guide = (ROOT / "docs" / "how-to" / "find-what-waits.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([a-z-]+)` \|", guide, flags=re.MULTILINE)
    assert sorted(told) == sorted(rule.value for rule in Rule)


def test_a_key_made_as_the_guide_says_signs(tmp_path: Path) -> None:
    """Its commands with OpenSSL leave the two files that the next lines name."""
    guide = (ROOT / "docs" / "how-to" / "sign-and-verify.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ (openssl .*)$", guide, flags=re.MULTILINE)
    environment = os.environ | {"SIGNING_PASSPHRASE": "correct horse"}
    for command in commands:
        subprocess.run(shlex.split(command), cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, check=True)
    private = (tmp_path / "cosign.key").read_text(encoding="utf-8")
    assert "ENCRYPTED" in private
    signer = read_private(private, lambda: "correct horse", what="the guide's key")
    assert signer.public.strip() == (tmp_path / "cosign.pub").read_text(encoding="utf-8").strip()


@pytest.mark.real
@pytest.mark.parametrize("language", ["sh", "python"])
def test_a_check_as_the_guide_writes_it_tells_one_release_from_another(tmp_path: Path, language: str) -> None:
    """It passes where its own release answers, and fails where another does."""
    guide = (ROOT / "docs" / "how-to" / "promote-through-gates.md").read_text(encoding="utf-8")
    (script,) = re.findall(rf"^```{language}\n(#!.*?)^```", guide, flags=re.MULTILINE | re.DOTALL)
    check = tmp_path / "check"
    check.write_text(script, encoding="utf-8")
    check.chmod(0o755)
    (tmp_path / "version").write_text("r17", encoding="utf-8")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        for release, passes in (("r17", True), ("r18", False)):
            told = {"REPAVE_URL": f"http://{address}", "REPAVE_ADDRESS": address, "REPAVE_RELEASE": release}
            ended = subprocess.run([check], env=os.environ | told, timeout=60, capture_output=True, check=False)
            assert (ended.returncode == 0) is passes, ended.stderr
        server.shutdown()
