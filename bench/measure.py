"""What is measured: a function for each, from a Peer to samples.

The CYCLE is what every peer goes through, in this order, in a world of its own; ALONE is for clinit only, each in a
world of its own. A function returns {name of a figure: [samples]}; FIGURES has their titles and units.
"""
import os
import signal
import socket
import sys
import time

from facts import PATIENCE, Arrivals, Departures, cpu, memory, wakeups
from peers import Clinit, found

from clinit import statusline

OLD = 1.5           # seconds after which all of them take a service for one that runs well
YOUNG = 0.01        # the age of one that does not
KILLS, CALLS = 5, 11    # so often what is small is measured,
ENOUGH = 5.0            # but not for longer than so many seconds
SETTLED = 3.0       # seconds after which nobody has anything to do any more
IDLE = 20.0         # seconds of watching that

SECONDS, MILLISECONDS, MEGABYTES, NUMBER = "s", "ms", "MB", ""
SCALE = {SECONDS: 1, MILLISECONDS: 1000, MEGABYTES: 1e-6, NUMBER: 1}

FIGURES = {
    "up": ("told → all up", SECONDS),
    "memory": ("memory of what supervises", MEGABYTES),
    "wakeups": ("wake-ups a second, idle", NUMBER),
    "cpu": ("CPU a second, idle", MILLISECONDS),
    "old": ("kill -9 of one → replacement", MILLISECONDS),
    "young": ("the same, when it was 10 ms old", MILLISECONDS),
    "status": ("status of all", MILLISECONDS),
    "control": ("smallest control command", MILLISECONDS),
    "all": ("kill -9 of all → all up", SECONDS),
    "stop": ("stop of all → all gone", SECONDS),
    "known": ("the same, until the command says so", SECONDS),
    "python": ("python3 -c pass", MILLISECONDS),
    "clinit": ("clinit GROUP LEVEL", MILLISECONDS),
    "clstat": ("clstat -g GROUP, of two groups", MILLISECONDS),
    "clstat all": ("clstat, of all", MILLISECONDS),
    "flap time": ("all flap: until all are paused", SECONDS),
    "flap cpu": ("all flap: CPU of clinitd", SECONDS),
    "flap writes": ("all flap: status writes a second", NUMBER),
    "flap clinit": ("all flap: clinit meanwhile", MILLISECONDS),
    "flap worst": ("all flap: the slowest clinit", MILLISECONDS),
    "start": ("start of clinitd → socket answers", MILLISECONDS),
    "takeover": ("after SIGKILL: start → socket answers", MILLISECONDS),
    "taken": ("after SIGKILL: start → status has all", MILLISECONDS),
}


# What every peer goes through ----------------------------------------------------------------------------

def all_up(peer):
    began = peer.tell().began
    return {"up": [peer.up.wait(peer.names) - began]}


def footprint(peer):
    return {"memory": [memory(peer.supervisors())]}


def idleness(peer):
    time.sleep(SETTLED)
    pids = peer.supervisors()
    before, began = (wakeups(pids), cpu(pids)), time.monotonic()
    time.sleep(IDLE)
    took = time.monotonic() - began
    return {"wakeups": [(wakeups(pids) - before[0]) / took], "cpu": [(cpu(pids) - before[1]) / took]}


def replaced(peer, name):
    """Seconds from the death of a service to the next that runs."""
    peer.up.take()
    pid = peer.pid(name)
    began = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    return peer.up.wait([name]) - began


def deaths(peer):
    time.sleep(OLD)
    samples = []
    for name in peer.names[:KILLS]:
        if sum(samples) < ENOUGH:
            samples.append(replaced(peer, name))
    return {"old": samples}


def young_deaths(peer):
    """Each is killed when it is old, and again when it has just been replaced."""
    samples = []
    for name in peer.names[-KILLS:]:
        if sum(samples) < ENOUGH / 2:
            time.sleep(OLD)
            replaced(peer, name)
            time.sleep(YOUNG)
            samples.append(replaced(peer, name))
    return {"young": samples}


def status_of_all(peer):
    return {"status": [peer.command(peer.status).end() for _ in range(CALLS // 2)]} if peer.status else {}


def control(peer):
    return {"control": [peer.command(peer.control).end() for _ in range(CALLS)]} if peer.control else {}


def all_killed(peer):
    time.sleep(OLD)
    pids = peer.pids()
    peer.up.take()
    began = time.monotonic()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return {"all": [peer.up.wait(peer.names) - began]}


def all_stopped(peer):
    time.sleep(OLD)
    gone = Departures(peer.pids())
    stop = peer.command(peer.stop)
    when = gone.wait() - stop.began
    took = stop.end()
    if not isinstance(peer, Clinit):    # the commands of others do not wait for it, or look only now and then
        return {"stop": [when]}
    if set(peer.processes()) - {daemon.pid for daemon in peer.daemons}:
        raise RuntimeError("something is left after the stop")
    return {"stop": [when], "known": [took]}


CYCLE = {"up": all_up, "memory": footprint, "idle": idleness, "old": deaths, "young": young_deaths,
         "status": status_of_all, "control": control, "all": all_killed, "stop": all_stopped}


def cycle(peer, wanted):
    """Take PEER through those of CYCLE that are WANTED; yields what each returns."""
    peer.begin()
    for name, measurement in CYCLE.items():
        if (name in wanted or name == "up") and name in (peer.measured or CYCLE):
            yield measurement(peer)


# clinit only ---------------------------------------------------------------------------------------------

def clients(kit, count):
    """Whole processes, one after the other, so that what disturbs one disturbs all."""
    peer = Clinit(kit, count)
    peer.begin()
    peer.command(peer.control).end()
    all_up(peer)
    calls = {"python": [sys.executable, "-c", "pass"], "clinit": peer.control,
             "clstat all": peer.argv("clstat", "-c", peer.cltab, peer.path("clstat"))}
    calls["clstat"] = [*calls["clstat all"][:-1], "-g", "s", few(peer)]
    samples = {name: [] for name in calls}
    for _ in range(2 * CALLS):
        for name, argv in calls.items():
            samples[name].append(peer.command(argv).end())
    peer.end()
    return samples


def few(peer):
    """A status file with two groups of one process each, made from that of PEER; its path."""
    lines = peer.read("clstat").splitlines()
    short = [line for line in lines if "::Process g:" not in line or " g:p0 " in line]
    short[0] = short[0].replace("lines=%d" % len(lines), "lines=%d" % len(short))
    return peer.write("\n".join([*short, ""]), "few")


class Flapping(Clinit):
    """Its services exit at once."""

    def set_up(self):
        self.service = found("true")
        super().set_up()

    def figures(self):
        """(seconds of CPU that clinitd has used, the number of the status that it has written last)"""
        daemon = next(line for line in statusline.parse(self.read("clstat")) if line.kind == statusline.DAEMON)
        return cpu([self.daemons[-1].pid]), statusline.number(daemon.more, "seq")

    def all_paused(self):
        return self.read("clstat").count(" PAUSED ") == self.count


def flapping(kit, count):
    peer = Flapping(kit, count)
    peer.begin()
    began, before, calls = time.monotonic(), peer.figures(), []
    peer.tell().end()
    while not peer.all_paused():
        if time.monotonic() > began + PATIENCE:
            raise TimeoutError("not all that flaps is paused")
        calls.append(peer.command(peer.control).end())
    took, after = time.monotonic() - began, peer.figures()
    peer.end()
    return {"flap time": [took], "flap cpu": [after[0] - before[0]], "flap writes": [(after[1] - before[1]) / took],
            "flap clinit": calls, "flap worst": [max(calls)]}


def answers(peer):
    """Wait until clinitd answers at its socket; returns when."""
    end = time.monotonic() + PATIENCE
    while True:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(peer.socket)
                client.sendall(b"clinit/1 wait\n")
                if client.recv(4096):
                    return time.monotonic()
            except OSError:
                pass
        if time.monotonic() > end or peer.daemons[-1].poll() is not None:
            raise TimeoutError("clinitd does not answer: %s" % peer.said[-1000:])
        time.sleep(0.001)


def start(kit, count):
    """Of a clinitd that has nothing to take over, and of one that has all."""
    peer = Clinit(kit, count)
    began = time.monotonic()
    peer.start(ready=False)
    first = answers(peer) - began
    all_up(peer)
    peer.command(peer.argv("clinit", *peer.options, "-w", "g", "1")).end()
    pids, files = set(peer.pids()), Arrivals(peer.dir)
    answered, taken = [], []
    for _ in range(3):
        peer.kill_daemon()
        files.take()
        began = time.monotonic()
        peer.start(ready=False)
        answered.append(answers(peer) - began)
        taken.append(files.wait(["clstat"]) - began)
        if peer.recorded() != pids:
            raise RuntimeError("%d of %d were taken over" % (len(peer.recorded() & pids), count))
    peer.end()
    return {"start": [first], "takeover": answered, "taken": taken}


ALONE = {"clients": clients, "flap": flapping, "start": start}
