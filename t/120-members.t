#!/usr/bin/env python3
"""A pid alone is nobody: what is left of a group is signalled only with its start time, and what is reaped not at all (SPEC 3)."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import cleanup, done, ok, same
from world import wait_for

from clinit import kernel, members
from clinit.cltab import Entry
from clinit.loop import Loop

victim = subprocess.Popen(["sleep", "1000"])
cleanup(victim.wait)
cleanup(victim.kill)
start = members.start_time(victim.pid)
ok(start > 0, "the start time of a process")
same((members.lives(victim.pid, start), members.lives(victim.pid, start - 1)), (True, False), "alive is who has pid and start time")
pidfd_open = os.pidfd_open
for what, opened in (("by pidfd", pidfd_open), ("where pidfds are forbidden", lambda pid: os.open("/no/such/file", 0))):
    os.pidfd_open = opened
    members.send(victim.pid, start - 1, signal.SIGKILL)
    members.send(victim.pid, start + 1, signal.SIGKILL)
    same(victim.poll(), None, "a stranger with the same pid is not signalled, %s" % what)
    members.send(victim.pid, start, signal.SIGSTOP)
    wait_for(lambda: members.stat(victim.pid).state == "T", "the stop")
    members.send(victim.pid, start, signal.SIGCONT)
    wait_for(lambda: members.stat(victim.pid).state != "T", "the continuation")
    ok(True, "the right one is, %s" % what)
os.pidfd_open = pidfd_open
victim.kill()
wait_for(lambda: not members.lives(victim.pid, start), "its end")
ok(members.stat(victim.pid), "a zombie is there, and does not live")
victim.wait()
same((members.stat(victim.pid), members.start_time(victim.pid)), (None, 0), "reaped it is not there")
members.send(victim.pid, start, signal.SIGKILL)
ok(True, "and a signal to it goes nowhere")

# The kernel: what it has reaped it has forgotten
loop = Loop()
loop.catch([signal.SIGCHLD], [])
said = []
house = kernel.Kernel("/cltab", said.append)
sent = []
killpg = os.killpg
os.killpg = lambda group, number: (sent.append((group, number)), killpg(group, number))[1]


def reap():
    """The events of what has exited, once there is one."""
    found = []
    wait_for(lambda: found.extend(house.reap()) or found, "an exit")
    return found


event = house.spawn(Entry("g", "a", "1", "once", "sleep 1000"), "1", "")
same((event[0], event[1]), ("started", "g:a"), "started")
pid = int(event[2]["pid"])
same(str(members.start_time(pid)), event[2]["start"], "with its start time")
house.signal("g:a", "TERM")
same(sent, [(pid, signal.SIGTERM), (pid, signal.SIGCONT)], "TERM, then CONT, to its process group")
same(reap(), [("exited", "g:a", "signal:TERM", False)], "it is reaped")
sent.clear()
house.forget("g:a")
house.signal("g:a", "KILL")
house.kill()
same((sent, house.jobs), ([], {}), "and once it is forgotten nothing is signalled or known any more")

event = house.spawn(Entry("g", "b", "1", "once", "sleep 1000 & echo > /dev/null"), "1", "")
pid = int(event[2]["pid"])
same(reap(), [("exited", "g:b", "exit:0", True)], "a process that leaves another in its group")
left = [facts.key for facts in house.members.of(house.jobs["g:b"])]
same(len(left), 1, "which is known by pid and start time")
cleanup(lambda: members.send(*left[0], signal.SIGKILL))
same(house.await_end("g:b", "all"), None, "it lives")
job = house.jobs["g:b"]


def forget_all():
    """Nothing is remembered of earlier looks: who is whose must be seen now."""
    house.members.moment()
    house.members.remember([], {})


environment, members.environment = members.environment, lambda pid: {}
forget_all()
same([facts.key for facts in house.members.of(job)], left, "without a mark to be read it is known by its session")
own, job.start = job.start, left[0][1] + 1
forget_all()
same(house.members.of(job), [], "who began before the process did is a stranger in a session of the same number")
job.start = own
members.environment = lambda pid: {"RUN": "another.1"}
forget_all()
same(house.members.of(job), [], "and who has another mark is another's")
members.environment = environment
forget_all()
same([facts.key for facts in house.members.of(job)], left, "with its mark it is ours")
sent.clear()
house.signal("g:b", "KILL")
house.kill()
same(sent, [], "what is left is not signalled by its group's number")
gone = []
wait_for(lambda: house.reap() or gone.extend(house.look()) or gone, "the rest to be gone")
same((gone, members.lives(*left[0])), ([("gone", "g:b", "all")], False), "but one by one, and its end is reported")
event = house.spawn(Entry("g", "c", "1", "once", "/no/such"), "1", "")
same(event, ("unstartable", "g:c", 127, "cannot execute /no/such: No such file or directory"), "what cannot be executed")
same((house.members.mains, house.jobs, house.reap()), ({}, {}, []), "leaves no child")
same(house.await_end("g:c", "all"), ("gone", "g:c", "all"), "and nothing to wait for")

# Who is in the middle of an exec shows nothing of itself: of what was taken over it may be a member
hidden = subprocess.Popen(["sleep", "1000"], start_new_session=True, env={**os.environ, "CLINIT_RUN": "cafe.1"})
cleanup(hidden.wait)
cleanup(hidden.kill)
wait_for(lambda: "RUN" in members.environment(hidden.pid), "an exec")
job = members.Job("g:x", "cafe", 1)
job.abroad, job.uid = True, str(os.getuid())
house.members.jobs["cafe"] = job
environment, is_blank = members.environment, members.is_blank
members.environment = lambda pid: {} if pid == hidden.pid else environment(pid)
members.is_blank = lambda pid: pid == hidden.pid
forget_all()
same(house.members.remain(job), True, "it is not known whose it is: nothing is said to be gone")
house.members.moment()
same(house.members.remain(job), True, "nor later, as long as it is not known")
members.environment = environment
house.members.moment()
same((house.members.remain(job), [facts.pid for facts in house.members.of(job)]), (True, [hidden.pid]), "it shows its mark: a member")
hidden.kill()
wait_for(lambda: not members.lives(hidden.pid, members.start_time(hidden.pid)), "its end")
members.is_blank = lambda pid: pid == victim.pid or pid == os.getppid()
house.members.moment()
same([house.members.moment() or house.members.remain(job) for _ in range(12)][-1], False, "who never shows anything is not waited for for ever")
members.is_blank = is_blank
house.members.forget(job)

# One look at /proc serves all that are stopped in one moment; a plain respawn takes none
looks = []
processes = members.processes
members.processes = lambda: (looks.append(1), processes())[1]
names = ["g:n%d" % number for number in range(20)]
for name in names:
    house.spawn(Entry("g", name[2:], "1", "respawn", "sleep 1000"), "1", "")
house.reap()
for name in names:
    house.signal(name, "TERM")
same(len(looks), 1, "twenty stops of one moment take one look at all processes")
ended = []
wait_for(lambda: ended.extend(house.reap()) or len(ended) == 20, "all to end")
same([house.await_end(name, "all") for name in names], [("gone", name, "all") for name in names], "all are gone")
same(len(looks), 1, "which takes no look, when nobody has left anything")
house.spawn(Entry("g", "r", "1", "respawn", "true"), "1", "")
same(reap(), [("exited", "g:r", "exit:0", False)], "an exit")
house.spawn(Entry("g", "r", "1", "respawn", "true"), "1", "")
reap()
same(len(looks), 1, "nor does a respawn")
done()
