#!/usr/bin/env python3
"""The resource agent ocf:clinit:group where clinitd was killed, is being started again, or has lost its cltab."""
import os
import re
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from agent import AGENT, CLTAB, FAILED, NOT_RUNNING, SUCCESS, AgentWorld
from crash import case, play
from tap import done, like, same
from world import QUICK, ROOT


@case("clinitd is killed")
def killed():
    world = AgentWorld().started(crash=True)
    pids = world.pid("g:a"), world.pid("g:b")
    world.hasten()
    same(world.agent("monitor"), FAILED, "what may run is not absent")
    like(world.reason, "may run", "the reason")
    world.script = AGENT
    for action in ("monitor", "start", "reload-agent"):
        agent = world.begin(action)
        world.start()
        same(world.ended(agent), SUCCESS, "%s bears a clinitd that is being started again" % action)
        same((world.pid("g:a"), world.pid("g:b")), pids, "nothing was restarted")
        world.crash()
    agent = world.begin("stop")
    world.start()
    same(world.ended(agent), SUCCESS, "so does a stop")
    world.is_gone()
    world.crash()
    same(world.agent("monitor"), NOT_RUNNING, "what was stopped before clinitd was killed is absent")
    same(world.read("twice"), "", "nothing ran twice")


@case("clinitd does not come back")
def without():
    world = AgentWorld().hasten().started()
    same(world.agent("start", group="other"), SUCCESS, "another group")
    world.await_up("other:o")
    other = world.pid("other:o")
    world.crash()
    stopping = [world.begin("stop"), world.begin("stop")]
    same([world.ended(each) for each in stopping], [SUCCESS, SUCCESS], "two stops at once")
    same(world.processes(), [other], "all of it is gone, what had its own session too; the other group runs on")
    same(world.agent("monitor"), NOT_RUNNING, "it is absent")
    same(world.agent("stop"), SUCCESS, "stopped again")
    same(world.agent("start"), FAILED, "it cannot be started")
    same(world.agent("monitor", group="other"), FAILED, "the other may run")
    status = world.read("clstat")
    world.replace(status.replace(" boot=", " boot=x"), "clstat")
    same(world.agent("monitor", group="other"), NOT_RUNNING, "if the machine was booted since it does not")
    world.replace(status, "clstat")
    same(world.agent("stop", group="other"), SUCCESS, "the other is stopped")
    world.is_gone()


@case("the cltab is bad, or lost")
def bad():
    world = AgentWorld().hasten().started()
    world.replace("garbage\n")
    same(world.agent("monitor"), SUCCESS, "a bad one: it runs")
    same(world.agent("stop"), SUCCESS, "it is stopped")
    world.is_gone()
    same(world.agent("start"), SUCCESS, "and started, by the one that clinitd has")
    world.up()
    world.crash()
    same(world.agent("stop"), SUCCESS, "it is stopped, also where clinitd is gone")
    world.is_gone()
    for crash in (False, True):
        world = AgentWorld().hasten().started(crash)
        os.unlink(world.cltab)
        same(world.agent("monitor"), FAILED if crash else SUCCESS, "a lost one: what is known")
        same(world.agent("stop"), SUCCESS, "it is stopped")
        world.is_gone()
    world = AgentWorld().hasten().started()
    world.replace(QUICK + "other:o:run:respawn:WORLD/job 1 1000\n")
    same(world.agent("stop"), SUCCESS, "gone from the cltab: it is stopped")
    world.is_gone("when that is said, nothing is left")


@case("a stop level with work to do")
def stop_level():
    world = AgentWorld(CLTAB + "g:u:stop:wait:date >>WORLD/unmounted\ng:t:stop:test:test ! -e WORLD/mounted\n")
    world.environ["OCF_RESKEY_stop_level"] = "stop"
    world.hasten().started()
    same(world.agent("stop"), SUCCESS, "a stop")
    same(len(world.read("unmounted").splitlines()), 1, "the work was done")
    same(world.agent("monitor"), NOT_RUNNING, "at the stop level it does not run")
    world.write("", "mounted")
    same((world.agent("start"), world.agent("stop")), (SUCCESS, FAILED), "a stop whose test fails has failed")
    like(world.reason, "g:t exited 1", "the reason")
    os.unlink(world.path("mounted"))
    same(world.agent("stop"), SUCCESS, "it is tried again")
    same(world.agent("start"), SUCCESS, "a start")
    world.up()
    world.crash()
    same(world.agent("stop"), FAILED, "without clinitd the work is not done, and a stop does not say so")
    like(world.reason, "level stop is not entered", "the reason")
    world.is_gone("though nothing runs any more")
    same(world.agent("stop"), SUCCESS, "where nothing is known of the group there is nothing to do")


@case("the three commands of the manual, for other cluster managers")
def commands():
    with open(os.path.join(ROOT, "man", "clinit-pacemaker.7")) as file:
        told = dict(re.findall(r"^\.It (start|stop|monitor) Ta (.*)$", file.read(), re.M))
    world = AgentWorld(":::socket:WORLD/clinit.s\n" + CLTAB.replace("g:", "web:"))
    world.environ.update(CLINIT_CLTAB=world.cltab, CLINIT_SOCKET=world.socket)

    def does(what):
        seen = subprocess.run(["sh", "-c", told[what]], env=world.environ, cwd="/", capture_output=True, text=True)
        return seen.returncode, seen.stdout.strip()
    same((does("monitor"), does("stop")), ((7, ""), (0, "")), "nothing is there, which is stopped")
    same(does("start")[0], 7, "it cannot be started")
    world.start()
    same((does("monitor")[0], does("start")[0], does("monitor")), (6, 0, (0, "DONE")), "a start")
    same((does("stop")[0], does("monitor")), (0, (3, "")), "a stop")
    same(does("start")[0], 0, "a start")
    world.await_up("web:a", "web:b")
    world.crash()
    same((does("monitor"), does("stop")[0]), ((7, "DONE"), 0), "clinitd is gone: it may run, and can be stopped")
    world.is_gone()


play()
done()
