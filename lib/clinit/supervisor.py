"""The daemon: lock, take over what an earlier one left, wire the floors together, run, drain (SPEC 5, 7).

This is the only file that knows all floors. One turn of the loop: reap, hear the clients, let the heart
handle what happened, write the status, answer.
"""
from __future__ import annotations

import grp
import os
import signal
import time
import zlib
from collections import deque
from collections.abc import Callable

import setproctitle

from . import __version__
from . import cltab as tables
from . import (cltabfile, errors, handover, kernel, lock, members, paths, protocol, recover, rules, sdnotify,
               statusfile, statusline)
from .cltab import Cltab, Entry
from .handover import State, Succession
from .init import Event, Init
from .kernel import Kernel
from .log import Log, close
from .loop import Loop
from .members import Memory
from .notify import path_of as path_of_notify
from .server import Client, Server
from .statusline import Line

BUDGET = 0.01       # seconds that the heart may go on before the clients are heard again
SHORT_BUDGET = 0.002    # the same, where one is to be answered
MAX_ERRORS = 20     # of a bad cltab, that the log and who gave a command are told
WRITE_SHARE = 4     # after a write of the status the pause is so many times as long as the write took
FAULTS = 60.0       # seconds between two times that a fault of ours lets us begin anew
CAUGHT = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
READING = ("tell", "reread", "halt", "plan")    # the commands at which the cltab is looked at
REAPING = 3.0       # seconds to wait for the exit status of what was taken over
RESPAWN_REAPING = 0.1   # the same for a respawn, which is to go on
LAST_TERM = 5.0     # as PID 1: seconds from TERM to KILL for all that is left at the end


class Daemon:
    """One clinitd, from the lock to the last process.

    where: its paths; table: the bytes of its cltab, and what they say. argv: how to execute it again, None
    where that cannot be. state: what an earlier clinitd in this process has handed over. only: with -x, the group
    that is to be stopped, "" for all; None otherwise. Raises Error where it cannot start.
    """

    def __init__(self, where: paths.Paths, table: tuple[bytes, Cltab], verbose: bool = False,
                 argv: list[str] | None = None, state: State | None = None, only: str | None = None) -> None:
        self.where = where
        self.data, self.cltab = table
        self.verbose = verbose
        self.only = only
        self.log = Log()
        self.loop = Loop()
        self.loop.catch([signal.SIGCHLD], list(CAUGHT))
        self.kernel = Kernel(where.cltab, self.log.say)
        self.server = Server(self.loop, kernel.clock, self.request, self.left)
        self.init = Init(self.cltab, kernel.epoch())
        self.queue: deque[Event] = deque()      # what has happened
        self.commands: deque[Event] = deque()   # what clients have asked: they do not wait for all that has happened
        self.answers: list[tuple[Client, str]] = []
        self.over = False
        self.failed = False         # a group was FAILED when the halt began
        self.title = ""
        self.sequence = 0
        self.dirty = True           # the status file is not what it should be
        self.write_after = 0.0
        self.troubles: dict[str, str] = {}      # what the log has said that is not over
        self.strays: list[int] = []
        self.written = ""           # the status file that was written last, or that an earlier clinitd has left
        self.young = False          # something was started since the last heartbeat: it may change its user yet
        self.kept: list[Line] = []  # with -x of one group: the lines of the others, as they were
        self.succession = Succession(self.kernel, self.loop, argv, self.hand_over, self.not_replaced)
        self.asked: list[Client] = []           # to be replaced
        self.fault_at = -FAULTS
        self.here = {"pid": str(os.getpid()), "start": str(members.start_time(os.getpid())), "cwd": _folder(),
                     **statusfile.here()}
        self.perform: dict[str, Callable[..., Event | None]] = {
            "spawn": self.kernel.spawn, "signal": self.kernel.signal,
            "await": self.kernel.await_end, "forget": self.kernel.forget,
            "signal_main": self.kernel.signal_main, "probe": self.kernel.probe, "unprobe": self.kernel.unprobe,
            "arm": self.arm, "disarm": self.disarm, "status": self.touch, "answer": self.answer,
            "log": self.log.say, "exit": self.exit}
        self.loop.arm("beat", kernel.clock() + rules.HEARTBEAT)
        self.settle_log()
        if state is not None:
            self.go_on(state)
        else:
            self.begin()

    # The beginning: afresh, after a clinitd that was killed, or in the place of one --------------------------

    def begin(self) -> None:
        path = self.where.sockets[0]
        self.lock = self.take_lock(path, lock.PATIENCE)
        self.kernel.socket = path
        self.kernel.cgroups.tidy(path)
        try:
            left, notes = lock.left(self.lock)
            self.written = left or self.where.clstat
            lines, said = recover.recover(self.written, path, self.where.cltab, notes)
        except lock.Held as error:      # somebody has deleted its lock
            raise held_by(error.pid, path) from None
        for line in said:
            self.log.say(line)
        if self.only is None:
            self.listen(path)
            self.permit_operators()
            self.settle_notify()
        lines = self.mine(lines)
        self.kernel.around.journal = self.lock
        ended = self.take_over(lines, abroad=None)
        if self.only is not None:
            self.queue.append(("halt", None))
        elif not lines:
            self.enter_defaults()
        self.queue.extend(ended)
        while self.queue:
            self.pump()
        self.write_status()

    def mine(self, lines: list[Line]) -> list[Line]:
        """LINES; with -x those of what is to be stopped, as if that had begun: so nothing is started."""
        if self.only is None or not lines:
            return lines
        mine = statusline.select(lines, self.only or None)
        self.kept = [line for line in statusline.select(lines) if line not in mine]
        return [Line(statusline.DAEMON, "clinitd", "-", "HALTING", {}), *mine]

    def enter_defaults(self) -> None:
        """Tell the groups with an initdefault their level. The file says so before anything is done about it."""
        actions = [action for group, level in self.cltab.defaults.items()
                   for action in self.init.handle(("tell", None, group, level, self.cltab), kernel.clock())]
        self.write_status()
        for action in actions:
            self.act(*action)

    def take_over(self, lines: list[Line], abroad: list[str] | None, memory: Memory = (),
                  older: dict[str, list[Entry]] | None = None) -> list[Event]:
        """Go on from LINES; returns what has ended since.

        ABROAD: the names of what may not be below us; None: all. MEMORY: what was known of members. OLDER: as
        the heart wants it.
        """
        ended = []
        for line in lines:
            pid = recover.to_adopt(line)
            if pid is not None:
                more = line.more
                ended.append(self.kernel.adopt(
                    line.name, more["run"], pid, statusline.number(more, "start", digits=15), more.get("uid", ""),
                    RESPAWN_REAPING if more.get("mode") == "respawn" else REAPING,
                    abroad is None or line.name in abroad))
        if self.kernel.watch.descriptor is not None:
            self.loop.readers[self.kernel.watch.descriptor] = _nothing     # reap() asks it
        self.kernel.members.remember(memory, self.kernel.jobs)
        if lines:
            self.handle(("restore", lines, older or {}), kernel.clock())
        return [event for event in ended if event is not None]

    def go_on(self, state: State) -> None:
        """Be where the clinitd was that became us."""
        self.lock, self.sequence, self.fault_at = state["lock"], state["sequence"], state["fault_at"]
        self.failed = state["failed"]
        self.where.sockets, self.where.clstat = state["paths"]
        self.written = self.where.clstat
        self.kernel.around.journal = self.lock
        self.kernel.around.limits = self.kernel.watch.limits = state["limits"] and tuple(state["limits"])
        self.kernel.socket = state["socket"]
        clients = self.server.take_over(state["socket"], state["listener"], state["clients"])
        self.permit_operators()
        self.kernel.notify.take_over(*state["notify"])
        self.settle_notify()
        lines = self.mine(statusline.parse(state["status"]))
        self.queue.extend(self.take_over(lines, state["abroad"], state["memory"], handover.older(state, self.cltab)))
        for descriptor, group, level in state["waiting"]:
            clients[descriptor].asking = clients[descriptor].waiting = True
            self.queue.append(("wait", clients[descriptor], group, level))
        for descriptor in state["asked"]:
            clients[descriptor].asking = True
            self.answer(clients[descriptor], protocol.ok("clinitd is replaced"))
        for client in clients.values():
            self.server.hear(client)
        self.log.say("pid %d goes on as clinitd %s" % (os.getpid(), __version__))

    def not_replaced(self, why: str) -> None:
        text = "clinitd is not replaced: %s" % why
        self.log.say(text)
        asked, self.asked = self.asked, []
        for client in asked:
            self.answer(client, protocol.error(errors.FAILED, text))

    def hand_over(self) -> State:
        """All that who goes on in this process must know."""
        descriptor = {client: client.connection.fileno() for client in self.server.clients}
        return {
            "trial": False, "cltab": self.data.decode("latin-1"), "status": self.status_text(),
            "paths": [self.where.sockets, self.where.clstat],
            "sequence": self.sequence, "fault_at": self.fault_at, "failed": self.failed, "lock": self.lock,
            "socket": self.kernel.socket, "listener": self.server.listener, "clients": self.server.hand_over(),
            "notify": [self.kernel.notify.path, self.kernel.notify.descriptor],
            "waiting": [[descriptor[client], group, level] for client, group, level in self.init.waiting
                        if client in descriptor],
            "asked": [descriptor[client] for client in self.asked if client in descriptor],
            "older": {group.name: [[entry.tag, entry.levels, entry.mode, entry.command] for entry in group.entries]
                      for group in self.init.groups.values()
                      if group.entries is not self.cltab.groups.get(group.name)},
            "abroad": [name for name, job in self.kernel.jobs.items() if job.abroad],
            "memory": self.kernel.members.memory(), "limits": self.kernel.watch.limits}

    # Files: the socket, the log, the cltab, the status --------------------------------------------------

    def take_lock(self, path: str, patience: float = 0.0) -> int:
        """Take the lock of the socket PATH, whose folder is made if need be; returns its descriptor. Raises Error.

        patience: seconds to wait for a lock whose holder is dead.
        """
        if len(os.fsencode(path)) > tables.MAX_SOCKET:
            raise errors.Error("%s: the path of a socket is at most %d bytes" % (path, tables.MAX_SOCKET))
        try:
            make_folder(os.path.dirname(path))
            return lock.take(lock.path_of(path), patience)
        except lock.Held as error:
            raise held_by(error.pid, path) from None
        except OSError as error:
            raise cannot_listen(path, error) from None

    def listen(self, path: str) -> None:
        """Listen at PATH, whose lock we have. Raises Error."""
        try:
            self.server.listen(path)
        except OSError as error:
            raise cannot_listen(path, error) from None
        self.kernel.socket = path

    def open_socket(self, path: str) -> None:
        """Lock PATH and listen there, and nowhere else. Raises Error; then all is as before."""
        held = self.take_lock(path)
        try:
            self.listen(path)
            held, self.lock = self.lock, held
            self.kernel.around.journal = self.lock
        finally:
            close(held)

    def settle_socket(self, anew: bool = False) -> None:
        """Listen where the cltab says, with a lock and a socket that can be seen there; with a new one if ANEW.

        Where that is not possible the log says why, and it is tried again.
        """
        path = self.where.sockets[0]
        try:
            if path != self.server.path or not lock.is_at(lock.path_of(path), self.lock):
                self.open_socket(path)
            elif anew or not os.path.exists(path):
                self.listen(path)
            self.trouble("socket")
            self.settle_notify(anew)
        except (errors.Error, OSError) as error:
            self.trouble("socket", str(cannot_listen(path, error) if isinstance(error, OSError) else error))
            self.loop.arm("socket", kernel.clock() + rules.RETRY)

    def settle_notify(self, anew: bool = False) -> None:
        """Hear what processes say of themselves, if the cltab has such as are ready then. Where that is not possible
        the log says why, and it is tried again."""
        notify = self.kernel.notify
        if not notify.path and not any(entry.ready and not entry.ready[1]
                                       for entries in self.cltab.groups.values() for entry in entries):
            return
        path, descriptor = notify.path or path_of_notify(self.kernel.socket), notify.descriptor
        try:
            if anew or descriptor is None or not os.path.exists(path):
                new = notify.listen(path)
                self.loop.readers.pop(descriptor or 0, None)
                descriptor = new
            self.loop.readers[descriptor] = self.hear
            self.trouble("notify")
        except OSError as error:
            self.trouble("notify", str(cannot_listen(path, error)))
            self.loop.arm("socket", kernel.clock() + rules.RETRY)

    def hear(self) -> None:
        self.queue.extend(self.kernel.heard())
        if self.kernel.notify.stalled:
            self.loop.readers.pop(self.kernel.notify.descriptor or 0, None)
            self.loop.arm("socket", kernel.clock() + rules.RETRY)

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

    def settle_log(self, anew: bool = False) -> None:
        """Log to where the cltab says, opened afresh if ANEW; where that is not possible it goes on where it did."""
        to = self.cltab.top.get("log", "")
        try:
            if anew or to != self.log.to:
                self.log.move(to)
            self.trouble("log")
        except OSError as error:
            self.trouble("log", "cannot log to %s: %s" % (to, error.strerror))

    def trouble(self, what: str, text: str = "") -> None:
        """Note what the trouble with WHAT is now, or that there is none: the log says the same thing once."""
        if text and text != self.troubles.get(what):
            self.log.say(text)
        self.troubles[what] = text

    def look(self) -> list[str]:
        """Read the cltab again. Returns its errors; where there are any the table is kept that we have."""
        try:
            data = cltabfile.read(self.where.cltab)
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
        self.where.apply(self.cltab.top)
        self.settle_log()
        self.settle_socket()
        self.permit_operators()
        self.dirty = True

    def write_status(self) -> None:
        """Write the status file; where it cannot be written the log says so once, and it is tried again."""
        began = kernel.clock()
        self.dirty = False
        self.sequence += 1
        text = self.status_text()
        try:
            try:
                statusfile.write(self.where.clstat, text)
            except FileNotFoundError:
                make_folder(os.path.dirname(self.where.clstat))
                statusfile.write(self.where.clstat, text)
            lock.clear(self.lock, self.where.clstat)    # the file says all that the notes do
            self.trouble("status")
            if self.written not in ("", self.where.clstat):
                statusfile.remove(self.written)
            self.written = self.where.clstat
        except OSError as error:
            self.trouble("status", "cannot write %s: %s" % (self.where.clstat, error.strerror))
            self.loop.arm("status", began + rules.RETRY)
        self.show_title()
        now = kernel.clock()
        self.write_after = now + WRITE_SHARE * (now - began)

    def status_text(self) -> str:
        now, epoch = kernel.clock(), kernel.epoch()
        if abs(epoch - self.init.epoch) > 1:    # the wall clock was set, not merely slewed
            self.init.epoch = epoch
        report = [*self.init.report(), *map(str, self.kept)]
        # What -x does to one group is not to be gone on with for the others
        line = Line(statusline.DAEMON, "clinitd", "-", "RUNNING" if self.only else self.init.state, {
            **self.here, "cltab": self.where.cltab, "socket": self.kernel.socket, "sum": "%08x" % zlib.crc32(self.data),
            "seq": str(self.sequence), "time": str(int(now + epoch)), "ticks": str(kernel.ticks()),
            "lines": str(len(report) + 1), "strays": ",".join(map(str, self.strays))})
        return "\n".join([str(line), *report, ""])

    def show_title(self) -> None:
        title = "clinitd: " + rules.extent(len(self.init.groups), len(self.kernel.members.mains))
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
            group, level = [*arguments, "", ""][:2]
            self.commands.append(("wait", client, group, level))
            return
        self.log.say("%s (%s)" % (" ".join(words), client))
        wrong = self.look() if command in READING else []
        if command in ("reread", "plan") and wrong:
            self.answer(client, "\n".join([*wrong, protocol.error(
                errors.NO_GROUP, "%s is not taken, the one before is kept" % self.where.cltab)]))
            return
        for line in wrong:
            client.notes.append("warning " + line)
        if command == "tell":
            self.commands.append(("tell", client, *arguments, self.cltab))
        elif command == "reread":
            self.settle()
            self.commands.append(("reread", client, self.cltab))
        elif command == "plan":
            planned, group, level = [*arguments, "", ""][:3]
            self.commands.append(("plan", client, planned, group, level, self.cltab))
        elif command == "restart":
            self.commands.append(("restart", client, *arguments))
        elif command == "signal":
            self.commands.append(("pass", client, *arguments))
        elif command == "replace":
            self.asked.append(client)
            self.succession.begin()
        else:
            self.halt(client)

    def halt(self, client: Client | None) -> None:
        self.failed = self.failed or any(group.state == "FAILED" for group in self.init.groups.values())
        self.commands.append(("halt", client))
        sdnotify.tell("STOPPING=1")

    def left(self, client: Client) -> None:
        if client.waiting:
            self.commands.append(("left", client))

    # The loop ----------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Keep the groups at their levels until all are halted; returns the exit status."""
        if self.only is None:
            self.log.say("pid %d, cltab %s, socket %s" % (os.getpid(), self.where.cltab, self.kernel.socket))
            sdnotify.tell("READY=1")
            self.feed_watchdog()
        while not self.over:
            try:
                self.turn()
            except Exception as error:
                self.fault(error, ("turn",))
                time.sleep(rules.RETRY)     # else one that comes again at once would eat the machine
        self.succession.give_up()
        if self.kept:
            self.write_status()
        else:
            statusfile.remove(self.where.clstat)
        self.kernel.cgroups.tidy(self.kernel.socket)
        self.server.flush()
        self.server.close()
        self.kernel.notify.close()
        if self.stuck:
            return errors.STUCK
        self.log.say("all processes%s are gone, exiting" % (" of " + self.only if self.only else ""))
        if os.getpid() == 1:
            self.end_all()
            return errors.FAILED if self.failed else errors.DONE
        return errors.DONE

    def end_all(self) -> None:
        """As PID 1: end whatever is left, kindly and then not."""
        for number, seconds in ((signal.SIGTERM, LAST_TERM), (signal.SIGKILL, rules.KILL_PATIENCE)):
            until = kernel.clock() + seconds
            there = self.kernel.signal_all(number)
            while there and kernel.clock() < until:
                self.loop.wait(until - kernel.clock())
                self.kernel.reap()
                there = self.kernel.signal_all(0)

    def turn(self) -> None:
        try:
            calls = self.loop.wait(self._timeout(kernel.clock()))
            self.trouble("loop")
        except OSError as error:        # the system has no memory for it, says select(2)
            self.trouble("loop", "cannot wait for events: %s" % error.strerror)
            time.sleep(kernel.POLL)
            calls = []
        self.queue.extend(self.kernel.reap())
        if self.kernel.awaited:
            self.queue.extend(self.kernel.look())
        for number in self.loop.take_flags():
            self.signalled(number)
        for call in calls:
            call()
        self.pump()
        self.kernel.kill()
        while self.succession.due and (self.commands or self.queue):
            self.pump()
        if self.dirty and (self.answers or self.succession.due or kernel.clock() >= self.write_after):
            self.write_status()
        answers, self.answers = self.answers, []
        for client, text in answers:
            self.server.answer(client, "\n".join([*client.notes, text]))
            client.notes.clear()
        # Who has got an answer may have sent the next request already
        if self.succession.due and not (self.commands or self.queue or self.answers or self.over):
            self.succession.become()
        self.over = self.over or self.only is not None and self.stuck

    @property
    def stuck(self) -> bool:
        """Whether nothing is alive any more but what would not die."""
        states = {process.state for process in self.init.processes.values() if process.alive}
        return states == {"STUCK"}

    def _timeout(self, now: float) -> float:
        if self.commands or self.queue:
            return 0.0
        timeout = self.loop.timeout(now)
        poll = self.kernel.poll()
        if poll is not None:
            timeout = min(timeout, poll)
        if self.dirty:
            timeout = min(timeout, max(0.0, self.write_after - now))
        return timeout

    def signalled(self, number: int) -> None:
        self.log.say("%s received" % signal.Signals(number).name)
        if number in (signal.SIGTERM, signal.SIGINT):
            self.halt(None)
        elif number == signal.SIGUSR1:
            self.settle_socket(anew=True)
            self.dirty = True
        elif number == signal.SIGHUP:
            self.settle_log(anew=True)
            if not self.look():
                self.settle()
                self.queue.append(("reread", None, self.cltab))

    def pump(self) -> None:
        """Let the heart handle what was asked, and what happened, for a while: a short one where somebody waits."""
        began = kernel.clock()
        for _ in range(len(self.commands)):
            self.handle(self.commands.popleft(), kernel.clock())
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
            elif key is self.succession:
                self.succession.give_up()
            elif key == "fault":
                self.fault_at = now
                self.succession.begin()     # anew, from what is known for certain
            elif key == "socket":
                self.settle_socket()
            elif key == "beat":
                self.beat()
            elif key == "watchdog":
                self.feed_watchdog()
            elif key is not None:
                self.dirty = True       # the status file could not be written
            elif self.queue:
                self.handle(self.queue.popleft(), now)
            else:
                return
            if now > began + (SHORT_BUDGET if self.answers else BUDGET):
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
            if follows[0] == "started":     # the status may be written, and the notes cleared, before that is handled
                self.init.begun(*follows[1:])
                if not self.young:
                    self.young = True
                    self.loop.arm("beat", kernel.clock() + rules.SETTLED)
            self.queue.append(follows)

    def beat(self) -> None:
        """The heartbeat: the status file is renewed, with what is seen only now and then, and what was deleted."""
        self.dirty = True
        self.young = False
        self.loop.arm("beat", kernel.clock() + rules.HEARTBEAT)
        self.strays = self.kernel.members.strays()
        self.settle_log()
        if self.only is None:
            self.settle_socket()
        self.queue.append(("owned", self.kernel.owners()))

    def feed_watchdog(self) -> None:
        """Tell the service manager that the loop goes round, and when to do so again, if it wants to know."""
        pause = sdnotify.watchdog()
        if pause is not None:
            sdnotify.tell("WATCHDOG=1")
            self.loop.arm("watchdog", kernel.clock() + pause)

    def fault(self, error: Exception, at: Event) -> None:
        self.log.say("internal error: %s: %s, at %s" % (type(error).__name__, error, " ".join(map(str, at))))
        if self.succession.argv is not None:
            self.loop.arm("fault", max(kernel.clock(), self.fault_at + FAULTS))


def held_by(pid: int, path: str) -> errors.Error:
    return errors.Error("another clinitd (pid %s) has %s" % (pid or "unknown", path))


def cannot_listen(path: str, error: OSError) -> errors.Error:
    return errors.Error("cannot listen at %s: %s" % (path, error.strerror))


def make_folder(path: str) -> None:
    """Make the folder PATH, if need be, so that others may read in it."""
    mask = os.umask(0o022)
    try:
        os.makedirs(path, exist_ok=True)
    finally:
        os.umask(mask)


def _folder() -> str:
    """The folder that relative paths of the cltab are below; "" where somebody has removed it."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def _nothing() -> None:
    pass
