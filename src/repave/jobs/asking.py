"""Single requests over HTTP, judged by their answer."""

from collections.abc import Iterator
from time import monotonic

import httpx

from repave.model.checks import HttpCheck
from repave.ports.checks import CheckOutcome, Endpoint

LARGEST_BYTES = 1 << 20
"""Of an answer: what stands behind that is not looked at."""


class HttpAsking:
    """Implements the asking port by httpx; no proxy of this machine comes between, and no redirect is followed."""

    def ask(self, check: HttpCheck, endpoint: Endpoint) -> CheckOutcome:
        """One GET; see the port."""
        url, limit = f"{endpoint.url}{check.path}", check.timeout_seconds
        ends = monotonic() + limit
        try:
            with (
                httpx.Client(timeout=limit, trust_env=False, follow_redirects=False) as client,
                client.stream("GET", url) as answer,
            ):
                content = b"".join(_parts(answer, ends))
        except httpx.TimeoutException:
            return CheckOutcome(passed=False, detail=f"GET {url} took longer than {limit:g} s", output="")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return CheckOutcome(passed=False, detail=f"GET {url} failed: {error}", output="")
        text = _text(content, answer.charset_encoding)
        output = text if len(content) < LARGEST_BYTES else text.rpartition("\n")[0]  # nobody recognises half a secret
        told = f"GET {url} answered {answer.status_code}"
        if answer.status_code != check.status:
            return CheckOutcome(passed=False, detail=f"{told}, not {check.status}", output=output)
        if check.contains not in text:
            return CheckOutcome(passed=False, detail=f"{told} without `{check.contains}`", output=output)
        return CheckOutcome(passed=True, detail=told, output=output)


def _parts(answer: httpx.Response, ends: float) -> Iterator[bytes]:
    """As far as the time lasts, to the end: httpx's own limit is of each part."""
    size = 0
    for part in answer.iter_bytes():
        _in_time(ends)
        yield part[: LARGEST_BYTES - size]
        size += len(part)
        if size >= LARGEST_BYTES:
            return
    _in_time(ends)


def _in_time(ends: float) -> None:
    if monotonic() > ends:
        raise httpx.ReadTimeout("all parts together take too long")


def _text(content: bytes, charset: str | None) -> str:
    """By the answer's own word, where that names an encoding of text."""
    try:
        return content.decode(charset or "utf-8", errors="replace")
    except (LookupError, ValueError):
        return content.decode(errors="replace")
