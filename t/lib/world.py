"""A real clinitd in a folder of its own, with all that it started gone at the end of the test.

Nothing here waits for time: it waits for facts, with a deadline. Processes are ended by pid, and only those
that carry the folder of this world in their environment.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "lib"))

import tap                              # noqa: E402
from clinit import cgroup, statusline   # noqa: E402

PATIENCE = 30       # seconds for a fact to come true
QUICK = ":::kill:TERM 2 KILL\n"


def wait_for(fact, what):
    """What FACT() returns, once that is true. Raises TimeoutError, naming WHAT was waited for."""
    end = time.monotonic() + PATIENCE
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError("waited %d seconds for: %s" % (PATIENCE, what))
        time.sleep(0.01)


def lives(pid):
    """Whether PID is a process that is no zombie."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def without_cgroups():
    """The `program` of a world to which no control groups are given."""
    ours = cgroup.Cgroups()
    if not ours.home:
        return [sys.executable]
    program = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]),
               "sh", "-c", 'mount -t tmpfs tmpfs "$0" && exec "$@"', ours.mount]
    probe = subprocess.run([*program, "true"], capture_output=True, text=True)
    if probe.returncode:
        tap.skip_all("control groups cannot be hidden here: " + probe.stderr.strip())
    return [*program, sys.executable]


def remove_cgroups(folder):
    """Remove the control groups of clinitds whose sockets are in FOLDER, once they are empty."""
    own = cgroup.Cgroups().own
    prefix = "clinit-" + folder.strip("/").replace("/", "-") + "-"
    for path in [os.path.join(own, name) for name in os.listdir(own) if name.startswith(prefix)] if own else []:
        wait_for(lambda path=path: _remove(path), "%s to be empty" % path)


def _remove(path):
    try:
        for folder, _, _ in os.walk(path, topdown=False):
            os.rmdir(folder)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


class World:
    """dir: its folder; cltab, socket: paths in it; status: the name of the status file; said: the text of the log."""

    def __init__(self, text="", environ=None, program=None):
        self.dir = tempfile.mkdtemp(prefix="clinit-t-")
        tap.cleanup(self.end)
        os.chmod(self.dir, 0o755)
        self.cltab, self.socket = self.path("cltab"), self.path("clinit.s")
        self.environ = {**os.environ, "WORLD": self.dir, **(environ or {})}
        self.program = program or [sys.executable]
        self.options = ["-c", self.cltab, "-s", self.socket, "-f", self.path("clstat")]
        self.status = "clstat"
        self.daemons = []
        self.write(text)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, text, name="cltab"):
        """Write TEXT, with WORLD standing for the folder, to a file of the world."""
        with open(self.path(name), "w") as file:
            file.write(text.replace("WORLD", self.dir))
        return self.path(name)

    def read(self, name):
        """The text of a file of the world; "" where there is none."""
        try:
            with open(self.path(name)) as file:
                return file.read()
        except OSError:
            return ""

    @property
    def said(self):
        return self.read("log")

    # Programs

    def popen(self, program, *args, **more):
        return subprocess.Popen([*self.program, os.path.join(ROOT, "bin", program), *args],
                                env=self.environ, cwd=self.dir, text=True, **more)

    def start(self, *args, ready=True):
        """Start a clinitd; with READY returns when it answers."""
        with open(self.path("log"), "a") as log:
            daemon = self.popen("clinitd", *self.options, *args, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.daemons.append(daemon)
        if ready:
            wait_for(lambda: "pid=%d " % daemon.pid in self.read("clstat") or daemon.poll() is not None,
                     "clinitd to answer")
            if daemon.poll() is not None:
                raise RuntimeError("clinitd ended: " + self.said)
        return daemon

    def run(self, program, *args, **more):
        """(exit status, stdout, stderr) of a program."""
        done = self.popen(program, *args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **more)
        try:
            out, err = done.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            done.kill()
            raise
        return done.returncode, out, err

    def clinit(self, *args):
        return self.run("clinit", *self.options, *args)

    def clstat(self, *args):
        return self.run("clstat", "-c", self.cltab, *args, self.path("clstat"))

    # Facts

    def line(self, name):
        """The line of the status file of a group, or of a process `group:tag`; None where there is none."""
        for line in statusline.parse(self.read(self.status)):
            if line.name == name:
                return line
        return None

    def state(self, name):
        line = self.line(name)
        return line and line.state

    def pid(self, name):
        line = self.line(name)
        return int(line.more.get("pid", 0)) if line else 0

    def kill(self, name, number=signal.SIGKILL):
        """Send a signal to the process `group:tag`: a pid that is not there would be 0, which is ourselves."""
        pid = self.pid(name)
        if not pid:
            raise RuntimeError("%s has no pid" % name)
        os.kill(pid, number)
        return pid

    def await_state(self, name, state):
        wait_for(lambda: self.state(name) == state, "%s to be %s, it is %s" % (name, state, self.state(name)))

    def await_said(self, part):
        wait_for(lambda: part in self.said, "the log to say %s" % part)

    def await_file(self, name, part=""):
        return wait_for(lambda: os.path.exists(self.path(name)) and part in self.read(name) and self.read(name),
                        "%s in file %s" % (part or "something", name))

    def processes(self):
        """The pids of all that lives and carries this world in its environment, but this test."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % name, "rb") as file:
                    environ = file.read()
            except OSError:
                continue
            if self.dir.encode() in environ and int(name) != os.getpid() and lives(int(name)):
                found.append(int(name))
        return found

    # The end

    def stop(self, daemon=None, number=signal.SIGTERM):
        """End a clinitd by a signal; returns its exit status."""
        daemon = daemon or self.daemons[-1]
        daemon.send_signal(number)
        return daemon.wait(PATIENCE)

    def end(self):
        """Stop all, and see that a good end left nothing."""
        self.end_daemons()
        left = self.processes()
        if left:
            tap.ok(False, "no process is left: %s" % self._describe(left))
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        if re.search("internal error|Traceback", self.said):
            tap.ok(False, "the log shows no fault of clinitd's")
            tap.note(self.said)
        remove_cgroups(self.dir)
        shutil.rmtree(self.dir, ignore_errors=True)

    def end_daemons(self):
        for daemon in self.daemons:
            if daemon.poll() is None:
                daemon.terminate()
                try:
                    daemon.wait(20)
                except subprocess.TimeoutExpired:
                    tap.ok(False, "clinitd ends at TERM")
                    daemon.kill()
                    daemon.wait()

    def _describe(self, pids):
        found = []
        for pid in pids:
            try:
                with open("/proc/%d/cmdline" % pid, "rb") as file:
                    found.append("%d %s" % (pid, file.read().replace(b"\0", b" ").decode()))
            except OSError:
                pass
        return ", ".join(found)
