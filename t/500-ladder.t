#!/usr/bin/env python3
"""The kill ladder: its signals, its times, each process by its own clock (SPEC 3). On the fake kernel.

In the original the death of any child hastened the ladders of all others.
"""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from fake import FakeKernel
from tap import done, like, ok, same

TEXT = "g:a:1:respawn:a\ng:b:1:respawn:b\nh:x:1:respawn:x\n"


def ladder(text, **more):
    """(seconds, act) of a stop of g:a that nothing ends."""
    kernel = FakeKernel(text, obey=(), **more)
    kernel.tell("g", "1")
    kernel.took()
    kernel.tell("g", "0")
    found, tenths = [], 0
    while tenths < 400:
        found += [(tenths / 10, act) for act in kernel.took() if act.endswith("g:a")]
        kernel.sleep(0.1)
        tenths += 1
    return found


same(ladder(TEXT)[:3], [(0.0, "INT g:a"), (5.0, "TERM g:a"), (10.0, "KILL g:a")], "INT, 5 s later TERM, 5 s later KILL")
same(ladder(TEXT + ":::kill:TERM 10 KILL\n")[:2], [(0.0, "TERM g:a"), (10.0, "KILL g:a")], "kill:TERM 10 KILL")
same(ladder(TEXT + "g:a::kill:HUP 2 TERM 10 KILL\n:::kill:KILL\n")[:3],
     [(0.0, "HUP g:a"), (2.0, "TERM g:a"), (12.0, "KILL g:a")], "a tag's own ladder")
same([act for _, act in ladder(TEXT + ":::kill:KILL\n")], ["KILL g:a"] * 8, "KILL is sent again as long as something lives")

kernel = FakeKernel(TEXT, obey=())
kernel.tell("g", "1")
kernel.tell("h", "1")
kernel.took()
kernel.tell("g", "0")
kernel.sleep(3)
kernel.exit("h:x")
kernel.exit("g:b")
same(kernel.took(), ["INT g:a", "INT g:b", "start h:x"], "deaths of others hasten nothing")
kernel.sleep(1.9)
same(kernel.took(), [], "... until its time")
kernel.sleep(0.1)
same(kernel.took(), ["TERM g:a"], "... is over")
like(kernel.log[-1], "g:a: still there, sending TERM", "and the log says so")
kernel.exit("g:a", "signal:TERM")
same((kernel.state("g"), kernel.armed), ("0 DONE", {}), "gone: no timer is left")
kernel.sleep(100)
same(kernel.took(), [], "and nothing is signalled any more")

kernel = FakeKernel(TEXT, obey=())
kernel.leaves = {"g:a"}
kernel.tell("g", "1")
kernel.took()
kernel.tell("g", "0")
kernel.exit("g:b")
kernel.exit("g:a")
same(kernel.state("g"), "1 STOPPING", "the main process is gone, others of its group are not")
kernel.sleep(5)
same(kernel.took(), ["INT g:a", "INT g:b", "TERM g:a"], "the ladder goes on")
kernel.end_rest("g:a")
same(kernel.state("g"), "0 DONE", "until the last is gone")

kernel = FakeKernel(TEXT, obey=("TERM",))
kernel.tell("g", "1")
kernel.tell("h", "1")
kernel.event("halt", "me")
same((kernel.state("g"), kernel.state("h"), kernel.over), ("1 HALTING", "1 HALTING", False), "a halt stops all groups at once")
kernel.event("halt", None)
kernel.sleep(4.9)
same([act for act in kernel.took() if not act.startswith("start")], ["INT g:a", "INT g:b", "INT h:x"], "a second one hastens nothing")
kernel.sleep(0.2)
ok(kernel.over, "and the daemon leaves when the last is gone")
same(kernel.log[-1], "all groups halted", "as the log says")
kernel = FakeKernel(TEXT)
kernel.event("halt", "me")
ok(kernel.over, "with nothing told it leaves at once")
done()
