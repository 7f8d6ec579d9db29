#!/usr/bin/env python3
"""Changes of level: what stops, what stays, what runs again; in rest and in mid-transition (SPEC 2). On the fake kernel."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from fake import FakeKernel
from tap import done, ok, same

TEXT = """
g:w1:1:wait:a
g:both:1,2:respawn:b
g:wboth:1,2:wait:c
g:tboth:1,2:test:d
g:one:1:respawn:e
g:two:2:respawn:f
"""


def up(text=TEXT, level="1", **more):
    """A group that has come to LEVEL."""
    kernel = FakeKernel(text, **more)
    kernel.tell("g", level)
    settle(kernel)
    kernel.took()
    return kernel


def settle(kernel, keep=()):
    """Let every wait and test end well."""
    while True:
        name = next((name for name in kernel.alive if kernel.init.processes[name].blocks and name not in keep), None)
        if name is None:
            return
        kernel.exit(name)


kernel = up()
same(kernel.state("g"), "1 DONE", "at level 1")
pid = kernel.alive["g:both"]
kernel.tell("g", "2")
same(kernel.took(), ["INT g:one", "start g:tboth"], "what is not in 2 is stopped; then the entries of 2 start in file order")
settle(kernel)
same(kernel.took(), ["start g:two"], "a wait that is done and in both is not run again, tests are")
same(kernel.alive["g:both"], pid, "a process in both levels keeps its pid")
same(kernel.levels["g:two"], ("2", "1"), "it is told its level and the one before")
kernel.tell("g", "1")
settle(kernel)
same([act for act in kernel.took() if act.startswith("start")], ["start g:w1", "start g:tboth", "start g:one"],
     "1 is entered again: its own wait is run again")

# The order: nothing of the new level starts before all of the old is gone
kernel = up(obey=())
kernel.tell("g", "2")
same(kernel.took(), ["INT g:one"], "what must go is signalled")
same(kernel.state("g"), "1 STOPPING", "the status shows the old level while it is left")
ok("want=2" in str(kernel.init.groups["g"].line()), "and where it goes")
kernel.exit("g:one")
same(kernel.took(), ["start g:tboth"], "only when it is gone the new level starts")
same(kernel.state("g"), "2 STARTING", "and is shown")

# A level that no entry has
kernel = up()
kernel.tell("g", "0")
same(sorted(kernel.took()), ["INT g:both", "INT g:one"], "a level without entries stops everything")
same(kernel.state("g"), "0 DONE", "and the group is DONE there")
kernel = FakeKernel("0:0:0:once:x\n")
same((kernel.tell("0", "0"), kernel.took(), kernel.state("0")), ("ok level transition started", ["start 0:0"], "0 DONE"),
     "0 is a good group, tag and level")
same(kernel.tell("nope", "1"), "error 6 no such group: nope", "an unknown group")

# The same level again
kernel = up()
kernel.tell("g", "1")
same((kernel.took(), kernel.state("g")), ([], "1 DONE"), "the same level again touches nothing that is done or runs")
kernel = FakeKernel(TEXT)
kernel.tell("g", "1")
kernel.exit("g:w1")
kernel.exit("g:wboth")
kernel.exit("g:tboth", "exit:1")
same(kernel.state("g"), "1 FAILED", "a test failed")
kernel.took()
kernel.tell("g", "1")
same((kernel.took(), kernel.state("g")), (["start g:tboth"], "1 STARTING"), "the same level again runs the failed test again")
kernel.exit("g:tboth")
same((kernel.took(), kernel.state("g")), (["start g:one"], "1 DONE"), "and the start goes on from there")
kernel = FakeKernel("g:t1:1:test:a\ng:t2:1:test:b\n")
kernel.tell("g", "1")
kernel.exit("g:t1")
kernel.exit("g:t2", "exit:1")
kernel.took()
kernel.tell("g", "1")
same(kernel.took(), ["start g:t2"], "a test that has passed is not run again at the same level")

# In the middle of a start
kernel = FakeKernel(TEXT)
kernel.tell("g", "1")
kernel.exit("g:w1")
same(list(kernel.alive), ["g:both", "g:wboth"], "in the middle of a start")
pids = dict(kernel.alive)
kernel.took()
kernel.tell("g", "2")
same((kernel.took(), kernel.alive), ([], pids), "another level: a wait that runs and is in both goes on")
kernel.exit("g:wboth")
kernel.exit("g:tboth")
same((kernel.state("g"), kernel.took()), ("2 DONE", ["start g:tboth", "start g:two"]), "and its end is that of the new level's")
kernel = FakeKernel("g:w:1:wait:a\ng:x:2:once:b\n", obey=("TERM",))
kernel.tell("g", "1")
kernel.tell("g", "2")
same((kernel.state("g"), kernel.took()), ("1 STOPPING", ["start g:w", "INT g:w"]), "a wait that is not in the new level is stopped")
kernel.sleep(5)
same((kernel.state("g"), kernel.took()), ("2 DONE", ["TERM g:w", "start g:x"]), "then the new level starts")

# In the middle of a stop
kernel = up(obey=("TERM",))
kernel.tell("g", "2")
kernel.tell("g", "1")
same((kernel.state("g"), kernel.took()), ("1 STOPPING", ["INT g:one"]), "told back in the middle of a stop")
kernel.sleep(5)
same((kernel.took(), kernel.state("g")), (["TERM g:one", "start g:tboth"], "1 STARTING"),
     "a stop once begun is finished first ...")
kernel.exit("g:tboth")
same((kernel.took(), kernel.state("g")), (["start g:one"], "1 DONE"), "... then the process starts again")
kernel = up(obey=("TERM",))
kernel.tell("g", "2")
kernel.sleep(2)
kernel.tell("g", "0")
same((kernel.took(), kernel.state("g")), (["INT g:one", "INT g:both"], "1 STOPPING"), "another level: more is stopped")
kernel.sleep(3)
same(kernel.took(), ["TERM g:one"], "each by its own ladder")
kernel.sleep(2)
same((kernel.took(), kernel.state("g")), (["TERM g:both"], "0 DONE"), "and the level between is never entered")

# In the middle of a pause
kernel = FakeKernel("g:r:1,2:respawn:a\n")
kernel.tell("g", "1")
for _ in range(6):
    kernel.exit("g:r")
same((kernel.state("g:r"), kernel.state("g")), ("PAUSED", "1 DONE"), "in the middle of a pause")
kernel.tell("g", "1")
same(kernel.state("g:r"), "RUNNING", "a tell to its level ends it")
for _ in range(5):
    kernel.exit("g:r")
same(kernel.state("g:r"), "RUNNING", "and its count is cleared")
kernel.exit("g:r")
kernel.tell("g", "2")
same(kernel.state("g:r"), "RUNNING", "so does a tell to another of its levels")
for _ in range(6):
    kernel.exit("g:r")
same(kernel.state("g:r"), "PAUSED", "paused again")
kernel.tell("g", "3")
kernel.sleep(1000)
same((kernel.state("g"), kernel.alive), ("3 DONE", {}), "a paused process that is not in the new level does not come back")
kernel = FakeKernel("g:slow:1:respawn:s\ng:r:1:respawn:a\n", obey=())
kernel.tell("g", "1")
for _ in range(6):
    kernel.exit("g:r")
kernel.tell("g", "2")
kernel.sleep(100)
same(list(kernel.alive), ["g:slow"], "not even while the group still waits for another")

# Side by side
kernel = FakeKernel("a:w:1:wait:x\nb:r:1:respawn:y\n", obey=())
kernel.tell("a", "1")
kernel.tell("b", "1")
same((kernel.state("a"), kernel.state("b")), ("1 STARTING", "1 DONE"), "groups move independently")
kernel.tell("b", "2")
kernel.exit("a:w")
same((kernel.state("a"), kernel.state("b")), ("1 DONE", "1 STOPPING"), "side by side")
done()
