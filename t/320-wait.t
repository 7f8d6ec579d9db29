#!/usr/bin/env python3
"""Who waits is answered when it is so, and told the verdict (SPEC 8). On the fake kernel."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from fake import FakeKernel
from tap import done, same

TEXT = "g:w:1:wait:x\ng:t:1:test:y\ng:r:1,2:respawn:z\nh:v:1:wait:x2\n"


def waiting(kernel, group="g", level="1"):
    kernel.event("wait", "w", group, level)
    return kernel.answers.pop("w", None)


kernel = FakeKernel(TEXT)
same(waiting(kernel), "error 6 g has not been told its level", "a group that was not told")
same(waiting(kernel, "x"), "error 6 no such group: x", "a group that is not there")
same(waiting(kernel, "", ""), "ok ", "all groups, and none was told")
kernel.tell("g", "1")
same(waiting(kernel), None, "in transition: it waits")
kernel.exit("g:w")
same(kernel.answers, {}, "... still")
kernel.exit("g:t")
same(kernel.answers.pop("w"), "ok g 1 DONE", "at rest: it is told")
same(waiting(kernel), "ok g 1 DONE", "who asks then is told at once")
same(waiting(kernel, "g", "2"), "error 5 another command took over: g goes to 1", "another level than it was told")
kernel.tell("g", "2")
same(waiting(kernel, "g", "2"), "ok g 2 DONE", "it went")
kernel.tell("g", "1")
same(waiting(kernel), None, "in transition")
kernel.tell("g", "2")
same(kernel.answers.pop("w"), "error 5 another command took over: g goes to 2", "another command takes over")

kernel.tell("g", "1")
kernel.exit("g:w")
waiting(kernel)
kernel.exit("g:t", "exit:4")
same(kernel.answers.pop("w"), "error 1 g 1 FAILED: g:t exited 4", "failed: what, and how")
kernel.tell("h", "1")
same(waiting(kernel, "", ""), None, "for all groups: one is on its way")
kernel.exit("h:v")
same(kernel.answers.pop("w"), "error 1 g 1 FAILED, h 1 DONE: g:t exited 4", "and the verdict on all")
kernel = FakeKernel(TEXT, obey=())
kernel.tell("g", "2")
kernel.tell("g", "0")
waiting(kernel, "g", "0")
kernel.sleep(14.9)
same(kernel.answers, {}, "INT, TERM, KILL are borne")
kernel.sleep(0.2)
same(kernel.answers.pop("w"), "error 8 g 2 STOPPING: g:r pid 101 would not die", "what even KILL does not end is said")
same(kernel.state("g:r"), "STUCK", "it is STUCK")
kernel.exit("g:r")
same(kernel.state("g"), "0 DONE", "until it ends after all")

kernel = FakeKernel(TEXT)
kernel.tell("g", "1")
waiting(kernel)
kernel.event("left", "w")
kernel.exit("g:w")
kernel.exit("g:t")
same(kernel.answers, {}, "who has left is not answered")
kernel.tell("h", "1")
waiting(kernel, "h")
kernel.event("halt", "boss")
same(kernel.answers, {"boss": "ok all groups halting", "w": "error 5 all groups are halting"}, "a halt takes over")
same(kernel.tell("g", "1"), "error 5 all groups are halting", "while halting tells are refused")
same(kernel.reread(), "error 5 all groups are halting", "and rereads")
done()
