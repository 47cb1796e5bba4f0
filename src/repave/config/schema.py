"""The JSON Schema of `repave.yaml` (draft 2020-12), for editors: made of the grammar, so it cannot say otherwise."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from repave.config.grammar.file import File

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Schema(GenerateJsonSchema):
    """Pydantic's own, with the names of mappings checked too, and without titles that repeat a key."""

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """A mapping whose keys are names of a kind."""
        made: JsonSchemaValue = {
            "type": "object",
            "propertyNames": self.generate_inner(schema["keys_schema"]),
            "additionalProperties": self.generate_inner(schema["values_schema"]),
        }
        if "min_length" in schema:
            made["minProperties"] = schema["min_length"]
        return made

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """What may be left out may not be left empty."""
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: object) -> bool:
        """Never: a title that repeats the key tells nothing."""
        del schema
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Defaults are in the descriptions, in the file's own units."""
        return self.generate_inner(schema["schema"])


def json_schema() -> dict[str, Any]:
    """The schema of the whole file."""
    made = File.model_json_schema(schema_generator=_Schema)
    return {"$schema": DIALECT, "title": "repave.yaml", **_untitled(made)}


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    """The names of our classes are nothing to an editor's user."""
    kept = {key: value for key, value in schema.items() if key != "title"}
    definitions = {
        name: {key: value for key, value in definition.items() if key != "title"}
        for name, definition in schema.get("$defs", {}).items()
    }
    return kept | {"$defs": definitions}
