#!/usr/bin/env python3
"""Where control groups are given nothing escapes a stop; where not, nothing is said (SPEC 5)."""
import os
import re
import signal
import sys

sys.path.insert(0, sys.path[0] + "/lib")
import subprocess

from ordinary import User
from tap import cleanup, done, ok, same, skip, skip_all
from world import QUICK, ROOT, World, lives, remove_cgroups, wait_for

from clinit.cgroup import Cgroups

# No environment, a session of its own, no parent, before anybody has looked
HIDE = """import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open(sys.argv[1], "a") as file:
            file.write("%d\\n" % os.getpid())
        os.execve("/bin/sleep", ["sleep", "1000"], {})
    os._exit(0)
os.wait()
if len(sys.argv) == 2:
    os.execvp("sleep", ["sleep", "1001"])
"""
# The same, again and again, so that nobody can take hold of it; it ends by itself in the end
HOP = """import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
hops = int(sys.argv[2])
if os.fork() == 0:
    os.setsid()
    with open(sys.argv[1], "a") as file:
        file.write("%d\\n" % os.getpid())
    if hops < 1000:
        os.execve(sys.executable, [sys.executable, "-S", *sys.argv[:2], str(hops + 1)], {})
if hops == 0:
    signal.pause()
"""
ours = Cgroups()
if not ours.home:
    skip_all("no control groups of version 2 are given here")
python = sys.executable
CLTAB = QUICK + """g:r:run:respawn:%s WORLD/hide.py WORLD/r
hop:hop:run:respawn:%s -S WORLD/hop.py WORLD/hops 0
left:once:run:once:%s WORLD/hide.py WORLD/once leave
bad:bad:run:once:/no/such/program
""" % (python, python, python)
world = World(CLTAB)
world.write(HIDE, "hide.py")
world.write(HOP, "hop.py")
parent = os.path.join(ours.home, "clinit-" + world.socket[1:].replace("/", "-"))


def group_of(name):
    return os.path.join(parent, "%s.%s" % (name, world.line(name).more["run"].partition(".")[0]))


def groups():
    """The names of all that have a group now."""
    try:
        return sorted(name.rpartition(".")[0] for name in os.listdir(parent) if os.path.isdir(os.path.join(parent, name)))
    except FileNotFoundError:
        return []


def escaped(name, but=()):
    """The pid of the last one that hid itself, when it has written that to the file NAME; none of BUT."""
    return wait_for(lambda: next((int(pid) for pid in world.read(name).split()[-1:] if int(pid) not in but), 0),
                    "who hides by %s" % name)


@cleanup
def end():
    for pid in {int(pid) for name in ("r", "once", "inner") for pid in world.read(name).split()}:
        try:
            with open("/proc/%d/cmdline" % pid, "rb") as file:
                if file.read() == b"sleep\0" + b"1000\0":
                    os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


# A stop
daemon = world.start()
same(world.clinit("-w", "g", "run")[0], 0, "up")
hidden = escaped("r")
group = group_of("g:r")
with open(group + "/cgroup.procs") as file:
    same(sorted(map(int, file)), sorted([world.pid("g:r"), hidden]), "the main process and who hides are in a group of theirs")
same(world.clinit("-w", "g", "0")[0], 0, "a stop")
ok(not lives(hidden), "ends who has cleared its environment, begun a session of its own, and lost its parent")
same(groups(), [], "and the group is gone")

same(world.clinit("-w", "hop", "run")[0], 0, "one that hides again and again")
wait_for(lambda: len(world.read("hops").split()) > 3, "it to run")
same(world.clinit("-w", "hop", "0")[0], 0, "is stopped")
same([pid for pid in map(int, world.read("hops").split()) if lives(pid)], [], "truly")
same(world.clinit("-w", "bad", "run")[0], 0, "what cannot be executed")
same(groups(), [], "leaves no group")

# What is left on purpose
same(world.clinit("-w", "left", "run")[0], 0, "a once that leaves something behind")
left = escaped("once")
world.await_state("left", "DONE")
same(world.clinit("-w", "left", "0")[0], 0, "it is let go at a stop")
ok(lives(left), "and lives on")
same(groups(), ["left:once"], "in its group")

# A clinitd that was killed
world.clinit("-w", "g", "run")
hidden = escaped("r", [hidden])
group = group_of("g:r")
os.mkdir(group + "/own")    # as a service may do that cares for groups itself
daemon.kill()
daemon.wait()
daemon = world.start()
same(world.state("g"), "DONE", "taken over")
same(groups(), ["g:r", "left:once"], "groups that are in use are kept")
same(world.clinit("-w", "g", "0")[0], 0, "a stop")
ok(not lives(hidden), "it ends who hid before that")
same(groups(), ["left:once"], "the group is gone, with an empty one below it")
world.clinit("-w", "g", "run")
hidden = escaped("r", [hidden])
same(world.clinit("-u")[0], 0, "replaced")
same(world.clinit("-w", "g", "0")[0], 0, "a stop by the next one")
ok(not lives(hidden), "ends who hides, too")
same(world.stop(daemon), 0, "a halt")
ok(lives(left), "does not end what was left on purpose")
same(groups(), ["left:once"], "its group stays")
os.kill(left, signal.SIGKILL)
wait_for(lambda: not lives(left), "its end")
same(world.stop(world.start()), 0, "the next clinitd comes and goes")
ok(not os.path.exists(parent), "nothing is left of groups")

# Who runs in a group of a job that is stopped
world.clinit("-k", "-w")
daemon = world.start()
world.clinit("-w", "g", "run")
hidden = escaped("r", [hidden])
daemon.kill()
daemon.wait()
world.program = ["sh", "-c", 'echo 0 >"$0"/cgroup.procs && exec "$@"', group_of("g:r"), python]
daemon = world.start()
same(world.clinit("-w", "g", "0")[0], 0, "one that was started in the group of a job stops that")
same(world.stop(daemon), 0, "and outlives it")
world.program = [python]
os.kill(hidden, signal.SIGKILL)

# The whole tree of a clinitd below this one, which was killed itself
inner = "-c WORLD/inner.cltab -s WORLD/inner.s -f WORLD/inner.clstat"
world.write("i:r:run:respawn:%s WORLD/hide.py WORLD/inner\ni:i:run:initdefault:\n" % python, "inner.cltab")
world.write(QUICK + "n:n:run:once:%s %s/bin/clinitd %s\n" % (python, ROOT, inner))
daemon = world.start()
world.clinit("-w", "n", "run")
hidden = escaped("inner")
same(groups(), ["n:n"], "a clinitd below this one has a group")
same(len(re.findall("/clinit-", open("/proc/%d/cgroup" % hidden).read())), 2, "and its own ones below that")
same(world.clinit("-w", "n", "0")[0], 0, "its stop")
ok(not lives(hidden), "ends who hides there")
same(world.stop(daemon), 0, "a halt")
ok(not os.path.exists(parent), "nothing is left of groups")
remove_cgroups(world.dir)

# systemd has all groups, and says which it has given away
delegated = os.path.join(ours.home, os.path.basename(world.dir))
os.mkdir(delegated)


@cleanup
def end_delegated():
    world.end_daemons()
    end()       # where no groups were given who hid is a stray
    for folder, _, _ in os.walk(delegated, topdown=False):
        wait_for(lambda folder=folder: "populated 0" in open(folder + "/cgroup.events").read(), "an empty group")
        os.rmdir(folder)


world.write(CLTAB)
SYSTEMD = 'echo 0 >"$0"/cgroup.procs && mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec "$@"'
world.program = ["unshare", "--mount", "sh", "-c", SYSTEMD, delegated, python]
probe = subprocess.run([*world.program, "-c", "pass"], capture_output=True, text=True)
if probe.returncode:
    skip("what systemd says counts", probe.stderr.strip())
else:
    for value, want in (b"0", 0), (b"1", 1):
        os.setxattr(delegated, "trusted.delegate", value)
        daemon = world.start()
        world.clinit("-w", "g", "run")
        made = [name for name in os.listdir(delegated) if name.startswith("clinit-")]
        same(len(made), want, "under systemd, trusted.delegate %s" % value.decode())
        same(world.stop(daemon), 0, "a halt")
world.program = [python]

# An ordinary user
if os.getuid() == 0:
    user = User(world)
    world.write("g:r:run:respawn:sleep 1000\ng:i:run:initdefault:\n", "home/cltab")
    user.own(world.path("home/cltab"))
    call = user.popen("clinitd", "-c", "cltab", "-s", world.path("home/s"))
    wait_for(lambda: "DONE" in world.read("home/clstat"), "an ordinary user's clinitd")
    call.terminate()
    lines = call.communicate(timeout=30)[1].splitlines()
    same((call.returncode, [line for line in lines if "cgroup" in line or "control" in line]), (0, []),
         "to whom no groups are given, nothing is said of that")
else:
    skip("an ordinary user", "this is one, with groups of their own")
ok("control group" not in world.said, "nor here")
done()
