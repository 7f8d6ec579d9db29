"""Who belongs to a process, by /proc, and signalling them one by one.

A pid is given again to a stranger some day, so one is always named together with its start time, in clock
ticks since boot: field 22 of /proc/PID/stat, proc(5). Where there is no /proc nobody is found.
"""
from __future__ import annotations

import os
import signal


def stat(pid: int) -> tuple[str, int, int] | None:
    """(state, process group, start time) of PID; None where there is no such process, or it is hidden from us.

    Raises OSError where the system has no descriptor or memory for the question.
    """
    try:
        descriptor = os.open("/proc/%d/stat" % pid, os.O_RDONLY)
    except (FileNotFoundError, PermissionError):
        return None
    try:
        data = os.read(descriptor, 1024)
    except ProcessLookupError:      # it was reaped meanwhile
        return None
    finally:
        os.close(descriptor)
    # The name, in parentheses, may hold anything, parentheses too
    fields = data[data.rindex(b")") + 2:].split()
    return fields[0].decode(), int(fields[2]), int(fields[19])


def start_time(pid: int) -> int:
    """When PID began, in clock ticks since boot; 0 where that cannot be told."""
    try:
        found = stat(pid)
    except OSError:
        return 0
    return found[2] if found else 0


def lives(pid: int, start: int) -> bool:
    """Whether PID is still the process that began at START, and no zombie. Raises OSError as stat() does."""
    found = stat(pid)
    return found is not None and found[2] == start and found[0] not in "ZX"


def groups() -> dict[int, list[tuple[int, int]]]:
    """{process group: [(pid, start time)]} of all that lives, by one pass over /proc. Raises OSError as stat() does."""
    found: dict[int, list[tuple[int, int]]] = {}
    try:
        names = os.listdir("/proc")
    except FileNotFoundError:
        return found
    for name in names:
        if name.isdigit():
            facts = stat(int(name))
            if facts and facts[0] not in "ZX":
                found.setdefault(facts[1], []).append((int(name), facts[2]))
    return found


def send(pid: int, start: int, number: int) -> None:
    """Send signal NUMBER to the process PID that began at START, and to no other; nothing if it is gone.

    Raises OSError as stat() does.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):
        # Gone; or a system that has no pidfds, or forbids them: the start time alone must do
        if lives(pid, start):
            _kill(pid, number)
        return
    try:
        # The descriptor holds the process: if it is the right one now it stays the right one
        if lives(pid, start):
            signal.pidfd_send_signal(descriptor, number)
    except (ProcessLookupError, PermissionError):
        pass
    finally:
        os.close(descriptor)


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        pass
