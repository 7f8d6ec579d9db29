#!/usr/bin/env python3
"""SIGKILL to clinitd at every kind of moment, and an audit after each (SPEC 5).

Commands, edits of the cltab, deaths and `clinit -u` are in flight when the kill comes: at random moments, and,
where there is a strace, at the very system call. Then a new clinitd, now and then killed in its takeover too,
must bring all to rest with nothing run twice, lost or left over.
    SEED=N      choose as the run did that printed this seed (the machine's own timing cannot be chosen)
    CRASHES=N   so many crashes
"""
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, sys.path[0] + "/lib")
import tap
from crash import CrashWorld    # finds the library
from clinit import statusline
from clinit.rules import in_level
from tap import done, note, ok
from world import ROOT, lives, wait_for

CRASHES = int(os.environ.get("CRASHES", "150"))
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
CRASHES_A_WORLD = 25
SIDE_BY_SIDE = 2
LEVELS = "0123"

# tag: its group, levels, mode, seconds and manner
ENTRIES = {
    "a-both":  ("a", "1,2", "wait", "0.05"),
    "a-test":  ("a", "1,2", "test", "0.05"),
    "a-all":   ("a", "1,2,3", "respawn", "1000"),
    "a-two":   ("a", "2,", "wait", "0.1"),
    "a-kid":   ("a", "1,3", "respawn", "1000 kid"),
    "a-deaf":  ("a", "2,3", "respawn", "1000 deaf"),
    "b-all":   ("b", "1,2,3", "respawn", "1000"),
    "b-once":  ("b", "2,3", "once", "0.05"),
    "b-one":   ("b", "1,", "wait", "0.2"),
    "b-long":  ("b", "1,3", "once", "1000"),
    "b-late":  ("b", "1,2", "respawn", "1000 deaf"),
    "still-1": ("still", "1,", "respawn", "1000"),
    "still-2": ("still", "1,", "respawn", "1000 kid"),
}
SETTINGS = ":::kill:TERM 2 KILL\n:::respawn:100000 1 60\na:a-deaf::kill:TERM 0.1 KILL\nb:b-late::kill:TERM 0.1 KILL\n"

# System calls, some under several names, of a clinitd at work: at one of them it is killed
OFTEN = ("write", "read", "openat", "close", "rt_sigprocmask", "select pselect6", "wait4 waitid", "ioctl")
RARE = ("fork vfork clone clone3", "rename renameat renameat2", "unlink unlinkat", "ftruncate", "pwrite64", "flock", "bind",
        "sendto sendmsg", "kill pidfd_send_signal tgkill", "epoll_ctl", "pidfd_open", "prctl", "execve")


def usable_strace():
    """The path of a strace that can kill at a system call here, or None."""
    strace = shutil.which("strace")
    if strace:
        code = subprocess.call([strace, "-o", os.devnull, "-e", "inject=?getpid,exit_group:signal=KILL", "true"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if code in (-signal.SIGKILL, 128 + signal.SIGKILL):
            return strace
    return None


def can_update():
    """Whether clinit knows -u."""
    usage = subprocess.run([sys.executable, ROOT + "/bin/clinit", "-h"], stdout=subprocess.PIPE, text=True).stdout
    return " -u" in usage


def tracer(pid):
    """The pid of who traces PID; 0 for nobody."""
    try:
        with open("/proc/%d/status" % pid) as file:
            return next(int(line.split()[1]) for line in file if line.startswith("TracerPid:"))
    except OSError:
        return 0


def is_strace(pid):
    try:
        with open("/proc/%d/comm" % pid) as file:
            return file.read() == "strace\n"
    except OSError:
        return False


STRACE = usable_strace()
CAN_UPDATE = can_update()


class Fault(Exception):
    """What an audit found."""


class Crashes(CrashWorld):
    """version: {tag: that of its command}, of those that the cltab has now; level: {group: its level}.

    What the last audit left: level_before, version_before, pid_before, ran_before. What was done since: told,
    {group: (level, whether it was answered)}; edited: tags; died: {tag: pid}; crashes: the lines of the status file that each
    left; trail, for people. lines: the status file's when last looked.
    """

    def __init__(self, seed):
        super().__init__()
        self.random = random.Random(seed)
        self.version, self.level, self.lines = dict.fromkeys(ENTRIES, 1), dict.fromkeys(("a", "b", "still"), "0"), {}
        self.begin()
        self.remember()

    def setup(self):
        """Start it all."""
        self.edit()
        self.start()
        for group in self.level:
            self.told[group] = "1", self.hear(self.ask("tell", group, "1"))
        self.settle()

    def begin(self):
        self.told, self.edited, self.died, self.crashes, self.trail = {}, set(), {}, [], []

    def remember(self):
        self.level_before, self.version_before = dict(self.level), dict(self.version)
        self.pid_before = {tag: self.pid_now(tag) for tag in ENTRIES}
        self.ran_before = {tag: len(self.ran(tag)) for tag in ENTRIES}

    def step(self):
        """A crash, or some in a row, and the audit; returns how many."""
        self.begin()
        helpers, asked = [], {}
        if STRACE and self.random.random() < 0.4:
            helpers.append(self.trace())
        for command in self.commands(helpers, asked):
            time.sleep(self.random.choice((0, 0, 0.001, 0.02)))
            command()
        self.end_daemon(0.4 if len(helpers) > 1 else 0.3)
        self.told = {group: (level, self.hear(connection)) for group, (level, connection) in asked.items()}
        while self.random.random() < 0.3:
            self.crash_again()
        if self.random.random() < 0.3:
            self.let_die()
        for helper in helpers:      # a strace that follows children lives as long as they
            helper.terminate()
            helper.wait()
        wait_for(lambda: not any(map(lives, self.died.values())), "what was killed to die")
        self.start()
        self.settle()
        return len(self.crashes)

    # What is in flight

    def commands(self, helpers, asked):
        """Some of all that may be in flight, in any order; what is started goes to HELPERS, what is told to ASKED."""
        chosen = []
        for group in "ab":
            if self.random.random() < 0.5:
                level = self.random.choice(LEVELS)
                chosen.append(lambda group=group, level=level: asked.update({group: (level, self.tell(group, level))}))
        if self.random.random() < 0.3:
            chosen.append(self.edit_one)
        if self.random.random() < 0.4:
            chosen.append(self.let_die)
        if CAN_UPDATE and self.random.random() < 0.15:
            chosen.append(lambda: helpers.append(self.update()))
        self.random.shuffle(chosen)
        return chosen

    def tell(self, group, level):
        self.trail.append("tell %s %s" % (group, level))
        return self.ask("tell", group, level)

    def ask(self, *words):
        """Send a request; returns the connection, from which an answer can be read even after a crash."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(10)
        try:
            connection.connect(self.socket)
            connection.sendall(("clinit/1 " + " ".join(words) + "\n").encode())
        except OSError:
            pass        # it is dead already
        return connection

    def hear(self, connection):
        """Whether the answer that came is `ok`."""
        answer = b""
        try:
            while not answer.endswith(b"\n"):
                data = connection.recv(1000)
                if not data:
                    break
                answer += data
        except OSError:
            pass
        connection.close()
        return answer.endswith(b"\n") and answer.splitlines()[-1].startswith(b"ok")

    def edit_one(self):
        """Change the command of an entry, or take it out, or put it in again; clinitd is told of it or not."""
        tag = self.random.choice([tag for tag in ENTRIES if not tag.startswith("still")])
        self.edited.add(tag)
        if tag in self.version and self.random.random() < 0.3:
            self.trail.append("take out " + tag)
            del self.version[tag]
        else:
            self.trail.append("change " + tag)
            self.version[tag] = self.random.randrange(2, 1 << 32)
        self.edit()
        if self.random.random() < 0.7:
            self.ask("reread").close()

    def edit(self):
        self.replace(SETTINGS + "".join(
            "%s:%s:%s:%s:WORLD/job %d %s\n" % (group, tag, levels, mode, self.version[tag], more)
            for tag, (group, levels, mode, more) in ENTRIES.items() if tag in self.version))

    def let_die(self):
        """End one or two processes by SIGKILL."""
        for tag in self.random.sample(list(ENTRIES), self.random.choice((1, 2))):
            pid = self.pid(name(tag))
            if pid in self.processes():
                self.trail.append("kill %s pid %d" % (tag, pid))
                self.died[tag] = pid
                os.kill(pid, signal.SIGKILL)

    def update(self):
        self.trail.append("clinit -u")
        return self.popen("clinit", *self.options, "-u", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)

    # The crash

    def trace(self):
        """Attach a strace to clinitd: to kill it at a system call, or to make its children slow to exec."""
        how = ["-e", self.injection(40)]
        if self.random.random() < 0.2:
            how = ["-f", "-e", "inject=execve:delay_enter=%d" % self.random.randrange(300000)]
        self.trail.append("strace " + " ".join(how))
        pid = self.daemons[-1].pid
        strace = subprocess.Popen([STRACE, "-o", os.devnull, *how, "-p", str(pid)], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: strace.poll() is not None or tracer(pid), "strace to attach")
        return strace

    def injection(self, most):
        """The option of strace that kills at the Nth of some system call; the first are the likeliest."""
        some, most = self.random.choice(((OFTEN, most), (RARE, 6)))
        calls = ",".join("?" + call for call in self.random.choice(some).split())
        return "inject=%s:signal=KILL:when=%d" % (calls, 1 + int(most * self.random.random() ** 3))

    def end_daemon(self, most):
        """Wait for a system call to kill it, or a random while of at most MOST seconds, then it is killed."""
        end = time.monotonic() + most * self.random.random() ** 2
        while self.daemons[-1].poll() is None and time.monotonic() < end:
            time.sleep(0.001)
        self.crash()
        self.trail.append("crash")
        self.crashes.append(self.look())

    def crash_again(self):
        """Start a clinitd that dies in its takeover, or soon after."""
        if STRACE and self.random.random() < 0.6:
            how = self.injection(self.random.choice((20, 400)))
            self.trail.append("start under strace -e " + how)
            program = self.program
            self.program = [STRACE, "-D", "-o", os.devnull, "-e", how, *program]
            self.start(ready=False)
            self.program = program
            self.end_daemon(1.0)
            wait_for(lambda: not self.end_tracers(), "strace to end")
        else:
            self.trail.append("start")
            self.start(ready=False)
            self.end_daemon(0.4)

    def end_tracers(self):
        """End what `strace -D` has left: killed before it traces, it leaves a child that waits for ever. Whether there was one."""
        tracers = list(filter(is_strace, self.processes()))
        for pid in tracers:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass    # it was about to end
        return bool(tracers)

    # The audit

    def look(self):
        """{name: its line of the status file}"""
        return {line.name: line for line in statusline.parse(self.read("clstat"))}

    def settle(self):
        """Wait until all is at rest, and see that it is right. Raises Fault."""
        try:
            wait_for(lambda: not self.unrest(), "rest")
        except TimeoutError:
            raise Fault("no rest: " + "; ".join(self.unrest())) from None
        wrong = self.wrong()
        if wrong:
            raise Fault("; ".join(wrong))
        self.remember()

    def unrest(self):
        """What is not yet as it must become; a list of texts."""
        self.lines = self.look()
        found = [text for text in map(self.group_unrest, self.level) if text]
        return found or [text for text in map(self.entry_unrest, ENTRIES) if text] or self.strays()

    def group_unrest(self, group):
        line = self.lines.get(group)
        if line is None:
            return "group %s is not there" % group
        if line.state == "FAILED" and self.may_fail(group):
            self.hear(self.ask("tell", group, line.level))
        if line.state not in ("DONE", "PASSED") or line.more.get("want") != line.level:
            return "group %s is %s %s" % (group, line.level, line.state)
        told, answered = self.told.get(group, (self.level_before[group], True))
        if line.level != told and (answered or line.level != self.level_before[group]):
            return "group %s is at %s, not at %s" % (group, line.level, told)
        self.level[group] = line.level
        return ""

    def may_fail(self, group):
        """Whether GROUP failed by a test that was killed, or whose end nobody saw."""
        return all(line.more.get("last") in ("unknown", "signal:KILL") for line in self.lines.values()
                   if line.kind == statusline.PROCESS and line.state == "FAILED" and statusline.of_group(line) == group)

    def entry_unrest(self, tag):
        mode = ENTRIES[tag][2]
        ran = [row.split() for row in self.ran(tag)]
        pid = self.pid_now(tag)
        if pid and not lives(pid):
            return "%s has pid %d, which is dead" % (tag, pid)
        if not self.wanted(tag):
            return "%s has pid %d, and is not in the level" % (tag, pid) if pid else ""
        if mode in ("wait", "once") and len(ran) - self.ran_before[tag] < self.runs(tag)[0]:
            return "%s has not run" % tag
        if mode != "respawn" and pid and not (ran and int(ran[-1][2]) == pid):
            return "%s, pid %d, has not told yet that it runs" % (tag, pid)
        if mode == "respawn" and not (ran and [self.version[tag], pid] == [int(ran[-1][0]), int(ran[-1][2])]):
            return "%s does not run as the cltab says now, with pid %d: its records end in %s" % (tag, pid, ran[-1:])
        return ""

    def strays(self):
        """A text for what lives, and should not."""
        known = {self.daemons[-1].pid}
        for tag in ENTRIES:
            if self.wanted(tag):
                known.update([self.pid_now(tag), *self.kids(tag, str(self.version[tag]))])
        strays = set(self.processes()) - known
        return ["strays: " + self._describe(strays)] if strays else []

    def pid_now(self, tag):
        line = self.lines.get(name(tag))
        return int(line.more.get("pid", 0)) if line else 0

    def wanted(self, tag):
        """Whether the cltab has TAG at the level of its group."""
        group, levels, _, _ = ENTRIES[tag]
        return tag in self.version and in_level(levels, self.level[group])

    def wrong(self):
        """What is wrong and will not become right; a list of texts."""
        found = ["ran twice at a time: " + row for row in self.read("twice").splitlines()]
        for tag, (_, _, mode, more) in ENTRIES.items():
            before, now = self.pid_before[tag], self.pid_now(tag)
            if more.startswith("1000") and before not in (0, now) and not self.concerned(tag):
                found.append("%s was pid %d, and is pid %d" % (tag, before, now))
            ran, most = len(self.ran(tag)) - self.ran_before[tag], self.runs(tag)[1]
            if mode in ("wait", "once") and ran > most:
                found.append("%s has run %d times, not %d" % (tag, ran, most))
        return found

    def concerned(self, tag):
        """Whether what was done may have ended TAG."""
        group, levels, _, _ = ENTRIES[tag]
        told, _ = self.told.get(group, (self.level_before[group], True))
        stays = in_level(levels, told) and in_level(levels, self.level_before[group])
        return tag in self.edited or tag in self.died or not stays

    def runs(self, tag):
        """How often at least, and at most, TAG, a wait or once, may have run since the last audit."""
        group, levels, _, _ = ENTRIES[tag]
        had = tag in self.version_before and in_level(levels, self.level_before[group])
        if self.wanted(tag) and had and tag not in self.edited or not (group in self.told or tag in self.edited):
            return 0, 0
        # A run that had no time to get into the file, and ended before the next clinitd looked, nobody can know of
        unknown = sum(tag in self.edited or not self.knew(lines, tag) for lines in self.crashes)
        versions = 2 if tag in self.edited and group in self.told else 1
        # and one that was killed may have had no time to say that it ran
        return int(self.wanted(tag) and tag not in self.died), versions + unknown

    def knew(self, lines, tag):
        """Whether the LINES of the status file tell that TAG has been started at the level where its group is now."""
        line = lines.get(name(tag))
        return bool(line) and line.level == self.level[ENTRIES[tag][0]] and line.state in ("RUNNING", "DONE")

    def report(self, fault):
        """All that helps to understand a FAULT."""
        return "\n".join(["what was done: " + ", ".join(self.trail), "what is wrong: %s" % fault,
                          "the status:", self.read("clstat"), "the log:", *self.said.splitlines()[-60:]])


def name(tag):
    return "%s:%s" % (ENTRIES[tag][0], tag)


def play(number):
    """The crashes of one world; returns (the world, how many there were, the report of what went wrong)."""
    world = Crashes("%d %d" % (SEED, number))
    crashes, step = 0, 0
    try:
        world.setup()
        while crashes < min(CRASHES_A_WORLD, CRASHES - number * CRASHES_A_WORLD):
            step += 1
            crashes += world.step()
    except (Fault, TimeoutError, RuntimeError, OSError) as fault:
        return world, crashes, "SEED=%d, world %d, step %d\n%s" % (SEED, number, step, world.report(fault))
    return world, crashes, ""


note("SEED=%d CRASHES=%d%s%s" % (SEED, CRASHES, "" if STRACE else ", no strace", "" if CAN_UPDATE else ", no clinit -u"))
tap.limit(150 + 3 * CRASHES)
with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
    for number, (world, crashes, fault) in enumerate(pool.map(play, range(-(-CRASHES // CRASHES_A_WORLD)))):
        ok(not fault, "world %d: nothing runs twice, is lost or left over in %d crashes" % (number, crashes))
        if fault:
            note(fault)
        world.end()
done()
