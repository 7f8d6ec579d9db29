"""Asking a clinitd: the connection, and the Python API's client (SPEC 10 and 11).

`_socket` is what the `socket` module wraps; it alone costs a fifth of the time to import.
"""
from __future__ import annotations

import os
import sys
import time

import _socket

from . import cltab as tables
from . import errors, paths, protocol, statusline

BACK_WITHIN = 5.0       # seconds for a clinitd that died to be back: inittab and systemd respawn it
RETRY = 0.02
OTHERS_WITHIN = 60      # seconds for another host to write its status anew, as clstat's -a

TYPE_CHECKING = False   # for type checkers it is True; typing itself costs too much to import
if TYPE_CHECKING:
    from . import record


class Connection:
    """A conversation with the clinitd that answers first of those at SOCKETS.

    deadline: on time.monotonic(), None for never. Raises NoDaemon, Denied, NotYet.
    """

    def __init__(self, sockets: list[str], deadline: float | None) -> None:
        self.deadline = deadline
        self.buffer = b""
        failures: list[errors.Error] = []
        for self.path in sockets:
            self.socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
            try:
                self._limit()
                self.socket.connect(os.fsencode(self.path))
                return
            except PermissionError:
                failures.append(errors.Denied("%s: not permitted" % self.path))
            except (_socket.timeout, BlockingIOError):      # the latter: so many wait already
                failures.append(_late())
            except OSError as error:
                failures.append(errors.NoDaemon("no clinitd answers at %s: %s" % (self.path, error.strerror or error)))
            self.socket.close()
        raise failures[0]

    def ask(self, warnings: list[str], *words: str) -> str:
        """Send the request WORDS; returns the text of the answer; its warnings are appended to WARNINGS.

        Raises the Error of the answer, NotYet when the deadline is over, NoDaemon when the daemon goes
        away before it has answered.
        """
        self._send(protocol.request(*words))
        lines: list[str] = []
        while True:
            line = self._line()
            if line is None:
                raise errors.NoDaemon("clinitd went away")
            last = protocol.last_line(line)
            if line.startswith("warning "):
                warnings.append(line[len("warning "):])
            elif last is None:
                lines.append(line)
            else:
                code, text = last
                if code and lines:
                    raise errors.CltabError([*lines, text])
                if code:
                    raise errors.by_code(code, text)
                return "\n".join([*lines, text] if text else lines)

    def peer(self) -> int:
        """The pid of the daemon; 0 where the system does not tell."""
        try:
            data = self.socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 4)
        except (OSError, AttributeError):
            return 0
        return int.from_bytes(data, sys.byteorder)

    def ended(self) -> None:
        """Wait until the daemon closes the connection. Raises NotYet."""
        while self._line() is not None:
            pass

    def _send(self, data: bytes) -> None:
        try:
            self._limit()
            self.socket.sendall(data)
        except _socket.timeout:
            raise _late() from None
        except OSError:
            pass    # it may have said why before it closed

    def _line(self) -> str | None:
        while b"\n" not in self.buffer:
            try:
                self._limit()
                data = self.socket.recv(65536)
            except _socket.timeout:
                raise _late() from None
            except OSError:
                data = b""
            if not data:
                return None
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode("utf-8", "surrogateescape")

    def _limit(self) -> None:
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise _socket.timeout
            self.socket.settimeout(left)

    def close(self) -> None:
        self.socket.close()


def _late() -> errors.NotYet:
    return errors.NotYet("not yet: the time given is over")


class Client:
    """Commands a clinitd and reads its status; `clinit.client()` makes one.

    cltab, socket, clstat: paths, each with the programs' default. timeout, everywhere: seconds, None for
    no limit. `warnings` holds what the daemon said of the cltab besides answering the last command.
    """

    def __init__(self, cltab: str | None = None, socket: str | None = None, clstat: str | None = None) -> None:
        self.paths = paths.for_client(cltab, socket, clstat)
        self.warnings: list[str] = []

    def tell(self, group: str, level: str, wait: bool = False, timeout: float | None = None) -> str:
        """Tell GROUP to go to LEVEL; returns the message. With `wait` returns when it is there, and how it is.

        The original's words for all groups are understood too: tell(":::ALL:::", ":::REREAD:::") and
        ":::SHUTDOWN:::". Raises NoDaemon, Denied, NoSuchGroup, TakenOver (the daemon is halting, or
        somebody else told it); and with `wait` NotYet, TransitionFailed, Stuck.
        """
        if (group, level) == (":::ALL:::", ":::REREAD:::"):
            return self.reread(wait, timeout)
        if (group, level) == (":::ALL:::", ":::SHUTDOWN:::"):
            return self.shutdown(wait, timeout)
        _check_names(group, level)
        deadline = _deadline(timeout)
        message = self._ask(deadline, "tell", group, level)
        return self.wait(group, level, _left(deadline)) if wait else message

    def plan(self, group: str = "", level: str = "", halt: bool = False, timeout: float | None = None) -> str:
        """What tell(GROUP, LEVEL) would do, or without them reread(), or shutdown() if HALT; it is not done.

        Returns a line for each process: `stop web:httpd pid 812`, or keep, restart, start; or `nothing to do`.
        Raises NoSuchGroup, and CltabError where the cltab is bad.
        """
        words = ("halt",) if halt else ("tell", group, level) if group else ("reread",)
        _check_names(*words[1:])
        return self._ask(_deadline(timeout), "plan", *words)

    def restart(self, name: str, wait: bool = False, timeout: float | None = None) -> str:
        """Let the process NAME, `GROUP:TAG`, be stopped and started again; returns the message.

        With `wait` returns when its group is at rest, and how it is. Raises NoSuchGroup; TransitionFailed where
        nothing runs of it; and with `wait` as tell() does.
        """
        _check_names(*name.split(":", 1))
        deadline = _deadline(timeout)
        message = self._ask(deadline, "restart", name)
        return self.wait(name.partition(":")[0], timeout=_left(deadline)) if wait else message

    def signal(self, signal: str, name: str, timeout: float | None = None) -> str:
        """Send SIGNAL, such as HUP, to the main process of NAME, `GROUP:TAG`, or to those of a GROUP.

        Returns whom it was sent to. Raises NoSuchGroup; TransitionFailed where nothing runs of it.
        """
        try:
            tables.signal_name(signal)
        except ValueError as error:
            raise errors.UsageError(str(error)) from None
        _check_names(*name.split(":", 1))
        return self._ask(_deadline(timeout), "signal", signal, name)

    def wait(self, group: str = "", level: str = "", timeout: float | None = None) -> str:
        """Return when GROUP (or all that were told) is at rest, at LEVEL or wherever it is to be, with its verdict.

        A clinitd that dies meanwhile has some seconds to be back. Raises as tell() does.
        """
        deadline, gone = _deadline(timeout), None
        words = ["wait", *filter(None, (group, level))]
        while True:
            try:
                return self._ask(deadline, *words)
            except errors.NoDaemon:
                now = time.monotonic()
                gone = gone or now
                if now - gone > BACK_WITHIN:
                    raise
                if deadline is not None and now > deadline:
                    raise _late() from None
                time.sleep(RETRY)

    def reread(self, wait: bool = False, timeout: float | None = None) -> str:
        """Let the daemon read its cltab and apply it; returns a line for each process that it stops or starts.

        Raises CltabError with the errors of the file, which is then not taken.
        """
        deadline = _deadline(timeout)
        plan = self._ask(deadline, "reread")
        if wait:
            self.wait(timeout=_left(deadline))
        return plan

    def shutdown(self, wait: bool = False, timeout: float | None = None) -> str:
        """Halt all groups, then the daemon. With `wait` returns when it is gone: its lock is free."""
        deadline = _deadline(timeout)
        self.warnings = []
        connection = Connection(self.paths.sockets, deadline)
        try:
            message = connection.ask(self.warnings, "halt")
            if wait:
                pid = connection.peer()
                connection.ended()
                self._await_lock(connection.path, pid, deadline)
                self._see_the_end(pid)
            return message
        finally:
            connection.close()

    def replace(self, timeout: float | None = None) -> str:
        """Let the running clinitd be replaced by the one that is on disk now; returns the message when it is.

        Raises Error where the new one does not load; then the old one goes on.
        """
        return self._ask(_deadline(timeout), "replace")

    def status(self, group: str | None = None, level: str | None = None, clstat: str | None = None) -> str:
        """What `clstat` prints: a line for each group that was told; one word with both GROUP and LEVEL.

        Raises NoDaemon where there is no status file.
        """
        lines = statusline.words(statusline.parse(read_status(clstat or self.paths.clstat)), group, level)
        return "\n".join(lines) + ("" if group is not None and level is not None or not lines else "\n")

    def groups(self, clstat: str | None = None) -> list[record.Record]:
        """What `clstat -j` shows: a dict for each group that was told, with a list of its processes as "processes".

        Raises NoDaemon where there is no status file, and where it is stale, as clstat judges that.
        """
        from . import record, stat
        path, options = clstat or self.paths.clstat, {"-g": None, "-l": None, "-a": OTHERS_WITHIN}
        file = stat.File(path, statusline.parse(read_status(path)), options)
        stale, why = stat.age(file, options)
        if stale:
            raise errors.NoDaemon(why)
        return record.groups(file.chosen)

    def _ask(self, deadline: float | None, *words: str) -> str:
        if words[0] != "wait":      # which goes on from a command whose warnings are still of interest
            self.warnings = []
        connection = Connection(self.paths.sockets, deadline)
        try:
            return connection.ask(self.warnings, *words)
        finally:
            connection.close()

    def _see_the_end(self, pid: int) -> None:
        """A clinitd that has ended well has removed its status file. Raises NoDaemon where that of PID is there."""
        try:
            lines = statusline.parse(read_status(self.paths.clstat))
        except errors.NoDaemon:
            return
        if any(line.kind == statusline.DAEMON and line.more.get("pid") == str(pid) for line in lines):
            raise errors.NoDaemon("clinitd died before all was halted")

    def _await_lock(self, socket: str, pid: int, deadline: float | None) -> None:
        """Wait until the clinitd PID has no lock any more; the next one, of inittab's, may have it already."""
        from . import lock
        while lock.holder(lock.path_of(socket)) == pid:
            if deadline is not None and time.monotonic() > deadline:
                raise _late()
            time.sleep(RETRY)


def read_status(path: str) -> str:
    """The text of the status file at PATH. Raises NoDaemon where there is none."""
    from . import statusfile
    try:
        return statusfile.read(path)
    except OSError as error:
        raise errors.NoDaemon("no status: %s: %s" % (path, error.strerror)) from None


def _check_names(*names: str) -> None:
    for name in names:
        if not tables.is_name(name):
            raise errors.UsageError("bad name: %s" % name)


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())
