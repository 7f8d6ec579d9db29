#!/usr/bin/env python3
"""The resource agent ocf:clinit:group, against a real clinitd and no cluster: its actions and exit codes."""
import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

sys.path.insert(0, sys.path[0] + "/lib")
from agent import AGENT, CONFIGURED, DEGRADED, FAILED, INSTALLED, NOT_RUNNING, SUCCESS, UNIMPLEMENTED, AgentWorld
from crash import case, play
from tap import done, like, ok, same, skip
from world import QUICK, lives, wait_for


@case("what needs no clinitd")
def lone():
    world = AgentWorld()
    told = xml.fromstring(subprocess.run([AGENT, "meta-data"], env={"PATH": os.defpath}, capture_output=True, text=True).stdout)
    same((told.get("name"), told.findtext("version")), ("group", "1.1"), "meta-data: the name, and the version of OCF")
    same([parameter.get("name") for parameter in told.iter("parameter")],
         ["group", "level", "stop_level", "cltab", "socket"], "parameters")
    for action in {action.get("name") for action in told.iter("action")} - {"meta-data"}:
        ok(world.agent(action, timeout=1) != UNIMPLEMENTED, "it has the action %s" % action)
    same(world.agent("promote"), UNIMPLEMENTED, "and no other")
    same(world.agent("validate-all"), SUCCESS, "all is valid")
    same(world.agent("validate-all", level="b ad"), CONFIGURED, "a bad name")
    same(world.agent("validate-all", level="0"), CONFIGURED, "twice the same level")
    same(world.agent("start", group=""), CONFIGURED, "no group")
    same(world.agent("stop", group="-x"), SUCCESS, "what cannot be is stopped")
    world.replace("garbage\n")
    same(world.agent("validate-all"), INSTALLED, "a bad cltab")
    like(world.reason, "not the five of", "the reason")
    with open(AGENT) as file:
        world.script = world.write(file.read().replace("/usr/local/bin", "/nowhere"), "agent")
    os.chmod(world.script, 0o755)
    shutil.rmtree(world.path("bin"))
    same(world.agent("monitor", CRM_meta_interval="0"), INSTALLED, "a probe where clinit is not installed")
    like(world.reason, "clinit is not in PATH", "the reason")


@case("a life")
def life():
    world = AgentWorld()
    same(world.agent("monitor"), NOT_RUNNING, "no clinitd has been there")
    same(world.agent("start", timeout=2), FAILED, "it is not for the agent to start one")
    like(world.reason, "no clinitd answers", "the reason")
    same(world.agent("stop"), SUCCESS, "a stop")
    world.start()
    same(world.agent("monitor"), NOT_RUNNING, "the group was not told")
    same(world.agent("stop"), SUCCESS, "a stop")
    same(world.agent("start"), SUCCESS, "a start")
    pids = world.up()
    same(world.agent("start"), SUCCESS, "a second one")
    same(world.agent("monitor"), SUCCESS, "it runs")
    same([world.pid("g:a"), world.pid("g:b")], pids, "undisturbed")
    same(world.agent("reload-agent", level="maint"), SUCCESS, "it is reloaded with another level")
    same((world.pid("g:a"), lives(pids[1])), (pids[0], False), "what is in both runs on")
    same(world.agent("monitor", level="maint"), SUCCESS, "it runs there")
    same(world.agent("monitor"), FAILED, "which is not where it should be")
    like(world.reason, "at level maint", "the reason")
    same(world.agent("stop"), SUCCESS, "a stop")
    world.is_gone()
    same(world.agent("monitor"), NOT_RUNNING, "it does not run")
    same(world.agent("stop"), SUCCESS, "a second stop")
    same(world.agent("start", group="nobody"), INSTALLED, "a group that this node's cltab does not have")
    same(world.agent("start", level="maint", group="other"), SUCCESS, "another group, at a level without entries")
    same(world.clinit("-k", "-w")[0], 0, "all is halted")
    same(world.agent("monitor"), NOT_RUNNING, "a clinitd that is gone cleanly")


@case("failed, and degraded")
def unwell():
    world = AgentWorld(QUICK + "g:a:run:respawn:sleep 1000\ng:gate:run:test:test -e WORLD/gate\ng:b:run:respawn:sleep 1000\n"
                       "d:c:run:respawn:sleep 1000\nd:d:run:respawn:/nowhere/program\n")
    world.start()
    same(world.agent("start"), FAILED, "a start whose test fails")
    like(world.reason, "g:gate exited 1", "the reason")
    same(world.agent("monitor"), FAILED, "it is failed")
    like(world.reason, "FAILED: g:gate", "the reason")
    world.write("", "gate")
    same(world.agent("start"), SUCCESS, "when the cause is mended")
    same(world.agent("monitor"), SUCCESS, "it is well")
    same(world.agent("start", group="d"), FAILED, "a start with a program that is not there")
    same(world.agent("monitor", group="d"), DEGRADED, "a process is paused, another runs")
    like(world.reason, "d:d", "the reason")
    world.environ["OCF_CHECK_LEVEL"] = "10"
    same(world.agent("monitor", group="d"), FAILED, "a strict monitor")
    for group in "gd":
        same(world.agent("stop", group=group), SUCCESS, "it can be stopped")
    world.is_gone()


@case("in transition")
def moving():
    world = AgentWorld(QUICK + "g:w:run:wait:until test -e WORLD/go; do sleep 0.02; done\ng:a:run:respawn:WORLD/job 1 1000 deaf\n"
                       "g:a::kill:TERM 0.5 KILL\n")
    world.start()
    same(world.agent("start", timeout=4), FAILED, "a start that takes too long")
    like(world.reason, "time given is over", "the reason")
    same(world.agent("monitor", timeout=2), SUCCESS, "what is being started is active")
    starting = world.begin("start")
    looking = world.begin("monitor")
    world.write("", "go")
    same(world.ended(starting), SUCCESS, "the start")
    same(world.ended(looking), SUCCESS, "a monitor waits for its end")
    world.await_up("g:a")
    wait_for(lambda: world.ran("a"), "its record")
    stopping = [world.begin("stop"), world.begin("stop")]
    wait_for(lambda: world.state("g") != "DONE", "it to be stopped")
    same(world.agent("monitor"), NOT_RUNNING, "a monitor waits for the end of a stop")
    same([world.ended(each) for each in stopping], [SUCCESS, SUCCESS], "two stops at once")
    world.is_gone()
    same(world.agent("start"), SUCCESS, "a start")
    world.daemons[-1].send_signal(signal.SIGSTOP)
    same(world.agent("monitor"), SUCCESS, "the status is known, also while clinitd does not answer")
    began = time.monotonic()
    same(world.agent("stop", timeout=5), FAILED, "a stop that is not possible says so")
    ok(time.monotonic() - began < 8, "within its time limit, and what it takes here to run a program")
    like(world.reason, "time given is over", "the reason")
    world.daemons[-1].send_signal(signal.SIGCONT)
    same(world.agent("stop"), SUCCESS, "and then it is")


@case("ocf-tester")
def tester():
    if os.getuid() != 0 or not shutil.which("ocf-tester") or not shutil.which("xmllint"):
        skip("ocf-tester", "it, or xmllint, is not there, or this is not root")
        return
    world = AgentWorld()
    world.start()
    # It runs meta-data as nobody, who may not enter the folders of a checkout
    agent = shutil.copy(AGENT, world.path("group"))
    seen = subprocess.run(["ocf-tester", "-n", "g", "-o", "group=g", "-o", "cltab=" + world.cltab, "-o", "socket=" + world.socket,
                           agent], env=world.environ, capture_output=True, text=True, timeout=100)
    same(seen.returncode, 0, "it has no complaint")
    like(seen.stdout, "passed all tests", "and says so") if seen.returncode == 0 else print("# " + seen.stdout + seen.stderr)
    ok("* rc=" not in seen.stdout, "of nothing")


play()
done()
