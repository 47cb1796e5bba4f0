"""What an OSV record says of a version: every shape of record, and what holds for all of them."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from osv_records import document, ranged, record

from repave.advisories.osv.matching import Subject, Verdict, judge
from repave.advisories.osv.records import Record, read_record, write_record
from repave.ports.errors import Corrupt

REPOSITORY = "https://git.example/flask.git"
COMMIT, OTHER = "a" * 40, "b" * 40


def verdict(content: dict[str, Any], version: str, ecosystem: str = "PyPI", name: str = "flask") -> str:
    """What the record says."""
    return judge(record(content), Subject(ecosystem=ecosystem, name=name, version=version)).verdict


def fixed(content: dict[str, Any], version: str, ecosystem: str = "PyPI") -> str:
    """The version that repairs it."""
    return judge(record(content), Subject(ecosystem=ecosystem, name="flask", version=version)).fixed_version


BRANCHES = document(
    ranged({"introduced": "0"}, {"fixed": "1.5"}, {"introduced": "2.0"}, {"fixed": "2.3"}, {"introduced": "3.0"})
)
LAST = document(ranged({"introduced": "1.0"}, {"last_affected": "1.4"}))
LIMITED = document(ranged({"introduced": "1.0"}, {"limit": "2.0"}))
TOUCHING = document(ranged({"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "1.0"}, {"fixed": "2.0"}))
LISTED = document(versions=["1.0", "2004d"])
DEBIAN = document(ranged({"introduced": "0"}, {"fixed": "3.0.22-1~deb12u2"}), ecosystem="Debian:12")
ALL_DEBIANS = document(ranged({"introduced": "0"}, {"fixed": "3.0.22-1~deb12u2"}), ecosystem="Debian")
NPM = document(ranged({"introduced": "0"}, {"fixed": "4.17.21"}, kind="SEMVER"), ecosystem="npm")


@pytest.mark.parametrize(
    ("content", "ecosystem", "version", "expected", "repair"),
    [
        (BRANCHES, "PyPI", "1.4", "affected", "1.5"),
        (BRANCHES, "PyPI", "1.5rc1", "affected", "1.5"),
        (BRANCHES, "PyPI", "1.5", "unaffected", ""),
        (BRANCHES, "PyPI", "2.2.9", "affected", "2.3"),
        (BRANCHES, "PyPI", "2.3.post1", "unaffected", ""),
        (BRANCHES, "PyPI", "3.0", "affected", ""),
        (LAST, "PyPI", "1.4.0", "affected", ""),
        (LAST, "PyPI", "1.4.1", "unaffected", ""),
        (LAST, "PyPI", "0.9", "unaffected", ""),
        (LIMITED, "PyPI", "1.9", "affected", ""),
        (LIMITED, "PyPI", "2.0", "unaffected", ""),
        (TOUCHING, "PyPI", "1.0", "affected", "2.0"),
        (LISTED, "PyPI", "1.0.0", "affected", ""),
        (LISTED, "PyPI", "1.0+cpu", "affected", ""),
        (LISTED, "PyPI", "2004d", "affected", ""),
        (LISTED, "PyPI", "1.0.1", "unaffected", ""),
        (DEBIAN, "Debian:12", "3.0.22-1~deb12u1", "affected", "3.0.22-1~deb12u2"),
        (DEBIAN, "Debian:12", "1:0", "unaffected", ""),
        (DEBIAN, "Debian:13", "3.0.20-1", "unaffected", ""),
        (ALL_DEBIANS, "Debian:13", "3.0.20-1", "affected", "3.0.22-1~deb12u2"),
        (NPM, "npm", "4.17.21-rc.1", "affected", "4.17.21"),
        (NPM, "npm", "4.17.21+build", "unaffected", ""),
        (NPM, "npm", "not a version", "undecided", ""),
        (document(ranged({"introduced": "0"}), ecosystem="Maven"), "Maven", "1", "undecided", ""),
        (document(ranged({"introduced": "0"}, kind="LATER")), "PyPI", "1", "undecided", ""),
        (document(), "PyPI", "1", "undecided", ""),
        (document(ranged({"introduced": COMMIT}, kind="GIT", repo=REPOSITORY)), "PyPI", "1", "undecided", ""),
        (document(ranged({"introduced": "0"}, {"fixed": "1.x"})), "PyPI", "1", "undecided", ""),
    ],
)
def test_each_shape_of_record_has_its_answer(
    content: dict[str, Any], ecosystem: str, version: str, expected: str, repair: str
) -> None:
    """Affected with its repair, unaffected, or that it cannot be judged; never silence."""
    assert verdict(content, version, ecosystem) == expected
    assert fixed(content, version, ecosystem) == repair


@pytest.mark.parametrize(
    ("events", "versions", "expected"),
    [
        ([{"introduced": COMMIT}, {"fixed": OTHER}], [], "affected"),
        ([{"introduced": OTHER}, {"fixed": COMMIT}], [], "unaffected"),
        ([{"introduced": OTHER}, {"last_affected": COMMIT}], [], "affected"),
        ([{"introduced": OTHER}, {"limit": COMMIT}], [], "unaffected"),
        ([{"introduced": OTHER}], [COMMIT.upper()], "affected"),
        ([{"introduced": "0"}], [], "affected"),
        ([{"introduced": "0"}, {"fixed": OTHER}], [], "undecided"),
    ],
)
def test_a_commit_is_judged_only_where_the_record_names_it(
    events: list[dict[str, str]], versions: list[str], expected: str
) -> None:
    """What lies between two commits cannot be told without the history."""
    content = document(ranged(*events, kind="GIT", repo="git@git.example:flask"), versions=versions)
    assert verdict(content, COMMIT, "GIT", REPOSITORY) == expected
    assert verdict(content, COMMIT, "GIT", "https://git.example/other") == "unaffected"


def test_a_repair_in_another_branch_of_the_record_counts_only_when_nothing_affects_it() -> None:
    """2.0 repairs the first range and lies in the second."""
    content = document(ranged({"introduced": "0"}, {"fixed": "2.0"}), ranged({"introduced": "1.5"}, {"fixed": "2.5"}))
    assert fixed(content, "1.0") == "2.5"


def test_names_are_the_ecosystems_own() -> None:
    """PyPI has many spellings of one name; npm has one."""
    content = document(versions=["1"], name="Zope.Interface")
    assert verdict(content, "1", name="zope-interface") == "affected"
    assert verdict({**NPM, "affected": NPM["affected"]}, "1.0.0", "npm", "Flask") == "unaffected"


MALFORMED: list[tuple[str, object]] = [
    ("id", 1), ("id", ""), ("modified", 1700000000), ("modified", "yesterday"), ("modified", "2026-11-20T00:00:00"),
    ("aliases", "CVE-2024-0001"), ("affected", {}), ("affected", [{"versions": [1]}]),
    ("affected", [{"ranges": [{"type": "GIT", "events": []}]}]),
    ("affected", [{"ranges": [{"type": "GIT", "events": [{"fixed": "1"}]}]}]),
    ("affected", [{"ranges": [{"type": "GIT", "events": [{"introduced": "0", "fixed": "1"}]}]}]),
    ("affected", [{"package": {"name": "flask"}}]), ("severity", [{"type": "CVSS_V3"}]),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), MALFORMED)
def test_what_is_no_record_is_refused_by_its_place(key: str, value: object) -> None:
    """Strictly: a guess would be silence about a flaw."""
    with pytest.raises(Corrupt, match="the record is no OSV record"):
        record({**document(versions=["1"]), key: value})


def test_unknown_fields_and_null_are_passed_over() -> None:
    """Databases add their own, and later schemas more."""
    more = {"aliases": None, "severity": None, "summary": None, "later": {"a": 1}, "database_specific": {"severity": 3}}
    content = {**document(versions=["1"]), **more}
    assert verdict(content, "1") == "affected"
    assert record(content).aliases == ()


VERSION = st.builds(lambda *numbers: ".".join(map(str, numbers)), *[st.integers(1, 9)] * 2)
EVENTS = st.lists(
    st.builds(lambda kind, at: {kind: at}, st.sampled_from(["introduced", "fixed", "last_affected"]), VERSION),
    max_size=6,
)
RECORDS = st.builds(
    lambda events, versions: document(ranged({"introduced": "0"}, *events), versions=versions),
    EVENTS,
    st.lists(VERSION, max_size=3),
)


@given(RECORDS, VERSION, st.randoms(use_true_random=False))
def test_the_order_of_events_and_versions_never_matters(content: dict[str, Any], version: str, chance: Any) -> None:  # noqa: ANN401 - hypothesis' own random
    """A record is a set of edges."""
    before = verdict(content, version), fixed(content, version)
    chance.shuffle(content["affected"][0]["ranges"][0]["events"])
    chance.shuffle(content["affected"][0]["versions"])
    assert (verdict(content, version), fixed(content, version)) == before


@given(RECORDS, VERSION)
def test_a_listed_version_is_affected_whatever_the_ranges_say(content: dict[str, Any], version: str) -> None:
    """The list wins."""
    content["affected"][0]["versions"].append(version)
    assert verdict(content, version) == "affected"


@given(RECORDS, VERSION)
def test_what_was_withdrawn_never_matches(content: dict[str, Any], version: str) -> None:
    """It says nothing any more."""
    assert verdict({**content, "withdrawn": "2026-11-20T00:00:00Z"}, version) == "unaffected"


@given(RECORDS, VERSION)
def test_a_repair_is_later_and_never_affected(content: dict[str, Any], version: str) -> None:
    """By the same record."""
    repair = fixed(content, version)
    if repair:
        assert tuple(map(int, repair.split("."))) > tuple(map(int, version.split(".")))
        assert verdict(content, repair) == "unaffected"


@given(VERSION, VERSION)
def test_the_last_affected_version_is_affected_and_the_fixed_one_is_not(first: str, last: str) -> None:
    """The one edge is inclusive, the other is not."""
    first, last = sorted((first, last), key=lambda one: tuple(map(int, one.split("."))))
    assert verdict(document(ranged({"introduced": first}, {"last_affected": last})), last) == "affected"
    assert verdict(document(ranged({"introduced": "0"}, {"fixed": last})), last) == "unaffected"


@given(RECORDS)
def test_a_record_is_written_as_it_was_read(content: dict[str, Any]) -> None:
    """For the index."""
    read: Record = record(content)
    assert read_record(write_record(read), name="again") == read


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_record_or_refused(content: bytes) -> None:
    """Nothing else comes out of the reader."""
    with suppress(Corrupt):
        read_record(content, name="noise")


def test_every_verdict_is_one_of_three() -> None:
    """And a subject of another package is unaffected."""
    assert {*Verdict} == {Verdict.AFFECTED, Verdict.UNAFFECTED, Verdict.UNDECIDED}
    assert verdict(BRANCHES, "1.4", name="other") == Verdict.UNAFFECTED
