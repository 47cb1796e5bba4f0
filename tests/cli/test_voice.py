"""How the command line speaks: help, errors, hints, JSON, exit codes."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repave.cli.application import load
from repave.cli.screen import Screen, plain
from repave.cli.verbs import VERBS
from repave.model.amount import Amount
from repave.model.release import SecretReference

HELP = """Usage: repave [OPTIONS] COMMAND [ARGS]...

  Don't patch, redeploy: fleets that are replaced by new releases, never changed in place.

Options:
  --version             Show the version and exit.
  --install-completion  Install completion for the current shell.
  --show-completion     Show completion for the current shell, to copy it or customize the
                        installation.
  -h, --help            Show this message and exit.

Commands:
  init       Write a commented repave.yaml for the application in this folder.
  adopt      Read a server that was made by hand, and write a recipe that rebuilds it.
  schema     Print the JSON Schema of repave.yaml, for editors.
  lock       Pin every package and file of every image, exactly.
  bake       Make images from the lock, and a release of them.
  verify     Check every byte of what was baked, offline.
  keys       Show the key that signs, and those whose signatures count.
  sbom       List all that an artifact is made of: CycloneDX or SPDX.
  push       Carry artifacts to a registry, with what is signed of them.
  pull       Bring an artifact in from a registry, verified.
  export     Write a virtual machine's disk as a file: raw, qcow2, VHD, VMDK, tar.gz.
  plan       Show what deploying would replace, in which order, and which CVEs it closes.
  deploy     Roll a release out to an environment, and wait until it carries it.
  promote    Let releases into the next environments, as far as gates hold.
  approve    Agree, by your own key, that a release enters an environment.
  waive      Answer for a flaw until a day, by your own key.
  status     Show every fleet: release, health, endpoint.
  explain    Name the one rule that holds each thing that waits.
  diff       Compare environments, releases or the lock.
  logs       Show what an instance printed.
  rollback   Go back to the last release that was healthy here.
  patch      Find what is vulnerable, re-lock, bake, roll out, prove.
  watch      Keep everything fresh: learn, re-lock, bake, roll out, again and again.
  revoke     Say what must not be started any more, and retire it.
  scan       Name the locked packages that have known flaws.
  where      Find where a CVE, package, digest or release is, or was.
  simulate   Play a fleet's life in a simulated world, with faults.
  doctor     Try everything that repave needs on this machine.
  pause      Change nothing in an environment until it is resumed.
  resume     Undo `repave pause`.
  protect    Keep an instance from all that can wait, until a time.
  unprotect  Undo `repave protect`.
  replace    Have one instance replaced by another.
  heal       Let all that looks sick be replaced, past the healing limit.
  zone       Move fleets out of a zone, or let them use it again.
  record     Hand the record to an auditor, or its signing to another key.
  report     Write down for an auditor what ran, and which rules it kept.
  vault      Carry locked files elsewhere, bring them in, read them again.
  compare    Start a machine golden and bootstrapped: times, packages, a picture.
  mirror     Serve the locked files of a release to machines that install themselves.
  gc         Remove what no lock, release or instance needs.
  destroy    Drain and end every instance of an environment.

  Examples:
    repave init && repave lock && repave bake
    repave deploy test
    repave patch
    repave help deploy
"""

Repave = Callable[..., Any]

ENDED = """
import os, signal
from repave.cli import application
application.dispatch = lambda _: os.kill(os.getpid(), signal.SIGTERM)
application.main()
"""
"""A verb that is sent SIGTERM."""


def test_help_reads_as_it_should(repave: Repave) -> None:
    """The first thing a newcomer sees, word for word."""
    shown = repave("--help")
    assert shown.code == 0
    assert "\n".join(line.rstrip() for line in shown.out.splitlines()) + "\n" == HELP
    assert repave("--help").out == repave("-h").out


def test_help_may_be_asked_for_as_a_verb(repave: Repave) -> None:
    """Of everything, of one verb, and of one that is not there."""
    assert repave("help").out == repave("--help").out
    assert repave("help", "deploy").out == repave("deploy", "--help").out
    assert repave("help", "staus").err == repave("staus").err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(repave: Repave, verb: str) -> None:
    """Usage, one sentence, options with --json, an example that names the verb."""
    shown = repave(verb, "--help")
    assert shown.code == 0
    assert shown.out.startswith(f"Usage: repave {verb}")
    assert "--json" in shown.out
    assert "Examples:" in shown.out
    assert f"repave {verb}" in shown.out.partition("Examples:")[2]
    assert load(verb).__doc__


def test_the_reference_is_what_the_commands_say() -> None:
    """`docs/reference/commands.md` is made, never written."""
    page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "commands.md"
    made = subprocess.run([sys.executable, "-m", "repave.cli.reference"], capture_output=True, text=True, check=True)
    hint = "run: python -m repave.cli.reference > docs/reference/commands.md"
    assert page.read_text(encoding="utf-8") == made.stdout, hint


def test_the_version_is_told_without_a_verb(repave: Repave) -> None:
    """Asking for it needs nothing else."""
    said = repave("--version")
    assert said.code == 0
    assert said.out.startswith("repave ")


def test_without_a_project_the_way_to_one_is_named(
    repave: Repave, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused: 5."""
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "repave.yaml").unlink()
    monkeypatch.chdir(empty)
    ended = repave("status")
    assert ended.code == 5
    assert ended.err.startswith("error: there is no repave.yaml in ")
    assert "hint: `repave init` writes a starter file\n" in ended.err
    assert repave("status", "--file", "nowhere.yaml").code == 5
    (empty / "repave.yaml").mkdir()
    assert f"{empty / 'repave.yaml'} is no file\nhint: move it away" in repave("status").err


def test_the_project_is_found_from_a_folder_below(
    repave: Repave, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As git does it."""
    monkeypatch.chdir(folder / "app")
    assert repave("status").code == 0
    assert (folder / ".repave").is_dir()


def test_a_wrong_file_is_told_by_line_and_column(repave: Repave, folder: Path) -> None:
    """Every problem at once; 2."""
    text = (folder / "repave.yaml").read_text(encoding="utf-8")
    (folder / "repave.yaml").write_text(text.replace("size: 2", "siez: 2"), encoding="utf-8")
    ended = repave("plan", "test")
    assert ended.code == 2
    assert ended.err.startswith("error: repave.yaml:12:")
    assert "did you mean `size`?" in ended.err
    document = json.loads(repave("plan", "test", "--json").out)
    assert document["error"]["code"] == "file"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("bake",), "`repave lock`"),
        (("scan",), "`repave lock`"),
        (("patch",), "`repave lock`"),
        (("deploy", "test"), "`repave bake`"),
        (("deploy", "test", "--release", "r7"), "`repave bake`"),
        (("plan", "test"), "`repave bake`"),
        (("rollback", "test"), "`repave deploy test`"),
        (("diff", "test", "lock"), "`repave deploy test`"),
        (("diff", "lock", "r1"), "`repave lock`"),
        (("destroy", "test"), "--yes"),
        (("explain", "test"), "`repave status`"),
    ],
)
def test_what_cannot_be_done_yet_says_what_to_do_first(repave: Repave, arguments: tuple[str, ...], hint: str) -> None:
    """Refused with 5, the hint on a line of its own, nothing on standard output."""
    ended = repave(*arguments)
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.startswith("error: ")
    hints = [line for line in ended.err.splitlines() if line.startswith("hint: ")]
    assert len(hints) == 1
    assert hint in hints[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("explain",),
        ("schema",),
        ("lock", "--check"),
        ("where", "openssl"),
        ("where", "CVE-2026-1234"),
        ("bake",),
        ("deploy", "nowhere"),
        ("nonsense",),
        ("status", "--nonsense"),
    ],
)
def test_json_is_one_document_and_nothing_else(repave: Repave, arguments: tuple[str, ...]) -> None:
    """Failures too, and no talk beside it."""
    ended = repave(*arguments, "--json")
    answer = json.loads(ended.out)
    assert ended.err == ""
    assert ("error" in answer) == (ended.code not in {0, 1})
    if "error" in answer:
        assert set(answer["error"]) == {"code", "message", "hint"}


def test_a_drifted_lock_ends_with_one(repave: Repave) -> None:
    """`repave lock --check` is for CI: what differs is data."""
    ended = repave("lock", "--check")
    assert (ended.code, ended.out) == (1, "there is no repave.lock\n")


def test_init_writes_a_file_and_never_overwrites(repave: Repave, folder: Path) -> None:
    """The second time it is refused."""
    (folder / "repave.yaml").unlink()
    assert repave("init").code == 0
    assert repave("init").code == 5
    assert repave("status").code == 0


def test_a_defect_is_a_sentence_and_its_trace_a_file(
    repave: Repave, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No traceback is thrown at a person."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def defective(_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("repave.cli.commands.status.opened", defective)
    ended = repave("status")
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert ended.err.startswith("error: ZeroDivisionError: by zero\nhint: this is a defect")
    traces = list(tmp_path.glob("repave-*.trace"))
    assert len(traces) == 1
    assert "Traceback" in traces[0].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("number", "code", "hint"),
    [
        (errno.EROFS, "denied", "let this user read and write there"),
        (errno.EACCES, "denied", "let this user read and write there"),
        (errno.ENOSPC, "no-capacity", "free some room"),
    ],
)
def test_what_the_machine_refuses_is_no_defect(
    repave: Repave, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int, code: str, hint: str
) -> None:
    """The place and the reason are named, and what to do; no trace is left."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def refused(_: object) -> None:
        raise OSError(number, os.strerror(number), "/srv/.repave/vault/writers.lock")

    monkeypatch.setattr("repave.cli.commands.status.opened", refused)
    ended = repave("status", "--json")
    told = json.loads(ended.out)["error"]
    assert (ended.code, told["code"]) == (1, code)
    assert told["message"] == f"/srv/.repave/vault/writers.lock: {os.strerror(number).lower()}"
    assert told["hint"].startswith(hint)
    assert list(tmp_path.glob("repave-*.trace")) == []


def test_values_become_plain_json() -> None:
    """Secrets by reference, amounts as the file writes them."""
    reference = SecretReference(scheme="env", locator="TOKEN")
    assert plain({"a": Amount(value=25, percent=True), "b": reference, "c": (1, None)}) == {
        "a": "25%",
        "b": {"secret": "env:TOKEN"},
        "c": [1, None],
    }


def test_tables_are_aligned_and_cut_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """They can be read, searched and piped."""
    Screen().table(("A", "LONG HEADING"), [("a value", "b"), ("c", "d")])
    assert capsys.readouterr().out == "A        LONG HEADING\na value  b\nc        d\n"


def test_the_installed_command_loads_only_what_it_needs(folder: Path) -> None:
    """Help must not pay for databases, nor status for the file's grammar or typer, which plain arguments need not."""
    repave = Path(sys.executable).with_name("repave")

    def imported(verb: str) -> set[str]:
        command = [sys.executable, "-X", "importtime", str(repave), verb]
        told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stderr
        return {line.rpartition("|")[2].strip() for line in told.splitlines()}

    assert not imported("--help") & {"sqlalchemy", "ruamel.yaml", "rich.console", "httpx", "repave.wiring"}
    imported("status")  # the first one makes the database
    status = imported("status")
    assert "repave.store.sql" in status
    assert not status & {"typer", "ruamel.yaml", "repave.config.grammar", "rich.console", "alembic", "httpx"}


def test_completion_knows_the_verbs(folder: Path) -> None:
    """What a shell asks for when a person presses tab."""
    repave = Path(sys.executable).with_name("repave")
    environment = {
        **os.environ,
        "_REPAVE_COMPLETE": "complete_bash",
        "COMP_WORDS": "repave st",
        "COMP_CWORD": "1",
    }
    done = subprocess.run([repave], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["status"]
    environment |= {"COMP_WORDS": "repave deploy --wa", "COMP_CWORD": "2"}
    done = subprocess.run([repave], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["--watch"]


def test_who_is_ended_from_outside_says_so() -> None:
    """By SIGTERM, as by Ctrl-C."""
    ended = subprocess.run([sys.executable, "-c", ENDED], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, "error: interrupted\n")
