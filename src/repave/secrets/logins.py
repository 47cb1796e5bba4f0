"""Who we are to servers: as the file declares, else as docker's own configuration says."""

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from repave.model.origins import Origins
from repave.ports.commands import Commands
from repave.ports.errors import Denied, Invalid
from repave.ports.logins import Login, Logins
from repave.ports.secrets import Secrets

HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")
"""By which docker's configuration knows what images call ``docker.io``."""

HUB = "docker.io"
TOKEN_USER = "<token>"  # noqa: S105 - docker's own mark for a login whose password is a refresh token
HELPER = re.compile(r"[A-Za-z0-9._-]+")
NOT_FOUND = "credentials not found"
"""What docker's helpers say of a server they do not know."""


class DeclaredLogins:
    """The logins port over ``origins`` of the file; secrets are resolved at each request, and kept nowhere."""

    def __init__(self, origins: Origins, *, secrets: Secrets) -> None:
        self._origins = origins
        self._secrets = secrets

    def login(self, address: str) -> Login | None:
        """The declared login; see the port."""
        declared = self._origins.credentials(address)
        if declared is None:
            return None
        return Login(username=declared.username, password=self._secrets.resolve(declared.password))


class DockerLogins:
    """The logins port over what ``docker login`` has kept, for registries."""

    def __init__(self, configuration: Path, *, commands: Commands) -> None:
        """``configuration`` is docker's ``config.json``; there need not be one."""
        self._configuration = configuration
        self._commands = commands

    def login(self, address: str) -> Login | None:
        """Docker's login for the registry's host; see the port."""
        parts = urlsplit(address)
        if parts.scheme != "oci":
            return None
        settings = self._settings()
        keys = HUB_KEYS if parts.netloc == HUB else (parts.netloc, f"https://{parts.netloc}", f"http://{parts.netloc}")
        helpers, kept = _table(settings, "credHelpers"), _table(settings, "auths")
        for key in keys:
            helper = helpers.get(key)
            if isinstance(helper, str):
                return self._helped(helper, key)
            entry = kept.get(key)
            if isinstance(entry, dict) and (found := _kept(entry, self._configuration)):
                return found
            if isinstance(entry, dict) and isinstance(settings.get("credsStore"), str):
                return self._helped(settings["credsStore"], key)
        return None

    def _settings(self) -> Mapping[str, Any]:
        try:
            found = json.loads(self._configuration.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Denied(
                f"docker's logins in {self._configuration} cannot be read ({error.strerror})",
                hint="let the user who runs this command read the file, or declare `credentials` under `origins`",
            ) from error
        except ValueError:
            # Not chained: the parser's error carries the text, which holds secrets.
            raise self._broken() from None
        if not isinstance(found, dict):
            raise self._broken()
        return found

    def _broken(self) -> Invalid:
        return Invalid(
            f"docker's logins in {self._configuration} cannot be read: it is no JSON object",
            hint="`docker login` writes it; or declare `credentials` under `origins`",
        )

    def _helped(self, helper: str, key: str) -> Login | None:
        """Ask one of docker's credential helpers: the server on its input, a JSON object as answer."""
        if not HELPER.fullmatch(helper):
            raise Invalid(f"{self._configuration} names {helper!r} as credential helper, which is no name of one")
        program = f"docker-credential-{helper}"
        done = self._commands.run((program, "get"), stdin=key.encode(), check=False)
        if done.exit_code != 0:
            said = done.stdout.decode(errors="replace").strip()
            if NOT_FOUND in said:
                return None
            raise Denied(
                f"{program} gives no login for {key} (it ended with {done.exit_code})", hint="try `docker login`"
            )
        try:
            answer = json.loads(done.stdout)
            return Login(username=answer["Username"], password=answer["Secret"])
        except (ValueError, KeyError, TypeError):
            raise Invalid(f"{program} answers something that is no login") from None


class FirstLogin:
    """The logins port over several: the first that knows the address."""

    def __init__(self, *logins: Logins) -> None:
        self._logins = logins

    def login(self, address: str) -> Login | None:
        """The first there is; see the port."""
        return next((found for logins in self._logins if (found := logins.login(address))), None)


def _table(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = settings.get(name)
    return found if isinstance(found, dict) else {}


def _kept(entry: Mapping[str, Any], place: Path) -> Login | None:
    token = entry.get("identitytoken")
    if isinstance(token, str) and token:
        return Login(username=TOKEN_USER, password=token)
    coded = entry.get("auth")
    if not isinstance(coded, str) or not coded:
        return None
    try:
        username, colon, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except ValueError:  # no ASCII, no base64, or no UTF-8
        colon = username = password = ""
    if not colon:
        # The text is left out of the message: it is the secret.
        raise Invalid(f"{place} holds a login that cannot be read", hint="`docker login` writes it anew")
    return Login(username=username, password=password.rstrip("\0"))
