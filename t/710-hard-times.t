#!/usr/bin/env python3
"""Hard times for a daemon: stopped, out of descriptors, its folder removed, its log blocked, another locale (SPEC 5)."""
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, sys.path[0] + "/lib")
from tap import cleanup, done, like, ok, same
from world import QUICK, World, wait_for

world = World(QUICK + "g:a:run:respawn:sleep 1000\n")
daemon = world.start()
same(world.clinit("-w", "g", "run")[0], 0, "up")
pid = world.pid("g:a")
daemon.send_signal(signal.SIGSTOP)
same(world.clinit("-t", "0.3", "g", "run"), (3, "", "clinit: not yet: the time given is over\n"), "-t holds while clinitd is stopped")
same(world.clinit("-t", "0.3", "-k")[0], 3, "-k -t, too")
daemon.send_signal(signal.SIGCONT)
same(daemon.wait(30), 0, "continued, it does what it was told meanwhile")

# The run folder is removed
os.mkdir(world.path("run"))
world.options = ["-c", world.cltab, "-s", world.path("run/s"), "-f", world.path("clstat")]
daemon = world.start()
shutil.rmtree(world.path("run"))
daemon.send_signal(signal.SIGUSR1)
wait_for(lambda: os.path.exists(world.path("run/s")), "USR1 to make the folder and the socket anew")
same(world.clinit("-w", "g", "run")[0], 0, "it answers there")
like(world.run("clinitd", *world.options)[2], "another clinitd (pid %d) has" % daemon.pid, "and has the lock there, too")
same(world.stop(), 0, "halted")

# Out of descriptors
world.program = ["sh", "-c", 'ulimit -n 24; exec "%s" "$@"' % sys.executable, "sh"]
daemon = world.start()
world.program = [sys.executable]
clients = []
for _ in range(40):
    client = socket.socket(socket.AF_UNIX)
    client.connect(world.path("run/s"))
    clients.append(client)
    cleanup(client.close)


def ticks():
    with open("/proc/%d/stat" % daemon.pid) as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))


wait_for(lambda: len(os.listdir("/proc/%d/fd" % daemon.pid)) >= 23, "it to be out of descriptors")
before, began = ticks(), time.monotonic()
wait_for(lambda: time.monotonic() - began > 1, "a second")
ok(ticks() - before < 40, "out of descriptors it does not spin")
for client in clients:
    client.close()
same(world.clinit("-w", "g", "run")[0], 0, "and answers when there are some again")
same(world.stop(), 0, "halted")

# A log that nobody reads
reader, writer = os.pipe()
daemon = world.popen("clinitd", *world.options, "-v", stdout=writer, stderr=writer, stdin=subprocess.DEVNULL)
world.daemons.append(daemon)
os.close(writer)
wait_for(lambda: world.line("clinitd"), "clinitd to start")
client = socket.socket(socket.AF_UNIX)
client.connect(world.path("run/s"))
client.settimeout(30)
answers = b""
for _ in range(600):
    client.sendall(b"clinit/1 tell g run\n")
    answers += client.recv(100)
same(answers.count(b"ok level"), 600, "600 commands, all logged to a pipe that is full: they are answered")
client.close()
same(world.stop(), 0, "halted")
os.close(reader)
os.mkfifo(world.path("fifo"))
world.write(QUICK + ":::log:WORLD/fifo\ng:a:run:respawn:sleep 1000\n")
world.start()
same(world.clinit("-w", "g", "run")[0], 0, "a log that is a pipe nobody has opened does not hang it")
world.await_said("cannot log to %s" % world.path("fifo"))
same(world.stop(), 0, "halted")

# More inherited descriptors than select can take, a blocked signal, a strange environment
world.write(QUICK + "g:a:run:respawn:sleep 1000\n")
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(2000, hard), hard))
many = [os.open(os.devnull, os.O_RDONLY) for _ in range(min(1100, hard - 50))]
for descriptor in many:
    os.set_inheritable(descriptor, True)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD])
world.program = ["env", "=odd", sys.executable]
log = open(world.path("log"), "a")
daemon = world.popen("clinitd", *world.options, stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=False)
world.program = [sys.executable]
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM, signal.SIGCHLD])
world.daemons.append(daemon)
for descriptor in many:
    os.close(descriptor)
wait_for(lambda: world.line("clinitd"), "clinitd to start")
same(world.clinit("-w", "g", "run")[0], 0, "started with 1100 descriptors, signals blocked and an odd environment it works")
world.kill("g:a")
wait_for(lambda: (world.line("g:a") or daemon) is not daemon and world.line("g:a").more["restarts"] == "1", "a respawn")
same(world.stop(), 0, "and obeys TERM")

# A large plan, and a large number of errors
world.write(QUICK + "".join("big:%s%d:run:off:%s\n" % ("n" * 50, n, "x" * 20) for n in range(100)) + "g:a:run:once:true\n"
            + "".join("new:%d:1:once:true\n" % n for n in range(10)))
world.start()
world.write("garbage\n" * 30000)
code, out, err = world.clinit("-w", "g", "run")
same((code, out), (0, "level transition started\ng run DONE\n"), "a cltab of 30000 errors keeps no tell from being carried out")
like(err, "and 29980 errors more; clinitd -t tells all", "and the warning is of a size that people read")
code, out, err = world.run("clinitd", "-t", "-c", world.cltab)
same((code, err.count("\n")), (6, 30000), "which it does")
os.unlink(world.cltab)
os.mkfifo(world.cltab)
same(world.clinit("-w", "g", "run")[:2], (0, "level transition started\ng run DONE\n"), "nor does one that is a pipe")
same(world.run("clstat", "-c", world.cltab, world.path("clstat"))[0], 0, "clstat does not wait for it either")
os.unlink(world.cltab)
same(world.stop(), 0, "halted")

# Killed in the middle of a halt
world.write(":::kill:TERM 60 KILL\ng:a:run:respawn:trap '' TERM; echo > WORLD/deaf; while :; do sleep 0.1; done\n")
daemon = world.start()
same(world.clinit("-w", "g", "run")[0], 0, "a process that does not want to end")
world.await_file("deaf", "\n")
pid = world.pid("g:a")
waiter = world.popen("clinit", *world.options, "-k", "-w", stderr=subprocess.PIPE, stdout=subprocess.PIPE)
wait_for(lambda: world.state("g") == "HALTING", "the halt to begin")
same(world.clinit("-k")[0], 0, "and its beginning to be answered")
world.stop(daemon, signal.SIGKILL)
out, err = waiter.communicate(timeout=30)
same((waiter.returncode, err), (7, "clinit: clinitd died before all was halted\n"), "clinitd is killed: clinit -k -w does not call that halted")
os.kill(pid, signal.SIGKILL)
same(world.start(ready=False).wait(30), 0, "the next one ends the halt")

# Another locale; a script without #!
world.environ.update(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
world.write(QUICK + "g:a:run:wait:printf caf\u00e9 > WORLD/caf\u00e9\ng:b:run:wait:WORLD/script caf\u00e9\ng:b::output:WORLD/\u00e9\n")
world.write('printf "%s" "$1" > "$(dirname "$0")/script.out"\n', "script")
os.chmod(world.path("script"), 0o755)
world.start()
same(world.clinit("-w", "g", "run")[0], 0, "in a locale without UTF-8")
same(world.read("caf\u00e9"), "caf\u00e9", "a command is run in the bytes that the cltab has")
same(world.read("script.out"), "caf\u00e9", "and a script without #! by sh, as execvp does")
ok(os.path.exists(world.path("\u00e9/g:b.log")), "and its output goes where the cltab says")
same(world.stop(), 0, "halted")
done()
