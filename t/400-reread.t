#!/usr/bin/env python3
"""Reread: what changed is touched, gracefully, and nothing else; in rest and in mid-transition (SPEC 2). On the fake kernel."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from fake import FakeKernel
from tap import done, ok, same

BASE = "g:a:1:respawn:a\ng:b:1:respawn:b\ng:w:1:wait:w\ng:c:1,2:respawn:c\nh:x:1:respawn:x\n"


def up(text=BASE, **more):
    kernel = FakeKernel(text, **more)
    for group in list(kernel.init.groups):
        kernel.tell(group, "1")
        for name in [name for name in kernel.alive if kernel.init.processes[name].blocks]:
            kernel.exit(name)
    kernel.took()
    return kernel


def change(kernel, old, new):
    return kernel.reread("".join(str(entry) + "\n" for entries in kernel.cltab.groups.values()
                                 for entry in entries).replace(old, new)).split("\n")[:-1]


kernel = up()
same((kernel.reread(), kernel.took()), ("ok nothing to do", []), "no change: nothing to do")
for old, new, plan, acts, what in (
        ("g:b:1:respawn:b\n", "", ["stop g:b pid 102"], ["INT g:b"], "a removed entry is stopped"),
        ("g:b:1:respawn:b", "g:b:1:respawn:B", ["restart g:b pid 102"], ["INT g:b", "start g:b"], "a changed command restarts"),
        ("g:b:1:respawn:b", "g:b:1:once:b", ["restart g:b pid 102"], ["INT g:b", "start g:b"], "so does a changed mode"),
        ("g:b:1:respawn:b", "g:b:1:off:b", ["stop g:b pid 102"], ["INT g:b"], "off stops it"),
        ("g:b:1:respawn:b", "g:b:2:respawn:b", ["stop g:b pid 102"], ["INT g:b"], "so does a level that is not the group's"),
        ("g:b:1:respawn:b", "g:b:1,7:respawn:b", [], [], "levels that do not matter change nothing"),
        ("g:b:1:respawn:b\n", "g:b:1:respawn:b\ng:n:1:once:n\n", ["start g:n"], ["start g:n"], "what is new starts"),
        ("g:b:1:respawn:b\n", "g:b:1:respawn:b\ng:n:2:once:n\n", [], [], "not if the group is elsewhere"),
        ("g:b:1:respawn:b\n", "g:b:1:respawn:b\nnew:n:1:once:n\n", [], [], "nor if its group was not told"),
        ("g:w:1:wait:w", "g:w:1:wait:W", ["start g:w"], ["start g:w"], "a wait that is done and changed is run"),
        ("g:w:1:wait:w\n", "", [], [], "one that is removed is forgotten"),
        ("g:a:1:respawn:a\ng:b:1:respawn:b", "g:b:1:respawn:b\ng:a:1:respawn:a", [], [], "order changes nothing"),
        ("h:x:1:respawn:x\n", "", ["stop h:x pid 105"], ["INT h:x"], "a group that disappears is stopped"),
        ("h:x:1", "g:x:1", ["start g:x", "stop h:x pid 105"], ["INT h:x", "start g:x"], "a tag that moves to another group"),
        ):
    kernel = up()
    kept = {name: pid for name, pid in kernel.alive.items() if name not in " ".join(acts)}
    same((sorted(change(kernel, old, new)), kernel.took()), (sorted(plan), acts), what)
    same({name: kernel.alive.get(name) for name in kept}, kept, "... and nothing else is touched")
same((kernel.state("h"), kernel.tell("h", "1")), (None, "error 6 no such group: h"), "the group of which nothing is left is gone")

# A stop takes its time: what follows it waits
kernel = up(obey=("TERM",))
change(kernel, "h:x:1", "g:x:1")
same(kernel.took(), ["INT h:x"], "a moved tag does not start while its old process lives")
kernel.sleep(5)
same((kernel.took(), kernel.state("g:x")), (["TERM h:x", "start g:x"], "RUNNING"), "but then")
kernel = up(obey=("TERM",))
change(kernel, "h:x:1", "g:x:1")
change(kernel, "g:x:1", "h:x:1")
kernel.sleep(5)
same(("h:x" in kernel.alive, kernel.state("g"), kernel.state("h")), (True, "1 DONE", "1 DONE"), "moved and moved back: it is at home")
kernel = up(obey=("TERM",))
kernel.tell("g", "1", text=BASE.replace("h:x:1", "g:x:1") + "h:y:1:once:y\n")
same(kernel.took(), ["INT h:x"], "a tell alone moves a tag away from the other group, too")
kernel.sleep(5)
same((kernel.took(), kernel.state("h")), (["TERM h:x", "start g:x"], "1 DONE"), "and runs it once; that group goes on without it")
kernel = up(obey=("TERM",))
change(kernel, "h:x:1:respawn:x\n", "")
same(kernel.tell("h", "1"), "error 6 no such group: h", "a group that is going is no group")
kernel.reread(BASE)
same(kernel.tell("h", "1"), "ok level transition started", "back again, it is told")
kernel.sleep(5)
same((kernel.took(), kernel.state("h")), (["INT h:x", "TERM h:x", "start h:x"], "1 DONE"), "and starts when the stop is finished")

# In mid-transition
kernel = FakeKernel("g:w:1:wait:w\ng:a:1:respawn:a\n")
kernel.tell("g", "1")
kernel.reread("g:w:1:wait:w\ng:b:1:respawn:b\n")
same((kernel.took(), kernel.state("g")), (["start g:w"], "1 STARTING"), "in the middle of a start: the wait goes on")
kernel.exit("g:w")
same(kernel.took(), ["start g:b"], "and the start by the new entries")
kernel = FakeKernel("g:w:1:wait:w\ng:a:1:respawn:a\n", obey=("TERM",))
kernel.tell("g", "1")
kernel.reread("g:w:1:wait:W\ng:a:1:respawn:a\n")
same(kernel.took(), ["start g:w", "INT g:w"], "a changed wait is stopped")
kernel.sleep(5)
same(kernel.took(), ["TERM g:w", "start g:w"], "and run anew")
kernel = up(obey=("TERM",))
kernel.tell("g", "2")
kernel.took()
kernel.reread(BASE + "g:new:2:respawn:n\n")
kernel.sleep(5)
same(kernel.took(), ["TERM g:a", "TERM g:b", "start g:new"], "in the middle of a stop: it plans anew towards the level wanted")

# A failed test, a pause
TEST = "g:t:1:test:t\ng:a:1:once:a\n"
kernel = FakeKernel(TEST)
kernel.tell("g", "1")
kernel.exit("g:t", "exit:1")
kernel.took()
same((kernel.reread(), kernel.took(), kernel.state("g")), ("ok nothing to do", [], "1 FAILED"), "a failed test is not run again")
kernel.reread("g:n:1:once:n\n" + TEST)
same((kernel.took(), kernel.state("g")), (["start g:n"], "1 FAILED"), "what is new before it starts, it stays failed")
kernel.reread("g:n:1:once:n\n" + TEST.replace("test:t", "test:T"))
same(kernel.took(), ["start g:t"], "changed, it is run again")
kernel.exit("g:t")
same((kernel.took(), kernel.state("g")), (["start g:a"], "1 DONE"), "and the start goes on")
kernel = FakeKernel("g:r:1:respawn:x\n:::respawn:0 1 60\n")
kernel.tell("g", "1")
kernel.exit("g:r")
kernel.reread("g:r:1:respawn:x\n:::respawn:5 1 60\n")
same(kernel.state("g:r"), "PAUSED", "changed settings touch nothing")
kernel.reread("g:r:1:respawn:y\n:::respawn:5 1 60\n")
same(kernel.state("g:r"), "RUNNING", "a reread that changed it ends a pause")
kernel.exit("g:r")
same(kernel.state("g:r"), "RUNNING", "and new settings hold from the next start")
kernel = up("g:r:1:respawn:x\n", obey=())
kernel.reread("g:r:1:respawn:x\n:::kill:HUP 3 KILL\n")
kernel.tell("g", "0")
kernel.sleep(5)
same(kernel.took(), ["INT g:r", "TERM g:r"], "a process is stopped by the ladder it was started under")

# A tell with a new file goes by it at the level that it names, not at the one that is left
kernel = up()
kernel.tell("g", "2", text=BASE + "g:new:1:once:new\n")
same([act for act in kernel.took() if act.startswith("start")], [], "a new entry of the level that is left is not started")

# A tell takes the new file for its own group, and for those that are gone
kernel = up()
kernel.tell("g", "1", text="g:a:1:respawn:A\nh:x:1:respawn:X\n")
ok("INT h:x" not in kernel.took(), "a tell takes the new file for its own group")
same((kernel.state("g:b"), "g:a" in kernel.alive, kernel.state("g")), (None, True, "1 DONE"), "... which goes by it")
same(kernel.reread(), "restart h:x pid 105\nok ", "the others follow at a reread")
kernel = up()
kernel.tell("g", "1", text="g:a:1:respawn:a\n")
same(kernel.state("h"), None, "and a group that is gone is stopped at once")
done()
