"""`repave patch` on a Node application over a small Debian archive: what moves, what is held, what is within others."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from debian_upstream import SECURITY, SUITE, SigningKey, Upstream, end_key, new_key
from forge import TOKEN, forge
from git_origin import GitOrigin
from npm_registry import Registry, npm_registry, write_application
from osv_records import document, ranged
from schemas import is_bom

from repave.cli.application import run
from repave.cli.codes import FAILED, HELD, OK, WAITING
from repave.ports.progress import Silent
from repave.wiring import Wiring

FILE = """project: shop
images:
  web:
    kind: container
    base:
      {{distribution: debian, release: bookworm, suites: [bookworm, bookworm-security], mirror: "{mirror}",
        keyring: {keyring}}}
    packages: [nodejs]
    node: {{lock: app/package-lock.json, into: /srv/app}}
    files: {{app/: /srv/app/}}
    run: node server.js
fleets: {{web: {{image: web, port: 8080}}}}
environments: {{test: {{provider: local, fleets: {{web: {{size: 1}}}}}}}}
advisories: {{sources: [{{osv: {{folder: osv}}}}], max_age: 52w}}
"""
ESSENTIAL = {"base-files 1": "Essential: yes\nPriority: required\n", "nodejs 18.20.4": "Priority: optional\n"}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SigningKey]:
    """That the archive's keyring trusts."""
    made = new_key(tmp_path_factory.mktemp("keys") / "trusted")
    yield made
    end_key(made)


@pytest.fixture
def registry() -> Iterator[Registry]:
    """With a flawed package in two versions, and its repairs."""
    with npm_registry() as started:
        for version in ("1.0.0", "1.0.1", "2.0.0"):
            started.publish("lib", version)
        yield started


@pytest.fixture
def project(
    tmp_path: Path,
    key: SigningKey,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Path:
    """Locked with lib 1.0.0."""
    tmp_path.parent.parent.chmod(0o755)
    upstream = Upstream(root=tmp_path / "archive", key=key)
    upstream.root.mkdir()
    upstream.publish(SUITE, ESSENTIAL)
    upstream.publish(SECURITY, {})
    (tmp_path / "repave.yaml").write_text(FILE.format(mirror=upstream.mirror, keyring=key.keyring), encoding="utf-8")
    told = registry.publish("lib", "1.0.0")
    write_application(tmp_path / "app", {"node_modules/lib": told}, dependencies={"lib": "^1.0.0"})
    (tmp_path / "app" / "server.js").write_text("1\n", encoding="utf-8")
    flaw(tmp_path, "GHSA-aaaa-aaaa-aaaa", "1.0.1")
    monkeypatch.chdir(tmp_path)
    assert run(["lock"]) == OK
    capsys.readouterr()
    return tmp_path


def flaw(project: Path, name: str, fixed: str) -> None:
    """Lib has it until then."""
    record = document(
        ranged({"introduced": "0"}, {"fixed": fixed}, kind="SEMVER"),
        name="lib",
        ecosystem="npm",
        id=name,
        modified=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    )
    (project / "osv").mkdir(exist_ok=True)
    (project / "osv" / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")


@pytest.mark.real
def test_what_can_be_repaired_is_shown_and_nothing_is_written_by_a_dry_run(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The package-lock that would change is named."""
    before = {path: path.read_bytes() for path in (project / "repave.lock", project / "app" / "package-lock.json")}
    assert run(["patch", "--dry-run"]) == OK
    said = capsys.readouterr().out
    assert "~ lib  1.0.0 -> 1.0.1" in said
    assert "~ app/package-lock.json" in said
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.real
def test_packages_are_repaired_also_where_no_security_suite_repairs_the_distribution(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The distribution's packages stay as they are, and `lock --security` says why it can do nothing."""
    file = project / "repave.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace(", bookworm-security]", "]"), encoding="utf-8")
    assert run(["lock"]) == OK
    assert run(["patch", "--dry-run"]) == OK
    assert "~ lib  1.0.0 -> 1.0.1" in capsys.readouterr().out
    assert run(["lock", "--security"]) == FAILED
    assert "web draws from no security suite, so there is nothing to repair it from" in capsys.readouterr().err


@pytest.mark.real
def test_a_range_that_holds_a_repair_is_named_with_its_line_and_ends_with_a_code_of_its_own(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest is taken: of two flaws one is repaired within the range."""
    flaw(project, "GHSA-bbbb-bbbb-bbbb", "2.0.0")
    assert run(["patch", "--dry-run"]) == HELD
    said = capsys.readouterr()
    assert "~ lib  1.0.0 -> 1.0.1" in said.out
    assert (
        "lib 1.0.1 stays with GHSA-bbbb-bbbb-bbbb (unrated): 2.0.0 could not be taken: "
        "app/package.json:1:54: `lib: ^1.0.0` under `dependencies` holds it"
    ) in said.err
    assert "npm install lib@2.0.0 --package-lock-only" in said.err
    assert run(["patch", "--dry-run", "--json"]) == HELD
    (held,) = json.loads(capsys.readouterr().out)["held"]["web"]
    assert held["place"] == "app/package.json:1:54"


@pytest.mark.real
def test_where_nothing_else_is_to_be_done_a_held_repair_still_counts(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is baked or rolled; it does not end as if all were well."""
    (project / "osv" / "GHSA-aaaa-aaaa-aaaa.json").unlink()
    flaw(project, "GHSA-bbbb-bbbb-bbbb", "2.0.0")
    assert run(["patch", "--json"]) == HELD
    answer = json.loads(capsys.readouterr().out)
    assert (answer["result"], answer["release"], len(answer["remaining"])) == ("held", None, 1)


@pytest.mark.real
def test_what_is_written_agrees_and_is_written_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both locks, and nothing else of the project; the next patch finds nothing to do."""
    before = {path: path.read_bytes() for path in (project / "app").iterdir()}
    wiring = Wiring(project / "repave.yaml")
    cure = wiring.patching.cure(wiring.patching.diagnose(Silent()), Silent())
    wiring.locking.write(cure.proposal, Silent())
    wiring.close()
    changed = [path.name for path, content in before.items() if path.read_bytes() != content]
    assert changed == ["package-lock.json"]
    packages = json.loads((project / "app/package-lock.json").read_text("utf-8"))["packages"]
    assert packages["node_modules/lib"]["version"] == "1.0.1"
    assert run(["lock", "--check"]) == OK
    assert run(["patch", "--json"]) == OK
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["result"] == "nothing to do"


@pytest.mark.real
def test_a_patch_says_what_no_source_covers(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has nothing to do, which is not the same as clean."""
    file = project / "repave.yaml"
    file.write_text(file.read_text(encoding="utf-8").partition("advisories:")[0], encoding="utf-8")
    assert run(["patch"]) == OK
    said = capsys.readouterr()
    assert "nothing to patch" in said.out
    assert "1 npm package is not judged: no source of advisories that was read covers it" in said.err


@pytest.fixture
def bundling(project: Path, registry: Registry, capsys: pytest.CaptureFixture[str]) -> Path:
    """Of an application whose only package brings lib 1.0.0 along."""
    inside = {"node_modules/lib/package.json": json.dumps({"name": "lib", "version": "1.0.0"}).encode()}
    told = registry.publish("parent", "3.0.0", inside, bundleDependencies=["lib"])
    packages = {
        "node_modules/parent": told,
        "node_modules/parent/node_modules/lib": {"version": "1.0.0", "inBundle": True},
    }
    write_application(project / "app", packages, dependencies={"parent": "^3.0.0"})
    assert run(["lock"]) == OK
    capsys.readouterr()
    return project


@pytest.mark.real
def test_what_lies_within_another_packages_archive_is_judged_and_found(
    bundling: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has no file in the lock: what brings it along is named, and where that is pinned."""
    assert run(["scan", "--format", "sarif", "--output", "scan.sarif"]) == FAILED
    said = capsys.readouterr()
    assert "lib (in parent 3.0.0)" in said.out
    assert "parent 3.0.0 brings flaws along" in said.err
    (result,) = json.loads((bundling / "scan.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]
    line = result["locations"][0]["physicalLocation"]["region"]["startLine"]
    assert (bundling / "repave.lock").read_text(encoding="utf-8").splitlines()[line - 1] == 'version = "3.0.0"'
    assert run(["scan", "--format", "cyclonedx"]) == FAILED
    text = capsys.readouterr().out
    assert is_bom(text)
    document = json.loads(text)
    (told,) = document["vulnerabilities"]
    (part,) = [part for part in document["components"] if part["bom-ref"] == told["affects"][0]["ref"]]
    assert part["name"] == "lib"
    assert {"name": "repave:within", "value": "pkg:npm/parent@3.0.0"} in part["properties"]
    assert run(["where", "lib", "--json"]) == OK
    assert json.loads(capsys.readouterr().out)["locked"] == ["lib 1.0.0 within parent 3.0.0"]


@pytest.mark.real
def test_a_patch_says_what_brings_along_the_flaws_it_cannot_move(
    bundling: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which version of the other does without them, no source knows."""
    del bundling
    assert run(["patch"]) == OK
    said = capsys.readouterr()
    assert "parent 3.0.0 brings along 1 finding in 1 package" in said.err
    assert "nothing to patch" in said.out


@pytest.mark.real
def test_people_are_shown_the_package_lock_that_changes_with_the_lock(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are one commit of one merge request; the folder keeps its own, and a second pass adds nothing."""
    monkeypatch.setenv("FORGE", TOKEN)
    paths = (project / "repave.lock", project / "app" / "package-lock.json")
    before = {path: path.read_bytes() for path in paths}
    with forge(project / "hub.git") as hub:
        said = f"forge: gitlab, repository: team/shop, author: repave <r@example.org>, api: '{hub.address}/gitlab'"
        with (project / "repave.yaml").open("a", encoding="utf-8") as file:
            file.write(f"review: {{{said}, token: {{secret: env:FORGE}}}}\n")
        work = GitOrigin(folder=project)
        work.git("init", "--quiet", "--initial-branch=main")
        work.git("remote", "add", "origin", hub.origin.url)
        work.git("add", "repave.yaml", "repave.lock", "app")
        work.git("commit", "--quiet", "--message", "the shop")
        work.git("push", "--quiet", "origin", "main")
        assert run(["watch", "--once"]) == WAITING
        said = capsys.readouterr().out
        assert "~ lib  1.0.0 -> 1.0.1" in said
        assert (
            said.splitlines()[-1]
            == "proposed, and waiting for people to look at it; a person has to bake what was locked"
        )
        assert run(["watch", "--once"]) == WAITING
        (request,) = hub.requests
        assert (request.title, "Nothing runs yet." in request.text) == ("Repair GHSA-aaaa-aaaa-aaaa", True)
        changed = hub.origin.git("diff", "--name-only", "main", "repave/repairs").splitlines()
        assert changed == ["app/package-lock.json", "repave.lock"]
        assert '"version": "1.0.1"' in hub.origin.git("show", "repave/repairs:app/package-lock.json")
    assert {path: path.read_bytes() for path in paths} == before
    assert work.git("status", "--porcelain", "--untracked-files=no") == ""
