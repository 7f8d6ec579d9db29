#!/usr/bin/env python3
"""The README's first ten minutes, as an ordinary user: each command, in order, and what it is said to show."""
import os
import re
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, sys.path[0] + "/lib")
from ordinary import User
from tap import cleanup, done, limit, note, ok, same
from world import PATIENCE, ROOT, World, wait_for

PORT = "8080"       # of the README
LOOKING = ("clstat", "curl", "tail")    # what they show comes true in a moment, at the latest
limit(400)


def session(text):
    """[command, what it shows] of the indented blocks of TEXT; a command goes on to the END of what it is given."""
    found, within = [], False
    for block in re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", text, re.M):
        for line in (row[4:] for row in block.strip("\n").split("\n")):
            if within or not line.startswith("$ "):
                found[-1][0 if within else 1] += line + "\n"
                within = within and line != "END"
            else:
                command = re.sub(r"  +# .*", "", line[2:])
                within = command.endswith("<<END")
                found.append([command + "\n", ""])
    return found


def plain(text):
    """TEXT without what differs from run to run: pids, times, the width of columns."""
    text = re.sub(r"\d\d/\w{3}/\d{4} \d\d:\d\d:\d\d", "DATE", text)
    text = re.sub(r"\b\d\d:\d\d:\d\d\b", "TIME", text)
    text = re.sub(r"\bpid \d+", "pid PID", text)
    text = re.sub(r"(?m)^(site:\w+ +\w+ +)\d+ ", r"\1PID ", text)
    return re.sub(r"(?<=\S) +", " ", text)


with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = str(probe.getsockname()[1])
with open(os.path.join(ROOT, "README.md")) as file:
    readme = file.read()
tutorial = re.search(r"^## The first ten minutes\n(.*?)^## ", readme, re.M | re.S).group(1)
steps = session(tutorial.replace(PORT, port))
commands = "".join(command for command, _ in steps)
for word in ("clinit -n ", "clinit -w ", "clstat -p", "ready@", ":output:", ":test:", " maint"):
    ok(word in commands, "it shows %s" % word)

world = World()
user = User(world)
run = world.path("home/run")        # as a session has it; nor is the path of the socket too long so
os.mkdir(run, 0o700)
user.own(run)
programs = world.path("programs")
os.mkdir(programs)
FETCH = """import sys, urllib.request as u
try:
    text = u.build_opener(u.ProxyHandler({})).open(sys.argv[-1]).read().decode()
    print("" if "-o" in sys.argv else text, end="")
except OSError:
    sys.exit(7)
"""
world.write(FETCH, "fetch.py")
found = {name: "%s/%s" % (user.bin, name) for name in ("clinitd", "clinit", "clstat")}
found["python3"] = ""
if not shutil.which("curl"):
    found["curl"] = world.path("fetch.py")
for name, script in found.items():      # as if they were installed
    path = world.write('#!/bin/sh\nexec %s %s "$@"\n' % (user.python, script), "programs/" + name)
    os.chmod(path, 0o755)
path = programs + ":" + user.environ["PATH"]
shell = user.spawn(["/bin/sh"], {"PATH": path, "XDG_RUNTIME_DIR": run}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                   stderr=subprocess.STDOUT)


def leave():
    shell.stdin.close()
    shell.wait(PATIENCE)


cleanup(leave)


def do(command):
    """What COMMAND shows."""
    shell.stdin.write(command + "echo; echo done\n")
    shell.stdin.flush()
    lines = []
    while lines[-1:] != ["done\n"]:
        line = shell.stdout.readline()
        if not line:
            raise EOFError("the shell has ended")
        lines.append(line)
    return "".join(lines[:-1])[:-1]


status = os.path.join(run, "clinit", "clstat")
for command, shown in steps:
    out, end = do(command), time.monotonic() + PATIENCE
    while command.startswith(LOOKING) and plain(out) != plain(shown) and time.monotonic() < end:
        time.sleep(0.1)
        out = do(command)
    if not same(plain(out), plain(shown), command.strip().split("\n")[0]):
        note(do("cat ~/site/clinitd.log\n"))
    if command.startswith("clinitd ") and command.endswith("&\n"):
        wait_for(lambda: os.path.exists(status), "clinitd to be there")
same(os.path.exists(status), False, "clinitd has ended")
done()
