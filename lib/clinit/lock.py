"""The lock of a running clinitd: flock(2) on a file beside its socket (SPEC 5).

The file is never unlinked, so two that lock it lock the same file. Its descriptor is closed by exec, not by
fork: a successor cannot begin while a child of its predecessor is still on its way to its program.
"""
from __future__ import annotations

import fcntl
import os
import time

PATIENCE = 5.0      # seconds to wait for the children of a holder that is dead
PAUSE = 0.02


class Held(Exception):
    """Somebody has the lock; pid: who, by their own word, 0 where it is not known."""

    def __init__(self, pid: int) -> None:
        super().__init__(pid)
        self.pid = pid


def path_of(socket: str) -> str:
    """The lock's path, for the path of a SOCKET."""
    return socket + ".lock"


def take(path: str, patience: float) -> int:
    """Take the lock at PATH; returns the descriptor, to be kept open as long as it is to be held.

    patience: seconds to wait where its holder is dead. Raises Held, and OSError.
    """
    for _ in range(1 + int(patience / PAUSE)):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _named(descriptor)
            os.close(descriptor)
            if _alive(pid):
                raise Held(pid) from None
            time.sleep(PAUSE)
            continue
        if is_at(path, descriptor):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
            return descriptor
        os.close(descriptor)    # somebody removed the file meanwhile, what we locked is not the lock
    raise Held(0)


def holder(path: str) -> int:
    """The pid of who has the lock at PATH, by their own word; 0 for nobody, as far as that can be told from here."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return 0
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return 0
    except OSError:
        return _named(descriptor)
    finally:
        os.close(descriptor)


def is_at(path: str, descriptor: int) -> bool:
    """Whether DESCRIPTOR is of the file that lies at PATH now."""
    try:
        there, mine = os.stat(path, follow_symlinks=False), os.fstat(descriptor)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)


def _named(descriptor: int) -> int:
    data = os.pread(descriptor, 32, 0).strip()
    return int(data) if data.isdigit() else 0


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
