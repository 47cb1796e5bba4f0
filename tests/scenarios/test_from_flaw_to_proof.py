"""From a flaw to its proof: a repair goes through five environments, and a stranger checks the record of it.

Locks, bakes, findings, keys, the record and the command line are real; machines, balancer and time are simulated.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cosign_program import ed25519_pair
from personal_keys import person, private_key
from staged_world import Stage, staged
from verbs import repave

from repave.simulation.world import World

pytestmark = [pytest.mark.real, pytest.mark.network, pytest.mark.timeout(900)]

PRAGUE = ZoneInfo("Europe/Prague")

FILE = """project: shop
images:
  web:
    kind: container
    base: {distribution: debian, release: bookworm, suites: [bookworm, bookworm-security]}
    packages: [libssl3]
    files: {app/: /srv/app/}
    run: /srv/app/serve.sh
fleets:
  web: {image: web, port: 8080, health: {interval: 200ms, timeout: 200ms, healthy: 2, unhealthy: 3, grace: 3s}}
environments:
  dev:
    provider: local
    fleets: {web: {size: 1}}
  test:
    provider: local
    fleets: {web: {size: 1}}
  acceptance:
    provider: local
    fleets: {web: {size: 1}}
    gates: {checks: [checks/accept.sh]}
  preprod:
    provider: local
    fleets: {web: {size: 1}}
    gates: {soak: 12h}
  prod:
    provider: local
    zones: [a, b]
    fleets: {web: {size: 2}}
    gates: {approvals: 2, window: "Mon-Fri 09:00-16:00 Europe/Prague"}
pipeline: [dev, test, acceptance, preprod, prod]
policy: {fix_within: {high: 7d}}
"""

ENVIRONMENTS = ["dev", "test", "acceptance", "preprod", "prod"]

CHECK = """#!/bin/sh
echo "this is $REPAVE_ENVIRONMENT"
test "$REPAVE_ENVIRONMENT" = acceptence
"""


class Shop(Stage):
    """Its people, and what they do to its files."""

    def write(self, name: str, text: str) -> None:
        """Eve does; a file that begins like a program may be run."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755 if text.startswith("#!") else 0o644)

    def commit(self, words: str) -> None:
        """Eve does, all of it."""
        eve = {f"GIT_{who}_EMAIL": "eve@shop.example" for who in ("AUTHOR", "COMMITTER")}
        eve |= {f"GIT_{who}_NAME": "Eve" for who in ("AUTHOR", "COMMITTER")}
        for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", words]):
            subprocess.run(["git", *arguments], cwd=self.folder, env={"PATH": "/usr/bin:/bin", **eve}, check=True)

    def approve(self, release: str, who: str) -> None:
        """By that person's own key, for prod."""
        key = private_key(self.folder.parent, who)
        self.repave("approve", release, "prod", "--reason", "tried in preprod", "--key", str(key))

    def promote(self) -> tuple[list[str], Mapping[str, Any]]:
        """Where r2 was let in by it, and what holds it then; nothing where nothing does."""
        walked = self.repave("promote")
        assert {one["release"] for one in walked["promoted"]} <= {"r2"}
        return [one["environment"] for one in walked["promoted"]], next(iter(walked["held"]), {})

    def living(self, flaw: str) -> dict[str, int]:
        """How many instances were seen to run it and live, by environment."""
        counts = dict.fromkeys(ENVIRONMENTS, 0)
        for release in self.repave("where", flaw)["releases"]:
            for bearer in release["living"]:
                counts[bearer["environment"]] += 1
        return counts


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Of Friday afternoon: packages of the frozen suite alone, no gates, nothing locked yet."""
    world = World()
    today = datetime.now(UTC).replace(hour=15, minute=0, second=0, microsecond=0)
    friday = today + timedelta(days=(4 - today.weekday()) % 7)
    world.clock.sleep((friday - world.clock.now()).total_seconds())
    monkeypatch.setattr("repave.cli.opening.Wiring", staged(world))
    key = ed25519_pair("release.pub")
    (tmp_path / "release.key").write_text(key.pem(), encoding="ascii")
    (tmp_path / "shop").mkdir()
    made = Shop(world=world, folder=tmp_path / "shop", capsys=capsys)
    made.write("release.pub", key.trusted.pem)
    made.write("app/serve.sh", "#!/bin/sh\nexec sleep 1d\n")
    made.write("checks/accept.sh", CHECK)
    return made


def gated(folder: Path) -> str:
    """The file as it is to be: repairs are taken, gates hold, people agree."""
    people = "".join(
        f"  {name}: {{keys: [{person(folder, name).keys[0]}], emails: [{name}@shop.example]}}\n"
        for name in ("ana", "bob", "eve")
    )
    signing = f"signing: {{key: 'file:{folder / 'release.key'}', verify: [release.pub]}}\n"
    return f"{FILE}{signing}people:\n{people}"


def ungated(text: str) -> str:
    """As it was before."""
    frozen = text.replace("suites: [bookworm, bookworm-security]", "suites: [bookworm]")
    return "".join(line for line in frozen.splitlines(keepends=True) if "gates:" not in line)


def test_from_a_flaw_to_a_proof_that_it_is_gone(shop: Shop, tmp_path: Path) -> None:
    """Promise 15: one release repairs it everywhere, gates hold it as they should, a stranger checks all that."""
    text = gated(tmp_path)
    r1_runs_everywhere(shop, ungated(text))
    flaw = an_advisory_appears(shop)
    r2_is_made_without_it(shop, text)
    r2_comes_to_acceptance_where_a_check_is_to_be_mended(shop)
    r2_soaks_in_preprod(shop)
    people_agree(shop)
    prod_opens_on_monday(shop, flaw)
    nothing_that_runs_has_it_any_more(shop, flaw)
    it_is_reported(shop, flaw, tmp_path)
    an_auditor_checks_the_record(shop, tmp_path / "auditor")


def r1_runs_everywhere(shop: Shop, text: str) -> None:
    """Friday: it is made of what the frozen suite has, and nobody has asked yet whether that has flaws."""
    shop.write("repave.yaml", text)
    shop.commit("The shop opens")
    shop.repave("lock")
    assert shop.repave("bake")["release"] == "r1"
    for environment in ENVIRONMENTS:
        assert shop.repave("deploy", environment)["deployed"]


def an_advisory_appears(shop: Shop) -> str:
    """Saturday: of the flaws that the security suite repairs, one is followed from here on."""
    shop.world.clock.sleep(86_400)
    found = shop.repave("scan", code=1)["findings"]
    flaw = str(next(one for one in found if one["package"] == "libssl3")["cves"][0])
    assert shop.living(flaw) == dict.fromkeys(ENVIRONMENTS, 1) | {"prod": 2}
    return flaw


def r2_is_made_without_it(shop: Shop, text: str) -> None:
    """Eve lets repairs in and declares gates; the lock takes the repairs, and r2 is made of it."""
    shop.write("repave.yaml", text)
    shop.commit("Repairs are taken, and gates hold")
    moved = shop.repave("lock", "--security")["difference"]["packages_changed"]
    assert "libssl3" in {one["package"] for one in moved}
    assert shop.repave("bake")["release"] == "r2"


def r2_comes_to_acceptance_where_a_check_is_to_be_mended(shop: Shop) -> None:
    """Nothing is wrong with r2, but with its check; mended, that passes, and r2 goes on to preprod."""
    entered, held = shop.promote()
    assert entered == ["dev", "test", "acceptance"]
    failed = "checks/accept.sh failed on r2 in acceptance: exit code 1; at its end: this is acceptance"
    assert (held["environment"], held["rule"], held["detail"]) == ("preprod", "checks", failed)
    shop.write("checks/accept.sh", CHECK.replace("acceptence", "acceptance"))
    assert shop.promote()[0] == ["preprod"]


def r2_soaks_in_preprod(shop: Shop) -> None:
    """For half a day it is to run well there."""
    entered, held = shop.promote()
    assert (entered, held["environment"], held["rule"]) == ([], "prod", "soak")
    shop.wait_until(datetime.fromisoformat(held["until"]))


def people_agree(shop: Shop) -> None:
    """Two are to, of whom Eve is none: she wrote it."""
    shop.approve("r2", "eve")
    shop.approve("r2", "ana")
    entered, held = shop.promote()
    assert (entered, held["rule"], held["detail"]) == ([], "approvals", "1 of 2 people have agreed (ana)")
    shop.approve("r2", "bob")


def prod_opens_on_monday(shop: Shop, flaw: str) -> None:
    """All agree, on a Sunday: until nine in Prague prod runs what it ran."""
    entered, held = shop.promote()
    opens = datetime.fromisoformat(held["until"])
    assert (entered, held["rule"], f"{opens.astimezone(PRAGUE):%A %H:%M}") == ([], "window", "Monday 09:00")
    assert shop.living(flaw) == dict.fromkeys(ENVIRONMENTS, 0) | {"prod": 2}
    shop.wait_until(opens)
    assert shop.promote() == (["prod"], {})


def nothing_that_runs_has_it_any_more(shop: Shop, flaw: str) -> None:
    """That was seen: its clocks have stopped, each with all of its times in order."""
    assert shop.living(flaw) == dict.fromkeys(ENVIRONMENTS, 0)
    clocks = [one for one in shop.repave("status", "--exposures")["exposures"] if one["advisory"] == flaw]
    assert {one["environment"]: one["state"] for one in clocks} == dict.fromkeys(ENVIRONMENTS, "closed")
    for clock in clocks:
        times = [clock[name] for name in ("published_at", "fixable_at", "locked_at", "first_clean_at", "last_clean_at")]
        assert None not in times, clock
        assert times == sorted(times), clock


def it_is_reported(shop: Shop, flaw: str, folder: Path) -> None:
    """To machines and to people: every rule was held, and the flaw was gone everywhere before its deadline."""
    page, model = folder / "report.html", folder / "report.json"
    told = shop.repave("report", "--output", str(page), "--output", str(model))
    assert {rule["verdict"] for rule in told["rules"]} == {"held"}
    gone = {one["environment"]: (one["living"], one["declared"]) for one in told["flaws"] if one["advisory"] == flaw}
    assert gone == dict.fromkeys(ENVIRONMENTS, (0, "held"))
    assert json.loads(model.read_text(encoding="utf-8")) == told
    assert flaw in page.read_text(encoding="utf-8")


def an_auditor_checks_the_record(shop: Shop, folder: Path) -> None:
    """With it and the public key in a folder with nothing else; it holds, and with one bit changed it does not."""
    folder.mkdir()
    bundle = folder / "shop.record"
    shop.repave("record", "export", str(bundle))
    shutil.copy(shop.folder / "release.pub", folder)
    assert repave(folder, "verify", "shop.record", "--key", "release.pub")["verified"] is True
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    assert repave(folder, "verify", "shop.record", "--key", "release.pub", code=1)["verified"] is False
    assert {path.name for path in folder.iterdir()} == {"shop.record", "release.pub"}
