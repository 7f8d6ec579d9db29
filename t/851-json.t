#!/usr/bin/env python3
"""clstat -j: all that the status says, as JSON, which the schema in etc/ describes."""
import json
import os
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, ok, raises, same, skip_all
from world import QUICK, ROOT, World
from clinit import statusline

try:
    import jsonschema
except ImportError:
    skip_all("this Python has no jsonschema")
with open(os.path.join(ROOT, "etc", "clstat.schema.json")) as file:
    schema = json.load(file)
jsonschema.Draft7Validator.check_schema(schema)
world = World(QUICK + "g:t:run:test:exit 3;\ng:a:run:respawn:sleep 1000\nh:a1:run:respawn:sleep 1001\nh:o:run:off:x\n"
              "h:n:run:respawn:WORLD/nope\n")
world.start()
world.clinit("-w", "g", "run")
world.clinit("h", "run")
world.await_state("h:n", "PAUSED")


def objects(*args):
    """(exit status, what is in each line, stderr) of clstat -j; each is checked by the schema."""
    code, out, err = world.run("clstat", "-j", *args)
    found = [json.loads(line) for line in out.splitlines()]
    for one in found:
        jsonschema.validate(one, schema)
    return code, found, err


code, (one,), err = objects(world.path("clstat"))
same((code, err, one["stale"], one["host"], one["file"]), (1, "", False, os.uname().nodename, world.path("clstat")), "a real clinitd's")
same(one["verdict"]["status"], 1, "its verdict")
same([(group["group"], group["level"], group["state"], group["up"], group["entries"]) for group in one["groups"]],
     [("g", "run", "FAILED", 0, 2), ("h", "run", "DONE", 1, 2)], "the groups, numbers as numbers")
by_tag = {process["tag"]: process for process in one["processes"]}
same((by_tag["t"]["state"], by_tag["t"]["well"], by_tag["t"]["last"]),
     ("FAILED", False, {"exit": 3, "signal": None, "words": "exited 3"}), "a failed test")
same((by_tag["a1"]["pid"], by_tag["a1"]["well"], by_tag["a1"]["restarts"]), (world.pid("h:a1"), True, 0), "what runs")
same((by_tag["o"]["state"], by_tag["o"].get("pid")), ("OFF", None), "what does not")
ok(one["daemon"]["pid"] == world.daemons[0].pid and one["daemon"]["cltab"] == world.cltab, "and the daemon")
for line in statusline.parse(world.read("clstat")):
    record = (by_tag.get(line.name.partition(":")[2]) or next(
        (group for group in one["groups"] if group["group"] == line.name), one["daemon"]))
    same(set(line.more) - set(record), set(), "all pairs of %s" % line.name)
code, found, err = objects("-g", "h", "-l", "run", world.path("clstat"))
same([process["tag"] for process in found[0]["processes"]], ["a1", "o", "n"], "-g and -l choose")
ok(found[0]["daemon"], "the daemon is there all the same")
code, found, err = objects(world.path("clstat"), world.path("none"), world.path("clstat"))
same((code, len(found)), (7, 2), "several files: a line each; one is missing: 7")
same(err, "clstat: no status: %s: No such file or directory\n" % world.path("none"), "and named")
world.write("Cluster::Init::Process g:a 1 RUNNING pid=x restarts=99999999999999999999 last=unknown ready=no why=a%22%1B%FF new=1 "
            "well=no until=\u0663\nCluster::Init::Group g 1 DONE up=many since=-1\n", "odd")
code, (one,), err = objects(world.path("odd"))
process, = one["processes"]
same((process["last"], process["ready"], process["why"], process["new"], process["well"], sorted(set(process) & {"pid", "restarts", "until"})),
     ({"exit": None, "signal": None, "words": "ended, its exit status is unknown"}, False, 'a"\x1b\udcff', "1", True, ["until"]),
     "what is no number is left out, what is new is there")
same((one["daemon"], one["host"], one["groups"]), (None, "odd", [{"group": "g", "level": "1", "state": "DONE"}]), "a file without a daemon")
raises(jsonschema.ValidationError, lambda: jsonschema.validate({**one, "stale": "no"}, schema), "the schema can say no")
raises(jsonschema.ValidationError, lambda: jsonschema.validate(
    {**one, "processes": [{**process, "pid": "7"}]}, schema), "also to a number that is text")
done()
