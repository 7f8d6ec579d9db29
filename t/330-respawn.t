#!/usr/bin/env python3
"""Respawn: at once, paced, and never beside the rest of its old process group (SPEC 4). On the fake kernel."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from fake import FakeKernel
from tap import done, like, ok, same


def exits(kernel, *lives, name="g:r"):
    for ran in lives:
        kernel.sleep(ran)
        kernel.exit(name, "exit:1")
    return kernel.state(name)


kernel = FakeKernel("g:r:1:respawn:x\n")
kernel.tell("g", "1")
same(exits(kernel, 0, 0, 0, 0, 0), "RUNNING", "five quick exits: it runs again each time")
same(exits(kernel, 0.9), "PAUSED", "the sixth pauses it")
like(kernel.log[-1], "respawning too rapidly, paused 60 s", "the log says so")
kernel.sleep(59.9)
same(kernel.state("g:r"), "PAUSED", "for 60 s")
kernel.sleep(0.2)
same(kernel.state("g:r"), "RUNNING", "then it tries again")
same(exits(kernel, 0.5), "PAUSED", "a quick exit pauses it again")
kernel.sleep(60)
same(exits(kernel, 1.1), "RUNNING", "a longer run takes one off the count")
same(exits(kernel, 0.5), "RUNNING", "so one quick exit is borne")
same(exits(kernel, 0.5), "PAUSED", "and not two")
same(kernel.state("g"), "1 DONE", "the group stays DONE")
kernel = FakeKernel("g:r:1:respawn:x\n:::respawn:1 3 7\n")
kernel.tell("g", "1")
same(exits(kernel, 2.9), "RUNNING", "respawn:1 3 7: one exit within 3 s is borne")
same(exits(kernel, 2.9), "PAUSED", "two are not")
kernel.sleep(7)
same(kernel.state("g:r"), "RUNNING", "and it is paused for 7 s")

# The rest of its process group
kernel = FakeKernel("g:r:1:respawn:x\ng:o:1:once:y\n", obey=("TERM",))
kernel.leaves = {"g:r", "g:o"}
kernel.tell("g", "1")
kernel.took()
kernel.exit("g:o")
same((kernel.took(), kernel.state("g:o"), kernel.rest), ([], "DONE", set()), "what a once leaves behind is left alone")
kernel.exit("g:r")
same((kernel.took(), kernel.state("g:r")), (["INT g:r"], "STOPPING"), "what a respawn leaves behind is stopped first")
kernel.sleep(4.9)
same(kernel.took(), [], "by its ladder")
kernel.sleep(0.1)
same((kernel.took(), kernel.state("g:r")), (["TERM g:r", "start g:r"], "RUNNING"), "then it starts again")
ok("ladder" not in [what for _, what in kernel.armed], "no timer of the ladder is left")
kernel.exit("g:r")
kernel.took()
kernel.tell("g", "1")
same(kernel.took(), [], "told its level meanwhile: nothing is hastened")
kernel.tell("g", "0")
same((kernel.took(), kernel.state("g")), (["INT g:r"], "1 STOPPING"), "told away meanwhile: the ladder begins anew, for all members")
kernel.sleep(5)
same((kernel.took(), kernel.state("g")), (["TERM g:r"], "0 DONE"), "and does not start it again")
kernel = FakeKernel("g:r:1:respawn:x\n", obey=("INT",))
kernel.leaves = {"g:r"}
kernel.tell("g", "1")
for _ in range(6):
    kernel.exit("g:r")
same((kernel.state("g:r"), kernel.rest), ("PAUSED", set()), "the rest goes before a pause, too")
kernel = FakeKernel("g:r:1:respawn:x\n:::respawn:0 1 60\n", obey=())
kernel.leaves = {"g:r"}
kernel.tell("g", "1")
kernel.exit("g:r")
kernel.tell("g", "1")
kernel.end_rest("g:r")
same(kernel.state("g:r"), "RUNNING", "told again before the rest is gone, there is no pause")
kernel = FakeKernel("g:r:1:respawn:x\n")
kernel.refuse = 5
kernel.tell("g", "1")
kernel.sleep(5)
same((kernel.state("g:r"), sum("try again" in line for line in kernel.log)), ("RUNNING", 1), "refused five times, it is said once")
done()
