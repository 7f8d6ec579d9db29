"""A world without processes: the heart, a kernel that only notes what it is asked, a clock moved by hand."""
import heapq
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "lib"))

from clinit import cltab, recover, statusline as status     # noqa: E402
from clinit.init import Init                    # noqa: E402

COMMANDS = ("tell", "reread", "halt", "wait", "left", "plan", "restart", "pass")
NO_PID = 10 ** 7    # no process of this machine has such a pid


class Fault(AssertionError):
    """The heart asked for what must never be: a second copy, a signal to a stranger."""


class Leftovers:
    """The part of a kernel that knows what main processes left behind, and whose end is awaited.

    alive: the names of main processes; rest, apart: of what was left in their process group, and in sessions of
    its own; awaited: {name: "all" or "group"}; queue: the events that follow.
    """

    def do_await(self, name, scope):
        if name in self.alive:
            raise Fault("%s awaited, and its main process lives" % name)
        self.awaited[name] = scope
        self._report_gone(name)

    def _report_gone(self, name):
        scope = self.awaited.get(name)
        if scope and name not in self.rest and (scope == "group" or name not in self.apart):
            del self.awaited[name]
            self.queue.append(("gone", name, scope))

    def do_forget(self, name):
        if name in self.alive:
            raise Fault("%s forgotten, and its main process lives" % name)
        self.rest.discard(name)
        self.apart.discard(name)


class FakeKernel(Leftovers):
    """Performs the actions of one Init.

    cltab: text. Everything that it did is in `log` (texts), `acts` (spawns and signals, in order) and
    `answers` ({client: text}). A process lives until exit() or until a signal that it obeys.
    """

    def __init__(self, text, obey=("INT", "TERM", "KILL"), broken=()):
        self.cltab = parse(text)
        self.init = Init(self.cltab)
        self.now = 1000.0
        self.obey = {}              # name: the signals that end it
        self.default_obey = obey
        self.broken = set(broken)   # names that cannot be executed
        self.refuse = 0             # so many spawns are refused
        self.alive = {}             # name: pid
        self.rest = set()           # names of which the rest of the process group lives on
        self.apart = set()          # names of which something in a session of its own lives on
        self.leaves = set()         # names that leave such a rest when they exit
        self.awaited = {}           # name: "all" or "group"
        self.probing = {}           # name: the ready command that runs
        self.timers = []
        self.armed = {}
        self.acts, self.log, self.answers, self.levels = [], [], {}, {}
        self.queue = []
        self.pid = 100
        self.over = False

    # The world acts

    def event(self, *event):
        if event[0] in COMMANDS:
            self.queue.insert(0, event)     # as in the daemon: what is asked does not wait for what has happened
        else:
            self.queue.append(event)
        self.pump()

    def pump(self):
        while self.queue:
            self.perform(self.init.handle(self.queue.pop(0), self.now))

    def perform(self, actions):
        for name, *facts in actions:
            getattr(self, "do_" + name)(*facts)

    def tell(self, group, level, client="me", text=None):
        if text is not None:
            self.cltab = parse(text)
        self.event("tell", client, group, level, self.cltab)
        return self.answers.pop(client)

    def reread(self, text=None, client="me"):
        if text is not None:
            self.cltab = parse(text)
        self.event("reread", client, self.cltab)
        return self.answers.pop(client)

    def exit(self, name, last="exit:0"):
        self.alive.pop(name)
        if name in self.leaves:
            self.rest.add(name)
        self.event("exited", name, last, name in self.rest)

    def probed(self, name, why=""):
        """The ready command of NAME exits; WHY it is not ready."""
        del self.probing[name]
        self.event("probed", name, why)

    def plan(self, command, group="", level="", text=None):
        """The lines of the plan; of a table that is not taken yet where there is TEXT."""
        table = self.cltab if text is None else parse(text)
        self.event("plan", "me", command, group, level, table)
        *lines, last = self.answers.pop("me").split("\n")
        return lines if last.startswith("ok") else [last]

    def end_rest(self, name):
        self.rest.discard(name)
        self.apart.discard(name)
        self._report_gone(name)
        self.pump()

    def sleep(self, seconds):
        """Move the clock, running out the timers on the way."""
        end = self.now + seconds
        while self.timers and self.timers[0][0] <= end:
            when, serial, key = heapq.heappop(self.timers)
            if self.armed.get(key) == (when, serial):
                self.now = when
                del self.armed[key]
                self.event("timer", *key)
        self.now = end

    # Actions

    def do_spawn(self, entry, level, previous):
        name = entry.name
        if name in self.alive or name in self.rest:
            raise Fault("%s started twice" % name)
        for other in self.alive:
            if other.partition(":")[2] == entry.tag:
                raise Fault("tag %s runs as %s and as %s" % (entry.tag, other, name))
        self.acts.append("start " + name)
        self.levels[name] = (level, previous)
        if self.refuse:
            self.refuse -= 1
            self.queue.append(("refused", name, "cannot fork: try again"))
        elif name in self.broken:
            self.queue.append(("unstartable", name, 127, "cannot execute"))
        else:
            self.pid += 1
            self.alive[name] = self.pid
            self.queue.append(("started", name, {
                "pid": str(self.pid), "start": "1", "run": "r.%d" % self.pid, "uid": "0"}))

    def do_signal(self, name, signal):
        self.acts.append("%s %s" % (signal, name))
        if signal not in self.obey.get(name, self.default_obey):
            return
        if name in self.alive:
            del self.alive[name]
            self.queue.append(("exited", name, "signal:" + signal, name in self.rest))
        else:
            self.rest.discard(name)
            if self.awaited.get(name) != "group":
                self.apart.discard(name)
            self._report_gone(name)

    def do_probe(self, entry, level, previous, command):
        if entry.name not in self.alive or entry.name in self.probing:
            raise Fault("%s is asked whether it is ready" % entry.name)
        self.probing[entry.name] = command

    def do_unprobe(self, name):
        self.probing.pop(name, None)

    def do_signal_main(self, name, signal):
        self.acts.append("%s to the main process of %s" % (signal, name))

    def do_arm(self, name, what, seconds):
        entry = (self.now + seconds, self.pid * 1000000 + len(self.timers))
        self.armed[name, what] = entry
        heapq.heappush(self.timers, (*entry, (name, what)))

    def do_disarm(self, name, what):
        self.armed.pop((name, what), None)

    def do_status(self):
        pass

    def do_answer(self, client, text):
        self.answers[client] = text

    def do_log(self, text):
        self.log.append(text)

    def do_exit(self):
        if self.alive:
            raise Fault("exit with %s alive" % sorted(self.alive))
        self.over = True

    # What is asked

    def state(self, name):
        """`run DONE` of a group, `RUNNING` of a process."""
        for line in status.parse("\n".join(self.init.report())):
            if line.name == name:
                return line.state if line.kind == status.PROCESS else line.level + " " + line.state
        return None

    def took(self):
        """What was started and signalled since the last call."""
        acts, self.acts = self.acts, []
        return acts


class Killed(Exception):
    """The clinitd was killed at this moment."""


class Mortal(FakeKernel):
    """A FakeKernel whose clinitd can be killed, or replaced, while the world goes on (SPEC 5).

    jobs: the names that the kernel knows; what is of another name is nobody's. written: the status file; notes: what
    has begun since, as lock.py has it. lag: the status is only written before an answer; budget: so many events make
    a turn, at whose end the status is written and the answers are given. fuse: so many actions until it is killed.
    """

    def __init__(self, text, **more):
        super().__init__(text, **more)
        self.pid = NO_PID
        self.epoch = 0.0
        self.jobs, self.runs, self.notes, self.ended, self.said = set(), {}, [], [], []
        self.lag, self.budget, self.fuse = False, 1000, None
        self.dirty = True
        self.written = ""
        self.write()

    # The daemon's turns

    def pump(self):
        while True:
            for _ in range(self.budget):
                if self.queue:
                    self.perform(self.init.handle(self.queue.pop(0), self.now))
            if self.dirty and (self.said or not self.lag):
                self.write()
            while self.said:
                self.burn()
                client, text = self.said.pop(0)
                self.answers[client] = text
            if not self.queue:
                return

    def perform(self, actions):
        for action in actions:
            self.burn()
            super().perform([action])

    def burn(self):
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Killed

    def write(self):
        self.burn()
        self.dirty = False
        self.written = self.status_text()
        self.burn()
        self.notes.clear()

    def status_text(self):
        self.init.epoch = self.epoch
        state = status.Line(status.DAEMON, "clinitd", "-", self.init.state, {})
        return "\n".join([str(state), *self.init.report(), ""])

    # The end of one clinitd, and the beginning of the next

    def crash(self, table):
        """A new clinitd begins where one was killed, with the cltab TABLE."""
        self.begin(self.found(), table)

    def found(self):
        """The status as the next clinitd finds it: as it was written, and the notes."""
        lines = status.parse(self.written)
        recover._add_notes(lines, self.notes)
        return lines

    def hand_over(self):
        """A new clinitd goes on in the process of the old one (clinit -u)."""
        waiting = self.init.waiting
        older = {group.name: group.entries for group in self.init.groups.values()}
        self.begin(status.parse(self.status_text()), self.cltab, older)
        for client, group, level in waiting:
            self.event("wait", client, group, level)

    def begin(self, lines, table, older=None):
        """As clinitd does; the status is written when all that was found is dealt with."""
        self.cltab = table
        self.init = Init(table, self.epoch)
        for what in (self.queue, self.said, self.timers, self.armed, self.awaited, self.jobs):
            what.clear()
        self.ended = [event for event in map(self.adopt, lines) if event is not None]
        self.perform(self.init.handle(("restore", lines, older or {}), self.now))
        self.queue.extend(self.ended)
        self.ended = []
        while self.queue:
            self.perform(self.init.handle(self.queue.pop(0), self.now))
        self.write()

    def adopt(self, line):
        pid = recover.to_adopt(line)
        if pid is not None:
            self.jobs.add(line.name)
        if pid and self.alive.get(line.name) != pid:
            return "exited", line.name, "unknown", line.name in self.rest
        return None

    # Actions

    def do_spawn(self, entry, level, previous):
        name = entry.name
        for other in {*self.alive, *self.rest, *self.apart} - {name}:
            if other.partition(":")[2] == entry.tag:
                raise Fault("%s started, and %s lives" % (name, other))
        if name in self.apart and (entry.mode != "respawn" or self.runs[name] != entry.sum):
            raise Fault("%s started, and not all of what it was is gone" % name)
        refused = self.refuse
        super().do_spawn(entry, level, previous)
        if refused:
            return
        if name in self.alive:
            self.jobs.add(name)
            self.runs[name] = entry.sum
            self.init.begun(*self.queue[-1][1:])
        else:
            self.pid += 1       # it ended before its program began
        self.notes.append([name, "r.%d" % self.pid, entry.mode, entry.sum, level, previous or "-", str(self.pid)])

    def do_signal(self, name, signal):
        known = any(event[1] == name for event in self.queue + self.ended)
        if name not in {*self.alive, *self.rest, *self.apart} and not known:
            raise Fault("%s signalled, and known to be gone" % name)
        if name in self.jobs:
            super().do_signal(name, signal)

    def _report_gone(self, name):
        scope = self.awaited.get(name)
        if name not in self.jobs and scope:
            del self.awaited[name]
            self.queue.append(("gone", name, scope))
            return
        super()._report_gone(name)
        if scope == "all" and name not in self.awaited:
            self.jobs.discard(name)

    def do_forget(self, name):
        if name in self.alive or name not in self.jobs:
            raise Fault("%s forgotten, and it is %s" % (name, "alive" if name in self.alive else "not known"))
        self.jobs.remove(name)
        super().do_forget(name)

    def do_status(self):
        self.dirty = True

    def do_answer(self, client, text):
        self.said.append((client, text))

    def do_exit(self):
        if self.rest or self.apart:
            raise Fault("exit with %s left" % sorted(self.rest | self.apart))
        super().do_exit()


def parse(text):
    return cltab.parse(text.encode(), "cltab")
