#!/usr/bin/env python3
"""Random commands, edits, deaths, crashes and replacements of a real clinitd, against the model of 060 (SPEC 2 to 5, 7, 8).

SECONDS in the environment says for how long, SEED which ones.
"""
import os
import random
import signal
import sys
import time

sys.path.insert(0, sys.path[0] + "/lib")
from crash import CrashWorld    # finds the library
from clinit import statusline
from model import EITHER, PASSED, RUNS, Broken, Entry, Model, text_of
from tap import done, limit, note, ok
from world import lives, wait_for

SECONDS, SEED = (int(os.environ.get(name, default)) for name, default in (("SECONDS", 20), ("SEED", 1)))
SETTINGS = ":::kill:TERM 1 KILL\n:::respawn:1000 1 1\n"
POOL = [Entry("g", "w", "1,2", "wait", "a"), Entry("g", "r", "1,2", "respawn", "a"), Entry("g", "o", "1", "once", "a"),
        Entry("g", "s", "2", "respawn", "a"), Entry("h", "t", "1,2", "test", "a"), Entry("h", "x", "1,2", "respawn", "a")]
CHANGES = (("there", False), ("there", True), ("there", True), ("group", "g"), ("group", "h"), ("command", "a"), ("command", "b"),
           ("levels", "1"), ("levels", "1,2"), ("mode", "once"), ("mode", "respawn"), ("mode", "off"))


class Counting(Model):
    """entered: {tag: how often it may have been executed, if it is no respawn}."""

    def __init__(self, table):
        self.entered = {entry.tag: 0 for entry in POOL}
        super().__init__(table)

    def settle(self):
        before = dict(self.wanted)
        super().settle()
        for name, record in self.wanted.items():
            self.entered[record.entry.tag] += before.get(name) is not record

    def go(self, name, level):
        super().go(name, level)
        for record in self.of(name):
            self.entered[record.entry.tag] += record.entry.mode == "test"


class Run:
    """One clinitd and its successors. seen: {tag: so many lines of its record were read}; steps: what was done."""

    def __init__(self, dice):
        self.dice = dice
        self.world = CrashWorld()
        self.entries = {entry.tag: (True, entry) for entry in POOL}
        self.seen = dict.fromkeys(self.entries, 0)
        self.steps = []
        self.write()
        self.model = Counting(self.file)
        self.world.start()

    @property
    def file(self):
        return [entry for there, entry in self.entries.values() if there]

    def write(self):
        """What blocks ends by itself; the rest lives until it is ended."""
        seconds = {"wait": "0", "test": "0"}
        self.world.replace(text_of([entry._replace(command="WORLD/job %s-%s %s" % (
            entry.mode, entry.command, seconds.get(entry.mode, "1000"))) for entry in self.file], SETTINGS).replace(
                "WORLD", self.world.dir))

    def step(self):
        what = self.dice.choice((self.tell, self.tell, self.tell, self.reread, self.hup, self.kill, self.kill, self.crash, self.replace))
        self.steps.append(what.__name__)
        what()

    def tell(self):
        group, level = self.dice.choice("gh"), self.dice.choice("1120")
        if self.dice.random() < 0.3:
            self.edit()
        code = self.model.tell(group, level, self.file)
        self.steps[-1] += " %s %s" % (group, level)
        self.answered(self.world.clinit(group, level), code)

    def answered(self, answer, code):
        if answer[0] != code:
            raise Broken("answered %s, and not %d" % (answer, code))

    def edit(self):
        tag, (what, value) = self.dice.choice(POOL).tag, self.dice.choice(CHANGES)
        there, entry = self.entries[tag]
        if what == "mode" and entry.mode in ("wait", "test"):
            return
        self.entries[tag] = (value, entry) if what == "there" else (there, entry._replace(**{what: value}))
        self.steps[-1] += " %s %s=%s" % (tag, what, value)
        self.write()

    def reread(self):
        self.edit()
        self.answered(self.world.clinit(), self.model.reread(self.file))

    def hup(self):
        self.edit()
        self.model.reread(self.file)
        count = self.world.said.count("SIGHUP received")
        self.world.daemons[-1].send_signal(signal.SIGHUP)
        wait_for(lambda: self.world.said.count("SIGHUP received") > count, "HUP to be heard")

    def kill(self):
        running = [(name, pid) for name, pid in self.running() if self.has_begun(name, pid)
                   and name.partition(":")[2] not in ("w", "t")]
        if running:
            name, pid = self.dice.choice(running)
            self.steps[-1] += " kill " + name
            os.kill(pid, signal.SIGKILL)

    def crash(self):
        self.world.crash()
        if self.dice.random() < 0.5:
            self.kill()
        if self.dice.random() < 0.3:
            self.edit()
        self.model.crashed(self.lines(), self.file)
        for record in self.model.wanted.values():
            record.result = EITHER
        self.world.start()

    def replace(self):
        self.answered(self.world.clinit("-u"), 0)

    def lines(self):
        return statusline.parse(self.world.read("clstat"))

    # What must hold

    def running(self):
        """(name, pid) of each main process that lives."""
        found = [(line.name, statusline.number(line.more, "pid")) for line in self.lines()
                 if line.kind == statusline.PROCESS and line.state == "RUNNING"]
        return [(name, pid) for name, pid in found if pid > 1 and lives(pid)]

    def has_begun(self, name, pid):
        return any(line.endswith(" %d" % pid) for line in self.world.ran(name.partition(":")[2]))

    def rest(self):
        """All comes to rest, where the model says. Nothing runs twice, nothing is left."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.see_rest()
                return
            except Broken:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def see_rest(self):
        running = self.running()
        if not all(self.has_begun(name, pid) for name, pid in running):
            raise Broken("not all have begun: %s" % running)
        self.model.alive = dict.fromkeys([name for name, _ in running], RUNS)
        for record in self.model.wanted.values():
            entry = record.entry
            if any(line.startswith("%s-%s " % (entry.mode, entry.command)) for line in self.world.ran(entry.tag)[self.seen[entry.tag]:]):
                record.owed = False
            if entry.mode == "test" and record.result != EITHER:
                record.result = PASSED
        lines = self.lines()
        self.model.observe(lines)
        self.model.rest(lines)
        left = set(self.world.processes()) - {pid for _, pid in running} - {daemon.pid for daemon in self.world.daemons}
        if left:
            raise Broken("nobody owns %s" % self.world._describe(left))
        for tag in self.seen:
            ran = self.world.ran(tag)
            once = [line for line in ran[self.seen[tag]:] if not line.startswith("respawn-")]
            if len(once) > self.model.entered[tag]:
                raise AssertionError("%s was executed %d times, and its level entered %d times" % (tag, len(once), self.model.entered[tag]))
            self.model.entered[tag], self.seen[tag] = 0, len(ran)
        for line in lines:
            if line.name in self.model.wanted and line.state in ("PASSED", "FAILED"):
                self.model.wanted[line.name].result = line.state
        assert self.world.read("twice") == "", "twice: " + self.world.read("twice")


limit(140)
PATIENCE = 20       # seconds for all to come to rest
end = time.monotonic() + SECONDS
run, steps = Run(random.Random(SEED)), 0
try:
    while time.monotonic() < end:
        for _ in range(run.dice.randint(1, 3)):
            run.step()
            steps += 1
        run.rest()
        run.steps.clear()
except Exception as error:
    note("%s: %s" % (type(error).__name__, error))
    note("after: " + ", ".join(run.steps))
    note("cltab: %s" % [tuple(entry) for entry in run.file])
    note(run.world.read("clstat"))
    note(run.world.said[-3000:])
    ok(False, "what the model says is so, after %d steps" % steps)
else:
    ok(True, "what the model says is so, after %d steps" % steps)
run.world.stop()
done()
