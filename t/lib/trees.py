#!/usr/bin/env python3
"""Hostile process trees. `trees.py FOLDER KIND [SEED]`, as the command of an entry, makes one and stays.

What a tree makes it writes down in FOLDER/pids: a line `PID START KIND` for each process, by that process
itself where it can; before them `PID START met KIND` for each of the lines above that is still alive when the
tree begins, which tells what a former run has left; and `PID START ready` when the tree stands as meant.
Whatever happens no tree makes more than LIMIT processes by itself, and what does so lives LIFE seconds at most.
"""
import os
import random
import shutil
import signal
import sys
import time

LIMIT = 200     # processes of a storm
LIFE = 10       # seconds
BEGIN = {signal.SIGTERM, signal.SIGINT}     # the first signals of a stop

folder = ""
open_ends = []  # the ends of the pipes that tell who is not settled yet


# What is known of a process, and of those before

def stat(pid):
    """(state, parent, start time) of PID, None where there is none: proc(5)."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return fields[0].decode(), int(fields[1]), int(fields[19])


def lives(pid, start):
    """Whether PID is the process that began at START, and no zombie."""
    facts = stat(pid)
    return facts is not None and facts[2] == start and facts[0] not in "ZX"


def records(where):
    """The lines of WHERE/pids, as (pid, start, what)."""
    try:
        with open(os.path.join(where, "pids")) as file:
            lines = file.read().split("\n")[:-1]    # each is written by one write: the last may be under way
    except FileNotFoundError:
        return []
    return [(int(pid), int(start), what) for pid, start, what in (line.split(" ", 2) for line in lines)]


def note(what, pid=None):
    """Write down that PID, or who calls, is there."""
    pid = pid or os.getpid()
    start = stat(pid)[2]
    descriptor = os.open(os.path.join(folder, "pids"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(descriptor, b"%d %d %s\n" % (pid, start, what.encode()))
    os.close(descriptor)


# How a process is made

def make(what, *steps, then=None):
    """A child takes STEPS, is noted as WHAT, and does THEN: stays, if nothing else.

    Returns its pid, when it is settled or gone.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            open_ends.append(writer)
            for step in steps:
                step()
            note(what)
            (then or stay)()
        except BaseException as error:
            os.write(2, ("trees.py: %s: %r\n" % (what, error)).encode())
        finally:
            os._exit(1)
    os.close(writer)
    os.read(reader, 1)      # nothing but the end, when who holds the other end is settled, or gone
    os.close(reader)
    return pid


def settle():
    """Let go those who wait for this process to be as it is meant."""
    while open_ends:
        os.close(open_ends.pop())


def stay():
    settle()
    while True:
        signal.pause()


def stop_itself():
    settle()
    os.kill(os.getpid(), signal.SIGSTOP)
    stay()


def leave():
    os._exit(0)


def ignore(*numbers):
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def trap_all():
    """As `nohup` and a trap on every signal there is."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, lambda *_: None)
    ignore(signal.SIGHUP)


def overwrite():
    """Let a process title as long as can be take the place of the environment."""
    import setproctitle
    setproctitle.setproctitle("x" * 20000)


def begin(tokens):
    """Wait for the stop to begin, deaf to it from then on, as the children will be. TOKENS is what limits them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, BEGIN)
    settle()
    signal.sigwait(BEGIN)
    signal.alarm(LIFE)


def purse(amount):
    """A pipe that gives AMOUNT bytes to whoever of all its holders reads them, then its end."""
    reader, writer = os.pipe()
    os.write(writer, b"." * amount)
    os.close(writer)
    return reader


# The trees: what the main process makes, before it stays

def background():
    """Children in the background, as a shell has them: they ignore INT."""
    for _ in range(3):
        make("background", lambda: ignore(signal.SIGINT, signal.SIGQUIT))


def session():
    """A grandchild in a session of its own, under a child that lives."""
    make("background", lambda: make("session", os.setsid))


def daemon():
    """A double fork into a session of its own, and one in the old session."""
    for steps in (os.setsid,), ():
        pid = make("gone", *steps, lambda: make("daemon"), then=leave)
        os.waitpid(pid, 0)


def deaf():
    """nohup, and a trap on every signal."""
    make("deaf", trap_all)
    make("deaf", os.setsid, trap_all)


def group():
    """Another process group, in the same session."""
    make("group", os.setpgrp, lambda: make("group"))


def cleared():
    """`env -i` in a session of its own; its parent lives."""
    note("cleared", os.posix_spawn(shutil.which("sleep"), ["sleep", "100000"], {}, setsid=True))


def titled():
    """An environment that is overwritten, in a session of its own; its parent lives."""
    make("titled", os.setsid, overwrite)


def stopped():
    """Who has stopped himself cannot act on a signal before he is continued."""
    for steps in (), (os.setsid,):
        os.waitpid(make("stopped", *steps, then=stop_itself), os.WUNTRACED)


def storm(amount=LIMIT):
    """At the first signal all fork, and fork again, every second one into a session of its own."""
    tokens = purse(amount)

    def rage():
        begin(tokens)
        while os.read(tokens, 1):
            if os.fork() == 0:
                signal.alarm(LIFE)
                if os.getpid() % 2:
                    os.setsid()
                note("storm")
            time.sleep(0.1)
        stay()
    make("storm", then=rage)
    make("storm", os.setsid, then=rage)


def hop(amount=LIMIT // 2):
    """At the first signal it runs: a child, in a session of its own, takes the place of its parent, again and again."""
    tokens = purse(amount)

    def run():
        begin(tokens)
        while os.read(tokens, 1):
            if os.fork():
                leave()
            signal.alarm(LIFE)
            os.setsid()
            note("hop")
            time.sleep(0.02)
        leave()
    make("hop", then=run)


def mix(seed=0):
    """Some of the others, some of them in a child with a session of its own."""
    chance = random.Random(seed)
    for tree in chance.sample([*HOSTILE.values(), lambda: storm(12), lambda: hop(20)], chance.randint(2, 5)):
        if chance.random() < 0.3:
            make("mix", os.setsid, tree)
        else:
            tree()
    if chance.random() < 0.3:
        ignore(*BEGIN)


HOSTILE = {tree.__name__: tree for tree in (background, session, daemon, deaf, group, cleared, titled, stopped)}
ALL = [*HOSTILE, "storm", "hop", "mix"]


# Those that are well meant

def heir():
    """An old process group that does not want to go; the first one also has a child in a session of its own."""
    make("background", lambda: ignore(*BEGIN))
    if not any(what == "session" for _, _, what in records(folder)):
        make("session", os.setsid)


def several():
    """A job in full swing."""
    for tree in session, daemon, cleared, stopped:
        tree()


def leaving():
    """What a script leaves behind: a daemon, and a child in the background."""
    make("background")
    daemon()
    note("ready")
    leave()


def main(where, kind, *seed):
    global folder
    folder = where
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.makedirs(folder, exist_ok=True)
    for pid, start, what in records(folder):
        if not what.startswith(("met ", "ready")) and lives(pid, start):
            note("met " + what, pid)
    note("main")
    globals()[kind](*map(int, seed))
    note("ready")
    stay()


if __name__ == "__main__":
    main(*sys.argv[1:])
