"""ovs-vsctl, right and wrong, and the columns that the switch writes."""

BRIDGES = ("br0", "br0", "br0", "br1")
NOTHING = '""'
PORTS = ("p1", "p2", "p3", "p4", "p5", "p6")
LOOKS = (("Interface", "name,type,ofport,ofport_request,error,admin_state,link_state,link_speed,duplex,mtu,mac_in_use,ifindex,link_resets,lacp_current,cfm_fault,bfd_status"), ("Interface", "name,status"), ("Bridge", "name,datapath_id,datapath_version,datapath_type,status,rstp_status"),
         ("Port", "name,bond_active_slave,status,rstp_status,tag,trunks,vlan_mode"), ("Open_vSwitch", "next_cfg,cur_cfg,iface_types,datapath_types,dpdk_initialized"), ("Mirror", "name,statistics"), ("Datapath", "datapath_version,ct_zones"), ("Controller", "target,is_connected,role"))


def beginning(c):
    commands = [dict(run=["ovs-appctl", "time/stop"])]
    secure = c.random() < 0.6
    words = ["ovs-vsctl"]
    for n, bridge in enumerate(("br0", "br1")):
        words += ["--", "add-br", bridge, "--", "set", "bridge", bridge, f"other-config:hwaddr=aa:55:aa:55:0{n}:00", "datapath-type=dummy"] + (["fail_mode=secure"] if secure else [])
    for n in range(1, 4):
        words += ["--", "add-port", "br0", f"p{n}", "--", "set", "interface", f"p{n}", f"ofport_request={n}"]
    words += ["--", "add-port", "br1", "p4", "--", "set", "interface", "p4", "ofport_request=4"]
    return commands + [dict(run=["ovs-vsctl", "--if-exists", "del-br", "none"]), dict(run=words)]


def look(c):
    table, columns = c.choice(LOOKS)
    return dict(run=["ovs-vsctl", "--format=csv", f"--columns={columns}", "list", table], sort=True)


def ports(c):
    port, bridge = c.choice(PORTS), c.choice(BRIDGES)
    return c.choice((
        lambda: ["add-port", bridge, port], lambda: ["--may-exist", "add-port", bridge, port, f"tag={c.choice((0, 1, 100, 4095, 4096))}"], lambda: ["--may-exist", "add-port", bridge, port, "--", "set", "interface", port, f"type={c.choice(('dummy', 'internal', 'system', 'tap', 'nosuch', 'dummy-pmd', 'geneve', 'vxlan', 'gre', 'patch', 'dpdk'))}"],
        lambda: ["--if-exists", "del-port", bridge, port], lambda: ["--if-exists", "del-port", port], lambda: ["set", "interface", port, f"ofport_request={c.choice((1, 2, 3, 5, 9, 100, 65279, 65280, 0))}"],
        lambda: ["set", "port", port, f"tag={c.choice((0, 1, 100, 4095))}"], lambda: ["clear", "port", port, c.choice(("tag", "trunks", "vlan_mode", "qos", "cvlans", "other_config", "lacp"))], lambda: ["set", "port", port, f"trunks={c.choice(('1', '1,2,3', '[]', '4095'))}"],
        lambda: ["set", "port", port, f"vlan_mode={c.choice(('access', 'trunk', 'native-tagged', 'native-untagged', 'dot1q-tunnel'))}"], lambda: ["set", "port", port, c.choice(("other_config:priority-tags=if-nonzero", "other_config:priority-tags=x", "protected=true", "other_config:qinq-ethtype=802.1q", "lacp=active", "lacp=passive", "cvlans=5,6", "mac=\"00:11:22:33:44:55\"", "fake_bridge=true"))],
        lambda: ["set", "interface", port, c.choice(("mtu_request=1400", "mtu_request=9000", "mtu_request=100", "mac=\"02:00:00:00:00:01\"", "mac=\"01:00:00:00:00:01\"", "mac=\"xx\"", "options:ifindex=7", "options:peer=p6", "options:remote_ip=1.2.3.4", "options:remote_ip=flow", "options:remote_ip=x", "options:key=flow", "options:key=5",
                 "options:local_ip=1.1.1.1", "options:dst_port=99999", "options:nosuch=1", "type=dummy", "type=internal", "type=patch", "type=vxlan", "ingress_policing_rate=100", "ingress_policing_burst=10", "bfd:enable=true", "bfd:enable=false", "external_ids:a=b", "lldp:enable=false"))],
        lambda: ["add-bond", bridge, "bond0", *c.sample(PORTS, 2), *c.sample(["bond_mode=active-backup", "lacp=active", "bond_mode=balance-slb", "bond_mode=balance-tcp", "bond_updelay=100", "other_config:bond-primary=p5", "other_config:lacp-time=fast"], c.randrange(3))],
        lambda: ["set", "port", "bond0", c.choice(("bond_mode=balance-tcp", "bond_mode=balance-slb", "bond_mode=active-backup", "lacp=off", "lacp=active", "bond_downdelay=50", "other_config:bond-rebalance-interval=0", "other_config:bond-hash-basis=5", "other_config:lacp-fallback-ab=true", "other_config:all-members-active=true"))],
        lambda: ["--if-exists", "del-port", "bond0"],
    ))()


def others(c):
    port, bridge = c.choice(PORTS), c.choice(BRIDGES)
    return c.choice((
        lambda: ["set", "bridge", bridge, f"protocols={c.choice(('OpenFlow10', 'OpenFlow13', 'OpenFlow10,OpenFlow13', 'OpenFlow15', 'OpenFlow10,OpenFlow11,OpenFlow12,OpenFlow13,OpenFlow14,OpenFlow15', '[]'))}"],
        lambda: ["set-fail-mode", bridge, c.choice(("secure", "standalone", "other"))], lambda: ["del-fail-mode", bridge], lambda: ["get-fail-mode", bridge], lambda: ["set-controller", bridge, c.choice(("unix:nosuch", "punix:x.sock", "punix:br0.x", "ptcp:0:127.0.0.1", "nosuch:1", "tcp:127.0.0.1:1"))], lambda: ["del-controller", bridge],
        lambda: ["set", "bridge", bridge, c.choice(("other_config:datapath-id=0000000000000005", "other_config:datapath-id=0x123", "other_config:datapath-id=zz", "other_config:dp-desc=hello", "other_config:dp-sn=x", "other_config:disable-in-band=true", "other_config:mac-table-size=5", "other_config:mac-table-size=20", "other_config:mac-aging-time=10",
                 "other_config:forward-bpdu=true", "other_config:flow-eviction-threshold=10", "mcast_snooping_enable=true", "mcast_snooping_enable=false", "other_config:mcast-snooping-table-size=10", "flood_vlans=5", "flood_vlans=[]", "external_ids:bridge-id=x", "other_config:hwaddr=zz", "other_config:hwaddr=00:00:00:00:00:07", "other_config:max-idle=5"))],
        lambda: ["--", "--id=@m", "create", "mirror", f"name=m{c.randrange(2)}", *c.sample(["select_all=true", "output_vlan=5", "select_vlan=3", "snaplen=100", "select_all=false"], c.randrange(3)), "--", "add", "bridge", bridge, "mirrors", "@m"],
        lambda: ["--", "--id=@p", "get", "port", port, "--", "--id=@m", "create", "mirror", "name=m5", c.choice(("select_src_port=@p", "output_port=@p", "select_dst_port=@p")), "select_all=true", "--", "set", "bridge", bridge, "mirrors=@m"],
        lambda: ["clear", "bridge", bridge, c.choice(("mirrors", "flow_tables", "other_config", "controller"))],
        lambda: ["--", "set", "port", port, "qos=@q", "--", "--id=@q", "create", "qos", f"type={c.choice(('linux-htb', 'linux-hfsc', 'nosuch', 'linux-noop', 'linux-codel', NOTHING))}", "other-config:max-rate=1000000", "queues:0=@a", "queues:1=@b", "--", "--id=@a", "create", "queue", "other-config:min-rate=1000", "--", "--id=@b", "create", "queue", "dscp=9"],
        lambda: ["--", "--all", "destroy", "qos", "--", "--all", "destroy", "queue"],
        lambda: ["--", "--id=@t", "create", "flow_table", *c.sample([f"flow_limit={c.choice((0, 1, 5, 100))}", "overflow_policy=evict", "overflow_policy=refuse", "name=t0", "groups=\"NXM_OF_IN_PORT[]\"", "prefixes=ip_dst", "prefixes=none", "prefixes=nosuch", "groups=nosuch"], c.choice((1, 2, 3))), "--", "set", "bridge", bridge, f"flow_tables:{c.choice((0, 1, 5, 253, 254))}=@t"],
        lambda: ["set", "open_vswitch", ".", c.choice(("other_config:max-idle=5000", "other_config:max-idle=x", "other_config:flow-limit=100", "other_config:vlan-limit=2", "other_config:stats-update-interval=5000", "other_config:n-handler-threads=1", "other_config:bundle-idle-timeout=5", "other_config:userspace-tso-enable=false"))],
        lambda: ["add-br", "br2", *c.choice(([], ["--", "set", "bridge", "br2", "datapath_type=nosuch"], ["--", "set", "bridge", "br2", "datapath_type=dummy"], ["br0", "5"]))], lambda: ["--if-exists", "del-br", "br2"], lambda: ["--if-exists", "del-br", "br1"], lambda: ["--may-exist", "add-br", "br1"],
        lambda: ["add-br", c.choice(("br/x", "..", "a" * 16, "br.5", "p1"))], lambda: ["list-ports", bridge], lambda: ["list-ifaces", bridge], lambda: ["iface-to-br", port], lambda: ["br-to-vlan", bridge], lambda: ["get", "interface", port, c.choice(("ofport", "error", "mac_in_use", "status"))],
    ))()


def command(c, _):
    words = ports(c) if c.random() < 0.6 else others(c)
    if c.random() < 0.15:
        words += ["--", *ports(c)]
    return [dict(run=["ovs-vsctl", *words], sort=True)]
