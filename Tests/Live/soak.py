#!/usr/bin/env python3
"""Parts of ./run-live.sh --soak: what hosts send and answer, and who changes and watches the switch.

soak.py sink                                      answers on a host: a stream that is checked, datagrams, connections
soak.py load FILE HOST HOST STREAM-BYTES/S        sends to two hosts; of the second one nothing is expected at any moment. Writes what it has seen to FILE
soak.py watch NAMESPACE PREFIX SOCKET PID LOAD-FILE MINUTES FORWARDS    FORWARDS: kernel, if packets pass that no packet thread sees
"""
import json, os, random, select, signal, socket, statistics, struct, subprocess, sys, time

STREAM, CONNECT, DATAGRAM = 5301, 5302, 5303
BLOCK = bytes((i * 37 + (i >> 8) * 11) & 255 for i in range(65536))


def sink():
    """Answers until it is told to end. A stream's bytes are compared with what must come; the answer to each block is whether it was right."""
    poll = select.poll()
    sockets, streams = {}, {}

    def add(s):
        s.setblocking(False)
        sockets[s.fileno()] = s
        poll.register(s, select.POLLIN)

    for port in (STREAM, CONNECT):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", port))
        s.listen(1024)
        add(s)
    udp = socket.socket(type=socket.SOCK_DGRAM)
    udp.bind(("", DATAGRAM))
    add(udp)
    listeners = set(sockets)
    while True:
        for fd, _ in poll.poll():
            s = sockets[fd]
            try:
                if s is udp:
                    for _ in range(64):
                        data, peer = s.recvfrom(65536)
                        s.sendto(data, peer)
                elif fd in listeners:
                    conn, _ = s.accept()
                    add(conn)
                    if s.getsockname()[1] == STREAM:
                        streams[conn.fileno()] = [0, True]
                else:
                    data = s.recv(1 << 20)
                    state = streams.get(fd)
                    if state is not None and data:
                        at = state[0] % len(BLOCK)
                        want = BLOCK[at:] + BLOCK * (len(data) // len(BLOCK) + 1)
                        state[1] = state[1] and data == want[:len(data)]
                        before, state[0] = state[0] // len(BLOCK), state[0] + len(data)
                        answers = state[0] // len(BLOCK) - before
                        if answers:
                            s.send((b"+" if state[1] else b"-") * answers)
                    elif data:
                        s.send(data)
                    else:
                        raise ConnectionError
            except (BlockingIOError, InterruptedError):
                pass
            except OSError:
                if fd in listeners:
                    continue
                poll.unregister(fd)
                streams.pop(fd, None)
                sockets.pop(fd).close()


def load(path, hosts, rate):
    """Sends in steps of 50 ms: blocks of a stream, datagrams of many lengths, connections that are closed or reset."""
    seen = dict(stream_blocks=0, stream_wrong=0, stream_broken=0, datagrams=0, answers=0, answers_wrong=0, connections=0, connections_failed=0)
    udp = socket.socket(type=socket.SOCK_DGRAM)
    udp.setblocking(False)
    streams = [None, None]
    opening = {}
    told = 0.0
    step, number = 0, 0
    begin = time.monotonic()

    def open_to(host, port):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex((host, port))
        return s

    while True:
        wait = begin + step * 0.05 - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        elif wait < -5:
            begin, step = time.monotonic(), 0
        step += 1
        now = time.monotonic()
        for i, host in enumerate(hosts):
            share = rate if i == 0 else rate / 4
            stream = streams[i]
            if stream is None:
                streams[i] = stream = dict(socket=open_to(host, STREAM), sent=0, allowed=0.0, since=now, last=now)
            s = stream["socket"]
            try:
                if s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    raise ConnectionError
                stream["allowed"] = min(stream["allowed"] + share * 0.05, share)
                while stream["allowed"] > 0:
                    at = stream["sent"] % len(BLOCK)
                    n = s.send(BLOCK[at:])
                    stream["sent"] += n
                    stream["allowed"] -= n
            except BlockingIOError:
                pass
            except OSError:
                if stream["sent"] or now - stream["since"] > 5:
                    seen["stream_broken"] += stream["sent"] > 0
                    s.close()
                    streams[i] = None
                continue
            try:
                data = s.recv(4096)
                if not data:
                    raise ConnectionError
                stream["last"] = now
                seen["stream_blocks"] += len(data)
                seen["stream_wrong"] += data.count(b"-")
            except BlockingIOError:
                # A host that was cut off and is back would answer after a minute: a new connection does sooner.
                if now - stream["last"] > 20:
                    seen["stream_broken"] += stream["sent"] > 0
                    s.close()
                    streams[i] = None
            except OSError:
                seen["stream_broken"] += stream["sent"] > 0
                s.close()
                streams[i] = None
            for _ in range(4):
                number += 1
                length = 8 + number * 7919 % 1465 if number % 40 else 4000
                try:
                    udp.sendto(struct.pack("!Q", number) + BLOCK[:length - 8], (host, DATAGRAM))
                    seen["datagrams"] += 1
                except OSError:
                    pass
            if step % 3 == i:
                s = open_to(host, CONNECT)
                opening[s] = now
        try:
            while True:
                data = udp.recv(65536)
                seen["answers"] += 1
                seen["answers_wrong"] += data[8:] != BLOCK[:len(data) - 8]
        except OSError:
            pass
        for s, since in list(opening.items()):
            try:
                s.send(b"x")
                s.recv(1)
                seen["connections"] += 1
                if seen["connections"] % 2:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except BlockingIOError:
                if now - since < 3:
                    continue
                seen["connections_failed"] += 1
            except OSError:
                if now - since < 3 and s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    continue
                seen["connections_failed"] += 1
            del opening[s]
            s.close()
        if now - told > 1:
            told = now
            with open(path + ".new", "w") as f:
                json.dump(seen, f)
            os.rename(path + ".new", path)


class Switch:
    """The control socket of a switch (JSON-RPC 1.0)."""

    def __init__(self, path):
        self.path = path

    def ask(self, *words, attachment="", must=True):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(self.path)
            s.sendall(json.dumps(dict(id=1, method="mergeflow/run", params=[attachment, *words])).encode())
            text = b""
            while True:
                piece = s.recv(1 << 20)
                text += piece
                if not piece:
                    raise IOError("the switch has closed its socket")
                try:
                    reply = json.loads(text)
                    break
                except ValueError:
                    continue
        if reply["error"] is not None:
            raise IOError(reply["error"])
        answer = json.loads(reply["result"])
        if must and answer["code"] != 0:
            raise IOError(f"{' '.join(words)}: {answer['error'].strip()}")
        return answer


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def churn(switch, turn):
    """Rules, groups and meters that traffic meets come and go; each turn undoes the one before the last."""
    port = 5302 + turn % 2
    proto = "tcp" if port == CONNECT else "udp"
    host = 2 + turn // 2 % 2
    lines = [f"table=1,priority=20,{proto},in_port=1,nw_dst=10.203.1.{host},tp_dst={port},ct_state=+trk+est,actions=meter:{1 + turn % 3},output:{host}"]
    lines += [f"table=0,priority={30 + i},cookie={16 + turn % 4},ip,nw_src=192.0.{turn % 4}.{i},nw_proto={6 if i % 2 else 17},actions=ct(table=1,zone={i})" for i in range(1, 40)]
    lines += [f"delete cookie={16 + (turn + 2) % 4}/-1,table=0", f"delete_strict table=1,priority=20,{'udp' if proto == 'tcp' else 'tcp'},in_port=1,nw_dst=10.203.1.{host},tp_dst={CONNECT + DATAGRAM - port},ct_state=+trk+est"]
    switch.ask("add-flows", "churn", attachment="\n".join(lines) + "\n")
    if turn % 5 == 0:
        switch.ask("add-groups", "churn", attachment=f"add_or_mod group_id=7,type=select,bucket=weight={1 + turn % 9},output:2,bucket=weight=1,output:2\n")
        switch.ask("add-flows", "churn", attachment=f"table=1,priority=21,icmp,in_port=1,nw_dst=10.203.1.2,ct_state=+trk+est,actions=group:7\n")


def flap(space, prefix, switch, turn):
    """A link goes down and comes back; a port is ordered down and up; a device is deleted and made anew."""
    kind = turn % 6
    if kind in (0, 3):
        device = "vb" if kind == 0 else "va"
        ip("-n", space, "link", "set", device, "down")
        time.sleep(0.1 + random.random() * 0.4)
        ip("-n", space, "link", "set", device, "up")
        return f"link {device}"
    if kind in (1, 4):
        switch.ask("mod-port", "vb", "down")
        time.sleep(0.2)
        switch.ask("mod-port", "vb", "up")
        return "order vb"
    ip("-n", space, "link", "del", "vc")
    time.sleep(random.random() * 2)
    remake(space, prefix)
    return "device vc"


def remake(space, prefix):
    ip("link", "add", "vc", "netns", space, "type", "veth", "peer", "name", "eth0", "netns", f"{prefix}-c")
    ip("-n", f"{prefix}-c", "link", "set", "eth0", "address", "02:00:00:00:03:03")
    ip("-n", f"{prefix}-c", "addr", "add", "10.203.1.3/24", "dev", "eth0")
    ip("-n", f"{prefix}-c", "link", "set", "eth0", "up")
    ip("-n", f"{prefix}-c", "neigh", "replace", "10.203.1.99", "lladdr", "02:00:00:00:03:01", "dev", "eth0")
    ip("-n", space, "link", "set", "vc", "up")


def cpu_seconds(pid):
    """Of all its threads, also of those that have ended."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Device:
    """What a device has received by its own counters beside what its port has counted. Rules in the kernel count the frames that a super-frame is cut into, the device does not."""

    def __init__(self, space, switch):
        self.space, self.switch, self.before = space, switch, 0
        self.before = self.quiet()

    def count(self):
        return int(subprocess.run(["ip", "netns", "exec", self.space, "cat", "/sys/class/net/va/statistics/rx_packets"], capture_output=True, text=True, check=True).stdout)

    def port(self):
        return next(p["counts"]["rx"] + p["counts"]["rx_drops"] for p in json.loads(self.switch.ask("top")["output"])["ports"] if p["name"] == "va")

    def missing(self):
        """So many are certainly missing, or, below 0, too many: what came while one looked is neither."""
        device, port = self.count(), self.port()
        least = device - port - self.before
        return least if least > 0 else min(0, self.count() - port - self.before)

    def quiet(self):
        """Exactly, once nothing comes any more; now, if that does not happen soon."""
        for _ in range(100):
            device, port = self.count(), self.port()
            if (self.count(), self.port()) == (device, port):
                break
            time.sleep(0.1)
        return device - port - self.before


def flat(values, slack_share, slack):
    """The last third lies no higher than the third before it, by medians: what a warm-up needs is in the first one."""
    third = max(1, len(values) // 3)
    middle, last = statistics.median(values[-2 * third:-third] or values), statistics.median(values[-third:])
    return last <= middle * (1 + slack_share) + slack, middle, last


def watch(space, prefix, socket_path, pid, load_path, minutes, forwards):
    switch = Switch(socket_path)
    flaps, turns, lines, flushes, worst, reloads = 0, 0, [], 0, 0, 0
    begin = time.monotonic()
    device = Device(space, switch)
    print(f"{'minute':>6} {'RSS MB':>7} {'heap MB':>7} {'fds':>4} {'conns':>6} {'megafl':>6} {'rules':>5} {'installed':>9} {'rx':>11} {'tx':>11} {'drops':>7} {'held':>4} {'unexpl':>6} {'va?':>4} {'blocks':>8} {'wrong':>5} {'answers':>13} {'flaps':>5} {'CPU %':>5}", flush=True)
    cpu = cpu_seconds(pid)
    tick, minute = 0, 0
    failed, otherwise = None, 0
    try:
        while minute < minutes:
            tick += 1
            wait = begin + 2 * tick - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            turns += 1
            churn(switch, turns)
            if tick % 8 == 0:
                flap(space, prefix, switch, flaps)
                flaps += 1
            if tick % 97 == 0:
                switch.ask("flush-conntrack")
                flushes += 1
            if tick % 150 == 0:
                os.kill(pid, signal.SIGHUP)
                reloads += 1
            if time.monotonic() - begin < 60 * (minute + 1):
                continue
            minute += 1
            answer = switch.ask("offload", "audit", "--json", must=False)
            ledger = json.loads(answer["output"])
            snapshot = json.loads(switch.ask("top")["output"])
            gauges = snapshot["gauges"]
            with open(load_path) as f:
                seen = json.load(f)
            unexplained = abs(ledger["unexplained_in"]) + abs(ledger["unexplained_out"]) + sum(abs(t["unexplained"]) for t in ledger["threads"]) + sum(abs(p["unexplained_in"]) + abs(p["unexplained_out"]) for p in ledger["ports"])
            worst = max(worst, unexplained)
            ahead = "-" if forwards == "kernel" else device.missing()
            used = cpu_seconds(pid)
            lost = ledger["lost_before"] + ledger["lost_at_ports"] + ledger["no_port"]
            lines.append(dict(rss=gauges["resident_bytes"], heap=gauges["heap_bytes"], fds=gauges["descriptors"], rx=ledger["received"], ahead=ahead, lost=lost, answers=seen["answers"], datagrams=seen["datagrams"]))
            print(f"{minute:6} {gauges['resident_bytes'] / 1e6:7.1f} {gauges['heap_bytes'] / 1e6:7.1f} {gauges['descriptors']:4} {gauges['connections']:6} {gauges['megaflows']:6} {gauges['rules']:5} {gauges['rules_installed']:9} {ledger['received']:11} {ledger['left']:11} {ledger['lost_before'] + ledger['lost_at_ports'] + ledger['no_port']:7} {ledger['held']:4} {unexplained:6} {ahead:>4} {seen['stream_blocks']:8} {seen['stream_wrong'] + seen['answers_wrong']:5} {seen['answers']:6}/{seen['datagrams']:6} {flaps:5} {100 * (used - cpu) / 60:5.1f}", flush=True)
            cpu = used
            drops = {f"{p['name']} {cause}": n for p in map(json.loads, switch.ask("ports", "--json")["output"].splitlines()) for cause, n in p.get("drops", {}).items()}
            if drops:
                print("       drops: " + ", ".join(f"{cause} {n}" for cause, n in drops.items()), flush=True)
            stats = json.loads(switch.ask("offload", "stats", "--json", must=False)["output"] or "{}")
            shadow = {k: v for k, v in stats.items() if k.startswith("shadow_")}
            if shadow:
                print("       " + ", ".join(f"{k} {v}" for k, v in shadow.items()), flush=True)
            otherwise = shadow.get("shadow_differences", 0)
            if not all(p["state"] == "up" for p in snapshot["ports"]):
                print("       ports: " + ", ".join(f"{p['name']} {p['state']}" for p in snapshot["ports"]), flush=True)
        # Nobody sends any more: now the device is compared exactly.
        ip("-n", f"{prefix}-a", "link", "set", "eth0", "down")
        time.sleep(1)
        if forwards != "kernel" and lines:
            lines[-1]["ahead"] = device.quiet()
    except (OSError, subprocess.CalledProcessError, ValueError) as e:
        failed = e
    return verdict(switch, lines, worst, load_path, forwards, failed, turns, flaps, flushes, reloads, otherwise)


def verdict(switch, lines, worst, load_path, forwards, failed, turns, flaps, flushes, reloads, otherwise):
    bad = []
    if failed is not None:
        bad.append(f"ended early: {failed}")
    if not lines:
        print(f"verdict: FAILED: {'; '.join(bad) or 'less than a minute'}")
        return 1
    with open(load_path) as f:
        seen = json.load(f)
    print(f"changes: {turns} of rules, {flaps} of ports, {flushes} flushes, {reloads} reloads; {json.dumps(seen)}")
    for name, key, share, slack, unit in (("RSS", "rss", 0.03, 4e6, 1e6), ("heap", "heap", 0.05, 2e6, 1e6), ("descriptors", "fds", 0, 2, 1)):
        if len(lines) < 9:
            print(f"{name}: not judged by less than 9 minutes")
            continue
        good, middle, last = flat([l[key] for l in lines], share, slack)
        print(f"{name}: median of the middle third {middle / unit:.1f}, of the last {last / unit:.1f}; allowed: + {100 * share:.0f} % + {slack / unit:.0f}: {'flat' if good else 'GROWS'}")
        if not good:
            bad.append(f"{name} grows")
    received = max(1, lines[-1]["rx"])
    print(f"ledger: {worst} packets unexplained of {received}" + ("" if forwards == "kernel" else f"; device va, when nothing came any more: {lines[-1]['ahead']} more than its port has counted"))
    if worst:
        bad.append("the ledger is not exact")
    if forwards != "kernel" and abs(lines[-1]["ahead"]) > received // 1_000_000:
        bad.append("packets of a device are missing")
    if otherwise:
        bad.append(f"the kernel has forwarded {otherwise} packets otherwise than software")
    if seen["stream_wrong"] or seen["answers_wrong"]:
        bad.append("data came as it was not sent")
    # A minute in which frames were lost for a reason that is counted (a machine that stops the switch for seconds) says nothing of what passes.
    pairs = [(a, b) for a, b in zip(lines, lines[1:]) if a["lost"] == b["lost"]]
    poor = sum(b["answers"] - a["answers"] < 0.75 * (b["datagrams"] - a["datagrams"]) for a, b in pairs)
    print(f"minutes without a counted loss: {len(pairs)}, of them with less than three answers to four datagrams: {poor}")
    if not seen["stream_blocks"] or not seen["connections"] or poor > len(pairs) // 20:
        bad.append("traffic did not pass")
    print("verdict: " + (f"FAILED: {'; '.join(bad)}" if bad else "good: " + ("memory is flat, " if len(lines) >= 9 else "") + "the ledger is exact, every packet is accounted for"))
    return 1 if bad else 0


def main(words):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if words[0] == "sink":
        sink()
    elif words[0] == "load":
        load(words[1], words[2:4], float(words[4]))
    elif words[0] == "remake":
        remake(words[1], words[2])
    else:
        sys.exit(watch(words[1], words[2], words[3], int(words[4]), words[5], int(words[6]), words[7]))


if __name__ == "__main__":
    main(sys.argv[1:])
