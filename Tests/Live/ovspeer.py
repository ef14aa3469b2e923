"""One of two switches that are asked the same: its run folder, its database, and its control socket. For ovsdiff.py and ovstalk.py."""
import json, os, socket, subprocess, time

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"

# Devices are none of either's, and lines of the log go to its file alone.
OPTIONS = ["--enable-dummy=override", "--disable-system", "-vconsole:off"]


class Peer:
    """A folder with an ovsdb-server, and whatever else is started in it."""

    def __init__(self, folder, **environment):
        self.folder, self.started = folder, []
        os.makedirs(folder)
        self.env = {**os.environ, "OVS_RUNDIR": folder, "OVS_DBDIR": folder, "OVS_LOGDIR": folder, **environment}

    def begin_database(self):
        self.run("ovsdb-tool", "create", f"{self.folder}/conf.db", SCHEMA)
        self.begin(["ovsdb-server", f"{self.folder}/conf.db", f"--remote=punix:{self.folder}/db.sock", f"--unixctl={self.folder}/db.ctl", "-vconsole:off"], "db.sock")
        self.run("ovs-vsctl", f"--db=unix:{self.folder}/db.sock", "--no-wait", "init")

    def run(self, *words):
        subprocess.run(words, check=True, env=self.env)

    def begin(self, words, awaited=None):
        """Starts a process, and waits for the file by which it says that it runs, if one is named."""
        with open(f"{self.folder}/console", "ab") as console:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=self.env, start_new_session=True)
        self.started.append(process)
        if awaited:
            self.wait_for(process, awaited)
        return process

    def wait_for(self, process, awaited):
        until = time.monotonic() + 60
        while not os.path.exists(f"{self.folder}/{awaited}"):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{process.args[0]} did not start: {self.folder}/{awaited} does not come")
            time.sleep(0.02)

    def end(self):
        for process in reversed(self.started):
            if process.poll() is None:
                process.terminate()
        for process in reversed(self.started):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def say(path, words, seconds):
    """Sends an order to a control socket; the answer is to come by what is returned."""
    s = socket.socket(socket.AF_UNIX)
    try:
        s.settimeout(seconds)
        s.connect(path)
        s.sendall(json.dumps({"id": 0, "method": words[0], "params": list(words[1:])}).encode())
        return s
    except BaseException:
        s.close()
        raise


def hear(s):
    """The answer, or None where the connection ends before there is one."""
    data = b""
    with s:
        while part := s.recv(1 << 20):
            data += part
            try:
                return json.loads(data)
            except ValueError:
                continue
    return None
