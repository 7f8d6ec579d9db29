#!/usr/bin/env python3
"""What an attack on readiness, restarts and stops in reverse has found, each with the fewest steps that show it (SPEC 2, 5, 6). On the fake kernel."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from fake import FakeKernel, Mortal, parse
from tap import done, same


def crash(kernel, text):
    kernel.crash(parse(text))


def hand_over(kernel, text):
    kernel.hand_over()


for how in (crash, hand_over):
    what = how.__name__.replace("_", " ")

    # What was stopped as it was not ready has nothing left that a stop could wait for
    text = "g:a:1:respawn:x\ng:a::ready@1:notify\n"
    kernel = Mortal(text)
    kernel.tell("g", "1")
    kernel.sleep(2)
    how(kernel, text)
    same((kernel.state("g"), kernel.state("g:a")), ("1 FAILED", "FAILED"), "%s: not ready in time, it stays FAILED" % what)
    kernel.tell("g", "0")
    kernel.event("halt", None)
    same((kernel.state("g"), kernel.over), ("- CONFIGURED", True), "and can be stopped")

    # What is being stopped as it was not ready keeps the gate shut
    text = "g:a:1:respawn:x\ng:b:1:once:y\ng:a::ready@1:notify\n"
    kernel = Mortal(text, obey=("KILL",))
    kernel.tell("g", "1")
    kernel.sleep(2)
    kernel.took()
    how(kernel, text)
    same((kernel.took(), kernel.state("g")), (["INT g:a"], "1 STARTING"), "%s: while it is stopped nothing follows" % what)
    kernel.sleep(20)
    same((kernel.took()[-1], kernel.state("g"), kernel.state("g:b")), ("KILL g:a", "1 FAILED", "IDLE"), "nor after that")

    # -r while it is stopped for its time: it comes back
    kernel = Mortal(text, obey=("KILL",))
    kernel.tell("g", "1")
    kernel.sleep(2)
    kernel.event("restart", None, "g:a")
    kernel.took()
    how(kernel, text)
    kernel.sleep(11)
    same("start g:a" in kernel.took(), True, "%s: a restart that was promised is done" % what)

# The same, and the setting is gone from the cltab meanwhile
kernel = Mortal("g:a:1:respawn:x\ng:a::ready@1:notify\n", obey=("KILL",))
kernel.tell("g", "1")
kernel.sleep(2)
kernel.crash(parse("g:a:1:respawn:x\n"))
kernel.sleep(20)
same((kernel.state("g"), kernel.state("g:a")), ("1 FAILED", "FAILED"), "without its setting it has failed all the same")
kernel.tell("g", "1")
same(kernel.state("g"), "1 DONE", "and starts again when it is told")

# stop:reverse, and a tag that moves: who ends by itself before its turn is not waited for
reverse = "g:::stop:reverse\n"
kernel = FakeKernel("g:e:1:once:e\ng:d:1:respawn:d\nh:f:1:respawn:f\n" + reverse, obey=("KILL",))
kernel.tell("g", "1")
kernel.tell("h", "1")
kernel.reread("g:d:1:respawn:changed\nh:e:1:once:e\nh:f:1:respawn:f\n" + reverse)
same((kernel.state("g"), kernel.state("h")), ("1 STOPPING", "1 STOPPING"), "one group waits for a process of the other")
kernel.exit("g:e")
same((kernel.state("h"), kernel.state("h:e")), ("1 DONE", "RUNNING"), "it has ended: the other group has it")
kernel.sleep(20)
same(kernel.state("g"), "1 DONE", "and the first one is done")

# clinit -u while a moved tag is stopping, which the cltab has no more, but an older table that a group goes by
old = "g:x:1:once:x\ng:a:1:once:a\nh:f:1:respawn:f\n"
kernel = Mortal("g:x:1:once:x\nh:a:1:once:a\nh:f:1:respawn:f\n", obey=("KILL",))
kernel.tell("g", "1")
kernel.tell("h", "1")
kernel.reread(old)
kernel.tell("h", "1", text="g:x:1:once:x\nh:f:1:respawn:f\n")
kernel.hand_over()
same(("h:a" in kernel.alive, "g:a" in kernel.alive), (True, False), "a tag is not started twice by who goes by an older table")
kernel.sleep(20)
same(("h:a" in kernel.alive, "g:a" in kernel.alive), (False, True), "but when it is gone")

# stop:reverse is taken out of the cltab in the middle of a stop
text = "g:a:1:respawn:a\ng:b:1:respawn:b\nh:c:1:respawn:c\n"
kernel = FakeKernel(text + ":::stop:reverse\n", obey=())
kernel.tell("g", "1")
kernel.tell("g", "0")
kernel.tell("h", "1", text=text)
kernel.exit("g:b")
kernel.exit("g:a")
same(kernel.state("g"), "0 DONE", "a stop goes on as it was begun")

# Plans and restarts in the middle of a stop for its time
kernel = FakeKernel("g:a:1:respawn:a\ng:b:1:once:b\ng:a::ready@1:notify\n", obey=("KILL",))
kernel.tell("g", "1")
kernel.sleep(2)
same((kernel.plan("tell", "g", "1"), kernel.plan("reread")), (["restart g:a pid 101", "start g:b"], []), "a plan: told it is restarted, a reread lets it fail")
kernel = FakeKernel("g:w:1:wait:a\n:::limit:1\n", obey=("KILL",))
kernel.tell("g", "1")
kernel.sleep(2)
kernel.event("restart", None, "g:w")
kernel.took()
kernel.sleep(11)
same("start g:w" in kernel.took(), True, "-r of a wait over its limit runs it again")
done()
