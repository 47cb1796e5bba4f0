"""The kinds of values the file has, each with its reader and what an editor is told of it."""

from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainValidator, WithJsonSchema

from repave.config import addresses, quantities, words
from repave.config.quantities import SizeRange
from repave.model.amount import Amount
from repave.model.gates import Window
from repave.model.release import SecretReference


def told(pattern: str, *examples: object, description: str = "") -> WithJsonSchema:
    """What an editor is told of a text: its pattern and how one looks."""
    schema: dict[str, Any] = {"type": "string", "pattern": pattern}
    if description:
        schema["description"] = description
    return WithJsonSchema(schema | ({"examples": list(examples)} if examples else {}))


def whole(lowest: int, highest: int | None = None, *, what: str = "a whole number") -> tuple[Any, Any]:
    """Reader and schema of a bounded whole number."""
    reader = partial(quantities.whole_number, lowest=lowest, highest=highest, what=what)
    schema: dict[str, Any] = {"type": "integer", "minimum": lowest}
    return PlainValidator(reader), WithJsonSchema(schema | ({"maximum": highest} if highest else {}))


def choice(*names: str) -> tuple[Any, Any]:
    """Reader and schema of one of a few words."""
    return PlainValidator(words.choice(names)), WithJsonSchema({"type": "string", "enum": list(names)})


def either(pattern: str, lowest: int, highest: int, *examples: object) -> WithJsonSchema:
    """A whole number or a text."""
    number = {"type": "integer", "minimum": lowest, "maximum": highest}
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": pattern}], "examples": list(examples)})


Label = Annotated[str, PlainValidator(words.label), told(words.LABEL_PATTERN)]
Zone = Annotated[str, PlainValidator(words.matching(words.ZONE_PATTERN, words.ZONE)), told(words.ZONE_PATTERN)]
Variable = Annotated[
    str, PlainValidator(words.matching(words.VARIABLE_PATTERN, words.VARIABLE)), told(words.VARIABLE_PATTERN)
]
Release = Annotated[
    str,
    PlainValidator(words.release),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": words.RELEASE_PATTERN,
            "not": {"enum": sorted(words.MOVING_RELEASES)},
            "examples": ["bookworm"],
        }
    ),
]
Suite = Annotated[str, PlainValidator(words.matching(words.SUITE_PATTERN, words.SUITE)), told(words.SUITE_PATTERN)]
Mirror = Annotated[str, PlainValidator(addresses.mirror), told(addresses.MIRROR_PATTERN)]
BaseImage = Annotated[
    str,
    PlainValidator(addresses.base_image),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": addresses.BASE_IMAGE_PATTERN,
            "not": {"pattern": ":latest$"},
            "examples": ["docker.io/library/debian:bookworm-slim"],
        }
    ),
]
Keyring = Annotated[
    str, PlainValidator(words.matching(words.KEYRING_PATTERN, words.KEYRING)), told(words.KEYRING_PATTERN)
]
Address = Annotated[
    str, PlainValidator(addresses.address), told(addresses.ADDRESS_PATTERN, "https://example.org/tool-1.2.tar.gz")
]
Repository = Annotated[
    str, PlainValidator(addresses.repository), told(addresses.REPOSITORY_PATTERN, "https://example.org/tool.git")
]
Commit = Annotated[str, PlainValidator(words.commit), told(words.COMMIT_PATTERN)]
Ref = Annotated[str, PlainValidator(words.matching(words.REF_PATTERN, words.REF)), told(words.REF_PATTERN, "v1.2")]
Sha256 = Annotated[str, PlainValidator(words.matching(words.SHA256_PATTERN, words.SHA256)), told(words.SHA256_PATTERN)]
Mode = Annotated[
    int, PlainValidator(words.mode), WithJsonSchema({"anyOf": [{"enum": list(words.MODES)}], "examples": ["0755"]})
]
Package = Annotated[str, PlainValidator(words.debian_package), told(words.DEBIAN_PACKAGE_PATTERN, "python3")]
Requirement = Annotated[str, PlainValidator(words.requirement), told(words.REQUIREMENT_PATTERN, "flask ~= 3.0")]
Place = Annotated[str, PlainValidator(words.place), told(words.PLACE_PATTERN)]
Service = Annotated[str, PlainValidator(addresses.service), told(addresses.SERVICE_PATTERN)]
OriginAddress = Annotated[str, PlainValidator(addresses.origin), told(addresses.ORIGIN_PATTERN)]
SharedPlace = Annotated[
    str, PlainValidator(addresses.shared_place), told(addresses.SHARED_PATTERN, "/srv/repave/vault")
]
Username = Annotated[
    str, PlainValidator(words.matching(words.USERNAME_PATTERN, words.USERNAME)), told(words.USERNAME_PATTERN)
]
Source = Annotated[str, PlainValidator(words.source_path), told(words.SOURCE_PATTERN, "app/")]
GuardedPath = Annotated[
    str, PlainValidator(words.guarded_path), told(words.GUARDED_PATTERN, "app/test_key.pem", "/usr/local/bin/tool")
]
Reason = Annotated[str, PlainValidator(words.matching(words.REASON_PATTERN, words.REASON)), told(words.REASON_PATTERN)]
TargetPath = Annotated[str, PlainValidator(words.target_path), told(words.TARGET_PATTERN, "/srv/app/")]
User = Annotated[
    str,
    PlainValidator(words.user),
    WithJsonSchema({"type": "string", "pattern": words.USER_PATTERN, "not": {"const": "root"}}),
]
Unit = Annotated[str, PlainValidator(words.unit), told(words.UNIT_PATTERN, "nginx.service")]
HealthPath = Annotated[str, PlainValidator(words.health_path), told(words.HEALTH_PATH_PATTERN, "/healthz")]
Secret = Annotated[SecretReference, PlainValidator(words.secret_reference), told(words.REFERENCE_PATTERN)]
SigningKey = Annotated[
    SecretReference,
    PlainValidator(words.signing_key),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": words.KEY_PATTERN,
            "not": {"pattern": "pin-value"},
            "examples": ["file:keys/cosign.key", "pkcs11:token=signing;object=release", "awskms:///alias/release"],
        }
    ),
]
Text = Annotated[
    str,
    PlainValidator(words.text),
    WithJsonSchema({"type": ["string", "number", "boolean"], "description": "Taken as it is written."}),
]
Run = Annotated[
    tuple[str, ...],
    PlainValidator(words.command),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"\S"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ],
            "examples": ["python3 -m gunicorn --bind 0.0.0.0:8080 app:app"],
        }
    ),
]
Duration = Annotated[
    float,
    PlainValidator(quantities.positive_duration_seconds),
    told(quantities.DURATION_PATTERN, "30s", "10m", "2h", "30d"),
]
AmountText = Annotated[
    Amount,
    PlainValidator(quantities.amount),
    either(quantities.AMOUNT_PATTERN, 0, quantities.LARGEST_SIZE, 2, "25%"),
]
Size = Annotated[
    SizeRange, PlainValidator(quantities.size), either(quantities.SIZE_PATTERN, 0, quantities.LARGEST_SIZE, 6, "6..20")
]
Listen = Annotated[
    str,
    PlainValidator(quantities.listen_address),
    either(quantities.LISTEN_PATTERN, 1, quantities.LARGEST_PORT, 8080, "127.0.0.1:8080"),
]
Memory = Annotated[int, PlainValidator(quantities.memory_bytes), told(quantities.MEMORY_PATTERN, "256MiB")]
WindowText = Annotated[
    Window,
    PlainValidator(quantities.window),
    told(quantities.WINDOW_PATTERN, "Mon-Fri 09:00-16:00 Europe/Prague"),
]
TimeZone = Annotated[
    str, PlainValidator(quantities.time_zone), told(quantities.TIME_ZONE_PATTERN, "Europe/Prague", "UTC")
]
Port = Annotated[
    int | None,
    PlainValidator(quantities.port),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": quantities.LARGEST_PORT},
                {"enum": [quantities.NO_PORT]},
            ],
            "examples": [8080, quantities.NO_PORT],
        }
    ),
]
Count = Annotated[int, *whole(1, 100)]
Processes = Annotated[int, *whole(8, 10_000)]
Rate = Annotated[int, *whole(1)]
Cpus = Annotated[
    float,
    PlainValidator(quantities.cpus),
    WithJsonSchema({"type": "number", "minimum": quantities.FEWEST_CPUS, "maximum": quantities.MOST_CPUS}),
]


class Section(BaseModel):
    """A mapping of the file: every key is known, none is converted from another type.

    Only the whole file's reader is ever built, at the first reading: building each section's own would cost every
    command tens of milliseconds.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
