"""Two switches side by side, and what is said to both."""
import os, re, select, shutil, socket, struct, subprocess, time

import ovspeer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PROGRAM = os.environ.get("MERGEFLOW", f"{ROOT}/Cli/bin/Release/net10.0/mergeflow.dll")
REAL = ["/usr/sbin/ovs-vswitchd"]
OURS = ["dotnet", PROGRAM, "vswitchd"]
PATIENCE = 20

# Messages after which the original does not answer either are many.
RAW_PATIENCE = 5

# What is another each time, and what is put in its place.
CHANCE = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"ovs-(vswitchd|ofctl|vsctl|appctl)\.\d+\.ctl"), r"ovs-\1.PID.ctl"),
    (re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z\|\d+\|", re.MULTILINE), ""),
    (re.compile(r"duration([=:])[\d.]+s"), r"duration\1T"),
    # Addresses that are drawn by chance, or counted on for each device that is made.
    (re.compile(r"\b(?!02:00:00:00:00:01|aa:55:aa:55:0[01]:00)[0-9a-f][26ae](:[0-9a-f]{2}){5}\b"), "CHANCE"),
    (re.compile(r"\b0000(?!aa55aa550[01]00)[0-9a-f][26ae][0-9a-f]{10}\b"), "CHANCE"),
)


# The same in a message.
MADE = re.compile(rb"\xaa\x55\xaa\x55\x00[^\x00]", re.DOTALL)


class Switch(ovspeer.Peer):
    """A switch, its database, and its run folder."""

    def __init__(self, folder, command):
        shutil.rmtree(folder, ignore_errors=True)
        super().__init__(folder, OVS_SYSCONFDIR=folder, COLUMNS="500")
        self.command = command

    def start(self):
        self.begin_database()
        self.process = self.begin([*self.command, *ovspeer.OPTIONS, "--pidfile", "--log-file", "-vfile:info"])

    def ready(self):
        name = f"ovs-vswitchd.{self.process.pid}.ctl"
        self.wait_for(self.process, name)
        self.control = f"{self.folder}/{name}"
        until = time.monotonic() + 30
        while subprocess.run(["ovs-vsctl", "--no-wait", "get", "open_vswitch", ".", "datapath_types"], env=self.env, capture_output=True, text=True).stdout == "[]\n" and time.monotonic() < until:
            time.sleep(0.05)

    # What is said.

    def say(self, command):
        """Says it; the answer is a function, so that both switches work on it at the same time."""
        if "raw" in command:
            return self.begin_raw(command)
        for name, text in command.get("files", {}).items():
            with open(f"{self.folder}/{name}", "w") as f:
                f.write(text)
        words = command["run"]
        if words[0] == "ovs-appctl":
            return self.begin_control(words[1:])
        process = subprocess.Popen(words, env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")

        def answer():
            try:
                out, err = process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                return f"HANGS\n{out}{err}"
            return f"exit {process.returncode}\n{out}{err}"
        return answer

    def begin_control(self, words):
        try:
            s = ovspeer.say(self.control, words, PATIENCE)
        except OSError as e:
            failed = str(e)
            return lambda: f"control socket: {failed}\n"

        def answer():
            try:
                reply = ovspeer.hear(s)
            except OSError as e:
                return f"control socket: {e}\n"
            if reply is None:
                return "control socket: closed\n"
            return f"error\n{reply['error']}" if reply["error"] is not None else f"exit 0\n{reply['result']}"
        return answer

    def begin_raw(self, command):
        """Hello, the messages, and a barrier behind them; what comes back until the barrier's answer."""
        version = command["version"]
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(f"{self.folder}/{command['raw']}.mgmt")
            s.sendall(struct.pack("!BBHI", version, 0, 8, 1) + b"".join(bytes.fromhex(m) for m in command["messages"]) + struct.pack("!BBHI", version, 18 if version == 1 else 20, 8, 0x7fffffff))
        except OSError as e:
            failed = type(e).__name__
            return lambda: f"cannot be sent: {failed}\n"

        def answer():
            data, lines, until = b"", [], time.monotonic() + RAW_PATIENCE
            with s:
                while True:
                    while len(data) >= 8 and len(data) >= struct.unpack_from("!H", data, 2)[0] >= 8:
                        length = struct.unpack_from("!H", data, 2)[0]
                        message, data = data[:length], data[length:]
                        if message[1] in (19, 21) and message[4:8] == b"\x7f\xff\xff\xff":
                            return "\n".join(lines) + "\n"
                        if message[1] == 2:
                            s.sendall(message[:1] + b"\x03" + message[2:])
                            continue
                        lines.append(shown(message))
                    left = until - time.monotonic()
                    if left <= 0 or not select.select([s], [], [], left)[0]:
                        return "\n".join([*lines, "HANGS\n"])
                    try:
                        chunk = s.recv(1 << 16)
                    except OSError:
                        chunk = b""
                    if not chunk:
                        return "\n".join([*lines, "closed\n"])
                    data += chunk
        return answer


def shown(message):
    """A message in digits; of an answer in parts, whose order is anybody's, the words in order of their size."""
    message = MADE.sub(b"\xaa\x55\xaa\x55\x00\xff", message)
    version, kind = message[0], message[1]
    if kind == 6 and version == 1:
        ports = sorted(message[i:i + 48].hex() for i in range(32, len(message), 48))
        return f"{message[:32].hex()} {' '.join(ports)}"
    if kind == 0:
        return f"hello {version}"
    if kind == (17 if version == 1 else 19):
        body = message[12:]
        return f"{message[:12].hex()} {len(body)}: {' '.join(sorted(body[i:i + 4].hex() for i in range(0, len(body), 4)))}"
    return f"{message[:8].hex()} {message[8:].hex()}"


class Pair:
    """The original and ours."""

    def __init__(self, folder):
        self.switches = [Switch(f"{folder}/real", REAL), Switch(f"{folder}/ours", OURS)]

    def __enter__(self):
        try:
            for s in self.switches:
                s.start()
            for s in self.switches:
                s.ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for s in self.switches:
            s.end()

    def say(self, command):
        answers = [s.say(command) for s in self.switches]
        texts = [plain(answer(), s.folder, command) for answer, s in zip(answers, self.switches)]
        for i, s in enumerate(self.switches):
            if s.process.poll() is not None and command.get("run", [""])[-1] != "exit":
                texts[i] += f"ENDED with {s.process.returncode}\n"
        return texts

    def trouble(self):
        """Whether ours has written a stack trace, or does not end in good order."""
        ours = self.switches[1]
        ours.begin_control(["exit"])()
        try:
            code = ours.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return "ours does not end\n"
        found = [] if code == 0 else [f"ours ended with {code}"]
        for name in ("console", "ovs-vswitchd.log"):
            if os.path.exists(f"{ours.folder}/{name}"):
                with open(f"{ours.folder}/{name}", errors="replace") as f:
                    found += [line for line in f if re.search(r"^   at \w+\.|Exception|\|EMER\|", line)][:20]
        return "".join(found) or None


def plain(text, folder, command):
    text = text.replace(folder, "FOLDER").replace(os.path.basename(folder), "FOLDER")
    for what, instead in CHANCE:
        text = what.sub(instead, text)
    if not text.endswith("\n"):
        text += "\n"
    if "sort" in command:
        first, *rest = text.splitlines(keepends=True)
        blocks = []
        for line in rest:
            if blocks and re.match("   |\t", line):
                blocks[-1] += line
            else:
                blocks.append(line)
        text = first + "".join(sorted(blocks))
    if "keep" in command:
        text = "\n".join(re.findall(command["keep"], text, re.MULTILINE)) + "\n"
    return text
