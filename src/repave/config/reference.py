"""The reference of `repave.yaml`, made of the schema: what the page says is what the loader does."""

from collections.abc import Iterator, Mapping
from typing import Any

from repave.config.quantities import DURATION_PATTERN
from repave.config.schema import json_schema
from repave.config.unsupported import ANY, ITEM, UNSUPPORTED

_INTRODUCTION = """\
# The file: `repave.yaml`

One file says what everything is made of and how many run where. It is read strictly: an unknown key, a wrong type or a
name that nothing declares is refused with its line, its column and the nearest correct name. All problems are told at
once. It is YAML 1.2: `no` and `on` are words. `repave schema` prints the same as JSON Schema, for editors.

Keys without a default are required. This page is made from the schema by `repave.config.reference`.
"""

_QUANTITIES = """\
## How quantities are written

| what | how |
|---|---|
| duration | a number and `ms`, `s`, `m`, `h`, `d` or `w`: `30s`, `1.5h` |
| amount | a count, `2`, or a share of the fleet's size, `25%`; shares are rounded up |
| size | a number of instances, `6`, or a range, `6..20`, within which `scale` of the fleet moves it |
| cron | five fields as Debian's cron reads them: `0 8 * * Mon-Fri` is 8:00 on weekdays, by the clock of `time_zone` |
| memory | a number and `KiB`, `MiB`, `GiB`, `TiB`, `kB`, `MB`, `GB` or `TB`: `256MiB` |
| address | `8080` means `127.0.0.1:8080`; an address beyond this machine must be written out, `0.0.0.0:8080` |
| name | lower-case letters, digits and hyphens, a letter first, at most 40 characters |
| command | split as a shell would split it, and given to no shell; a list is taken as it stands |
| secret | `{secret: "env:NAME"}` or `{secret: "file:PATH"}`: where it is kept, never the secret itself |
"""

_STATE = """\
## State

An image that would keep state on its own disk is refused: one with a database server such as PostgreSQL, MariaDB,
MongoDB or Redis among its `packages`, or with paths under `data`. Every rollout would lose what it keeps.
`ephemeral: true` says that it may; the paths then stand in the image's configuration as its volumes, each a
folder in memory that its user may write, gone with the instance.
"""

_TITLES = {
    "": "The whole",
    "ImageSection": "`images.NAME`",
    "BaseSection": "`images.NAME.base`, when it is a distribution",
    "BaseImageSection": "`images.NAME.base`, when it is an image",
    "NodeSection": "`images.NAME.node`, when it is not a folder",
    "FetchSection": "`images.NAME.fetch`, each",
    "GitSection": "`images.NAME.git`, each",
    "BuildLimitsSection": "`images.NAME.build_limits`",
    "GuardsSection": "`images.NAME.guards`",
    "AllowedSection": "`images.NAME.guards.allow`, each",
    "FleetSection": "`fleets.NAME`",
    "HealthSection": "`fleets.NAME.health`",
    "RolloutSection": "`fleets.NAME.rollout`",
    "HealingSection": "`fleets.NAME.healing`",
    "BudgetSection": "`fleets.NAME.budget`",
    "LimitsSection": "`fleets.NAME.limits`",
    "ScaleSection": "`fleets.NAME.scale`",
    "ScheduledSizeSection": "`fleets.NAME.scale.schedule`, each",
    "EnvironmentSection": "`environments.NAME`",
    "FleetSizeSection": "`environments.NAME.fleets.NAME`",
    "SecretSection": "a value of `environments.NAME.config`, when it is a secret, `password` and `review.token`",
    "GatesSection": "`environments.NAME.gates`",
    "MetricsSection": "`environments.NAME.gates.metrics`",
    "ProgramSection": "`environments.NAME.gates.checks`, each that is a program",
    "RequestSection": "`environments.NAME.gates.checks`, each that is a request",
    "PersonSection": "`people.NAME`",
    "PolicySection": "`policy`",
    "FixWithinSection": "`policy.fix_within`",
    "FreshnessSection": "`policy.freshness`",
    "OwnPolicySection": "`policy` of a fleet or an environment",
    "OwnFixWithinSection": "`policy.fix_within` of a fleet or an environment",
    "AdvisoriesSection": "`advisories`",
    "SourceSection": "an entry of `advisories.sources`",
    "OsvSection": "`osv` in `advisories.sources`",
    "DebianTrackerSection": "`debian_tracker` in `advisories.sources`",
    "PublishedSection": "`advisories.kev` and `advisories.epss`",
    "OriginSection": "`origins.ADDRESS`",
    "CredentialsSection": "`origins.ADDRESS.credentials`",
    "VaultSection": "`vault`",
    "SigningSection": "`signing`",
    "ReviewSection": "`review`",
}
"""By name in the schema, in the order of the page."""


def reference() -> str:
    """The whole page, as Markdown."""
    schema = json_schema()
    sections = {"": schema, **schema["$defs"]}
    tables = (_section(title, sections[name], sections) for name, title in _TITLES.items())
    return "\n".join((_INTRODUCTION, *tables, _QUANTITIES, _STATE, _unsupported()))


def _section(title: str, section: Mapping[str, Any], sections: Mapping[str, Mapping[str, Any]]) -> str:
    return "\n".join((f"## {title}\n", f"{section['description']}\n", *_rows(section, sections))) + "\n"


def _rows(section: Mapping[str, Any], sections: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "| key | what | value |"
    yield "|---|---|---|"
    required = section.get("required", ())
    for key, value in section["properties"].items():
        what = value.get("description") or sections[_referenced(value)]["description"]
        mark = " (required)" if key in required else ""
        yield f"| `{key}`{mark} | {what} | {_shape(value)} |"


def _shape(value: Mapping[str, Any]) -> str:
    """What may stand there, in few words."""
    if "$ref" in value:
        words = f"a mapping, see {_TITLES[_referenced(value)]}"
    elif value.get("pattern") == DURATION_PATTERN:
        words = "a duration"
    elif "enum" in value:
        words = ", ".join(f"`{word}`" for word in value["enum"])
    elif "examples" in value:
        words = "such as " + ", ".join(f"`{example}`" for example in value["examples"])
    elif "oneOf" in value:
        words = "; or ".join(_shape(branch) for branch in value["oneOf"])
    else:
        words = _shape_of_type(value)
    return words


def _shape_of_type(value: Mapping[str, Any]) -> str:
    match value.get("type"):
        case "array":
            return f"a list: {_shape(value['items'])}"
        case "object":
            return f"by name: {_shape(value['additionalProperties'])}"
        case "integer" | "number":
            if "exclusiveMinimum" in value:
                return f"a number above {value['exclusiveMinimum']}"
            highest = value.get("maximum")
            return f"{value['minimum']} to {highest}" if highest else f"{value['minimum']} or more"
        case "boolean":
            return "`true`, `false`"
        case _:
            return "a text"


def _referenced(value: Mapping[str, Any]) -> str:
    return str(value["$ref"]).rsplit("/", 1)[-1]


def _place(path: tuple[str, ...]) -> str:
    return ".".join("NAME" if part == ANY else part for part in path).replace(f".{ITEM}", ITEM)


def _unsupported() -> str:
    lines = (
        "## What this version refuses\n",
        "The format has more than this version can carry out. What it cannot, it refuses instead of ignoring it.\n",
        "| key | what is said |",
        "|---|---|",
        *(f"| `{_place(row.path)}` | {row.why} |" for row in UNSUPPORTED),
    )
    return "\n".join(lines) + "\n"
