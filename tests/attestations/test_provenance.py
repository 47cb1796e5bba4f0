"""Provenance: read by the attestation project's own types, complete, and the same for the same lock."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from documented import ARTIFACT, LOCK, Shelf
from google.protobuf.json_format import Parse, ParseDict
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement as InToto
from in_toto_attestation.v1.statement_pb2 import Statement as Message

from repave.attestations.provenance import BakeProvenance
from repave.model.statement import PROVENANCE, STATEMENT_MEDIA_TYPE, Statement, canonical

RECIPE: Mapping[str, object] = {"packages": ["python3"], "run": ["python3", "app.py"], "user": "nobody"}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An image of a Debian package, a wheel and a file."""
    shelf = Shelf(tmp_path)
    shelf.deb("thing")
    shelf.wheel("app", "License: MIT")
    shelf.file("/srv/app/app.py", b"print('hello')\n")
    return shelf


def told(shelf: Shelf, version: str = "1.2.3") -> Statement:
    """What repave says of how the image was made."""
    return BakeProvenance(version=version).provenance(shelf.made(), RECIPE)


def test_the_attestation_projects_own_types_read_it(shelf: Shelf) -> None:
    """No key is unknown to in-toto's statement or SLSA's provenance, nothing required is missing."""
    statement = told(shelf)
    message = Message()
    Parse(statement.in_toto, message)
    InToto.copy_from_pb(message).validate()
    assert (message.predicate_type, message.subject[0].digest["sha256"]) == (PROVENANCE, ARTIFACT[7:])
    provenance = Provenance()
    ParseDict(json.loads(statement.document), provenance)
    assert provenance.build_definition.build_type == "urn:repave:bake:v1"
    assert provenance.run_details.builder.id == "urn:repave:local"
    for dependency in provenance.build_definition.resolved_dependencies:
        ResourceDescriptor.copy_from_pb(dependency).validate()
        assert dependency.digest["sha256"]


def test_every_byte_that_went_in_is_named(shelf: Shelf) -> None:
    """The lock, the packages with their origins, the files; and what somebody asked for."""
    definition = json.loads(told(shelf).document)["buildDefinition"]
    assert definition["externalParameters"] == {
        "project": "shop",
        "image": "web",
        "lock": {"digest": {"sha256": LOCK[7:]}},
        "recipe": RECIPE,
    }
    assert definition["internalParameters"] == {"repave": "1.2.3"}
    dependencies = definition["resolvedDependencies"]
    assert dependencies[0] == {"name": "repave.lock", "digest": {"sha256": LOCK[7:]}}
    assert {(one["uri"], one["digest"]["sha256"]) for one in dependencies if "uri" in one} == {
        (package.origin, package.sha256) for package in shelf.packages
    }
    assert dependencies[-1] == {
        "name": "/srv/app/app.py",
        "digest": {"sha256": shelf.files[0].sha256},
        "annotations": {"origin": shelf.files[0].origin},
    }


def test_what_another_image_is_made_of_is_not_named(shelf: Shelf) -> None:
    """A lock holds all images, a statement speaks of one."""
    before = told(shelf)
    shelf.packages.append(replace(shelf.packages[0], images=(), name="other"))
    assert told(shelf) == before


def test_the_same_lock_gives_the_same_statement(shelf: Shelf) -> None:
    """However it is ordered; another version of repave is another builder."""
    statement = told(shelf)
    assert canonical(json.loads(statement.in_toto)) == statement.in_toto
    assert (statement.media_type, statement.alone) == (STATEMENT_MEDIA_TYPE, statement.in_toto)
    shelf.packages.reverse()
    assert told(shelf) == statement
    assert told(shelf, "1.2.4") != statement
