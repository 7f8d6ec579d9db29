"""The log: a line per event, to stderr, to a file, or to syslog (SPEC 7)."""
from __future__ import annotations

import os
import time

from .loop import can_write

PREFIX = "clinitd: "


def close(descriptor: int) -> None:
    """Close DESCRIPTOR. An error of close(2) is of what was written before, on a network file system; it is closed."""
    try:
        os.close(descriptor)
    except OSError:
        pass


def open_append(path: bytes, mode: int = 0o644) -> int:
    """Open the log file PATH, of MODE if it is new, to append to; returns the descriptor. Raises OSError."""
    # Nothing is followed that somebody planted, and a pipe that nobody reads does not block the open
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, flags, mode)
    os.set_blocking(descriptor, True)
    return descriptor


class Log:
    """Where the lines go: `to` is "" for stderr, "syslog", or the path of a file.

    A line that cannot be written at once is lost: a full disk, or a reader that is gone or does not read,
    must not stop the daemon.
    """

    def __init__(self) -> None:
        self.to = ""
        self._descriptor = 2

    def move(self, to: str) -> None:
        """Log to TO from now on, opened afresh. Raises OSError; then it goes on where it was."""
        descriptor = 2
        if to == "syslog":
            import syslog
            syslog.openlog("clinitd", syslog.LOG_PID, syslog.LOG_DAEMON)
        elif to:
            descriptor = open_append(to.encode(), 0o640)
        if self._descriptor != 2:
            close(self._descriptor)
        self.to, self._descriptor = to, descriptor

    def say(self, text: str) -> None:
        """Log TEXT, one line."""
        if self.to == "syslog":
            import syslog
            syslog.syslog(syslog.LOG_NOTICE, text)
            return
        line = PREFIX + text + "\n"
        if self.to:
            self._follow()
            line = time.strftime("%Y-%m-%d %H:%M:%S ") + line
        try:
            if not can_write(self._descriptor):
                return
            data = line.encode("utf-8", "surrogateescape")
            written = os.write(self._descriptor, data)
            if written < len(data) and self.to:     # a full disk: rather no line than half a line
                os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
        except OSError:
            pass

    def _follow(self) -> None:
        """Open the file again, if another lies at its path now or none: it was rotated."""
        try:
            mine, there = os.fstat(self._descriptor), os.stat(self.to)
            if (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino):
                return
        except OSError:
            pass
        try:
            self.move(self.to)
        except OSError:
            pass
