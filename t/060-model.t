#!/usr/bin/env python3
"""Random commands, deaths, rereads, crashes and clock steps, in any order, against a model (SPEC 2 to 5). On the fake kernel.

EXAMPLES and STEPS in the environment say how many runs, of how many steps; SEED takes others than the usual ones.
"""
import os
import sys
import tempfile

sys.path.insert(0, sys.path[0] + "/lib")
import tap

# Hypothesis keeps what it has learnt in the current folder, unless it is told of another, before it is imported
folder = tempfile.TemporaryDirectory(prefix="clinit-t-")
tap.cleanup(folder.cleanup)
os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder.name

import fake
from clinit import statusline
from clinit.machines import ALIVE, BEING_STOPPED
from hypothesis import HealthCheck, seed, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from model import Broken, Entry, Model, text_of
from tap import done, limit, note, ok

EXAMPLES, STEPS, SEED = (int(os.environ.get(name, default)) for name, default in (("EXAMPLES", 300), ("STEPS", 100), ("SEED", 0)))
POOL = [Entry("g", "w", "1,2", "wait", "a"), Entry("g", "t", "1,2", "test", "a"), Entry("g", "r", "1,2", "respawn", "a"),
        Entry("g", "o", "1", "once", "a"), Entry("g", "v", "1", "wait", "a"), Entry("g", "s", "2", "respawn", "a"),
        Entry("h", "u", "1,2", "test", "a"), Entry("h", "x", "1", "respawn", "a"), Entry("h", "y", "2", "wait", "a")]
TAGS = [entry.tag for entry in POOL]
GROUPS = st.sampled_from(("g", "g", "h"))
LEVELS = st.sampled_from(("1", "1", "2", "2", "0"))
EDITS = st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from((
    ("there", False), ("there", True), ("group", "g"), ("group", "h"), ("command", "a"), ("command", "b"), ("levels", "1"),
    ("levels", "2"), ("levels", "1,2"), ("mode", "wait"), ("mode", "once"), ("mode", "respawn"), ("mode", "test"), ("mode", "off")))),
    min_size=1, max_size=2)
FUSES = st.sampled_from((None,) * 12 + tuple(range(12)))
PICK = st.integers(0, 9)
STATUSES = st.sampled_from(("exit:0", "exit:0", "exit:0", "exit:1", "signal:KILL"))
LEFT = st.sampled_from(("", "", "", "rest", "apart"))


class Kernel(fake.Mortal):
    """Tells the model what it sees."""

    def __init__(self, text, model, settle):
        self.model = model
        self.watched = True
        self.ladders = {}       # name: the last signal, and when
        self.rests = {}         # client: the status when it was answered
        super().__init__(text + settle)

    def write(self):
        super().write()
        if not self.over:
            self.model.observe(statusline.parse(self.written))

    def do_spawn(self, entry, level, previous):
        refused = self.refuse
        self.ladders.pop(entry.name, None)
        super().do_spawn(entry, level, previous)
        if refused:
            self.model.refused(entry.name)
        else:
            self.model.spawned(entry.name, entry.mode, entry.command, level)
            if entry.name in self.broken:
                self.model.ended(entry.name, "exit:127")

    def do_signal(self, name, signal):
        last, when = self.ladders.get(name, ("", 0.0))
        if signal != "INT" and (last, signal) not in (("INT", "TERM"), ("TERM", "KILL"), ("KILL", "KILL")) or (
                signal != "INT" and abs(self.now - when - 5) > 0.001):
            raise Broken("%s gets %s at %s, after %s at %s" % (name, signal, self.now, last, when))
        self.ladders[name] = signal, self.now
        lived = name in self.alive
        if lived:
            self.model.signalled(name)
        super().do_signal(name, signal)
        if lived and name not in self.alive:
            self.model.ended(name, "signal:" + signal)

    def do_answer(self, client, text):
        self.rests[client] = statusline.parse(self.status_text())
        super().do_answer(client, text)


class Machine(RuleBasedStateMachine):
    """file: the cltab on disk, as [Entry]. sound: nothing was found yet, and no step is under way."""
    sound = False

    @initialize(pace=st.sampled_from((":::respawn:0 1 60\n", ":::respawn:1 1 60\n", "")), edits=EDITS, edited=st.booleans())
    def begin(self, pace, edits, edited):
        self.settings = pace
        self.entries = {entry.tag: (True, entry) for entry in POOL}
        if edited:
            self.edit(edits)
        self.fresh()

    def fresh(self):
        self.model = Model(self.file)
        self.kernel = Kernel(text_of(self.file), self.model, self.settings)
        self.clients = 0
        self.sound = True

    @property
    def file(self):
        return [entry for there, entry in self.entries.values() if there]

    @property
    def table(self):
        return fake.parse(text_of(self.file, self.settings))

    # A step, and what may befall clinitd in it

    def do(self, call, fuse=None, pending=()):
        self.kernel.fuse = fuse
        self.sound = False
        try:
            call()
        except fake.Killed:
            if not self.kernel.over:
                self.die(pending)
        self.kernel.fuse = None
        if self.kernel.over:
            self.fresh()
        self.sound = True

    def die(self, pending=(), fuse=None):
        """clinitd is killed, and the next one begins, which may be killed as well."""
        for until in (fuse, None):
            self.kernel.ladders.clear()
            self.kernel.fuse = until
            self.model.crashed(self.kernel.found(), self.file, pending)
            try:
                self.kernel.crash(self.table)
                break
            except fake.Killed:
                if self.kernel.over:
                    return
        for client, (group, level) in list(self.model.asked.items()):     # who waits asks again
            if client not in self.kernel.answers:
                self.kernel.event("wait", client, group, level)

    def command(self, tell, *event, fuse, pending=()):
        """A command that brings the cltab; TELL tells the model of it, and returns the code of the right answer."""
        right = tell(self.file)
        self.kernel.cltab = event[-1]
        self.do(lambda: self.kernel.event(*event), fuse, pending)
        text = self.kernel.answers.pop("me", None)
        assert text is None or code_of(text) == right, (event, text, right)

    @rule(group=GROUPS, level=LEVELS, fuse=FUSES)
    def tell(self, group, level, fuse):
        self.command(lambda file: self.model.tell(group, level, file), "tell", "me", group, level, self.table, fuse=fuse, pending=[group])

    @rule(edits=EDITS)
    def edit(self, edits):
        for tag, (what, value) in edits:
            there, entry = self.entries[tag]
            self.entries[tag] = (value, entry) if what == "there" else (there, entry._replace(**{what: value}))

    @rule(edits=EDITS, fuse=FUSES)
    def reread(self, edits, fuse):
        self.edit(edits)
        self.command(self.model.reread, "reread", "me", self.table, fuse=fuse)

    @precondition(lambda self: self.model.groups and len(self.kernel.acts) > 20)
    @rule(fuse=FUSES, sure=PICK)
    def halt(self, fuse, sure):
        if sure == 0:
            self.model.halt()
            self.do(lambda: self.kernel.event("halt", "me"), fuse)
            self.kernel.answers.pop("me", None)

    @rule(group=GROUPS, level=LEVELS, fuse=FUSES)
    def wait(self, group, level, fuse):
        self.clients += 1
        client = "c%d" % self.clients
        self.model.ask(client, group, level)
        self.do(lambda: self.kernel.event("wait", client, group, level), fuse)

    # Deaths, and what is left; what does not start, what does not obey

    @precondition(lambda self: self.kernel.alive)
    @rule(pick=PICK, last=STATUSES, quick=st.booleans(), left=LEFT, more=st.integers(0, 2), fuse=FUSES)
    def die_some(self, pick, last, quick, left, more, fuse):
        if not quick:
            self.do(lambda: self.kernel.sleep(2))
        for _ in range(1 + (more == 2)):    # two in one moment
            if self.kernel.alive:
                self.kernel.queue.append(self.end(pick, last, left))
        self.do(self.kernel.pump, fuse)

    def end(self, pick, last, left):
        """A main process ends; returns the event."""
        name = sorted(self.kernel.alive)[pick % len(self.kernel.alive)]
        del self.kernel.alive[name]
        if left:
            getattr(self.kernel, left).add(name)
        self.model.ended(name, last)
        return "exited", name, last, name in self.kernel.rest

    @precondition(lambda self: self.kernel.alive)
    @rule(pick=PICK)
    def detach(self, pick):
        """It has a child in a session of its own."""
        self.kernel.apart.add(sorted(self.kernel.alive)[pick % len(self.kernel.alive)])

    @precondition(lambda self: self.kernel.rest or self.kernel.apart)
    @rule(pick=PICK, fuse=FUSES)
    def end_rest(self, pick, fuse):
        left = sorted(self.kernel.rest | self.kernel.apart)
        self.do(lambda: self.kernel.end_rest(left[pick % len(left)]), fuse)

    @rule(number=st.integers(1, 3))
    def refuse(self, number):
        self.kernel.refuse = number

    @rule(tag=st.sampled_from(TAGS))
    def break_or_mend(self, tag):
        self.kernel.broken ^= {"g:" + tag, "h:" + tag}

    @rule(tag=st.sampled_from(TAGS), obeyed=st.sampled_from(((), ("KILL",), ("TERM", "KILL"))))
    def be_stubborn(self, tag, obeyed):
        for group in "gh":
            self.kernel.obey["%s:%s" % (group, tag)] = obeyed

    # Time, crashes

    @rule(seconds=st.sampled_from((0.5, 2, 5, 5, 20, 61, 7200)), fuse=FUSES)
    def sleep(self, seconds, fuse):
        self.do(lambda: self.kernel.sleep(seconds), fuse)

    @rule(years=st.integers(-50, 50))
    def set_clock(self, years):
        self.kernel.epoch = years * 31536000.0

    @rule(lag=st.booleans(), budget=st.sampled_from((1, 2, 1000)))
    def be_slow(self, lag, budget):
        self.kernel.lag, self.kernel.budget = lag, budget

    @rule(deaths=st.lists(st.tuples(PICK, STATUSES, LEFT), max_size=2), edits=EDITS, edited=st.booleans(), fuse=FUSES)
    def crash(self, deaths, edits, edited, fuse):
        for pick, _, left in deaths:
            if self.kernel.alive:
                self.end(pick, "unknown", left)
        if edited:
            self.edit(edits)
        self.do(lambda: self.die(fuse=fuse))

    @rule()
    def replace(self):
        self.do(self.kernel.hand_over)

    # What must hold

    @invariant()
    def nothing_is_lost(self):
        kernel = self.kernel
        shown = {line.name: line.state for line in statusline.parse(kernel.status_text()) if line.kind == statusline.PROCESS}
        believed = {name for name, state in shown.items() if state in ALIVE}
        stopping = {name for name in believed if shown[name] in BEING_STOPPED}
        there = {*kernel.alive, *kernel.rest, *(kernel.apart & stopping)}
        assert believed == there, "alive are %s, shown %s" % (sorted(there), sorted(believed))
        lost = {*there, *kernel.apart} - kernel.jobs
        assert not lost, "nobody owns %s" % sorted(lost)
        lost = {name for name in kernel.apart if name not in shown}
        assert not lost, "%s is not shown" % sorted(lost)
        for client in list(self.model.asked):
            if client in kernel.answers:
                self.model.answered(client, code_of(kernel.answers.pop(client)), kernel.rests[client])

    @rule()
    def all_obey(self):
        self.obey()

    def teardown(self):
        if self.sound:
            self.nothing_is_lost()
            self.obey()

    def obey(self):
        """All obey from now on: everything comes to rest, where the model says."""
        self.sound = False      # until all has been seen
        kernel = self.kernel
        kernel.obey.clear()
        kernel.broken.clear()
        kernel.refuse, kernel.lag, kernel.budget = 0, False, 1000
        for _ in range(60):
            modes = {line.name: line.more["mode"] for line in statusline.parse(kernel.status_text()) if line.kind == statusline.PROCESS}
            blocking = [name for name in sorted(kernel.alive) if modes[name] in ("wait", "test")]
            if blocking:
                self.model.ended(blocking[0], "exit:0")
                self.do(lambda: kernel.exit(blocking[0]))
            elif kernel.armed:
                self.do(lambda: kernel.sleep(5))
            else:
                break
            if kernel is not self.kernel:   # it was halting
                return
        else:
            raise Broken("it does not come to rest")
        self.nothing_is_lost()
        self.model.rest(statusline.parse(kernel.status_text()))
        self.sound = True


def code_of(text):
    last = text.split("\n")[-1].split()
    return 0 if last[0] == "ok" else int(last[1])


limit(600)
common = settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, database=None, derandomize=not SEED,
                  print_blob=False, suppress_health_check=list(HealthCheck))
try:
    run_state_machine_as_test(seed(SEED)(Machine) if SEED else Machine, settings=common)
except BaseException as error:
    note("".join(getattr(error, "__notes__", [])))
    note("%s: %s" % (type(error).__name__, error))
    ok(False, "what the model says is so")
else:
    ok(True, "what the model says is so: %d runs of %d steps" % (EXAMPLES, STEPS))
done()
