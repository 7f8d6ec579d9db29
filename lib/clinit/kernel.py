"""The kernel: starts processes, signals them, reaps them. Sole owner of pids and of the clock.

Nothing is signalled but what is known to be alive and ours: a pid is forgotten when it is reaped. What is
left of a process group after that is signalled one by one, for the number of the group may be given again.
"""
from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from . import members, spawn
from .cltab import Entry
from .init import Event
from .log import open_append

REST_POLL = 0.05    # seconds between two looks whether the rest of a process group is gone

# What a process must not inherit: it is meant for clinitd itself (sd_notify(3), sd_listen_fds(3)), or told anew.
FOREIGN = (b"NOTIFY_SOCKET", b"WATCHDOG_", b"LISTEN_", b"CLINIT_")


def clock() -> float:
    """Seconds on the clock that never steps: all deadlines are on it."""
    return time.monotonic()


def epoch() -> float:
    """The seconds to add to clock() to get the wall clock, for what people read."""
    return time.time() - time.monotonic()


class Child:
    """A process that was started.

    rest: once it is reaped, what its process group held when last seen, as (pid, start time).
    """
    __slots__ = ("name", "pid", "start", "reaped", "rest")

    def __init__(self, name: str, pid: int) -> None:
        self.name = name
        self.pid = pid
        self.start = members.start_time(pid)
        self.reaped = False
        self.rest: list[tuple[int, int]] = []


class Kernel:
    """Made when the handlers of signals are in their place.

    children: {pid: Child} not reaped yet; by_name: those and the reaped ones of which a rest is left;
    rests: those of them whose end is awaited.
    """

    def __init__(self, cltab: str, log: Callable[[str], None]) -> None:
        self.cltab = cltab
        self.socket = ""
        self.log = log
        self.children: dict[int, Child] = {}
        self.by_name: dict[str, Child] = {}
        self.rests: dict[str, Child] = {}
        self._null = os.open(os.devnull, os.O_RDWR)
        self._run = os.urandom(6).hex()
        self._count = 0
        self._special = spawn.special_signals()
        self._environ = {name: value for name, value in os.environb.items() if name and not name.startswith(FOREIGN)}
        self._seen: dict[int, list[tuple[int, int]]] | None = None

    # Actions of the heart: each returns the event that follows at once, or None

    def spawn(self, entry: Entry, level: str, previous: str) -> Event | None:
        """Start ENTRY's process, for LEVEL after PREVIOUS."""
        self._count += 1
        run = "%s.%d" % (self._run, self._count)
        output = self._open_output(entry)
        try:
            pid = spawn.spawn(spawn.words(entry.command), self._environment(entry, level, previous, run),
                              self._null, output, self._special)
        except spawn.CannotExecute as error:
            return "unstartable", entry.name, error.code, str(error)
        except OSError as error:
            return "refused", entry.name, "cannot start a process: %s" % error.strerror
        finally:
            if output is not None:
                os.close(output)
        child = self.children[pid] = self.by_name[entry.name] = Child(entry.name, pid)
        return "started", entry.name, {"pid": str(pid), "start": str(child.start), "run": run}

    def _environment(self, entry: Entry, level: str, previous: str, run: str) -> dict[bytes, bytes]:
        told = {"GROUP": entry.group, "TAG": entry.tag, "LEVEL": level, "PREVLEVEL": previous,
                "CLTAB": self.cltab, "SOCKET": self.socket, "RUN": run}
        environ = self._environ.copy()
        environ.update((b"CLINIT_" + name.encode(), os.fsencode(value)) for name, value in told.items())
        return environ

    def _open_output(self, entry: Entry) -> int | None:
        """The file of the `output` setting, open for appending; its folder is made if need be.

        None, for clinitd's own stdout and stderr, without that setting, and also where the file cannot be
        had: a service is worth more than its log.
        """
        folder = entry.settings.output
        if folder is None:
            return None
        path = os.path.join(folder.encode(), entry.name.encode() + b".log")
        try:
            try:
                return open_append(path)
            except FileNotFoundError:
                os.makedirs(folder.encode(), 0o755, exist_ok=True)
                return open_append(path)
        except OSError as error:
            self.log("%s: cannot open %s: %s" % (entry.name, os.fsdecode(error.filename or path), error.strerror))
            return None

    def signal(self, name: str, what: str) -> None:
        """Send the signal WHAT, without its SIG, to all that is left of the process NAME."""
        child = self.by_name.get(name)
        if child is None:
            return
        number = getattr(signal, "SIG" + what)
        self._send(child, number)
        if number != signal.SIGKILL:
            self._send(child, signal.SIGCONT)   # what is stopped could not act on it

    def _send(self, child: Child, number: int) -> None:
        if not child.reaped:
            try:
                os.killpg(child.pid, number)
            except OSError:
                pass    # it is a zombie already, or has another uid: its end or the ladder will tell
            return
        try:
            child.rest = self._group(child)
            for pid, start in child.rest:
                members.send(pid, start, number)
        except OSError as error:
            self.log("%s: cannot look for the rest of it: %s" % (child.name, error.strerror))

    def await_rest(self, name: str) -> None:
        """Report when what the reaped process NAME has left is gone."""
        self.rests[name] = self.by_name[name]

    def forget(self, name: str) -> None:
        """What the reaped process NAME has left is not ours."""
        del self.by_name[name]

    # What the world did

    def reap(self) -> list[Event]:
        """Reap all that exited; returns the events."""
        events: list[Event] = []
        self._seen = None
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return events
            if pid == 0:
                return events
            child = self.children.pop(pid, None)
            if child is not None:
                events.append(("exited", child.name, _last(status), self._leaves_rest(child)))

    def _leaves_rest(self, child: Child) -> bool:
        """Whether others of the process group of CHILD, just reaped, live on; if not it is forgotten."""
        # While a group has members its number is not given again; so this one call tells, at once after reaping
        child.reaped = True
        if _is_group(child.pid) and self._lives(child):
            return True
        del self.by_name[child.name]
        return False

    def look(self) -> list[Event]:
        """See whether the rests of process groups are gone; returns the events."""
        self._seen = None
        return [("gone", name) for name, child in list(self.rests.items()) if self._is_gone(child)]

    def _is_gone(self, child: Child) -> bool:
        if _is_group(child.pid) and self._lives(child):
            return False
        del self.rests[child.name]
        self.forget(child.name)
        return True

    def _lives(self, child: Child) -> bool:
        """Whether anything but zombies is in the process group of CHILD; where that cannot be told it is."""
        try:
            if not any(members.lives(pid, start) for pid, start in child.rest):
                child.rest = self._group(child)     # others may have joined
        except OSError:
            return True
        return bool(child.rest)

    def _group(self, child: Child) -> list[tuple[int, int]]:
        """What lives in the process group of CHILD; one pass over /proc serves all that ask in one moment."""
        if self._seen is None:
            self._seen = members.groups()
        found = self._seen.get(child.pid, [])
        if any(pid == child.pid for pid, _ in found):   # its leader is reaped: this is a stranger's, of the same number
            return []
        return [(pid, start) for pid, start in found if start >= child.start]


def _is_group(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _last(status: int) -> str:
    """A wait status as the heart knows it: exit:N or signal:NAME."""
    if os.WIFEXITED(status):
        return "exit:%d" % os.WEXITSTATUS(status)
    number = os.WTERMSIG(status)
    try:
        return "signal:" + signal.Signals(number).name[3:]
    except ValueError:      # a real-time signal has no name
        return "signal:%d" % number
