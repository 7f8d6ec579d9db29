#!/usr/bin/env python3
"""clinitd -x: where no clinitd runs, what one has left is stopped, truly (SPEC 5)."""
import os
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from crash import CrashWorld, case, play
from tap import done, limit, ok, same
from world import QUICK, lives, wait_for

CLTAB = QUICK + """
g:a:run:respawn:WORLD/job 1 1000 kid
g:deaf:run:respawn:WORLD/job 1 1000 deaf
g:deaf::kill:TERM 0.3 KILL
g:w:run:wait:WORLD/job 1 0
h:b:run:respawn:WORLD/job 1 1000 kid
h:c:run:once:WORLD/job 1 1000
"""


def running(crash=True):
    """A world with two groups, whose clinitd was killed."""
    world = CrashWorld(CLTAB)
    world.start()
    for group in "gh":
        same(world.clinit("-w", group, "run")[0], 0, "%s is up" % group)
    wait_for(lambda: all(map(world.ran, ("a", "deaf", "w", "b", "c"))) and world.kids("a") and world.kids("b"), "the records")
    if crash:
        world.crash()
    return world


def stop(world, *group):
    """(exit status, what it said on stdout) of clinitd -x"""
    code, out, err = world.run("clinitd", *world.options, "-x", *group)
    ok("Traceback" not in err, "clinitd -x %s" % " ".join(group))
    return code, out


@case("all")
def everything():
    world = running()
    same(stop(world), (0, ""), "all is stopped")
    same(world.processes(), [], "nothing is left, what has its own session neither")
    same(stop(world), (0, ""), "again: there is nothing to stop")
    world.start()
    same(world.clinit("-w", "h", "run")[0], 0, "the next clinitd starts")
    wait_for(lambda: len(world.ran("b")) == 2, "the record")
    same((len(world.ran("a")), world.read("twice")), (1, ""), "and runs what it is told")


@case("one group")
def one_group():
    world = running()
    names = ("h", "h:b", "h:c")
    before = {name: str(world.line(name)) for name in names}
    pids = world.pid("g:a"), world.pid("g:deaf"), *world.kids("a")
    others = [world.pid("h:b"), world.pid("h:c"), *world.kids("b")]
    same(stop(world, "g"), (0, ""), "it is stopped")
    same([pid for pid in pids if lives(pid)], [], "with all members")
    same(set(world.processes()), set(others), "and nothing else is")
    world.start()
    same(world.clinit("-w", "h", "run")[0], 0, "the next clinitd takes over the other group")
    same([world.pid("h:b"), world.pid("h:c"), *world.kids("b")], others, "with the same pids")
    same({name: world.state(name) for name in names}, {name: line.split()[3] for name, line in before.items()}, "and states")
    same([len(world.ran(tag)) for tag in ("a", "deaf", "w", "b", "c")], [1] * 5, "what was stopped is not started until told")
    same(world.clinit("-w", "g", "run")[0], 0, "told")
    wait_for(lambda: len(world.ran("a")) == len(world.ran("deaf")) == 2, "it to start")
    same(world.read("twice"), "", "nothing runs twice")


@case("a group that is not there")
def unknown():
    world = running()
    before = set(world.processes())
    stop(world, "nobody")
    same(set(world.processes()), before, "nothing is harmed")
    same(stop(world), (0, ""), "all is stopped")


@case("a bad cltab, none, and no status file")
def bad():
    for what in ("bad cltab", "no cltab", "no status file"):
        world = running()
        if what == "bad cltab":
            world.replace("garbage\n")
        else:
            os.unlink(world.cltab if what == "no cltab" else world.path("clstat"))
        same(stop(world), (0, ""), what + ": all is stopped all the same")
        same(world.processes(), [], "nothing is left")


@case("a clinitd that lives")
def living():
    world = running(crash=False)
    before = set(world.processes()) | {world.daemons[0].pid}
    for group in ((), ("g",)):
        same(stop(world, *group), (1, ""), "is not meddled with")
        same((world.daemons[0].poll(), set(world.processes()) | {world.daemons[0].pid}), (None, before), "nothing is harmed")
    same(world.clinit("-w", "g", "run")[0], 0, "it answers")
    same([len(world.ran(tag)) for tag in ("a", "deaf", "w", "b", "c")], [1] * 5, "nothing was started")


@case("nothing is there")
def nothing():
    world = CrashWorld(CLTAB)
    same(stop(world), (0, ""), "nothing to stop")
    same(stop(world, "g"), (0, ""), "in a group neither")
    same(world.processes(), [], "and nothing was started")


@case("a clinitd -x that is killed in the middle")
def killed():
    world = running()
    stopper = world.popen("clinitd", *world.options, "-x", stderr=subprocess.DEVNULL)
    world.daemons.append(stopper)
    pid = world.pid("g:a")
    wait_for(lambda: not lives(pid) or stopper.poll() is not None, "it to begin")
    stopper.kill()
    stopper.wait()
    same(stop(world), (0, ""), "the next goes on")
    same(world.processes(), [], "nothing is left")


limit(400)      # one wait after the other, where nothing is as it should be
play()
done()
