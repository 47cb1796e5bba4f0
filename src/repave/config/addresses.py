"""How the file writes addresses: of archives, images, files, repositories and services. No secret stands in one.

Every reader raises Unfit for what cannot be meant.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from repave.config.problems import Unfit
from repave.config.words import matching

_HOST = r"(\[[0-9A-Fa-f:.]+\]|[^\s/@?#:\[\]]+)(:\d{1,5})?"
"""With its port: a name, IPv4, or IPv6 in brackets."""

MIRROR = "the address of an archive, such as `https://deb.debian.org/debian`"
MIRROR_PATTERN = rf"^(https?://{_HOST}|file://)(/\S*)?$"

BASE_IMAGE = "an image by its registry, name and digest or tag, such as `docker.io/library/debian:bookworm-slim`"
BASE_IMAGE_PATTERN = (
    r"^([a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?|[a-z0-9-]+:\d+|localhost)(/[a-z0-9]+([._-]+[a-z0-9]+)*)+"
    r"(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})$"
)
"""Host, repository, then a tag, a digest or both (OCI Distribution Specification 1.1, "Pulling manifests")."""

ADDRESS = "the address of a file, such as `https://example.org/tool-1.2.tar.gz`"
ADDRESS_PATTERN = rf"^(https?://{_HOST}|file://)/[^\s#]*[^\s#/]$"

REPOSITORY = "the address of a git repository, such as `https://example.org/tool.git`"
REPOSITORY_PATTERN = rf"^(https://{_HOST}|ssh://([A-Za-z0-9_.-]+@)?[^\s/@:-][^\s/@]*|file://)/[^\s#?]+$"
"""Only what moves bytes: no address that names a program (git-remote-ext(1)), none that holds a password."""

SERVICE = "the address of a service, such as `https://api.osv.dev`"
SERVICE_PATTERN = rf"^https?://{_HOST}(/[^\s?#]*)?$"

ORIGIN = "an address without credentials, such as `https://deb.debian.org/debian` or `oci://registry.example/team`"
ORIGIN_PATTERN = rf"^(https?|oci)://{_HOST}(/[^\s?#@]*)?$"

SHARED = "a folder, or a repository such as `oci://registry.example/vault/shop`"
SHARED_PATTERN = rf"^(oci://{_HOST}/[a-z0-9._/-]*[a-z0-9]|(?![A-Za-z][A-Za-z0-9+.-]+://)\S(.*\S)?)$"

_NO_CREDENTIALS = "every lock would show the credentials in it: leave them out"


def mirror(value: object) -> str:
    """Where an archive of a distribution is."""
    if isinstance(value, str) and re.match(r"https?://[^/\s]*@", value):
        raise Unfit(MIRROR, hint="every lock would show the credentials: name them for that address under `origins`")
    return _address(MIRROR_PATTERN, MIRROR)(value)


def base_image(value: object) -> str:
    """An image of a registry: by digest, or by a tag that does not say "whatever is newest"."""
    if isinstance(value, str):
        if value.endswith(":latest"):
            raise Unfit(BASE_IMAGE, hint="`latest` is another image one day: name a version's tag, or a digest")
        if re.fullmatch(r"[a-z0-9._-]+(:[^/\s]+|@\S+)", value):
            raise Unfit(BASE_IMAGE, nearest=f"docker.io/library/{value}")
        if re.fullmatch(BASE_IMAGE_PATTERN, f"{value}:1"):
            raise Unfit(BASE_IMAGE, hint="say which: without a tag or digest it would be `latest`")
    return matching(BASE_IMAGE_PATTERN, BASE_IMAGE)(value)


def address(value: object) -> str:
    """Where one file can be had."""
    if isinstance(value, str) and re.match(r"[a-z]+://[^/\s]*@", value):
        raise Unfit(ADDRESS, hint=_NO_CREDENTIALS)
    return _address(ADDRESS_PATTERN, ADDRESS)(value)


def repository(value: object) -> str:
    """Where a git repository is."""
    if isinstance(value, str) and re.match(r"https?://[^/\s]*@|[a-z]+://[^/\s]*:[^/\s]*@", value):
        raise Unfit(REPOSITORY, hint=_NO_CREDENTIALS)
    if isinstance(value, str) and value.startswith(("http://", "git://")):
        nearest = f"https://{value.partition('://')[2]}"
        raise Unfit(REPOSITORY, nearest=nearest, hint="nothing protects what comes over this line")
    scp = re.fullmatch(r"([A-Za-z0-9_.-]+@[A-Za-z0-9.-]+):([^/\s]\S*)", value) if isinstance(value, str) else None
    if scp:
        raise Unfit(REPOSITORY, nearest=f"ssh://{scp[1]}/{scp[2]}")
    return _address(REPOSITORY_PATTERN, REPOSITORY)(value)


def service(value: object) -> str:
    """The address of a service, without credentials: no secret stands in the file."""
    if isinstance(value, str) and re.match(r"https?://[^/]*@", value):
        raise Unfit(SERVICE, hint=_NO_CREDENTIALS)
    return _address(SERVICE_PATTERN, SERVICE)(value).rstrip("/")


def origin(value: object) -> str:
    """The address that what is said holds for, and all below it."""
    if isinstance(value, str) and re.match(r"[a-z]+://[^/]*@", value):
        raise Unfit(
            ORIGIN, hint="name them under `credentials`, the password by reference: no secret stands in the file"
        )
    if isinstance(value, str) and re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?(/\S*)?", value):
        raise Unfit(ORIGIN, hint=f"say how it is reached: `https://{value}`, or `oci://{value}` for a registry")
    return _address(ORIGIN_PATTERN, ORIGIN)(value).rstrip("/")


def shared_place(value: object) -> str:
    """A vault that several projects or machines have."""
    if isinstance(value, str) and re.match(r"(https?|docker)://", value):
        raise Unfit(SHARED, nearest=f"oci://{value.partition('://')[2].rstrip('/')}")
    return _address(SHARED_PATTERN, SHARED)(value)


def _address(pattern: str, expected: str) -> Callable[[object], str]:
    """A reader of addresses that match ``pattern`` whole, each with a host and a port that can be."""
    read = matching(pattern, expected)

    def checked(value: object) -> str:
        found = read(value)
        try:
            parts = urlsplit(found)
            reachable = parts.scheme == "file" or bool(parts.hostname and parts.port != 0)
        except ValueError:  # a bracket without the other, a port that is no number
            reachable = False
        if "://" in found and not reachable:
            raise Unfit(expected, hint="what stands before its path names no host, or no port")
        return found

    return checked
