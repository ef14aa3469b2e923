"""Two switches side by side: each with its own folder, database and sockets, asked the same and compared."""
import glob, os, re, subprocess

import ovspeer

VERSIONS = "OpenFlow10,OpenFlow11,OpenFlow12,OpenFlow13,OpenFlow14,OpenFlow15"
PORTS = {"br0": (1, 2, 3, 4, 5), "br1": (11, 12)}
BRIDGES = tuple(PORTS)
PATCH = 9
LEARNED = 10


class Ended(Exception):
    """A switch does not answer any more."""

    def __init__(self, name, words):
        super().__init__(f"{name} came to its end at {' '.join(words)}")
        self.name = name


class Switch(ovspeer.Peer):
    """One switch with its ovsdb-server; `command` is what stands before the options of ovs-vswitchd."""

    def __init__(self, name, command, folder):
        super().__init__(f"{folder}/{name}")
        self.name, self.seen, self.counters = name, {}, {}
        try:
            self.begin_database()
            self.begin([*command, f"unix:{self.folder}/db.sock", *ovspeer.OPTIONS, f"--unixctl={self.folder}/ctl", f"--log-file={self.folder}/log"], "ctl")
            self.make_bridges()
        except BaseException:
            self.end()
            raise

    def make_bridges(self):
        words = []
        for number, (bridge, ports) in enumerate(PORTS.items()):
            words += ["--", "add-br", bridge, "--", "set", "bridge", bridge, "datapath-type=dummy", "fail-mode=secure", f"protocols={VERSIONS}", f"other-config:hwaddr=aa:55:aa:55:00:0{number}", f"other-config:datapath-id=000000000000000{number + 1}"]
            for port in ports:
                words += ["--", "add-port", bridge, f"p{port}", "--", "set", "interface", f"p{port}", "type=dummy", f"ofport_request={port}", f"options:tx_pcap={self.folder}/p{port}.pcap"]
            words += ["--", "add-port", bridge, f"patch{number}", "--", "set", "interface", f"patch{number}", "type=patch", f"options:peer=patch{1 - number}", f"ofport_request={PATCH}"]
        self.vsctl(*words[1:])
        self.ask("time/stop")

    def vsctl(self, *words):
        self.run("ovs-vsctl", f"--db=unix:{self.folder}/db.sock", "--timeout=60", *words)

    def ask(self, *words, must=True):
        """What `ovs-appctl` prints; an error is text too, unless the order must succeed."""
        try:
            answer = ovspeer.hear(ovspeer.say(f"{self.folder}/ctl", words, 60))
        except (ConnectionError, FileNotFoundError):
            answer = None
        if answer is None:
            raise Ended(self.name, words)
        if answer["error"] is not None:
            if must:
                raise RuntimeError(f"{self.name}: {words}: {answer['error']}")
            return f"error: {answer['error']}"
        return answer["result"] or ""

    def ofctl(self, command, bridge, *words, version="OpenFlow15", given=None):
        """Exit code and all that was printed, without what names the folder."""
        done = subprocess.run(["ovs-ofctl", "-O", version, "--timeout=30", command, f"unix:{self.folder}/{bridge}.mgmt", *words], env=self.env, input=given, capture_output=True, text=True)
        errors = re.sub(r"\(xid=0x[0-9a-f]+\)", "", re.sub(r"^\d\d\d\d-.*\n", "", done.stderr, flags=re.MULTILINE))
        return done.returncode, done.stdout, errors.replace(self.folder, "")

    def sent(self):
        """The frames that each port has sent, as hex digits, since it was asked last."""
        frames = {}
        for path in sorted(glob.glob(f"{self.folder}/p*.pcap")):
            with open(path, "r+b") as f:
                data = f.read()
                at, found = 24, []
                while at + 16 <= len(data):
                    size = int.from_bytes(data[at + 8:at + 12], "little")
                    found.append(data[at + 16:at + 16 + size].hex())
                    at += 16 + size
                done = self.seen.get(path, 0)
                self.seen[path] = len(found)
                frames[os.path.basename(path)[:-5]] = found[done:]
        return frames

    def counted(self):
        """Packets and bytes that each port has sent, since it was asked last; not those of patch ports, whose counters come with those of megaflows."""
        now, before = {}, self.counters
        for bridge in BRIDGES:
            for port, packets, octets in re.findall(r"port +(\S+): rx pkts=.*\n +tx pkts=(\d+), bytes=(\d+)", self.ofctl("dump-ports", bridge)[1]):
                if port != str(PATCH):
                    now[f"{bridge} {port}"] = (int(packets), int(octets))
        self.counters = now
        return "\n".join(f"{name}: {packets - before.get(name, (0, 0))[0]} {octets - before.get(name, (0, 0))[1]}" for name, (packets, octets) in sorted(now.items()))

    def reset_traffic(self):
        """No megaflows, connections, learned rules and addresses, and counters that begin anew; the rules stay."""
        for bridge in BRIDGES:
            self.ofctl("del-flows", bridge, f"table={LEARNED}")
            self.ask("fdb/flush", bridge)
        self.ask("dpctl/flush-conntrack")
        self.ask("revalidator/purge")
        self.sent()
        self.counted()


def ranked(text, pattern):
    """Numbers found by a pattern, replaced by their rank in order of appearance."""
    known = {}
    return re.sub(pattern, lambda m: m[1] + (m[2] if int(m[2], 0) == 0 else f"R{known.setdefault(m[2], len(known) + 1)}"), text)


RECIRCULATIONS = r"(recirc\(|recirc_id=|recirc_id\(|resume from |recirc\(id=)(0x[0-9a-f]+|\d+)"


def comparable_trace(text):
    text = ranked(text, RECIRCULATIONS)
    # The rule that stands for a table's miss: Open vSwitch names it by its hidden match in all bridges but the first.
    text = re.sub(r"^( *\d+\. )reg0=0x2, priority 0$", r"\1No match.", text, flags=re.MULTILINE)
    text = re.sub(r"(-> bucket \d+: score )\d+", r"\1N", text)
    # Of 32 bits of a label 20 are there: a mask of these, or of all of them.
    text = re.sub(r"(ipv6_label=0x[0-9a-f]{5})/0xfffff\b", r"\1", text)
    return re.sub(r"^(Datapath actions: )(.*)$", lambda m: m[1] + sorted_outputs(m[2]), text, flags=re.MULTILINE)


def sorted_outputs(actions):
    """Outputs that follow each other in order: which port is flooded to first is a matter of addresses of memory and of hash tables."""
    return re.sub(r"(?<![\w(=,])\d+(?:,\d+)+(?![\w=(])|(?<=[(,])\d+(?:,\d+)+(?![\w=(])", lambda m: ",".join(sorted(m[0].split(","), key=int)), actions)


def comparable_megaflows(text):
    """Megaflows of a dump in order, recirculation ids by rank, without times."""
    lines = [re.sub(r", used:[^,]*", "", line) for line in text.splitlines() if line and not line.startswith("flow-dump")]
    lines = [re.sub(r"dp_hash\(0x[0-9a-f]+/", "dp_hash(X/", line) for line in lines]
    # What Open vSwitch calls the TCP flags of neighbour discovery are its options.
    lines = [re.sub(r", flags:[^,]*", "", line) if "eth_type(0x86dd)" in line else line for line in lines]
    numbers = sorted({int(n, 0) for line in lines for _, n in re.findall(RECIRCULATIONS, line)})
    rank = {n: i for i, n in enumerate(numbers)}
    lines = [re.sub(RECIRCULATIONS, lambda m: m[1] + (f"R{rank[int(m[2], 0)]}" if int(m[2], 0) else "0"), line) for line in lines]
    return "\n".join(sorted(re.sub(r"(actions:)(.*)$", lambda m: m[1] + sorted_outputs(m[2]), line) for line in lines))


def comparable_rules(text, learns):
    """Rules of a dump in order, without times, and without counters if asked for."""
    times = "duration|idle_age|hard_age|n_packets|n_bytes" if learns else "duration|idle_age|hard_age"
    lines = [re.sub(rf" ({times})=[^,]*,", "", line) for line in text.splitlines() if "actions=" in line]
    return "\n".join(sorted(line.strip() for line in lines))
