"""Signed by a bake, pushed, pulled and verified by the verbs themselves: a small project, without the network."""

from pathlib import Path

import pytest
from cosign_program import PASSPHRASE, pair
from oci_registry import open_registry
from tiny_project import VAULT, laid_out, repave

SIGNING = '\nsigning: {key: "file:release.key", passphrase: "env:SIGNING_PASSPHRASE", verify: [release.pub]}\n'


@pytest.mark.real
def test_what_is_signed_is_verified_here_and_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the names that a release, and another place, give it."""
    monkeypatch.setenv("SIGNING_PASSPHRASE", PASSPHRASE)
    key = pair("release.pub")
    project = laid_out(tmp_path / "project")
    (project / "release.key").write_text(key.pem(passphrase=PASSPHRASE), encoding="ascii")
    (project / "release.pub").write_text(key.trusted.pem, encoding="ascii")
    with (project / "repave.yaml").open("a", encoding="utf-8") as file:
        file.write(SIGNING)
    repave(project, "vault", "import", str(VAULT))
    assert {one["image"] for one in repave(project, "bake")["signed"]} == {"web", "pages"}
    with open_registry(tmp_path / "remote") as host:
        pushed = {one["digest"]: one for one in repave(project, "push", "r1", f"{host}/tiny")["pushed"]}
        (web,) = repave(project, "verify", "web", "--deep")["artifacts"]
        carried = pushed[web["digest"]]
        assert (carried["reference"], carried["signed"], carried["documents"]) == (
            f"{host}/tiny/web:r1@{web['digest']}",
            True,
            2,
        )
        assert repave(project, "pull", f"{host}/tiny/web:r1", "--as", "back:r1")["digest"] == web["digest"]
    (back,) = repave(project, "verify", "back:r1", "--key", str(project / "release.pub"))["artifacts"]
    assert (back["problem"], back["signed_by"], back["documents"]) == ("", web["signed_by"], web["documents"])
    assert web["signed_by"] == ["release.pub"]
    assert len(web["documents"]) == 2
