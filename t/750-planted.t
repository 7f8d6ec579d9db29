#!/usr/bin/env python3
"""Planted at the names of its files, or given by who starts it: nothing of that is clinitd's undoing, or others' (SPEC 3, 5, 7)."""
import os
import resource
import signal
import socket
import stat
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import cleanup, done, like, limit, note, ok, same
from world import PATIENCE, QUICK, World, wait_for

limit(400)
CLTAB = QUICK + ":::log:WORLD/events\ng:a:run:respawn:sleep 1000\ng:::output:WORLD/out\n"
NAMES = {"socket": "clinit.s", "lock": "clinit.s.lock", "status file": "clstat", "status file's temporary name": "clstat.new",
         "log": "events", "output file": "out/g:a.log"}
PLAIN = {"PYTHONDONTWRITEBYTECODE": "1"}     # a strange umask or limit must not get into the byte code of others


def new(text=CLTAB):
    """A world with a folder of somebody's that must stay as it is."""
    world = World(text, environ=PLAIN)
    os.makedirs(world.path("precious/folder"))
    os.mkdir(world.path("out"))
    world.write("inside", "precious/folder/inside")
    world.write("precious", "precious/file")
    os.chmod(world.path("precious/file"), 0o640)
    os.chmod(world.path("precious/folder"), 0o750)
    return world


def seen(path):
    """All that can be changed of PATH, and of what is in it where it is a folder."""
    facts = os.lstat(path)
    if stat.S_ISDIR(facts.st_mode):
        inside = [(name, seen(os.path.join(path, name))) for name in sorted(os.listdir(path))]
    elif stat.S_ISREG(facts.st_mode):
        with open(path, "rb") as file:
            inside = file.read()
    else:
        inside = None
    return facts.st_ino, facts.st_mode, facts.st_uid, facts.st_gid, facts.st_nlink, inside


def answers(world):
    client = socket.socket(socket.AF_UNIX)
    try:
        client.connect(world.socket)
        return True
    except OSError:
        return False
    finally:
        client.close()


def launch(world, **more):
    """A clinitd, when it answers or has ended; what it says goes to the log of the world and can be waited for."""
    with open(world.path("log"), "a") as log:
        daemon = world.popen("clinitd", *world.options, **{"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **more})
    world.daemons.append(daemon)
    wait_for(lambda: daemon.poll() is not None or answers(world), "clinitd to answer or to end")
    return daemon


def kill(pid):
    """Kill a process. 0, of one that is not there, would be this test and all who run it."""
    if pid <= 0:
        raise RuntimeError("there is no process to be killed")
    os.kill(pid, signal.SIGKILL)


def runs(world):
    """A clinitd that is to run, with its group up."""
    daemon = launch(world)
    if daemon.poll() is not None:
        raise RuntimeError("clinitd ended: " + world.said)
    same(world.clinit("-w", "g", "run")[0], 0, "clinitd runs, its group is up")
    return daemon


def refuse(world, daemon, what):
    """It said in one line why it does not start."""
    same((daemon.wait(PATIENCE), world.said.count("\n")), (1, 1), "%s: it does not start, and says why in one line" % what) or note(world.said)
    ok(world.said.startswith("clinitd: ") and "internal error" not in world.said, "... %s" % world.said.strip().replace(world.dir, ""))


def plant(kind, path, world):
    if kind.startswith("link to "):
        os.symlink(world.path("precious/" + kind[len("link to "):]), path)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        os.mkdir(path)
        world.write("inside", os.path.join(path, "inside"))
    else:
        world.write("unreadable", path)
        os.chmod(path, 0)


# Before it starts ----------------------------------------------------------------------------------------

def refuses(name, kind):
    """Whether clinitd cannot start with this in its way: what is no socket is not its to remove; a lock must be one."""
    return name == "socket" or name == "lock" and (kind != "unreadable" or os.getuid() != 0)


for name, file in NAMES.items():
    for kind in ("link to file", "link to folder", "link to nothing", "pipe", "folder", "unreadable"):
        what = "%s at the name of the %s" % (kind, name)
        world = new()
        plant(kind, world.path(file), world)
        before, planted = seen(world.path("precious")), seen(world.path(file)) if kind == "folder" else None
        daemon = launch(world)
        if refuses(name, kind):
            refuse(world, daemon, what)
        else:
            same(world.clinit("-w", "g", "run")[:2], (0, "level transition started\ng run DONE\n"), "%s: it works" % what)
            same(world.stop(daemon), 0, "... and ends well")
        same(seen(world.path("precious")), before, "... and nothing is done to what it points to")
        if kind == "folder":
            same(seen(world.path(file)), planted, "... nor to the folder itself")
        world.end()

# A pipe at the name of the status file does not hold up who asks
world = new()
os.mkfifo(world.path("clstat"))
try:
    code, out, err = world.clstat()
    same((code, out, err.count("\n")), (7, "", 1), "clstat does not wait for a pipe: no status, 7")
except subprocess.TimeoutExpired:
    ok(False, "clstat does not wait for a pipe")

# While it runs -------------------------------------------------------------------------------------------

for name, file in NAMES.items():
    world = new()
    daemon = runs(world)
    before, pid = seen(world.path("precious")), world.pid("g:a")
    aside, path = world.path("aside"), world.path(file)
    if os.path.lexists(path):
        os.rename(path, aside)
    os.symlink(world.path("precious/file"), path)
    daemon.send_signal(signal.SIGUSR1)
    daemon.send_signal(signal.SIGHUP)
    same(world.run("clinit", "-c", world.cltab, "-s", aside if name == "socket" else world.socket)[0], 0, "it heard USR1, HUP and a reread")
    kill(pid)
    wait_for(lambda: world.pid("g:a") not in (0, pid), "a respawn")
    same(seen(world.path("precious")), before, "a link planted at the name of the %s while it runs: nothing is done to what it points to" % name)
    same(world.stop(daemon), 0, "... and it ends well") or note(world.said)
    same(seen(world.path("precious")), before, "... and nothing is done then")
    world.end()

world = new()
daemon = runs(world)
os.unlink(world.path("clinit.s.lock"))
os.mkfifo(world.path("clinit.s.lock"))
try:
    same(world.clinit("-k", "-w")[:2], (0, "all groups halting\n"), "clinit -k -w does not wait for a pipe at the name of the lock")
except subprocess.TimeoutExpired:
    ok(False, "clinit -k -w does not wait for a pipe at the name of the lock")
same(daemon.wait(PATIENCE), 0, "it has ended")
world.end()

world = new()
daemon = runs(world)
os.unlink(world.socket)
world.write("precious", "clinit.s")
world.write(":::socket:WORLD/second.s\n" + CLTAB)
daemon.send_signal(signal.SIGHUP)
world.socket = world.path("second.s")
try:
    wait_for(lambda: answers(world), "it to answer at the second socket")
    same(world.clinit("-w", "g", "run")[0], 0, "a file planted at the old socket's name does not keep it from moving to another")
except TimeoutError as error:
    ok(False, error)
same(world.read("clinit.s"), "precious", "and that file is left alone")
same(world.stop(daemon), 0, "it ends well")
world.end()

# Whoever starts it ---------------------------------------------------------------------------------------

# Executes its arguments with an environment that os.execve does not make
RUBBISH = r"""
import ctypes, os, sys
def strings(words):
    return (ctypes.c_char_p * (len(words) + 1))(*words, None)
args = [os.fsencode(word) for word in sys.argv[1:]]
environ = [b"%s=%s" % pair for pair in os.environb.items()] + [
    b"NAKED", b"", b"=", b"=odd", b"TWICE=1", b"TWICE=2", b"\xff\xfe=\xff", b"LINES=a\nb", b"\x1b[2J=\x1b[2J", b"CLINIT_RUN", b"CLINIT_=x"]
ctypes.CDLL(None).execve(args[0], strings(args), strings(environ))
"""
LIMITS = ("RLIMIT_NOFILE", "RLIMIT_CORE", "RLIMIT_FSIZE", "RLIMIT_STACK", "RLIMIT_NPROC", "RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_MEMLOCK")
SIGNALS = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
OWN = 3 << 31       # 32 and 33 are the C library's own: nobody can reset them
# What Python itself and this test need, with nothing else in the environment
NEEDED = {name: os.environ[name] for name in ("PYTHONPATH", "PYTHONPYCACHEPREFIX") if name in os.environ}


def limited(**limits):
    return lambda: [resource.setrlimit(getattr(resource, "RLIMIT_" + name), (value, value)) for name, value in limits.items()]


def ignore():
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def deleted():
    os.mkdir("gone")
    os.chdir("gone")
    os.rmdir(os.getcwd())


def unreadable():
    os.makedirs("closed", exist_ok=True)
    os.chmod("closed", 0o700)
    os.chdir("closed")
    os.chmod(".", 0)


def reopen(world):
    """What unreadable() has closed: else nobody but root could remove it."""
    if os.path.isdir(world.path("closed")):
        os.chmod(world.path("closed"), 0o700)


def given(pid):
    """What PID was given by whoever started it."""
    with open("/proc/%d/status" % pid) as file:
        mask = [line for line in file if line.startswith("Umask")]
    limits = {name: resource.prlimit(pid, getattr(resource, name)) for name in LIMITS}
    return {"umask": mask, "limits": limits, "directory": os.readlink("/proc/%d/cwd" % pid), "nice": os.getpriority(os.PRIO_PROCESS, pid)}


def sleeping(world, seconds):
    """The pid of `sleep SECONDS` of this world, 0 while there is none: the status file may not be there to tell."""
    for pid in world.processes():
        try:
            with open("/proc/%d/cmdline" % pid, "rb") as file:
                if file.read() == b"sleep\0%d\0" % seconds:
                    return pid
        except OSError:
            pass
    return 0


def good(pid, what):
    """PID was started as every process is to be (SPEC 3)."""
    with open("/proc/%d/status" % pid) as file:
        facts = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    same((int(facts["SigIgn"], 16) & ~OWN, int(facts["SigBlk"], 16)), (0, 0), "%s: no signal is ignored or blocked in its process" % what)
    same(sorted(os.listdir("/proc/%d/fd" % pid)), ["0", "1", "2"], "... which has no descriptor but 0, 1 and 2")


def modes(world, what, status=True):
    names = {"clinit.s": 0o600, "clinit.s.lock": 0o600, **({"clstat": 0o644} if status else {})}
    same({name: oct(os.stat(world.path(name)).st_mode & 0o777) for name in names}, {name: oct(mode) for name, mode in names.items()},
         "%s: its files have their modes" % what)


def started(what, prepare=None, environ=None, program=None, status=True):
    """A clinitd that was started so does its work, and gives on what it was given, but no more."""
    world = World(QUICK + "g:a:run:respawn:sleep 1000\n", environ=PLAIN)
    own = {**world.environ, **(environ or {})} if environ != {} else {**NEEDED, **PLAIN, "WORLD": world.dir}
    cleanup(lambda: reopen(world))
    usual = world.environ, world.program
    world.environ, world.program = own, [*(program or []), sys.executable]
    daemon = launch(world, preexec_fn=prepare)
    world.environ, world.program = usual
    same(world.clinit("-w", "g", "run")[:2], (0, "level transition started\ng run DONE\n"), "%s: it works" % what) or note(world.said)
    modes(world, what, status)
    pid = wait_for(lambda: sleeping(world, 1000), "its process")
    good(pid, what)
    with open("/proc/%d/environ" % pid, "rb") as file:
        environ_of_it = file.read().split(b"\0")
    other = subprocess.Popen(["/bin/sleep", "1001"], preexec_fn=prepare, cwd=world.dir, env=own)
    cleanup(other.wait)
    cleanup(other.kill)
    same(given(pid), given(other.pid), "... and umask, limits, directory and niceness as any program that is started so")
    other.kill()
    kill(pid)
    wait_for(lambda: sleeping(world, 1000) not in (0, pid), "a respawn")
    ok(True, "... it respawns what dies")
    same(world.stop(daemon), 0, "... and obeys TERM")
    reopen(world)
    world.end()
    return environ_of_it


for mask in (0, 0o777, 0o077):
    started("umask %03o" % mask, lambda mask=mask: os.umask(mask))
started("no environment", environ={})
large = {"V%d" % number: "v" * 100000 for number in range(10)}
same(len(set(b"%s=%s" % (name.encode(), value.encode()) for name, value in large.items())
         & set(started("1 MB of environment", environ=large))), 10, "... and gives it on")
ok(b"\xff\xfe=\xff" in started("an environment of rubbish", program=[sys.executable, "-c", RUBBISH]), "... and gives on what is a variable in it")
started("a locale without UTF-8", environ={"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
started("32 descriptors", limited(NOFILE=32))
started("files of 64 bytes at most", limited(FSIZE=64), status=False)
started("no core dumps", limited(CORE=0))
started("all signals ignored", ignore)
started("all signals blocked", lambda: signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS))
for descriptor in (0, 1, 2):
    started("descriptor %d closed" % descriptor, lambda descriptor=descriptor: os.close(descriptor))
started("a folder that is deleted", deleted)
started("a folder that cannot be read", unreadable)
started("niceness 5", lambda: os.nice(5))

world = World(QUICK, environ=PLAIN)
daemon = world.popen("clinitd", *world.options, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=limited(FSIZE=0))
world.daemons.append(daemon)
out, err = daemon.communicate(timeout=PATIENCE)
same((daemon.returncode, err.count("\n")), (1, 1), "where no file may have a byte it says in one line that it does not start")
like(err, "clinitd: cannot listen at %s: " % world.socket, "... and why")
daemon = world.popen("clinitd", "-c", "cltab", *world.options[2:], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=deleted)
world.daemons.append(daemon)
out, err = daemon.communicate(timeout=PATIENCE)
ok(daemon.returncode in (1, 6) and err.count("\n") == 1, "a relative path, in a folder that is deleted: it says in one line that it does not start")
ok("cannot write" not in err, "... and not that it cannot write: %s" % err.strip())
done()
