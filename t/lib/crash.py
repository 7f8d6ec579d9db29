"""A world whose clinitd is killed, and programs that keep their own records of what must outlive it.

A `job` says by itself what it did: it holds a lock as long as it lives, and tells when another holds it.
"""
import os
import signal
import sys
import traceback

from tap import note, ok
from world import World, lives, wait_for    # finds the library
from clinit import members, paths

# job VERSION SECONDS [deaf] [kid]: what an entry of the cltab runs. It becomes a sleep, so it leaves nothing in
# its process group; what was taken from its own lock is kept through that exec. deaf: TERM does not end it.
# kid: it has a child in a session of its own.
JOB = """#!%s -IS
import fcntl, os, signal, sys

world, tag, run = "WORLD", os.environ["CLINIT_TAG"], os.environ["CLINIT_RUN"]
version, seconds, *more = sys.argv[1:]


def note(name, *words):
    file = os.open("%%s/%%s" %% (world, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(file, (" ".join(words) + "\\n").encode())
    os.close(file)


if "deaf" in more:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "kid" in more and os.fork() == 0:
    os.setsid()
    note("kids." + tag, version, str(os.getpid()))
    os.execvp("sleep", ["sleep", seconds])
lock = os.open("%%s/lock.%%s" %% (world, tag), os.O_WRONLY | os.O_CREAT, 0o644)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    note("twice", tag, "pid", str(os.getpid()))
note("ran." + tag, version, run, str(os.getpid()))
os.set_inheritable(lock, True)
os.execvp("sleep", ["sleep", seconds])
""" % sys.executable


class CrashWorld(World):
    """A world with WORLD/job in it. `said_before`: how long the log was when the last clinitd was started.

    also: (pid, start time) of processes that belong to it, and do not carry it in their environment.
    """
    worlds = []

    def __init__(self, text="", **more):
        super().__init__(text, **more)
        self.worlds.append(self)
        self.said_before = 0
        self.also = []
        self.write(JOB, "job")
        os.chmod(self.path("job"), 0o755)

    def start(self, *args, ready=True):
        self.said_before = len(self.said)
        return super().start(*args, ready=ready)

    @property
    def said_now(self):
        """What the last clinitd has said."""
        return self.said[self.said_before:]

    def read(self, name):
        """As World.read, whatever lies there: a pipe is not waited for, what is no text is shown somehow."""
        try:
            with open(self.path(name), errors="replace", opener=paths.without_waiting) as file:
                return file.read()
        except OSError:
            return ""

    def processes(self):
        """Also those that do not carry the world in their environment."""
        return super().processes() + [pid for pid, start in self.also if members.lives(pid, start)]

    def crash(self):
        """End the last clinitd by SIGKILL."""
        self.stop(number=signal.SIGKILL)

    def replace(self, text, name="cltab"):
        """Write TEXT in place of a file, at once: nobody reads half of it."""
        os.rename(self.write(text, name + ".next"), self.path(name))

    def ran(self, tag):
        """A line `VERSION RUN PID` for each time that the job TAG ran."""
        return self.read("ran." + tag).splitlines()

    def kids(self, tag, version=""):
        """The children of the job TAG, of one VERSION or of all, that live."""
        rows = [row.split() for row in self.read("kids." + tag).splitlines()]
        return [int(pid) for of, pid in rows if version in ("", of) and lives(int(pid))]

    def kill(self, name, number=signal.SIGKILL):
        """End the process of the entry NAME behind clinitd's back; returns its pid."""
        pid = self.pid(name)
        if pid <= 1:    # kill(2) would take that for more than one process
            raise LookupError("%s has no pid" % name)
        os.kill(pid, number)
        return pid

    def await_up(self, *names):
        """Wait until each of NAMES is RUNNING, as a process that lives; returns their pids."""
        def missing():
            return [name for name in names if not (self.state(name) == "RUNNING" and lives(self.pid(name)))]
        wait_for(lambda: not missing(), "what must run to run: " + " ".join(names))
        return [self.pid(name) for name in names]


_cases = []


def case(what):
    """Mark a function as one case of a test."""
    return lambda function: _cases.append((what, function)) or function


def play():
    """Do the cases, each in its own world, which ends with it. A fault in one is not the end of the others."""
    for what, function in _cases:
        note(what)
        try:
            function()
        except Exception as error:
            ok(False, "%s: %s" % (what, error))
            note(traceback.format_exc())
        while CrashWorld.worlds:
            CrashWorld.worlds.pop().end()
