"""Matches, actions, groups and meters drawn by chance, in the words of ovs-ofctl(8). Most are right, some are not."""

VERSIONS = ("OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15")
PORTS = ("1", "2", "3", "4", "LOCAL", "9", "65279", "IN_PORT", "CONTROLLER", "p1")
ETHER = ("00:00:00:00:00:01", "50:54:00:00:00:0a", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01")
IP4 = ("10.0.0.1", "10.0.0.2", "192.168.1.1", "224.0.0.5")
IP6 = ("fe80::1", "2001:db8::2", "ff02::1")


def ether(c):
    return c.choice(ETHER) + (c.choice(("", "", "/01:00:00:00:00:00", "/ff:ff:ff:00:00:00", "/00:00:00:00:00:00")))


def ip4(c):
    return c.choice(IP4) + c.choice(("", "", "/24", "/8", "/0", "/255.0.255.0"))


def ip6(c):
    return c.choice(IP6) + c.choice(("", "", "/64", "/10", "/0"))


def bits(c, n):
    value = c.choice((0, 1, 2, (1 << n) - 1, c.getrandbits(n)))
    return f"{value:#x}" + c.choice(("", "", "", f"/{c.getrandbits(n):#x}", f"/{(1 << n) - 1:#x}", "/0"))


def l4(c):
    return c.choice((f"tp_src={c.choice(('53', '80', '0', '65535', '0x10/0xfff0'))}", f"tp_dst={c.choice(('53', '80', '443', '1000/0xff00'))}"))


def match(c, *, strict=False):
    words = []
    if c.random() < 0.5:
        words.append(f"in_port={c.choice(PORTS)}")
    kind = c.choice(("", "", "ip", "tcp", "udp", "icmp", "sctp", "arp", "rarp", "ipv6", "tcp6", "udp6", "icmp6", "sctp6", "mpls", "dl_type=0x1234", "dl_type=0x05ff", "ip,nw_proto=47", "dl_type=0x88cc"))
    if kind:
        words.append(kind)
    if kind in ("ip", "tcp", "udp", "icmp", "sctp"):
        words += c.sample([f"nw_src={ip4(c)}", f"nw_dst={ip4(c)}", f"nw_tos={c.choice((0, 4, 252))}", f"nw_ecn={c.randrange(4)}", f"nw_ttl={c.choice((0, 1, 64, 255))}", f"ip_frag={c.choice(('no', 'yes', 'first', 'later', 'not_later'))}"], c.randrange(3))
    if kind in ("arp", "rarp"):
        words += c.sample([f"arp_spa={ip4(c)}", f"arp_tpa={ip4(c)}", f"arp_op={c.choice((0, 1, 2, 255))}", f"arp_sha={ether(c)}", f"arp_tha={ether(c)}"], c.randrange(3))
    if kind in ("ipv6", "tcp6", "udp6", "icmp6", "sctp6"):
        words += c.sample([f"ipv6_src={ip6(c)}", f"ipv6_dst={ip6(c)}", f"ipv6_label={bits(c, 20)}", f"nw_ttl={c.choice((1, 64))}", f"nw_tos={c.choice((0, 8))}"], c.randrange(3))
    if kind in ("tcp", "udp", "sctp", "tcp6", "udp6", "sctp6") and c.random() < 0.6:
        words.append(l4(c))
    if kind in ("tcp", "tcp6") and c.random() < 0.3:
        words.append(f"tcp_flags={c.choice(('+syn-ack', '+rst', '0x12/0x17', '-fin', '0x0/0x0'))}")
    if kind in ("icmp", "icmp6") and c.random() < 0.6:
        words.append(f"icmp_type={c.choice((8, 0, 135, 136))}")
        if kind == "icmp6" and c.random() < 0.5:
            words.append(c.choice((f"nd_target={ip6(c)}", f"nd_sll={ether(c)}", f"nd_tll={ether(c)}", "icmp_code=0")))
    if kind == "mpls":
        words += c.sample(["mpls_label=3", "mpls_tc=7", "mpls_bos=1", "mpls_ttl=64"], c.randrange(3))
    if c.random() < 0.25:
        words.append(c.choice((f"dl_vlan={c.choice((0, 1, 100, 4095, '0xffff'))}", f"dl_vlan_pcp={c.randrange(8)}", f"vlan_tci={bits(c, 16)}", f"vlan_vid={c.choice(('0x1001', '0x1000/0x1000', '0', '0x1064/0x10ff'))}")))
    if c.random() < 0.3:
        words.append(c.choice((f"dl_src={ether(c)}", f"dl_dst={ether(c)}")))
    if c.random() < 0.35:
        words.append(c.choice((f"reg{c.randrange(16)}={bits(c, 32)}", f"xreg{c.randrange(8)}={bits(c, 64)}", f"xxreg{c.randrange(4)}={bits(c, 128)}", f"metadata={bits(c, 64)}", f"tun_id={bits(c, 64)}", f"tun_src={ip4(c)}",
                               f"tun_ipv6_dst={ip6(c)}", f"pkt_mark={bits(c, 32)}", f"ct_state={c.choice(('+trk', '+new+trk', '-trk', '+est-rpl+trk', '+inv', '0x21/0x23'))}", f"ct_zone={c.choice((0, 5, 65535))}", f"ct_mark={bits(c, 32)}",
                               f"ct_label={bits(c, 128)}", f"conj_id={c.choice((0, 1, 7))}", f"actset_output={c.choice(('1', '9', 'unset'))}", f"recirc_id={c.choice((0, 1))}", "dp_hash=0x1/0xf", f"tun_flags={c.choice(('oam', '+oam', '0'))}",
                               f"tun_gbp_id={c.choice((1, 9))}", f"ct_nw_src={ip4(c)}", "ct_tp_dst=80", "nw_src=10.0.0.1", "tp_dst=80", "mpls_label=4", f"in_port_oxm={c.choice((1, 70000))}")))
    c.shuffle(words[1:])
    return ",".join(words)


def field(c):
    return c.choice(("NXM_NX_REG0[]", "NXM_NX_REG1[0..15]", "NXM_NX_REG2[3..10]", "NXM_OF_IN_PORT[]", "OXM_OF_METADATA[0..31]", "NXM_OF_ETH_SRC[]", "NXM_OF_ETH_DST[]", "NXM_OF_VLAN_TCI[]", "NXM_OF_IP_SRC[]", "NXM_OF_IP_TOS[]", "NXM_OF_TCP_DST[]",
                     "NXM_NX_TUN_ID[0..31]", "NXM_NX_XXREG0[0..63]", "NXM_NX_PKT_MARK[]", "NXM_NX_CT_MARK[]", "NXM_NX_CT_ZONE[]", "NXM_OF_ETH_TYPE[]", "NXM_NX_ND_TARGET[]", "NXM_NX_IPV6_SRC[]", "NXM_NX_IP_TTL[]", "OXM_OF_VLAN_VID[0..11]",
                     "NXM_NX_ARP_SHA[]", "OXM_OF_MPLS_LABEL[]", "NXM_NX_CT_STATE[]", "NXM_NX_IP_FRAG[]"))


def set_field(c):
    return c.choice((f"{c.choice(ETHER)}->eth_src", f"{c.choice(IP4)}->ip_dst", f"{c.choice(IP6)}->ipv6_src", "80->tcp_dst", "53->udp_src", f"{bits(c, 32)}->reg{c.randrange(16)}", "0x1064->vlan_vid", "3->vlan_pcp", "5->mpls_label", "7->mpls_tc",
                     "64->nw_ttl", "8->ip_dscp", "1->nw_ecn", f"{bits(c, 64)}->metadata", f"{bits(c, 64)}->tun_id", f"{c.choice(IP4)}->tun_dst", "2->arp_op", f"{c.choice(ETHER)}->arp_sha", f"{c.choice(IP6)}->nd_target", "9->pkt_mark",
                     f"{bits(c, 32)}->ct_mark", "1->in_port", "135->icmpv6_type", "0x5/0xf->xreg1", "0x1/0x1->ct_label", "7->tun_gbp_id", "0x1234->eth_type", "0->ip_frag", "5->ipv6_label", "1->actset_output"))


def port(c):
    return c.choice(("1", "2", "3", "LOCAL", "IN_PORT", "p2", "9", "ALL", "FLOOD", "NORMAL", "TABLE", "65280", "0"))


def action(c, depth=0):
    n = c.randrange(46 if depth < 2 else 38)
    nested = lambda: actions(c, depth + 1)
    return (lambda: f"output:{port(c)}", lambda: port(c), lambda: "NORMAL", lambda: "FLOOD", lambda: "drop", lambda: c.choice(("CONTROLLER", "CONTROLLER:64", "controller(reason=action,max_len=100,id=5)", "controller(userdata=01.02.03)", "controller(pause)", "controller(meter_id=1)")),
            lambda: f"enqueue:{c.choice(('1', '9', 'LOCAL'))}:{c.randrange(3)}", lambda: f"resubmit({c.choice(('', '1', 'IN_PORT', '9'))},{c.choice(('', '0', '1', '253', '254'))})", lambda: f"resubmit:{c.choice((1, 9))}",
            lambda: f"set_field:{set_field(c)}", lambda: f"set_field:{set_field(c)}", lambda: f"load:{c.choice((0, 1, 255, 65535))}->{field(c)}", lambda: f"move:{field(c)}->{field(c)}", lambda: f"push:{field(c)}", lambda: f"pop:{field(c)}",
            lambda: f"mod_vlan_vid:{c.choice((0, 1, 100, 4095))}", lambda: f"mod_vlan_pcp:{c.randrange(8)}", lambda: "strip_vlan", lambda: f"push_vlan:{c.choice(('0x8100', '0x88a8', '0x9100'))}", lambda: "pop_vlan",
            lambda: f"mod_dl_src:{c.choice(ETHER)}", lambda: f"mod_nw_dst:{c.choice(IP4)}", lambda: f"mod_nw_tos:{c.choice((0, 4, 252))}", lambda: f"mod_tp_src:{c.choice((0, 80))}", lambda: f"set_tunnel{c.choice(('', '64'))}:{c.choice((0, 7, '0xffffffff', '0x1ffffffff'))}",
            lambda: f"set_queue:{c.randrange(3)}", lambda: "pop_queue", lambda: c.choice(("dec_ttl", "dec_ttl(1,2)", "mod_nw_ttl:3")), lambda: f"push_mpls:{c.choice(('0x8847', '0x8848', '0x800'))}", lambda: f"pop_mpls:{c.choice(('0x800', '0x8847', '0x86dd'))}",
            lambda: c.choice(("dec_mpls_ttl", "set_mpls_ttl(9)", "set_mpls_label(5)", "set_mpls_tc(3)")), lambda: f"group:{c.choice((1, 2, 3, 9, 1234))}", lambda: f"note:{c.choice(('01', '01.02.03.04.05.06.07', '00'))}",
            lambda: f"multipath({c.choice(('eth_src', 'symmetric_l4', 'nw_src'))},{c.randrange(5)},{c.choice(('modulo_n', 'hrw', 'iter_hash', 'hash_threshold'))},{c.choice((1, 4, 16))},0,{field(c)})",
            lambda: c.choice((f"bundle(eth_src,0,active_backup,ofport,members:{c.choice(('1', '1,2', '9', ''))})", f"bundle_load(symmetric_l4,60,hrw,ofport,{field(c)},members:1,2)")), lambda: f"conjunction({c.choice((1, 7))},{c.choice(('1/2', '2/2', '3/2', '1/1'))})",
            lambda: c.choice(("fin_timeout(idle_timeout=5)", "fin_timeout(hard_timeout=9)", "exit", "ct_clear", "debug_recirc")), lambda: f"check_pkt_larger({c.choice((0, 100, 1500))})->{c.choice(('NXM_NX_REG0[0]', 'NXM_NX_REG0[]', 'reg1[5]'))}",
            lambda: f"output({c.choice(('port=1,max_len=64', 'port=9,max_len=14', 'port=1,max_len=10', 'port=LOCAL,max_len=100'))})", lambda: f"output:{field(c)}",
            lambda: f"ct({c.choice(('', 'commit', 'commit,force', 'table=1', 'zone=5', 'zone=NXM_NX_REG0[0..15]', 'commit,nat(src=10.0.0.1)', 'commit,nat(dst=10.0.0.1-10.0.0.9:80-90)', 'nat', 'alg=ftp', 'commit,alg=ftp', 'commit,nat(src=10.0.0.1,random,persistent)', 'table=255', 'force'))})",
            lambda: f"ct(commit,exec({nested()}))", lambda: f"clone({nested()})", lambda: f"learn({c.choice(('table=1', 'table=0,idle_timeout=5', 'table=254', 'hard_timeout=9,priority=5,cookie=7', 'limit=5,result_dst=reg0[0]', 'send_flow_rem,delete_learned'))},{c.choice(('NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]', 'in_port', 'NXM_OF_VLAN_TCI[0..11]', 'eth_type=0x800,ip_dst=10.0.0.1', 'load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15]', 'output:NXM_OF_IN_PORT[]'))})",
            lambda: f"sample(probability={c.choice((1, 12345, 65535, 0))},collector_set_id={c.choice((1, 9))},obs_domain_id=2,obs_point_id=3)", lambda: f"write_actions({nested()})")[n]()


def actions(c, depth=0):
    words = [action(c, depth) for _ in range(c.choice((1, 1, 1, 2, 2, 3, 4)))]
    if depth == 0:
        if c.random() < 0.1:
            words.append(f"write_metadata:{bits(c, 64)}")
        if c.random() < 0.1:
            words.append(f"goto_table:{c.choice((1, 2, 253, 254))}")
        if c.random() < 0.07:
            words.insert(0, f"meter:{c.choice((1, 2, 9))}")
        if c.random() < 0.05:
            words.insert(0, "clear_actions")
    return ",".join(words)


def simple_actions(c):
    """Those that any version takes, for what is about something else."""
    return c.choice(("drop", "output:1", "output:2", "NORMAL", "CONTROLLER", "output:1,output:2", "resubmit(,1)", "mod_dl_src:00:00:00:00:00:09,output:2", "group:1", "meter:1,output:1"))


def key(c):
    """Table, priority and match that come again and again, so that commands are about the same flows."""
    words = []
    if c.random() < 0.5:
        words.append(f"table={c.choice((0, 1, 2, 253, 254, 255))}")
    if c.random() < 0.6:
        words.append(f"priority={c.choice((0, 1, 5, 32768, 65535))}")
    if c.random() < 0.7:
        words.append(c.choice(("", "in_port=1", "in_port=2", "ip", "tcp", "ip,nw_src=10.0.0.1", "ip,nw_src=10.0.0.0/24", "dl_vlan=100", "reg0=1", "reg0=1/1", "tcp,tp_dst=80", "arp", "ipv6", "metadata=5", "ct_state=+trk", "in_port=1,ip")))
    else:
        words.append(match(c))
    return [w for w in words if w]


def flow(c):
    words = key(c)
    if c.random() < 0.3:
        words.append(f"cookie={c.choice((0, 1, '0x1234', '0xffffffffffffffff', '0xfffffffffffffffe'))}")
    for chance, word in ((0.15, f"idle_timeout={c.choice((0, 1, 5, 65535))}"), (0.15, f"hard_timeout={c.choice((0, 1, 5, 65535))}"), (0.1, f"importance={c.choice((0, 1, 65535))}"),
                         (0.1, "send_flow_rem"), (0.07, "check_overlap"), (0.07, "reset_counts"), (0.05, "no_packet_counts"), (0.03, "no_byte_counts"), (0.03, "out_port=1"), (0.03, "cookie=1/1")):
        if c.random() < chance:
            words.append(word)
    return ",".join(words + ["actions=" + (actions(c) if c.random() < 0.6 else simple_actions(c))])


def chosen(c):
    """Which flows: of dumps and deletions."""
    words = key(c) if c.random() < 0.7 else []
    if c.random() < 0.3:
        words.append(f"cookie={c.choice(('1/1', '0x1234/-1', '0/0', '0x1200/0xff00', '0/-1'))}")
    if c.random() < 0.2:
        words.append(f"out_port={c.choice((1, 2, 9, 'LOCAL', 'CONTROLLER', 'NORMAL', 'ALL', 'ANY'))}")
    if c.random() < 0.15:
        words.append(f"out_group={c.choice((1, 2, 9, 'ANY', 'ALL'))}")
    return ",".join(words)


def bucket(c):
    words = []
    if c.random() < 0.3:
        words.append(f"bucket_id={c.choice((0, 1, 2, 5))}")
    if c.random() < 0.3:
        words.append(f"weight:{c.choice((0, 1, 100, 65535))}")
    if c.random() < 0.3:
        words.append(f"watch_port:{c.choice((1, 2, 9, 'LOCAL', 'ANY'))}")
    if c.random() < 0.15:
        words.append(f"watch_group:{c.choice((1, 2, 9))}")
    words.append(("actions=" if c.random() < 0.5 else "") + c.choice(("output:1", "output:2", "drop", "group:2", "output:9", actions(c, 1), "mod_vlan_vid:5,output:1")))
    return "bucket=" + ",".join(words)


def group(c, *, of=(1, 2, 3, 3, 9, 0, 4294967040, 4294967039)):
    words = [f"group_id={c.choice(of)}", f"type={c.choice(('all', 'select', 'indirect', 'ff', 'fast_failover', 'all', 'select'))}"]
    if "select" in words[1] and c.random() < 0.4:
        words.append(c.choice(("selection_method=hash", "selection_method=dp_hash", "selection_method=hash,selection_method_param=7", "selection_method=hash,fields(eth_src,ip_dst)", "selection_method=dp_hash,fields(eth_src)", "selection_method=foo", "selection_method=hash,fields=eth_src=1.2.3.4")))
    return ",".join(words + [bucket(c) for _ in range(c.choice((0, 1, 1, 2, 2, 3)))])


def meter(c):
    words = [f"meter={c.choice((1, 2, 3, 9, 0, 65536, 4294901760, 'controller', 'slowpath', 'all'))}"] + c.sample(["kbps", "pktps", "burst", "stats"], c.choice((1, 1, 2, 2, 3)))
    for _ in range(c.choice((0, 1, 1, 2))):
        words.append(c.choice(("band=type=drop,rate=10", "bands=type=drop,rate=1000,burst_size=50", "band=type=dscp_remark,rate=5,prec_level=1", "band=type=drop rate=0", "bands=type=drop rate=4294967295", "band=type=drop rate=2 burst_size=0")))
    return ",".join(words)
