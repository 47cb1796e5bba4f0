"""How the file writes names, commands, paths and references. Every reader raises Unfit for what cannot be meant."""

import re
import shlex
from collections.abc import Callable, Iterable, Mapping

from repave.config.problems import Unfit, nearest, one_of
from repave.model.recipe import UNIT_KINDS
from repave.model.release import SecretReference

LONGEST_NAME = 40
"""Characters: environment, fleet and slot are joined into one DNS label or tag of at most 63 elsewhere."""

LABEL = f"lower-case letters, digits and hyphens, a letter first, at most {LONGEST_NAME}"
LABEL_PATTERN = r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"

ZONE = "a zone: lower-case letters, digits and hyphens"
ZONE_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"

VARIABLE = "an environment variable: letters, digits and `_`, no digit first"
VARIABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"

DEBIAN_PACKAGE = "a Debian package such as `python3`, or one version of it such as `python3=3.11.2-1+b1`"
DEBIAN_PACKAGE_PATTERN = r"^[a-z0-9][a-z0-9+.-]+(=[0-9][A-Za-z0-9.+~:-]*)?$"

REQUIREMENT = "a Python requirement (PEP 508) such as `flask ~= 3.0`"
REQUIREMENT_PATTERN = (
    r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])? *(\[[A-Za-z0-9._, -]*\])? *"
    r"(\(?(===?|~=|!=|<=?|>=?) *[^\s,;()]+( *, *(===?|~=|!=|<=?|>=?) *[^\s,;()]+)*\)?)? *(;.+)?$"
)

RELEASE = "a release by its own name, such as `bookworm`"
RELEASE_PATTERN = r"^[a-z][a-z0-9.+-]*$"
MOVING_RELEASES = frozenset({"latest", "stable", "oldstable", "oldoldstable", "testing", "unstable", "lts", "devel"})

SUITE = "a suite such as `bookworm` or `bookworm-security`"
SUITE_PATTERN = r"^[a-z][a-z0-9./+-]*$"

KEYRING = "an absolute path of a keyring on this machine, such as `/usr/share/keyrings/ubuntu-archive-keyring.gpg`"
KEYRING_PATTERN = r"^/\S+\.(gpg|asc)$"

COMMIT = "a commit: all 40 hex digits of its id"
COMMIT_PATTERN = r"^[0-9a-f]{40}$"

REF = "the name of a tag or branch, such as `v1.2`"
REF_PATTERN = r"^(?![-/.])(?!.*(\.\.|//|@\{|[\s~^:?*\[\\]|/\.|\.lock(/|$)|[./]$)).+$"
"""What git takes for a name (git-check-ref-format(1))."""

SHA256 = "a sha256: 64 hex digits"
SHA256_PATTERN = r"^[0-9a-f]{64}$"

MODE = "`0644`, or `0755` for a program"
MODES = {0o644: 0o644, 0o755: 0o755, 644: 0o644, 755: 0o755, "0644": 0o644, "0755": 0o755}
"""As people write them: in YAML 1.2 `0o755` is octal, and a bare `0755` the number 755."""

UNIT = "a service, socket, timer, path, mount or target by its whole name, such as `nginx.service`"
UNIT_PATTERN = rf"^[A-Za-z0-9_:.\\-]+(@[A-Za-z0-9_:.\\-]+)?\.({'|'.join(UNIT_KINDS)})$"
"""What systemd takes for a name of these kinds (systemd.unit(5)); a template with what it is for."""

USER = "an unprivileged user, such as `www-data` or `nobody`"
USER_PATTERN = r"^[a-z_][a-z0-9_-]{0,31}$"

HEALTH_PATH = "the path of an HTTP request, such as `/healthz`"
HEALTH_PATH_PATTERN = r"^/[!-~]*$"

SOURCE = "a file or folder of the project, such as `app/`"
TARGET = "an absolute path in the image, such as `/srv/app/`"
TARGET_PATTERN = r"^/(?!.*(^|/)\.\.(/|$))"
SOURCE_PATTERN = r"^(?!/)(?!.*(^|/)\.\.(/|$))."

PLACE = "a path, from repave.yaml's folder unless it is absolute"
PLACE_PATTERN = r"^(?![A-Za-z][A-Za-z0-9+.-]+://)\S(.*\S)?$"
USERNAME = "a name without spaces or colons"
USERNAME_PATTERN = r"^[^\s:]+$"

GUARDED = "a path of the project or of the image, such as `app/test_key.pem`"
GUARDED_PATTERN = r"^(?!.*(^|/)\.\.(/|$))."

REASON = "a sentence that says why"
REASON_PATTERN = r"\S.*\S"

PROJECT_PATH = "a repository such as `team/shop`"
PROJECT_PATH_PATTERN = r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$"
AUTHOR = "a name and an address, such as `repave <repave@example.org>`"
AUTHOR_PATTERN = r"^[^<>\s]([^<>]*[^<>\s])? <[^<>@\s]+@[^<>@\s]+>$"
REMOTE = "the name of a remote repository, such as `origin`"
REMOTE_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"

RUN = "a command, such as `python3 -m gunicorn app:app`"

SECRET_SCHEMES = {"env": "NAME", "file": "PATH"}
"""By scheme: what follows the colon. Each has its resolver in the room ``secrets``."""

REFERENCE_PATTERN = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"
_REFERENCE = "`env:NAME` (a variable of the shell) or `file:PATH` (a file)"
KEY_PATTERN = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|pkcs11:[^ ]+=[^ ]+|awskms://[^/ @]*/[^ ]+)$"
KEY = (
    "`file:PATH`, `env:NAME` (a private key in PEM), `pkcs11:...` (a key in a token), or `awskms:///alias/NAME` "
    "(a key in AWS KMS)"
)


def matching(pattern: str, expected: str) -> Callable[[object], str]:
    """A reader of texts that match ``pattern`` whole."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise Unfit(expected, hint=_quote_hint(value))
        if not re.search(pattern, value) or "\n" in value:
            raise Unfit(expected)
        return value

    return read


def label(value: object) -> str:
    """A name of ours, which becomes part of tags, host names and file names."""
    if isinstance(value, str) and not re.search(LABEL_PATTERN, value):
        meant = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-0123456789")[:LONGEST_NAME].strip("-")
        raise Unfit(LABEL, nearest=meant)
    return matching(LABEL_PATTERN, LABEL)(value)


def choice(names: Iterable[str]) -> Callable[[object], str]:
    """A reader of one of a few words."""
    known = tuple(names)

    def read(value: object) -> str:
        if isinstance(value, str) and value in known:
            return value
        raise Unfit(one_of(known), nearest=nearest(value, known) if isinstance(value, str) else "")

    return read


def release(value: object) -> str:
    """A distribution's release, by the name that stays its own."""
    if isinstance(value, str) and value.lower() in MOVING_RELEASES:
        raise Unfit(RELEASE, hint=f"`{value}` names another release one day, and the images would change by themselves")
    return matching(RELEASE_PATTERN, RELEASE)(value)


def debian_package(value: object) -> str:
    """A Debian package, by name or by one exact version."""
    if isinstance(value, str) and value.endswith("=latest"):
        raise Unfit(DEBIAN_PACKAGE, nearest=value.removesuffix("=latest"), hint=_NO_LATEST)
    if isinstance(value, str) and value != value.lower() and re.search(DEBIAN_PACKAGE_PATTERN, value.lower()):
        raise Unfit(DEBIAN_PACKAGE, nearest=value.lower())
    return matching(DEBIAN_PACKAGE_PATTERN, DEBIAN_PACKAGE)(value)


def requirement(value: object) -> str:
    """A requirement of PEP 508, without direct addresses: what cannot be hashed by an index is not locked."""
    if isinstance(value, str):
        if re.search(r"(=|\s|:|@)latest$", value):
            raise Unfit(REQUIREMENT, nearest=re.split(r"[\s=:@]", value)[0], hint=_NO_LATEST)
        if re.search(r"://|^\.|\.(txt|whl|gz|zip)$|^-", value) or "@" in value:
            raise Unfit(REQUIREMENT, hint="give the requirement itself: files, addresses and options are not read here")
        single = re.fullmatch(r"([A-Za-z0-9._-]+)\s*=\s*([^=\s]\S*)", value)
        if single:
            raise Unfit(REQUIREMENT, nearest=f"{single[1]} == {single[2]}")
    return matching(REQUIREMENT_PATTERN, REQUIREMENT)(value)


_NO_LATEST = "`latest` is no version: leave it out, and the lock pins the newest there is, exactly"


def user(value: object) -> str:
    """Who runs the application: never root."""
    if value in ("root", 0, "0"):
        raise Unfit(USER, hint="an application that is broken into must not own its container")
    return matching(USER_PATTERN, USER)(value)


def unit(value: object) -> str:
    """A unit of systemd, with its kind."""
    if isinstance(value, str) and "." not in value and re.search(UNIT_PATTERN, f"{value}.service"):
        raise Unfit(UNIT, nearest=f"{value}.service")
    if isinstance(value, str) and re.search(r"@\.\w+$", value):
        raise Unfit(UNIT, hint=f"it is a template: say what it is for, such as `{value.replace('@', '@mail')}`")
    return matching(UNIT_PATTERN, UNIT)(value)


def commit(value: object) -> str:
    """A commit by its whole id."""
    if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{4,39}", value):
        raise Unfit(COMMIT, hint="a short id may mean another commit one day")
    return matching(COMMIT_PATTERN, COMMIT)(value)


def mode(value: object) -> int:
    """The rights of one file."""
    if isinstance(value, int | str) and not isinstance(value, bool) and value in MODES:
        return MODES[value]
    raise Unfit(MODE, hint="files belong to root, and everybody may read them")


def health_path(value: object) -> str:
    """The path of a health check's request."""
    if isinstance(value, str) and re.match(r"[A-Za-z0-9]", value) and "://" not in value:
        raise Unfit(HEALTH_PATH, nearest=f"/{value}")
    return matching(HEALTH_PATH_PATTERN, HEALTH_PATH)(value)


def source_path(value: object) -> str:
    """A path below the folder of the file."""
    if isinstance(value, str) and value.startswith("/"):
        raise Unfit(SOURCE, hint="an image is made of the project's own files: give the path from repave.yaml's folder")
    if isinstance(value, str) and ".." in value.split("/"):
        raise Unfit(SOURCE, hint="`..` leaves the project's folder")
    return matching(SOURCE_PATTERN, SOURCE)(value)


def guarded_path(value: object) -> str:
    """A path as the guards name it, or with a trailing slash a folder."""
    if isinstance(value, str) and ".." in value.split("/"):
        raise Unfit(GUARDED, hint="write it as the guards told it")
    return matching(GUARDED_PATTERN, GUARDED)(value)


def target_path(value: object) -> str:
    """An absolute path in the image."""
    if isinstance(value, str) and value and ".." in value.split("/"):
        raise Unfit(TARGET, hint="say where the files go without `..`")
    if isinstance(value, str) and value and not value.startswith("/"):
        raise Unfit(TARGET, nearest=f"/{value}")
    return matching(TARGET_PATTERN, TARGET)(value)


def place(value: object) -> str:
    """A file or folder outside of any image."""
    if isinstance(value, str) and "://" in value:
        raise Unfit(PLACE, hint="an address stands under another key")
    return matching(PLACE_PATTERN, PLACE)(value)


def command(value: object) -> tuple[str, ...]:
    """A command as an argument list: a text is split as a shell would split it, a list is taken as it is."""
    if isinstance(value, list):
        arguments = tuple(part for part in value if isinstance(part, str))
        if not value or len(arguments) != len(value) or not arguments[0]:
            raise Unfit(f"{RUN}, or a list of texts")
        return arguments
    if not isinstance(value, str) or not value.strip():
        raise Unfit(RUN)
    try:
        arguments = tuple(shlex.split(value))
    except ValueError as error:
        what = "a quote is opened and not closed" if "quotation" in str(error) else "a `\\` stands at the end"
        raise Unfit(RUN, hint=what) from error
    if not arguments or not arguments[0]:
        raise Unfit(RUN)
    _needs_no_shell(arguments)
    return arguments


_SHELL_WORDS = frozenset({"&&", "||", "|", ";", "&", ">", ">>", "<", "2>&1"})


def _needs_no_shell(arguments: tuple[str, ...]) -> None:
    """No shell interprets ``run``, so one that counts on it would start something else than it says."""
    if arguments[0].rsplit("/", 1)[-1] in {"sh", "bash", "dash"}:
        return
    for argument in arguments:
        if argument in _SHELL_WORDS or re.search(r"\$(\{?[A-Za-z_]|\()", argument):
            raise Unfit(
                "a command that needs no shell",
                hint=f"no shell interprets `{argument}`: write `sh -c '...'`, or a list if it is meant as it stands",
            )


def secret_reference(value: object) -> SecretReference:
    """``env:NAME`` or ``file:PATH``: where a secret is, never the secret."""
    if not isinstance(value, str):
        raise Unfit(_REFERENCE)
    scheme, colon, locator = value.partition(":")
    if not colon:
        raise Unfit(_REFERENCE, hint="a reference starts with where the secret is kept")
    if scheme not in SECRET_SCHEMES:
        meant = nearest(scheme, SECRET_SCHEMES)
        raise Unfit(_REFERENCE, nearest=f"{meant}:{locator}" if meant else "")
    if not re.search(REFERENCE_PATTERN, value):
        raise Unfit(_REFERENCE, hint=f"`{scheme}:` wants {SECRET_SCHEMES[scheme]} after the colon")
    return SecretReference(scheme=scheme, locator=locator)


def signing_key(value: object) -> SecretReference:
    """Where a private key is, never the key."""
    found = matching(KEY_PATTERN, KEY)(value)
    if "pin-value" in found:
        raise Unfit(KEY, hint="the PIN stands elsewhere: `passphrase` names where")
    scheme, _, locator = found.partition(":")
    return SecretReference(scheme=scheme, locator=locator)


def text(value: object) -> str:
    """Any text; the file's reader has kept numbers of the configuration as they are written."""
    if not isinstance(value, str):
        raise Unfit("a text, or `{secret: ...}`", hint='for an empty text write `""`' if value is None else "")
    if "\x00" in value:
        raise Unfit("a text without NUL characters: no process can receive one")
    return value


def mapping_of(value: object) -> Mapping[str, object]:
    """The mapping that ``value`` is; empty where it is something else, which the grammar tells."""
    return value if isinstance(value, dict) else {}


def _quote_hint(value: object) -> str:
    """A number or boolean where a text is wanted was often meant as one."""
    if isinstance(value, bool | int | float):
        return f'write "{str(value).lower()}" in quotes if it is the name'
    return ""
