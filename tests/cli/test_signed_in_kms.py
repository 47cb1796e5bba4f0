"""Signed by a key in a cloud, verified by its public half alone: by repave, by cosign, and by who has no network."""

import os
import subprocess
from pathlib import Path

import pytest
from aws_kms import aws_kms
from cosign_program import cosign_program, pair
from oci_registry import open_registry
from tiny_project import VAULT, WITHOUT_NETWORK, laid_out, repave

from repave.cli.application import run
from repave.cli.codes import FAILED, OK, REFUSED

SIGNING = '\nsigning: {key: "awskms:///alias/release", verify: [release.pub]}\n'


def signing_project(folder: Path) -> Path:
    """Its key is in KMS, and not yet pinned."""
    project = laid_out(folder)
    with (project / "repave.yaml").open("a", encoding="utf-8") as file:
        file.write(SIGNING)
    return project


@pytest.mark.real
@pytest.mark.network
def test_what_kms_signed_is_verified_without_kms(tmp_path: Path) -> None:
    """The public key is printed once and pinned; the cloud is asked for signatures, and for nothing else."""
    project = signing_project(tmp_path / "project")
    repave(project, "vault", "import", str(VAULT))
    with aws_kms() as kms:
        kms.make("release")
        pem = repave(project, "keys", "--public")["pem"]
        (project / "release.pub").write_text(pem, encoding="ascii")
        kms.asked.clear()
        assert {one["image"] for one in repave(project, "bake")["signed"]} == {"web", "pages"}
        signed = [asked for asked in kms.asked if asked["target"].endswith(".Sign")]
        assert len(signed) == 2 * 3
    verified = repave(project, "verify", "r1", behind=WITHOUT_NETWORK)
    assert [one["signed_by"] for one in verified["artifacts"]] == [["release.pub"], ["release.pub"]]
    with open_registry(tmp_path / "remote") as host:
        repave(project, "push", "r1", f"{host}/tiny")
        cosign = (
            cosign_program(),
            "verify",
            "--key",
            "release.pub",
            "--insecure-ignore-tlog=true",
            f"{host}/tiny/web:r1",
        )
        environment = {**os.environ, "HOME": str(tmp_path)}
        done = subprocess.run(cosign, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.real
def test_keys_are_shown_by_their_fingerprints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And a key whose signatures would not count here is told, with what to do."""
    project = signing_project(tmp_path / "project")
    monkeypatch.chdir(project)
    other = pair("release.pub").trusted
    (project / "release.pub").write_text(other.pem, encoding="ascii")
    with aws_kms() as kms:
        kms.make("release")
        assert run(["keys"]) == FAILED
        told = capsys.readouterr()
        assert f"counts  {other.fingerprint}  release.pub" in told.out
        assert "signs   sha256:" in told.out
        assert "none of those that count" in told.err
        assert run(["keys", "--public"]) == OK
        (project / "release.pub").write_text(capsys.readouterr().out, encoding="ascii")
        assert run(["keys"]) == OK
        signs, counts = (line.split()[1] for line in capsys.readouterr().out.splitlines())
        assert signs == counts


def test_a_project_without_keys_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And has no public key to print."""
    monkeypatch.chdir(laid_out(tmp_path / "project"))
    assert run(["keys"]) == OK
    assert "names no keys" in capsys.readouterr().err
    assert run(["keys", "--public"]) == REFUSED
    assert "name one under `signing.key`" in capsys.readouterr().err
