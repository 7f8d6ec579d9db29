"""A clinitd whose system calls can be made to fail, one at a time, at the line that makes them.

The clinitd runs in a child forked from the warm test, with the functions of os, select, socket, ... by which
lib/clinit calls the system wrapped. A wrapped call knows its site: the line of lib/clinit that it comes from,
found by the frames; and its kind: what sort of file it is about. A run without a fault lists the calls; each
can then be made to fail, with each errno that ERRNOS has for it, from the first time it is reached until HOLD
seconds later. What a child of clinitd's does between fork and exec is wrapped as well. The clock of that
clinitd goes SPEED times as fast, so that its seconds of patience are not ours.
"""
import builtins
import errno
import fcntl
import functools
import json
import mmap
import os
import re
import select
import shutil
import signal
import socket
import struct
import sys
import time
import traceback
from collections import namedtuple

import tap
from world import ROOT, World, lives, remove_cgroups

import clinit
from clinit import cgroup, clinitd

LIB = os.path.join(ROOT, "lib", "clinit") + os.sep
CGROUPS = cgroup.Cgroups().mount or "/sys/fs/cgroup"
SPEED = 10          # times as fast
HOLD = 0.2          # seconds that a fault lasts: two of clinitd's, in which it tries again once or twice
PATIENCE = 8        # seconds for a fact to come true
SAME = 3            # times that the log may say the same of one fault

# What each call can fail with, by its manual page, in the use that clinitd makes of it; by kind where that matters.
# What would be a lie is not here: ESRCH for a process that lives, ENOENT for its /proc. Nor is EINTR: Python
# tries again by itself (PEP 475). A call that is not here cannot fail, for example waitpid of any child.
OUT_OF_FILES = "EMFILE ENFILE"
READ = OUT_OF_FILES + " ENOENT EACCES EIO"
WRITE = OUT_OF_FILES + " ENOENT EACCES EIO ENOSPC EROFS"
PROC = OUT_OF_FILES + " ENOMEM"
ERRNOS = {
    "open read": READ, "open write": WRITE, "open log": WRITE, "open proc": PROC, "open null": OUT_OF_FILES,
    "open environ": PROC + " EACCES",
    "read file": "EIO", "read proc": "ENOMEM", "read environ": "ENOMEM",
    "pread file": "EIO", "pread lock": "EIO",
    "open lock": WRITE, "write lock": "ENOSPC EDQUOT EIO", "pwrite lock": "ENOSPC EIO", "ftruncate lock": "EIO",
    "stat lock": "EACCES EIO", "fstat lock": "EIO", "close lock": "EIO", "flock lock": "ENOLCK",
    "write file": "ENOSPC EDQUOT EIO", "write log": "ENOSPC EIO",
    "fsync file": "EIO ENOSPC",
    "close file": "EIO",
    "listdir proc": PROC, "scandir proc": PROC, "readlink proc": "ENOMEM EACCES",
    "stat file": "EACCES EIO", "stat log": "EACCES EIO", "stat proc": "ENOMEM", "lstat file": "EACCES EIO",
    "fstat file": "EIO", "fstat log": "EIO",
    "rename file": "ENOSPC EROFS EACCES EIO", "replace file": "ENOSPC EROFS EACCES EIO",
    "link file": "ENOSPC EROFS EACCES EIO",
    "unlink file": "EROFS EACCES EIO", "mkdir file": "ENOSPC EROFS EACCES EIO",
    "chmod file": "EROFS EPERM EIO", "chown file": "EROFS EPERM EIO", "fchmod file": "EROFS EPERM EIO",
    "pipe": OUT_OF_FILES, "pipe2": OUT_OF_FILES, "memfd_create": OUT_OF_FILES + " ENOMEM",
    "fork": "EAGAIN ENOMEM", "posix_spawn": "EAGAIN ENOMEM ENOENT EACCES",
    "dup2": "EBUSY", "execve": "ENOENT EACCES ENOMEM ETXTBSY EIO E2BIG", "execv": "ENOMEM",
    "chdir file": "ENOENT EACCES EIO",
    "open cgroup": OUT_OF_FILES + " ENOMEM ENOENT EACCES", "read cgroup": "ENOMEM ENODEV",
    "write cgroup": "ENOMEM ENODEV EBUSY EOPNOTSUPP EACCES", "mkdir cgroup": "ENOMEM EAGAIN EROFS EACCES",
    "rmdir cgroup": "EBUSY EACCES", "scandir cgroup": PROC, "stat cgroup": "ENOMEM EACCES",
    "kill": "EPERM", "killpg": "EPERM", "pidfd_send_signal": "EPERM",
    "pidfd_open": OUT_OF_FILES + " ENOMEM ENOSYS EPERM",
    "select": "ENOMEM",
    "epoll": OUT_OF_FILES + " ENOMEM", "epoll.register": "ENOMEM ENOSPC",
    "socket": OUT_OF_FILES + " ENOBUFS ENOMEM", "socket.bind": "EADDRINUSE EACCES ENOSPC EROFS ENOMEM",
    "socket.accept": OUT_OF_FILES + " ENOMEM ECONNABORTED", "socket.recv": "ECONNRESET ENOMEM",
    "socket.send": "EPIPE ECONNRESET ENOBUFS ENOMEM", "socket.sendall": "EPIPE ECONNRESET ENOBUFS ENOMEM",
}
# Who is not told of these has lost a file, a process or the socket, and does not know. Not so of posix_spawn: where it
# fails, fork does it, or says why not.
MUST_BE_SAID = {"open read", "open write", "open lock", "write file", "rename file", "replace file", "mkdir file",
                "pipe", "fork", "dup2", "execve", "socket", "socket.bind"}
# The functions that are wrapped; the kind of those in `paths` and `descriptors` is that of their first argument.
PATHS = "open listdir scandir readlink stat lstat rename replace link unlink mkdir rmdir chmod chown chdir"
DESCRIPTORS = "read write pread pwrite ftruncate fsync fstat fchmod close"
PLAIN = "fork posix_spawn pipe pipe2 memfd_create dup2 execve execv kill killpg waitpid waitid pidfd_open setsid"
SOCKET = "bind listen recv recvmsg send sendmsg sendall sendto connect getsockopt setsockopt"
EPOLL = "register unregister modify poll"
FILE = "read readline write flush"

# A call, as it was reached: in what step of the scenario, where, what, of what kind
Site = namedtuple("Site", "step file function line call kind")


def errnos(site):
    """The errnos to let the call at SITE fail with."""
    return ERRNOS.get(what(site), "").split()


def what(site):
    return (site.call + " " + site.kind).strip()


class Seam:
    """The wrapped calls of one clinitd, and the one fault of it: a Site and an errno, or None.

    What must be known to the test, clinitd and its children alike is in shared memory: the step of the scenario,
    how often the fault was met, and when first.
    """
    STEP, MET = struct.Struct("<I"), struct.Struct("<4xId")     # the test writes the one, clinitd the other

    def __init__(self, trace, logs, site=None, number=0):
        self.trace, self.logs, self.fault, self.number = trace, logs, site, number
        self.memory = mmap.mmap(-1, self.MET.size)
        self.seen = set()
        self.real_open, self.readlink, self.lstat, self.now = builtins.open, os.readlink, os.lstat, time.monotonic

    # The test's side

    def enter(self, step):
        """The scenario goes on to STEP."""
        self.STEP.pack_into(self.memory, 0, step)

    @property
    def step(self):
        return self.STEP.unpack_from(self.memory)[0]

    @property
    def met(self):
        return self.MET.unpack_from(self.memory)[0]

    @property
    def holds(self):
        """Whether the fault is in force: met, and not over."""
        met, first = self.MET.unpack_from(self.memory)
        return bool(met and self.now() - first < HOLD)

    # clinitd's side

    def install(self):
        """Wrap all, in this process and those that it forks."""
        for name in PATHS.split():
            self._wrap(os, name, self._path_kind)
        for name in DESCRIPTORS.split():
            self._wrap(os, name, self._descriptor_kind)
        for name in PLAIN.split():
            self._wrap(os, name)
        self._wrap(signal, "pidfd_send_signal")
        for name in SOCKET.split():
            self._wrap(socket.socket, name, label="socket." + name)
        self._wrap(socket.socket, "_accept", label="socket.accept")
        self._wrap_init()
        self._wrap(fcntl, "flock", self._descriptor_kind)
        self._hasten()
        self._wrap(select, "select")
        epoll, methods = self._wrapped("epoll", select.epoll, None), functools.partial(self._method, "epoll.", EPOLL)
        select.epoll = lambda *args, **more: _Proxy(epoll(*args, **more), methods)
        builtins.open = self._open

    def _wrap(self, module, name, kind=None, label=None):
        if hasattr(module, name):
            setattr(module, name, self._wrapped(label or name, getattr(module, name), kind))

    def _wrapped(self, call, real, kind):
        def called(*args, **more):
            site = self._site(call, kind(*args) if kind else "")
            if site and self._fails(site):
                if call == "close":     # which frees the descriptor, whatever it returns
                    real(*args)
                raise OSError(self.number, os.strerror(self.number), *self._named(kind, args))
            return real(*args, **more)
        return called

    def _named(self, kind, args):
        return args[:1] if kind == self._path_kind else ()

    def _wrap_init(self):
        init = socket.socket.__init__
        made = self._wrapped("socket", lambda: None, None)

        def called(self, *args, **more):
            if more.get("fileno") is None and len(args) < 4:
                made()
            init(self, *args, **more)
        socket.socket.__init__ = called

    def _open(self, path, *args, **more):
        """As open(): what an opener opens is counted where that calls os.open."""
        if not isinstance(path, int) and not more.get("opener"):
            flags = os.O_WRONLY if set("wax+") & set((*args, more.get("mode", "r"))[0]) else os.O_RDONLY
            self._wrapped("open", lambda *_: None, self._path_kind)(path, flags)
        file = self.real_open(path, *args, **more)
        return _Proxy(file, lambda name, method: self._method("", FILE, name, method, file.fileno()))

    def _method(self, prefix, names, name, method, descriptor=None):
        if name not in names.split():
            return method
        if descriptor is None:
            return self._wrapped(prefix + name, method, None)
        return self._wrapped(name, method, lambda *_: self._descriptor_kind(descriptor))

    def _hasten(self):
        begin, wall, sleep, wait = self.now(), time.time(), time.sleep, select.select
        now = self.now
        time.monotonic = lambda: begin + (now() - begin) * SPEED
        time.time = lambda: wall + (now() - begin) * SPEED
        time.sleep = lambda seconds: sleep(seconds / SPEED)
        select.select = lambda r, w, x, timeout=None: wait(r, w, x, None if timeout is None else timeout / SPEED)

    # What a call is

    def _site(self, call, kind):
        frame = sys._getframe(2)
        while frame is not None and not frame.f_code.co_filename.startswith(LIB):
            frame = frame.f_back
        if frame is None:
            return None
        code = frame.f_code
        site = Site(self.step, code.co_filename[len(LIB):], code.co_name, frame.f_lineno, call, kind)
        if site not in self.seen:
            self.seen.add(site)
            with self.real_open(self.trace, "a") as file:
                file.write("%d %s %s %d %s %s\n" % site)
        return site

    def _fails(self, site):
        met, first = self.MET.unpack_from(self.memory)
        if self.fault is None or site[1:] != self.fault[1:] or not (self.holds if met else site == self.fault):
            return False
        self.MET.pack_into(self.memory, 0, met + 1, first if met else self.now())
        return True

    def _path_kind(self, path, flags=os.O_RDONLY, *_):
        if isinstance(path, int):
            return self._descriptor_kind(path)
        kind = self._name_kind(os.fsdecode(path))
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
        call = sys._getframe(1).f_locals.get("call")
        if kind == "file" and call == "open":
            return "write" if writes else "read"
        return "there" if call == "mkdir" and self._exists(path) else kind

    def _exists(self, path):
        try:
            self.lstat(path)
        except OSError:
            return False
        return True

    def _descriptor_kind(self, descriptor, *_):
        try:
            number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
            return self._name_kind(self.readlink("/proc/self/fd/%d" % number))
        except OSError:
            return "none"

    def _name_kind(self, name):
        if name in self.logs:
            return "log"
        if name.endswith(".lock"):
            return "lock"
        if name.startswith("/proc/") and name.endswith("/environ"):
            return "environ"
        if name.startswith(("/proc", "/dev/fd")):
            return "proc"
        if name == os.devnull:
            return "null"
        if name.startswith(CGROUPS):
            return "cgroup"
        return name.partition(":")[0] if re.match("pipe:|socket:|anon_inode:", name) else "file"


class _Proxy:
    """An object whose methods are looked up through FIND(name, method)."""

    def __init__(self, thing, find):
        self._thing, self._find = thing, find

    def __getattr__(self, name):
        return self._find(name, getattr(self._thing, name))

    def __enter__(self):
        self._thing.__enter__()
        return self

    def __exit__(self, *error):
        return self._thing.__exit__(*error)

    def __iter__(self):
        return iter(self._thing)


# One clinitd through all that it can be told ------------------------------------------------------------

SETTINGS = ":::kill:TERM 1 KILL\n:::respawn:5 1 1\ng:::output:WORLD/out\n"
REST = """g:rest:1:respawn:(trap "" TERM; exec sleep 1000) & exec sleep 1001\n"""
FIRST = SETTINGS + ":::log:WORLD/log\ng:wait:1:wait:echo wait >>WORLD/runs\ng:test:1:test:test -d WORLD\n" + (
    "g:once:1:once:echo once >>WORLD/runs\ng:plain:12:respawn:sleep 1002\n" + REST)
SECOND = SETTINGS + ":::log:WORLD/log2\n:::socket:WORLD/moved.s\ng:wait:1:wait:echo wait >>WORLD/runs\n" + (
    "g:test:1:test:test -d WORLD\ng:new:1:once:echo new >>WORLD/runs\ng:plain:12:respawn:sleep 1003\n" + REST
    + "h:other:1:respawn:sleep 1004\n")
THIRD = SECOND + "h:last:1:once:echo last >>WORLD/runs\n"


class Wrong(Exception):
    """What a run shows to be wrong with clinitd; the run ends there."""


class Seamed(World):
    """A world whose clinitd is a child of this process, behind a Seam."""

    def __init__(self, site, number, most_open):
        super().__init__()
        tap._cleanups.remove(self.end)      # ended by who runs it
        os.chmod(self.dir, 0o755)
        self.status = "status/clstat"
        self.options[-1] = self.path(self.status)
        self.number = number
        self.seam = Seam(self.path("trace"), [self.path("log"), self.path("log2")], site, number)
        self.heard = []             # what clients were told went wrong
        self.most_open = most_open  # descriptors that it may have open when all is done; 0: not known
        self.child, self.code = 0, None
        self.forgot = False         # whether a clinitd that took over did not know what has run

    def start(self):
        self.child, self.code = os.fork(), None
        if self.child == 0:
            self._be_clinitd()
        self.until(lambda: "pid=%d " % self.child in self.read(self.status) or self.ended, "clinitd to start")

    def _be_clinitd(self):
        code = 99
        try:
            os.setsid()
            signal.alarm(0)
            for number in (signal.SIGTERM, signal.SIGALRM):
                signal.signal(number, signal.SIG_DFL)
            null = os.open(os.devnull, os.O_RDONLY)
            said = os.open(self.path("err"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            for descriptor, to in ((null, 0), (said, 1), (said, 2)):
                os.dup2(descriptor, to)
            os.chdir(self.dir)
            os.environ["WORLD"] = self.dir
            sys.argv = [os.path.join(ROOT, "bin", "clinitd"), *self.options]
            sys.stdout = sys.stderr = open(2, "w", buffering=1, closefd=False)
            self.seam.install()
            clinitd.main()
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    # Facts

    @property
    def ended(self):
        """Whether clinitd has; its exit status is `code` then."""
        if self.code is None:
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid:
                self.code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
        return self.code is not None

    @property
    def said(self):
        return self.read("err") + self.read("log") + self.read("log2")

    def until(self, fact, text):
        end = time.monotonic() + PATIENCE
        while not fact():
            if time.monotonic() > end:
                raise Wrong("waited %d s for %s" % (PATIENCE, text))
            time.sleep(0.002)

    def reach(self, fact, text, act=None):
        """Do ACT and wait for a FACT, while clinitd runs; once more when a fault that was met meanwhile is over."""
        began = self.seam.holds, self.seam.met

        def true():
            if fact():
                return True
            if self.ended:
                raise Wrong("clinitd ended, exit status %d, before: %s" % (self.code, text))
            return self.seam.met and not self.seam.holds and began != (False, self.seam.met) and self.stuck(fact)

        if act:
            act()
        self.until(true, text)
        if act and not fact():
            act()
        self.until(fact, text)

    def stuck(self, fact):
        """Whether half a second has not made FACT true."""
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            if fact():
                return False
            time.sleep(0.01)
        return True

    def ask(self, command, *args):
        """Command clinitd; once more, when it is over, where a fault kept that from it."""
        met = self.seam.met
        while True:
            client = clinit.client(self.cltab, self.socket, self.options[-1])     # which may find it elsewhere now
            try:
                getattr(client, command)(*args, timeout=PATIENCE)
                return
            except clinit.Error as error:
                self.heard.append(str(error))
                if self.ended and command == "shutdown":
                    return
                if self.ended or self.seam.met == met:
                    raise Wrong("%s: %s" % (" ".join([command, *args]), error)) from None
            finally:
                self.heard += client.warnings
            self.until(lambda: not self.seam.holds, "the end of the fault")
            met = self.seam.met

    def tell(self, group, level):
        """Tell GROUP, once more where its test could not be run meanwhile, and wait until it is DONE."""
        self.ask("tell", group, level)
        told = [True]

        def done():
            line = self.line(group)
            if line and line.state == "FAILED" and told and self.seam.met and not self.seam.holds:
                told.pop()
                self.ask("tell", group, level)
            return line and (line.level, line.state) == (level, "DONE")
        self.reach(done, "%s %s DONE" % (group, level))

    def await_running(self, *names, but=()):
        self.reach(lambda: all(self.state(name) == "RUNNING" and self.pid(name) not in but for name in names),
                   "%s RUNNING" % " ".join(names))

    # The scenario

    def play(self):
        """All that clinitd is for, in a third of a second. Raises Wrong."""
        for number, step in enumerate(self.STEPS):
            self.seam.enter(number)
            step(self)
            if self.ended:
                break

    def set_up(self):
        self.write(FIRST)
        self.start()
        if self.ended:
            self.check_refusal()

    def run_all_modes(self):
        self.tell("g", "1")
        self.await_running("g:plain", "g:rest")

    def respawn(self):
        old = [self.pid("g:plain"), self.pid("g:rest")]
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        self.await_running("g:plain", "g:rest", but=old)

    def crash(self):
        """Killed, and started again, until it runs: all goes on."""
        kept = [self.pid("g:plain"), self.pid("g:rest")]
        os.kill(self.child, signal.SIGKILL)
        self.until(lambda: self.ended, "the end of clinitd")
        self.start()
        if self.ended:
            if self.code != 1 and "cltab: cannot be read" not in self.said or not self.seam.met:
                raise Wrong("refused to take over, exit status %d" % self.code)
            self.until(lambda: not self.seam.holds, "the end of the fault")
            self.start()
        self.reach(lambda: [self.pid("g:plain"), self.pid("g:rest")] == kept, "what runs to be taken over")
        # (a line is lost where it cannot be written, or where it cannot be told whether it can)
        if "taking over" not in self.said and not (self.seam.met and what(self.seam.fault) in ("write log", "select")):
            raise Wrong("it does not say that it takes over")
        if self.seam.met and self.state("g") != "DONE":     # what is not known to have run waits to be told
            self.forgot = True
            self.tell("g", "1")
        self.reach(lambda: self.state("g") == "DONE", "g DONE after the crash")

    def reread(self):
        self.write(SECOND)
        self.reach(lambda: self.line("g:new") and not self.line("g:once") and self.state("g") == "DONE"
                   and self.listens("moved.s"), "the reread", lambda: self.ask("reread"))
        self.tell("h", "1")

    def hang_up(self):
        self.write(THIRD)
        self.reach(lambda: self.line("h:last"), "HUP", lambda: os.kill(self.child, signal.SIGHUP))

    def renew(self):
        for name in (self.status, "moved.s"):
            os.unlink(self.path(name))
        os.kill(self.child, signal.SIGUSR1)
        self.reach(lambda: self.line("g"), "USR1, and the status file")
        self.reach(lambda: self.listens("moved.s"), "USR1, and the socket")

    def change_level(self):
        self.tell("g", "2")
        self.await_running("g:plain", "h:other")

    def rest_a_moment(self):
        """All is as it was told: nothing runs twice, nothing is left open."""
        self.until(lambda: not self.seam.holds, "the end of the fault")
        self.reach(lambda: self.state("h:last") == "DONE", "h:last DONE")
        self.reach(lambda: os.path.exists(self.path("log2")), "the log where it is now")
        self.check_once({"plain": 1, "other": 1})
        self.until(lambda: not self.most_open or self.open_files() <= self.most_open,
                   "%s descriptors to be enough: it has %d" % (self.most_open, self.open_files()))
        self.most_open = self.open_files()

    def halt(self):
        self.ask("shutdown")
        self.until(lambda: self.ended, "the end after -k")
        if self.code != 0:
            raise Wrong("-k ended it with exit status %d" % self.code)
        self.check_once({})
        over = self.seam.fault is None or self.seam.fault.step < self.STEPS.index(Seamed.halt)
        if over and "exiting" not in self.read("log2"):
            raise Wrong("it does not log to where the cltab says")

    STEPS = (set_up, run_all_modes, respawn, crash, reread, hang_up, renew, change_level, rest_a_moment, halt)

    def listens(self, name):
        """Whether somebody does, at the socket NAME."""
        with socket.socket(socket.AF_UNIX) as there:
            return there.connect_ex(self.path(name)) == 0

    def open_files(self):
        return len(os.listdir("/proc/%d/fd" % self.child))

    # The audit

    def check_refusal(self):
        """It did not start: with 1 (6 where it is the cltab), one line that says why, and nothing left."""
        lines = self.read("err").splitlines() + self.read("log").splitlines()
        code = 6 if "cltab: cannot be read" in " ".join(lines) else 1
        if (self.code, len(lines)) != (code, 1):
            raise Wrong("refused to start with exit status %d, saying: %s" % (self.code, " | ".join(lines)))
        why = os.strerror(self.number), os.strerror(errno.EEXIST)      # the latter is all that os.makedirs lets know
        if not lines[0].endswith(why):
            raise Wrong("refused to start, but not for what it says: " + lines[0])
        self.check_once({})

    def check_once(self, want):
        """Exactly those main processes run that WANT, {tag: 1}; and what is to run once has."""
        found = {}
        for pid in self.processes():
            tag = self.tag_of_leader(pid)
            if tag is not None:
                found[tag] = found.get(tag, 0) + 1
        if found != want:
            raise Wrong("of %s there run %s" % (want, found))
        runs = self.read("runs").split()
        for name in ("wait", "once", "new", "last"):
            if runs.count(name) > 1 + self.forgot or want and name not in runs and "cannot execute" not in self.said:
                raise Wrong("%s ran %d times" % (name, runs.count(name)))

    def tag_of_leader(self, pid):
        """The tag of PID, if it is the first process of its session; "rest" for what is not."""
        try:
            if os.getsid(pid) != pid:
                return "rest"
            with open("/proc/%d/environ" % pid, "rb") as file:
                found = re.search(rb"CLINIT_TAG=([^\0]*)", file.read())
            return found.group(1).decode() if found and lives(pid) else None
        except OSError:
            return None

    def said_of_fault(self):
        """What the log says of the fault, without the time of day."""
        text = os.strerror(self.number)
        return [line[line.index("clinitd: "):] for line in self.said.splitlines()
                if text in line and "clinitd: " in line]

    def check_words(self):
        """The log tells the fault, and does not go on about it; and it shows no fault of clinitd's own."""
        for line in self.said.splitlines():
            if re.search("internal error|Traceback", line):
                raise Wrong("the log has: %s" % line)
        site = self.seam.fault
        if site is None or not self.seam.met:
            return
        lines = self.said_of_fault()
        for line in set(lines):
            if lines.count(line) > SAME:
                raise Wrong("said %d times: %s" % (lines.count(line), line))
        if what(site) in MUST_BE_SAID and not lines and os.strerror(self.number) not in " ".join(self.heard):
            raise Wrong("not said: %s" % os.strerror(self.number))

    def end(self):
        """Leave nothing, whatever happened."""
        def nothing_left():
            left = ([self.child] if self.child and not self.ended else []) + self.processes()
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            return not left

        self.until(nothing_left, "the end of what was left")
        remove_cgroups(self.dir)
        shutil.rmtree(self.dir, ignore_errors=True)

    def sites(self):
        """The calls that were reached."""
        found = []
        for line in self.read("trace").splitlines():
            step, file, function, number, call, *kind = line.split()
            found.append(Site(int(step), file, function, int(number), call, "".join(kind)))
        return found


# Runs ---------------------------------------------------------------------------------------------------

class Run:
    """One run, with a fault, the errno NUMBER at SITE.

    wrong: what is wrong with clinitd, "" for nothing; met: how often the fault was; sites: the calls that were
    reached; said: the log; open_files: the descriptors it had in the end.
    """

    def __init__(self, site=None, number=0, most_open=0):
        world = Seamed(site, number, most_open)
        self.wrong = ""
        try:
            world.play()
            world.check_words()
        except Wrong as error:
            self.wrong = str(error)
        finally:
            self.met, self.sites, self.open_files = world.seam.met, world.sites(), world.most_open
            self.said = world.said + "".join("told: %s\n" % line for line in world.heard)
            world.end()


def side_by_side(jobs, perform, workers=2):
    """What PERFORM(job) returns for each of JOBS, something that JSON can tell, as it comes."""
    reader, writer = os.pipe()
    children = []

    def end():
        while children:
            os.kill(children[-1], signal.SIGTERM)
            os.waitpid(children.pop(), 0)

    tap.cleanup(end)
    for number in range(workers):
        child = os.fork()
        if child == 0:
            _work(jobs[number::workers], perform, writer)
        children.append(child)
    os.close(writer)
    with open(reader) as results:
        for line in results:
            yield json.loads(line)
    end()


def _work(jobs, perform, writer):
    """Be a worker; TERM ends it, and what it has started."""
    try:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        for job in jobs:
            os.write(writer, json.dumps(perform(job)).encode() + b"\n")
    except SystemExit:
        pass
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)
