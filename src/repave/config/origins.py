"""What an origin may say, by the address it is said of."""

import re
from collections.abc import Iterator

from repave.config.document import Document
from repave.config.errors import Problem
from repave.config.problems import Unfit, problem
from repave.config.words import mapping_of

LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/.*)?")


def check_origins(document: Document) -> Iterator[Problem]:
    """What cannot be carried out, or would give a password away."""
    for address, fields in mapping_of(mapping_of(document.data).get("origins")).items():
        if "://" not in address:
            continue  # told by the structure's check
        said = mapping_of(fields)
        scheme = address.partition("://")[0]
        path = ("origins", address)
        if not said and fields is not None:
            yield problem(
                document,
                document.at_key(path),
                f"nothing is said of `{address}`",
                Unfit("`mirrors`, `credentials` or `insecure`"),
            )
        if "credentials" in said and said["credentials"] is None:
            yield problem(
                document,
                document.at_key((*path, "credentials")),
                "`credentials` is empty",
                Unfit("`{username: ..., password: {secret: env:NAME}}`"),
            )
        if scheme == "oci" and "mirrors" in said:
            yield problem(
                document,
                document.at_key((*path, "mirrors")),
                f"`{address}` is a registry, and registries have no `mirrors` here",
                Unfit("", hint="name the mirror where the image is named; a proxy stands in `https_proxy`"),
            )
        if scheme != "oci" and said.get("insecure") is True:
            yield problem(
                document,
                document.at_key((*path, "insecure")),
                f"`insecure` says nothing of `{address}`",
                Unfit("it for a registry (`oci://...`) only", hint="an address says by `http://` that it has no TLS"),
            )
        if scheme == "http" and "credentials" in said and not LOOPBACK.fullmatch(address):
            yield problem(
                document,
                document.at_key((*path, "credentials")),
                f"the credentials of `{address}` would go over the line unprotected",
                Unfit(f"`https{address.removeprefix('http')}`"),
            )
