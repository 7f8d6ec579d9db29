"""An ordinary user: whoever runs the tests; for root uid 65534, with a copy of the programs and of what they need."""
import os
import subprocess
import sys

from tap import skip_all
from world import ROOT

NOBODY = 65534


class User:
    """home: a folder of the WORLD's; python: one that can run the programs, which are in the folder bin.

    environ: of what the user runs; identity: for subprocess.Popen.
    """

    def __init__(self, world):
        self.home = world.path("home")
        os.mkdir(self.home)
        clean = {"HOME": self.home, "PATH": os.environ["PATH"], "WORLD": world.dir, "PYTHONDONTWRITEBYTECODE": "1"}
        if os.getuid() != 0:
            self.bin, self.python, self.identity = os.path.join(ROOT, "bin"), sys.executable, {}
            self.environ = {**clean, **{name: value for name, value in os.environ.items() if name == "PYTHONPATH"}}
            return
        self.bin, self.identity = world.path("bin"), {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        # uid 65534 may not be able to read this checkout, nor the packages
        os.system("cp -r '%s/bin' '%s/lib' '%s'" % (ROOT, ROOT, world.dir))
        packages = os.environ.get("PYTHONPATH") or os.path.dirname(__import__("docopt").__file__)
        os.system("mkdir '%s/packages' && for d in $(echo '%s' | tr : ' '); do "
                  "cp -r $d/docopt* $d/setproctitle* '%s/packages'; done" % (world.dir, packages, world.dir))
        self.environ = {**clean, "PYTHONPATH": world.path("packages")}
        self.own(self.home)
        self.python = next(filter(self._can_run, (sys.executable, "/usr/bin/python3")), None)
        if self.python is None:
            skip_all("uid %d has no python here that can run clinit" % NOBODY)

    def own(self, *paths):
        """Let PATHS be the user's."""
        for path in paths:
            os.chown(path, self.identity.get("user", -1), self.identity.get("group", -1))

    def popen(self, *args, environ=(), **more):
        """Start a program of clinit's as this user."""
        return self.spawn([self.python, os.path.join(self.bin, args[0]), *args[1:]], environ, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def spawn(self, command, environ=(), **more):
        """Start any COMMAND as this user, at home."""
        return subprocess.Popen(command, env={**self.environ, **dict(environ)}, cwd=self.home, text=True,
                                **self.identity, **more)

    def _can_run(self, candidate):
        self.python = candidate
        try:
            for arguments, status in ((["--version"], 0), (["-t", "-c", "/dev/null"], 6)):
                call = self.popen("clinitd", *arguments)
                call.communicate(timeout=30)
                if call.returncode != status:
                    return False
            return True
        except OSError:
            return False
