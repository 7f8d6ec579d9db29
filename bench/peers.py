"""Who is measured: a class for each supervisor, that says how it is set up, told, asked and stopped.

clinit is run as it is installed, compiled, and like all of them without what would keep Python from using that.

All run the same services p0, p1, ... (service.c), each in the way that its manual shows first. What stands on
the way to `all up` is what a machine does at boot: for runit, daemontools, s6, supervisord and circus the start of
the daemon on a folder or file that is ready, for clinit a command to a daemon that runs.
"""
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "t", "lib"))
from facts import PATIENCE, Arrivals, Command
from world import World, remove_cgroups

from clinit import statusline

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "clinit-bench")
FOLDERS = [*os.environ.get("PATH", os.defpath).split(":"),
           *(os.path.join(CACHE, folder) for folder in ("debian/usr/bin", "supervisor/bin", "circus/bin"))]
BYTECODE = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")     # what says where Python has it


def found(program):
    """The path of PROGRAM; None where there is none."""
    return shutil.which(program, path=":".join(FOLDERS))


class Peer(World):
    """A supervisor in a folder of its own, with COUNT services; their program lies in the folder KIT.

    needs: the program that must be there for it; most: so many services at most. up: tells of services that come up.
    names: theirs. status, control: argv to show all services, and to command one; None where it has no such thing;
    stop: argv to stop all. measured: the measurements that make sense; None for all.
    """
    needs = ""
    most = 10**9
    measured = None
    status = control = stop = None

    def __init__(self, kit, count):
        super().__init__()
        self.kit, self.count = kit, count
        self.service = os.path.join(kit, "service")
        self.names = ["p%d" % number for number in range(count)]
        os.mkdir(self.path("up"))
        self.up = Arrivals(self.path("up"))
        self.environ["PATH"] = ":".join(FOLDERS)
        for name in BYTECODE:
            self.environ.pop(name, None)
        self.set_up()

    @classmethod
    def absent(cls, count):
        """Why it cannot be measured with COUNT services; "" where it can."""
        if not found(cls.needs):
            return "there is no %s" % cls.needs
        return "it takes %d services at most" % cls.most if count > cls.most else ""

    def set_up(self):
        """Write what it needs."""

    def begin(self):
        """Start what runs before anything is told."""

    def tell(self):
        """Begin what brings all services up."""
        raise NotImplementedError

    def command(self, argv):
        """Begin a command."""
        return Command([found(argv[0]), *argv[1:]], self.environ, self.path("log"))

    def pid(self, name):
        """The pid of the service NAME."""
        return int(self.read("up/" + name))

    def pids(self):
        return [self.pid(name) for name in self.names]

    def processes(self):
        # clinitd writes its title over its environment
        return {*super().processes(), *(daemon.pid for daemon in self.daemons if daemon.poll() is None)}

    def supervisors(self):
        """The pids of all that is there because of it and is no service."""
        return [pid for pid in self.processes() if self._program(pid) != self.service]

    def _program(self, pid):
        try:
            return os.readlink("/proc/%d/exe" % pid)
        except OSError:
            return ""

    def end(self):
        """End all of it: who would start the services again first."""
        end = time.monotonic() + PATIENCE
        left = self.supervisors() or self.processes()
        while left and time.monotonic() < end:
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self._reap()
            left = self.supervisors() or self.processes()
        self._reap()
        self.up.close()
        remove_cgroups(self.dir)
        shutil.rmtree(self.dir, ignore_errors=True)

    def _reap(self):
        for daemon in self.daemons:
            daemon.poll()
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


class Clinit(Peer):
    """All services are in one group, g; another one, s, is as small as can be."""
    name = "clinit"
    needs = sys.executable

    def set_up(self):
        self.write("".join("g:%s:1:respawn:%s %s\n" % (name, self.service, name) for name in self.names)
                   + "s:x:1:once:true\n")
        self.control = self.argv("clinit", *self.options, "s", "1")
        self.status = self.argv("clstat", "-c", self.cltab, "-p", self.path("clstat"))
        self.stop = self.argv("clinit", *self.options, "-w", "g", "0")

    def argv(self, program, *args):
        return [sys.executable, os.path.join(self.kit, "bin", program), *args]

    def popen(self, program, *args, **more):
        return subprocess.Popen(self.argv(program, *args), env=self.environ, cwd=self.dir, **more)

    def begin(self):
        self.start()

    def tell(self):
        return self.command(self.argv("clinit", *self.options, "g", "1"))

    def kill_daemon(self):
        """End clinitd by SIGKILL."""
        self.daemons[-1].kill()
        self.daemons[-1].wait()

    def recorded(self):
        """The pids of the services that the status file has."""
        return {int(line.more["pid"]) for line in statusline.parse(self.read("clstat"))
                if line.kind == statusline.PROCESS and line.name.startswith("g:")}


class Folders(Peer):
    """Those that have a folder and a process for each service; the program `run` in it is the service."""

    def set_up(self):
        self.folders = [self.path("services/" + name) for name in self.names]
        for folder in self.folders:
            os.makedirs(folder)
            os.symlink(self.service, os.path.join(folder, "run"))
        os.utime(self.path("services"), (0, 0))     # runsvdir waits a second for a folder that has just been changed

    def tell(self):
        return self.command([self.needs, self.path("services")])


class Runit(Folders):
    name = "runit"
    needs = "runsvdir"
    most = 1000     # says its source

    def set_up(self):
        super().set_up()
        self.status = ["sv", "status", *self.folders]
        self.control = ["sv", "up", self.folders[0]]
        self.stop = ["sv", "down", *self.folders]


class Daemontools(Folders):
    name = "daemontools"
    needs = "svscan"
    most = 1000     # likewise

    def set_up(self):
        super().set_up()
        self.status = ["svstat", *self.folders]
        self.control = ["svc", "-u", self.folders[0]]
        self.stop = ["svc", "-d", *self.folders]


class S6(Folders):
    """Its commands take one service each; all at once are stopped by an end of the whole."""
    name = "s6"
    needs = "/usr/bin/s6-supervise"     # where s6-svscan looks for it, wherever it is itself

    def set_up(self):
        super().set_up()
        self.status = ["sh", "-c", 'for folder; do s6-svstat "$folder"; done', "sh", *self.folders]
        self.control = ["s6-svc", "-u", self.folders[0]]
        self.stop = ["s6-svscanctl", "-t", self.path("services")]

    def tell(self):
        return self.command(["s6-svscan", "-c", str(self.count + 10), self.path("services")])


class Supervisord(Peer):
    name = needs = "supervisord"

    def set_up(self):
        file = self.write("[unix_http_server]\nfile=WORLD/socket\n"
                          "[rpcinterface:supervisor]\n"
                          "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
                          "[supervisorctl]\nserverurl=unix://WORLD/socket\n"
                          "[supervisord]\nnodaemon=true\npidfile=WORLD/pid\nlogfile=WORLD/log\nminfds=%d\n"
                          "[program:g]\ncommand=%s p%%(process_num)d\nnumprocs=%d\nprocess_name=p%%(process_num)d\n"
                          "autorestart=true\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
                          % (3 * self.count + 1000, self.service, self.count), "supervisord.conf")
        self.start_argv = ["supervisord", "-c", file]
        self.status = ["supervisorctl", "-c", file, "status"]
        self.control = ["supervisorctl", "-c", file, "pid", "g:p0"]
        self.stop = ["supervisorctl", "-c", file, "stop", "all"]

    def tell(self):
        return self.command(self.start_argv)


class Circus(Peer):
    name = "circus"
    needs = "circusd"

    def set_up(self):
        endpoint = "ipc://%s" % self.path("socket")
        self.write("[circus]\nendpoint=%s\npubsub_endpoint=%s.pub\nstats_endpoint=%s.stats\n"
                   % (endpoint, endpoint, endpoint)
                   + "".join("[watcher:%s]\ncmd=%s %s\ncopy_env=True\n" % (name, self.service, name)
                             for name in self.names), "circus.ini")
        control = ["circusctl", "--endpoint", endpoint]
        self.status = [*control, "status"]
        self.control = [*control, "status", "p0"]
        self.stop = [*control, "stop"]

    def tell(self):
        return self.command(["circusd", self.path("circus.ini")])


class Vfork(Peer):
    """No supervisor: what the system takes to start so many processes."""
    name = "vfork"
    needs = "cc"
    measured = ("up",)

    def tell(self):
        return self.command([os.path.join(self.kit, "loop"), self.name, str(self.count), self.service])


class Fork(Vfork):
    name = "fork"


PEERS = {peer.name: peer for peer in (Clinit, Runit, Daemontools, S6, Supervisord, Circus, Vfork, Fork)}
