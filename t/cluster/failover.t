#!/usr/bin/env python3
"""A group of clinit in a real cluster of three nodes: it is where it should be, whatever fails, and never twice.

The audit asks neither Pacemaker nor clinit: the services of the group keep their own records. How long each failover
took is printed: from the event to the first sign of life elsewhere.
"""
import os
import sys
import time

sys.path.insert(0, sys.path[0] + "/../lib")
import tap
from cluster import Cluster, missing
from tap import cleanup, done, like, limit, note, ok, same, skip_all
from world import wait_for

TAGS = {"db", "httpd"}
CLTAB = """:::kill:TERM 5 KILL
web:db:run:respawn:PYTHON HERE/service FOLDER db
web:httpd:run:respawn:PYTHON HERE/service FOLDER httpd
""".replace("PYTHON", sys.executable).replace("HERE", os.path.dirname(os.path.abspath(__file__)))


class Record:
    """A run of a service. at: its start, last: its last sign of life."""

    def __init__(self, at, node, tag, pid):
        self.at = self.last = at
        self.node, self.tag, self.pid = node, tag, pid
        self.stopped = False

    def __str__(self):
        return "%s on %s, pid %s, from %.3f to %.3f" % (self.tag, self.node, self.pid, self.at, self.last)


def runs():
    """All runs so far, in the order of their starts."""
    found, of = [], {}
    for line in cluster.read("records").split("\n")[:-1]:
        at, node, tag, pid, what = line.split()
        if what == "start":
            of[node, tag, pid] = Record(float(at), node, tag, pid)
            found.append(of[node, tag, pid])
        elif what != "twice":
            of[node, tag, pid].last = float(at)
            of[node, tag, pid].stopped = what == "stop"
    return found


def now_at():
    """{tag: the run that began last}"""
    return {run.tag: run for run in runs()}


def moved(what, since, old):
    """Wait until the group, which was on the node OLD, is on another; returns which. SINCE: when WHAT happened."""
    def elsewhere():
        last = now_at()
        nodes = {run.node for run in last.values()}
        return set(last) == TAGS and len(nodes) == 1 and nodes != {old} and all(run.last > run.at for run in last.values()) and nodes
    node, = wait_for(elsewhere, "the group to move from %s" % old)
    took = max(run.at for run in now_at().values()) - since
    wait_for(lambda: cluster.where() == [node], "Pacemaker to know")
    cluster.settle()
    ok(cluster.where() == [node], "%s: the group moves" % what)
    note("%s: from %s to %s in %.1f s" % (what, old, node, took))
    return node


def tell(node, name, *words):
    return cluster.on(node, cluster.path("usr/bin/" + name), "-c", cluster.path("cltab"), *words)


def restore(node):
    """Boot a node that is gone, and wait for the cluster to be whole."""
    cluster.boot(node)
    cluster.await_online()
    cluster.settle()


def show():
    """What the nodes said, where that is of interest."""
    if complete and not tap.failed():
        return
    for name in ("n1", "n2", "n3"):
        for log in ("node.out", "clinitd.out", "corosync.out", "pacemakerd.out", "pacemaker.log"):
            note("\n".join([name + " " + log, *cluster.read(name + "/" + log).split("\n")[-100:]]))


complete = False
why = missing()
if why:
    skip_all(why)
limit(240)
began = time.monotonic()
cluster = Cluster(CLTAB)
cleanup(show)
cluster.await_online()
cluster.on("n1", "crm_attribute", "--type", "crm_config", "--name", "stonith-enabled", "--update", "true")
note("three nodes are online after %.1f s" % (time.monotonic() - began))

node = moved("a start", began, None)     # since there was nothing at all
same({run.tag for run in runs()}, TAGS, "the group starts, once, on one node")
same(cluster.failures(), [], "and nothing has failed")

first = now_at()["httpd"]
at = time.monotonic()
cluster.on(node, "kill", "-9", first.pid)
wait_for(lambda: now_at()["httpd"].pid != first.pid, "the process to be respawned")
took = now_at()["httpd"].at - at
same(now_at()["httpd"].node, node, "a process that is killed is respawned there")
note("after %.2f s" % took)
cluster.await_monitors(node)
same((cluster.failures(), len(runs())), ([], 3), "Pacemaker sees nothing of it")

before = now_at()
status = tell(node, "clstat.real")
old = cluster.on(node, "cat", "/var/run/clinit/clinit.s.lock").split()[0]
at = time.monotonic()
cluster.on(node, "kill", "-9", old)
wait_for(lambda: cluster.on(node, "cat", "/var/run/clinit/clstat").split()[4:5] not in ([], ["pid=" + old]), "the next clinitd")
note("a clinitd that was killed is back after %.2f s" % (time.monotonic() - at))
cluster.await_monitors(node)
same((tell(node, "clstat.real"), cluster.failures()), (status, []), "a clinitd that was killed goes on, and Pacemaker sees nothing of it")
same({tag: run.pid for tag, run in now_at().items()}, {tag: run.pid for tag, run in before.items()}, "no service was restarted")

cluster.write("bad." + node, "")
cluster.write("cltab", cluster.read("cltab") + "web:check:run:test:test ! -e %s/bad.$(uname -n)\n" % cluster.folder)
at = time.monotonic()
tell(node, "clinit", "-w")
last, node = node, moved("the group fails", at, node)
like("\n".join(cluster.failures()), "FAILED: web:check", "Pacemaker knows why")
ok(not cluster.fenced, "no node was fenced for that")
os.unlink(cluster.path("bad." + last))
cluster.on(node, "crm_resource", "--cleanup", "--resource", "web")
cluster.settle()

at = time.monotonic()
cluster.kill(node)
last, node = node, moved("its node is killed", at, node)
same(cluster.fenced, [last], "and fenced, to be sure")
restore(last)

at = time.monotonic()
cluster.cut(node)
last, node = node, moved("its node is cut off", at, node)
same(cluster.fenced[1:], [last], "and fenced")
restore(last)

at = time.monotonic()
cluster.on(node, "crm_attribute", "--node", node, "--name", "standby", "--update", "on")
last, node = node, moved("its node is set to standby", at, node)
ok(all(run.stopped for run in runs() if run.node == last and run.at == max(
    other.at for other in runs() if (other.node, other.tag) == (last, run.tag))), "the services were asked to stop")
same(len(cluster.fenced), 2, "no node was fenced for that")

same([line for line in cluster.read("records").split("\n") if line.endswith("twice")], [], "no service has met another copy of itself")
late = [(str(one), str(other)) for one in runs() for other in runs()
        if one.node != other.node and one.at < other.at <= one.last]
same(late, [], "at no moment did two nodes run any of the group, by %d records" % cluster.read("records").count("\n"))
note("the whole took %.1f s" % (time.monotonic() - began))
complete = True
done()
