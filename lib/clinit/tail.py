"""The last lines of a file that somebody else writes: bounded, without waiting, harmless to a terminal."""
from __future__ import annotations

import errno
import os
import stat

from .paths import without_waiting
from .statusline import plain

MOST_BYTES = 4096


def last_lines(path: str, count: int) -> list[str]:
    """The last COUNT lines of PATH, of MOST_BYTES at most. Raises OSError; also where it is no regular file."""
    if "\0" in path:
        raise OSError(errno.EINVAL, "no name of a file")
    _demand_regular(os.stat(path))      # to open a device may do something by itself
    with open(path, "rb", buffering=0, opener=without_waiting) as file:
        facts = os.fstat(file.fileno())
        _demand_regular(facts)          # still: it is somebody else's
        file.seek(max(0, facts.st_size - MOST_BYTES))
        text = file.read(MOST_BYTES).decode("utf-8", "replace")
    return [plain(line.expandtabs()) for line in text.rstrip().split("\n")[-count:] if text.strip()]


def _demand_regular(facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
