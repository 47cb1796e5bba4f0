"""VEX documents: what they dismiss, whose word that is, and what is refused or told instead."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from osv_records import deb, document, lock_of, ranged, record, wheel

from repave.advisories.osv.findings import findings_of
from repave.advisories.osv.subjects import questions
from repave.advisories.vex.dismissals import VexDocuments
from repave.advisories.vex.lines import line_of
from repave.model.finding import Dismissal, Finding, Grounds, SourceStatus
from repave.model.lock import Lock
from repave.model.names import ImageName, ProjectName

WEB, WORKER = ImageName("web"), ImageName("worker")
CVE = "CVE-2026-1234"
GHSA = "GHSA-m2qf-hxjv-5gpq"
AT = datetime(2026, 11, 1, tzinfo=UTC)
FLASK = replace(wheel("flask", "2.2.0"), images=(WEB, WORKER))
LIBSSL = replace(deb("libssl3", "openssl", "3.0.20-1~deb12u2"), architecture="amd64")
SCOPED = wheel("@shop/cart", "1.2.3")


def locked() -> Lock:
    """Two images, a wheel in both."""
    lock = lock_of(FLASK, LIBSSL)
    return replace(lock, images=(*lock.images, replace(lock.images[0], name=WORKER)))


def found(*cves: str, **more: Any) -> Finding:  # noqa: ANN401 - whatever a finding has
    """Of flask, in both images."""
    return replace(
        Finding(
            ecosystem=FLASK.ecosystem,
            package="flask",
            source="flask",
            version="2.2.0",
            fixed_version="",
            fixed_in="",
            cves=cves or (CVE,),
            images=(WEB, WORKER),
        ),
        **more,
    )


OPENSSL = found(package="libssl3", source="openssl", version=LIBSSL.version, ecosystem=LIBSSL.ecosystem, images=(WEB,))


def openvex(*statements: dict[str, Any], **more: object) -> dict[str, Any]:
    """A document of these statements."""
    head = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://shop.example/vex/1", "version": 1}
    return {**head, "author": "Ada", "timestamp": "2026-11-01T00:00:00Z", "statements": list(statements), **more}


def statement(*products: object, **more: object) -> dict[str, Any]:
    """That a flaw does not matter in these products."""
    told = [{"@id": product} if isinstance(product, str) else product for product in products or ("pkg:pypi/flask",)]
    return {
        "vulnerability": {"name": CVE},
        "products": told,
        "status": "not_affected",
        "justification": "vulnerable_code_not_in_execute_path",
        **more,
    }


def cyclonedx(*vulnerabilities: dict[str, Any], **more: object) -> dict[str, Any]:
    """A document of these vulnerabilities."""
    metadata = {"timestamp": "2026-11-01T00:00:00Z", "authors": [{"name": "Ada"}]}
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": metadata}
    return {**head, "vulnerabilities": list(vulnerabilities), **more}


def analysis(*affects: dict[str, Any], **more: object) -> dict[str, Any]:
    """That a flaw does not matter in these components."""
    told = {"state": "not_affected", "justification": "code_not_reachable", "detail": "We call no template."}
    return {"id": CVE, "analysis": told, "affects": list(affects) or [{"ref": "pkg:pypi/flask@2.2.0"}], **more}


def decorated(
    folder: Path, *contents: object, findings: tuple[Finding, ...] = (found(),), whole: bool = True
) -> tuple[tuple[Finding, ...], list[SourceStatus]]:
    """The findings, and what is said of each document."""
    names = []
    for number, content in enumerate(contents):
        names.append(f"{number}.json")
        text = content if isinstance(content, str) else json.dumps(content, indent=1)
        (folder / names[-1]).write_text(text, encoding="utf-8")
    documents = VexDocuments(folder, names, project=ProjectName("shop"))
    parts, statuses = documents.decorate(findings, locked(), whole=whole)
    return parts, list(statuses)


def dismissed(folder: Path, *contents: object, findings: tuple[Finding, ...] = (found(),)) -> list[bool]:
    """Which findings are."""
    return [one.dismissed is not None for one in decorated(folder, *contents, findings=findings)[0]]


def test_a_statement_dismisses_a_finding_by_name_with_author_and_reason(tmp_path: Path) -> None:
    """The finding stays; whose word it is, why, of when and from which document stands with it."""
    (one,), (status,) = decorated(tmp_path, openvex(statement(impact_statement="We call no template."), role="Dev"))
    assert one.dismissed == Dismissal(
        grounds=Grounds.NOT_AFFECTED,
        author="Ada (Dev)",
        reason="vulnerable_code_not_in_execute_path: We call no template.",
        source="0.json",
        at=AT,
    )
    assert (status.name, status.as_of, status.problem, status.remarks) == ("VEX 0.json", AT, "", ())
    (one,), _ = decorated(tmp_path, cyclonedx(analysis()))
    assert one.dismissed is not None
    assert (one.dismissed.author, one.dismissed.reason) == ("Ada", "code_not_reachable: We call no template.")


@pytest.mark.parametrize("status", ["affected", "under_investigation"])
def test_what_confirms_or_examines_dismisses_nothing(status: str, tmp_path: Path) -> None:
    """Neither does an analysis of CycloneDX that says the same."""
    state = {"affected": "exploitable"}.get(status, "in_triage")
    assert dismissed(tmp_path, openvex(statement(status=status))) == [False]
    assert dismissed(tmp_path, cyclonedx(analysis(analysis={"state": state}))) == [False]


@pytest.mark.parametrize("state", ["not_affected", "false_positive", "resolved", "resolved_with_pedigree"])
@pytest.mark.parametrize("version", ["1.4", "1.5", "1.6"])
def test_every_state_that_dismisses_does(state: str, version: str, tmp_path: Path) -> None:
    """In every version of CycloneDX that is read."""
    content = cyclonedx(analysis(analysis={"state": state, "detail": "ours"}), specVersion=version)
    assert dismissed(tmp_path, content) == [True]


PRODUCTS = [
    ("pkg:pypi/flask", found(), True),
    ("pkg:pypi/Flask@2.2.0", found(), True),
    ("pkg:pypi/flask@2.2", found(), True),
    ("pkg:pypi/flask@2.2.1", found(), False),
    ("pkg:pypi/flask-login", found(), False),
    ("pkg:npm/flask", found(), False),
    ("pkg:oci/web", found(images=(WEB,)), True),
    ("pkg:oci/shop-web", found(images=(WEB,)), True),
    ("pkg:oci/web@sha256:" + "0" * 64, found(images=(WEB,)), False),
    ("pkg:oci/worker", found(images=(WEB,)), False),
    ("https://shop.example/product", found(), False),
    ("pkg:deb/debian/libssl3", OPENSSL, True),
    ("pkg:deb/debian/libssl3@3.0.20-1~deb12u2%2Bb1?arch=amd64&distro=debian-12", OPENSSL, True),
    ("pkg:deb/debian/libssl3?distro=bookworm", OPENSSL, True),
    ("pkg:deb/debian/libssl3?distro=trixie", OPENSSL, False),
    ("pkg:deb/debian/libssl3?arch=arm64", OPENSSL, False),
    ("pkg:deb/debian/libssl3@3.0.20-1~deb12u2", OPENSSL, False),
    ("pkg:deb/debian/openssl@3.0.20-1~deb12u2?arch=source", OPENSSL, True),
    ("pkg:deb/debian/openssl@3.0.20-1~deb12u3", OPENSSL, False),
    ("pkg:deb/ubuntu/openssl", OPENSSL, False),
]


@pytest.mark.parametrize(("product", "finding", "met"), PRODUCTS, ids=[f"{one[0]}-{one[2]}" for one in PRODUCTS])
def test_a_product_is_a_package_by_purl_or_an_image_by_name(
    product: str, finding: Finding, met: bool, tmp_path: Path
) -> None:
    """Name, version, architecture and release as far as they are given; a Debian package by its source too."""
    assert dismissed(tmp_path, openvex(statement(product)), findings=(finding,)) == [met]
    assert dismissed(tmp_path, cyclonedx(analysis({"ref": product})), findings=(finding,)) == [met]
    identified = {"@id": "https://shop.example/product", "identifiers": {"purl": product}}
    assert dismissed(tmp_path, openvex(statement(identified)), findings=(finding,)) == [met]


def test_a_part_of_an_image_is_dismissed_there_only(tmp_path: Path) -> None:
    """The other image has the same package, and nobody spoke of it."""
    inside = {"@id": "pkg:oci/web", "subcomponents": [{"@id": "pkg:pypi/flask@2.2.0"}, {"@id": "pkg:pypi/click"}]}
    parts, _ = decorated(tmp_path, openvex(statement(inside)))
    assert [(one.images, one.dismissed is not None) for one in parts] == [((WEB,), True), ((WORKER,), False)]
    elsewhere = {"@id": "https://shop.example/web", "subcomponents": [{"@id": "pkg:pypi/flask@2.2.0"}]}
    assert dismissed(tmp_path, openvex(statement(elsewhere))) == [False]
    other = {"@id": "pkg:oci/web", "subcomponents": [{"@id": "pkg:pypi/click"}]}
    assert dismissed(tmp_path, openvex(statement(other))) == [False]


def test_the_cves_of_one_repair_are_judged_one_by_one(tmp_path: Path) -> None:
    """What is not dismissed stands, and nothing is lost."""
    parts, _ = decorated(tmp_path, openvex(statement()), findings=(found("CVE-2026-0001", CVE, "CVE-2026-9999"),))
    assert [(one.cves, one.dismissed is not None) for one in parts] == [
        (("CVE-2026-0001", "CVE-2026-9999"), False),
        ((CVE,), True),
    ]


def test_a_flaw_is_met_by_any_of_its_names(tmp_path: Path) -> None:
    """The advisory's own, a CVE, or what another database calls it; on either side."""
    source = record(document(ranged({"introduced": "0"}), id="PYSEC-2023-62", aliases=[GHSA, CVE]))
    (question, *_) = questions(locked())
    (finding,), _ = findings_of(question, [source])
    assert (finding.advisory, finding.aliases, finding.cves) == ("PYSEC-2023-62", (GHSA,), (CVE,))
    for names in ({"name": GHSA}, {"name": "PYSEC-2023-62"}, {"name": "OTHER-1", "aliases": [CVE]}):
        assert dismissed(tmp_path, openvex(statement(vulnerability=names)), findings=(finding,)) == [True]
    assert dismissed(tmp_path, cyclonedx(analysis(id=GHSA)), findings=(finding,)) == [True]
    assert dismissed(tmp_path, cyclonedx(analysis(id="X-1", references=[{"id": CVE}])), findings=(finding,)) == [True]
    assert dismissed(tmp_path, openvex(statement(vulnerability={"name": "CVE-2026-0001"})), findings=(finding,)) == [
        False
    ]


def test_the_last_word_counts(tmp_path: Path) -> None:
    """By its own date, else its document's; of the same moment the more cautious."""
    early, late = {"timestamp": "2026-10-01T00:00:00Z"}, {"timestamp": "2026-11-20T00:00:00Z"}
    assert dismissed(tmp_path, openvex(statement(), statement(status="affected", **late))) == [False]
    assert dismissed(tmp_path, openvex(statement(), statement(status="affected", **early))) == [True]
    assert dismissed(tmp_path, openvex(statement(status="affected"), statement())) == [False]
    both = (openvex(statement(status="under_investigation")), cyclonedx(analysis()))
    assert dismissed(tmp_path, *both) == [False]
    triage = {"state": "in_triage", "lastUpdated": "2026-10-01T00:00:00Z"}
    assert dismissed(tmp_path, cyclonedx(analysis(analysis=triage)), openvex(statement())) == [True]


VERSIONS = [
    ([{"version": "2.2.0", "status": "unaffected"}], True),
    ([{"version": "2.2.0"}], True),
    ([{"version": "2.2.0", "status": "affected"}], False),
    ([{"version": "2.2.0", "status": "unknown"}], False),
    ([{"version": "2.2.1", "status": "unaffected"}], False),
    ([{"range": "vers:pypi/>=2.0|<2.3", "status": "unaffected"}], True),
    ([{"range": "vers:pypi/>=2.0|<2.2", "status": "unaffected"}, {"range": "vers:pypi/>3"}], False),
    ([], False),
]


@pytest.mark.parametrize(("versions", "met"), VERSIONS)
def test_versions_that_an_analysis_names_narrow_it(versions: list[dict[str, str]], met: bool, tmp_path: Path) -> None:
    """By themselves or by range; those without a status have the analysis's."""
    content = cyclonedx(analysis({"ref": "pkg:pypi/flask", "versions": versions}))
    assert dismissed(tmp_path, content) == [met]


@pytest.mark.parametrize(
    "reference",
    [
        "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg%3Apypi%2Fflask%402.2.0",
        "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#flask-1",
        "flask-1",
    ],
)
def test_a_component_is_meant_by_reference(reference: str, tmp_path: Path) -> None:
    """Within the document, at any depth, or by a link into another whose references are purls."""
    within = {"type": "library", "name": "flask", "bom-ref": "flask-1", "purl": "pkg:pypi/flask@2.2.0"}
    outer = {"type": "application", "name": "shop", "bom-ref": "shop", "components": [within]}
    assert dismissed(tmp_path, cyclonedx(analysis({"ref": reference}), components=[outer])) == [True]


REFUSED: list[tuple[object, str]] = [
    (openvex(statement(), author=" "), "0.json:8: CVE-2026-1234: nobody stands behind it"),
    (openvex(statement(justification="")), "0.json:8: CVE-2026-1234: `not_affected` without a reason"),
    (openvex(statement(status="fixed")), "`fixed` of pkg:pypi/flask without a version"),
    (openvex(statement(status="fine")), "0.json:17: status: input should be 'not_affected', 'affected', 'fixed'"),
    (openvex({**statement(), "products": []}), "products: tuple should have at least 1 item"),
    (openvex(statement(timestamp=12)), "timestamp: value error, a date and time is a text"),
    (cyclonedx(analysis(), metadata={}), "0.json:7: CVE-2026-1234: nobody stands behind it"),
    (cyclonedx(analysis(analysis={"state": "false_positive"})), "`false_positive` without a reason"),
    (cyclonedx({**analysis(), "affects": []}), "an analysis of CVE-2026-1234 names no component"),
    (
        cyclonedx(analysis({"ref": "pkg:pypi/flask", "versions": [{"range": "vers:deb/<2"}]})),
        "`vers:deb/<2` is in no order of pypi: write `vers:pypi/...`",
    ),
    (
        cyclonedx(analysis({"ref": "pkg:pypi/flask", "versions": [{"range": "vers:pypi/<<2"}]})),
        "`vers:pypi/<<2` is no range of versions",
    ),
    (openvex(statement(), **{"@context": "https://openvex.dev/ns/v0.1.0"}), "0.json:2: OpenVEX of a version"),
    (cyclonedx(analysis(), specVersion="1.3"), "0.json:3: CycloneDX of a version that cannot be read"),
    ({"vulnerabilities": []}, "0.json:1: it is no VEX document"),
    ('{\n"@context": ', "0.json:2: it is no JSON"),
    ("[" * 100_000, "nested too deeply"),
]


@pytest.mark.parametrize(("content", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_no_statement_is_refused_by_its_line(content: object, said: str, tmp_path: Path) -> None:
    """It dismisses nothing, and the answer is unknown until it is repaired."""
    (one,), (status,) = decorated(tmp_path, content)
    assert one.dismissed is None
    assert status.problem.startswith("unknown: ")
    assert said in status.problem


def test_the_other_statements_of_a_document_count(tmp_path: Path) -> None:
    """A wrong one is told, and only it."""
    (one,), (status,) = decorated(tmp_path, openvex(statement(justification=""), statement()))
    assert one.dismissed is not None
    assert status.problem.count("0.json:") == 1


def test_a_repaired_version_is_a_reason_of_its_own(tmp_path: Path) -> None:
    """A rebuild with a repair of one's own: that version is meant and no other."""
    for content in (
        openvex(statement("pkg:pypi/flask@2.2.0", status="fixed", justification="")),
        cyclonedx(analysis(analysis={"state": "resolved"})),
    ):
        (one,), _ = decorated(tmp_path, content)
        assert one.dismissed is not None
        assert one.dismissed.reason == "this version is repaired"


def test_what_dismisses_nothing_is_told(tmp_path: Path) -> None:
    """Its package has gone or moved, or its flaw; that a flaw is gone only where all sources could be read."""
    gone = statement("pkg:pypi/flask@2.1.0", "pkg:pypi/click", "pkg:pypi/jinja2")
    moved = statement(vulnerability={"name": "CVE-2020-0001"})
    document = openvex(gone, moved, statement(status="affected", vulnerability={"name": "CVE-2020-0002"}))
    _, (status,) = decorated(tmp_path, document)
    assert status.problem == ""
    absent, idle = status.remarks
    assert absent.startswith("what it is about is not locked, so it dismisses nothing")
    assert absent.endswith(f": 0.json:8: {CVE} in pkg:pypi/flask@2.1.0, pkg:pypi/click and 1 more")
    assert idle.startswith("no such flaw is found, so it dismisses nothing")
    assert idle.endswith(": 0.json:26: CVE-2020-0001 in pkg:pypi/flask")
    _, (status,) = decorated(tmp_path, document, whole=False)
    assert len(status.remarks) == 1


def test_documents_are_files_or_folders_of_them(tmp_path: Path) -> None:
    """One that is missing makes the answer unknown; so does a folder without any."""
    (tmp_path / "vex" / "old").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "vex" / "old" / "a.json").write_text(json.dumps(openvex(statement())), encoding="utf-8")
    documents = VexDocuments(tmp_path, ["vex", "empty", "nowhere.json"], project=ProjectName("shop"))
    (one,), statuses = documents.decorate((found(),), locked(), whole=True)
    assert one.dismissed is not None
    assert [status.name for status in statuses] == ["VEX vex/old/a.json", "VEX empty", "VEX nowhere.json"]
    assert [status.problem.partition(": ")[2] for status in statuses] == [
        "",
        "there are no documents (`*.json`) in empty",
        f"{tmp_path}/nowhere.json cannot be read: No such file or directory",
    ]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=15,
)


@given(PLAIN, st.integers(0, 2))
def test_lines_are_those_of_the_text(value: object, indent: int) -> None:
    """Of every value of every JSON text, as it is written."""
    marked = {"before": value, "list": [value, "here", value], "after": value}
    text = json.dumps(marked, indent=indent)
    assert line_of(text, "list", 1) == text.count("\n", 0, text.index('"here"')) + 1
    assert line_of(text, "list", 7) == line_of(text, "list")
