"""Statements: the document by itself and within in-toto's envelope are the same, and canonical."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from repave.model.names import Digest
from repave.model.statement import CYCLONEDX, Statement, canonical

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)
DOCUMENTS = st.dictionaries(TEXT, PLAIN, max_size=4)
DIGEST = Digest(f"sha256:{'a' * 64}")


@settings(max_examples=200)
@given(DOCUMENTS, TEXT)
def test_a_statement_holds_its_document_and_is_canonical(document: dict[str, object], name: str) -> None:
    """Whatever document and name: in-toto's statement reads back as both, and is written as canonical JSON is."""
    statement = Statement(
        subject=DIGEST, name=name, predicate_type=CYCLONEDX, media_type="text/json", document=canonical(document)
    )
    read = json.loads(statement.in_toto)
    assert read == {
        "_type": "https://in-toto.io/Statement/v1",
        "predicate": document,
        "predicateType": CYCLONEDX,
        "subject": [{"name": name, "digest": {"sha256": "a" * 64}}],
    }
    assert canonical(read) == statement.in_toto
