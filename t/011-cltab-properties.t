#!/usr/bin/env python3
"""Properties of the parser: parsed, printed and parsed again is the same; nothing makes it raise but CltabError."""
import os
import sys
import tempfile

sys.path.insert(0, sys.path[0] + "/lib")
import tap

# Hypothesis keeps what it has learnt in the current folder, unless it is told of another, before it is imported
folder = tempfile.TemporaryDirectory(prefix="clinit-t-")
tap.cleanup(folder.cleanup)
os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder.name

import fake     # noqa: F401  finds the library
from clinit import cltab, rules
from clinit.errors import CltabError
from hypothesis import HealthCheck, given, settings, strategies as st
from tap import done, limit, note, ok

limit(600)
NAMES = st.from_regex(r"[A-Za-z0-9_.@%+][A-Za-z0-9_.@%+-]{0,63}", fullmatch=True)
LEVELS = st.one_of(NAMES, st.lists(NAMES, min_size=1, max_size=4).map(lambda parts: ",".join(parts) + ","))
COMMANDS = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1).filter(
    lambda text: not text.endswith("\\"))
ENTRIES = st.builds(cltab.Entry, NAMES, NAMES, LEVELS, st.sampled_from(("wait", "once", "respawn", "test", "off")), COMMANDS)
TABLES = st.lists(ENTRIES, max_size=8, unique_by=lambda entry: entry.tag)
# Text that is nearly a cltab: its pieces in any order find what random bytes do not
PIECES = st.sampled_from([b":", b"::", b":::", b"\n", b"\\\n", b"\\", b"#", b" ", b"\r\n", b"\0", b"\xff", b"\xc3", b"a", b"0", b",", b"-",
                          b"wait", b"respawn", b"test", b"off", b"initdefault", b"kill", b"TERM 10 KILL", b"KILL", b"respawn:1 2 3",
                          b"socket:/x", b"output:", b"nan", b"1e9", b"-1", b"x" * 65, "\u2028\u0085\u00e9".encode()])
COMMON = {"deadline": None, "database": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


def property_of(what, test, examples):
    try:
        settings(max_examples=examples, **COMMON)(test)()
    except BaseException as error:
        note(error)
        ok(False, what)
    else:
        ok(True, "%s (%d examples)" % (what, examples))


def parse(data):
    return cltab.parse(data, "F")


@given(TABLES)
def round_trip(entries):
    text = "".join(str(entry) + "\n" for entry in entries)
    table = parse(text.encode())
    found = [entry for group in table.groups.values() for entry in group]
    assert sorted(map(str, found)) == sorted(map(str, entries))
    assert all(entry.same(next(other for other in entries if other.tag == entry.tag)) for entry in found)
    assert table.owner == {entry.tag: entry.group for entry in entries}
    again = parse("".join(str(entry) + "\n" for entry in found).encode())
    assert not cltab.differ({e.tag: e for e in found}, {e.tag: e for group in again.groups.values() for e in group})


@given(st.one_of(st.binary(), st.lists(PIECES, max_size=30).map(b"".join)))
def nothing_else(data):
    cltab.top_settings(data)
    try:
        parse(data)
    except CltabError as error:
        assert error.lines and all(line.startswith("F:") and "\n" not in line for line in error.lines), error.lines


@given(TABLES, st.lists(PIECES, min_size=1, max_size=5).map(b"".join))
def whole_or_not(entries, junk):
    """An error anywhere: the file is refused whole; and a good line is never blamed."""
    good = [str(entry).encode() for entry in entries]
    try:
        parse(b"\n".join([*good, b"", junk]))
    except CltabError as error:
        lines = [int(line.split(":")[1]) for line in error.lines]
        assert all(number > len(good) for number in lines), error.lines


@given(LEVELS, NAMES)
def levels(field, level):
    """The rule of SPEC 1, said the other way round."""
    exact = field == level
    listed = "," in field and level in field.split(",")
    letter = "," not in field and any(char == level for char in field)
    assert rules.in_level(field, level) == (exact or listed or letter)


property_of("parsed, printed, parsed again: the same", round_trip, 300)
property_of("nothing makes it raise but CltabError, each line FILE:LINE", nothing_else, 3000)
property_of("refused whole, and no good line is blamed", whole_or_not, 500)
property_of("levels", levels, 1000)
done()
