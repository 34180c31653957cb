"""The record splitter: every non-blank line comes out once, whatever the file holds."""

import gzip
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revlayer.importing import ImportProblem
from revlayer.importing.records import Record, RecordReader

LIMIT = 2000


def read(path: Path, content: bytes, encoding: str = "utf-8", limit: int = LIMIT) -> list[Record]:
    path.write_bytes(content)
    with RecordReader(path, encoding, ",", limit) as reader:
        return [record for block in reader for record in block]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.csv"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\n1,2\n3,4\n", [(2, ["1", "2"]), (3, ["3", "4"])]),
        (b"a,b\r\n1,2\r\n3,4", [(2, ["1", "2"]), (3, ["3", "4"])]),
        (b'\xef\xbb\xbf"a",b\n1,2\n', [(2, ["1", "2"])]),
        (b'a,b\n1,"two\nlines, one field"\n3,4\n', [(2, ["1", "two\nlines, one field"]), (4, ["3", "4"])]),
        (b"a,b\n\n1,2\n\n\n3,4\n", [(3, ["1", "2"]), (6, ["3", "4"])]),
        (b"a,b\n", []),
        ("a,b\n1,\u2028x\x0b\n2,y\n".encode(), [(2, ["1", "\u2028x\x0b"]), (3, ["2", "y"])]),
    ],
    ids=["plain", "crlf", "byte order mark", "embedded newline", "blank lines", "header only", "odd separators"],
)
def test_good_files(path, content, expected):
    records = read(path, content)
    assert [(r.line_number, r.fields) for r in records] == expected
    assert not any(r.problem for r in records)


@pytest.mark.parametrize(
    ("content", "line", "reason", "others"),
    [
        (b"a,b\n1,2,3\n4,5\n", 2, "3 fields, the header 2", [3]),
        (b"a,b\n1\n4,5\n", 2, "1 fields, the header 2", [3]),
        (b"a,b\n1,\xff2\n4,5\n", 2, "byte 3 of the line is not utf-8", [3]),
        (b"a,b\n1,\x002\n4,5\n", 2, "NUL", [3]),
        (b"a,b\n1," + b"x" * 5000 + b"\n4,5\n", 2, "5003 bytes long; the limit is 2000", [3]),
        (b'a,b\n1,"open\n4,5\n6,7\n', 2, "a quote opens in this line and is not closed", [3, 4]),
        (b'a,b\n1,"open\n' + b"4,5\n" * 800, 2, "a quote opens", list(range(3, 803))),
        (b'a,b\n1,"open\n2,\xff"\n4,5\n', 2, "a quote opens", [4]),
        (b'a,b\n1,"x"y\n4,5\n', 2, "not readable as CSV", [3]),
        (b"a,b\n1,x\ry\n4,5\n", 2, "not readable as CSV", [3]),
    ],
    ids=[
        "too many fields", "too few fields", "encoding", "NUL", "long line", "open quote to the end",
        "open quote past the limit", "open quote into a bad line", "text after a quote", "bare return",
    ],
)  # fmt: skip
def test_bad_rows_are_rejected_and_the_rest_goes_on(path, content, line, reason, others):
    records = read(path, content)
    bad = next(r for r in records if r.problem)
    assert bad.line_number == line
    assert reason in bad.problem
    assert [r.line_number for r in records if not r.problem] == others


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (b"", "utf-8", "is empty"),
        (b"\n", "utf-8", "does not begin with a header"),
        ("a,b\n1,2\n".encode("utf-16"), "utf-8", "UTF-16"),
        (b"a,\xff\n1,2\n", "utf-8", "not utf-8"),
        (b"a,b\n1,2\n", "klingon", "no encoding"),
        (b"a,b\n1,2\n", "utf-16", "is not read"),
        (b"x" * 5000, "utf-8", "the limit is"),
        (b'"a,b\n1,2\n', "utf-8", "header"),
    ],
)
def test_files_that_cannot_be_read_say_what_to_do(path, content, encoding, message):
    with pytest.raises(ImportProblem, match=message):
        read(path, content, encoding)


def test_declared_encoding_and_gzip(tmp_path):
    packed = tmp_path / "x.csv.gz"
    records = read(packed, gzip.compress("a,b\nMünchen,€\n".encode("cp1252")), "cp1252")
    assert records[0].fields == ["München", "€"]


def test_a_line_of_100_megabytes_takes_little_memory(path):
    with path.open("wb") as file:
        file.write(b"a,b\n1,2\n3,")
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\n5,6\n")
    tracemalloc.start()
    with RecordReader(path, "utf-8", ",", 1_048_576) as reader:
        records = [record for block in reader for record in block]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [bool(r.problem) for r in records] == [False, True, False]
    assert peak < 20_000_000


@settings(max_examples=200, deadline=None)
@given(
    body=st.text(alphabet=st.sampled_from('ab,"\n\r\0é\u2028 1'), max_size=200),
    limit=st.sampled_from([8, 30, 5000]),
    broken=st.lists(st.integers(0, 200), max_size=3),
)
def test_no_line_is_lost_and_none_comes_twice(tmp_path_factory, body, limit, broken):
    raw = bytearray(body.encode())
    for place in broken:
        raw[place:place] = b"\xff"
    records = read(tmp_path_factory.mktemp("dirt") / "x.csv", b"a,b\n" + bytes(raw), limit=limit)
    lines = bytes(raw).split(b"\n")
    numbers = [r.line_number for r in records]
    assert numbers == sorted(set(numbers))
    seen = set(numbers)
    for record in (r for r in records if not r.problem):
        extra = sum(field.count("\n") for field in record.fields)
        seen.update(range(record.line_number, record.line_number + extra + 1))
    filled = {number for number, line in enumerate(lines, start=2) if line.strip(b"\r")}
    # Only ragged rows may span lines without showing how many.
    spanning = any(r.problem and "\n" in "".join(r.fields) for r in records)
    assert filled <= seen or spanning
