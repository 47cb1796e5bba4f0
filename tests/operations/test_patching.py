"""The mission, and the questions about it: what is vulnerable, where, and is it gone."""

import json
from dataclasses import replace

import pytest
from bases_below import SaidBases
from said_bundles import SaidBundles
from simulated_shop import FILE, QUIET, Shop

from repave.advisories.decorated import DecoratedAdvisories
from repave.advisories.vex.dismissals import VexDocuments
from repave.model.lock import Ecosystem
from repave.model.names import InstanceId, ReleaseNumber, SlotId
from repave.operations.errors import Refused
from repave.operations.scan import scan
from repave.operations.where import Search, Whereabouts

CVE = "CVE-2026-1234"


def vulnerable(shop: Shop) -> None:
    """Everything runs openssl 3.0.20, and 3.0.22 is out."""
    shop.lock()
    shop.bake()
    shop.deploy("test")
    shop.deploy("prod")
    shop.pinner.archive["openssl"] = "3.0.22"
    shop.advisories.repairs["openssl"] = ("3.0.22", (CVE,))


def find(shop: Shop, subject: str) -> Whereabouts:
    """As `repave where` asks."""
    present = shop.locked.present()
    search = Search(
        store=shop.store,
        present=present,
        advisories=(shop.advisories,),
        bases=SaidBases(),
        bundles=SaidBundles(),
        progress=QUIET,
    )
    return search.find(subject)


def test_nothing_vulnerable_is_clean_and_unknown_is_not(shop: Shop) -> None:
    """A source that cannot be read is never taken for a clean one."""
    shop.lock()
    assert shop.patching.diagnose(QUIET).clean
    assert not shop.patching.diagnose(QUIET).unknown
    shop.advisories.problem = "no route to host"
    diagnosis = shop.patching.diagnose(QUIET)
    assert [source.problem for source in diagnosis.unknown] == ["no route to host"]


def test_a_patch_relocks_just_that_and_proves_it_on_every_instance(shop: Shop) -> None:
    """Every environment that runs it, in pipeline order; then no living instance holds the CVE."""
    vulnerable(shop)
    diagnosis = shop.patching.diagnose(QUIET)
    assert diagnosis.affected == ("test", "prod")
    cure = shop.patching.cure(diagnosis, QUIET)
    assert cure.cves_closed == (CVE,)
    assert [(change.package.name, change.package.version) for change in cure.difference.changed] == [
        ("openssl", "3.0.22")
    ]
    before = shop.patching.prove(cure, QUIET)
    assert (before.closed_still_running, before.clean, before.instances) == ((CVE,), 0, 7)
    assert not before.holds
    shop.locking.write(cure.proposal, QUIET)
    shop.bake()
    for name in diagnosis.affected:
        assert shop.deploy(name).as_asked
    after = shop.patching.prove(cure, QUIET)
    assert after.holds
    assert (after.clean, after.instances) == (7, 7)
    assert shop.patching.diagnose(QUIET).clean


def test_a_clean_lock_whose_environments_still_run_the_old_release_is_not_done(shop: Shop) -> None:
    """Promise 15: judged by what runs, not by what was admitted."""
    vulnerable(shop)
    cure = shop.patching.cure(shop.patching.diagnose(QUIET), QUIET)
    shop.locking.write(cure.proposal, QUIET)
    shop.bake()
    shop.deploy("test")
    diagnosis = shop.patching.diagnose(QUIET)
    assert not diagnosis.report.findings
    assert diagnosis.affected == ("prod",)
    assert not diagnosis.clean


def test_what_cannot_be_read_of_the_new_lock_is_not_called_closed(shop: Shop) -> None:
    """It is told, and proves nothing, also when all can be read again; what is known of neither hides nothing."""
    vulnerable(shop)
    diagnosis = shop.patching.diagnose(QUIET)
    shop.advisories.problem = "gone away"
    cure = shop.patching.cure(diagnosis, QUIET)
    assert (cure.closed, cure.cves_closed, cure.hidden[0]) == ((), (), "invented: gone away")
    shop.advisories.problem = ""
    assert not shop.patching.prove(cure, QUIET).holds
    again = shop.patching.cure(replace(diagnosis, gaps=frozenset({"another"})), QUIET)
    assert (again.closed, again.hidden) == ((CVE,), ())


def test_an_unproven_end_is_not_called_done(shop: Shop) -> None:
    """Promise 2: when the source fails in the end, nothing is proven."""
    vulnerable(shop)
    cure = shop.patching.cure(shop.patching.diagnose(QUIET), QUIET)
    shop.advisories.problem = "gone away"
    assert not shop.patching.prove(cure, QUIET).holds


def test_nothing_is_proven_while_something_unrecorded_runs(shop: Shop) -> None:
    """What outlived its record bears a release that no record has: it is named, and the proof is none."""
    vulnerable(shop)
    cure = shop.patching.cure(shop.patching.diagnose(QUIET), QUIET)
    shop.locking.write(cure.proposal, QUIET)
    shop.bake()
    assert all(shop.deploy(name).as_asked for name in ("test", "prod"))
    assert shop.patching.prove(cure, QUIET).holds
    [key] = shop.keys("test")
    seen = shop.store.last_seen(key)
    assert seen is not None
    other, old = SlotId("web-99"), ReleaseNumber(17)
    strange = replace(seen.machines.instances[0], id=InstanceId("i-old"), slot=other, release=old)
    machines = replace(seen.machines, instances=(*seen.machines.instances, strange))
    shop.store.see(replace(seen, machines=machines))
    proof = shop.patching.prove(cure, QUIET)
    assert proof.hidden == ("test/web-99 runs r17, of which no record is here",) == proof.holding
    assert not proof.holds


def test_an_image_without_the_security_suite_is_refused_with_the_line_to_write(shop: Shop) -> None:
    """The repair exists; the file does not let it in."""
    text = FILE.replace("suites: [bookworm, bookworm-security]", "suites: [bookworm]")
    frozen = Shop(shop.folder / "frozen", text=text)
    try:
        vulnerable(frozen)
        with pytest.raises(Refused) as refused:
            frozen.patching.cure(frozen.patching.diagnose(QUIET), QUIET)
    finally:
        frozen.close()
    assert "suites: [bookworm, bookworm-security]" in refused.value.hint


def test_a_patch_never_brings_along_unlocked_changes_of_the_application(shop: Shop) -> None:
    """A patch changes packages only."""
    vulnerable(shop)
    (shop.folder / "app" / "app.py").write_text("print('not reviewed')\n", encoding="utf-8")
    with pytest.raises(Refused, match="application has changed"):
        shop.patching.diagnose(QUIET)


def test_a_scan_names_who_runs_each_finding(shop: Shop) -> None:
    """Environments and instances, living ones."""
    vulnerable(shop)
    lock = shop.locked.present()
    assert lock is not None
    found = scan("repave.lock", lock, (shop.advisories,), shop.store, shop.clock, QUIET)
    assert found.cves == (CVE,)
    assert found.findings[0].environments == ("prod", "test")
    assert len(found.findings[0].instances) == 7


def dismissing(shop: Shop, *cves: str) -> DecoratedAdvisories:
    """The same source, and somebody's word that these CVEs do not matter in openssl."""
    statements = [
        {
            "vulnerability": {"name": cve},
            "products": [{"@id": "pkg:deb/debian/openssl"}],
            "status": "not_affected",
            "justification": "vulnerable_code_not_present",
        }
        for cve in cves
    ]
    document = {"@context": "https://openvex.dev/ns/v0.2.0", "author": "Ada", "statements": statements}
    (shop.folder / "vex.json").write_text(json.dumps(document), encoding="utf-8")
    vex = VexDocuments(shop.folder, ["vex.json"], project=shop.project.name)
    return DecoratedAdvisories([shop.advisories], [vex])


def test_what_is_dismissed_stands_apart_and_is_not_patched(shop: Shop) -> None:
    """It is shown with whose word it is, counts for nothing, and where it is can still be asked."""
    vulnerable(shop)
    advisories = (dismissing(shop, CVE),)
    lock = shop.locked.present()
    assert lock is not None
    found = scan("repave.lock", lock, advisories, shop.store, shop.clock, QUIET)
    assert (found.findings, found.cves, found.unknown) == ((), (), ())
    (one,) = found.dismissed
    assert one.dismissed is not None
    assert (one.dismissed.author, one.cves, len(one.instances)) == ("Ada", (CVE,), 7)
    patching = shop.patching_by(*advisories)
    assert patching.diagnose(QUIET).clean
    search = Search(
        store=shop.store, present=lock, advisories=advisories, bases=SaidBases(), bundles=SaidBundles(), progress=QUIET
    )
    assert search.find(CVE).locked == ("openssl 3.0.20 (dismissed by Ada)",)
    assert len(search.find(CVE).holdings[0].living) == 7


def test_what_is_dismissed_in_part_is_patched_for_the_rest(shop: Shop) -> None:
    """One repair closes several CVEs; a person spoke of one."""
    vulnerable(shop)
    shop.advisories.repairs["openssl"] = ("3.0.22", (CVE, "CVE-2026-5678"))
    advisories = (dismissing(shop, CVE),)
    patching = shop.patching_by(*advisories)
    cure = patching.cure(patching.diagnose(QUIET), QUIET)
    assert cure.cves_closed == ("CVE-2026-5678",)


def test_what_no_source_covers_is_said(shop: Shop) -> None:
    """Wheels that nobody judged are not clean, and neither is anything when the one source failed."""
    lock = shop.lock()
    wheel = replace(lock.packages[0], ecosystem=Ecosystem.PYPI)
    both = replace(lock, packages=(*lock.packages, wheel))
    said = "1 PyPI package is not judged: no source of advisories that was read covers it"
    assert scan("repave.lock", both, (shop.advisories,), shop.store, shop.clock, QUIET).unjudged == (said,)
    assert scan("repave.lock", lock, (shop.advisories,), shop.store, shop.clock, QUIET).unjudged == ()
    shop.advisories.problem = "no route to host"
    assert len(scan("repave.lock", both, (shop.advisories,), shop.store, shop.clock, QUIET).unjudged) == 2


@pytest.mark.parametrize("subject", [CVE, "openssl", "openssl==3.0.20", "r1"])
def test_one_question_leads_to_the_running_instances(shop: Shop, subject: str) -> None:
    """By CVE, by package, by release."""
    vulnerable(shop)
    found = find(shop, subject)
    assert found.environments == ("prod", "test")
    assert [len(holding.living) for holding in found.holdings] == [7]


def test_what_is_gone_is_found_as_past(shop: Shop) -> None:
    """From when to when, after it was replaced."""
    vulnerable(shop)
    cure = shop.patching.cure(shop.patching.diagnose(QUIET), QUIET)
    shop.locking.write(cure.proposal, QUIET)
    shop.bake()
    shop.deploy("test")
    holding = find(shop, CVE).holdings[0]
    assert (len(holding.living), sum(gone.instances for gone in holding.past)) == (4, 3)
    assert find(shop, "openssl==3.0.22").holdings[0].release == "r2"


def test_a_digest_leads_to_its_releases(shop: Shop) -> None:
    """Of an artifact, a lock, a package file."""
    vulnerable(shop)
    release = shop.store.releases()[0]
    package = shop.store.lock(release.lock).packages[0]
    for digest in (*release.artifacts.values(), release.lock, package.sha256):
        assert [holding.release for holding in find(shop, digest).holdings] == ["r1"]
    assert find(shop, "sha256:" + "0" * 64).holdings == ()
