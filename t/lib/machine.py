"""A machine of its own, as far as a test needs one: a real init, as PID 1 of namespaces.

Whatever that init does to files, as they do at a boot, must not be done to ours: inside, all mounts are read-only
but the folder of the world and what is mounted afresh. The script that starts it looks, and does not start it
where anything else can be written. All ends with PID 1, and that ends with this test, however it ends.
"""
import os
import shutil
import subprocess
import sys

import tap
from world import PATIENCE, ROOT, World, wait_for

SCRIPT = r"""set -eu
mount --make-rprivate /
mount --bind "$DIR" "$DIR"
# Twice: a mount may cover another
for turn in 1 2; do
    cut -d' ' -f2 /proc/self/mounts | while read -r mount; do
        [ "$mount" = "$DIR" ] || mount -o remount,bind,ro "$mount" 2>/dev/null || :
    done
done
for folder in / /etc /usr /var /var/tmp /tmp /home /root "$ROOT" "$DIR/.." $(cut -d' ' -f2 /proc/self/mounts); do
    if [ "$folder" != "$DIR" ] && [ -w "$folder" ]; then
        echo "$folder can be written: no init is started" >&2
        exit 1
    fi
done
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /dev
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/zero c 1 5
mknod -m 444 /dev/urandom c 1 9
ln -s /proc/self/fd /dev/fd
mkdir /dev/shm
touch /run/utmp "$DIR/console" /dev/console
mount --bind "$DIR/console" /dev/console
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
hostname machine
"""


def why_not():
    """What is missing here for a machine; "" for nothing."""
    if os.getuid() != 0:
        return "it takes root"
    for program in ("unshare", "nsenter", "setpriv", "mount", "make"):
        if not shutil.which(program):
            return "no %s here" % program
    probe = subprocess.run(["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--fork", "mount",
                            "-t", "proc", "proc", "/proc"], capture_output=True, text=True)
    return "no namespaces here: " + probe.stderr.strip() if probe.returncode else ""


class Machine(World):
    """A world with an init. bin: where clinit is installed, by `make install`; pid1: that init's pid, outside."""

    def __init__(self, text):
        super().__init__(text)
        self.outer = self.cgroup = None
        self.bin = self.path("usr/bin")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        made = subprocess.run(["make", "-s", "-C", ROOT, "install", "PYTHON=" + sys.executable,
                               "PREFIX=" + self.path("usr")], env=environ, capture_output=True, text=True)
        if made.returncode:
            raise RuntimeError("make install: " + made.stderr)
        # What clinitd and its clients are to find, in that bare environment; and how processes() knows them
        self.variables = {"DIR": self.dir, "PYTHONDONTWRITEBYTECODE": "1", "CLINIT_CLTAB": self.cltab}
        for name in {"PYTHONPATH", "PYTHONPYCACHEPREFIX"} & set(os.environ):
            self.variables[name] = os.environ[name]

    def boot(self, script):
        """Run SCRIPT, which executes an init, once the mounts are made; in the cgroup, if there is one."""
        setup = self.write(SCRIPT + script, "boot")
        command = ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--fork", "--kill-child=KILL",
                   "sh", setup]
        enter = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
        if self.cgroup:
            command = ["sh", "-c", enter, self.cgroup, *command]
        with open(self.path("out"), "w") as out:
            self.outer = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DIR": self.dir, "ROOT": ROOT})
        self.pid1 = int(wait_for(self._child, "the namespaces"))
        self.status = "/proc/%d/root/run/clinit/clstat" % self.pid1

    def _child(self):
        if self.outer.poll() is not None:
            raise RuntimeError("no machine: " + self.read("out") + self.read("console"))
        with open("/proc/%d/task/%d/children" % (self.outer.pid, self.outer.pid)) as file:
            return file.read()

    def inside(self, *args):
        """(exit status, stdout, stderr) of a command in the machine."""
        done = subprocess.run(["nsenter", "--all", "-t", str(self.pid1), "--", *args], capture_output=True, text=True,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **self.variables}, timeout=PATIENCE)
        return done.returncode, done.stdout, done.stderr

    def clinit(self, *args):
        return self.inside(os.path.join(self.bin, "clinit"), *args)

    def daemon(self):
        """The pid of clinitd, inside, as the status file says; 0 where there is none."""
        return self.pid("clinitd")

    def _remove_cgroup(self):
        try:
            for folder, _, _ in os.walk(self.cgroup, topdown=False):
                os.rmdir(folder)
        except OSError:
            return False
        return True

    def end(self):
        if self.outer is not None:
            self.outer.kill()
            self.outer.wait()
        wait_for(lambda: not self.processes(), "the machine to be gone")
        if self.cgroup:
            wait_for(self._remove_cgroup, "its cgroups to be empty")     # of zombies, too
        if tap._failed or hasattr(sys, "last_value"):
            tap.note(self.read("out") + self.read("console") + self.said)
        super().end()
