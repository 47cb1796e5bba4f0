"""What secrets look like in a file: by its name, by its first bytes, or line by line.

Each pattern is the format its issuer documents. No secret leaves this module: what is answered is its kind, its line
and a masked form.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

BINARY_PROBE_BYTES = 8192
"""A NUL among the first of them makes a file binary, as git and grep decide it."""

MASKED_PREFIX = 4
"""Characters shown of a token whose first ones say the issuer: nothing of the secret."""

MOST_FOUND = 100
"""In one file; who looks at so many finds the others too."""

FEWEST_BITS = 3.5
"""Per character: hexadecimal chance has up to 4, base64 up to 6, words of a language less than 3.5 at these lengths."""

MIXED_PASSWORD = 12
"""Characters from which a password in an address is taken for one without digits, if its case is mixed."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One secret in one file."""

    line: int
    """From 1; 0 for the file as a whole."""

    kind: str
    masked: str
    """What may be shown of it; empty where nothing may."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """One kind of secret within text; the group ``secret`` is it, or the whole match."""

    kind: str
    anchors: tuple[bytes, ...]
    """What the expression begins with. Searching for bytes is a hundred times faster than searching by expression."""

    expression: re.Pattern[bytes]
    """Tried where an anchor stands, and bounded: no content makes it slow."""

    by_issuer: bool
    """Whether its form is an issuer's own: its first characters may be shown, and it is looked for in binary files."""

    any_case: bool
    likely: Callable[[re.Match[bytes]], bool]
    """Whether what has the form is one."""


STANDS_FOR_ONE = re.compile(
    rb"(?i)^\$|\$[{(]|[<>{}\[\]]|%\(|%[sdr]$|^(.)\1*$|passw|secret|change|example|placeholder|dummy|your|^pass$|^token$"
    rb"|^django-insecure-|^\w{0,20}\$[\w=,]{1,20}\$"
)
"""What is written where a value will be: ``${PASSWORD}``, ``<key>``, ``%s``, ``xxxx``; Django marks its own.

Or what is made of a password and does not give it back, ``pbkdf2_sha256$600000$...``.
"""

NAME_LIKE = re.compile(rb"[A-Za-z]*\d{0,4}(?:[_./:-][A-Za-z]*\d{0,4})*")
"""Words with numbers after them, as names, versions and paths have them; chance puts digits anywhere."""

UUID = re.compile(rb"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
"""RFC 9562: it says which, it opens nothing."""

OWN_OR_SHOWN = re.compile(rb"(?i)localhost\b|127\.|\[::1\]|(?:[\w.-]+\.)?example\b")
"""Hosts of a developer's own machine, and those that documents use (RFC 2606)."""


def _entropy(value: bytes) -> float:
    """Shannon's, in bits per character."""
    total = len(value)
    return -sum(count / total * math.log2(count / total) for count in Counter(value).values())


def _random(match: re.Match[bytes]) -> bool:
    value = match["quoted"] or match["bare"]
    return bool(
        re.search(rb"[0-9][^0-9]+[0-9]", value)
        and re.search(rb"[A-Za-z]", value)
        and not (STANDS_FOR_ONE.search(value) or NAME_LIKE.fullmatch(value) or UUID.fullmatch(value))
        and _entropy(value) >= FEWEST_BITS
    )


def _password(match: re.Match[bytes]) -> bool:
    value = match["secret"]
    mixed = re.search(rb"[0-9]", value) and re.search(rb"[A-Za-z]", value)
    long = len(value) >= MIXED_PASSWORD and value not in {value.lower(), value.upper()}
    return bool(mixed or long) and not (
        STANDS_FOR_ONE.search(value) or value == match["user"] or OWN_OR_SHOWN.match(match["host"])
    )


def _no_example(match: re.Match[bytes]) -> bool:
    """Whether it is not one of the keys that Amazon's own documents show."""
    return b"EXAMPLE" not in match[0]


def _always(_match: re.Match[bytes]) -> bool:
    return True


def _issued(
    kind: str, anchors: str, expression: str, *, likely: Callable[[re.Match[bytes]], bool] = _always
) -> Pattern:
    """A token in the form that its issuer documents."""
    return Pattern(
        kind=kind,
        anchors=tuple(anchor.encode() for anchor in anchors.split(", ")),
        expression=re.compile(rb"(?<![A-Za-z0-9_])" + expression.encode()),
        by_issuer=True,
        any_case=False,
        likely=likely,
    )


def _named(kind: str, anchors: str, expression: str, *, likely: Callable[[re.Match[bytes]], bool] = _always) -> Pattern:
    """A value that what stands before it makes a secret."""
    return Pattern(
        kind=kind,
        anchors=tuple(anchor.encode() for anchor in anchors.split(", ")),
        expression=re.compile(expression.encode()),
        by_issuer=False,
        any_case=expression.startswith("(?i)"),
        likely=likely,
    )


PATTERNS = (
    _issued("AWS access key", "AKIA, ASIA", r"A[KS]IA[0-9A-Z]{16}\b", likely=_no_example),
    _issued("Google API key", "AIza", r"AIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])"),
    _issued("Google OAuth secret", "GOCSPX-", r"GOCSPX-[0-9A-Za-z_-]{28}"),
    _issued("GitHub token", "gh", r"gh[pousr]_[A-Za-z0-9]{36,255}\b"),
    _issued("GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9_]{22,255}"),
    _issued("GitLab token", "gl", r"gl(?:pat|dt|rt)-[A-Za-z0-9_-]{20,255}"),
    _issued("Slack token", "xox", r"xox[abeoprs]-[A-Za-z0-9-]{10,255}"),
    _issued("Stripe key", "sk_live_, rk_live_", r"[rs]k_live_[A-Za-z0-9]{16,255}"),
    _issued("npm token", "npm_", r"npm_[A-Za-z0-9]{36}\b"),
    _issued("PyPI token", "pypi-AgE", r"pypi-AgE[A-Za-z0-9_-]{50,255}"),
    _issued("JSON web token", "eyJ", r"eyJ[\w-]{8,512}+\.eyJ[\w-]{8,4096}+\.[\w-]{16}"),
    _named(
        "private key",
        "-----BEGIN ",
        # Its head alone is in every program that reads keys; with lines of a key below it, it is one.
        r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:\\[nr]|[\s\"'+,\\]|[A-Za-z-]{4,20}: [^\n]{0,120}\n){1,80}[A-Za-z0-9+/]{40}",
    ),
    _named("Slack webhook", "hooks.slack.com", r"hooks\.slack\.com/services/T\w{1,40}/B\w{1,40}/\w{16}"),
    _named("Azure storage key", "AccountKey=", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    _named(
        "AWS secret key",
        "secret",
        r"(?i)secret_?access_?key[\"']?\s{0,8}[=:]\s{0,8}[\"']?[A-Za-z0-9/+=]{40}(?![A-Za-z0-9/+=])",
        likely=_no_example,
    ),
    _named(
        "password in an address",
        "://",
        r"://(?P<user>[^\s:/@\"'<>]{0,64}):(?P<secret>[^\s/@\"'<>]{3,128})@(?P<host>[\w.:\[\]-]{1,128})",
        likely=_password,
    ),
    _named(
        "random value of a secret's name",
        "passw, secret, token, key, credential",
        r"(?i)(?:passw(?:or)?d|secret|token|credential|(?:(?<=api)|(?<=(?:api|ess|ate)[_-]))key)[\w-]{0,20}[\"']?\s{0,8}"
        r"(?:=>?|:=?)\s{0,8}"
        r"(?:[rb]?(?P<quote>[\"'])(?P<quoted>[\w!#$%&()*+./=?@^~-]{20,256})(?P=quote)"
        r"|(?P<bare>[A-Za-z0-9+/=_-]{20,256}+)(?![\w+/=.(\[\"'-]))",
        likely=_random,
    ),
)

NAMES: tuple[tuple[str, re.Pattern[str], re.Pattern[bytes]], ...] = (
    (
        "environment file",
        re.compile(r"\.env(\.(?!example$|sample$|template$|dist$).+)?"),
        re.compile(rb"(?m)^\s*[^#\s]"),
    ),
    ("private key file", re.compile(r"id_(rsa|dsa|ecdsa|ed25519)(_sk)?"), re.compile(rb"")),
    ("npm credentials", re.compile(r"\.npmrc"), re.compile(rb"(?m)^[^#;\n]*_(?:authToken|auth|password)\s*=\s*[^$\s]")),
    ("PyPI credentials", re.compile(r"\.pypirc"), re.compile(rb"(?m)^\s*password\s*[:=]\s*\S")),
    ("netrc credentials", re.compile(r"[._]netrc"), re.compile(rb"\bpassword\s+\S")),
    ("git credentials", re.compile(r"\.git-credentials"), re.compile(rb"://")),
    (
        "registry credentials",
        re.compile(r"config\.json|\.dockercfg"),
        re.compile(rb"\"auth\"\s*:\s*\"[A-Za-z0-9+/=]{8,}"),
    ),
    ("key store", re.compile(r".+\.(p12|pfx|jks)"), re.compile(rb"")),
)
"""Kind, name of the file (its last part), and what it must hold to be one."""

KUBECONFIG = re.compile(rb"(?m)^\s*(?:- )?(?:client-key-data|token):\s*(?P<secret>[\w+/=.-]{16,})")
STORES = ((b"\xfe\xed\xfe\xed", "Java key store"), (b"\xce\xce\xce\xce", "Java key store"))
PKCS12 = re.compile(rb"\x30[\x82\x83].{2,3}\x02\x01\x03\x30", re.DOTALL)
"""A sequence that begins with version 3 and another sequence (RFC 7292, 4)."""


def secrets_in(name: str, content: bytes) -> Iterator[Found]:
    """Every secret in a file, by line; the file itself where its name or first bytes say what it is."""
    last = name.rpartition("/")[2]
    for kind, expression, holding in NAMES:
        if expression.fullmatch(last) and (match := holding.search(content)):
            yield Found(line=_line(content, match.end()) if match.end() else 0, kind=kind, masked="")
            return
    for magic, kind in STORES:
        if content.startswith(magic):
            yield Found(line=0, kind=kind, masked="")
    if PKCS12.match(content):
        yield Found(line=0, kind="PKCS#12 key store", masked="")
    yield from islice(_in_text(content), MOST_FOUND)


def _in_text(content: bytes) -> Iterator[Found]:
    binary = b"\0" in content[:BINARY_PROBE_BYTES]
    lowered = b"" if binary else content.lower()
    seen: set[int] = set()
    if b"kind: config" in lowered and (match := KUBECONFIG.search(content)):
        seen.add(line := _line(content, match.start()))
        yield Found(line=line, kind="kubeconfig credentials", masked="")
    for pattern in PATTERNS:
        # Values beside words are chance in a binary file; what has a form of its own is told there too.
        if binary and not pattern.by_issuer:
            continue
        for match in _matches(pattern, content, lowered):
            if not pattern.likely(match):
                continue
            line = 0 if binary else _line(content, match.start())
            if line not in seen:
                seen.add(line)
                masked = f"{match[0][:MASKED_PREFIX].decode()}***" if pattern.by_issuer else ""
                yield Found(line=line, kind=pattern.kind, masked=masked)


def _matches(pattern: Pattern, content: bytes, lowered: bytes) -> Iterator[re.Match[bytes]]:
    searched = lowered if pattern.any_case else content
    for anchor in pattern.anchors:
        place = searched.find(anchor)
        while place >= 0:
            match = pattern.expression.match(content, place)
            if match:
                yield match
            place = searched.find(anchor, match.end() if match else place + len(anchor))


def _line(content: bytes, offset: int) -> int:
    return content.count(b"\n", 0, offset) + 1
