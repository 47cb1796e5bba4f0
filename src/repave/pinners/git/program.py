"""The system's git, run with nothing of this machine's configuration; what its words mean."""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from repave.ports.commands import Commands, Finished
from repave.ports.errors import CommandFailed, Denied, Gone, Invalid, NoCapacity, Unreachable, WorldError
from repave.ports.logins import Logins

TIMEOUT_SECONDS = 1800.0
"""A large history over a slow line; this ends only what hangs."""

LARGEST_BYTES = 4 << 30
"""Of any file that git writes: no repository fills the disk."""

SCHEMES = frozenset({"https", "ssh", "file"})
"""What moves bytes only: no address that names a program (git-remote-ext(1)), none that nothing protects."""

SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.attributesFile": "/dev/null",
    "core.excludesFile": "/dev/null",
    "core.fsmonitor": "false",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "http.followRedirects": "initial",
    "init.defaultBranch": "none",
    "maintenance.auto": "false",
    "tar.umask": "0022",
    "transfer.bundleURI": "false",
}
"""No hook and no helper of anybody's runs, and an archive's rights are the same under every umask."""

SSH = "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oPermitLocalCommand=no -oForwardAgent=no"
"""Asks nothing, and speaks to no host whose key is not known."""

TROUBLES: tuple[tuple[str, type[WorldError], str], ...] = (
    (
        r"Host key verification failed",
        Denied,
        "add the host's key to known_hosts, from a source you trust",
    ),
    (
        r"Permission denied|Authentication failed|prompts disabled|could not read (Username|Password)|error: (401|403)",
        Denied,
        "check the login for this address; over ssh, the key of the user who locks",
    ),
    (r"detected dubious ownership", Denied, "lock as the user whose the repository is"),
    (r"File size limit exceeded|File too large|SIGXFSZ", Invalid, "name a smaller repository, or a folder of it"),
    (r"No space left on device", NoCapacity, "free some room"),
    (
        r"not found|does not appear to be a git repository|does not exist|requested URL returned error: 404",
        Gone,
        "check the address of the repository",
    ),
    (
        r"Could not resolve|onnect to|Connection (refused|reset|closed)|timed out|No route|to access|hung up|early EOF",
        Unreachable,
        "check the network and the proxy variables, then lock again",
    ),
)
"""By what git and ssh say on standard error, in this order."""


@dataclass(frozen=True, kw_only=True)
class Git:
    """Runs git for one repository."""

    commands: Commands
    environment: Mapping[str, str]
    """Of the process; of it only where an ssh agent and certificates are is passed on."""

    logins: Logins

    def run(self, arguments: Sequence[str], *, url: str, cwd: Path, timeout_seconds: float = TIMEOUT_SECONDS) -> bytes:
        """Run one subcommand; ``url`` is the repository that it may speak to. Raises what the answer means."""
        if urlsplit(url).scheme not in SCHEMES:
            raise Invalid(f"{url} is no address of a repository", hint=f"it begins with {', '.join(sorted(SCHEMES))}")
        finished = self.commands.run(
            ("prlimit", f"--fsize={LARGEST_BYTES}", "git", *arguments),
            cwd=cwd,
            environment=self._environment(url, cwd),
            timeout_seconds=timeout_seconds,
            check=False,
        )
        if finished.exit_code != 0:
            raise meant(arguments, finished, url)
        return finished.stdout

    def _environment(self, url: str, home: Path) -> dict[str, str]:
        passed = {"SSH_AUTH_SOCK": "SSH_AUTH_SOCK", "SSL_CERT_FILE": "GIT_SSL_CAINFO", "SSL_CERT_DIR": "GIT_SSL_CAPATH"}
        settings = SETTINGS | self._login(url)
        return {
            "HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ALLOW_PROTOCOL": urlsplit(url).scheme,
            "GIT_ASKPASS": "",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_SSH_COMMAND": SSH,
            "GIT_TERMINAL_PROMPT": "0",
            "SSH_ASKPASS_REQUIRE": "never",
            **{name: self.environment[given] for given, name in passed.items() if given in self.environment},
            "GIT_CONFIG_COUNT": str(len(settings)),
            **{f"GIT_CONFIG_KEY_{place}": key for place, key in enumerate(settings)},
            **{f"GIT_CONFIG_VALUE_{place}": value for place, value in enumerate(settings.values())},
        }

    def _login(self, url: str) -> dict[str, str]:
        """The login for an https address as a header, which no process list shows and no redirect takes along."""
        login = self.logins.login(url) if url.startswith("https://") else None
        if login is None:
            return {}
        basic = b64encode(f"{login.username}:{login.password}".encode()).decode()
        return {f"http.{url}.extraHeader": f"Authorization: Basic {basic}", "http.followRedirects": "false"}


def meant(arguments: Sequence[str], finished: Finished, url: str) -> WorldError:
    """What git's refusal is, by its own words."""
    said = " ".join(
        line.strip().removeprefix("fatal: ").removeprefix("error: ")
        for line in finished.stderr.splitlines()
        if line.strip() and not line.startswith("warning:")
    )
    for pattern, error, hint in TROUBLES:
        if re.search(pattern, said, re.IGNORECASE):
            return error(f"the repository {url} cannot be read: {said}", hint=hint)
    return CommandFailed(("git", *arguments), exit_code=finished.exit_code, stderr=finished.stderr)
