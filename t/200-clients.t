#!/usr/bin/env python3
"""One client's silence, slowness, rubbish or death delays nobody (SPEC 10). In the original one silent client blocked all."""
import os
import select
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import cleanup, done, like, ok, same, skip
from world import PATIENCE, QUICK, World, wait_for

world = World(QUICK + "web:a:run:respawn:sleep 1000\nslow:b:run:wait:while test ! -e WORLD/go; do sleep 0.02; done\n")
world.start()


def connect(data=b""):
    client = socket.socket(socket.AF_UNIX)
    client.connect(world.socket)
    client.settimeout(PATIENCE)
    cleanup(client.close)
    if data:
        client.sendall(data)
    return client


def ended(client):
    try:
        return client.recv(10) == b""
    except ConnectionResetError:    # it had sent more than was read
        return True


def answer(client):
    data = b""
    while not data.endswith(b"\n"):
        data += client.recv(4096) or b"...ended\n"
    return data.decode()


silent = [connect() for _ in range(20)]
half = [connect(b"clinit/1 tell we") for _ in range(20)]
dead = [connect(b"clinit/1 wait") for _ in range(20)]
for client in dead:
    client.close()
same(world.clinit("-w", "web", "run"), (0, "level transition started\nweb run DONE\n", ""),
     "silent, slow and dead clients delay nobody")
half[0].sendall(b"b maint\n")
same(answer(half[0]), "ok level transition started\n", "who is slow is served all the same")
half[0].sendall(b"clinit/1 tell web run\nclinit/1 tell nope run\n")
text = answer(half[0])
while text.count("\n") < 2:
    text += answer(half[0])
same(text, "ok level transition started\nerror 6 no such group: nope\n", "and may ask on, two at once")

for data, part in {b"\n": "begins with clinit/1", b"GET / HTTP/1.0\r\n\r\n": "begins with clinit/1",
                   b"clinit/1 tell web (\n": "bad name: (", b"\xff\xfe\n": "ASCII",
                   b"x" * 5000: "at most 4096 bytes", b"x" * 5000 + b"\n": "at most 4096 bytes"}.items():
    client = connect(data)
    like(answer(client), part, "rubbish is answered: %r" % data[:20])
    ok(ended(client), "... and let go")
world.await_state("web", "DONE")
same(world.line("web").level, "run", "and does nothing else")

waiter = connect(b"clinit/1 wait slow run\n")
like(answer(waiter), "error 6 slow has not been told", "who waits for nothing is told")
connect(b"clinit/1 tell slow run\nclinit/1 wait slow run\n").close()
waiter = connect(b"clinit/1 tell slow run\n")
same(answer(waiter), "ok level transition started\n", "somebody waits")
waiter.sendall(b"clinit/1 wait slow run\n")
other = connect(b"clinit/1 wait slow run\n")
same(world.clinit("web", "run")[0], 0, "and others are served meanwhile")
world.write("", "go")
same(answer(waiter), "ok slow run DONE\n", "then it is answered")
same(answer(other), "ok slow run DONE\n", "as is who waits besides")

if shutil.which("socat"):
    said = subprocess.run(["socat", "-", "UNIX-CONNECT:" + world.socket], input="clinit/1 tell web run\n", capture_output=True, text=True)
    same((said.stdout, said.stderr), ("ok level transition started\n", ""), "socat speaks it")
else:
    skip("socat speaks it", "there is no socat")

many = [connect() for _ in range(150)]
wait_for(lambda: select.select(many, [], [], 0)[0], "one too many to be told")
like(answer(select.select(many, [], [], 0)[0][0]), "error 7 too many clients", "of too many the next is told so")
for client in many:
    client.close()
wait_for(lambda: world.clinit("web", "run")[0] == 0, "the daemon to answer again")
ok(True, "and when they are gone it answers as before")
same(len(os.listdir("/proc/%d/fd" % world.daemons[0].pid)) < 100, True, "their descriptors are closed")
done()
