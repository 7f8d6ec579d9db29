#!/usr/bin/env python3
"""Readiness: who waits for whom, time limits, a respawn gets ready again (SPEC 6). On the fake kernel."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from fake import FakeKernel
from tap import done, like, same

TEXT = "g:db:1:respawn:a\ng:app:1:respawn:b\n:::respawn:1 1 60\n"
PROBED = TEXT + "g:db::ready:probe it\n"
NOTIFIED = TEXT + "g:db::ready@10:notify\n"


def facts(kernel):
    """What the status says of g, and of g:db."""
    return kernel.state("g"), kernel.state("g:db"), kernel.init.processes["g:db"].line().more.get("ready")


kernel = FakeKernel(PROBED)
same(kernel.plan("tell", "g", "1"), ["start g:db, until it is ready", "start g:app"], "a plan tells of it")
kernel.tell("g", "1")
same((kernel.took(), kernel.probing), (["start g:db"], {"g:db": "probe it"}), "it is started, and asked at once; what follows is not")
same(facts(kernel), ("1 STARTING", "STARTING", "no"), "which the status shows")
kernel.probed("g:db", "its ready command exited 1")
same(kernel.probing, {}, "it is not ready: it is not asked again at once")
like(str(kernel.init.processes["g:db"].line()), "why=its%20ready%20command%20exited%201", "the status tells why")
pauses = []
for _ in range(8):
    pauses.append(round(kernel.armed["g:db", "probe"][0] - kernel.now, 2))
    kernel.sleep(pauses[-1] + 0.001)
    kernel.probed("g:db", "its ready command exited 1")
same(pauses, [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0], "it is asked at growing intervals, up to 1 s")
kernel.sleep(1)
kernel.probed("g:db")
same((kernel.took(), facts(kernel)), (["start g:app"], ("1 DONE", "RUNNING", "yes")), "it is ready, and what follows is started")
same(kernel.plan("tell", "g", "1"), ["keep g:db pid %d" % kernel.alive["g:db"], "keep g:app pid %d" % kernel.alive["g:app"]],
     "and kept")

# A respawn must get ready again; nothing else is touched by that
kernel.sleep(5)
kernel.exit("g:db")
same((kernel.took(), facts(kernel)), (["start g:db"], ("1 STARTING", "STARTING", "no")), "it is respawned: the group shows it")
kernel.event("wait", "who waits", "g", "1")
same(kernel.answers, {}, "who waits, waits for it")
kernel.probed("g:db")
same((kernel.took(), facts(kernel), kernel.answers), ([], ("1 DONE", "RUNNING", "yes"), {"who waits": "ok g 1 DONE"}),
     "it is ready again, what follows was left alone")

# Not ready in time
kernel = FakeKernel(NOTIFIED)
kernel.tell("g", "1")
kernel.event("notified", "g:db", False, "warming up")
same((kernel.probing, facts(kernel)[1], kernel.init.processes["g:db"].line().more["text"]), ({}, "STARTING", "warming up"),
     "its words are shown, it is not ready by them")
kernel.sleep(9.9)
same(facts(kernel)[:2], ("1 STARTING", "STARTING"), "it has its time")
kernel.sleep(0.2)
same((kernel.took(), kernel.state("g"), kernel.state("g:db")), (["start g:db", "INT g:db"], "1 FAILED", "FAILED"),
     "then it is stopped, and has failed")
like(str(kernel.init.processes["g:db"].line()), "why=not%20ready%20after%2010%20s", "the status tells why")
kernel.tell("g", "1")
kernel.event("notified", "g:db", True, "")
same((kernel.took(), kernel.state("g")), (["start g:db", "start g:app"], "1 DONE"), "told again it is started again")
kernel.event("notified", "g:db", True, "fine")
same((kernel.state("g:db"), kernel.init.processes["g:db"].line().more["text"]), ("RUNNING", "fine"), "to say it twice does no harm")
kernel.event("notified", "g:app", True, "me too")
same((kernel.state("g:app"), kernel.init.processes["g:app"].line().more["text"]), ("RUNNING", ""), "who was not asked is not heard")
kernel.event("notified", "g:gone", True, "")
kernel.event("probed", "g:gone", "")
same(kernel.state("g"), "1 DONE", "nor who is gone")

# A stop in the middle of it, and one that does not obey when its time is over
kernel = FakeKernel(PROBED, obey=("KILL",))
kernel.tell("g", "1")
kernel.tell("g", "0")
same((kernel.took(), kernel.probing), (["start g:db", "INT g:db"], {}), "it is stopped: nobody asks any more")
kernel.sleep(20)
same(kernel.state("g"), "0 DONE", "and gone")
kernel = FakeKernel(NOTIFIED, obey=("KILL",))
kernel.tell("g", "1")
kernel.sleep(11)
same((kernel.state("g"), kernel.state("g:db")), ("1 STARTING", "STOPPING"), "it is being stopped")
kernel.tell("g", "1")
kernel.sleep(10)
same((kernel.took(), facts(kernel)[:2]), (["start g:db", "INT g:db", "TERM g:db", "KILL g:db", "start g:db"], ("1 STARTING", "STARTING")),
     "told meanwhile it is started again when it is gone")

# Paused: those after it wait, who waits for the group is told
kernel = FakeKernel(PROBED, broken=["g:db"])
kernel.tell("g", "1")
kernel.event("wait", "who waits", "g", "1")
same((kernel.took(), kernel.state("g"), kernel.state("g:db")), (["start g:db"], "1 STARTING", "PAUSED"), "it cannot be executed: what follows waits")
like(kernel.answers["who waits"], "error 1 g 1 STARTING: g:db is paused: cannot execute", "who waits for it need not wait a minute")
kernel.broken.clear()
kernel.sleep(61)
kernel.probed("g:db")
same(kernel.state("g"), "1 DONE", "after the pause it starts")
done()
