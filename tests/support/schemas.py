"""What documents are held against: schemas, by others' programs.

These are imported when first asked: they take seconds, and every worker of a test run reads every test file.
"""

from typing import Any


def is_bom(text: str) -> bool:
    """Whether CycloneDX's own schema of 1.6 admits a document, strictly."""
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 - as said above
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415 - the same

    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def is_sarif(log: object) -> bool:
    """Whether SARIF's own schema admits a log."""
    from sarif_kit.validate import validation_errors  # noqa: PLC0415 - as said above

    return not validation_errors(log)


def is_schema(schema: dict[str, Any]) -> bool:
    """Whether a schema is one of the draft that the project's file is described in."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - as said above

    return Draft202012Validator(Draft202012Validator.META_SCHEMA).is_valid(schema)


def admits(schema: dict[str, Any], data: object) -> bool:
    """Whether data is as a schema of that draft says."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - as said above

    return Draft202012Validator(schema).is_valid(data)
