"""Where a package of a package-lock is: an archive of a registry or of the project, a commit, a folder of the project.

Source: package-lock.json(5) ("resolved", "link") and package.json(5) ("Git URLs as Dependencies", "Local Paths").
"""

import base64
import posixpath
import re
from collections.abc import Iterator
from urllib.parse import SplitResult, unquote, urlsplit

from repave.model.lock import NPM_MANIFEST, PROJECT
from repave.model.recipe import Image, NodeApplication
from repave.pinners.npm.packagelock import Entry
from repave.ports.errors import Invalid

COMMIT = re.compile(r"git\+(?P<url>(?:https|ssh|file)://[^#\s]+)#(?P<commit>[0-9a-f]{40})")
HOSTED = re.compile(r"ssh://git@(?P<place>(?:github\.com|gitlab\.com|bitbucket\.org)/)")
"""Who give what is public over https to everybody; npm asks them there, whatever the package-lock says."""

STRONG = {"sha512": 64, "sha384": 48, "sha256": 32}
"""Bytes of each digest, the strongest first (Subresource Integrity, W3C); sha1 can be forged."""


def origin_of(entry: Entry, application: NodeApplication, image: Image) -> str:
    """Where it is had: an address, ``git+...@COMMIT`` or ``project:PATH``. Raises Invalid where it cannot be pinned."""
    title = f"{entry.path} of {application.lock}"
    if entry.link:
        return f"{PROJECT}{_own_folder(entry, application, image, title)}"
    commit = COMMIT.fullmatch(entry.resolved)
    if commit is not None:
        url = HOSTED.sub(r"https://\g<place>", commit["url"])
        return f"git+{url}@{commit['commit']}"
    _check(entry, title)
    if entry.resolved.startswith("file:"):
        return f"{PROJECT}{_within(unquote(entry.resolved.removeprefix('file:')), application, title)}"
    return entry.resolved


def strongest(integrity: str, what: str) -> tuple[str, str]:
    """The strongest digest of an integrity, by ``hashlib``'s name and in hex digits. Raises Invalid."""
    given = dict(part.partition("?")[0].split("-", 1) for part in integrity.split() if "-" in part)
    for algorithm, size in STRONG.items():
        try:
            digest = base64.b64decode(given.get(algorithm, ""), validate=True)
        except ValueError:  # no ASCII, or no base64
            continue
        if len(digest) == size:
            return algorithm, digest.hex()
    raise Invalid(
        f"the integrity of {what} holds no digest that counts: {integrity[:100]}",
        hint=f"{', '.join(STRONG)} do: remove the entry and run `npm install --package-lock-only`",
    )


def _check(entry: Entry, title: str) -> None:
    """Refuse what no hash vouches for, and what cannot be fetched."""
    address = _split(entry.resolved)
    if entry.resolved.startswith("git"):
        raise Invalid(
            f"{title} names no commit that can be fetched ({address.scheme}://{address.hostname or ''})",
            hint="git+https://HOST/REPOSITORY.git#COMMIT does, and git+ssh: all 40 digits of it",
        )
    if entry.resolved.startswith("file:") and not entry.integrity:
        raise Invalid(
            f"{title} is a folder that npm packs anew at each installation, so nothing vouches for it",
            hint="`npm install --install-links=false` links to the folder instead",
        )
    if not (entry.version and entry.integrity):
        missing = "integrity" if entry.version else "version"
        raise Invalid(
            f"{title} has no `{missing}`, so it cannot be locked"
            + (f" (it comes from {entry.resolved})" if missing == "integrity" else ""),
            hint="publish it to a registry, name a commit of it, or keep its archive in the project (`file:`)",
        )
    if address.scheme not in {"http", "https", "file"} or "@" in address.netloc:
        raise Invalid(
            f"{title} comes from {address.scheme}://{address.hostname or ''}, which cannot be fetched here",
            hint="only http and https addresses without credentials are",
        )


def _split(address: str) -> SplitResult:
    """Its parts; none where it cannot be read."""
    try:
        return urlsplit(address)
    except ValueError:  # a bracket without the other
        return urlsplit("")


def _own_folder(entry: Entry, application: NodeApplication, image: Image, title: str) -> str:
    """The ``package.json`` of a folder that the image has among the application's files, where a link can find it."""
    manifest = _within(f"{entry.link}/{NPM_MANIFEST}", application, title)
    wanted = posixpath.join(application.into, entry.link, NPM_MANIFEST)
    if wanted not in _targets(manifest, image):
        folder = posixpath.dirname(manifest)
        raise Invalid(
            f"{title} links to {folder}, which `files` of image {image.name} does not put at "
            f"{posixpath.dirname(wanted)}",
            hint=f"map it there, or the whole folder of the package-lock to {application.into.rstrip('/')}/",
        )
    return manifest


def _within(path: str, application: NodeApplication, title: str) -> str:
    """A path beside the package-lock, from the project's folder."""
    found = posixpath.normpath(posixpath.join(posixpath.dirname(application.lock), path))
    if found.startswith(("../", "/")):
        raise Invalid(f"{title} is at {path}, outside of the project", hint="keep it in the project")
    return found


def _targets(file: str, image: Image) -> Iterator[str]:
    """Every place to which ``files`` takes a file of the project."""
    for mapping in image.files:
        source = posixpath.normpath(mapping.source)
        below = file if source == "." else file.removeprefix(f"{source}/")
        if file == source:
            into_folder = mapping.target.endswith("/")
            yield posixpath.join(mapping.target, posixpath.basename(file)) if into_folder else mapping.target
        elif source == "." or below != file:
            yield posixpath.join(mapping.target, below)
