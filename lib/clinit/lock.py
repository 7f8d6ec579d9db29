"""The lock of a running clinitd: flock(2) on a file beside its socket (SPEC 5).

The file is never unlinked, so two that lock it lock the same file. Its descriptor is closed by exec, not by
fork: a successor cannot begin while a child of its predecessor is still on its way to its program.

The file holds the pid of who has the lock, then the path of its status file, then a line for each process that
was started since that was written: the process itself writes it, before its exec, or we do, before it begins and when
we know its pid. So a successor knows of each, at whatever moment we were killed.
"""
from __future__ import annotations

import fcntl
import os
import time

PATIENCE = 5.0      # seconds to wait for the children of a holder that is dead
PAUSE = 0.02
HEADER = b"%-15d\n"  # the pid, in as many bytes as any other
HEADER_SIZE = 16


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
            if _try(path, descriptor):
                return descriptor
            pid = _named(descriptor)
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if _alive(pid):
            raise Held(pid)
        time.sleep(PAUSE)
    raise Held(0)


def _try(path: str, descriptor: int) -> bool:
    """Lock DESCRIPTOR, just opened at PATH, in our name; whether that was possible. Raises OSError."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    if not is_at(path, descriptor):
        os.pwrite(descriptor, HEADER % 0, 0)    # somebody removed the file meanwhile; what we locked is not the lock
        return False
    os.fchmod(descriptor, 0o600)    # whatever the umask
    os.pwrite(descriptor, HEADER % os.getpid(), 0)
    return True


def note(descriptor: int, text: bytes, pid: int) -> None:
    """Write that a process has begun: TEXT and its PID; 0: it is about to. It never fails: a child calls it, too."""
    try:
        os.lseek(descriptor, 0, os.SEEK_END)
        os.write(descriptor, b"%s %d\n" % (text, pid))
    except OSError:
        pass    # a full disk: its mark tells


def left(descriptor: int) -> tuple[str, list[list[str]]]:
    """What an earlier holder has left: the path of its status file, or "", and the words of each note, oldest first.

    Nothing where others than we could have written it. Raises OSError.
    """
    facts = os.fstat(descriptor)
    if facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
        return "", []
    first, *lines = os.pread(descriptor, facts.st_size, HEADER_SIZE).split(b"\n")
    path = os.fsdecode(first) if lines and first.startswith(b"/") else ""
    return path, [line.decode("ascii", "replace").split() for line in ([] if path else [first]) + lines[:-1]]


def is_note(words: list[str]) -> bool:
    """Whether WORDS are those of a whole note: name, mark, mode, checksum, level, previous level or -, pid."""
    return len(words) == 7 and words[6].isdecimal()


def clear(descriptor: int, clstat: str) -> None:
    """Forget the notes: the status file CLSTAT says all that they do. Where it lies the lock says from now on.

    A lock that cannot be written keeps them, which does no harm.
    """
    first = os.fsencode(clstat) + b"\n"
    try:
        os.pwrite(descriptor, first, HEADER_SIZE)
        os.ftruncate(descriptor, HEADER_SIZE + len(first))
    except OSError:
        pass


def holder(path: str) -> int:
    """The pid of who has the lock at PATH, by their own word; 0 for nobody, as far as that can be told from here."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
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
    """Whether DESCRIPTOR is of the file that lies at PATH now. Raises OSError where that cannot be told."""
    try:
        there, mine = os.stat(path, follow_symlinks=False), os.fstat(descriptor)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)


def _named(descriptor: int) -> int:
    data = os.pread(descriptor, HEADER_SIZE, 0).strip()
    return int(data) if data.isdigit() and len(data) < 10 else 0


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
