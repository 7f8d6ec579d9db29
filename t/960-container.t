#!/usr/bin/env python3
"""clinitd as PID 1 of containers with a read-only root, as a user that nobody knows: bubblewrap and runc."""
import json
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from ordinary import User
from tap import done, like, ok, same, skip, skip_all
from world import PATIENCE, QUICK, ROOT, World, wait_for

UID = 12345
OWN = ("proc", "sys", "dev", "run", "tmp")      # what a container has of its own
CLTAB = """:::socket:/run/clinit/clinit.s
g:i:run:initdefault:
g:who:run:wait:echo uid $(id -u), pid of init $PPID; touch /written
g:r:run:respawn:trap "echo that was TERM; exit" TERM; echo serving; while :; do sleep 0.1; done
"""


class Container(World):
    """A world whose clinitd is in a container, with this folder and a run folder. out: what it says."""

    def __init__(self, text):
        super().__init__(QUICK + text)
        self.bin, self.python = os.path.join(ROOT, "bin"), sys.executable
        os.mkdir(self.path("run"))
        self.status = "run/clstat"
        self.outer = None
        # All that comes from the image, with podman and the like: the cltab says where the socket is
        self.variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "CLINIT_CLTAB": self.cltab, "WORLD": self.dir,
                          "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "PYTHONDONTWRITEBYTECODE": "1"}

    def start(self):
        command = self.command([self.python, os.path.join(self.bin, "clinitd")])
        with open(self.path("out"), "w") as out:
            self.outer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir,
                                          env={**self.variables, "PATH": os.environ["PATH"]})
        wait_for(lambda: self.state("g") in ("DONE", "FAILED") or self.outer.poll() is not None, "the container")
        if self.outer.poll() is not None:
            raise RuntimeError("no container: " + self.read("out"))

    @property
    def said(self):
        return self.read("out")

    def halt(self):
        os.kill(self.to_signal(), signal.SIGTERM)
        return self.outer.wait(PATIENCE)

    def end(self):
        if self.outer is not None and self.outer.poll() is None:
            self.destroy()
            self.outer.wait(PATIENCE)
        wait_for(lambda: not self.processes(), "the container to be gone")
        super().end()


class Bubblewrap(Container):
    """In a user namespace, so that its uid is ours outside."""
    OPTIONS = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--as-pid-1", "--die-with-parent",
               "--uid", str(UID), "--gid", str(UID), "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev",
               "--tmpfs", "/run", "--dir", "/run/clinit", "--chdir", "/"]

    def command(self, argv):
        return ["bwrap", *self.OPTIONS, "--bind", self.path("run"), "/run/clinit", *argv]

    def to_signal(self):
        """PID 1, by its pid outside."""
        with open("/proc/%d/task/%d/children" % (self.outer.pid, self.outer.pid)) as file:
            return int(file.read().split()[0])

    def destroy(self):
        self.outer.kill()


class Runc(Container):
    """Without a user namespace: it is that uid outside, too; it has no capabilities, and can get none."""

    def __init__(self, text):
        super().__init__(text)
        user = User(self)       # who has a copy of the programs that others can read
        self.bin, self.python = user.bin, user.python
        self.variables["PYTHONPATH"] = user.environ.get("PYTHONPATH", "")
        os.chown(self.path("run"), UID, UID)
        self.runc = ["runc", "--root", self.path("state")]
        self.name = os.path.basename(self.dir)

    def command(self, argv):
        os.makedirs(self.path("bundle/rootfs"))
        subprocess.run(["runc", "spec"], cwd=self.path("bundle"), check=True)
        with open(self.path("bundle/config.json")) as file:
            config = json.load(file)
        config["process"].update(terminal=False, args=argv, cwd="/", capabilities={}, user={"uid": UID, "gid": UID},
                                 env=["%s=%s" % pair for pair in self.variables.items()])
        config["root"] = {"path": "rootfs", "readonly": True}
        # Some layouts of cgroups, hybrid ones, cannot be shown in a container; nothing here needs that
        config["mounts"] = [mount for mount in config["mounts"] if mount["type"] != "cgroup"]
        config["linux"]["namespaces"] = [one for one in config["linux"]["namespaces"] if one["type"] != "cgroup"]
        config["linux"].pop("resources", None)
        for name in sorted(set(os.listdir("/")) - set(OWN)):
            if os.path.islink("/" + name):
                os.symlink(os.readlink("/" + name), self.path("bundle/rootfs/" + name))
            elif os.path.isdir("/" + name):
                config["mounts"].append(bind("/" + name, "/" + name, "ro"))
        config["mounts"] += [{"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]},
                             bind(self.path("run"), "/run/clinit", "rw")]
        if self.dir.split("/")[1] in OWN:
            config["mounts"].append(bind(self.dir, self.dir, "ro"))
        with open(self.path("bundle/config.json"), "w") as file:
            json.dump(config, file)
        return [*self.runc, "run", "--no-new-keyring", "--bundle", self.path("bundle"), self.name]

    def clinit(self, *args):
        done = subprocess.run([*self.runc, "exec", self.name, self.python, os.path.join(self.bin, "clinit"), *args],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout, done.stderr

    def to_signal(self):
        return self.outer.pid       # runc hands it on

    def destroy(self):
        subprocess.run([*self.runc, "delete", "--force", self.name], capture_output=True)


def bind(source, destination, mode):
    return {"destination": destination, "source": source, "type": "bind", "options": ["rbind", mode]}


def works(*command):
    """Why COMMAND does not work here; "" if it does."""
    if not shutil.which(command[0]):
        return "no %s here" % command[0]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else ""


def tour(kind):
    name = kind.__name__.lower()
    world = kind(CLTAB)
    world.start()
    wait_for(lambda: "serving" in world.said, "the output")
    same((world.state("g"), world.pid("clinitd")), ("DONE", 1), "%s: clinitd is PID 1, the initdefault is entered" % name)
    like(world.said, "uid %d, pid of init 1\n" % UID, "... as a user that nobody knows")
    like(world.said, "Read-only file system", "... with a read-only root")
    like(world.said, "\nserving\n", "the output of its processes is that of the container")
    if kind is Runc:
        same(world.clinit("-w", "g", "run"), (0, "level transition started\ng run DONE\n", ""), "runc exec: clinit finds it, by the cltab alone")
        same(world.clinit("-u")[0], 0, "clinit -u")
    same(world.halt(), 0, "TERM: it ends with 0")
    like(world.said, "that was TERM\n", "... by the ladder")
    same(os.path.exists(world.path("run/clstat")), False, "... and removes its status file")
    world = kind(CLTAB + "g:t:run:test:exit 3\n")
    world.start()
    same((world.state("g"), world.halt()), ("FAILED", 1), "a group that is FAILED: it ends with 1")


why = {Bubblewrap: works("bwrap", *Bubblewrap.OPTIONS, "true"),
       Runc: "it takes root" if os.getuid() else works(*Runc(CLTAB).command(["/bin/true"]))}
if all(why.values()):
    skip_all("; ".join(why.values()))
for kind, reason in why.items():
    if reason:
        skip(kind.__name__.lower(), reason)
    else:
        tour(kind)
with open(os.path.join(ROOT, "etc", "Containerfile")) as file, open(os.path.join(ROOT, "man", "clinit-container.7")) as page:
    ok(file.read().partition("\n\n")[2] in page.read().replace("\\e", "\\"), "the manual shows the Containerfile as it is")
done()
