"""A world in which the resource agent ocf:clinit:group finds the programs, and says what it was told."""
import os
import subprocess
import sys

from crash import CrashWorld
from tap import same
from world import PATIENCE, QUICK, ROOT, wait_for

SUCCESS, FAILED, UNIMPLEMENTED, INSTALLED, CONFIGURED, NOT_RUNNING, DEGRADED = 0, 1, 3, 5, 6, 7, 190
AGENT = os.path.join(ROOT, "ocf", "group")
CLTAB = QUICK + """
g:a:run,maint:respawn:WORLD/job 1 1000 kid
g:b:run:respawn:WORLD/job 1 1000 deaf
g:b::kill:TERM 0.3 KILL
other:o:run:respawn:WORLD/job 1 1000
"""
# In the place of a program: it notes that it was called.
PROGRAM = """#!/bin/sh
echo %%s >>WORLD/called
exec %s %s/bin/%%s "$@"
""" % (sys.executable, ROOT)


class AgentWorld(CrashWorld):
    """script: which is used; reason: what it gave as the reason of its last exit status."""

    def __init__(self, text=CLTAB):
        super().__init__(text)
        os.mkdir(self.path("bin"))
        for name in ("clinit", "clinitd", "clstat"):
            os.chmod(self.write(PROGRAM % (name, name), "bin/" + name), 0o755)
        self.environ.update(
            PATH=self.path("bin") + ":" + os.environ["PATH"], OCF_RESOURCE_INSTANCE="g", OCF_RESKEY_group="g",
            OCF_RESKEY_cltab=self.cltab, OCF_RESKEY_socket=self.socket)
        self.script = AGENT
        self.reason = ""

    def hasten(self):
        """Let the agent wait for a clinitd that is gone 1 second instead of 5; returns the world."""
        with open(AGENT) as file:
            text = file.read()
        self.script = self.write(text.replace("BACK_WITHIN=5", "BACK_WITHIN=1"), "agent")
        os.chmod(self.script, 0o755)
        return self

    def begin(self, action, timeout=20, **parameters):
        """The agent doing ACTION within TIMEOUT seconds, with PARAMETERS besides, or instead of, those of the world.

        It has called its first program.
        """
        before = self.read("called")
        more = {"OCF_RESKEY_" + name: value for name, value in parameters.items()}
        more["OCF_RESKEY_CRM_meta_timeout"] = str(timeout * 1000)
        doing = subprocess.Popen([self.script, action], env={**self.environ, **more}, cwd="/", text=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_for(lambda: self.read("called") != before or doing.poll() is not None, "the agent to begin")
        return doing

    def ended(self, doing):
        """What DOING, an agent, exits with."""
        try:
            _, said = doing.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            doing.kill()
            raise
        prefix, lines = "ocf-exit-reason:", said.split("\n")
        self.reason = "".join(line[len(prefix):] for line in lines if line.startswith(prefix))
        return doing.returncode

    def agent(self, action, timeout=20, **more):
        """What the agent exits with."""
        return self.ended(self.begin(action, timeout, **more))

    def up(self):
        """The pids of both processes of the group, which run, and have written their records."""
        pids = self.await_up("g:a", "g:b")
        wait_for(lambda: all(any(row.endswith(" %d" % pid) for row in self.ran(tag)) for tag, pid in zip("ab", pids)),
                 "the records")
        return pids

    def started(self, crash=False):
        """The world, with the group started; and with clinitd killed, if CRASH."""
        self.start()
        same(self.agent("start"), SUCCESS, "a start")
        self.up()
        if crash:
            self.crash()
        return self

    def is_gone(self, what="nothing is left"):
        daemons = [daemon.pid for daemon in self.daemons if daemon.poll() is None]
        same([pid for pid in self.processes() if pid not in daemons], [], what)
