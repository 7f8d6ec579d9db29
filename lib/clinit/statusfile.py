"""The status file: written whole, under a temporary name, then renamed; so nobody ever reads half of it (SPEC 9)."""
from __future__ import annotations

import errno
import os
import stat

from . import members, statusline
from .paths import without_waiting

MAX_BYTES = 64 << 20    # what a reader takes at most


def write(path: str, text: str) -> None:
    """Put a file with TEXT in the place of PATH. Raises OSError; then PATH is as it was."""
    new = path + ".new"
    try:
        os.unlink(new)
    except FileNotFoundError:
        pass
    # O_EXCL: a link that somebody planted at this name is not followed
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        with open(descriptor, "wb", buffering=0) as file:
            os.fchmod(descriptor, 0o644)    # for everybody to read, whatever the umask
            data = memoryview(text.encode("utf-8", "surrogateescape"))
            while data:
                data = data[file.write(data):]
        os.rename(new, path)
    except OSError:
        os.unlink(new)
        raise


def read(path: str) -> str:
    """The text of PATH. Raises OSError."""
    with open(path, "rb", opener=without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(MAX_BYTES).decode("utf-8", "replace")


def remove(path: str) -> None:
    """Remove PATH, if it is there."""
    try:
        os.unlink(path)
    except OSError:
        pass


# Whose file it is ------------------------------------------------------------------------------------

def here() -> dict[str, str]:
    """What tells this host, this boot and this pid namespace from others: for the Daemon line.

    Empty words where the system has no such thing. Raises OSError where it cannot be read now.
    """
    return {"boot": _boot(), "pidns": _pidns(), "host": os.uname().nodename}


def is_stale(daemon: dict[str, str]) -> bool:
    """Whether the clinitd of a status file is dead; DAEMON: the pairs of its Daemon line.

    Where that cannot be told, because it is another host's or another pid namespace's, it is not dead (SPEC 9).
    """
    try:
        mine = here()
    except OSError:
        return False
    if daemon.get("host") != mine["host"]:
        return False
    if daemon.get("boot", "") != mine["boot"]:      # "": there is no such thing here
        return True
    pid = statusline.number(daemon, "pid", digits=9)
    if daemon.get("pidns", "") != mine["pidns"] or not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    start = members.start_time(pid)     # 0: hidden from us
    return start != 0 and str(start) != daemon.get("start")


def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def _pidns() -> str:
    """The number of the pid namespace, which may be given again, and when its first process began."""
    try:
        number = os.stat("/proc/self/ns/pid").st_ino
    except FileNotFoundError:
        return ""
    first = members.stat(1)
    return "%d.%d" % (number, first.start) if first else str(number)
