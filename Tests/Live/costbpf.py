"""The BPF programs and system calls of cost.py: a generator of 64-byte frames, a sink that counts, and bare redirects. No compiler and no library is needed."""
import ctypes, errno, os, platform, socket, struct

LIBC = ctypes.CDLL(None, use_errno=True)
SYS_BPF = {"x86_64": 321, "aarch64": 280}.get(platform.machine(), 321)
MAP_CREATE, MAP_LOOKUP, MAP_UPDATE, PROG_LOAD, PROG_TEST_RUN, LINK_CREATE = 0, 1, 2, 5, 10, 28
ARRAY, SCHED_CLS, XDP = 2, 3, 6
ATTACH_XDP, ATTACH_TCX_INGRESS = 37, 46
LIVE_FRAMES = 2
REDIRECT = 23
FRAME = 64
FLOWS_PER_ADDRESS = 32768


def call(command, attr):
    buffer = ctypes.create_string_buffer(attr.ljust(128, b"\0"), 128)
    while True:
        result = LIBC.syscall(SYS_BPF, command, buffer, 128)
        if result >= 0:
            return result, buffer.raw
        e = ctypes.get_errno()
        if e not in (errno.EINTR, errno.EAGAIN):
            raise OSError(e, os.strerror(e))


class Array:
    """One element of 64-bit words, which programs address directly."""

    def __init__(self, words):
        self.words = words
        self.fd = call(MAP_CREATE, struct.pack("IIIII", ARRAY, 4, 8 * words, 1, 0))[0]

    def read(self):
        key, value = ctypes.c_uint32(0), (ctypes.c_uint64 * self.words)()
        call(MAP_LOOKUP, struct.pack("IIQQQ", self.fd, 0, ctypes.addressof(key), ctypes.addressof(value), 0))
        return list(value)

    def write(self, *values):
        key, value = ctypes.c_uint32(0), (ctypes.c_uint64 * self.words)(*values)
        call(MAP_UPDATE, struct.pack("IIQQQ", self.fd, 0, ctypes.addressof(key), ctypes.addressof(value), 0))


def op(code, dst=0, src=0, off=0, imm=0):
    return struct.pack("<BBhi", code, src << 4 | dst, off, imm if imm < 1 << 31 else imm - (1 << 32))


def wide(dst, value):
    return op(0x18, dst, 0, 0, value & 0xffffffff) + op(0, 0, 0, 0, value >> 32)


def pointer(dst, array):
    return op(0x18, dst, 2, 0, array.fd) + op(0)


def load(kind, code):
    """A program's file descriptor; kind is SCHED_CLS or XDP, an XDP program takes frames in several parts."""
    name = ctypes.create_string_buffer(b"GPL")
    text = ctypes.create_string_buffer(code, len(code))
    attr = struct.pack("<IIQQIIQII", kind, len(code) // 8, ctypes.addressof(text), ctypes.addressof(name), 0, 0, 0, 0, 32 if kind == XDP else 0)
    try:
        return call(PROG_LOAD, attr)[0]
    except OSError as e:
        log = ctypes.create_string_buffer(1 << 18)
        try:
            return call(PROG_LOAD, struct.pack("<IIQQIIQII", kind, len(code) // 8, ctypes.addressof(text), ctypes.addressof(name), 1, len(log), ctypes.addressof(log), 0, 32 if kind == XDP else 0))[0]
        except OSError:
            raise OSError(e.errno, f"{e.strerror}: {log.value.decode()[-400:]}") from None


def attach(program, interface, place, flags=0):
    """A link; it ends with this process."""
    return call(LINK_CREATE, struct.pack("IIII", program, interface, place, flags))[0]


def redirect(kind, interface):
    return load(kind, op(0xb7, 1, imm=interface) + op(0xb7, 2) + op(0x85, imm=REDIRECT) + op(0x95))


def sink(array):
    """XDP: counts frames, and those of them that are of the length that was sent, and drops them."""
    return load(XDP, op(0x61, 2, 1, 0) + op(0x61, 3, 1, 4) + op(0x1f, 3, 2) + pointer(4, array) + op(0xb7, 5, imm=1) + op(0xdb, 4, 5, 0, 0)
                + op(0x55, 3, 0, 1, FRAME) + op(0xdb, 4, 5, 8, 0) + op(0xb7, 0, imm=1) + op(0x95))


def total(data):
    n = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return n


def generator(array, interface, destination, source, answers_to=None):
    """
    XDP, to be run as live frames: UDP from 10.203.1.1, port 1024 up, to 10.203.2.10 up, port 5000, all headers written anew each time, all sums right. array: frames so far, flows, 1 = the next flow by chance
    (else one after the other), state of the chance. answers_to: the answers to them instead, to that address.
    """
    hosts = (bytes((10, 203, 1, 1)), bytes((10, 203, 2, 10))) if answers_to is None else (bytes((10, 203, 2, 10)), socket.inet_aton(answers_to))
    address_at, port_at = (33, 34) if answers_to is None else (29, 36)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, FRAME - 14, 1, 0x4000, 64, 17, 0, *hosts)
    udp = struct.pack("!HHHH", *((0, 5000) if answers_to is None else (5000, 0)), FRAME - 34, 0)
    ip_sum = total(ip)
    udp_sum = total(ip[12:20] + struct.pack("!HH", 17, FRAME - 34) + udp)
    frame = destination + source + b"\x08\x00" + ip + udp
    code = op(0xbf, 6, 1) + op(0x61, 2, 1, 0) + op(0x61, 3, 1, 4) + op(0xbf, 4, 2) + op(0x07, 4, imm=FRAME)
    body = pointer(7, array) + op(0x79, 1, 7, 0) + op(0xbf, 5, 1) + op(0x07, 5, imm=1) + op(0x7b, 7, 5, 0) + op(0x79, 4, 7, 8)
    chance = op(0x79, 5, 7, 24) + wide(0, 6364136223846793005) + op(0x2f, 5, 0) + wide(0, 1442695040888963407) + op(0x0f, 5, 0) + op(0x7b, 7, 5, 24)
    chance += op(0xbf, 1, 5) + op(0x77, 1, imm=32) + op(0x2f, 1, 4) + op(0x77, 1, imm=32)
    turn = op(0x9f, 1, 4)
    body += op(0x79, 5, 7, 16) + op(0x15, 5, 0, len(chance) // 8 + 1) + chance + op(0x05, 0, 0, len(turn) // 8) + turn
    # R1 = flow; R3 = the address's part of it, R4 = the port
    body += op(0xbf, 3, 1) + op(0x77, 3, imm=15) + op(0xbf, 4, 1) + op(0x57, 4, imm=FLOWS_PER_ADDRESS - 1) + op(0x07, 4, imm=1024)
    for at in range(0, 40, 4):
        body += op(0x62, 2, 0, at, struct.unpack_from("<I", frame, at)[0])
    body += op(0x6a, 2, 0, 40, 0)
    body += op(0xbf, 5, 3) + op(0x07, 5, imm=10) + op(0x73, 2, 5, address_at)
    for base, at, with_port in ((ip_sum, 24, False), (udp_sum, 40, True)):
        body += op(0xbf, 5, 3) + op(0x07, 5, imm=base)
        if with_port:
            body += op(0x0f, 5, 4)
        body += op(0xbf, 0, 5) + op(0x77, 0, imm=16) + op(0x57, 5, imm=0xffff) + op(0x0f, 5, 0)
        body += op(0xa7, 5, imm=0xffff) + op(0xdc, 5, imm=16) + op(0x6b, 2, 5, at)
    body += op(0xdc, 4, imm=16) + op(0x6b, 2, 4, port_at)
    body += op(0xb7, 1, imm=interface) + op(0xb7, 2) + op(0x85, imm=REDIRECT) + op(0x95)
    code += op(0x2d, 4, 3, len(body) // 8) + body + op(0xb7, 0, imm=1) + op(0x95)
    return load(XDP, code)


def run(program, frames):
    """The generator, for so many frames, in the network namespace that this thread is in."""
    data = ctypes.create_string_buffer(FRAME)
    call(PROG_TEST_RUN, struct.pack("<IIIIQQIIIIQQIII", program, 0, FRAME, 0, ctypes.addressof(data), 0, frames, 0, 0, 0, 0, 0, LIVE_FRAMES, 0, 0))
