#!/usr/bin/env python3
"""./run-live.sh --cost: processor time for a 64-byte packet, through what the kernel does and through switches in user space, in one run.

cost.py PREFIX DIRECTORY MERGEFLOW.dll BURSTS      ROWS=REGEX: only rows (and TCP) of such names

    A: a0 ---- va :S: vb ---- b0 :B      S: what is measured; b0 counts and drops by XDP

The generator is an XDP program that BPF_PROG_TEST_RUN runs as live frames, SCHED_FIFO on the last processor. Softirqs run in the thread that raised them, so a path within the kernel is wholly in the time of that thread (and of its ksoftirqd);
of it the generator's own time, with a drop at va, is subtracted. A switch in user space counts with the time of its threads on the other processors for each delivered packet, the generator sends more than it can take.
"""
import ctypes, fcntl, os, re, shutil, signal, socket, statistics, struct, subprocess, sys, time
import costbpf as bpf
from soak import Switch

BURST_S, TCP_S = 0.3, 1
# Bursts that do not count, of switches in user space: until all that runs often is compiled.
BURN_IN = 5
FIREWALL = """table=0,priority=10,ip,ct_state=-trk,actions=ct(table=1,nat)
table=1,priority=10,ip,in_port=1,ct_state=+trk+new,actions=ct(commit,nat(src=10.203.1.99)),output:2
table=1,priority=10,ip,in_port=1,ct_state=+trk+est,actions=output:2
table=1,priority=10,ip,in_port=2,ct_state=+trk+est,actions=output:1
"""
WIRE = "priority=1,in_port=1,actions=output:2\npriority=1,in_port=2,actions=output:1\n"
ROUTER = """table ip f {
    chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; iifname "va" ct state new accept; }
    chain post { type nat hook postrouting priority 100; oifname "vb" snat to 10.203.2.254; }
}
"""


class Skipped(Exception):
    """Why a row cannot be measured here."""


def call(*words, **options):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, **options)
    if done.returncode != 0:
        raise Skipped(f"{' '.join(words[:6])}: {(done.stdout.strip().splitlines() or ['failed'])[-1]}")
    return done.stdout


def cpu_ns(pid):
    """Of all threads that it has or has had."""
    return time.clock_gettime_ns(~pid << 3 | 2)


class Lab:
    """Two hosts and the place between them; at the end nothing of it is left."""

    def __init__(self, prefix, directory, number=""):
        self.prefix, self.directory = prefix, directory
        self.a, self.b, self.s = (f"{prefix}-{h}{number}" for h in "abs")
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.children, self.files = [], []

    def __enter__(self):
        self.spaces = {}
        for space in (self.a, self.b, self.s):
            call("ip", "netns", "add", space)
            self.spaces[space] = os.open(f"/run/netns/{space}", os.O_RDONLY)
            call("ip", "netns", "exec", space, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        for space, near, far in ((self.a, "a0", "va"), (self.b, "b0", "vb")):
            call("ip", "link", "add", near, "numtxqueues", "1", "numrxqueues", "1", "netns", space, "type", "veth", "peer", "name", far, "numtxqueues", "1", "numrxqueues", "1", "netns", self.s)
            call("ip", "-n", space, "link", "set", near, "up")
            call("ip", "-n", self.s, "link", "set", far, "up")
        # Without NAPI at the far end nothing arrives that is redirected there.
        for space, name in ((self.a, "a0"), (self.s, "va"), (self.s, "vb"), (self.b, "b0")):
            self.within(space, lambda: self.gro(name))
        return self

    def __exit__(self, *_):
        self.end()
        for fd in self.files + list(self.spaces.values()) + [self.home]:
            os.close(fd)
        for space in (self.a, self.b, self.s):
            subprocess.run(["ip", "netns", "del", space], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @staticmethod
    def gro(name):
        value = ctypes.create_string_buffer(struct.pack("II", 0x2c, 1), 8)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, 0x8946, struct.pack("16sQ16x", name.encode(), ctypes.addressof(value)))

    def within(self, space, what):
        if bpf.LIBC.setns(self.spaces[space], 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            return what()
        finally:
            bpf.LIBC.setns(self.home, 0x40000000)

    def index(self, space, name):
        return self.within(space, lambda: socket.if_nametoindex(name))

    def mac(self, space, name):
        return bytes.fromhex(call("ip", "netns", "exec", space, "cat", f"/sys/class/net/{name}/address").strip().replace(":", ""))

    def attach(self, space, name, program, place, flags=0):
        self.files.append(self.within(space, lambda: bpf.attach(program, socket.if_nametoindex(name), place, flags)))

    def start(self, *words, space=None):
        with open(f"{self.directory}/out{len(self.children)}", "w") as out:
            child = subprocess.Popen(["ip", "netns", "exec", space or self.s, *words], stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                     preexec_fn=lambda: bpf.LIBC.prctl(1, signal.SIGTERM))
        self.children.append(child)
        return child

    def end(self):
        for child in reversed(self.children):
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.children.clear()

    def wait_for(self, path, child, seconds=30):
        end = time.time() + seconds
        while not os.path.exists(path):
            if child.poll() is not None or time.time() > end:
                with open(f"{self.directory}/out{self.children.index(child)}") as f:
                    raise Skipped((f.read().strip().splitlines() or ["does not start"])[-1])
            time.sleep(0.05)

    # What is measured

    def drop(self):
        self.counted = bpf.Array(2)
        self.attach(self.s, "va", bpf.sink(self.counted), bpf.ATTACH_XDP, 4)

    def bare_xdp(self):
        self.attach(self.s, "va", bpf.redirect(bpf.XDP, self.index(self.s, "vb")), bpf.ATTACH_XDP, 4)

    def bare_tc(self):
        self.attach(self.s, "va", bpf.redirect(bpf.SCHED_CLS, self.index(self.s, "vb")), bpf.ATTACH_TCX_INGRESS)

    def router(self):
        if not shutil.which("nft"):
            raise Skipped("nft is not installed")
        for n, name in ((1, "va"), (2, "vb")):
            call("ip", "-n", self.s, "addr", "add", f"10.203.{n}.254/24", "dev", name)
        # Both hosts: a host's own answer to ARP does not come where a program takes all frames, and the router then tells the other side.
        for host, space, near, far in (("10.203.1.1", self.a, "a0", "va"), ("10.203.2.10", self.b, "b0", "vb")):
            call("ip", "-n", self.s, "neigh", "replace", host, "lladdr", self.mac(space, near).hex(":"), "dev", far, "nud", "permanent")
        call("ip", "netns", "exec", self.s, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.va.rp_filter=0")
        call("ip", "netns", "exec", self.s, "nft", "-f", "-", input=ROUTER)

    def mergeflow(self, program, offload, datapath, flows):
        path = f"{self.directory}/{self.s}"
        with open(f"{path}.flows", "w") as f:
            f.write(flows)
        child = self.start("dotnet", program, "switch", "--port", f"va=1,datapath={datapath}", "--port", f"vb=2,datapath={datapath}", "--flows", f"{path}.flows",
                           "--offload", offload, "--pmd-cpus", "0", "--socket", f"{path}.sock", "--pidfile", f"{path}.pid")
        self.wait_for(f"{path}.pid", child)
        self.switch = Switch(f"{path}.sock")
        with open(f"{path}.pid") as f:
            self.pid = int(f.read())

    def ovs(self, kind, flows):
        if not shutil.which("ovs-vswitchd") or not shutil.which("ovsdb-server"):
            raise Skipped("not installed")
        schema = next((p for p in ("/usr/share/openvswitch/vswitch.ovsschema", "/usr/local/share/openvswitch/vswitch.ovsschema") if os.path.exists(p)), None)
        d = f"{self.directory}/ovs{time.monotonic_ns()}"
        os.mkdir(d)
        os.environ.update({f"OVS_{n}DIR": d for n in ("RUN", "LOG", "DB", "SYSCONF")})
        call("ovsdb-tool", "create", f"{d}/conf.db", schema)
        self.wait_for(f"{d}/db.sock", self.start("ovsdb-server", f"{d}/conf.db", f"--remote=punix:{d}/db.sock"))
        vsctl = ("ovs-vsctl", "--timeout=20", f"--db=unix:{d}/db.sock")
        call(*vsctl, "--no-wait", "init", "--", "set", "Open_vSwitch", ".", "other_config:pmd-cpu-mask=1")
        child = self.start("ovs-vswitchd", f"unix:{d}/db.sock", f"--pidfile={d}/pid", f"--log-file={d}/log", "-vconsole:off", "--disable-system")
        self.wait_for(f"{d}/pid", child)
        call(*vsctl, "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure")
        for n, name in ((1, "va"), (2, "vb")):
            call(*vsctl, "add-port", "br0", name, "--", "set", "interface", name, f"ofport_request={n}", f"type={kind}", *(["options:xdp-mode=native"] if kind == "afxdp" else []))
            error = call(*vsctl, "get", "interface", name, "error").strip()
            if error != "[]":
                raise Skipped(error)
        call("ovs-ofctl", "add-flows", f"{d}/br0.mgmt", "-", input=flows)
        with open(f"{d}/pid") as f:
            self.pid = int(f.read())

    # Bursts

    def prepare(self, flows):
        self.flows, self.state, self.config = flows, 1, bpf.Array(4)
        self.generator = bpf.generator(self.config, self.index(self.a, "a0"), self.mac(self.s, "va"), self.mac(self.a, "a0"))
        if not hasattr(self, "counted"):
            self.counted = bpf.Array(2)
            self.attach(self.b, "b0", bpf.sink(self.counted), bpf.ATTACH_XDP, 4)

    def send(self, frames, by_chance=True, first=0):
        """So many frames. Returns frames that came, seconds, ns of this thread, ns of the switch."""
        self.config.write(first, self.flows, int(by_chance), self.state)
        last = max(os.sched_getaffinity(0))
        came, kept = self.counted.read(), os.sched_getaffinity(0)
        softirqd = KSOFTIRQD.get(last)

        def go():
            os.sched_setaffinity(0, {last})
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
            try:
                before = (cpu_ns(self.pid) if hasattr(self, "pid") else 0), (cpu_ns(softirqd) if softirqd else 0), time.thread_time_ns(), time.perf_counter()
                bpf.run(self.generator, frames)
                after = time.perf_counter(), time.thread_time_ns(), (cpu_ns(softirqd) if softirqd else 0), (cpu_ns(self.pid) if hasattr(self, "pid") else 0)
                return self.counted.read(), after[0] - before[3], after[1] - before[2] + after[2] - before[1], after[3] - before[0]
            finally:
                os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
                os.sched_setaffinity(0, kept)

        now, wall, own, switch = self.within(self.a, go)
        self.state = self.config.read()[3]
        if now[0] - came[0] != now[1] - came[1]:
            raise Skipped(f"{now[0] - came[0] - now[1] + came[1]} frames of another length came")
        return now[0] - came[0], wall, own, switch

    def by_kernel(self):
        m = re.search(r"va.*?RX packets:(\d+)[^\n]*?in the kernel:(\d+)", self.switch.ask("ports", "-s")["output"], re.S)
        return int(m[2]) if m else 0

    def warm_up(self, kernel, answers_to):
        """Each flow some packets and answers, slowly; if the kernel is to take them, until it takes every one, at most 45 s."""
        end, step = time.time() + 45, min(self.flows, 500)
        answers = bpf.generator(self.config, self.index(self.b, "b0"), self.mac(self.s, "vb"), self.mac(self.b, "b0"), answers_to)
        for lap in range(100):
            before = self.by_kernel() if kernel else 0
            for first in range(0, self.flows, step):
                self.send(step, by_chance=False, first=first)
                if lap < 2:
                    time.sleep(0.01)
                    self.config.write(first, self.flows, 0, self.state)
                    self.within(self.b, lambda: bpf.run(answers, step))
                time.sleep(0.01)
            time.sleep(0.2)
            if not kernel and lap == 2 or kernel and self.by_kernel() - before >= self.flows or time.time() > end:
                return


KSOFTIRQD = {}
RESULTS = {}


def spread(values, form="%.0f"):
    return f"{form % min(values)} / {form % statistics.median(values)} / {form % max(values)}"


def row(name, prefix, directory, bursts, what, flows=1000, kernel=False):
    """A line of the table. Of a path within the kernel: the whole chain, least, median and most; above the generator, least."""
    try:
        with Lab(prefix, directory) as lab:
            what(lab)
            lab.prepare(flows)
            in_user_space = hasattr(lab, "pid") and not kernel
            if hasattr(lab, "pid") or name.startswith("Linux"):
                lab.warm_up(kernel, "10.203.2.254" if name.startswith("Linux") else "10.203.1.99")
            _, wall, _, _ = lab.send(200_000)
            frames = max(100_000, int(200_000 * BURST_S / wall))
            for _ in range(BURN_IN if in_user_space else 0):
                lab.send(frames)
            before = lab.by_kernel() if kernel else 0
            sent = came = 0
            costs, rates = [], []
            for _ in range(bursts):
                n, wall, own, switch = lab.send(frames)
                sent, came = sent + frames, came + n
                if n == 0 or in_user_space and switch == 0:
                    raise Skipped("nothing arrives")
                costs.append((switch if in_user_space else own) / (n if in_user_space else frames))
                rates.append(n / wall / 1e6)
            time.sleep(0.3)
            RESULTS[name] = min(costs)
            above = "" if in_user_space or "generator" not in RESULTS or name == "generator" else f"{min(costs) - RESULTS['generator']:.0f}"
            share = f"{100 * (lab.by_kernel() - before) / sent:.3f} %" if kernel else ""
            print(f"{name:<44} {spread(costs):>22} {above:>8} {spread(rates, '%.2f'):>22} {100 * came / sent:>9.3f} % {share:>10}", flush=True)
    except (Skipped, OSError) as e:
        print(f"{name:<44} not measured: {e}", flush=True)


def tcp(prefix, directory, program, bursts):
    """One stream, offloads on, through the Linux bridge and through the kernel's rules, by turns."""
    rates = {"bridge": [], "kernel": []}
    try:
        with Lab(prefix, directory, "1") as bridge, Lab(prefix, directory, "2") as switch:
            call("ip", "-n", bridge.s, "link", "add", "br0", "type", "bridge")
            for name in ("va", "vb"):
                call("ip", "-n", bridge.s, "link", "set", name, "master", "br0")
            call("ip", "-n", bridge.s, "link", "set", "br0", "up")
            switch.mergeflow(program, "kernel", "tc", FIREWALL)
            for lab in (bridge, switch):
                for space, name, own, other, mac in ((lab.a, "a0", 1, 2, lab.mac(lab.b, "b0")), (lab.b, "b0", 2, 99 if lab is switch else 1, lab.mac(lab.a, "a0"))):
                    call("ip", "-n", space, "addr", "add", f"10.203.1.{own}/24", "dev", name)
                    call("ip", "-n", space, "neigh", "replace", f"10.203.1.{other}", "lladdr", mac.hex(":"), "dev", name, "nud", "permanent")
                lab.start("iperf3", "-s", space=lab.b)
            time.sleep(0.5)
            for _ in range(bursts):
                for name, lab in (("bridge", bridge), ("kernel", switch)):
                    out = call("ip", "netns", "exec", lab.a, "iperf3", "-c", "10.203.1.2", "-C", "cubic", "-t", str(TCP_S), "-f", "m")
                    rates[name].append(float(re.search(r"([\d.]+) Mbits/sec +receiver", out)[1]) / 1000)
    except (Skipped, OSError, TypeError, subprocess.TimeoutExpired) as e:
        print(f"TCP: not measured: {e}")
        return
    medians = {name: statistics.median(v) for name, v in rates.items()}
    print(f"\nTCP, one stream, offloads on, Gbit/s, least / median / most: Linux bridge {spread(rates['bridge'], '%.1f')}; mergeflow, kernel, tc, NAT {spread(rates['kernel'], '%.1f')}; "
          f"of the bridge {medians['kernel'] / medians['bridge']:.2f} (medians), {max(rates['kernel']) / max(rates['bridge']):.2f} (best)")


def compare():
    """The quotients and differences that the rows are for, of the least of each."""
    def r(name):
        return RESULTS.get(name)

    own = r("generator")
    lines = []
    for place in ("XDP", "tc"):
        name, bare = r(f"mergeflow, kernel, {place}, 1k rules, NAT"), r(f"bare {place} redirect")
        if not own or not name:
            continue
        if bare:
            lines.append(f"kernel rules, {place}, NAT, above a bare redirect: {name - bare:.0f} ns")
        router = r("Linux router, nft conntrack + SNAT")
        if router:
            lines.append(f"Linux router, nft conntrack + SNAT, over kernel rules, {place}: {(router - own) / (name - own):.1f} times")
        ovs = [v for k, v in RESULTS.items() if k.startswith("Open vSwitch") and k.endswith(", ct + SNAT")]
        if ovs:
            lines.append(f"Open vSwitch's best port with ct over kernel rules, {place}: {min(ovs) / (name - own):.1f} times")
    if own and r("mergeflow, kernel, XDP, 100k rules, NAT"):
        lines.append(f"kernel rules, XDP, 100k in use by chance, above the generator: {r('mergeflow, kernel, XDP, 100k rules, NAT') - own:.0f} ns")
    for rules in ("port by port", "ct + SNAT"):
        for ours, theirs in (("xdp", "afxdp"), ("packet", "system"), ("tc", "system")):
            m, o = r(f"mergeflow, soft, {ours}, {rules}"), r(f"Open vSwitch, {theirs}, {rules}")
            if m and o:
                lines.append(f"mergeflow, soft, {ours}, over Open vSwitch, {theirs}, {rules}: {m / o:.2f}")
    print("\nof the least:", *lines, sep="\n  ")


def main(words):
    prefix, directory, program, bursts = words[0], words[1], words[2], int(words[3])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm") as f:
                if (m := re.match(r"ksoftirqd/(\d+)$", f.read().strip())):
                    KSOFTIRQD[int(m[1])] = int(pid)
        except OSError:
            pass
    begun = time.time()
    print(f"ns of processor time per 64-byte packet, least / median / most of {bursts} bursts of {BURST_S:g} s; within the kernel: the whole chain, and above the generator; in user space: the switch's threads")
    print(f"{'':<44} {'ns per packet':>22} {'above':>8} {'delivered Mpps':>22} {'of sent':>11} {'in kernel':>10}")
    rows = [("generator", Lab.drop, 1000, False), ("bare XDP redirect", Lab.bare_xdp, 1000, False), ("bare tc redirect", Lab.bare_tc, 1000, False)]
    for place, datapath in (("XDP", "xdp"), ("tc", "tc")):
        rows.append((f"mergeflow, kernel, {place}, 1k rules, NAT", lambda l, d=datapath: l.mergeflow(program, "kernel", d, FIREWALL), 1000, True))
    rows.append(("mergeflow, kernel, XDP, 100k rules, NAT", lambda l: l.mergeflow(program, "kernel", "xdp", FIREWALL), 100_000, True))
    rows.append(("Linux router, nft conntrack + SNAT", Lab.router, 1000, False))
    for text, flows in (("port by port", WIRE), ("ct + SNAT", FIREWALL)):
        for kind in ("afxdp", "system"):
            rows.append((f"Open vSwitch, {kind}, {text}", lambda l, k=kind, f=flows: l.ovs(k, f), 1000, False))
        for datapath in ("xdp", "packet", "tc"):
            rows.append((f"mergeflow, soft, {datapath}, {text}", lambda l, d=datapath, f=flows: l.mergeflow(program, "soft", d, f), 1000, False))
    wanted = re.compile(os.environ.get("ROWS", ""))
    for name, what, flows, kernel in rows:
        if not wanted.search(name):
            continue
        row(name, prefix, directory, bursts, what, flows, kernel)
    if shutil.which("iperf3") and wanted.search("TCP"):
        tcp(prefix, directory, program, bursts)
    compare()
    print(f"{time.time() - begun:.0f} s in all")


if __name__ == "__main__":
    main(sys.argv[1:])
