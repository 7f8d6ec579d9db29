#!/usr/bin/env python3
"""What a process is given: session, signals, descriptors, directory, limits, environment (SPEC 3)."""
import json
import os
import resource
import signal
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, ok, same
from world import World

PROBE = r"""
import json, os, resource, sys
fds = {}
for fd in os.listdir("/proc/self/fd"):
    try: fds[fd] = os.readlink("/proc/self/fd/" + fd)
    except OSError: pass
os.umask(mask := os.umask(0))
with open(sys.argv[1] + ".new", "w") as file:
    json.dump({"pid": os.getpid(), "sid": os.getsid(0), "pgid": os.getpgid(0), "ppid": os.getppid(), "fds": fds,
               "args": sys.argv[2:],
               "cwd": os.getcwd(), "umask": mask, "nofile": resource.getrlimit(resource.RLIMIT_NOFILE),
               "env": dict(os.environ)}, file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
print("said", flush=True)
print("erred", file=sys.stderr)
"""

# Whoever starts clinitd may ignore signals, leave descriptors open and set what is meant for clinitd alone
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
stray = os.open("/dev/null", os.O_RDWR)
os.set_inheritable(stray, True)
mask = os.umask(0o027)
resource.setrlimit(resource.RLIMIT_NOFILE, (900, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

world = World(environ={"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "1", "LISTEN_FDS": "2", "MINE": "kept",
                       "CLINIT_JUNK": "x"})
world.write(PROBE, "probe.py")
world.write("""
:::kill:TERM 2 KILL
web:plain:run:once:%(py)s probe.py WORLD/plain a  b
web:signals:run:once:cp /proc/self/status WORLD/signals
web:shell:run:once:%(py)s probe.py "WORLD/shell" 'a  b' $((1+1))
web:out:run:once:%(py)s probe.py WORLD/logged
web:out::output:WORLD/new/logs
web:level:2:once:%(py)s probe.py WORLD/level
""" % {"py": sys.executable})
popen = world.popen
world.popen = lambda *args, **more: popen(*args, close_fds=False, **more)
daemon = world.start()
os.umask(mask)
same(world.clinit("-w", "web", "run")[0], 0, "all are started")

plain = json.loads(world.await_file("plain"))
same((plain["sid"], plain["pgid"], plain["ppid"]), (plain["pid"], plain["pid"], daemon.pid),
     "it leads a session and a process group of its own")
world.await_state("web:signals", "DONE")
signals = dict(line.split(":\t") for line in world.read("signals").split("\n") if line.startswith("Sig"))
# 32 and 33 are the C library's own: some programs, make among them, pass them on ignored, and nobody can reset them
same(int(signals["SigIgn"], 16) & ~(3 << 31), 0, "no signal is ignored, SIGPIPE neither, nor those that clinitd was started with")
same(int(signals["SigBlk"], 16), 0, "no signal is blocked")
same(sorted(fd for fd, to in plain["fds"].items() if not to.startswith("/proc/")), ["0", "1", "2"],
     "no descriptor but 0, 1 and 2")
same(plain["fds"]["0"], "/dev/null", "stdin is /dev/null")
same({plain["fds"]["1"], plain["fds"]["2"]}, {world.path("log")}, "stdout and stderr are the daemon's own")
same(plain["cwd"], os.path.realpath(world.dir), "the directory is the daemon's")
same(plain["umask"], 0o027, "so is the umask")
same(plain["nofile"][0], 900, "so are the limits")
same(plain["args"], ["a", "b"], "a plain command is split at blanks")
env = plain["env"]
same({name: value for name, value in env.items() if name.startswith("CLINIT_") and name != "CLINIT_RUN"},
     {"CLINIT_GROUP": "web", "CLINIT_TAG": "plain", "CLINIT_LEVEL": "run", "CLINIT_PREVLEVEL": "",
      "CLINIT_CLTAB": world.cltab, "CLINIT_SOCKET": world.socket}, "the environment names where it is, and nothing inherited")
same([name for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS") if name in env], [], "what was meant for clinitd is not there")
same(env["MINE"], "kept", "what else clinitd was started with is")

shell = json.loads(world.await_file("shell"))
same(shell["args"], ["a  b", "2"], "a command with shell characters goes to sh")
ok(env["CLINIT_RUN"] != shell["env"]["CLINIT_RUN"], "the mark is unique to the start")
logged = json.loads(world.await_file("logged"))
same({logged["fds"]["1"], logged["fds"]["2"]}, {world.path("new/logs/web:out.log")}, "output: both go to its file")
world.await_file("new/logs/web:out.log", "erred")
same(world.read("new/logs/web:out.log"), "said\nerred\n", "and are there; the folder was made")
same(world.clinit("-w", "web", "2")[0], 0, "another level")
level = json.loads(world.await_file("level"))["env"]
same((level["CLINIT_LEVEL"], level["CLINIT_PREVLEVEL"]), ("2", "run"), "the level and the one before are told")
done()
