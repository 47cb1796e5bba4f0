"""The matcher over whole records: those of the PyPA advisory database where they are at hand, and hand-made ones."""

import os
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import yaml
from osv_records import document, ranged, record
from packaging.version import InvalidVersion, Version

from repave.advisories.osv.matching import Subject, Verdict, judge
from repave.advisories.osv.records import Affected, Range, Record

ROOT = Path(__file__).resolve().parents[2]
BESIDE = ROOT.parent / "shared" / "data" / "pypa-advisories-2024-10-10.tar.xz"
ARCHIVE = Path(os.environ.get("REPAVE_PYPA_ADVISORIES", BESIDE))

DISAGREEMENTS = frozenset(
    {
        ("PYSEC-2019-125", "2019-09-12"),
        ("PYSEC-2021-114", "2.11.6"),
        ("PYSEC-2021-371", "0.2.0-n653"),
        ("PYSEC-2022-236", "3.1.1"),
        ("PYSEC-2022-42972", "0.13.0"),
        ("PYSEC-2023-177", "23.9.0"),
        ("PYSEC-2023-72", "3.1.1"),
        ("PYSEC-2023-72", "3.2.0"),
    }
)
"""Versions that a record calls fixed and that are not out by it: docs/explanation/advisories.md says why of each."""

OUTSIDE = frozenset({"PYSEC-2021-114", "PYSEC-2023-61", "PYSEC-2023-177"})
"""Records that list versions outside of their own ranges; the same page says which and why."""

HAND_MADE = (
    document(ranged({"introduced": "0"}, {"fixed": "1.2"}), versions=["1.0", "1.1", "1.1rc1"], id="PYSEC-1-1"),
    document(
        ranged({"introduced": "2.0"}, {"fixed": "2.2"}, {"introduced": "3.0"}, {"fixed": "3.1"}),
        ranged({"introduced": "0" * 40}, kind="GIT", repo="https://git.example/x"),
        versions=["2.0", "2.1", "3.0"],
        id="PYSEC-1-2",
    ),
    document(versions=["2004d", "0.7.10p1"], id="PYSEC-1-3"),
    document(ranged({"introduced": "0"}), versions=["1"], id="PYSEC-1-4", withdrawn="2026-01-01T00:00:00Z"),
    document(ranged({"introduced": "0"}, {"last_affected": "1.4"}), versions=["1.4"], id="PYSEC-1-5"),
)


@cache
def records() -> tuple[Record, ...]:
    """Every record there is, read once."""
    return (*map(record, HAND_MADE), *archived())


def archived() -> Iterator[Record]:
    """Those of the database, where it is at hand."""
    if not ARCHIVE.is_file():
        return
    with tarfile.open(ARCHIVE) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".yaml") else None
            if file is not None:
                # The loader that takes everything as text: every value of a record that is read here is one.
                content = yaml.load(file.read(), Loader=yaml.CBaseLoader)  # noqa: S506 - it makes texts only
                yield record(content)


def said(read: Record, part: Affected, version: str) -> Verdict:
    """What the record says of a version of that part's package."""
    assert part.package is not None
    return judge(read, Subject(ecosystem=part.package.ecosystem, name=part.package.name, version=version)).verdict


def test_each_records_own_versions_are_in_and_the_versions_next_to_its_ranges_are_out() -> None:
    """Except those disagreements that are explained, each by name."""
    listed = fixed = 0
    missing, within = set(), set()
    for read in records():
        expected = Verdict.UNAFFECTED if read.withdrawn else Verdict.AFFECTED
        for part in read.affected:
            for version in part.versions:
                listed += 1
                if said(read, part, version) is not expected:
                    missing.add((read.id, version))
            for event in (event for one in part.ranges if one.type != "GIT" for event in one.events):
                if event.fixed and not read.withdrawn:
                    fixed += 1
                    if said(read, part, event.fixed) is not Verdict.UNAFFECTED:
                        within.add((read.id, event.fixed))
    assert not missing
    assert within == (DISAGREEMENTS if ARCHIVE.is_file() else set())
    assert listed > fixed > 0


def test_the_versions_just_before_an_introduction_are_out() -> None:
    """The lowest pre-release of what introduced a flaw, where nothing before it touches."""
    within, judged = set(), 0
    for read in (read for read in records() if not read.withdrawn):
        for part in read.affected:
            for one in (one for one in part.ranges if one.type == "ECOSYSTEM"):
                for before in just_before(one):
                    judged += 1
                    if said(read, part, before) is not Verdict.UNAFFECTED:
                        within.add((read.id, before))
    assert not within
    assert judged


def just_before(one: Range) -> Iterator[str]:
    """Of each introduction that no other edge touches: the version that PEP 440 puts right before it and its kin."""
    try:
        edges = sorted((Version(event.version), event.kind) for event in one.events)
    except InvalidVersion:
        return
    for (earlier, kind), (at, introduced) in pairwise([(Version("0.dev0"), "fixed"), *edges]):
        before = f"{at}.dev0"
        if introduced == "introduced" and not at.is_devrelease and kind == "fixed" and earlier < Version(before):
            yield before


def test_the_ranges_alone_agree_with_the_lists() -> None:
    """A listed version that has an order is within its record's ranges, or is among the few that are explained."""
    outside = {
        read.id
        for read in records()
        for part in read.affected
        if any(one.type == "ECOSYSTEM" for one in part.ranges) and not read.withdrawn
        for version in part.versions
        if said(read.only([replace(part, versions=())]), part, version) is Verdict.UNAFFECTED
    }
    assert outside == (OUTSIDE if ARCHIVE.is_file() else set())
