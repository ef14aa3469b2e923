"""Messages of OpenFlow, byte by byte: what ovs-ofctl sends, and what it becomes when bytes of it change."""
import os, socket, struct, subprocess, threading

from ovstalklib import database, flows, openflow
from ovstalklib.switch import REAL, Switch


def record(c, folder):
    """What ovs-ofctl says to a switch for commands drawn by chance: version and messages of each, without hello and barriers."""
    switch, said = Switch(f"{folder}/recorded", REAL), []
    try:
        switch.start()
        switch.ready()
        for command in database.beginning(c):
            switch.say(command)()
        for _ in range(50):
            command = openflow.command(c, None)[0]
            words = [w if w not in ("br0", "br1") else f"unix:{switch.folder}/between" for w in command["run"]]
            heard = []
            with Between(f"{switch.folder}/between", f"{switch.folder}/br0.mgmt", heard):
                switch.say({**command, "run": words})()
            said += list(cut(b"".join(heard)))
    finally:
        switch.end()
    # Of what begins many commands one is enough.
    return [*{(m[0], m[1], m[8:10] if m[1] in (4, 16, 18) else m): (m[0], m) for _, m in said if m[1] != 5}.values()]


class Between:
    """Hears what a client says to a socket."""

    def __init__(self, path, to, heard):
        self.path, self.to, self.heard = path, to, heard

    def __enter__(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(5)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.to)
            threading.Thread(target=self.copy, args=(client, server, self.heard), daemon=True).start()
            threading.Thread(target=self.copy, args=(server, client, None), daemon=True).start()

    def copy(self, source, sink, heard):
        try:
            while chunk := source.recv(1 << 16):
                if heard is not None:
                    heard.append(chunk)
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def cut(data):
    while len(data) >= 8:
        version, kind, length = struct.unpack_from("!BBH", data)
        if length < 8:
            return
        if kind != 0 and kind != (18 if version == 1 else 20):
            yield version, data[:length]
        data = data[length:]


def damaged(c, message):
    m = bytearray(message)
    for _ in range(c.choice((1, 1, 1, 2, 3))):
        kind = c.randrange(9)
        at = c.randrange(8, len(m)) if len(m) > 8 else 1
        if kind == 0:
            m[at] ^= 1 << c.randrange(8)
        elif kind == 1:
            m[at] = c.choice((0, 255, 1, 2, 4, 8, 0x7f, 0x80))
        elif kind == 2 and len(m) > 9:
            at &= ~1
            struct.pack_into("!H", m, min(at, len(m) - 2), c.choice((0, 1, 4, 7, 8, 16, 0xffff, 0xff00, 0x7fff)))
        elif kind == 3 and len(m) > 12:
            at &= ~3
            struct.pack_into("!I", m, min(at, len(m) - 4), c.choice((0, 1, 0xffffffff, 0xfffffffe, 0xffffff00, 0x80000000, 0x2320)))
        elif kind == 4:
            del m[max(at, 8):]
        elif kind == 5:
            m += bytes(c.getrandbits(8) if c.random() < 0.3 else 0 for _ in range(c.choice((1, 4, 8, 16))))
        elif kind == 6:
            m[1] = c.choice((c.randrange(36), c.randrange(256), m[1]))
        elif kind == 7 and len(m) > 16:
            n = c.choice((4, 8))
            del m[at:at + n]
        else:
            m[at:at] = bytes(c.choice((4, 8)))
    if len(m) < 8:
        m += bytes(8 - len(m))
    struct.pack_into("!H", m, 2, len(m) if c.random() < 0.99 else c.choice((0, 7, 8, len(m) - 1)))
    return bytes(m)


def made(c, version):
    """Requests that ovs-ofctl has no words for."""
    kind, body = c.choice(((5, b""), (7, b""), (2, b"abc"), (9, struct.pack("!HH", c.choice((0, 1, 2, 3, 7)), c.choice((0, 128, 65535)))), (24 if version > 1 else 16, struct.pack("!IIQ", c.choice((0, 1, 2, 3, 4)), 0, c.choice((0, 1, 1 << 63)))), (26, b""), (28, bytes(24)),
                            (18 if version > 1 else 16, struct.pack("!HHI", c.choice((*range(20), 0xffff)), c.choice((0, 0, 1, 2)), 0) + bytes(c.choice((0, 8, 24, 32, 40)))), (22 if version > 1 else 20, struct.pack("!II", c.choice((0, 1, 9, 0xffffffff)), 0)), (4, struct.pack("!III", 0x2320, c.randrange(40), 0)), (4, struct.pack("!II", 0x4f4e4600, c.choice((2300, 2301, 1911)))), (4, struct.pack("!II", 5, 5)),
                            (33, struct.pack("!IHH", c.choice((0, 1)), c.randrange(9), c.randrange(4))), (34, struct.pack("!IHHBBHI", 1, 0, 1, version, 0, 8, 5)), (1, struct.pack("!HH", 1, 1)), (3, b""), (6, bytes(24)), (19 if version > 1 else 17, bytes(8)), (10, bytes(24)), (35, b""), (11, bytes(40))))
    return struct.pack("!BBHI", version, kind, 8 + len(body), c.randrange(1, 1000)) + body


def command(c, prepared):
    said = prepared["raw"]
    version, _ = c.choice(said)
    fitting = [m for v, m in said if v == version]
    messages = []
    for _ in range(c.choice((1, 1, 2, 4))):
        chance = c.random()
        messages.append(made(c, version) if chance < 0.2 else c.choice(fitting) if chance < 0.3 else damaged(c, c.choice(fitting)))
    return [dict(raw=c.choice(("br0", "br0", "br1")), version=version, messages=[m.hex() for m in messages])]
