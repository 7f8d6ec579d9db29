#!/usr/bin/env python3
"""clinitd killed with SIGKILL, then started again: every process runs on, and the new one has them all (SPEC 5).

In the original all went on running, and the next daemon started everything a second time.
"""
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, sys.path[0] + "/lib")
from crash import CrashWorld, case, play    # finds the library
from clinit import members
from tap import done, limit, ok, same, skip
from world import QUICK, lives, wait_for

KEPT = ("pid", "start", "run", "restarts", "last", "want", "up")
# Since this Linux who is no parent is told an exit status, too
TOLD = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2]) >= (6, 15)


def facts(world, *names):
    """What the status file says of NAMES, that a takeover must not change."""
    lines = {name: world.line(name) for name in names}
    return {name: line and (line.level, line.state, [line.more.get(key) for key in KEPT]) for name, line in lines.items()}


def status(pid):
    with open("/proc/%d/status" % pid) as file:
        return file.read()


def switches(pid):
    """How often PID has waited so far."""
    return int(status(pid).partition("\nvoluntary_ctxt_switches:")[2].split()[0])


@case("nothing happened meanwhile")
def undisturbed():
    world = CrashWorld(QUICK + """
web:done:run:wait:WORLD/job 1 0
web:passed:run:test:true
web:a:run:respawn:WORLD/job 1 1000
web:b:run:respawn:WORLD/job 1 1000
web:once:run:once:WORLD/job 1 0
web:long:run:once:WORLD/job 1 1000
web:off:run:off:WORLD/job 1 1000
tests:t:1:test:true
down:d:1:respawn:WORLD/job 1 1000
untold:u:1:respawn:WORLD/job 1 1000
""")
    world.start()
    ok("taking over" not in world.said, "a clinitd that finds nothing takes nothing over")
    for group, level in (("web", "run"), ("tests", "1"), ("down", "1"), ("down", "0")):
        same(world.clinit("-w", group, level)[0], 0, "%s is at %s" % (group, level))
    old = world.kill("web:a")
    wait_for(lambda: world.pid("web:a") not in (0, old), "a respawn")
    world.await_state("web:once", "DONE")
    wait_for(lambda: len(world.ran("a")) == 2 and world.ran("b") and world.ran("long"), "the records")
    names = ("web", "web:done", "web:passed", "web:a", "web:b", "web:once", "web:long", "web:off", "tests", "tests:t", "down")
    before = facts(world, *names)
    runs = {tag: len(world.ran(tag)) for tag in ("done", "a", "b", "once", "long")}
    world.crash()
    ok(all(lives(world.pid(name)) for name in ("web:a", "web:b", "web:long")), "clinitd is killed, what it started runs on")
    daemon = world.start()
    same(facts(world, *names), before, "pids, restarts, exits, levels and states are as before")
    same(world.said_now.count("taking over: "), 1, "the log says it in one line")
    same(world.line("untold"), None, "a group that was not told still is not")
    same(world.clinit("-w", "web", "run")[:2], (0, "level transition started\nweb run DONE\n"), "told the same level again")
    same(facts(world, *names), before, "nothing is to be done")
    same({tag: len(world.ran(tag)) for tag in runs}, runs, "nothing has run again")
    if hasattr(os, "pidfd_open"):
        count, began = switches(daemon.pid), time.monotonic()
        wait_for(lambda: time.monotonic() - began > 1, "a second")
        ok(switches(daemon.pid) - count < 5, "what was taken over is watched without looking again and again")
    else:
        skip("what was taken over is watched without looking again and again", "no pidfds in this Python")

    began = time.monotonic()
    old = world.kill("web:a")
    wait_for(lambda: world.pid("web:a") not in (0, old), "a respawn")
    ok(time.monotonic() - began < 1, "what was taken over and dies is respawned at once")
    line = world.line("web:a").more
    # Its exit status is known once its new parent has reaped it: a respawn does not wait long for that
    same((line["restarts"], line["last"] in ("signal:KILL", "unknown")), ("2", True), "and its exits are counted on")
    world.kill("web:long")
    world.await_state("web:long", "DONE")
    wait_for(lambda: len(world.ran("a")) == 3, "the records")
    same(len(world.ran("long")), 1, "a once that was taken over and dies is done")
    same(world.clinit("-w", "web", "0")[0], 0, "what was taken over can be stopped")
    same(world.pid("web:b"), 0, "and is")
    same(set(world.processes()) - {daemon.pid}, set(), "wholly")
    same(world.clinit("-k", "-w")[0], 0, "halted")
    world.start()
    same((world.line("web"), "taking over" in world.said_now), (None, False), "after a halt there is nothing to take over")


@case("crash after crash")
def again_and_again():
    world = CrashWorld(QUICK + "g:a:run:respawn:WORLD/job 1 1000 kid\ng:w:run:wait:WORLD/job 1 0\n")
    world.start()
    same(world.clinit("-w", "g", "run")[0], 0, "up")
    wait_for(lambda: world.ran("a") and world.kids("a"), "the records")
    before = facts(world, "g", "g:a", "g:w")
    for _ in range(3):
        world.crash()
        world.start()
    same(facts(world, "g", "g:a", "g:w"), before, "three crashes later all is as before")
    old = world.kill("g:a")
    wait_for(lambda: world.pid("g:a") not in (0, old), "a respawn")
    wait_for(lambda: len(world.ran("a")) == 2 and len(world.kids("a")) == 2, "its records")
    kids = world.kids("a")
    same(world.clinit("-w", "g", "0")[0], 0, "stopped")
    same([pid for pid in kids if lives(pid)], [], "with the members of all its runs")
    same((world.read("twice"), len(world.ran("w"))), ("", 1), "nothing has run twice")


@case("processes without a mark that can be read")
def unmarked():
    python = sys.executable
    world = CrashWorld(QUICK + "g:cleared:run:respawn:env -i WORLD/bare\n"
                       + "g:title:run:respawn:%s WORLD/title\n" % python)
    world.write("#!/bin/sh\necho $$ >> WORLD/ran.cleared\nexec sleep 1000\n", "bare")
    os.chmod(world.path("bare"), 0o755)
    world.write("import setproctitle, signal\nsetproctitle.setproctitle('x' * 20000)\n"
                "open('WORLD/ran.title', 'a').write('ran\\n')\nsignal.pause()\n", "title")
    world.start()
    same(world.clinit("-w", "g", "run")[0], 0, "one has cleared its environment, one written its title over it")
    wait_for(lambda: world.ran("cleared") and world.ran("title"), "the records")
    pids = world.await_up("g:cleared", "g:title")
    world.also += [(pid, members.start_time(pid)) for pid in pids]
    world.crash()
    world.start()
    same(world.clinit("-w", "g", "run")[0], 0, "taken over")
    same([world.pid("g:cleared"), world.pid("g:title")], pids, "by the status file, as nobody else has their pids and start times")
    same([len(world.ran("cleared")), len(world.ran("title"))], [1, 1], "and not run twice")
    same(world.clinit("-w", "g", "0")[0], 0, "stopped")
    same([pid for pid in pids if lives(pid)], [], "they end")


@case("a cltab that was edited meanwhile")
def edited():
    world = CrashWorld(""":::kill:TERM 10 KILL
g:gone:run:respawn:trap "echo >> WORLD/obeyed; exit" TERM; echo >> WORLD/ready; while :; do sleep 0.05; done
g:changed:run:respawn:WORLD/job 1 1000
g:same:run:respawn:WORLD/job 1 1000
g:moved:run:respawn:WORLD/job 1 1000
g:switched:run:respawn:WORLD/job 1 1000
g:done:run:wait:WORLD/job 1 0
g:redone:run:wait:WORLD/job 1 0
g:later:run:respawn:WORLD/job 1 1000
h:h:run:respawn:WORLD/job 1 1000
k:k:run:respawn:WORLD/job 1 1000
""")
    world.start()
    for group in "ghk":
        same(world.clinit("-w", group, "run")[0], 0, "%s is up" % group)
    pids = {name: world.pid(name) for name in ("g:gone", "g:changed", "g:same", "g:moved", "g:switched", "g:later", "h:h", "k:k")}
    world.await_file("ready", "\n")
    wait_for(lambda: all(world.ran(tag) for tag in ("changed", "same", "moved", "switched", "done", "redone", "later", "h", "k")), "the records")
    world.crash()
    world.replace(""":::kill:TERM 10 KILL
k:moved:run:respawn:WORLD/job 1 1000
g:added:run:respawn:WORLD/job 1 1000
g:changed:run:respawn:WORLD/job 2 1000
g:later:other:respawn:WORLD/job 1 1000
g:same:run:respawn:WORLD/job 1 1000
g:switched:run:off:WORLD/job 1 1000
g:done:run:wait:WORLD/job 1 0
g:redone:run:wait:WORLD/job 2 0
k:k:run:respawn:WORLD/job 1 1000
""")
    world.start()
    world.await_up("g:changed", "g:added", "k:moved")
    wait_for(lambda: world.state("g") == world.state("k") == "DONE" and world.line("h") is None, "rest")
    wait_for(lambda: len(world.ran("changed")) == len(world.ran("moved")) == 2 and world.ran("added"), "the records")
    ok(not lives(pids["g:gone"]) and world.line("g:gone") is None, "an entry that was removed is stopped")
    same(world.read("obeyed"), "\n", "gracefully")
    same(world.ran("changed")[1].split()[0], "2", "one that was changed is restarted")
    ok(not lives(pids["g:changed"]), "and its old process is gone")
    same([world.pid("g:same"), world.pid("k:k")], [pids["g:same"], pids["k:k"]], "what was not touched has the same pid")
    ok(not lives(pids["h:h"]), "a group that was removed is stopped")
    same((world.line("g:moved"), lives(pids["g:moved"])), (None, False), "a tag that moved is stopped in one group and started in the other")
    ok(not lives(pids["g:later"]) and world.line("g:later") is None, "what is no longer in the level is stopped")
    same((world.state("g:switched"), lives(pids["g:switched"])), ("OFF", False), "what was switched off, too")
    same((len(world.ran("done")), len(world.ran("redone"))), (1, 2), "a wait that is done runs again if it was changed")
    same(world.read("twice"), "", "nothing runs twice at a time")


@case("a cltab that became bad meanwhile")
def bad_cltab():
    world = CrashWorld(QUICK + "g:a:run:respawn:WORLD/job 1 1000\n")
    world.start()
    same(world.clinit("-w", "g", "run")[0], 0, "up")
    pid = world.pid("g:a")
    world.crash()
    world.replace("garbage\n")
    same(world.run("clinitd", *world.options)[0], 6, "clinitd does not start by a bad cltab")
    ok(lives(pid), "but what runs goes on")
    world.replace(QUICK + "g:a:run:respawn:WORLD/job 1 1000\n")
    world.start()
    same(world.pid("g:a"), pid, "and is taken over once it is good again")


@case("deaths while it was down")
def deaths():
    world = CrashWorld(QUICK + """
r:r:1:respawn:WORLD/job 1 1000
w:w:1:wait:WORLD/job 1 1000
w:after-w:1:respawn:WORLD/job 1 1000
o:o:1:once:WORLD/job 1 1000
t:t:1:test:WORLD/job 1 1000
t:after-t:1:respawn:WORLD/job 1 1000
""")
    world.start()
    for group in "rwot":
        same(world.clinit(group, "1")[0], 0, "%s is told" % group)
    names = ("r:r", "w:w", "o:o", "t:t")
    pids = world.await_up(*names)
    wait_for(lambda: all(world.ran(tag) for tag in "rwot"), "the records")
    world.crash()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(map(lives, pids)), "all to be dead")
    world.start()
    world.await_up("r:r", "w:after-w")
    for group, state in (("r", "DONE"), ("w", "DONE"), ("o", "DONE"), ("t", "FAILED")):
        world.await_state(group, state)
    wait_for(lambda: len(world.ran("r")) == 2 and world.ran("after-w"), "the records")
    same(world.line("r:r").more["restarts"], "1", "a respawn runs again")
    same((world.state("w:w"), len(world.ran("w"))), ("DONE", 1), "a wait is done, and what comes after it starts")
    same((world.state("o:o"), len(world.ran("o"))), ("DONE", 1), "a once is done")
    same((world.state("t:t"), world.ran("after-t")), ("FAILED", []), "a test has failed: nobody knows how it ended")
    same([world.line(name).more.get("last") for name in names], ["unknown"] * 4, "which the status calls unknown")
    same(world.clinit("t", "1")[0], 0, "told again")
    world.await_up("t:t")
    wait_for(lambda: len(world.ran("t")) == 2, "the test to run again")


@case("exits after it was taken over")
def exits():
    def until(code):
        return "until test -e WORLD/go; do sleep 0.05; done; exit %d" % code
    world = CrashWorld(QUICK + "".join("%s%d:%s%d:1:%s:%s\n" % (mode, code, mode, code, mode, until(code))
                                       for mode in ("test", "wait", "once") for code in (0, 3)))
    world.start()
    names = ["%s%d" % (mode, code) for mode in ("test", "wait", "once") for code in (0, 3)]
    for group in names:
        same(world.clinit(group, "1")[0], 0, "%s is told" % group)
    pids = world.await_up(*["%s:%s" % (group, group) for group in names])
    world.crash()
    world.start()
    same([world.pid("%s:%s" % (group, group)) for group in names], pids, "all are taken over")
    world.write("", "go")
    wait_for(lambda: not any(world.pid("%s:%s" % (group, group)) for group in names), "their exits to be seen")
    for group in names:
        code = group[-1]
        line = world.line("%s:%s" % (group, group))
        last = "exit:" + code if TOLD else "unknown"
        state = "DONE" if group[:4] != "test" else "PASSED" if last == "exit:0" else "FAILED"
        same((line.state, line.more.get("last")), (state, last), "%s is %s" % (group, state))


@case("a crash in the middle of a stop")
def stopping():
    world = CrashWorld(""":::kill:TERM 1 KILL
g:a:run:respawn:trap 'echo >> WORLD/terms' TERM; echo > WORLD/ready; while :; do sleep 0.02; done
g:b:run:respawn:WORLD/job 1 1000
g:c:0:once:WORLD/job 1 0
""")
    world.start()
    same(world.clinit("-w", "g", "run")[0], 0, "up")
    world.await_file("ready", "\n")
    pid = world.pid("g:a")
    wait_for(lambda: world.ran("b"), "the record")
    world.kill("g:b", signal.SIGSTOP)
    same(world.clinit("g", "0")[0], 0, "told to stop")
    world.await_file("terms", "\n")
    wait_for(lambda: world.pid("g:b") == 0, "what obeys to be gone")
    world.crash()
    ok(lives(pid) and world.read("terms") == "\n", "killed when one had been sent TERM")
    world.start()
    world.await_file("terms", "\n\n")
    ok(True, "the new one begins the ladder again")
    world.await_state("g", "DONE")
    ok(not lives(pid), "and ends it")
    same((world.line("g").level, len(world.ran("b"))), ("0", 1), "nothing was started again on the way")
    wait_for(lambda: world.ran("c"), "the new level to be entered")


@case("PAUSED and FAILED")
def at_rest():
    world = CrashWorld(QUICK + """p:p:1:respawn:echo >> WORLD/paused
p:::respawn:1 1 600
f:f:1:test:echo >> WORLD/tested; exit 3
f:after:1:respawn:WORLD/job 1 1000
s:s:1:once:true
""")
    world.start()
    same(world.clinit("p", "1")[0], 0, "one that exits at once")
    same(world.clinit("-w", "f", "1")[0], 1, "a test that fails")
    world.await_state("p:p", "PAUSED")
    before = facts(world, "p", "p:p", "f", "f:f")
    counts = world.read("paused"), world.read("tested")
    world.crash()
    world.start()
    same(world.clinit("-w", "s", "1")[0], 0, "another group is told")
    same(facts(world, "p", "p:p", "f", "f:f"), before, "what is paused stays paused, what failed stays failed")
    same((world.read("paused"), world.read("tested"), world.ran("after")), (*counts, []), "nothing is run again")
    same(world.clinit("p", "1")[0], 0, "a tell")
    wait_for(lambda: world.read("paused") != counts[0], "the pause to end")
    same(world.clinit("-w", "f", "1")[0], 1, "and the other")
    same(world.read("tested"), counts[1] * 2, "runs the test again")


@case("in the middle of a start")
def starting():
    world = CrashWorld(QUICK + """g:a:run:respawn:WORLD/job 1 1000
g:w:run:wait:echo >> WORLD/waits; until test -e WORLD/go; do sleep 0.05; done
g:once:run:once:WORLD/job 1 0
g:z:run:respawn:WORLD/job 1 1000
s:s:1:once:true
""")
    world.start()
    waiter = world.popen("clinit", *world.options, "-w", "g", "run", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    same(waiter.stdout.readline(), "level transition started\n", "somebody tells, and waits")
    world.await_up("g:a", "g:w")
    before = facts(world, "g:a", "g:w")
    world.await_file("waits", "\n")
    world.crash()
    world.start()
    same(world.clinit("-w", "s", "1")[0], 0, "another group is told")
    same((world.state("g"), facts(world, "g:a", "g:w")), ("STARTING", before), "a wait that runs is waited for")
    same((world.ran("once"), world.ran("z")), ([], []), "and what comes after it does not start")
    world.write("", "go")
    world.await_state("g", "DONE")
    wait_for(lambda: world.ran("once") and world.ran("z"), "the rest to start")
    same(world.read("waits"), "\n", "the wait has run once")
    same((waiter.communicate(timeout=30)[0], waiter.returncode), ("g run DONE\n", 0),
         "clinit -w outlives the crash")


@case("a halt goes on to its end")
def halting():
    world = CrashWorld(""":::kill:TERM 2 KILL
g:a:run:respawn:trap '' TERM; echo > WORLD/ready; while :; do sleep 0.05; done
h:b:run:respawn:WORLD/job 1 1000
""")
    world.start()
    for group in "gh":
        same(world.clinit("-w", group, "run")[0], 0, "%s is up" % group)
    world.await_file("ready", "\n")
    pids = world.await_up("g:a", "h:b")
    same(world.clinit("-k")[0], 0, "halting")
    world.crash()
    ok(lives(pids[0]), "killed in the middle of it")
    daemon = world.start(ready=False)
    same(daemon.wait(30), 0, "the new one halts, and exits")
    same(([pid for pid in pids if lives(pid)], world.processes()), ([], []), "all is gone")
    same(len(world.ran("b")), 1, "and nothing was started again")


@case("initdefault")
def initdefault():
    world = CrashWorld(QUICK + "g:d:run:initdefault:\ng:a:run:respawn:WORLD/job 1 1000\ng:b:other:respawn:WORLD/job 1 1000\n")
    world.start()
    wait_for(lambda: world.ran("a"), "the record of the default level's")
    same(world.clinit("-w", "g", "other")[0], 0, "another level than the default")
    pid = world.pid("g:b")
    world.crash()
    world.replace(world.read("cltab") + "h:e:1:initdefault:\nh:c:1:respawn:WORLD/job 1 1000\n")
    world.start()
    same(world.clinit("-w", "g", "other")[0], 0, "taken over")
    same((world.line("g").level, world.pid("g:b")), ("other", pid), "a takeover does not enter the default level")
    same((len(world.ran("a")), world.ran("c")), (1, []), "of no group")


def two_at_once(world):
    """Start two clinitds at the same moment; returns (the one that runs, what the other said, its exit status)."""
    both = [world.popen("clinitd", *world.options, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
    world.daemons += both
    wait_for(lambda: any(one.poll() is not None for one in both), "one of two to give up")
    loser = next(one for one in both if one.poll() is not None)
    winner = next(one for one in both if one is not loser)
    world.daemons.remove(loser)
    return winner, loser.communicate(timeout=30)[1], loser.returncode


@case("two start at the same moment after a crash")
def side_by_side():
    world = CrashWorld(QUICK + "g:a:run:respawn:WORLD/job 1 1000\ng:w:run:wait:WORLD/job 1 0\n")
    world.start()
    same(world.clinit("-w", "g", "run")[0], 0, "up")
    pid = world.pid("g:a")
    for _ in range(3):
        world.crash()
        winner, said, code = two_at_once(world)
        same((code, said), (1, "clinitd: another clinitd (pid %d) has %s\n" % (winner.pid, world.socket)), "one of two gives up")
        wait_for(lambda: world.line("clinitd").more["pid"] == str(winner.pid), "the other to answer")
        same((winner.poll(), world.pid("g:a")), (None, pid), "the other takes over")
    same((world.read("twice"), len(world.ran("w"))), ("", 1), "nothing runs twice")


@case("the file of the lock is deleted")
def lock_deleted():
    world = CrashWorld(QUICK + "g:a:run:respawn:WORLD/job 1 1000\n")
    first = world.start()
    same(world.clinit("-w", "g", "run")[0], 0, "up")
    pid = world.pid("g:a")
    wait_for(lambda: world.ran("a"), "the record")
    os.unlink(world.path("clinit.s.lock"))
    second = world.popen("clinitd", *world.options, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    world.daemons.insert(0, second)
    wait_for(lambda: second.poll() is not None or world.line("clinitd").more["pid"] == str(second.pid), "a second one to decide")
    same(second.poll(), 1, "while clinitd lives: a second one gives up")
    same((first.poll(), world.pid("g:a"), len(world.ran("a"))), (None, pid, 1), "the first is unharmed")
    same(world.clinit("-w", "g", "run")[0], 0, "and answers")
    world.crash()
    for gone in ("clinit.s.lock", "clinit.s"):
        if os.path.exists(world.path(gone)):
            os.unlink(world.path(gone))
    world.start()
    same((world.pid("g:a"), world.read("twice")), (pid, ""), "while it is down: the next takes over all the same")
    same(os.stat(world.path("clinit.s.lock")).st_mode & 0o777, 0o600, "with a new lock")


@case("a process that runs as another uid")
def other_uid():
    if os.getuid() != 0 or not shutil.which("setpriv"):
        return skip("what runs by setpriv as another uid is taken over", "needs root, and setpriv")
    world = CrashWorld(QUICK + "g:a:run:respawn:setpriv --reuid 65534 --clear-groups sleep 1000\n")
    world.start()
    same(world.clinit("-w", "g", "run")[0], 0, "up")
    pid = world.pid("g:a")
    wait_for(lambda: "\nUid:\t65534" in status(pid), "it to change its uid")
    world.crash()
    world.start()
    same(world.clinit("-w", "g", "run")[0], 0, "told again")
    same(world.pid("g:a"), pid, "what runs by setpriv as another uid is taken over")
    same(world.clinit("-w", "g", "0")[0], 0, "and stopped")
    ok(not lives(pid), "it ends")


@case("a child that is slow to execute its program")
def slow_exec():
    world = CrashWorld(QUICK + "g:w:run:wait:WORLD/job 1 0\ng:a:run:respawn:WORLD/job 1 1000\n")
    strace = shutil.which("strace")
    daemon = world.start()
    if not strace:
        return skip("a successor waits for a child between fork and exec", "no strace")
    trace = subprocess.Popen([strace, "-f", "-o", world.path("trace"), "-e", "inject=execve:delay_enter=1000000", "-p", str(daemon.pid)],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        if b"attached" not in trace.stderr.readline():
            return skip("a successor waits for a child between fork and exec", "strace cannot attach here")
        client = world.popen("clinit", *world.options, "g", "run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        world.await_said("tell g run")
        wait_for(lambda: children(daemon.pid), "a fork")
        world.crash()
        client.wait(30)
        world.start()
        same(world.clinit("-w", "g", "run")[0], 0, "killed when its child had not executed its program yet, and told again")
        same((len(world.ran("w")), world.read("twice")), (1, ""), "a successor waits for that, and takes it over")
    finally:
        trace.terminate()
        trace.wait()


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
        return file.read().split()


limit(300)      # one wait after the other, where nothing is as it should be
play()
done()
