"""No repair of an npm package breaks a range that was kept, whatever needs what."""

import json

import pytest
from chooser import Chooser, choosers
from hypothesis import given
from hypothesis import strategies as st

from repave.model.lock import Ecosystem
from repave.model.names import ImageName
from repave.pinners.npm.fitting import Machine, admits, is_readable
from repave.pinners.npm.mending import taken
from repave.pinners.npm.needs import needs_of
from repave.pinners.npm.packagelock import Entry, PackageLock
from repave.pinners.npm.rewriting import rewritten
from repave.ports.pinner import Repair

VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "2.0.0")
RANGES = ("^1.0.0", "~1.0.0", "1", "*", ">=1.1.0", "1.0.0", "^2.0.0", "latest", "~> 1.0", "x/y#1")
NAMES = ("a", "b", "c")


def cases() -> st.SearchStrategy[tuple[PackageLock, str, dict[str, Entry], Repair]]:
    """Packages that need each other, nested or not, as far as they are there; and which repair one of them gets."""
    return choosers(70).map(case_of)


def case_of(chooser: Chooser) -> tuple[PackageLock, str, dict[str, Entry], Repair]:
    """The case of these choices."""
    name = chooser.of(NAMES)
    published = {
        version: Entry(path="", table={"version": version, "integrity": "sha512-", "dependencies": any_wishes(chooser)})
        for version in VERSIONS
    }
    versions = chooser.of((("1.1.0",), ("2.0.0", "1.1.0"), ("1.2.0", "1.1.0")))
    images = (ImageName("web"),)
    wanted = Repair(ecosystem=Ecosystem.NPM, name=name, versions=versions, images=images, locked="1.0.0")
    return any_lock(chooser), name, published, wanted


def any_lock(chooser: Chooser) -> PackageLock:
    """The lock of these choices."""
    places = [f"node_modules/{name}" for name in NAMES]
    nested = [f"node_modules/{one}/node_modules/{other}" for one in NAMES for other in NAMES if one != other]
    found = {
        path: Entry(path=path, table={"version": chooser.of(VERSIONS), "dependencies": any_wishes(chooser)})
        for path in sorted({*places, *(row.of(nested) for row in chooser.rows(3, 1))})
    }
    root = Entry(path="", table={"dependencies": any_wishes(chooser)})
    document = {"packages": {"": root.table, **{path: entry.table for path, entry in found.items()}}}
    content = json.dumps(document).encode()
    return PackageLock(file="package-lock.json", content=content, manifests={"": b"{}"}, root=root, entries=found)


def any_wishes(chooser: Chooser) -> dict[str, str]:
    """Up to two packages, each in any range."""
    wished = [(chooser.of(NAMES), chooser.of(RANGES)), (chooser.of(NAMES), chooser.of(RANGES))]
    return dict(wished[: chooser.of(range(3))])


@given(cases())
def test_no_range_that_was_kept_is_broken_by_a_repair(
    case: tuple[PackageLock, str, dict[str, Entry], Repair],
) -> None:
    """Whatever is repaired; nothing else moves, and what is written is what was decided."""
    lock, name, published, wanted = case
    after, held = taken(lock, wanted, published, Machine(processor="x64", node="18.0.0"))
    kept = {(need.by, need.name): need for need in needs_of(lock) if need.by in {"", *after.entries}}
    now = {(need.by, need.name): need for need in needs_of(after)}
    for key, need in kept.items():
        replaced = need.by and after.entries[need.by] != lock.entries[need.by]
        if not replaced and not is_readable(need.range):
            assert after.entries[need.of] == lock.entries[need.of]
        elif not replaced and admits(need.range, lock.entries[need.of].version):
            assert admits(need.range, after.entries[now[key].of].version)
    for path, entry in after.entries.items():
        if entry != lock.entries[path]:
            assert (entry.name, lock.entries[path].version) == (name, "1.0.0")
            for wish in entry.names("dependencies"):
                found = after.found_from(entry, wish)
                assert found is not None
                assert admits(entry.range("dependencies", wish), found.version)
        elif (entry.name, entry.version) == (name, "1.0.0"):
            assert held
    told = json.loads(rewritten(lock, after))["packages"]
    assert told == {"": lock.root.table, **{path: entry.table for path, entry in after.entries.items()}}


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        ("~>1.0.0", True),
        ("~> 1.0.0", True),
        (">=1\t<2", True),
        ("https://example.com/a-1.0.0.tgz", True),
        ("workspace:^1", True),
        ("1.0.0beta", True),
        ("npm:a@~> 1.0", True),
        ("npm:a@http://x", True),
        ("~>1 || ~> 2", False),
        ("latest", False),
        ("npm:a", False),
        ("npm:@x/a", False),
        ("npm:a@latest", False),
    ],
)
def test_no_range_is_passed_over_because_it_is_hard_to_read(wanted: str, *, holds: bool) -> None:
    """What nobody can read may be any range, so nothing moves; a tag was looked up once, and holds nothing."""
    place, published = "node_modules/a", {"2.0.0": Entry(path="", table={"version": "2.0.0", "integrity": "sha512-"})}
    root = Entry(path="", table={"dependencies": {"a": wanted}})
    lock = PackageLock(
        file="package-lock.json",
        content=b"{}",
        manifests={"": b"{}"},
        root=root,
        entries={place: Entry(path=place, table={"version": "1.0.0"})},
    )
    asked = Repair(ecosystem=Ecosystem.NPM, name="a", versions=("2.0.0",), images=(ImageName("web"),), locked="1.0.0")
    after, held = taken(lock, asked, published, Machine(processor="x64", node="18.0.0"))
    assert [one.why for one in held] == [f"`a: {wanted}` under `dependencies` holds it"] * holds
    assert after.entries[place].version == ("1.0.0" if holds else "2.0.0")
