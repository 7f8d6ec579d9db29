#!/usr/bin/env python3
"""clstat -m: OpenMetrics that prometheus_client's parser takes, and a real node exporter's textfile collector."""
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, sys.path[0] + "/lib")
from tap import cleanup, done, like, note, ok, same, skip, skip_all
from world import QUICK, World, wait_for

try:
    from prometheus_client.openmetrics import parser
except ImportError:
    skip_all("this Python has no prometheus_client")
world = World(QUICK + "g:t:run:test:exit 3;\ng:a:run:respawn:sleep 1000\nh:r:run:respawn:sleep 1001\nh:o:run:off:x\n")
world.start()
world.clinit("-w", "g", "run")
world.clinit("-w", "h", "run")
victim = world.kill("h:r")
wait_for(lambda: world.pid("h:r") not in (0, victim), "the respawn")


def parsed(*args):
    """{(name, value of each label): value} that clstat -m prints."""
    code, out, err = world.clstat("-m", *args)
    return {(sample.name, *sample.labels.values()): sample.value
            for family in parser.text_string_to_metric_families(out) for sample in family.samples}


began = time.time()
found = parsed()
for key, value in {
        ("clinit_up",): 1,
        ("clinit_group_state", "g", "FAILED"): 1, ("clinit_group_state", "g", "DONE"): 0, ("clinit_group_state", "h", "DONE"): 1,
        ("clinit_group_level", "g", "run", "run"): 1, ("clinit_group_entries", "g"): 2, ("clinit_group_entries_up", "g"): 0,
        ("clinit_group_entries", "h"): 1, ("clinit_group_entries_up", "h"): 1,
        ("clinit_process_state", "g", "t", "FAILED"): 1, ("clinit_process_state", "h", "r", "RUNNING"): 1,
        ("clinit_process_state", "h", "o", "OFF"): 1, ("clinit_process_state", "h", "r", "PAUSED"): 0,
        ("clinit_process_up", "g", "t"): 0, ("clinit_process_up", "g", "a"): 0, ("clinit_process_up", "h", "r"): 1,
        ("clinit_process_restarts_total", "h", "r"): 1, ("clinit_process_restarts_total", "g", "a"): 0,
        ("clinit_process_last_exit_status", "g", "t"): 3, ("clinit_process_last_exit_status", "h", "r"): 128 + 9}.items():
    same(found.get(key), value, "%s{%s}" % (key[0], ", ".join(key[1:])))
ok(("clinit_process_up", "h", "o") not in found, "what is switched off is neither up nor down")
ok(("clinit_process_last_exit_status", "g", "a") not in found, "what has not exited has no exit status")
ok(abs(found["clinit_status_timestamp_seconds",] - began) < 60, "the heartbeat")
ok(0 <= found["clinit_group_state_seconds", "g"] < 60 and 0 <= found["clinit_process_state_seconds", "h", "r"] < 60, "seconds in state")
same({key[1] for key in parsed("-g", "h") if len(key) > 1}, {"h"}, "-g chooses")
same(parsed("-g", "nope")["clinit_up",], 1, "also none")
same(world.run("clstat", "-m", world.path("none")),
     (7, "# HELP clinit_up Whether there is a status file whose clinitd lives.\n# TYPE clinit_up gauge\nclinit_up 0\n# EOF\n",
      "clstat: no status: %s: No such file or directory\n" % world.path("none")), "without a status file that is the metric")
same(world.run("clstat", "-m", "a", "b"), (2, "", "clstat: -m takes one FILE: the exporter of each host has its own\n"), "several files: 2")
world.write('Cluster::Init::Process a"\\b:c 1 RUNNING last=signal:NOPE\nCluster::Init::Group a"\\b 1 DONE want=%FF%0A"', "odd")
code, out, err = world.run("clstat", "-m", world.path("odd"))
odd = {(sample.name, *sample.labels.values()) for family in parser.text_string_to_metric_families(out) for sample in family.samples}
ok(("clinit_process_up", 'a"\\b', "c") in odd and ("clinit_group_level", 'a"\\b', "1", '??"') in odd, "labels are quoted")

# A real node exporter, on a port of its own
exporter = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")


def scrape(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def start_exporter():
    """An exporter of the folder `prom` alone; the port where it answers, or None where somebody else took that."""
    port = free_port()
    with open(world.path("exporter"), "w") as log:
        process = subprocess.Popen([exporter, "--collector.disable-defaults", "--collector.textfile", "--collector.textfile.directory",
                                    world.path("prom"), "--web.listen-address", "127.0.0.1:%d" % port], stdout=log, stderr=log, cwd=world.dir)
    cleanup(lambda: (process.kill(), process.wait()))
    wait_for(lambda: process.poll() is not None or "node_textfile_scrape_error" in scrape(port), "the exporter")
    return port if process.poll() is None else None


if exporter is None:
    skip("scraped by a node exporter", "there is none here")
else:
    os.mkdir(world.path("prom"))
    world.write(world.clstat("-m")[1], "prom/clinit.prom")
    port = wait_for(start_exporter, "a free port")
    text = scrape(port)
    ok("node_textfile_scrape_error 0\n" in text, "the node exporter takes the file") or note(world.read("exporter"))
    for line in ("clinit_up 1", 'clinit_group_state{group="g",state="FAILED"} 1', 'clinit_group_level{group="g",level="run",want="run"} 1',
                 'clinit_process_up{group="h",tag="r"} 1', 'clinit_process_restarts_total{group="h",tag="r"} 1',
                 'clinit_process_last_exit_status{group="h",tag="r"} 137', 'clinit_process_state_seconds{group="h",tag="r"} ',
                 "# TYPE clinit_group_state gauge"):
        like(text, "\n" + line, "and shows " + line)
    world.write("clinit_up{ 1\n", "prom/clinit.prom")
    like(scrape(port), "node_textfile_scrape_error 1\n", "of a bad file it would say so")
done()
