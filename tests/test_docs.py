"""What the documents name exists: files, links, commands, rooms."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

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
