#!/usr/bin/env python3
"""A crash, or clinit -u, while a process gets ready, is over its time, is restarted, or waits for its turn to stop (SPEC 5, 6). On the fake kernel."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from fake import Mortal, parse
from tap import done, same

PROBED = "g:r:1:respawn:x\ng:o:1:once:y\ng:r::ready@10:probe\n"
NOTIFIED = "g:r:1:respawn:x\ng:o:1:once:y\ng:r::ready@10:notify\n"
LIMITED = "g:t:1:test:x\ng:w:1:wait:y\n:::limit:5\n"


def crash(kernel, text):
    kernel.crash(parse(text))


def hand_over(kernel, text):
    kernel.hand_over()


def begun(text, **more):
    kernel = Mortal(text, **more)
    kernel.tell("g", "1")
    kernel.took()
    return kernel


def state(kernel, name):
    return kernel.state("g"), kernel.state(name)


for how in (crash, hand_over):
    what = how.__name__.replace("_", " ")
    kernel = begun(PROBED)
    pid = kernel.alive["g:r"]
    kernel.probing.clear()      # whoever asked is not known to the next clinitd
    how(kernel, PROBED)
    same((state(kernel, "g:r"), kernel.probing, kernel.took()), (("1 STARTING", "STARTING"), {"g:r": "probe"}, []),
         "%s: what gets ready is asked again" % what)
    kernel.probed("g:r")
    same((state(kernel, "g:r"), kernel.took(), kernel.alive["g:r"]), (("1 DONE", "RUNNING"), ["start g:o"], pid), "and the start goes on")
    how(kernel, PROBED)
    same((state(kernel, "g:r"), kernel.probing, kernel.took()), (("1 DONE", "RUNNING"), {}, []), "%s: what is ready is not asked again" % what)

    kernel = begun(PROBED)
    kernel.sleep(6)
    kernel.probing.clear()
    how(kernel, PROBED)
    kernel.sleep(5)
    same((state(kernel, "g:r"), kernel.took()), (("1 FAILED", "FAILED"), ["INT g:r"]), "%s: the time that it has goes on" % what)

    kernel = begun(NOTIFIED)
    pid = kernel.alive["g:r"]
    how(kernel, NOTIFIED)
    kernel.sleep(11)
    same((state(kernel, "g:r"), kernel.took(), kernel.alive["g:r"]), (("1 DONE", "RUNNING"), ["start g:o"], pid),
         "%s: what could have said so unheard is taken for ready" % what)
    kernel.exit("g:r")
    kernel.sleep(11)
    same(kernel.state("g"), "1 FAILED", "but not its next run")

    kernel = begun(LIMITED)
    kernel.sleep(3)
    how(kernel, LIMITED)
    kernel.sleep(1)
    same((state(kernel, "g:t"), kernel.took()), (("1 STARTING", "RUNNING"), []), "%s: a limit goes on" % what)
    kernel.sleep(2)
    same((state(kernel, "g:t"), kernel.took()), (("1 FAILED", "FAILED"), ["INT g:t"]), "and is over when it is")

    kernel = begun(LIMITED, obey=("KILL",))
    kernel.sleep(6)
    how(kernel, LIMITED)
    kernel.sleep(30)
    same((state(kernel, "g:t"), kernel.took()), (("1 FAILED", "FAILED"), ["INT g:t", "INT g:t", "TERM g:t", "KILL g:t"]),
         "%s: a ladder for the time begins again, and the test has failed" % what)

    kernel = begun("g:r:1:respawn:x\ng:s:1:respawn:y\n", obey=("KILL",))
    kernel.event("restart", None, "g:r")
    how(kernel, "g:r:1:respawn:x\ng:s:1:respawn:y\n")
    same(state(kernel, "g:r"), ("1 STARTING", "STOPPING"), "%s: a restart begins again" % what)
    kernel.sleep(30)
    same((state(kernel, "g:r"), kernel.took()), (("1 DONE", "RUNNING"), ["INT g:r", "INT g:r", "TERM g:r", "KILL g:r", "start g:r"]),
         "and is finished, once")

    text = "g:r:1:respawn:x\ng:s:1:respawn:y\n:::stop:reverse\n"
    kernel = begun(text, obey=())
    kernel.tell("g", "0")
    how(kernel, text)
    same((kernel.took(), kernel.state("g")), (["INT g:s", "INT g:s"], "1 STOPPING"), "%s: a stop in reverse goes on with the one that was stopped" % what)
    kernel.exit("g:s")
    same(kernel.took(), ["INT g:r"], "then the next")
    kernel.exit("g:r")
    same(kernel.state("g"), "0 DONE", "and is done")

# Settings that have changed hold from the next start
kernel = begun("g:r:1:respawn:x\n")
kernel.crash(parse("g:r:1:respawn:x\ng:r::ready@5:notify\n"))
kernel.sleep(100)
same((state(kernel, "g:r"), kernel.took()), (("1 DONE", "RUNNING"), []), "what was not asked to be ready when it was started is not after a crash")
done()
