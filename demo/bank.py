"""``scripts/demo --bank``: one release through six environments, then its repairs, then the evidence of both."""

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from demo.example import Example
from repave.config.project import load_project

FOLDER = ".demo-bank"
"""Where it works unless told otherwise."""

WAITING = 7
"""The exit code of a pass after which a release waits before an environment."""

LOOK_SECONDS = 1.0
"""Between two passes: soaks end meanwhile."""

MOST_PASSES = 30
"""Whoever waits longer than that waits for something else than a soak."""


class Bank(Example):
    """A copy of ``examples/bank``, with keys that are made on the spot and a record that begins anew."""

    def __init__(self, *, example: Path, folder: Path, cold: bool) -> None:
        project = load_project(example)
        super().__init__(example=example, folder=folder, environments=project.pipeline, cold=cold)
        for store in (folder / ".repave").glob("store.db*"):
            store.unlink()
        # Slots are used once in a fleet's life, and the fleets are new.
        shutil.rmtree(folder / ".repave" / "local" / "fleets", ignore_errors=True)
        self.keys = folder / "keys"
        shutil.rmtree(self.keys, ignore_errors=True)
        self.keys.mkdir(mode=0o700)
        signing = Ed25519PrivateKey.generate()
        (self.keys / "release.key").write_bytes(
            signing.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        self.public_key = signing.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.people = tuple(str(person.name) for person in project.people)
        for person in project.people:
            key = self.keys / person.name
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], check=True)
            self.replace("repave.yaml", person.keys[0], key.with_suffix(".pub").read_text(encoding="utf-8").strip())
        self.freeze()


class Travel:
    """What happens, in order; ``acts`` says how long each part took, and ``told`` what came of it."""

    def __init__(self, bank: Bank, tell: Callable[[str], None]) -> None:
        self.bank = bank
        self.tell = tell
        self.acts: list[dict[str, Any]] = []

    def perform(self) -> dict[str, Any]:
        """From the first lock to an auditor's folder; answers the figures. Raises RuntimeError where it stops."""
        self._act("Locked from the frozen suite", self.lock)
        self._act("Baked and signed", self.bake)
        self._act("Through five environments", lambda: self.until_people_are_asked("promote"))
        self._act("Two people agree: into prod", lambda: self.agree("promote"))
        self._act("The security suite is let in", self.let_repairs_in)
        self._act("repave watch --once, until prod", lambda: self.until_people_are_asked("watch", "--once"))
        self._act("Two people agree: prod is clean", lambda: self.agree("watch", "--once"))
        self._act("The report, and the record", self.hand_over)
        return {"acts": self.acts, "report": str(self.report)}

    @property
    def report(self) -> Path:
        """The page for an auditor."""
        return self.bank.folder.parent / "report.html"

    def lock(self) -> str:
        """As found."""
        self.bank.run("lock")
        found = self.bank.run("scan", "--exit-zero")
        return f"{len(found['findings'])} packages with {len(found['cves'])} known CVEs"

    def bake(self) -> str:
        """With the key that was made on the spot."""
        return f"{self.bank.run('bake')['release']}, one image for all six environments"

    def until_people_are_asked(self, *command: str) -> str:
        """Pass after pass, until the release waits for people before the last environment."""
        last = self.bank.environments[-1]
        for _ in range(MOST_PASSES):
            answer = self.bank.run(*command, expect=WAITING if command[0] == "watch" else 0)
            for entered in answer.get("promoted") or answer.get("deployments") or ():
                self.tell(f"    {entered['environment']} carries {entered['release']}")
            held = {one["environment"]: one for one in answer["held"]}
            if last in held and held[last]["rule"] == "approvals":
                return f"{last} waits: {held[last]['detail']}"
            time.sleep(LOOK_SECONDS)
        raise RuntimeError(f"{last} waits for something else than people: {self.bank.run('explain')}")

    def agree(self, *command: str) -> str:
        """Each person by their own key; then the last environment takes it."""
        last = self.bank.environments[-1]
        newest = self.bank.run("promote", "--dry-run")["held"][0]["release"]
        for person in self.bank.people:
            key = self.bank.keys / person
            self.bank.run("approve", f"r{newest}", last, "--key", str(key), "--reason", "tried in preprod")
        self.bank.run(*command)
        return f"{' and '.join(self.bank.people)} signed; {last} carries r{newest}"

    def let_repairs_in(self) -> str:
        """One line of the file, and the lock agrees with it again: pins stay where they are."""
        self.bank.admit_repairs()
        self.bank.run("lock")
        return "one line of repave.yaml; nothing has moved yet"

    def hand_over(self) -> str:
        """What an auditor is given, and what they find in a folder that holds nothing else."""
        self.bank.run("report", "--output", str(self.report))
        auditor = self.bank.folder.parent / "auditor"
        shutil.rmtree(auditor, ignore_errors=True)
        auditor.mkdir()
        self.bank.run("record", "export", str(auditor / "bank.record"))
        (auditor / "release.pub").write_bytes(self.bank.public_key)
        found = self.bank.run("verify", "bank.record", "--key", "release.pub", folder=auditor)
        return f"every rule held; {len(found['record']['ran'])} instances on a record that verifies by its key alone"

    def _act(self, title: str, perform: Callable[[], str]) -> None:
        self.tell(title)
        began = time.monotonic()
        told = perform()
        self.acts.append({"title": title, "seconds": round(time.monotonic() - began, 1), "told": told})
        self.tell(f"  {told}")


def in_words(figures: dict[str, Any]) -> str:
    """The end of the story, for a terminal."""
    acts = [f"{act['title']:34} {act['seconds']:8.1f}  {act['told']}" for act in figures["acts"]]
    heading = f"{'what happened':34} {'seconds':>8}"
    return "\n".join(["", heading, *acts, "", f"{figures['seconds']} s in all", f"report: {figures['report']}"])
