"""Rows in and out of PostgreSQL as binary COPY, for the scoring job: no Python per value.

Where speed does not matter, ``revlayer_udf.frames`` knows more types.
"""

from revlayer_udf.copying.reading import BLOCK_ROWS, RawBlock, read_blocks
from revlayer_udf.copying.rows import Block, decode
from revlayer_udf.copying.selection import Selection
from revlayer_udf.copying.writing import RowWriter, encode

__all__ = ["BLOCK_ROWS", "Block", "RawBlock", "RowWriter", "Selection", "decode", "encode", "read_blocks"]
