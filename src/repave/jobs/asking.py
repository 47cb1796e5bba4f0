"""Single requests over HTTP, judged by their answer."""

import asyncio

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
        try:
            answer, content = asyncio.run(_answered(url, limit))
        except (TimeoutError, httpx.TimeoutException):
            return CheckOutcome(passed=False, detail=f"GET {url} took longer than {limit:g} s", output="")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return CheckOutcome(passed=False, detail=f"GET {url} failed: {_cause(error)}", output="")
        text = _text(content, answer.charset_encoding)
        output = text if len(content) < LARGEST_BYTES else text.rpartition("\n")[0]  # nobody recognises half a secret
        told = f"GET {url} answered {answer.status_code}"
        if answer.status_code != check.status:
            return CheckOutcome(passed=False, detail=f"{told}, not {check.status}", output=output)
        if check.contains not in text:
            return CheckOutcome(passed=False, detail=f"{told} without `{check.contains}`", output=output)
        return CheckOutcome(passed=True, detail=told, output=output)


async def _answered(url: str, limit_seconds: float) -> tuple[httpx.Response, bytes]:
    """The answer and what was read of it: all within the limit together, however slowly its parts drip in."""
    async with (
        asyncio.timeout(limit_seconds),
        httpx.AsyncClient(timeout=limit_seconds, trust_env=False, follow_redirects=False) as client,
        client.stream("GET", url) as answer,
    ):
        content = bytearray()
        async for part in answer.aiter_bytes():
            content += part[: LARGEST_BYTES - len(content)]
            if len(content) == LARGEST_BYTES:
                break
        return answer, bytes(content)


def _cause(error: BaseException) -> str:
    """The words of what lies lowest: of the layers between, each says less."""
    while below := error.__cause__ or error.__context__:
        error = below
    return str(error)


def _text(content: bytes, charset: str | None) -> str:
    """By the answer's own word, where that names an encoding of text."""
    try:
        return content.decode(charset or "utf-8", errors="replace")
    except (LookupError, ValueError):
        return content.decode(errors="replace")
