"""The file of the cltab: read whole, and only where it can be trusted (SPEC 1)."""
from __future__ import annotations

import os
import stat

from . import cltab as tables
from . import errors, paths
from .cltab import Cltab


def read(path: str) -> bytes:
    """The bytes of the cltab at PATH. Raises CltabError where it cannot be read, or not be trusted (SPEC 1)."""
    try:
        with open(path, "rb", opener=paths.without_waiting) as file:
            wrong = _distrust(os.fstat(file.fileno()))
            if not wrong:
                return file.read(tables.MAX_BYTES + 1)
    except OSError as error:
        wrong = "cannot be read: %s" % error.strerror
    raise errors.CltabError(["%s: %s" % (path, wrong)])


def _distrust(facts: os.stat_result) -> str:
    """What speaks against taking a cltab with these FACTS; "" for nothing."""
    if not stat.S_ISREG(facts.st_mode):
        return "not a regular file"
    if os.getuid() == 0 and facts.st_uid != 0:
        return "refused: owned by uid %d, not by root" % facts.st_uid
    if os.getuid() == 0 and facts.st_mode & 0o022:
        return "refused: writable by others than its owner"
    return ""


def load(path: str) -> tuple[bytes, Cltab]:
    """The bytes of the cltab at PATH, and what they say. Raises CltabError."""
    data = read(path)
    return data, tables.parse(data, path)


def salvage(path: str) -> tuple[bytes, Cltab]:
    """What can be had of a cltab at PATH that is bad: no entries, but where the socket and the status file are."""
    table = Cltab()
    table.top = paths.peek(path)
    return b"", table
