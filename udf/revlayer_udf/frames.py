"""Arrow in and out of PostgreSQL over one connection: COPY as CSV, parsed and written by pyarrow.

Types on the way out follow the query's own description, never a guess from the values:

===================================  =========================
PostgreSQL                           Arrow
===================================  =========================
text, varchar, char, name            string
uuid, json, jsonb                    string (their text)
smallint, integer, bigint, oid       int64
real, double precision, numeric      double (numeric is rounded to the nearest double)
boolean                              bool
date                                 date32
timestamp with time zone             timestamp[us, UTC]
timestamp without time zone          timestamp[us]
===================================  =========================

Null and the empty string stay apart: COPY writes null as nothing and the empty string in quotes.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, LiteralString

import psycopg
import pyarrow as pa
import pyarrow.csv as pacsv
from psycopg import sql

from revlayer_udf.errors import FrameError

Query = sql.SQL | sql.Composed | LiteralString
Params = Sequence[Any] | Mapping[str, Any] | None

BATCH_ROWS = 65_536

_ARROW_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "uuid", "json", "jsonb"), pa.string()),
    **dict.fromkeys(("int2", "int4", "int8", "oid"), pa.int64()),
    **dict.fromkeys(("float4", "float8", "numeric"), pa.float64()),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "timestamp": pa.timestamp("us"),
}


def read_schema(conn: psycopg.Connection, query: Query, params: Params = None) -> pa.Schema:
    """Return the Arrow schema of a query's result without running it.

    Raises:
        FrameError: a column has a type outside the table above, or two columns share a name.
    """
    return _describe(conn, _bind(conn, query, params))


def read_batches(
    conn: psycopg.Connection, query: Query, params: Params = None, batch_rows: int = BATCH_ROWS
) -> Generator[pa.RecordBatch]:
    """Stream a query's result.

    The connection is busy until the iterator is exhausted or closed. Memory holds one batch.

    Args:
        query: a select; ``%s`` and ``%(name)s`` stand for parameters when ``params`` is given.
        params: values, bound as literals, since COPY takes no parameters.
        batch_rows: rows of every batch but the last.

    Yields:
        Batches of ``batch_rows`` rows; none for an empty result.

    Raises:
        FrameError: see ``read_schema``; or a value outside Arrow's range, such as the date infinity.
    """
    bound = _bind(conn, query, params)
    schema = _describe(conn, bound)
    statement = sql.SQL("copy ({}\n) to stdout (format csv, encoding 'UTF8')").format(bound)
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        # The server sends one message per row, so a slice of messages is a slice of rows.
        rows = iter(copy)
        while block := b"".join(islice(rows, batch_rows)):
            yield _parse(block, schema)


def read_table(conn: psycopg.Connection, query: Query, params: Params = None) -> pa.Table:
    """Read a query's whole result; see ``read_batches``."""
    schema = read_schema(conn, query, params)
    return pa.Table.from_batches(read_batches(conn, query, params), schema=schema)


def copy_in(
    conn: psycopg.Connection,
    table: sql.Identifier | sql.Composed,
    data: pa.Table | pa.RecordBatch | Iterable[pa.RecordBatch],
) -> int:
    """Append rows to a table, matching columns by name. Commits nothing.

    Args:
        table: such as ``sql.Identifier("raw", "deals")``.
        data: batches of one schema; columns the table has and the data lack take their default.

    Returns:
        Number of rows written.

    Raises:
        FrameError: a column of the data is nested or binary.
        psycopg.Error: the table refuses a value.
    """
    batches = _as_batches(data)
    first = next(batches, None)
    if first is None:
        return 0
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in first.schema.names)
    statement = sql.SQL("copy {} ({}) from stdin (format csv, encoding 'UTF8')").format(table, columns)
    with conn.cursor() as cursor:
        with cursor.copy(statement) as copy:
            copy.write(_render(first))
            for batch in batches:
                if batch.schema.names != first.schema.names:
                    raise FrameError(f"batches differ: {batch.schema.names} after {first.schema.names}")
                copy.write(_render(batch))
        return cursor.rowcount


def _bind(conn: psycopg.Connection, query: Query, params: Params) -> sql.SQL:
    text = psycopg.ClientCursor(conn).mogrify(query, params).strip().rstrip(";")
    # mogrify quoted the parameters; the rest is the caller's own composed query.
    return sql.SQL(text)


def _describe(conn: psycopg.Connection, bound: sql.SQL) -> pa.Schema:
    date_style = conn.info.parameter_status("DateStyle") or ""
    if not date_style.startswith("ISO"):
        raise FrameError(f"the connection's DateStyle is {date_style}", "Run on it: set datestyle to ISO")
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL("select * from ({}\n) as described limit 0").format(bound))
        columns = cursor.description or []
    fields = [pa.field(column.name, _arrow_type(column)) for column in columns]
    names = [field.name for field in fields]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated or not names:
        raise FrameError(f"the query returns twice: {', '.join(repeated)}" if names else "no columns")
    return pa.schema(fields)


def _arrow_type(column: psycopg.Column) -> pa.DataType:
    known = psycopg.adapters.types.get(column.type_code)
    name = known.name if known and column.type_code == known.oid else None
    if name not in _ARROW_TYPES:
        raise FrameError(
            f"column {column.name} has type {column.type_display}, which has no Arrow type here",
            "Cast it in the query, for example to text.",
        )
    return _ARROW_TYPES[name]


def _parse(block: bytes, schema: pa.Schema) -> pa.RecordBatch:
    try:
        table = pacsv.read_csv(
            pa.BufferReader(block),
            read_options=pacsv.ReadOptions(column_names=schema.names),
            parse_options=pacsv.ParseOptions(
                newlines_in_values=any(pa.types.is_string(kind) for kind in schema.types),
                ignore_empty_lines=False,  # a null in a query of one column
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=schema,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            ),
        )
    except pa.ArrowInvalid as error:
        raise FrameError(
            f"a value of columns {', '.join(schema.names)} has no Arrow form: {error}",
            "Arrow holds no infinite or BC dates: replace them in the query.",
        ) from None
    return table.combine_chunks().to_batches()[0]


def _as_batches(data: pa.Table | pa.RecordBatch | Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    if isinstance(data, pa.RecordBatch):
        return iter((data,))
    if isinstance(data, pa.Table):
        return iter(data.to_batches(max_chunksize=BATCH_ROWS))
    return iter(data)


def _render(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    options = pacsv.WriteOptions(include_header=False, quoting_style="needed")
    pacsv.write_csv(_plain(batch), sink, options)
    return sink.getvalue().to_pybytes()


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Decode dictionaries and refuse what CSV cannot carry."""
    columns = []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_dictionary(field.type):
            column = column.dictionary_decode()
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
            raise FrameError(f"column {field.name} has type {field.type}, which COPY as CSV cannot carry")
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
