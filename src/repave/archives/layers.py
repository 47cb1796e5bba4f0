"""How layers of images are compressed, by what a manifest says of them."""

from repave.archives.compression import Compression
from repave.model.artifact import GZIPPED_LAYERS, PLAIN_LAYERS, ZSTD_LAYERS

COMPRESSIONS = {
    **dict.fromkeys(PLAIN_LAYERS, Compression.NONE),
    **dict.fromkeys(GZIPPED_LAYERS, Compression.GZIP),
    **dict.fromkeys(ZSTD_LAYERS, Compression.ZSTD),
}
"""By media type; layers of others are not read."""

HINT = "store layers as tar: plain, or compressed by gzip or zstd"
