"""What is said in a turn: bridges first, then all kinds of commands in turn, and dumps between them."""
from ovstalklib import control, database, messages, openflow

KINDS = {"database": (database.command, 3), "openflow": (openflow.command, 8), "control": (control.command, 4), "raw": (messages.command, 3)}


def turn(c, length, only, folder):
    chosen = [(f, weight) for name, (f, weight) in KINDS.items() if not only or name in only]
    prepare = {"raw": messages.record(c, folder) if not only or "raw" in only else []}
    commands = database.beginning(c)
    while len(commands) < length:
        make = c.choices([f for f, _ in chosen], [w for _, w in chosen])[0]
        commands += make(c, prepare)
        if c.random() < 0.3:
            commands += look(c)
    for bridge in ("br0", "br1"):
        commands += [dict(run=["ovs-ofctl", "-O", "OpenFlow15", what, bridge], sort=True) for what in ("dump-flows", "dump-groups", "dump-meters", "show", "dump-ports-desc")]
    return commands


def look(c):
    return [openflow.look(c) if c.random() < 0.7 else database.look(c)]
