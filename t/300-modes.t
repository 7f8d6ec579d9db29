#!/usr/bin/env python3
"""Modes: when the entries after one start, and what its exit means (SPEC 1, 2). On the fake kernel."""
import itertools
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from fake import FakeKernel
from tap import done, like, ok, same


def group(*modes):
    return "".join("g:%s%d:1:%s:cmd\n" % (mode, number, mode) for number, mode in enumerate(modes))


# One of each
kernel = FakeKernel(group("wait", "test", "once", "respawn", "off", "once"))
same(kernel.tell("g", "1"), "ok level transition started", "a tell is answered")
same(kernel.took(), ["start g:wait0"], "wait: the ones after it are not started yet")
same(kernel.state("g"), "1 STARTING", "the group is STARTING meanwhile")
kernel.exit("g:wait0", "exit:9")
same(kernel.took(), ["start g:test1"], "it has exited, whatever its status: the next starts")
same(kernel.state("g:wait0"), "DONE", "and is DONE")
kernel.exit("g:test1")
same(kernel.took(), ["start g:once2", "start g:respawn3", "start g:once5"],
     "test: it exited 0, so the next start; once and respawn: at once; off is passed over")
same([kernel.state(name) for name in ("g:test1", "g:once2", "g:respawn3", "g:off4", "g")],
     ["PASSED", "RUNNING", "RUNNING", "OFF", "1 DONE"], "the states")
kernel.exit("g:once2", "exit:1")
same((kernel.state("g:once2"), kernel.took()), ("DONE", []), "once: it is done, and that is all")
kernel.exit("g:respawn3", "exit:0")
same(kernel.took(), ["start g:respawn3"], "respawn: it is started again, whatever its status")
same(kernel.state("g"), "1 DONE", "the group stays DONE")

# A failed test
for last in ("exit:1", "signal:KILL", "unknown"):
    kernel = FakeKernel(group("respawn", "test", "once"))
    kernel.tell("g", "1")
    kernel.exit("g:test1", last)
    same((kernel.state("g"), kernel.state("g:test1")), ("1 FAILED", "FAILED"), "a test that ends with %s: FAILED" % last)
    same(kernel.took(), ["start g:respawn0", "start g:test1"], "the ones after it are not started")
    same(list(kernel.alive), ["g:respawn0"], "the ones before it stay")
    kernel.exit("g:respawn0")
    same(list(kernel.alive), ["g:respawn0"], "and are respawned")
    same(kernel.state("g"), "1 FAILED", "it stays FAILED")

# What a group comes to
for modes, want in ((["test"], "1 PASSED"), (["test", "test"], "1 PASSED"), (["test", "off"], "1 PASSED"),
                    (["off", "test"], "1 PASSED"), (["test", "once"], "1 DONE"), (["wait"], "1 DONE"),
                    (["off"], "1 DONE"), ([], None)):
    kernel = FakeKernel(group(*modes))
    kernel.tell("g", "1")
    while any(name.partition(":")[2].startswith(("test", "wait")) for name in kernel.alive):
        kernel.exit(next(name for name in kernel.alive if "test" in name or "wait" in name))
    same(kernel.state("g"), want, "%s: %s" % (" and ".join(modes) or "nothing", want))

# Every order of four modes: they start in file order, each as soon as those before allow it
orders = failed = 0
for modes in itertools.product(("wait", "once", "respawn", "test", "off"), repeat=4):
    kernel = FakeKernel(group(*modes))
    names = ["g:%s%d" % (mode, number) for number, mode in enumerate(modes)]
    kernel.tell("g", "1")
    started = kernel.took()
    blocks = True
    while blocks:
        blocks = [name for name, mode in zip(names, modes) if mode in ("wait", "test") and name in kernel.alive]
        cut = names.index(blocks[0]) + 1 if blocks else 4
        want = ["start " + name for name, mode in zip(names[:cut], modes) if mode != "off"]
        failed += started != want or len(blocks) > 1 or (kernel.state("g") == "1 STARTING") != bool(blocks)
        if blocks:
            kernel.exit(blocks[0])
            started += kernel.took()
    orders += 1
same((orders, failed), (625, 0), "so in each of 625 orders of four modes")

# What it logs
kernel = FakeKernel("g:r:1:respawn:x\n")
kernel.tell("g", "1")
kernel.exit("g:r", "exit:1")
like("\n".join(kernel.log), "g:r: pid 101 exited 1, respawning", "the log says what exited and what follows")
kernel = FakeKernel("g:r:1:respawn:x\n", broken=["g:r"])
kernel.tell("g", "1")
same((kernel.state("g:r"), kernel.state("g")), ("PAUSED", "1 DONE"), "a respawn that cannot be executed is paused at once")
kernel.refuse = 2
kernel.broken.clear()
kernel.sleep(60)
same(kernel.state("g:r"), "PAUSED", "a fork that is refused ...")
kernel.sleep(2)
same(kernel.state("g:r"), "RUNNING", "... is tried again until there is room")
kernel = FakeKernel(group("wait", "once"))
kernel.refuse = 1
kernel.tell("g", "1")
same((kernel.state("g"), list(kernel.alive)), ("1 STARTING", []), "a wait that is refused blocks all the same")
kernel.sleep(1)
kernel.exit("g:wait0")
same(kernel.state("g"), "1 DONE", "until it has been run")
ok(not kernel.timers or not kernel.armed, "no timer is left without a purpose")
done()
