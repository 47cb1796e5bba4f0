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
        text = content.decode(answer.charset_encoding or "utf-8", errors="replace")
        told = f"GET {url} answered {answer.status_code}"
        if answer.status_code != check.status:
            return CheckOutcome(passed=False, detail=f"{told}, not {check.status}", output=text)
        if check.contains not in text:
            return CheckOutcome(passed=False, detail=f"{told} without `{check.contains}`", output=text)
        return CheckOutcome(passed=True, detail=told, output=text)


def _parts(answer: httpx.Response, ends: float) -> Iterator[bytes]:
    """As far as the time lasts: httpx's own limit is of each part."""
    size = 0
    for part in answer.iter_bytes():
        if monotonic() > ends:
            raise httpx.ReadTimeout("all parts together take too long")
        yield part[: LARGEST_BYTES - size]
        size += len(part)
        if size >= LARGEST_BYTES:
            return
