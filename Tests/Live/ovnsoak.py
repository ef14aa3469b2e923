#!/usr/bin/env python3
"""Mixed traffic through a network of OVN whose chassis run `mergeflow vswitchd`, as many minutes as are asked for, and a verdict.

ovnsoak.py PREFIX FOLDER MINUTES

PREFIX  of the network namespaces: chassis PREFIX-c1 and PREFIX-c2; workloads PREFIX-w1, -w2, -w5 on c1 and -w3, -w4 on c2; PREFIX-ext outside.
        w1, w2, w3 are 10.1.0.11 to .13 of the logical switch ls1 and in the port group pg1, w4 and w5 are 10.2.0.14 and .15 of ls2; the router lr1 has
        the floating addresses 203.0.113.12 and .13 for w2 and w3 and SNAT for ls1; ext is 203.0.113.100.
FOLDER  FOLDER/c1 and FOLDER/c2 are the run folders of the chassis, FOLDER/central/nb.sock is the northbound database.

Traffic is that of soak.py: streams that are checked, datagrams, connections that are closed or reset. It goes within a chassis, across them, routed, through SNAT, floating addresses and load balancers. Now and then an ACL, a
load balancer and a port change. Both chassis are asked each minute what rules have forwarded and why not the rest, what the shadow has seen (other_config:mergeflow-shadow), whether all packets are accounted for, and for their memory.
"""
import json, os, re, signal, subprocess, sys, time

import soak

VIP = "10.99.0.9"
CHASSIS = ("c1", "c2")
SINKS = ("w1", "w2", "w3", "w4", "w5", "ext")
# From, to, to: of the second one nothing is expected at any moment.
LOADS = (("w1", "10.1.0.13", "10.2.0.14"), ("w2", "203.0.113.100", "10.1.0.11"), ("ext", "203.0.113.12", "203.0.113.13"), ("w4", VIP, "10.2.0.15"))
STREAM_BYTES = 500_000


class Chassis:
    """A switch and its control socket."""

    def __init__(self, folder, name):
        self.name = name
        with open(f"{folder}/{name}/ovs-vswitchd.pid") as f:
            self.pid = int(f.read())
        self.socket = f"{folder}/{name}/ovs-vswitchd.{self.pid}.ctl"
        self.first = self.stats()

    def ask(self, *words):
        return subprocess.run(["ovs-appctl", "-T", "60", "-t", self.socket, *words], check=True, capture_output=True, text=True).stdout

    def stats(self):
        """Packets and bytes by what became of them, and what the shadow has counted: alike, otherwise, undecided, lost."""
        text = self.ask("mergeflow/offload-stats")
        rows = {m[1]: (number(m[2]), number(m[3])) for m in re.finditer(r"^\| (.*?) *\| *([\d,]+) \| *[\d.]+ \| *([\d,]+) \|", text, re.MULTILINE)}
        found = re.search(r"checked: (\d+) as software, (\d+) otherwise, (\d+) undecided, (\d+) without", text)
        return rows, [int(n) for n in found.groups()] if found else [0, 0, 0, 0]

    def unexplained(self):
        """Packets that nobody can account for, at both ends of the switch and in its packet threads."""
        return sum(abs(number(n)) for n in re.findall(r"^\| (?:- unexplained|pmd\d+(?: *\| *[\d,]+){5}) *\| *([-+]?[\d,]+) \|$", self.ask("mergeflow/offload-audit"), re.MULTILINE))

    def memory(self):
        """Resident bytes and descriptors."""
        with open(f"/proc/{self.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(f"/proc/{self.pid}/fd"))

    def since(self, before):
        rows, shadow = self.stats()
        return {what: (n[0] - before[0].get(what, (0, 0))[0], n[1] - before[0].get(what, (0, 0))[1]) for what, n in rows.items()}, shadow


def number(text):
    return int(text.replace(",", ""))


def inside(prefix, name, *words):
    return ["ip", "netns", "exec", f"{prefix}-{name}", *words]


def northbound(folder, *words):
    subprocess.run(["ovn-nbctl", f"--db=unix:{folder}/central/nb.sock", "--timeout=60", *words], check=True, stdout=subprocess.DEVNULL)


def prepare(folder):
    """What the traffic needs of the network: the sinks' ports are let in, and a load balancer leads to w2 and w3."""
    northbound(folder, "--may-exist", "acl-add", "pg1", "to-lport", "1000", f"outport == @pg1 && (tcp.dst == {{{soak.STREAM}, {soak.CONNECT}}} || udp.dst == {soak.DATAGRAM})", "allow-related")
    for port, protocol in ((soak.STREAM, "tcp"), (soak.CONNECT, "tcp"), (soak.DATAGRAM, "udp")):
        northbound(folder, "--may-exist", "lb-add", f"soak{port}", f"{VIP}:{port}", f"10.1.0.12:{port},10.1.0.13:{port}", protocol, "--", "--may-exist", "ls-lb-add", "ls1", f"soak{port}", "--", "--may-exist", "ls-lb-add", "ls2", f"soak{port}")
    northbound(folder, "--wait=hv", "sync")


def change(folder, prefix, turn):
    """An ACL that meets nothing comes or goes, a backend of a load balancer goes or comes back, a workload's link goes down for a moment."""
    kind = turn % 3
    if kind == 0:
        match = ("pg1", "to-lport", "1200", "outport == @pg1 && ip4.src == 192.0.2.77")
        northbound(folder, "--wait=hv", *(("--may-exist", "acl-add", *match, "drop") if turn % 2 else ("acl-del", *match)))
    elif kind == 1:
        backends = "10.1.0.13" if turn % 2 else "10.1.0.12"
        northbound(folder, "--wait=hv", "set", "load_balancer", f"soak{soak.CONNECT}", f'vips:"{VIP}:{soak.CONNECT}"="{backends}:{soak.CONNECT}"')
    else:
        soak.ip("-n", f"{prefix}-w5", "link", "set", "eth0", "down")
        time.sleep(0.3)
        soak.ip("-n", f"{prefix}-w5", "link", "set", "eth0", "up")
        soak.ip("-n", f"{prefix}-w5", "route", "replace", "default", "via", "10.2.0.1")


def share(rows, what="took a merged rule"):
    """Parts of all packets and of all bytes."""
    all_packets, all_bytes = rows.get("all", (0, 0))
    packets, octets = rows.get(what, (0, 0))
    return packets / max(1, all_packets), octets / max(1, all_bytes)


def watch(prefix, folder, minutes, files):
    chassis = [Chassis(folder, name) for name in CHASSIS]
    lines = {c.name: [] for c in chassis}
    worst, turns, failed = 0, 0, None
    begin = time.monotonic()
    print(f"{'minute':>6} {'':2} {'RSS MB':>7} {'fds':>4} {'packets':>9} {'by rules %':>10} {'bytes %':>7} {'unexpl':>6} {'alike':>8} {'otherwise':>9} {'undecided':>9} {'lost':>6}", flush=True)
    try:
        for minute in range(1, minutes + 1):
            while (wait := begin + 60 * minute - time.monotonic()) > 0:
                time.sleep(min(wait, 15))
                if wait > 15:
                    turns += 1
                    change(folder, prefix, turns)
            for c in chassis:
                rows, shadow = c.since(c.first)
                unexplained = c.unexplained()
                worst = max(worst, unexplained)
                resident, descriptors = c.memory()
                lines[c.name].append(dict(rss=resident, fds=descriptors, rows=rows, shadow=shadow))
                packets, octets = share(rows)
                print(f"{minute:6} {c.name:2} {resident / 1e6:7.1f} {descriptors:4} {rows['all'][0]:9} {100 * packets:10.2f} {100 * octets:7.2f} {unexplained:6} {shadow[0]:8} {shadow[1]:9} {shadow[2]:9} {shadow[3]:6}", flush=True)
    except (OSError, subprocess.CalledProcessError, KeyError) as e:
        failed = e
    return verdict(lines, worst, turns, failed, files)


def verdict(lines, worst, turns, failed, files):
    bad = [f"ended early: {failed}"] if failed is not None else []
    if not all(lines.values()):
        print(f"verdict: FAILED: {'; '.join(bad) or 'less than a minute'}")
        return 1
    for name, seen in lines.items():
        rows, shadow = seen[-1]["rows"], seen[-1]["shadow"]
        packets, octets = share(rows)
        rest = sorted(((what, *share(rows, what)) for what in rows if what not in ("all", "took a merged rule")), key=lambda r: -r[2])
        print(f"{name}: {100 * packets:.2f} % of packets and {100 * octets:.2f} % of bytes by rules; the rest: " + ", ".join(f"{what} {100 * p:.2f} and {100 * o:.2f}" for what, p, o in rest if rows[what][0]))
        print(f"{name}: shadow: {shadow[0]} alike, {shadow[1]} otherwise, {shadow[2]} undecided, {shadow[3]} without room for a copy")
        if shadow[1]:
            bad.append(f"{name}: {shadow[1]} packets forwarded otherwise than software")
        for what, key, slack_share, slack, unit in (("RSS", "rss", 0.03, 4e6, 1e6), ("descriptors", "fds", 0, 2, 1)):
            if len(seen) < 9:
                print(f"{name}: {what}: not judged by less than 9 minutes")
                continue
            good, middle, last = soak.flat([s[key] for s in seen], slack_share, slack)
            print(f"{name}: {what}: median of the middle third {middle / unit:.1f}, of the last {last / unit:.1f}: {'flat' if good else 'GROWS'}")
            if not good:
                bad.append(f"{name}: {what} grows")
    for path in files:
        with open(path) as f:
            seen = json.load(f)
        print(f"{os.path.basename(path)}: {json.dumps(seen)}")
        if seen["stream_wrong"] or seen["answers_wrong"]:
            bad.append(f"{os.path.basename(path)}: data came as it was not sent")
        if not seen["stream_blocks"] or not seen["connections"]:
            bad.append(f"{os.path.basename(path)}: traffic did not pass")
    print(f"changes: {turns}; {worst} packets unexplained at most")
    if worst:
        bad.append("the ledger is not exact")
    print("verdict: " + (f"FAILED: {'; '.join(bad)}" if bad else "good: every packet is accounted for, and the kernel forwards as software does"))
    return 1 if bad else 0


def main(prefix, folder, minutes):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    here, running, files = os.path.dirname(os.path.abspath(__file__)), [], []
    prepare(folder)
    try:
        for name in SINKS:
            running.append(subprocess.Popen(inside(prefix, name, sys.executable, f"{here}/soak.py", "sink")))
        time.sleep(3)
        for source, one, other in LOADS:
            files.append(f"{folder}/load-{source}")
            running.append(subprocess.Popen(inside(prefix, source, sys.executable, f"{here}/soak.py", "load", files[-1], one, other, str(STREAM_BYTES))))
        return watch(prefix, folder, int(minutes), files)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
