"""A disk cut into pieces, each packed by itself: those that an earlier bake packed already are taken from there."""

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from repave.archives.compression import packed
from repave.bakers.disk.sparse import data_ranges
from repave.bakers.rootfs.cache import BakeCache, LayerRecord
from repave.bakers.rootfs.stack import inputs_of
from repave.model.lock import Layer
from repave.model.names import Digest
from repave.ports.disk_format import PIECE_TYPE, Piece
from repave.ports.registry import Registry

PIECE_BYTES = 16 << 20
"""Small enough that an application's change packs little anew, large enough that a disk has some dozens."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """One piece, and the blob that holds it packed."""

    piece: Piece
    record: LayerRecord
    cached: bool


def cut(disk: Path, *, cache: BakeCache, registry: Registry) -> tuple[Cut, ...]:
    """Every piece of a disk that is not all zeros, in order."""
    with disk.open("rb") as stream, ThreadPoolExecutor(os.cpu_count()) as pool:
        size = os.fstat(stream.fileno()).st_size
        found = pool.map(
            lambda offset: _cut(stream.fileno(), offset, min(PIECE_BYTES, size - offset), cache, registry),
            _offsets(stream.fileno(), size),
        )
        return tuple(one for one in found if one is not None)


def remember(cuts: Sequence[Cut], place: Path) -> None:
    """Keep in a file which pieces a disk has; it is whole or not there."""
    partial = place.with_suffix(".partial")
    partial.write_text(json.dumps([asdict(one.piece) for one in cuts]), encoding="ascii")
    partial.replace(place)


def remembered(place: Path, cache: BakeCache) -> tuple[Cut, ...] | None:
    """The pieces by such a file; None where there is none, or one of the pieces is not there any more."""
    try:
        said = json.loads(place.read_bytes())
    except FileNotFoundError:
        return None
    pieces = [Piece(offset=one["offset"], size=one["size"], digest=Digest(one["digest"])) for one in said]
    records = [(piece, cache.find(_inputs(piece.digest))) for piece in pieces]
    cuts = tuple(Cut(piece=piece, record=record, cached=True) for piece, record in records if record is not None)
    return cuts if len(cuts) == len(pieces) else None


def _inputs(digest: Digest) -> Digest:
    """What a packed piece is made of: its content."""
    return inputs_of(Layer.MACHINE, [], ["piece", digest])


def _offsets(handle: int, size: int) -> Iterator[int]:
    """Where pieces begin that hold any data."""
    last = -1
    for start, end in data_ranges(handle, size):
        for number in range(max(start // PIECE_BYTES, last + 1), (end - 1) // PIECE_BYTES + 1):
            last = number
            yield number * PIECE_BYTES


def _cut(handle: int, offset: int, size: int, cache: BakeCache, registry: Registry) -> Cut | None:
    content = os.pread(handle, size, offset)
    if not content.strip(b"\0"):
        return None
    digest = Digest(f"sha256:{sha256(content).hexdigest()}")
    inputs = _inputs(digest)
    record = cache.find(inputs)
    if record is None:
        work = cache.new_work() / "piece"
        work.write_bytes(packed(content))
        record = LayerRecord(
            layer=Layer.MACHINE,
            inputs=inputs,
            size_bytes=work.stat().st_size,
            digest=registry.adopt(work),
            skeleton=None,
            media_type=PIECE_TYPE,
            difference=digest,
        )
        cache.keep(record, tree=None)
        return Cut(piece=Piece(offset=offset, size=size, digest=digest), record=record, cached=False)
    return Cut(piece=Piece(offset=offset, size=size, digest=digest), record=record, cached=True)
