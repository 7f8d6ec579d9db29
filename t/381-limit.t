#!/usr/bin/env python3
"""limit: a wait or test that takes too long; -r, -S and stop:reverse (SPEC 1, 2, 8). On the fake kernel."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from fake import FakeKernel
from tap import done, like, same

# limit
TEXT = "g:w:1:wait:a\ng:t:1:test:b\ng:r:1:respawn:c\n:::limit:5\n"
kernel = FakeKernel(TEXT)
kernel.tell("g", "1")
kernel.sleep(4.9)
same(kernel.took(), ["start g:w"], "it has its time")
kernel.sleep(0.2)
same((kernel.took(), kernel.state("g:w")), (["INT g:w", "start g:t"], "DONE"), "a wait that took longer is stopped, and done")
like(str(kernel.init.processes["g:w"].line()), "why=over%20its%20limit%20of%205%20s", "the status tells why")
kernel.sleep(5)
same((kernel.took(), kernel.state("g"), kernel.state("g:t")), (["INT g:t"], "1 FAILED", "FAILED"), "a test that did has failed")
kernel.tell("g", "1")
kernel.exit("g:t")
same((kernel.took(), kernel.state("g")), (["start g:t", "start g:r"], "1 DONE"), "told again it is run again, the wait is not")
kernel.sleep(100)
same((kernel.took(), kernel.state("g:r")), ([], "RUNNING"), "a respawn has no limit")
kernel = FakeKernel(TEXT, obey=("KILL",))
kernel.tell("g", "1")
kernel.sleep(6)
kernel.exit("g:w")
same((kernel.took(), kernel.state("g:w")), (["start g:w", "INT g:w", "start g:t"], "DONE"), "it goes by its ladder; it may end by itself meanwhile")
kernel.sleep(6)
kernel.tell("g", "0")
kernel.sleep(30)
same((kernel.took()[-1], kernel.state("g")), ("KILL g:t", "0 DONE"), "it is stopped for good while it is stopped for its time")

# -r
TEXT = "g:r:1:respawn:a\ng:w:1:wait:b\ng:s:1:respawn:c\n"
kernel = FakeKernel(TEXT)
kernel.tell("g", "1")
kernel.exit("g:w")
kernel.took()


def restart(name):
    kernel.event("restart", "me", name)
    return kernel.answers.pop("me")


for _ in range(20):
    answer = restart("g:r")
same((answer, kernel.took()), ("ok restart started", ["INT g:r", "start g:r"] * 20), "-r stops a process and starts it, as often as one likes")
same((kernel.state("g"), kernel.state("g:r"), kernel.init.processes["g:r"].line().more["quick"]), ("1 DONE", "RUNNING", ""),
     "that is no quick exit, and the others are left alone")
kernel.obey["g:s"] = ("KILL",)
restart("g:s")
same((kernel.state("g"), kernel.state("g:s")), ("1 STARTING", "STOPPING"), "the group shows it")
kernel.event("wait", "who waits", "g", "")
same(kernel.answers, {}, "who waits, waits for it")
restart("g:s")
kernel.sleep(11)
same((kernel.took(), kernel.answers), (["INT g:s", "TERM g:s", "KILL g:s", "start g:s"], {"who waits": "ok g 1 DONE"}), "its ladder is climbed once")
for _ in range(7):
    kernel.exit("g:r")
same((kernel.state("g:r"), restart("g:r"), kernel.state("g:r")), ("PAUSED", "ok restart started", "RUNNING"), "it ends a pause")
same(restart("g:w"), "error 1 g:w is DONE: nothing to restart", "what does not run is not restarted")
same(restart("g:x"), "error 6 no such process at the level of its group: g:x", "nor what is not there")
kernel.obey["g:r"] = ()
kernel.tell("g", "0")
same(restart("g:r"), "error 1 g:r is STOPPING: nothing to restart", "nor what is being stopped")
kernel = FakeKernel(TEXT, obey=())
kernel.tell("g", "1")
restart("g:r")
kernel.tell("g", "0")
kernel.exit("g:r")
kernel.exit("g:w")
same((kernel.took(), kernel.state("g")), (["start g:r", "start g:w", "INT g:r", "INT g:w"], "0 DONE"),
     "a stop while it is restarted: it is not started again")
kernel = FakeKernel("g:r:1:respawn:a\n", obey=())
kernel.tell("g", "1")
kernel.event("halt", None)
same(restart("g:r"), "error 5 all groups are halting", "a halt: nothing is restarted")

# -S
kernel = FakeKernel(TEXT + "h:x:1:respawn:d\n")


def send(name):
    kernel.event("pass", "me", "HUP", name)
    return kernel.answers.pop("me"), kernel.took()


same(send("g"), ("error 1 no process of g runs", []), "-S: nothing runs")
kernel.tell("g", "1")
kernel.exit("g:w")
kernel.tell("h", "1")
kernel.took()
same(send("g"), ("ok HUP sent to g:r, g:s", ["HUP to the main process of g:r", "HUP to the main process of g:s"]), "to a group")
same(send("h:x"), ("ok HUP sent to h:x", ["HUP to the main process of h:x"]), "to a process")
same(send("g:w")[0], "error 1 no process of g:w runs", "to one that is done")
same(send("n")[0], "error 6 no such group: n", "to a group that is not there")

# stop:reverse
TEXT = "g:a:1:respawn:a\ng:b:1,2:respawn:b\ng:c:1:respawn:c\ng:d:1:wait:d\n"
kernel = FakeKernel(TEXT + "g:::stop:reverse\n", obey=())
kernel.tell("g", "1")
kernel.took()
kernel.tell("g", "2")
same(kernel.took(), ["INT g:d"], "the last goes first, alone")
kernel.exit("g:c")
same(kernel.took(), ["start g:c"], "what exits before its turn is respawned")
kernel.exit("g:d")
same(kernel.took(), ["INT g:c"], "the next when it is gone")
kernel.exit("g:c")
same((kernel.took(), kernel.state("g")), (["INT g:a"], "1 STOPPING"), "and so on; what is in the next level is left out")
kernel.exit("g:a")
same((kernel.took(), kernel.state("g")), ([], "2 DONE"), "then the group goes on")
kernel.event("halt", None)
kernel.exit("g:b")
same(kernel.over, True, "a halt goes the same way")
kernel = FakeKernel(TEXT + ":::stop:reverse\n", obey=())
kernel.tell("g", "1")
kernel.tell("g", "0")
kernel.exit("g:d")
kernel.took()
kernel.exit("g:b", "exit:0")
kernel.tell("g", "1")
same(kernel.took(), ["start g:b"], "told back: what has not had its turn is left alone")
kernel.exit("g:c")
same((sorted(kernel.took()), kernel.state("g"), kernel.state("g:c")), (["start g:c", "start g:d"], "1 STARTING", "RUNNING"), "and the rest is started again")
kernel = FakeKernel(TEXT + ":::stop:parallel\n", obey=())
kernel.tell("g", "1")
kernel.took()
kernel.tell("g", "0")
same(kernel.took(), ["INT g:a", "INT g:b", "INT g:c", "INT g:d"], "stop:parallel is how it is without")
done()
