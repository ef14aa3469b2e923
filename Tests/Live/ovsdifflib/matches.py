"""Random matches, and flows and frames that such matches may meet: few values of each field, so that they often do."""
import ipaddress, struct

MACS = ("00:00:00:00:00:01", "00:00:00:00:00:02", "02:00:00:00:00:03", "01:00:5e:01:02:03", "ff:ff:ff:ff:ff:ff", "50:54:00:00:00:0a")
IPS = ("10.0.0.1", "10.0.0.2", "10.0.1.1", "192.168.0.1", "172.16.3.4", "224.1.2.3")
IP6S = ("fe80::1", "fe80::2", "2001:db8::1", "2001:db8:1::2", "ff02::1", "::1")
L4 = (1, 80, 443, 1000, 4660, 53, 65535)
VIDS = (0, 1, 10, 20, 4095)
LABELS = (0, 3, 16, 100, 1048575)
# What a packet is -> (words of ovs-ofctl, layers)
KINDS = {
    "any": ("", ()), "ip": ("ip", ("ip",)), "tcp": ("tcp", ("ip", "l4", "tcp")), "udp": ("udp", ("ip", "l4", "udp")), "sctp": ("sctp", ("ip", "l4", "sctp")), "icmp": ("icmp", ("ip", "icmp")),
    "ipv6": ("ipv6", ("ip6",)), "tcp6": ("tcp6", ("ip6", "l4", "tcp")), "udp6": ("udp6", ("ip6", "l4", "udp")), "icmp6": ("icmp6", ("ip6", "icmp6")), "ns": ("icmp6,icmpv6_type=135,icmpv6_code=0", ("ip6", "nd", "ns")), "na": ("icmp6,icmpv6_type=136,icmpv6_code=0", ("ip6", "nd", "na")),
    "arp": ("arp", ("arp",)), "mpls": ("mpls", ("mpls",)), "other": ("dl_type=0x88cc", ()),
}


def masked_ip(r):
    return r.choice(IPS) + r.choice(("", "", "/8", "/16", "/24", "/30", "/255.0.255.0", "/0.0.0.1"))


def masked_ip6(r):
    return r.choice(IP6S) + r.choice(("", "", "/16", "/32", "/64", "/127", "/ffff::ffff"))


def masked_mac(r):
    return r.choice(MACS) + r.choice(("", "", "/01:00:00:00:00:00", "/ff:ff:00:00:00:00", "/00:00:00:00:00:0f"))


def masked(r, bits, values=None):
    value = r.choice(values) if values else r.getrandbits(bits)
    if r.random() < 0.5:
        return f"0x{value:x}"
    mask = r.getrandbits(bits) or 1
    return f"0x{value & mask:x}/0x{mask:x}"


def port_mask(r):
    return str(r.choice(L4)) if r.random() < 0.6 else r.choice(("0x50/0xfff0", "0x0/0xff00", "0x3e8/0x3f8", "0x8000/0x8000", "0x1/0x1"))


def ct_state(r):
    flags = r.sample(("new", "est", "rel", "rpl", "inv", "snat", "dnat"), r.choice((0, 1, 1, 2)))
    return r.choice(("+trk", "+trk", "-trk")) + "".join(r.choice("+-") + f for f in flags)


REGISTERS = tuple(f"reg{i}" for i in (0, 1, 2, 5, 15))
ANYWHERE = {
    "in_port": lambda r: str(r.choice((1, 2, 3, 4, 5, 9, "LOCAL"))), "dl_src": masked_mac, "dl_dst": masked_mac, "metadata": lambda r: masked(r, 64, (0, 1, 0x1234567812345678)), "pkt_mark": lambda r: masked(r, 32, (0, 1, 5)),
    "ct_mark": lambda r: masked(r, 32, (0, 1, 7)), "ct_zone": lambda r: masked(r, 16, (0, 1, 5)), "ct_label": lambda r: masked(r, 128, (0, 1, 1 << 64)), "ct_state": ct_state, "xreg0": lambda r: masked(r, 64, (0, 1 << 32)), "xxreg1": lambda r: masked(r, 128, (0, 5)),
    **{name: (lambda r: masked(r, 32, (0, 1, 2, 0xffff))) for name in REGISTERS},
}
VLAN = {
    "dl_vlan": lambda r: str(r.choice((1, 10, 20, 4095))), "dl_vlan_pcp": lambda r: str(r.randrange(8)), "vlan_tci": lambda r: r.choice(("0", "0/0x1000", "0x1000/0x1000", "0x100a/0x1fff", "0x1002/0x1003", "0xf00a")), "vlan_vid": lambda r: r.choice(("0x1000/0x1000", "0x100a", "0x1000/0x1001")),
}
LAYERS = {
    "ip": {"nw_src": masked_ip, "nw_dst": masked_ip, "ip_dscp": lambda r: str(r.choice((0, 10, 46))), "nw_ecn": lambda r: str(r.randrange(4)), "nw_ttl": lambda r: str(r.choice((0, 1, 2, 64, 255))), "ip_frag": lambda r: r.choice(("no", "yes", "first", "later", "not_later"))},
    "ip6": {"ipv6_src": masked_ip6, "ipv6_dst": masked_ip6, "ipv6_label": lambda r: masked(r, 20, (0, 1, 0xfffff)), "ip_dscp": lambda r: str(r.choice((0, 10, 46))), "nw_ecn": lambda r: str(r.randrange(4)), "nw_ttl": lambda r: str(r.choice((0, 1, 2, 64, 255))), "ip_frag": lambda r: r.choice(("no", "yes", "first", "later", "not_later"))},
    "tcp": {"tp_src": port_mask, "tp_dst": port_mask, "tcp_flags": lambda r: r.choice(("+syn-ack", "+ack", "+rst", "+fin", "0x010/0x017"))},
    "udp": {"tp_src": port_mask, "tp_dst": port_mask}, "sctp": {"tp_src": port_mask, "tp_dst": port_mask}, "l4": {},
    "icmp": {"icmp_type": lambda r: str(r.choice((0, 3, 8))), "icmp_code": lambda r: str(r.choice((0, 1)))},
    "icmp6": {"icmp_type": lambda r: str(r.choice((1, 128, 129))), "icmp_code": lambda r: str(r.choice((0, 1)))},
    "nd": {"nd_target": masked_ip6}, "ns": {"nd_sll": masked_mac}, "na": {"nd_tll": masked_mac},
    "arp": {"arp_op": lambda r: str(r.choice((1, 2))), "arp_spa": masked_ip, "arp_tpa": masked_ip, "arp_sha": masked_mac, "arp_tha": masked_mac},
    "mpls": {"mpls_label": lambda r: str(r.choice(LABELS)), "mpls_tc": lambda r: str(r.randrange(8)), "mpls_bos": lambda r: str(r.randrange(2)), "mpls_ttl": lambda r: str(r.choice((1, 64)))},
}
CT_TUPLE = {"ip": {"ct_nw_src": masked_ip, "ct_nw_dst": masked_ip}, "ip6": {"ct_ipv6_src": masked_ip6, "ct_ipv6_dst": masked_ip6}}
# Of two that say the same, or are parts of each other, a match has one.
SAME = {"vlan_tci": "vlan", "dl_vlan": "vlan", "vlan_vid": "vlan", "xreg0": "r0", "reg0": "r0", "reg1": "r0", "xxreg1": "r1", "reg5": "r1", "dl_vlan_pcp": "pcp"}


def match(r, table, kind=None):
    """A kind of packet, and fields with values."""
    kind = kind or r.choice(tuple(KINDS))
    words, layers = KINDS[kind]
    pool = dict(ANYWHERE)
    names = [r.choice(("in_port", "dl_src", "dl_dst")) for _ in range(r.choice((0, 0, 1)))]
    if table:
        names += r.sample(tuple(ANYWHERE), r.choice((0, 0, 1, 2)))
    if kind != "mpls" and r.random() < 0.25:
        pool.update(VLAN)
        names.append(r.choice(tuple(VLAN)))
    for layer in layers:
        pool.update(LAYERS[layer])
        names += r.sample(tuple(LAYERS[layer]), min(len(LAYERS[layer]), r.choice((0, 0, 1, 2))))
        if table and r.random() < 0.1 and layer in CT_TUPLE:
            pool.update(CT_TUPLE[layer])
            names.append(r.choice(tuple(CT_TUPLE[layer])))
    fields, seen = {}, set()
    for name in names:
        same = SAME.get(name, name)
        if same not in seen:
            seen.add(same)
            fields[name] = pool[name](r)
    if any(f.startswith(("ct_nw", "ct_ipv6")) for f in fields):
        fields["ct_state"] = "+trk"
    if "dl_vlan_pcp" in fields and "vlan_tci" in fields:
        del fields["vlan_tci"]
    return kind, words, fields


def text(words, fields):
    return ",".join([words] * bool(words) + [f"{name}={value}" for name, value in fields.items()])


def flow(r, rules):
    """A flow for ofproto/trace, often one that a rule's match was meant for."""
    kind, words, fields = r.choice(rules) if rules and r.random() < 0.7 else match(r, 0)
    if kind == "any" or r.random() < 0.1:
        kind = r.choice(tuple(KINDS))
    words, layers = KINDS[kind]
    pool = {"in_port": ANYWHERE["in_port"], "dl_src": masked_mac, "dl_dst": masked_mac}
    for layer in layers:
        pool.update(LAYERS[layer])
    given = {name: value for name, value in fields.items() if name in pool or (name in VLAN and kind != "mpls") or (name in ANYWHERE and name != "ct_state")}
    for name, value in pool.items():
        if name not in given and r.random() < 0.8:
            given[name] = value(r)
    if kind not in ("mpls",) and not any(name in VLAN for name in given) and r.random() < 0.2:
        given["dl_vlan"] = str(r.choice(VIDS))
    given["in_port"] = str(r.choice((1, 2, 3, 4, 5))) if r.random() < 0.8 else given.get("in_port", "1")
    if "ip_frag" in given:
        given["ip_frag"] = r.choice(("no", "no", "no", "first", "later"))
    if kind == "mpls":
        given["mpls_bos"] = "1"
    if "tcp_flags" in given:
        given["tcp_flags"] = r.choice(("syn", "ack", "syn|ack", "fin|ack", "rst"))
    if "vlan_tci" in given and r.random() < 0.5:
        given["vlan_tci"] = r.choice(("0x100a", "0xf014", "0"))
    if "vlan_vid" in given:
        given["vlan_vid"] = "0x100a"
    return text(words, {exact(name, kind): value.split("/")[0] for name, value in given.items()})


def exact(name, kind):
    """A flow that is no match names fields by their protocol."""
    if name.startswith("tp_"):
        return kind.rstrip("6") + name[2:]
    return name.replace("icmp_", "icmpv6_") if kind in ("icmp6", "ns", "na") else name


def sum16(data):
    data += b"\0" * (len(data) & 1)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def mac(value):
    return bytes.fromhex(value.replace(":", ""))


def frame(r, vids=VIDS, kind=None):
    """A frame as hex digits; checksums are right."""
    kind = kind or r.choice([k for k in KINDS if k != "any"])
    _, layers = KINDS[kind]
    head = mac(r.choice(MACS)) + mac(r.choice(MACS[:3] + MACS[5:]))
    for _ in range(r.choice((0, 0, 0, 1, 2))):
        head += struct.pack(">HH", r.choice((0x8100, 0x8100, 0x88a8)), r.choice(vids) & 0xfff | r.randrange(8) << 13)
    if kind == "arp":
        return (head + struct.pack(">HHHBBH", 0x806, 1, 0x800, 6, 4, r.choice((1, 2))) + mac(r.choice(MACS)) + ipaddress.ip_address(r.choice(IPS)).packed + mac(r.choice(MACS)) + ipaddress.ip_address(r.choice(IPS)).packed + bytes(18)).hex()
    if kind == "other":
        return (head + b"\x88\xcc" + bytes(50)).hex()
    labels = b""
    if kind == "mpls":
        for last in r.choice(((1,), (0, 1), (0, 0, 1))):
            labels += struct.pack(">I", r.choice(LABELS) << 12 | r.randrange(8) << 9 | last << 8 | r.choice((0, 1, 2, 64)))
        head += struct.pack(">H", r.choice((0x8847, 0x8848))) + labels
        kind, layers = "tcp", ("ip", "l4", "tcp")
    six = "ip6" in layers
    source, target = (ipaddress.ip_address(r.choice(IP6S if six else IPS)).packed for _ in range(2))
    ports = struct.pack(">HH", r.choice(L4), r.choice(L4))
    data = bytes(i & 255 for i in range(r.choice((0, 6, 100, 600))))
    number, at = {"tcp": (6, 16), "udp": (17, 6), "sctp": (132, None), "icmp": (1, 2)}.get(kind.rstrip("6") if kind in ("tcp6", "udp6") else kind, (58, 2) if kind in ("icmp6", "ns", "na") else (47, None))
    if number == 6:
        payload = ports + struct.pack(">IIBBHHH", r.getrandbits(32), r.getrandbits(32), 0x50, r.choice((2, 16, 18, 17, 4)), 1024, 0, 0) + data
    elif number == 17:
        payload = ports + struct.pack(">HH", 8 + len(data), 0) + data
    elif number == 132:
        payload = ports + struct.pack(">II", 1, 0) + data
    elif number == 1:
        payload = struct.pack(">BBHHH", r.choice((0, 8, 13)), r.choice((0, 1)), 0, 7, 1) + data
    elif kind == "icmp6":
        payload = struct.pack(">BBHHH", r.choice((128, 129)), 0, 0, 7, 1) + data
    elif number == 58:
        payload = struct.pack(">BBHI", 135 if kind == "ns" else 136, 0, 0, 0) + ipaddress.ip_address(r.choice(IP6S)).packed + struct.pack(">BB", 1 if kind == "ns" else 2, 1) + mac(r.choice(MACS))
    else:
        payload = data
    if at is not None:
        pseudo = source + target + (struct.pack(">II", len(payload), number) if six else struct.pack(">HH", number, len(payload)))
        total = sum16((b"" if number == 1 else pseudo) + payload)
        payload = payload[:at] + struct.pack(">H", total or 0xffff) + payload[at + 2:]
    tos, ttl = r.choice((0, 0, 40, 185)), r.choice((0, 1, 2, 64, 64, 64, 255))
    if six:
        packet = struct.pack(">IHBB", 6 << 28 | tos << 20 | r.choice((0, 1)), len(payload), number, 255 if "nd" in layers else ttl) + source + target + payload
    else:
        header = struct.pack(">BBHHHBBH", 0x45, tos, 20 + len(payload), 1, r.choice((0, 0, 0, 0x4000)), ttl, number, 0) + source + target
        packet = header[:10] + struct.pack(">H", sum16(header)) + header[12:] + payload
    if labels:
        return (head + packet).hex()
    whole = head + struct.pack(">H", 0x86dd if six else 0x800) + packet
    return (whole + bytes(max(0, 60 - len(whole)))).hex()
