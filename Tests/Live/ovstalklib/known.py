"""Differences that are known, and why (docs/upstream-tests.md)."""
import re


class Known:
    """A difference that is as it should be: of commands that match, once both answers are rewritten."""

    def __init__(self, why, command, *, rewrite=None, ours=None, real=None, ends_turn=False):
        self.why, self.command, self.rewrite, self.ours, self.real, self.ends_turn = why, re.compile(command), rewrite, ours, real, ends_turn

    def explains(self, command, real, ours):
        if not self.command.search(" ".join(command.get("run", ["raw", *command.get("messages", [])]))):
            return False
        if self.ours is not None and not re.search(self.ours, ours):
            return False
        if self.real is not None and not re.search(self.real, real):
            return False
        return self.rewrite is None or self.rewrite(real) == self.rewrite(ours)


def without(*patterns):
    """Takes lines or words away that match, in both answers."""
    found = [re.compile(p, re.MULTILINE) for p in patterns]

    def rewrite(text):
        for p in found:
            text = p.sub("", text)
        return text
    return rewrite


def sorted_lines(text):
    return "\n".join(sorted(text.splitlines()))


def sorted_outputs(text):
    """Ports to which a packet is flooded, in any order."""
    return re.sub(r"(Datapath actions: |actions:)(.*)", lambda m: m[1] + ",".join(sorted(m[2].split(","))), text)


NOT_THERE = r"is not a valid command"
REASONS = [
    Known("the original does not answer any more", "", real="HANGS|control socket:|ENDED", ends_turn=True),
    Known("what tables can do (943)", "raw .*0[3-6]12....[0-9a-f]{8}000c", rewrite=without(r"^..13.{8,16}000c.*\n", r"^..01[0-9a-f]{12} 000[1de]000[0-9a-f]..12....[0-9a-f]{8}000c.*\n")),
    Known("an error is not answered with an error", "raw", rewrite=without(r"^..01[0-9a-f]{12} 00010001..01.*\n")),
    Known("a type of bundle message that there is not is said not to be there", "raw", rewrite=without(r"^..21001000.*\n", r"^..01[0-9a-f]{12} 00110006..21.*\n")),
    Known("links of ports without devices are looked at once a second", "list (Interface|interface)", rewrite=lambda t: t.replace(",down,down,", ",up,up,")),
    Known("packets of control are not counted in the tables that they come to (1309)", "dump-tables", rewrite=without(r"lookup=[0-9]+, matched=[0-9]+", r"^ +\(same features\)\n", r"^ +tables? [0-9.]+.*\n", r"^\n")),
    Known("there are no hidden flows", "table=254", rewrite=without(r"^.*table=254.*\n")),
    Known("what is no message for a switch is refused for what it is, whatever its length", "raw", rewrite=without(r"^..01[0-9a-f]{12} 0001000[16]..(13|06|08|0a|0b|0c|15|17|19|1b).*\n")),
    Known("addresses of ports are others", "raw .*..10002[08]", rewrite=without(r"^..01[0-9a-f]{12} 00070001.*\n")),
    Known("no thread of revalidators", "memory/show", rewrite=without(r"^(revalidators|keys)\n")),
    Known("how many megaflows there may be", "upcall/show", rewrite=without(r"^limit [0-9]+\n")),
    Known("the peer closes in one moment or another", "ovs-ofctl", ours="failed to connect to socket", real="failed to connect to socket"),
    Known("megaflows by hand are read by their own rules", "dpctl/(add|mod|del|get)-flow", ends_turn=True),
    Known("megaflows by hand are read by their own rules", "dpctl/del-flows"),
    Known("types that are not there", "iface_types", rewrite=without(r'"\[.*?\]"')),
    Known("what datapaths can", "show-dp-features|set-dp-features", rewrite=without(r"(?i)^.*(eventmask|balance tcp|vlan headers|nd extension).*\n"), ),
    Known("the order is that of a hash", "set-dp-features", rewrite=lambda t: sorted_lines(without(r"(?i)^.*(eventmask|balance tcp|vlan headers|nd extension).*\n")(t))),
    Known("there are no hidden flows", "bridge/dump-flows", rewrite=without(r"^table_id=254.*\n")),
    Known("protocols that are refused by name, and what only tests ask", "ovs-appctl (cfm|stp|rstp|autoattach)/|ct-bkts|cache-[gs]et-size|offload-stats-show|parse-actions|normalize-actions|bond-show|pmd-perf|upcall/set-flow-limit|disable-ufid", ours=NOT_THERE),
    Known("lines of the log have one form", "vlog/list-pattern"),
    Known("who has made it", "appctl version"),
    Known("routes of the host are seen", "ovs/route/(show|lookup)"),
    Known("ports of tunnels are chosen in one range", "egress_port_range"),
    Known("a frame that is none is refused in other words", "netdev-dummy/receive", ours="syntax error parsing|bad rx queue", real="syntax error"),
    Known("flooded in another order", "ofproto/trace|dump-flows", rewrite=sorted_outputs),
    Known("which of several flows is told first is the client's choice", "replace-flows|diff-flows", rewrite=lambda t: sorted_lines(re.sub(r"xid=0x[0-9a-f]+", "", t))),
    Known("fields for Geneve options are the first one's alone", "tun_metadata|TUN_METADATA", ends_turn=True),
]
