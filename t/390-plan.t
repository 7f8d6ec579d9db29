#!/usr/bin/env python3
"""clinit -n: the plan is what the same call then does, in random cltabs and states (SPEC 8). On the fake kernel.

EXAMPLES says how many; SEED takes others than the usual ones.
"""
import os
import random
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from fake import FakeKernel
from tap import done, note, ok, same

EXAMPLES, SEED = int(os.environ.get("EXAMPLES", "400")), int(os.environ.get("SEED", "1"))
GROUPS, LEVELS = ("g", "h"), ("1", "2", "0")
MODES = ("wait", "once", "respawn", "respawn", "test", "off")


def table(chance):
    """The text of a random cltab: tags may change their group, mode, levels and command from one to the next."""
    rows = []
    for tag in "abcdef":
        if chance.random() < 0.8:
            rows.append("%s:%s:%s:%s:%s" % (chance.choice("ggh"), tag, chance.choice(("1", "2", "1,2", "1,2")),
                                            chance.choice(MODES), chance.choice("xxy")))
    chance.shuffle(rows)
    settings = [text for text in ("g:::ready:probe", ":::stop:reverse", ":::limit:5") if chance.random() < 0.3]
    return "\n".join(["g:always:1:once:x", "h:ever:2:once:x", *rows, *settings, ""])


def settle(kernel):
    """Let all that is waited for end well, and what must go, go."""
    for _ in range(100):
        if kernel.probing:
            kernel.probed(next(iter(kernel.probing)))
            continue
        name = next((name for name in kernel.alive if kernel.init.processes[name].blocks), None)
        if name is None:
            break
        kernel.exit(name)
    same(all(group.state in ("CONFIGURED", "DONE", "PASSED", "FAILED") for group in kernel.init.groups.values()), True,
         "all is at rest") if name else None


def shake(kernel, chance):
    """Something happens to some processes."""
    for name in list(kernel.alive):
        if chance.random() < 0.3 and name in kernel.alive:
            kernel.exit(name, chance.choice(("exit:0", "exit:1")))
            kernel.sleep(chance.choice((0, 2)))


def promised(plan):
    """{name: (the word, its pid)} of the lines of a plan."""
    found = {}
    for line in plan:
        word, name, *rest = line.replace(",", "").split(" ")
        found[name] = word, int(rest[1]) if rest[:1] == ["pid"] else None
    return found


def wrong(plan, before, after, acts):
    """What PLAN has said otherwise than it was; pids BEFORE and AFTER, and the ACTS between."""
    started = {act[len("start "):] for act in acts if act.startswith("start ")}
    stopped = {act.partition(" ")[2] for act in acts if not act.startswith("start ")}
    plan, faults = promised(plan), []
    for name in sorted({*plan, *started, *stopped}):
        word, pid = plan.get(name, ("nothing", None))
        did = (name in stopped, name in started)
        want = {"stop": (True, False), "restart": (True, True), "start": (False, True)}.get(word, (False, False))
        if word in ("stop", "restart") and pid is None:     # it was paused: there is nothing to signal
            want = (did[0], want[1])
        if did != want:
            faults.append("%s: %s was planned, stopped and started: %s" % (name, word, did))
        if pid is not None and pid != before.get(name):
            faults.append("%s has pid %s, not %s" % (name, before.get(name), pid))
        if word == "keep" and after.get(name) != pid:
            faults.append("%s was not kept" % name)
    return faults


def example(seed):
    """One plan held against what is done; returns (whether it had lines, what is wrong)."""
    chance = random.Random(seed)
    text = table(chance)
    kernel = FakeKernel(text)
    for _ in range(chance.randrange(3)):
        kernel.tell(chance.choice(GROUPS), chance.choice(LEVELS))
        settle(kernel)
        shake(kernel, chance)
    settle(kernel)
    if chance.random() < 0.7:
        text = table(chance)
    kernel.took()
    command = chance.choice(("tell", "tell", "reread", "halt"))
    group, level = (chance.choice(GROUPS), chance.choice(LEVELS)) if command == "tell" else ("", "")
    before, told = dict(kernel.alive), kernel.init.report()
    plan = kernel.plan(command, group, level, text)
    if kernel.took() or kernel.init.report() != told:
        return bool(plan), ["the plan alone has done something"]
    if command == "tell":
        kernel.tell(group, level, text=text)
    elif command == "reread":
        lines = kernel.reread(text).split("\n")
        shown = [line for line in plan if not line.startswith("keep ")]
        if lines[-1].startswith("ok") and lines[:-1] != shown:
            return True, ["the reread says %s, the plan %s" % (lines, shown)]
    else:
        kernel.event("halt", None)
    settle(kernel)
    faults = wrong(plan, before, kernel.alive, kernel.took())
    return bool(plan), ["seed %d: %s %s %s by\n%s" % (seed, command, group, level, text), *plan, *faults] if faults else []


planned = bad = 0
for number in range(EXAMPLES):
    lines, faults = example(SEED * 1000003 + number)
    planned += lines
    bad += bool(faults)
    if faults and bad < 4:
        note("\n".join(faults))
same(bad, 0, "%d random commands: what was planned was done, and nothing else" % EXAMPLES)
ok(planned > EXAMPLES / 2, "most of them had something to plan: %d" % planned)

kernel = FakeKernel("g:a:1:respawn:x\ng:b:1:respawn:y\ng:c:2:wait:z\n")
same(kernel.plan("tell", "n", "1"), ["error 6 no such group: n"], "no such group")
same(kernel.plan("reread"), [], "nothing to do")
kernel.tell("g", "1")
same(kernel.plan("tell", "g", "2"), ["stop g:a pid 101", "stop g:b pid 102", "start g:c"], "a change of level")
same(kernel.plan("reread", text="g:a:1:respawn:new\ng:b:1:respawn:y\ng:d:1:respawn:z\n"),
     ["restart g:a pid 101", "keep g:b pid 102", "start g:d"], "an edit")
same(kernel.plan("halt"), ["stop g:a pid 101", "stop g:b pid 102"], "a halt")
same((kernel.plan("tell", "g", "1"), kernel.state("g")), (["keep g:a pid 101", "keep g:b pid 102"], "1 DONE"), "nothing of it was done")
done()
