#!/usr/bin/env python3
"""Clients and senders without end, and what they send along, keep nobody from what is theirs (SPEC 6, 10)."""
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import cleanup, done, ok, same
from world import QUICK, World, wait_for

# Asks again as soon as it is answered
ASK = r"""
import socket, sys
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
answer = client.makefile("rb")
print("ready", flush=True)
while True:
    client.sendall(b"clinit/1 plan tell g run\n")
    while not answer.readline().startswith((b"ok", b"error")):
        pass
"""
# Sends, and leaves at once, a connection that lingers at its last close: what was sent into it is never read
LINGER = r"""
import array, os, socket, struct, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(128)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
accepted = []
for _ in range(40):
    client = socket.socket()
    client.connect(listener.getsockname())
    accepted.append(listener.accept())
    client.setblocking(False)
    try:
        while True:
            client.send(b"x" * 65536)
    except BlockingIOError:
        pass
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 60))
    pid = os.fork()
    if pid == 0:
        notify.sendmsg([b"READY=1"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [client.fileno()]))], 0, sys.argv[1])
        os._exit(0)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 60))
    os.close(client.detach())       # the last that has it now is who has received it
    os.waitpid(pid, 0)
print("sent", flush=True)
sys.stdin.read()
"""


def launch(script, *args):
    """A program that is ended with the test; returns when it has said a line."""
    program = subprocess.Popen([sys.executable, "-c", script, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    cleanup(program.wait)
    cleanup(program.kill)
    program.stdout.readline()
    return program


world = World(QUICK + ":::respawn:100000 1 1\n" + "".join("g:p%d:run:respawn:sleep 1000\n" % number for number in range(50)))
world.start()
same(world.clinit("-w", "g", "run")[0], 0, "up")
flood = [launch(ASK, world.socket) for _ in range(20)]
pid = world.kill("g:p5")
wait_for(lambda: world.pid("g:p5") not in (0, pid), "a respawn")
ok(True, "who asks without end does not keep a process from being started again")
for client in flood:
    client.kill()
world.end()

world = World(QUICK + "g:a:run:respawn:sleep 1000\ng:a::ready@1000:notify\n")
world.start()
world.clinit("g", "run")
launch(LINGER, world.socket + ".notify")
same(world.clinit("-n", "g", "run")[0], 0, "what is sent along and would linger does not hold clinitd up")
same(world.state("g:a"), "STARTING", "nor is a stranger heard")
same(world.clinit("-w", "g", "0")[0], 0, "a stop ends")
world.end()
done()
