"""Three nodes of Corosync and Pacemaker, and a fence agent, on this machine: each node in namespaces of its own.

A node is a process, `node`, which is PID 1 of its namespace: whatever ends it ends all of the node. It is
ended with the test, also by the kernel when the test is killed. The nodes are linked by a bridge in a namespace
of its own. Nothing outside of these namespaces is changed, but one temporary folder.
"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "t", "lib"))

import tap                              # noqa: E402
from world import wait_for              # noqa: E402

NODES = {"n1": 1, "n2": 2, "n3": 3}
NEEDED = ["corosync", "pacemakerd", "crm_mon", "crm_resource", "crm_attribute", "ip", "nsenter", "setpriv", "unshare"]
SPACES = ["unshare", "--net", "--mount", "--ipc", "--uts", "--pid", "--fork", "--kill-child=KILL"]
# Of what a node does, the part that may be forbidden
ATTEMPT = """set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t overlay overlay -o lowerdir=/bin:/sbin /mnt
ip link add hub type bridge && ip link add one type veth peer name other"""
DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL"]
COROSYNC = """
totem {
  version: 2
  cluster_name: clinit
  transport: udpu
  token: 1000
  token_coefficient: 0
  crypto_cipher: none
  crypto_hash: none
}
nodelist {
%s}
quorum {
  provider: corosync_votequorum
}
system {
  sched_rr: no
  move_to_root_cgroup: no
}
logging {
  to_stderr: yes
  to_syslog: no
  timestamp: hires
}
"""
CIB = """<cib validate-with="pacemaker-3.0" epoch="1" num_updates="0" admin_epoch="0">
  <configuration>
    <crm_config>
      <cluster_property_set id="properties">
        <nvpair id="dc-deadtime" name="dc-deadtime" value="1s"/>
        <nvpair id="stonith-enabled" name="stonith-enabled" value="false"/>
      </cluster_property_set>
    </crm_config>
    <nodes/>
    <resources>
      <primitive id="fence" class="stonith" type="fence_clinit">
        <instance_attributes id="fence-parameters">
          <nvpair id="fence-server" name="server" value="FOLDER/fence"/>
          <nvpair id="fence-hosts" name="pcmk_host_list" value="n1 n2 n3"/>
          <nvpair id="fence-action" name="pcmk_reboot_action" value="off"/>
        </instance_attributes>
      </primitive>
      <primitive id="web" class="ocf" provider="clinit" type="group">
        <instance_attributes id="web-parameters">
          <nvpair id="web-group" name="group" value="web"/>
          <nvpair id="web-cltab" name="cltab" value="FOLDER/cltab"/>
        </instance_attributes>
        <meta_attributes id="web-meta">
          <nvpair id="web-threshold" name="migration-threshold" value="1"/>
          <nvpair id="web-stickiness" name="resource-stickiness" value="100"/>
        </meta_attributes>
        <operations>
          <op id="web-start" name="start" interval="0" timeout="30s"/>
          <op id="web-stop" name="stop" interval="0" timeout="30s"/>
          <op id="web-monitor" name="monitor" interval="1s" timeout="20s"/>
        </operations>
      </primitive>
    </resources>
    <constraints/>
  </configuration>
  <status/>
</cib>
"""
# clstat, which the agent's monitor calls: a record of when it was
MONITOR = """#!/bin/sh
echo "$(uname -n)" >>%s/monitors
exec %s/usr/bin/clstat.real "$@"
"""


def missing():
    """Why there can be no cluster here; "" where there can."""
    lacking = [name for name in NEEDED if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
    if lacking:
        return "not installed: " + ", ".join(lacking)
    if os.getuid() or subprocess.run([*SPACES, "sh", "-c", ATTEMPT], capture_output=True).returncode:
        return "only root with namespaces, mounts and links of its own can have nodes"
    return ""


class Cluster:
    """folder: what all nodes share; fenced: the nodes that the fence agent was asked to end."""

    def __init__(self, cltab):
        self.folder = tempfile.mkdtemp(prefix="clinit-cluster-")
        tap.cleanup(lambda: shutil.rmtree(self.folder))
        os.chmod(self.folder, 0o755)
        self.fenced = []
        self.nodes = {}         # name: (unshare, pid of the node's PID 1)
        self.install()
        self.write("cltab", cltab.replace("FOLDER", self.folder))
        self.write("cib.xml", CIB.replace("FOLDER", self.folder))
        self.write("hosts", "".join("10.77.0.%d %s\n" % (number, name) for name, number in NODES.items()))
        os.mkdir(self.path("corosync"))
        self.write("corosync/corosync.conf", COROSYNC % "".join(
            "  node {\n    ring0_addr: 10.77.0.%d\n    name: %s\n    nodeid: %d\n  }\n" % (number, name, number)
            for name, number in NODES.items()))
        threading.Thread(target=self.serve, args=[self.listen()], daemon=True).start()
        self.link_hub()
        tap.cleanup(self.end)
        for name in NODES:
            os.mkdir(self.path(name))
            self.boot(name)

    def install(self):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        subprocess.run(["make", "-s", "-C", ROOT, "install", "PYTHON=" + sys.executable, "PREFIX=" + self.path("usr"),
                        "OCFDIR=" + self.path("resource.d")], check=True, env=clean)
        os.rename(self.path("usr/bin/clstat"), self.path("usr/bin/clstat.real"))
        self.write("usr/bin/clstat", MONITOR % (self.folder, self.folder))
        os.chmod(self.path("usr/bin/clstat"), 0o755)
        os.mkdir(self.path("sbin"))
        shutil.copy(os.path.join(HERE, "fence_clinit"), self.path("sbin"))

    # The shared folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        """Put TEXT into a file of the shared folder, at once."""
        with open(self.path(name) + ".new", "w") as file:
            file.write(text)
        os.rename(file.name, self.path(name))

    def read(self, name):
        try:
            with open(self.path(name), errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    # Fencing

    def listen(self):
        server = socket.socket(socket.AF_UNIX)
        tap.cleanup(server.close)
        server.bind(self.path("fence"))
        server.listen()
        return server

    def serve(self, server):
        """Do what the fence agent asks. In a thread: so it starts no process."""
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return      # the end
            with client:
                action, name = client.makefile().readline().split()
                answer = "0"
                if action == "off":
                    self.fenced.append(name)
                    self.kill(name)
                elif action == "status":
                    answer = "0" if name in self.nodes else "2"
                elif action == "list":
                    answer = " ".join(["0", *NODES])
                client.sendall(answer.encode() + b"\n")

    # Nodes

    def link_hub(self):
        """A network namespace with a bridge, to which all nodes are linked."""
        self.hub = subprocess.Popen([*DIES_WITH_US, "unshare", "--net", "sh", "-c",
                                     "ip link add hub type bridge && ip link set hub up && echo up && exec sleep 3600"],
                                    stdout=subprocess.PIPE, text=True)
        tap.cleanup(self.hub.wait)
        tap.cleanup(self.hub.kill)
        if self.hub.stdout.readline() != "up\n":
            raise RuntimeError("there is no bridge")

    def in_hub(self, *command, check=True):
        subprocess.run(["nsenter", "--net", "--target", str(self.hub.pid), *command], check=check, capture_output=True)

    def boot(self, name):
        with open(self.path(name + "/node.out"), "ab") as log:
            node = [sys.executable, os.path.join(HERE, "node"), self.folder, name, "10.77.0.%d/24" % NODES[name]]
            space = subprocess.Popen([*DIES_WITH_US, *SPACES, *node], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        children = "/proc/%d/task/%d/children" % (space.pid, space.pid)
        with open(children) as file:
            first = int(wait_for(lambda: file.seek(0) or file.read(), "node %s to begin" % name))
        self.nodes[name] = space, first
        # The link of a node that was killed goes with its namespace, but not at once
        self.in_hub("ip", "link", "del", name, check=False)
        self.in_hub("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(first))
        self.in_hub("ip", "link", "set", name, "master", "hub", "up")

    def kill(self, name):
        """End a node, as a loss of power does; returns when it is gone."""
        space, first = self.nodes.pop(name, (None, None))
        if space and space.poll() is None:      # so the number is still that of its child
            os.kill(first, signal.SIGKILL)
            space.wait(20)

    def cut(self, name):
        """Take a node off the network; it does not know."""
        self.in_hub("ip", "link", "set", name, "down")

    def end(self):
        for name in list(self.nodes):
            self.kill(name)

    def on(self, name, *command):
        """What COMMAND says on a node; "" where it cannot be run, or takes too long."""
        there = ["nsenter", "--mount", "--uts", "--ipc", "--net", "--pid", "--target", str(self.nodes[name][1])]
        try:
            return subprocess.run([*there, *command], timeout=20, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True).stdout
        except subprocess.TimeoutExpired:
            return ""

    # What Pacemaker says

    def any(self):
        return next(iter(self.nodes))

    def await_online(self):
        """Wait until all nodes are in one cluster that has quorum."""
        def online():
            said = self.on(self.any(), "crm_mon", "-1")
            return "Online: [ n1 n2 n3 ]" in said and "partition with quorum" in said
        wait_for(online, "three nodes online")

    def where(self):
        """The nodes where the group runs, as Pacemaker has it."""
        return self.on(self.any(), "crm_resource", "--resource", "web", "--locate", "--quiet").split()

    def settle(self):
        """Wait until Pacemaker has nothing more to do."""
        self.on(self.any(), "crm_resource", "--wait", "--timeout=20s")

    def failures(self):
        """What Pacemaker has seen to fail, a line each, with the reason."""
        said = self.on(self.any(), "crm_mon", "-1", "--output-as=xml", "--include=none,failures")
        return [line for line in said.split("\n") if "<failure " in line]

    def await_monitors(self, name):
        """Wait for two more looks of Pacemaker at the group on the node NAME: one that begins after now is over."""
        before = self.read("monitors").split().count(name)
        wait_for(lambda: self.read("monitors").split().count(name) >= before + 3, "Pacemaker to look at the group")
