"""Where a project wants advisories to be learned, beside the security suites of its distributions."""

from dataclasses import dataclass
from enum import StrEnum

DEFAULT_MAX_AGE_SECONDS = 7 * 86400.0
"""OSV's databases and Debian's tracker change every day: a copy in which nothing is newer than a week has not been
brought up to date for a week, and what was published since is not in it."""


class SourceKind(StrEnum):
    """What a source is, and how it is reached."""

    OSV_FOLDER = "osv-folder"
    """A folder of OSV records, a JSON file each, in subfolders too."""

    OSV_ZIP = "osv-zip"
    """OSV's own export: a zip of such files."""

    OSV_ZIP_URL = "osv-zip-url"
    """The address of such a zip."""

    OSV_API = "osv-api"
    """The address of a server that speaks OSV's API."""

    DEBIAN_TRACKER_FILE = "debian-tracker-file"
    """A copy of the Debian security tracker's JSON."""

    DEBIAN_TRACKER_URL = "debian-tracker-url"
    """The address of that JSON."""


@dataclass(frozen=True, kw_only=True)
class AdvisorySource:
    """One source of advisories."""

    kind: SourceKind
    place: str
    """A path, relative to the project's folder unless absolute, or an address."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """A document that others publish: a copy of it, or its address. Exactly one is given."""

    file: str = ""
    """A path, relative to the project's folder unless absolute."""

    url: str = ""


@dataclass(frozen=True, kw_only=True)
class AdvisorySettings:
    """Which sources are asked, and how old their data may be."""

    sources: tuple[AdvisorySource, ...] = ()
    """Beside the security suites, which are always asked; each once."""

    kev: Published | None = None
    """The catalogue of known exploited vulnerabilities."""

    epss: Published | None = None
    """The table of how likely flaws are to be exploited soon."""

    vex: tuple[str, ...] = ()
    """Documents that say what does not apply here: files or folders, by path."""

    max_age_seconds: float = DEFAULT_MAX_AGE_SECONDS
    """A source whose data is older answers "unknown", whatever it says."""
