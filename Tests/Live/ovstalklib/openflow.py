"""ovs-ofctl in all versions."""
from ovstalklib import flows

BRIDGES = ("br0", "br0", "br0", "br0", "br1", "p1", "nosuch")
FRAMES = ("50540000000a5054000000090800450000280000000040060000 0a0000020a00000100500051000000000000000050020000000000 00".replace(" ", ""), "ffffffffffff505400000009080600010800060400015054000000090a000002000000000000" + "0a000001", "50540000000a505400000009" + "8100000108004500001400000000400100000a0000020a000001", "505400000001", "")


def ofctl(c, version, *words, **more):
    options = ["-O", c.choice((version, "+".join(flows.VERSIONS))) if c.random() < 0.1 else version]
    return dict(run=["ovs-ofctl", *options, *words], **more)


def command(c, _):
    v, b = c.choice(flows.VERSIONS), c.choice(BRIDGES) if c.random() < 0.1 else c.choice(("br0", "br0", "br1"))
    of = lambda *words, **more: [ofctl(c, v, *words, **more)]
    bundle = ["--bundle"] if c.random() < 0.15 else []
    strict = ["--strict"] if c.random() < 0.5 else []
    many = lambda make: {"in": "".join(make() + "\n" for _ in range(c.choice((1, 3, 6))))}
    return c.choices((
        lambda: of(*bundle, "add-flow", b, flows.flow(c)), lambda: of(*bundle, "mod-flows", *strict, b, flows.flow(c)), lambda: of(*bundle, "del-flows", *strict, b, *([flows.chosen(c)] if c.random() < 0.9 else [])),
        lambda: of(*bundle, "add-flows", b, "in", files=many(lambda: c.choice(("", "", "add ", "modify ", "modify_strict ", "delete ", "delete_strict ")) + flows.flow(c))), lambda: of(*bundle, "replace-flows", b, "in", files=many(lambda: flows.flow(c))), lambda: of("diff-flows", b, "in", files=many(lambda: flows.flow(c))),
        lambda: of(*bundle, "add-group", b, flows.group(c)), lambda: of(*bundle, *c.choice(([], ["--may-create"])), "mod-group", b, flows.group(c)), lambda: of("del-groups", b, *c.choice(([], [f"group_id={c.choice((1, 2, 9))}"]))),
        lambda: of("insert-buckets", b, f"group_id={c.choice((1, 2, 3, 9))},command_bucket_id={c.choice(('first', 'last', 0, 1, 5, 'all'))},{flows.bucket(c)}"), lambda: of("remove-buckets", b, f"group_id={c.choice((1, 2, 3, 9))},command_bucket_id={c.choice(('first', 'last', 'all', 0, 1, 5))}"),
        lambda: of(*bundle, "add-groups", b, "in", files=many(lambda: c.choice(("", "add ", "modify ", "add_or_mod ", "delete ", "insert_bucket ")) + flows.group(c))), lambda: of(*bundle, "bundle", b, "in", files=many(lambda: c.choice((lambda: "flow " + c.choice(("add ", "modify ", "delete ")) + flows.flow(c), lambda: "group " + flows.group(c), lambda: "packet-out in_port=1,packet=" + c.choice(FRAMES[:3]) + ",actions=" + flows.simple_actions(c)))())),
        lambda: of("add-meter", b, flows.meter(c)), lambda: of("mod-meter", b, flows.meter(c)), lambda: of("del-meters", b, *c.choice(([], ["meter=1"], ["meter=9"]))),
        lambda: of("mod-port", b, c.choice(flows.PORTS), c.choice(("down", "up", "no-flood", "flood", "no-forward", "forward", "no-packet-in", "packet-in", "no-receive", "receive", "no-stp", "no-recv-stp", "nosuch"))),
        lambda: of("mod-table", b, c.choice(("0", "1", "253", "254", "ALL", "all", "999")), c.choice(("evict", "noevict", "vacancy:20,80", "vacancy:80,20", "novacancy", "controller", "drop", "continue"))),
        lambda: of("set-frags", b, c.choice(("normal", "drop", "reassemble", "nx-match"))), lambda: of("packet-out", b, f"in_port={c.choice(flows.PORTS)},packet={c.choice(FRAMES)},actions={flows.actions(c)}"), lambda: of("packet-out", b, c.choice(flows.PORTS), flows.simple_actions(c), *c.sample(FRAMES, c.choice((1, 2)))),
        lambda: of(c.choice(("add-tlv-map", "del-tlv-map")), b, *c.choice((["{class=0xffff,type=0,len=4}->tun_metadata0"], ["{class=0xffff,type=1,len=8}->tun_metadata1,{class=0xffff,type=2,len=124}->tun_metadata2"], ["{class=0xffff,type=0,len=4}->tun_metadata63"], []))),
        lambda: of("ct-flush", b, *c.choice(([], ["zone=5"], ["ct_nw_src=10.0.0.1"], ["ct_nw_src=10.0.0.1,ct_nw_proto=6"]))), lambda: [look(c)], lambda: of("probe", b), lambda: of("ping", b, "0"), lambda: of("set-config", b, "1"),
    ), (12, 8, 6, 5, 2, 2, 7, 5, 2, 3, 2, 2, 3, 3, 2, 1, 3, 3, 1, 4, 2, 1, 1, 10, 1, 0, 0))[0]()


def look(c):
    v, b = c.choice(flows.VERSIONS), c.choice(("br0", "br0", "br1"))
    words = c.choice((
        lambda: ["dump-flows", b, *([flows.chosen(c)] if c.random() < 0.5 else [])], lambda: ["--names", "dump-flows", b], lambda: ["--no-stats", "--sort=priority", "dump-flows", b], lambda: ["dump-aggregate", b, *([flows.chosen(c)] if c.random() < 0.5 else [])], lambda: ["dump-groups", b, *c.choice(([], ["1"], ["9"], ["all"]))],
        lambda: ["dump-group-stats", b, *c.choice(([], ["group_id=1"], ["group_id=9"], ["1"]))], lambda: ["dump-group-features", b], lambda: ["dump-meters", b], lambda: ["meter-stats", b, *c.choice(([], ["meter=1"], ["meter=9"]))], lambda: ["meter-features", b], lambda: ["show", b], lambda: ["dump-ports", b, *c.choice(([], [c.choice(flows.PORTS)]))],
        lambda: ["dump-ports-desc", b, *c.choice(([], [c.choice(flows.PORTS)]))], lambda: ["dump-tables", b], lambda: ["dump-table-desc", b], lambda: ["queue-stats", b, *c.choice(([], ["1"], ["1", "0"], ["ALL", "1"], ["9"], ["LOCAL", "5"]))], lambda: ["queue-get-config", b, *c.choice(([], ["1"], ["9"], ["ANY", "1"], ["LOCAL"], ["1", "0"]))], lambda: ["get-frags", b],
        lambda: ["dump-tlv-map", b], lambda: ["dump-ipfix-bridge", b], lambda: ["dump-ipfix-flow", b],
    ))()
    return ofctl(c, v, *words, sort=True)
