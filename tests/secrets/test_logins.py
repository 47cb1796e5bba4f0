"""Who we are to a server: as the file declares, else as docker has kept; never told to anybody else."""

import base64
import json
from pathlib import Path

import pytest

from repave.jobs.commands import LocalCommands
from repave.model.origins import Credentials, Origin, Origins
from repave.model.release import SecretReference
from repave.ports.errors import Denied, Gone, Invalid, WorldError
from repave.ports.logins import Login
from repave.secrets.logins import DeclaredLogins, DockerLogins, FirstLogin
from repave.secrets.references import ReferenceSecrets

SECRET = "hunter2:x"  # noqa: S105 - it opens nothing
REGISTRY = "oci://registry.example:5000/team/shop"


def docker(folder: Path, settings: object) -> DockerLogins:
    """Over a configuration with these settings."""
    path = folder / "config.json"
    path.write_text(settings if isinstance(settings, str) else json.dumps(settings), encoding="utf-8")
    return DockerLogins(path, commands=LocalCommands())


def coded(username: str, password: str) -> str:
    """As ``docker login`` writes it."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def helper(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int = 0) -> None:
    """Have a credential helper on the path; it writes down what it was asked."""
    program = folder / "docker-credential-tests"
    program.write_text(f"#!/bin/sh\ncat >{folder}/asked\necho '{answer}'\nexit {code}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_a_declared_login_is_resolved_when_it_is_asked_for(tmp_path: Path) -> None:
    """And a secret that is not there is told by its name."""
    declared = Origins(
        declared=(
            Origin(
                address="https://nexus.example",
                credentials=Credentials(username="me", password=SecretReference(scheme="env", locator="TOKEN")),
            ),
        )
    )
    known = DeclaredLogins(declared, secrets=ReferenceSecrets(folder=tmp_path, environment={"TOKEN": SECRET}))
    assert known.login("https://nexus.example/simple") == Login(username="me", password=SECRET)
    assert known.login("https://elsewhere.example") is None
    with pytest.raises(Gone, match="env:TOKEN"):
        DeclaredLogins(declared, secrets=ReferenceSecrets(folder=tmp_path, environment={})).login(
            "https://nexus.example"
        )


def test_what_docker_login_kept_is_used_for_registries_only(tmp_path: Path) -> None:
    """By host and port; the user name ends at the first colon."""
    logins = docker(tmp_path, {"auths": {"registry.example:5000": {"auth": coded("me", SECRET)}}})
    assert logins.login(REGISTRY) == Login(username="me", password=SECRET)
    assert logins.login("https://registry.example:5000/team") is None
    assert logins.login("oci://registry.example/team") is None


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io"])
def test_dockers_own_hub_has_several_names(tmp_path: Path, key: str) -> None:
    """All of them mean docker.io."""
    logins = docker(tmp_path, {"auths": {key: {"auth": coded("me", "x")}}})
    assert logins.login("oci://docker.io/library/debian") == Login(username="me", password="x")  # noqa: S106 - for tests


def test_a_refresh_token_goes_under_its_mark(tmp_path: Path) -> None:
    """Registries exchange it for a token."""
    logins = docker(tmp_path, {"auths": {"registry.example:5000": {"identitytoken": "abc"}}})
    assert logins.login(REGISTRY) == Login(username="<token>", password="abc")  # noqa: S106 - docker's mark


@pytest.mark.parametrize(
    "settings",
    [
        {"credHelpers": {"registry.example:5000": "tests"}},
        {"credsStore": "tests", "auths": {"registry.example:5000": {}}},
    ],
)
def test_a_credential_helper_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object]
) -> None:
    """By its protocol: the server on its input."""
    helper(tmp_path, monkeypatch, json.dumps({"ServerURL": "x", "Username": "me", "Secret": SECRET}))
    assert docker(tmp_path, settings).login(REGISTRY) == Login(username="me", password=SECRET)
    assert (tmp_path / "asked").read_text() == "registry.example:5000"


def test_a_helper_that_knows_nothing_makes_us_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that fails otherwise is told."""
    logins = docker(tmp_path, {"credHelpers": {"registry.example:5000": "tests"}})
    helper(tmp_path, monkeypatch, "credentials not found in native keychain", 1)
    assert logins.login(REGISTRY) is None
    helper(tmp_path, monkeypatch, "the vault is locked", 1)
    with pytest.raises(Denied, match="docker-credential-tests"):
        logins.login(REGISTRY)


@pytest.mark.parametrize(
    "settings",
    [
        f"not json {SECRET}",
        json.dumps([SECRET]),
        {"auths": {"registry.example:5000": {"auth": "hunter2 is no base64"}}},
        {"auths": {"registry.example:5000": {"auth": "hunter2\u00e9\u20ac"}}},
        {"auths": {"registry.example:5000": {"auth": base64.b64encode(b"hunter2").decode()}}},
        {"credHelpers": {"registry.example:5000": "../../evil"}},
    ],
)
def test_a_broken_configuration_is_told_without_what_is_in_it(tmp_path: Path, settings: object) -> None:
    """Its text holds secrets."""
    with pytest.raises(Invalid) as refused:
        docker(tmp_path, settings).login(REGISTRY)
    assert "hunter2" not in str(refused.value)
    assert _causes(refused.value) == []


def test_without_a_configuration_we_are_nobody(tmp_path: Path) -> None:
    """Most machines have none."""
    nobody = DockerLogins(tmp_path / "none.json", commands=LocalCommands())
    assert FirstLogin(nobody, nobody).login(REGISTRY) is None


def test_what_is_declared_comes_before_what_docker_kept(tmp_path: Path) -> None:
    """The first that knows the address."""
    first = docker(tmp_path, {"auths": {"registry.example:5000": {"auth": coded("first", "1")}}})
    elsewhere = tmp_path / "second"
    elsewhere.mkdir()
    second = docker(elsewhere, {"auths": {"registry.example:5000": {"auth": coded("second", "2")}}})
    found = FirstLogin(first, second).login(REGISTRY)
    assert found is not None
    assert found.username == "first"


def _causes(error: WorldError) -> list[str]:
    """What a traceback would show beside the error itself."""
    return [str(error.__cause__)] if error.__cause__ is not None else []
