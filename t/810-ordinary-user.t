#!/usr/bin/env python3
"""An ordinary user has a clinitd of their own, with XDG defaults; other users are not let in (SPEC 7, 10)."""
import grp
import os
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from ordinary import NOBODY, User
from tap import done, like, ok, same, skip_all
from world import QUICK, World, wait_for

if os.getuid() != 0:
    skip_all("only root can be two users")
root = World(QUICK + "sys:a:run:respawn:sleep 1000\n")
person = User(root)
root.start()


def user(*args, environ=(), background=False):
    """(exit status, stdout, stderr) of a program of the user's; the process itself if it is for the BACKGROUND."""
    call = person.popen(*args, environ=environ)
    if background:
        root.daemons.append(call)
        return call
    out, err = call.communicate(timeout=30)
    return call.returncode, out, err


os.makedirs(root.path("home/.config/clinit"))
os.makedirs(root.path("run"), 0o700)
with open(root.path("home/.config/clinit/cltab"), "w") as file:
    file.write(QUICK + "mine:a:run:respawn:sleep 1000\n")
person.own(*map(root.path, ("home/.config", "home/.config/clinit", "home/.config/clinit/cltab", "run")))

for environ, folder in (({"XDG_RUNTIME_DIR": root.path("run")}, "run/clinit"),
                        ({}, "home/.local/state/clinit/" + os.uname().nodename),
                        ({"XDG_RUNTIME_DIR": "relative"}, "home/.local/state/clinit/" + os.uname().nodename)):
    daemon = user("clinitd", environ=environ, background=True)
    wait_for(lambda: os.path.exists(root.path(folder + "/clstat")) or daemon.poll() is not None, "the user's clinitd")
    same(os.path.exists(root.path(folder + "/clinit.s")), True, "its files are in %s" % folder)
    same(user("clinit", "-w", "mine", "run", environ=environ), (0, "level transition started\nmine run DONE\n", ""), "clinit finds it")
    same(user("clstat", environ=environ), (0, "mine run DONE\n", ""), "so does clstat")
    same(root.run("clinit", "-s", root.path(folder + "/clinit.s"), "-c", root.path("none"), "mine", "run")[0], 0, "root may command it")
    same(user("clinit", "-k", "-w", environ=environ)[0], 0, "halted")
    same(daemon.wait(30), 0, "it has exited")

code, out, err = user("clinit", "-c", root.cltab, "-s", root.socket, "sys", "run")
same((code, out), (4, ""), "the system's clinitd is not the user's: 4")
like(err, "clinit: %s: not permitted" % root.socket, "and it says so")
os.chmod(root.socket, 0o666)
code, out, err = user("clinit", "-c", root.cltab, "-s", root.socket, "sys", "run")
same((code, out, err), (4, "", "clinit: not permitted to uid 65534\n"), "not even when the socket's mode lets them in")
same(root.state("sys"), None, "it has not been told anything")
group = grp.getgrgid(NOBODY).gr_name
root.write(":::operators:%s\n" % group + root.read("cltab"))
same(root.clinit(), (0, "nothing to do\n", ""), "operators: a group of users")
facts = os.stat(root.socket)
same((facts.st_mode & 0o777, facts.st_gid), (0o660, NOBODY), "the socket is theirs, too")
same(user("clinit", "-c", root.cltab, "-s", root.socket, "-w", "sys", "run")[0], 0, "its members may command")
like(root.said, "tell sys run (uid %d, pid " % NOBODY, "and the log says who did")
crowd = root.write("""
import socket, sys
clients = [socket.socket(socket.AF_UNIX) for _ in range(121)]
for client in clients:
    client.connect(sys.argv[1])
print(clients[-1].recv(100).decode(), end="", flush=True)
sys.stdin.readline()
""", "crowd.py")
many = subprocess.Popen([person.python, crowd, root.socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                        env={"WORLD": root.dir}, user=NOBODY, group=NOBODY, extra_groups=[])
same(many.stdout.readline(), "error 7 too many clients: 120\n", "operators may be 120 at a time")
same(root.clinit("-w", "sys", "run")[0], 0, "eight places are kept for root")
many.communicate("\n")
root.write(":::operators:no-such-group\n" + QUICK + "sys:a:run:respawn:sleep 1000\n")
same(root.clinit()[0], 0, "a group that is not there")
like(root.said, "operators: there is no group of users no-such-group", "... is said")
same(os.stat(root.socket).st_mode & 0o777, 0o600, "... and nobody is let in")
same(user("clinit", "-c", root.cltab, "-s", root.socket, "sys", "run")[0], 4, "... any more")
os.unlink(root.path("home/.config/clinit/cltab"))
code, out, err = user("clinitd")
same(code, 6, "without a cltab of their own clinitd does not start")
like(err, "home/.config/clinit/cltab: cannot be read", "it does not read /etc/cltab")
code, out, err = user("clinit", "g", "run")
like(err, "/var/run/clinit/clinit.s", "clinit asks the system's then")
ok(root.stop() == 0, "halted")
done()
