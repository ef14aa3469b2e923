#!/usr/bin/env python3
"""Random pipelines in `mergeflow vswitchd` and in ovs-vswitchd, side by side, and what differs between them.

ovsdiff.py FOLDER [--seeds A-B] [--seconds N] [--traces N] [--packets N] [--switch "COMMAND"]

FOLDER    both switches' databases, sockets and logs, and in FOLDER/found a file for each difference: the rules that are left of the pipeline, the question, and how the answers differ
--seeds   a pipeline for each (0-9); --seconds: no new one after so many
--traces  questions of ofproto/trace to each pipeline (40); --packets: frames to each (40)
--switch  what stands in the place of ovs-vswitchd ("dotnet Cli/bin/Release/net10.0/mergeflow.dll vswitchd")

Both have two bridges of dummy ports, joined by patch ports, and a clock that stands still; both get the same rules from ovs-ofctl. Compared are the whole text of traces, with and without --ct-next; and of traffic the frames that ports send, megaflows and their actions, connections, counters of
rules (learned ones too) and of ports. Recirculation ids are compared by their order; the order in which `normal` floods is not, nor is anything that a secret hash chooses. A difference is shrunk: rules, actions, fields and packets go as long as it stays. Exit code 1 if there was one.
"""
import argparse, concurrent.futures, difflib, os, random, re, shlex, shutil, sys, time

from ovsdifflib import matches, pipelines, shrink, switches

OVS = ["ovs-vswitchd"]


class Pair:
    """Both switches."""

    def __init__(self, folder, command):
        self.folder, self.command, self.both, self.has_meters = folder, command, [], False
        self.threads = concurrent.futures.ThreadPoolExecutor(2)
        self.start()

    def start(self):
        for name in ("ovs", "own"):
            shutil.rmtree(f"{self.folder}/{name}", ignore_errors=True)
        try:
            self.both.append(switches.Switch("ovs", OVS, self.folder))
            self.both.append(switches.Switch("own", self.command, self.folder))
        except BaseException:
            self.stop()
            raise

    def stop(self):
        for s in self.both:
            s.end()
        self.both = []

    def ask(self, *words):
        return list(self.threads.map(lambda s: s.ask(*words, must=False), self.both))

    def ofctl(self, *words, **options):
        return list(self.threads.map(lambda s: s.ofctl(*words, **options), self.both))

    def clear(self):
        for bridge in switches.BRIDGES:
            self.ofctl("del-flows", bridge)
        self.ofctl("del-groups", "br0")
        if self.has_meters:
            self.ofctl("del-meters", "br0")
        self.has_meters = False

    def flush(self):
        for bridge in switches.BRIDGES:
            self.ask("fdb/flush", bridge)

    def load(self, lines, version):
        """Whether both took all of it."""
        self.clear()
        text = {what: "".join(f"{line}\n" for kind, line in lines if kind == what) for what in ("group", *switches.BRIDGES)}
        done = [self.ofctl("add-meter", "br0", line) for kind, line in lines if kind == "meter"]
        self.has_meters = bool(done)
        if text["group"]:
            done.append(self.ofctl("add-groups", "br0", "-", given=text["group"]))
        done += [self.ofctl("add-flows", bridge, "-", given=text[bridge], version=version) for bridge in switches.BRIDGES if text[bridge]]
        return all(code == 0 for pair in done for code, _, _ in pair)

    def accepted(self, lines, version):
        """The lines that both switches take, and for each that only one takes, or with other words, what both said."""
        self.clear()
        good, differ = [], []
        for kind, line in lines:
            if kind == "meter":
                self.has_meters = True
                a, b = self.ofctl("add-meter", "br0", line)
            elif kind == "group":
                a, b = self.ofctl("add-group", "br0", line)
            else:
                a, b = self.ofctl("add-flow", kind, line, version=version)
            if a != b:
                differ.append((line, a, b))
            elif a[0] == 0:
                good.append((kind, line))
        return good, differ


def parsed(pair, lines, version):
    """Without the lines that ovs-ofctl itself refuses; nothing is sent if one is wrong."""
    for bridge in switches.BRIDGES:
        while True:
            mine = [line for line in lines if line[0] == bridge]
            code, _, errors = pair.both[0].ofctl("add-flows", bridge, "-", given="".join(f"{text}\n" for _, text in mine), version=version)
            found = re.search(r"-:(\d+): ", errors)
            if code == 0 or not found:
                break
            lines = [line for line in lines if line is not mine[int(found[1]) - 1]]
    return lines


def changed(a, b):
    """The lines of which only one side has said, without numbers: what kind of difference it is."""
    found = [line for line in difflib.ndiff(a.splitlines(), b.splitlines()) if line[0] in "+-"]
    return found, frozenset(re.sub(r"[0-9a-f]*[0-9][0-9a-f:.]*", "N", line)[:60] for line in found)


def trace(pair, question):
    answers = pair.ask("ofproto/trace", "br0", *question)
    return [switches.comparable_trace(answer) for answer in answers]


def kind_of_trace(a, b):
    """Which parts differ: the last Megaflow and actions say more than the words."""
    parts = set()
    for name, pattern in (("megaflow", r"^Megaflow: .*$"), ("actions", r"^Datapath actions: .*$")):
        if re.findall(pattern, a, re.MULTILINE) != re.findall(pattern, b, re.MULTILINE):
            parts.add(name)
    return frozenset(parts or ({"text"} if a != b else ()))


def traffic(pair, packets, floods, learns):
    """What both show of the packets: name -> two texts. Where rules are learned, which of those before and behind a packet's own counts it is a matter of when counters are read."""
    for s in pair.both:
        s.reset_traffic()
    # Twice: megaflows of packets that learn come and go the first time.
    for packet in packets:
        pair.ask("netdev-dummy/receive", *packet)
    pair.ask("revalidator/purge")
    pair.flush()
    answers = [pair.ask("netdev-dummy/receive", *packet) for packet in packets]
    seen = {"refused": ["\n".join(a) for a in zip(*answers)], "sent": [], "connections": [], "megaflows": [], "rules": [], "counters": []}
    for s in pair.both:
        seen["connections"].append("\n".join(sorted(s.ask("dpctl/dump-conntrack").splitlines())))
        # What is learned now and then makes megaflows go, sooner or later.
        seen["megaflows"].append("" if floods else switches.comparable_megaflows(s.ask("dpctl/dump-flows")))
        if not learns:
            s.ask("revalidator/purge")
        seen["rules"].append("\n--\n".join(switches.comparable_rules(s.ofctl("dump-flows", bridge)[1], learns) for bridge in switches.BRIDGES))
        seen["counters"].append(s.counted())
        seen["sent"].append("\n".join(f"{port} {frame}" for port, frames in s.sent().items() for frame in frames))
    return {name: texts for name, texts in seen.items() if texts and texts[0] != texts[1]}


class Search:
    """Goes through seeds, and writes down what is found."""

    def __init__(self, pair, folder, options):
        self.pair, self.folder, self.options = pair, folder, options
        self.known, self.found, self.ends = set(), 0, 0
        self.pipelines = self.flows = self.frames = self.rules = 0
        os.makedirs(folder, exist_ok=True)

    def seed(self, seed):
        r = random.Random(seed)
        pipeline = pipelines.Pipeline(r)
        lines = parsed(self.pair, pipeline.lines, pipeline.version)
        lines = [line for line in lines if line[0] != "meter"] if not pipeline.meters else lines
        if not self.pair.load(lines, pipeline.version):
            lines, differ = self.pair.accepted(lines, pipeline.version)
            for line, a, b in differ:
                self.write(seed, "load", [], line, f"{a}", f"{b}")
            self.pair.load(lines, pipeline.version)
        self.pair.flush()
        self.pipelines, left = self.pipelines + 1, 3
        self.rules += len(lines)
        for _ in range(self.options.traces):
            question = [matches.flow(r, pipeline.matches)]
            if r.random() < 0.4:
                question += [f"--ct-next={r.choice(('trk,new', 'trk,est', 'trk,est,rpl', 'trk,rel', 'trk,inv', 'trk,new,dnat'))}" for _ in range(r.choice((1, 2)))]
            self.flows += 1
            a, b = trace(self.pair, question)
            if a != b and left and self.new(a, b):
                left -= 1
                self.shrink_trace(seed, lines, pipeline, question, kind_of_trace(a, b))
                self.pair.load(lines, pipeline.version)
        learns = any("learn(" in text for _, text in lines)
        packets = [(f"p{r.choice(switches.PORTS['br0'] + (11,))}", matches.frame(r, matches.VIDS[pipeline.floods:])) for _ in range(self.options.packets)]
        packets = [packet for packet in packets for _ in range(r.choice((1, 1, 2)))]
        if not packets:
            return
        self.frames += len(packets)
        differ = traffic(self.pair, packets, pipeline.floods, learns)
        for name, (a, b) in differ.items():
            if self.new(a, b, name):
                self.shrink_traffic(seed, lines, pipeline, packets, name, (a, b))
                break

    def ended(self, seed, error):
        """A switch has come to its end: Open vSwitch too has assertions."""
        print(f"seed {seed}: {error}", flush=True)
        self.found += error.name == "own"
        self.ends += 1
        self.pair.stop()
        self.pair.start()

    def new(self, a, b, name="trace"):
        _, kind = changed(a, b)
        if (name, kind) in self.known:
            return False
        self.known.add((name, kind))
        return True

    def shrink_trace(self, seed, lines, pipeline, question, kind):
        def stays(fewer, asked=question):
            if not self.pair.load(fewer, pipeline.version):
                return False
            return kind_of_trace(*trace(self.pair, asked)) == kind

        if not stays(lines):
            self.write(seed, "unsteady", lines, " ".join(question), "", "")
            return
        lines = shrink.smaller_lines(shrink.halves(lines, stays), stays)
        words = shrink.halves(question[0].split(","), lambda w: stays(lines, [",".join(w), *question[1:]]))
        question = [",".join(words), *question[1:]]
        stays(lines, question)
        a, b = trace(self.pair, question)
        if self.new(a, b, "shrunk"):
            self.write(seed, "trace-" + "-".join(sorted(kind)), lines, " ".join(question), a, b)

    def shrink_traffic(self, seed, lines, pipeline, packets, name, seen):
        def stays(fewer, sent):
            return self.pair.load(fewer, pipeline.version) and name in traffic(self.pair, sent, pipeline.floods, learns)

        learns = any("learn(" in text for _, text in lines)

        if not stays(lines, packets):
            self.write(seed, f"unsteady-{name}", lines, "\n".join(" ".join(p) for p in packets), *seen)
            return
        packets = shrink.halves(packets, lambda p: stays(lines, p))
        lines = shrink.smaller_lines(shrink.halves(lines, lambda l: stays(l, packets)), lambda l: stays(l, packets))
        self.pair.load(lines, pipeline.version)
        texts = traffic(self.pair, packets, pipeline.floods, learns).get(name, ("", ""))
        if self.new(*texts, "shrunk"):
            self.write(seed, name, lines, "\n".join(" ".join(p) for p in packets), *texts)

    def write(self, seed, name, lines, question, a, b):
        self.found += 1
        path = f"{self.folder}/{seed}-{self.found}-{name}"
        with open(path, "w") as f:
            f.write("".join(f"{kind} {text}\n" for kind, text in lines) + f"\n{question}\n\n")
            f.write("\n".join(difflib.unified_diff(a.splitlines(), b.splitlines(), "Open vSwitch", "Mergeflow", lineterm="", n=40)) + "\n")
        print(f"seed {seed}: {name}: {path}", flush=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--seeds", default="0-9")
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--traces", type=int, default=40)
    parser.add_argument("--packets", type=int, default=40)
    parser.add_argument("--switch", default="dotnet Cli/bin/Release/net10.0/mergeflow.dll vswitchd")
    options = parser.parse_args()
    first, last = (int(n) for n in options.seeds.split("-"))
    shutil.rmtree(f"{options.folder}/found", ignore_errors=True)
    os.makedirs(options.folder, exist_ok=True)
    begin = time.monotonic()
    pair = Pair(os.path.abspath(options.folder), shlex.split(options.switch))
    search = Search(pair, f"{options.folder}/found", options)
    try:
        for seed in range(first, last + 1):
            if time.monotonic() - begin > options.seconds:
                break
            try:
                search.seed(seed)
            except switches.Ended as e:
                search.ended(seed, e)
    finally:
        pair.stop()
    print(f"{search.pipelines} pipelines ({search.ends} ended a switch) of {search.rules} rules and groups, {search.flows} flows traced, {search.frames} frames sent: {search.found} kinds of difference")
    return 1 if search.found else 0


if __name__ == "__main__":
    sys.exit(main())
