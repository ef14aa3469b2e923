"""Random OpenFlow pipelines that ovs-ofctl takes: rules of two bridges, groups and meters, each a line."""
from . import matches

TABLES = 6
LEARNED = 10
WRITABLE = {
    "": [("NXM_OF_ETH_SRC", "eth_src", 48), ("NXM_OF_ETH_DST", "eth_dst", 48), ("NXM_NX_REG0", "reg0", 32), ("NXM_NX_REG1", "reg1", 32), ("NXM_NX_REG2", "reg2", 32), ("NXM_NX_REG5", "reg5", 32), ("NXM_NX_REG15", "reg15", 32), ("OXM_OF_METADATA", "metadata", 64),
         ("NXM_NX_PKT_MARK", "pkt_mark", 32), ("NXM_NX_XXREG1", "xxreg1", 128), ("OXM_OF_PKT_REG0", "xreg0", 64), ("NXM_NX_TUN_ID", "tun_id", 64), ("NXM_OF_IN_PORT", "in_port", 16), ("NXM_OF_VLAN_TCI", "vlan_tci", 16)],
    "ip": [("NXM_OF_IP_SRC", "ip_src", 32), ("NXM_OF_IP_DST", "ip_dst", 32), ("NXM_NX_IP_TTL", "nw_ttl", 8), ("NXM_NX_IP_ECN", "nw_ecn", 2)],
    "ip6": [("NXM_NX_IPV6_SRC", "ipv6_src", 128), ("NXM_NX_IPV6_DST", "ipv6_dst", 128), ("NXM_NX_IP_TTL", "nw_ttl", 8), ("NXM_NX_IPV6_LABEL", "ipv6_label", 20), ("NXM_NX_IP_ECN", "nw_ecn", 2)],
    "tcp": [("NXM_OF_TCP_SRC", "tcp_src", 16), ("NXM_OF_TCP_DST", "tcp_dst", 16)], "udp": [("NXM_OF_UDP_SRC", "udp_src", 16), ("NXM_OF_UDP_DST", "udp_dst", 16)], "sctp": [("OXM_OF_SCTP_SRC", "sctp_src", 16), ("OXM_OF_SCTP_DST", "sctp_dst", 16)],
    "icmp": [("NXM_OF_ICMP_TYPE", "icmp_type", 8), ("NXM_OF_ICMP_CODE", "icmp_code", 8)], "icmp6": [("NXM_NX_ICMPV6_TYPE", "icmpv6_type", 8), ("NXM_NX_ICMPV6_CODE", "icmpv6_code", 8)],
    "nd": [("NXM_NX_ND_TARGET", "nd_target", 128)], "ns": [("NXM_NX_ND_SLL", "nd_sll", 48)], "na": [("NXM_NX_ND_TLL", "nd_tll", 48)], "l4": [],
    "arp": [("NXM_OF_ARP_OP", "arp_op", 16), ("NXM_OF_ARP_SPA", "arp_spa", 32), ("NXM_OF_ARP_TPA", "arp_tpa", 32), ("NXM_NX_ARP_SHA", "arp_sha", 48), ("NXM_NX_ARP_THA", "arp_tha", 48)],
    "mpls": [("OXM_OF_MPLS_LABEL", "mpls_label", 20), ("OXM_OF_MPLS_TC", "mpls_tc", 3), ("NXM_NX_MPLS_TTL", "mpls_ttl", 8)],
}
READABLE = {"": [("NXM_NX_CT_MARK", "ct_mark", 32), ("NXM_NX_CT_ZONE", "ct_zone", 16), ("NXM_NX_CT_LABEL", "ct_label", 128)]}
HASHED = ("eth_src", "symmetric_l4", "nw_src", "nw_dst")


class Pipeline:
    """`lines` are (what it is, text): what is `meter`, `group`, or the name of a bridge for a rule of it."""

    def __init__(self, r):
        self.r, self.lines, self.matches = r, [], []
        self.floods = self.spreads = False
        self.version = r.choice(("OpenFlow13", "OpenFlow14", "OpenFlow15"))
        self.groups = {}
        self.lines += [("meter", f"meter={i},kbps,band=type=drop,rate=100000000") for i in range(1, 1 + r.choice((0, 1)))]
        self.meters = len(self.lines)
        for i in range(1, 1 + r.choice((0, 0, 1, 3))):
            self.lines.append(("group", self.group(i)))
            self.groups[i] = True
        for table in range(TABLES):
            for _ in range(r.choice((1, 2, 4, 6)) if table else r.choice((2, 4, 8))):
                self.rule("br0", table)
            if r.random() < 0.6:
                self.lines.append(("br0", f"table={table},priority=0,actions={self.actions(table, 'any', 'br0')}"))
        if r.random() < 0.2:
            self.conjunctions()
        # Which of two ports in one place of a hash table is flooded to first depends on how often ports have changed.
        for _ in range(0 if self.spreads or self.floods else r.choice((0, 2, 4))):
            self.rule("br1", r.choice((0, 0, 1)))

    def rule(self, bridge, table):
        kind, words, fields = matches.match(self.r, table)
        head = f"table={table},priority={self.r.choice((1, 5, 10, 10, 100))}"
        if self.r.random() < 0.2:
            head += f",cookie=0x{self.r.randrange(1, 16):x}"
        if bridge == "br1" and "in_port" in fields:
            fields["in_port"] = self.r.choice(("11", "12", "9"))
        if bridge == "br0":
            self.matches.append((kind, words, fields))
        body = matches.text(words, fields)
        self.lines.append((bridge, f"{head}{',' if body else ''}{body},actions={self.actions(table, kind, bridge)}"))

    def conjunctions(self):
        """Two or three dimensions of ports and addresses, and what follows when one of each has been met."""
        r, table = self.r, self.r.randrange(3)
        size = r.choice((2, 3))
        makers = (lambda: f"ip,nw_src={matches.masked_ip(r)}", lambda: f"tcp,tp_dst={r.choice(matches.L4)}", lambda: f"ip,nw_dst={matches.masked_ip(r)}")
        for dimension in range(size):
            for _ in range(2):
                self.lines.append(("br0", f"table={table},priority=20,{makers[dimension]()},actions=conjunction(7,{dimension + 1}/{size})"))
        self.lines.append(("br0", f"table={table},priority=20,conj_id=7,ip,actions={self.actions(table, 'ip', 'br0')}"))

    def fields(self, layers, readable=False):
        found = list(WRITABLE[""]) + (READABLE[""] if readable else [])
        for layer in layers:
            found += WRITABLE[layer]
        return found

    def value(self, name, bits):
        r = self.r
        if bits == 48:
            return r.choice(matches.MACS)
        if name in ("ip_src", "ip_dst", "arp_spa", "arp_tpa"):
            return r.choice(matches.IPS)
        if name in ("ipv6_src", "ipv6_dst", "nd_target"):
            return r.choice(matches.IP6S)
        if name == "nw_tos":
            return str(r.choice((0, 40, 184)))
        if name in ("ip_ttl", "nw_ttl", "mpls_ttl"):
            return str(r.choice((0, 1, 2, 64)))
        if name == "in_port":
            return str(r.choice((0, 1, 2, 3, 65535)))
        if name == "vlan_tci":
            return r.choice(("0", "0x100a", "0x3014"))
        return str(r.choice((0, 1, 2, 5, 80, (1 << min(bits, 63)) - 1, r.getrandbits(bits))) & ((1 << bits) - 1))

    def port(self, bridge="br0"):
        r = self.r
        return str(r.choice((1, 2, 3, 4, 5, 5, 9) if bridge == "br0" else (11, 12, 9)))

    def rewrite(self, layers):
        """set_field, load, move, stack: of a field that the packet has."""
        r = self.r
        kind = r.choice(("set", "set", "set", "load", "move", "move", "push", "mask"))
        nxm, name, bits = r.choice(self.fields(layers))
        if kind == "set" and name not in ("vlan_tci",):
            return f"set_field:{self.value(name, bits)}->{name}"
        if kind == "mask" and bits <= 64 and bits != 48 and name not in ("vlan_tci", "in_port", "ip_src", "ip_dst", "arp_spa", "arp_tpa", "arp_op", "nw_tos", "nw_ttl", "mpls_ttl", "mpls_label", "mpls_tc", "nw_ecn"):
            mask = r.getrandbits(bits) or 1
            return f"set_field:0x{r.getrandbits(bits) & mask:x}/0x{mask:x}->{name}"
        width = r.choice((1, min(bits, 4), min(bits, 16), bits))
        at = r.randrange(bits - width + 1)
        if kind == "move":
            other = r.choice([f for f in self.fields(layers, True) if f[2] >= width])
            return f"move:{other[0]}[{(start := r.randrange(other[2] - width + 1))}..{start + width - 1}]->{nxm}[{at}..{at + width - 1}]"
        if kind == "push":
            other = r.choice([f for f in self.fields(layers) if f[2] >= width])
            start = r.randrange(other[2] - width + 1)
            return f"push:{nxm}[{at}..{at + width - 1}],pop:{other[0]}[{start}..{start + width - 1}]"
        width = min(width, 64)
        return f"load:0x{r.getrandbits(width):x}->{nxm}[{at}..{at + width - 1}]"

    def output(self, bridge, nested=False):
        r = self.r
        kind = r.randrange(24)
        if kind < 11:
            return f"output:{self.port(bridge)}"
        self.floods |= kind == 18
        self.spreads |= kind in (14, 15)
        return {11: f"output:NXM_NX_REG{r.choice((0, 1))}[{r.choice(('0..15', ''))}]", 12: "in_port", 13: "LOCAL", 14: "FLOOD", 15: "ALL", 16: f"controller(max_len={r.choice((20, 128, 65535))})", 17: f"output(port={self.port(bridge)},max_len={r.choice((14, 64, 100, 2000))})", 18: "NORMAL",
                19: f"controller(reason={r.choice(('no_match', 'action', 'invalid_ttl'))},id={r.randrange(3)},userdata=01.02)", 20: f"output:{self.port(bridge)},{self.port(bridge)}", 21: f"bundle({r.choice(HASHED)},0,active_backup,ofport,members:{self.port(bridge)},{self.port(bridge)})",
                22: "controller(pause)" if not nested else "LOCAL", 23: f"output:NXM_NX_REG{r.choice((0, 1))}[16..31]"}[kind]

    def ct(self, table, layers):
        r = self.r
        parts = []
        if r.random() < 0.6:
            parts.append("commit")
            if r.random() < 0.15:
                parts.append("force")
        if r.random() < 0.7:
            parts.append(f"table={r.randrange(table + 1, TABLES)}" if table + 1 < TABLES else "table=12")
        if r.random() < 0.6:
            parts.append(r.choice(("zone=1", "zone=5", "zone=NXM_NX_REG0[0..15]", "zone=NXM_NX_REG1[16..31]")))
        if r.random() < 0.35:
            parts.append("nat" if "commit" not in parts or r.random() < 0.3 else self.nat(layers))
        if "commit" in parts and r.random() < 0.4:
            inner = ",".join(r.choice((f"set_field:0x{r.randrange(8):x}->ct_mark", f"set_field:0x{r.randrange(8):x}/0xf->ct_mark", f"set_field:0x{r.randrange(8):x}->ct_label", "move:NXM_NX_REG1[]->NXM_NX_CT_MARK[]", "move:NXM_NX_REG0[0..15]->NXM_NX_CT_LABEL[16..31]", "load:0x1->NXM_NX_CT_LABEL[96]")) for _ in range(r.choice((1, 2))))
            parts.append(f"exec({inner})")
        if "commit" in parts and r.random() < 0.1 and ("tcp" in layers):
            parts.append("alg=ftp")
        return f"ct({','.join(parts)})"

    def nat(self, layers):
        r = self.r
        address = r.choice(("10.9.0.1", "10.9.0.1-10.9.0.1")) if "ip6" not in layers else "[2001:db8:9::1]"
        port = r.choice(("", ":5000", ":5000-5000")) if "l4" in layers and "sctp" not in layers else ""
        if port == "" and address.startswith("["):
            address = "2001:db8:9::1"
        return f"nat({r.choice(('src', 'dst'))}={address}{port}{r.choice(('', '', ',random', ',hash', ',persistent'))})" if "-" in address + port else f"nat({r.choice(('src', 'dst'))}={address}{port})"

    def learn(self, layers):
        r = self.r
        parts = [f"table={LEARNED}", f"priority={r.choice((1, 30))}"]
        parts += [p for p in (f"idle_timeout={r.choice((10, 60))}", f"hard_timeout={r.choice((20, 90))}", "send_flow_rem", "delete_learned", f"cookie=0x{r.randrange(1, 9)}", "limit=2", "fin_idle_timeout=3") if r.random() < 0.2]
        options = ["NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]", "NXM_OF_VLAN_TCI[0..11]", "NXM_OF_IN_PORT[]", "NXM_NX_REG1[]=NXM_NX_REG0[]", "dl_type=0x800", "NXM_NX_REG2[0..15]=0x5", "load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15]", "load:0x7->NXM_NX_REG1[]", "output:NXM_OF_IN_PORT[]", "load:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]", "output:NXM_NX_REG0[0..15]"]
        if "ip" in layers:
            options += ["dl_type=0x800,NXM_OF_IP_DST[]=NXM_OF_IP_SRC[]", "dl_type=0x800,nw_proto=6"]
        if "ip" in layers and "tcp" in layers:
            options += ["dl_type=0x800,nw_proto=6,NXM_OF_TCP_DST[]=NXM_OF_TCP_SRC[]"]
        chosen = r.sample(options, r.choice((1, 2, 3, 4)))
        words = []
        for word in ",".join(chosen).split(","):
            if word not in words:
                words.append(word)
        return f"learn({','.join(parts + words)})"

    def group(self, number):
        r = self.r
        kind = r.choice(("all", "select", "indirect", "ff"))
        head, buckets = f"group_id={number},type={kind}", []
        if kind == "select" and r.random() < 0.6:
            head += r.choice((",selection_method=dp_hash", ",selection_method=hash", ",selection_method=hash,fields(eth_src,ip_dst,tcp_dst)", ",selection_method=hash,fields=ip_src"))
        for i in range(1 if kind in ("indirect", "select") else r.choice((1, 2, 3))):
            extra = {"select": f"weight:{r.choice((1, 100))},", "ff": f"watch_port:{self.port()},"}.get(kind, "")
            body = ",".join([self.rewrite(())] * r.choice((0, 0, 1)) + [self.output("br0", True) for _ in range(r.choice((1, 1, 2)))] + [f"resubmit(,{r.choice((4, 5))})"] * r.choice((0, 0, 1)))
            if r.random() < 0.1:
                body = f"ct(commit,table=5),{body}"
            buckets.append(f"bucket=bucket_id:{i},{extra}actions={body}")
        return ",".join([head, *buckets])

    def layer_changes(self, layers, tagged):
        """Tags and labels that come and go. Returns actions and the layers that are there then."""
        r = self.r
        kind = r.randrange(7)
        if kind == 0:
            return f"push_vlan:{r.choice(('0x8100', '0x88a8'))},set_field:{r.choice((1, 10, 20)) + 4096}->vlan_vid", layers, True
        if kind == 1:
            return "pop_vlan" if r.random() < 0.6 else "strip_vlan", layers, False
        if kind == 2:
            return f"mod_vlan_vid:{r.choice((1, 10, 20))}" + r.choice(("", ",mod_vlan_pcp:3")), layers, True
        if kind == 3 and ("ip" in layers or "ip6" in layers or "mpls" in layers):
            return f"push_mpls:{r.choice(('0x8847', '0x8848'))}" + r.choice(("", ",set_field:100->mpls_label", ",load:0x5->OXM_OF_MPLS_LABEL[]")), ("mpls",), tagged
        if kind == 4 and "mpls" in layers:
            return r.choice(("pop_mpls:0x0800", "pop_mpls:0x86dd", "pop_mpls:0x8847")), (), tagged
        if kind == 5 and "mpls" in layers:
            return r.choice(("dec_mpls_ttl", "set_mpls_ttl(9)", "set_mpls_tc(3)", "set_mpls_label(77)")), layers, tagged
        if ("ip" in layers or "ip6" in layers):
            return r.choice(("dec_ttl", "dec_ttl", "dec_ttl(1,2)", "mod_nw_ttl:5", "mod_nw_tos:40", "mod_nw_ecn:2")), layers, tagged
        return "note:01.02.03", layers, tagged

    def action_list(self, table, layers, bridge, depth=0):
        r, actions = self.r, []
        for _ in range(r.choice((1, 1, 2, 3, 4))):
            kind = r.randrange(30)
            if kind < 8:
                actions.append(self.output(bridge, depth > 0))
            elif kind < 14:
                actions.append(self.rewrite(layers))
            elif kind < 18:
                text, layers, _ = self.layer_changes(layers, False)
                actions.append(text)
            elif kind < 22 and table + 1 < TABLES:
                actions.append(r.choice((f"resubmit(,{(later := r.randrange(table + 1, TABLES))})", f"resubmit(,{later})", f"resubmit({r.choice((1, 2, 9))},{later})", f"resubmit(,{later},ct)" if "ip" in layers or "ip6" in layers else f"resubmit(,{LEARNED})")))
            elif kind == 22 and ("ip" in layers or "ip6" in layers):
                actions.append(self.ct(table, layers))
            elif kind == 23 and ("ip" in layers or "ip6" in layers):
                actions.append(r.choice(("ct_clear", self.ct(table, layers), self.ct(table, layers))))
            elif kind == 24 and bridge == "br0":
                actions.append(self.learn(layers))
            elif kind == 25 and depth < 2:
                actions.append(f"clone({self.action_list(table, layers, bridge, depth + 1)})")
            elif kind == 26:
                actions.append(f"multipath({r.choice(HASHED)},{r.choice((0, 50))},{r.choice(('modulo_n', 'hash_threshold', 'hrw', 'iter_hash'))},{r.choice((1, 4))},0,NXM_NX_REG{r.choice((0, 1))}[0..3])")
            elif kind == 27:
                actions.append(f"check_pkt_larger({r.choice((50, 100, 500))})->{r.choice(('NXM_NX_REG0[0]', 'NXM_NX_REG1[3]', 'NXM_NX_REG15[31]'))}")
            elif kind == 28 and self.groups and bridge == "br0":
                actions.append(f"group:{r.choice(list(self.groups))}")
            else:
                actions.append(r.choice(("note:aa.bb", "ct_clear", "exit", "set_tunnel:5", "fin_timeout(idle_timeout=5)" if "tcp" in layers else "note:01", f"resubmit(,{LEARNED})")))
        return ",".join(actions)

    def actions(self, table, kind, bridge):
        r = self.r
        if r.random() < 0.04:
            return "drop"
        layers = matches.KINDS[kind][1]
        parts = [self.action_list(table, layers, bridge)]
        if r.random() < 0.25:
            if r.random() < 0.2:
                parts.append("clear_actions")
            if r.random() < 0.4:
                inner = [r.choice((f"set_field:{self.value('eth_dst', 48)}->eth_dst", "pop_vlan", f"output:{self.port(bridge)}", "push_vlan:0x8100", "dec_ttl")) for _ in range(r.choice((1, 2)))]
                if self.groups and bridge == "br0" and r.random() < 0.3:
                    inner.append(f"group:{r.choice(list(self.groups))}")
                parts.append(f"write_actions({','.join(inner)})")
            if r.random() < 0.3:
                parts.append(f"write_metadata:{r.choice(('0x5', '0x1/0xf', '0x1234000000000000/0xffff000000000000'))}")
            if table + 1 < TABLES:
                parts.append(f"goto_table:{r.randrange(table + 1, TABLES)}")
            if self.meters and r.random() < 0.3:
                parts.insert(0, "meter:1")
        return ",".join(parts)
