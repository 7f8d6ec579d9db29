#!/usr/bin/env python3
"""A status file that cannot be believed: what runs is told by its marks; nothing runs twice, no stranger is touched (SPEC 5)."""
import os
import random
import re
import shutil
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from crash import CrashWorld, case, play    # finds the library
from clinit import members
from tap import cleanup, done, limit, note, ok, same, skip
from world import QUICK, lives, wait_for

CLTAB = QUICK + """
g:w:run:wait:WORLD/job 1 0
g:a:run:respawn:WORLD/job 1 1000
g:b:run:respawn:WORLD/job 1 1000 kid
g:dead:run:respawn:WORLD/job 1 1000
h:o:run:once:WORLD/job 1 0
s:s:1:once:true
"""
RUNS = ("g:a", "g:b")       # what runs through it all
NOBODY = 65534


def crashed(text=CLTAB):
    """(a world whose clinitd was killed, and one of its processes meanwhile; the pids of RUNS)"""
    world = CrashWorld(text)
    world.start()
    for group in "gh":
        same(world.clinit("-w", group, "run")[0], 0, "%s is up" % group)
    world.await_state("h:o", "DONE")
    wait_for(lambda: all(world.ran(tag) for tag in ("w", "a", "b", "dead", "o")) and world.kids("b"), "the records")
    pids = world.await_up(*RUNS)
    dead = world.kill("g:dead")
    old = world.line("g:dead").more["run"]
    wait_for(lambda: world.pid("g:dead") not in (0, dead) and world.line("g:dead").more["run"] != old, "a respawn")
    wait_for(lambda: len(world.ran("dead")) == 2, "its record")
    world.crash()
    dead = world.kill("g:dead")
    wait_for(lambda: not lives(dead), "it to die")
    return world, pids


def recover(world, pids, believed=False):
    """Start a clinitd after crashed(): what must hold, whatever is in the status file."""
    world.start()
    same(world.clinit("-w", "s", "1")[::2], (0, ""), "it starts, and answers")
    same([world.pid(name) for name in RUNS], pids, "what runs with marks is taken over")
    same(world.line("g").level, "run", "its group is at its level")
    same((len(world.ran("w")), len(world.ran("o"))), (1, 1), "what was done does not run again by itself")
    if not believed:
        same((len(world.ran("dead")), world.pid("g:dead")), (2, 0), "what nothing is known of is not run until told")
    told_up(world, pids)


def told_up(world, pids):
    same(world.clinit("-w", "g", "run")[1], "level transition started\ng run DONE\n", "a tell brings the group fully up")
    world.await_up("g:dead")
    wait_for(lambda: len(world.ran("dead")) == 3, "the record")
    same(([world.pid(name) for name in RUNS], world.read("twice")), (pids, ""), "and nothing runs twice")
    kids = world.kids("b")
    same(world.clinit("-w", "g", "0")[0], 0, "told to stop")
    same([pid for pid in pids + kids if lives(pid)], [], "all ends, members too")


def spoiled(what, spoil, believed=False):
    """A case: SPOIL(world) changes the status file while clinitd is down."""
    @case("the status file: " + what)
    def one():
        world, pids = crashed()
        spoil(world)
        recover(world, pids, believed)


def changed(pattern, by):
    """Replace what matches PATTERN in the status file."""
    def spoil(world):
        text = world.read("clstat")
        assert re.search(pattern, text)
        world.replace(re.sub(pattern, by, text), "clstat")
    return spoil


def truncated(part):
    def spoil(world):
        text = world.read("clstat")
        world.replace(text[:int(len(text) * part)], "clstat")
    return spoil


def rubbish(world):
    with open(world.path("clstat"), "wb") as file:
        file.write(random.Random(1).randbytes(100000))


def fifo(world):
    os.unlink(world.path("clstat"))
    os.mkfifo(world.path("clstat"))


def symlink(world):
    os.rename(world.path("clstat"), world.path("elsewhere"))
    os.symlink(world.path("elsewhere"), world.path("clstat"))


def odd_values(world):
    """Values that no clinitd writes, at the lines of what is dead."""
    world.replace(re.sub(r"(Process g:dead .*)", r"Cluster::Init::Process g:dead run RUNNING pid=-1 start=x run= restarts=9e9\n"
                         r"Cluster::Init::Process g:dead run WHAT pid=99999999999999999999 start=0 last=exit:\n"
                         r"Cluster::Init::Process x:y z RUNNING pid=1 start=1\nCluster::Init::Group x ../../z DONE want=%0A",
                         world.read("clstat")), "clstat")


spoiled("is of another boot", changed(r"boot=\S+", "boot=00000000-0000-0000-0000-000000000000"))
spoiled("is of another host", changed(r"host=\S+", "host=elsewhere.example"), believed=True)
spoiled("is gone", lambda world: os.unlink(world.path("clstat")))
spoiled("is empty", truncated(0))
for part in (0.1, 0.4, 0.6, 0.8, 0.97):
    spoiled("is truncated at %d %%" % (100 * part), truncated(part), believed=True)
spoiled("is rubbish", rubbish)
spoiled("has odd values", odd_values, believed=True)
spoiled("is a pipe", fifo)
spoiled("is a symbolic link", symlink, believed=True)
spoiled("is in a folder that others can write", lambda world: os.chmod(world.dir, 0o777))
if os.getuid() == 0:
    spoiled("is owned by another uid", lambda world: os.chown(world.path("clstat"), NOBODY, -1))
else:
    skip("the status file is owned by another uid", "needs root")


def stranger(environ=None, **more):
    """A process of this test's own; returns it and its start time."""
    process = subprocess.Popen(["sleep", "1000"], env={**os.environ, **(environ or {})}, stdin=subprocess.DEVNULL, **more)

    @cleanup
    def end():
        process.kill()
        process.wait()
    wait_for(lambda: members.start_time(process.pid), "a stranger to start")
    return process, members.start_time(process.pid)


def unharmed(world, pids, process):
    """The rest of a case with a stranger."""
    world.start()
    world.await_up("g:dead")
    ok(world.pid("g:dead") != process.pid, "a stranger is not taken over")
    same([world.pid(name) for name in RUNS], pids, "what is ours is")
    told_up(world, pids)
    same(process.poll(), None, "and the stranger is not signalled")
    same(world.stop(), 0, "halted")
    same(process.poll(), None, "nor then")


@case("the pid and start time of a stranger")
def forged():
    for run in ("", r"run=\g<run> "):
        world, pids = crashed()
        process, start = stranger()
        changed(r"(Process g:dead \S+ \S+) pid=\d+ start=\d+ run=(?P<run>\S+) ", r"\1 pid=%d start=%d %s" % (process.pid, start, run))(world)
        unharmed(world, pids, process)


@case("a stranger with a mark of its own, in a session of its own")
def forged_session():
    world, pids = crashed()
    process, start = stranger({"CLINIT_RUN": "0123456789ab.1", "CLINIT_GROUP": "g", "CLINIT_TAG": "dead", "CLINIT_LEVEL": "run",
                               "CLINIT_SOCKET": "/nowhere/clinit.s", "CLINIT_CLTAB": "/nowhere/cltab"}, start_new_session=True)
    changed(r"(Process g:dead \S+ \S+) pid=\d+ start=\d+ run=(?P<run>\S+) ", r"\1 pid=%d start=%d run=\g<run> " % (process.pid, start))(world)
    unharmed(world, pids, process)


@case("the pid of what is dead was given again")
def given_again():
    world, pids = crashed()
    process, start = stranger(start_new_session=True)
    changed(r"(Process g:dead \S+ \S+) pid=\d+ start=(?P<start>\d+) ", r"\1 pid=%d start=\g<start> " % process.pid)(world)
    unharmed(world, pids, process)


@case("a mark that another uid has made")
def other_uid():
    if os.getuid() != 0 or not shutil.which("setpriv"):
        return skip("a process with the mark and another uid is not taken over", "needs root, and setpriv")
    for file in ("believed", "gone"):
        world, pids = crashed()
        run = world.line("g:dead").more["run"]
        environ = {"CLINIT_RUN": run, "CLINIT_GROUP": "g", "CLINIT_TAG": "dead", "CLINIT_LEVEL": "run", "CLINIT_PREVLEVEL": "",
                   "CLINIT_CLTAB": world.cltab, "CLINIT_SOCKET": world.socket}
        process = subprocess.Popen(["setpriv", "--reuid=%d" % NOBODY, "--clear-groups", "sleep", "1000"],
                                   env={**os.environ, **environ}, stdin=subprocess.DEVNULL, start_new_session=True)
        cleanup(process.wait)
        cleanup(process.kill)
        wait_for(lambda: "sleep" in name_of(process.pid), "it to change its uid")
        if file == "gone":
            os.unlink(world.path("clstat"))
        note("the status file is " + file)
        world.start()
        same(world.clinit("-w", "g", "run")[::2], (0, ""), "told")
        world.await_up("g:dead")
        ok(world.pid("g:dead") != process.pid, "a process with the mark and another uid is not taken over")
        same([world.pid(name) for name in RUNS], pids, "what is ours is")
        same(world.clinit("-k", "-w")[0], 0, "halted")
        same(process.poll(), None, "nor is it signalled")
        process.kill()
        process.wait()


def name_of(pid):
    with open("/proc/%d/comm" % pid) as file:
        return file.read()


@case("another clinitd's processes, and its status file")
def neighbour():
    other = CrashWorld(CLTAB)
    other.start()
    same(other.clinit("-w", "g", "run")[0], 0, "a neighbour runs groups of the same names")
    theirs = other.await_up(*RUNS, "g:dead")
    for file in ("gone", "the neighbour's"):
        world, pids = crashed()
        os.unlink(world.path("clstat"))
        if file != "gone":
            shutil.copy(other.path("clstat"), world.path("clstat"))
        note("our own status file is " + file)
        recover(world, pids, believed=file != "gone")
        same([other.pid(name) for name in (*RUNS, "g:dead")], theirs, "what the neighbour runs goes on")
        ok(all(map(lives, theirs)), "unharmed")
        world.end()
        same([other.pid(name) for name in (*RUNS, "g:dead")], theirs, "even when all of ours is halted")


limit(600)      # one wait after the other, where nothing is as it should be
play()
done()
