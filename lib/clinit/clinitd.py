"""clinitd: lock, read the cltab, wire the floors together, run, drain (SPEC 7).

This is the only file that knows all floors. One turn of the loop: reap, hear the clients, let the heart
handle what happened, write the status, answer.
"""
from __future__ import annotations

import grp
import os
import signal
import stat
import zlib
from collections import deque
from collections.abc import Callable

try:
    import setproctitle
except ImportError:     # main() says so, in one line
    setproctitle = None     # type: ignore[assignment]

from . import cli
from . import cltab as tables
from . import errors, kernel, lock, members, paths, protocol, rules, statusfile, statusline
from .init import Event, Init
from .kernel import Kernel
from .log import Log
from .loop import Loop
from .server import Client, Server

USAGE = """clinitd: keep the processes of resource groups, as the cltab says. Runs in the foreground.

Usage:
  clinitd [options]
  clinitd -h | --help
  clinitd --version

Options:
  -t                  Check the cltab, print every error, and exit: 0 or 6.
  -c CLTAB            The cltab (default: /etc/cltab, or a user's own).
  -s SOCKET           The socket, where the cltab names none.
  -f CLSTAT           The status file, where the cltab names none.
  -v                  Log every event and action.
  -h, --help          Show this.
  --version           Show the version.

Exit status: 0 halted on request, 1 could not start, 2 usage, 6 bad cltab.
"""


BUDGET = 0.02       # seconds that the heart may go on before the clients are heard again
MAX_ERRORS = 20     # of a bad cltab, that the log and who gave a command are told
WRITE_SHARE = 4     # after a write of the status the pause is so many times as long as the write took


def read_cltab(path: str) -> bytes:
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


class Daemon:
    """One clinitd, from the lock to the last process."""

    def __init__(self, where: paths.Paths, verbose: bool = False) -> None:
        """Take the lock, read the cltab, listen. Raises CltabError and Error: it could not start."""
        self.where = where
        self.verbose = verbose
        self.data = read_cltab(where.cltab)
        self.cltab = tables.parse(self.data, where.cltab)
        where.apply(self.cltab.top)
        self.log = Log()
        self.loop = Loop()
        self.loop.catch([signal.SIGCHLD], [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
        self.kernel = Kernel(where.cltab, self.log.say)
        self.server = Server(self.loop, kernel.clock, self.request, self.left)
        self.init = Init(self.cltab, kernel.epoch())
        self.queue: deque[Event] = deque()
        self.answers: list[tuple[Client, str]] = []
        self.over = False
        self.title = ""
        self.sequence = 0
        self.dirty = True           # the status file is not what it should be
        self.write_after = 0.0
        self.write_failed = False
        self.here = {"pid": str(os.getpid()), "start": str(members.start_time(os.getpid())), **statusfile.here()}
        self.perform: dict[str, Callable[..., Event | None]] = {
            "spawn": self.kernel.spawn, "signal": self.kernel.signal,
            "await": self.kernel.await_rest, "forget": self.kernel.forget,
            "arm": self.arm, "disarm": self.disarm, "status": self.touch, "answer": self.answer,
            "log": self.log.say, "exit": self.exit}
        self.move_log()
        self.lock = self.open_socket(where.sockets[0], lock.PATIENCE)
        self.permit_operators()

    # Files: the socket, the log, the cltab, the status --------------------------------------------------

    def open_socket(self, path: str, patience: float = 0.0) -> int:
        """Listen at PATH; returns the descriptor of its lock. Raises Error; then all is as before.

        patience: seconds to wait for a lock whose holder is dead.
        """
        if len(os.fsencode(path)) > tables.MAX_SOCKET:
            raise errors.Error("%s: the path of a socket is at most %d bytes" % (path, tables.MAX_SOCKET))
        held = None
        try:
            make_folder(os.path.dirname(path))
            held = lock.take(lock.path_of(path), patience)
            self.server.listen(path)
        except lock.Held as error:
            raise errors.Error("another clinitd (pid %s) has %s" % (error.pid or "unknown", path)) from None
        except OSError as error:
            if held is not None:
                os.close(held)
            raise errors.Error("cannot listen at %s: %s" % (path, error.strerror)) from None
        self.kernel.socket = path
        return held

    def move_socket(self) -> None:
        """Listen where the cltab says now, if that is elsewhere: the new one first."""
        path = self.where.sockets[0]
        if path == self.server.path:
            return
        try:
            self.lock, old = self.open_socket(path), self.lock
            os.close(old)
        except errors.Error as error:
            self.log.say(str(error))

    def renew_socket(self) -> None:
        """Make the socket anew, and the lock and the folder if they are gone, too."""
        path = self.server.path
        try:
            if lock.is_at(lock.path_of(path), self.lock):
                self.server.listen(path)
            else:
                self.lock, old = self.open_socket(path), self.lock
                os.close(old)
        except OSError as error:
            self.log.say("cannot listen at %s: %s" % (path, error.strerror))
        except errors.Error as error:
            self.log.say(str(error))

    def permit_operators(self) -> None:
        """Let the group of users command that the cltab names."""
        name = self.cltab.top.get("operators")
        gid = None
        if name is not None:
            try:
                gid = grp.getgrnam(name).gr_gid
            except KeyError:
                self.log.say("operators: there is no group of users %s" % name)
        self.server.permit(gid)

    def move_log(self) -> None:
        """Log to where the cltab says, opened afresh."""
        to = self.cltab.top.get("log", "")
        try:
            self.log.move(to)
        except OSError as error:
            self.log.say("cannot log to %s: %s" % (to, error.strerror))

    def look(self) -> list[str]:
        """Read the cltab again. Returns its errors; where there are any the table is kept that we have."""
        try:
            data = read_cltab(self.where.cltab)
            if data != self.data:
                self.cltab, self.data = tables.parse(data, self.where.cltab), data
        except errors.CltabError as error:
            lines = error.lines[:MAX_ERRORS]
            if len(error.lines) > MAX_ERRORS:
                lines.append("%s: and %d errors more; clinitd -t tells all" % (
                    self.where.cltab, len(error.lines) - MAX_ERRORS))
            for line in lines:
                self.log.say(line)
            return lines
        return []

    def settle(self) -> None:
        """Move to where the settings of a new cltab say."""
        old = self.where.clstat
        self.where.apply(self.cltab.top)
        if self.cltab.top.get("log", "") != self.log.to:
            self.move_log()
        self.move_socket()
        self.permit_operators()
        if self.where.clstat != old:
            statusfile.remove(old)
        self.dirty = True

    def write_status(self) -> None:
        """Write the status file; where it cannot be written the log says so once, and it is tried again."""
        began = kernel.clock()
        self.dirty = False
        self.sequence += 1
        self.loop.arm("heartbeat", began + rules.HEARTBEAT)
        epoch = kernel.epoch()
        if abs(epoch - self.init.epoch) > 1:    # the wall clock was set, not merely slewed
            self.init.epoch = epoch
        line = statusline.Line(statusline.DAEMON, "clinitd", "-", self.init.state, {
            **self.here, "cltab": self.where.cltab, "sum": "%08x" % zlib.crc32(self.data),
            "seq": str(self.sequence), "time": str(int(began + epoch))})
        text = "\n".join([str(line), *self.init.report(), ""])
        try:
            try:
                statusfile.write(self.where.clstat, text)
            except FileNotFoundError:
                make_folder(os.path.dirname(self.where.clstat))
                statusfile.write(self.where.clstat, text)
            self.write_failed = False
        except OSError as error:
            if not self.write_failed:
                self.log.say("cannot write %s: %s" % (self.where.clstat, error.strerror))
            self.write_failed = True
            self.loop.arm("heartbeat", began + rules.RETRY)
        self.show_title()
        now = kernel.clock()
        self.write_after = now + WRITE_SHARE * (now - began)

    def show_title(self) -> None:
        title = "clinitd: %s, %s" % (count(len(self.init.groups), "group"),
                                     count(len(self.kernel.children), "process", "processes"))
        if title != self.title:
            self.title = title
            setproctitle.setproctitle(title)

    # Actions of the heart that are not the kernel's --------------------------------------------------------

    def arm(self, name: str, what: str, seconds: float) -> None:
        self.loop.arm((name, what), kernel.clock() + seconds)

    def disarm(self, name: str, what: str) -> None:
        self.loop.disarm((name, what))

    def touch(self) -> None:
        self.dirty = True

    def answer(self, client: Client, text: str) -> None:
        """Send TEXT to CLIENT, once the status file says the same."""
        self.answers.append((client, text))

    def exit(self) -> None:
        self.over = True

    # Clients -----------------------------------------------------------------------------------------------

    def request(self, client: Client, words: tuple[str, ...]) -> None:
        command, *arguments = words
        if command == "wait":
            group, level = arguments or ("", "")
            self.queue.append(("wait", client, group, level))
            return
        self.log.say("%s (%s)" % (" ".join(words), client))
        wrong = self.look()
        if command == "reread" and wrong:
            self.answer(client, "\n".join([*wrong, protocol.error(
                errors.NO_GROUP, "%s is not taken, the one before is kept" % self.where.cltab)]))
            return
        for line in wrong:
            client.notes.append("warning " + line)
        if command == "tell":
            self.queue.append(("tell", client, *arguments, self.cltab))
        elif command == "reread":
            self.settle()
            self.queue.append(("reread", client, self.cltab))
        else:
            self.queue.append(("halt", client))

    def left(self, client: Client) -> None:
        if client.waiting:
            self.queue.append(("left", client))

    # The loop ----------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Keep the groups at their levels until all are halted; returns the exit status."""
        for group, level in self.cltab.defaults.items():
            self.queue.append(("tell", None, group, level, self.cltab))
        self.write_status()
        self.log.say("pid %d, cltab %s, socket %s" % (os.getpid(), self.where.cltab, self.server.path))
        while not self.over:
            self.turn()
        statusfile.remove(self.where.clstat)
        self.server.flush()
        self.server.close()
        self.log.say("all processes are gone, exiting")
        return 0

    def turn(self) -> None:
        calls = self.loop.wait(self._timeout(kernel.clock()))
        self.queue.extend(self.kernel.reap())
        if self.kernel.rests:
            self.queue.extend(self.kernel.look())
        for number in self.loop.take_flags():
            self.signalled(number)
        for call in calls:
            call()
        self.pump()
        if self.dirty and (self.answers or kernel.clock() >= self.write_after):
            self.write_status()
        answers, self.answers = self.answers, []
        for client, text in answers:
            self.server.answer(client, "\n".join([*client.notes, text]))
            client.notes.clear()

    def _timeout(self, now: float) -> float:
        if self.queue:
            return 0.0
        timeout = self.loop.timeout(now)
        if self.kernel.rests:
            timeout = min(timeout, kernel.REST_POLL)
        if self.dirty:
            timeout = min(timeout, max(0.0, self.write_after - now))
        return timeout

    def signalled(self, number: int) -> None:
        self.log.say("%s received" % signal.Signals(number).name)
        if number in (signal.SIGTERM, signal.SIGINT):
            self.queue.append(("halt", None))
        elif number == signal.SIGUSR1:
            self.renew_socket()
            self.dirty = True
        elif number == signal.SIGHUP:
            self.move_log()
            if not self.look():
                self.settle()
                self.queue.append(("reread", None, self.cltab))

    def pump(self) -> None:
        """Let the heart handle what happened, for a while."""
        until = kernel.clock() + BUDGET
        while True:
            now = kernel.clock()
            # A timer is handled as soon as it is taken: in a queue it could be overtaken by its own disarming
            key = self.loop.due(now)
            if isinstance(key, tuple):
                self.handle(("timer", *key), now)
            elif isinstance(key, Client):
                self.server.expired(key)
            elif key is self.server:
                self.server.rested()
            elif key is not None:
                self.dirty = True           # the heartbeat
            elif self.queue:
                self.handle(self.queue.popleft(), now)
            else:
                return
            if now > until:
                return

    def handle(self, event: Event, now: float) -> None:
        if self.verbose:
            self.log.say("event %s" % " ".join(map(str, event)))
        try:
            actions = self.init.handle(event, now)
        except Exception as error:      # a fault of ours; the groups need us all the same
            actions = self.init.actions     # as far as it got: what the heart believes done must be done
            self.fault(error, event)
            if isinstance(event[1], Client):
                self.answer(event[1], protocol.error(errors.FAILED, "internal error, see the log of clinitd"))
        for action in actions:
            try:
                self.act(*action)
            except Exception as error:
                self.fault(error, action)
                if action[0] == "spawn":    # the heart waits for what became of it
                    self.queue.append(("refused", action[1].name, "internal error"))

    def act(self, action: str, *facts: object) -> None:
        """Perform one action of the heart; what follows at once stands in the queue then."""
        if self.verbose and action != "log":
            self.log.say("action %s" % " ".join(map(str, [action, *facts])))
        follows: Event | None = self.perform[action](*facts)
        if follows is not None:
            self.queue.append(follows)

    def fault(self, error: Exception, at: Event) -> None:
        self.log.say("internal error: %s: %s, at %s" % (type(error).__name__, error, " ".join(map(str, at))))


def count(number: int, one: str, many: str = "") -> str:
    return "%d %s" % (number, one if number == 1 else many or one + "s")


def make_folder(path: str) -> None:
    """Make the folder PATH, if need be, so that others may read in it."""
    mask = os.umask(0o022)
    try:
        os.makedirs(path, exist_ok=True)
    finally:
        os.umask(mask)


def tidy_descriptors() -> None:
    """Let 0, 1 and 2 be open, also in our processes, and what else was inherited be closed."""
    for name in os.listdir("/dev/fd"):
        if int(name) > 2:
            try:
                os.close(int(name))
            except OSError:
                pass    # the one that lists the folder
    descriptor = 0
    while descriptor <= 2:
        descriptor = os.open(os.devnull, os.O_RDWR)
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def main() -> None:
    cli.main("clinitd", USAGE, command)


def command(options: cli.Options) -> int:
    """Be clinitd, or check its cltab, as the OPTIONS say; returns the exit status. Raises Error."""
    where = paths.for_daemon(options["-c"], options["-s"], options["-f"])
    if options["-t"]:
        tables.parse(read_cltab(where.cltab), where.cltab)
        return errors.DONE
    tidy_descriptors()
    return run(where, options["-v"])


def run(where: paths.Paths, verbose: bool = False) -> int:
    """Be clinitd, with the files WHERE; returns the exit status. Raises Error where it could not start."""
    if setproctitle is None:
        raise errors.Error("the Python package setproctitle is missing")
    return Daemon(where, verbose).run()
