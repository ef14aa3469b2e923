using System.Text.Json;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Datapath flows are printed as Open vSwitch printed them when the cases were recorded.</summary>
public sealed class DpFlowFormatterTests
{
    private static readonly PortNames s_ports = new(new Dictionary<string, uint> { ["p1"] = 1, ["p2"] = 2 });

    public static TheoryData<string> Cases => [.. CaseFiles.Names.Where(name => Megaflows(CaseFiles.Load(name)).Any())];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Recorded_keys_print_again(string name)
    {
        ConformanceCase c = CaseFiles.Load(name);
        Dictionary<string, uint> numbers = c.Json.GetProperty("ports").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetUInt32());
        var ports = new PortNames(numbers);
        var reader = new DpKeyReader(numbers);
        foreach (string text in Megaflows(c))
        {
            // What set_queue reads, the queue that a packet has, is in no key here.
            string expected = text[..text.IndexOf(", packets:", StringComparison.Ordinal)].Replace("skb_priority(0),", "skb_priority(0/0),", StringComparison.Ordinal);
            (FlowKey key, FlowKey mask) = reader.Read(expected);
            Assert.Equal(expected, DpFlowFormatter.FormatKey(key, mask, ports, verbose: true));
        }
    }

    [Fact]
    public void Short_form_shows_what_was_consulted()
    {
        var reader = new DpKeyReader(new Dictionary<string, uint> { ["p1"] = 1 });
        (FlowKey key, FlowKey mask) = reader.Read(
            "skb_mark(0/0),ct_state(0x22/0x32),ct_zone(0x6606/0),ct_mark(0/0x1),ct_label(0/0),recirc_id(0xb),in_port(p1),"
            + "eth(src=02:d0:b4:d4:81:02/00:00:00:00:00:00,dst=02:96:fd:ee:a0:b3),eth_type(0x8100),vlan(vid=5,pcp=0/0x0),"
            + "encap(eth_type(0x0800),ipv4(src=10.20.205.15/255.255.255.0,dst=203.0.113.73/0.0.0.0,proto=6,tos=0/0,ttl=64/0,frag=no),tcp(src=62005/0,dst=8080))");
        DpAction[] actions = [Action(DpOp.PopVlan), Output(2)];
        Assert.Equal(
            "ct_state(+est-inv+trk),ct_mark(0/0x1),recirc_id(0xb),in_port(p1),packet_type(ns=0,id=0),eth(dst=02:96:fd:ee:a0:b3),eth_type(0x8100),"
            + "vlan(vid=5),encap(eth_type(0x0800),ipv4(src=10.20.205.15/255.255.255.0,proto=6,frag=no),tcp(dst=8080)), "
            + "packets:3, bytes:180, used:1.250s, flags:SFP., actions:pop_vlan,p2",
            DpFlowFormatter.FormatFlow(key, mask, 3, 180, 1250, 0x1b, actions, s_ports));
    }

    [Fact]
    public void Verbose_form_names_ufid_and_layer()
    {
        FlowKey key = default, mask = default;
        string text = DpFlowFormatter.FormatFlow(
            key, mask, 0, 0, null, 0, [], verbose: true, ufid: Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), offloaded: true, layer: "dpdk");
        Assert.StartsWith("ufid:00112233-4455-6677-8899-aabbccddeeff, skb_priority(0/0),", text, StringComparison.Ordinal);
        Assert.EndsWith(", packets:0, bytes:0, used:never, offloaded:yes, dp:dpdk, actions:drop", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Conntrack_actions_print()
    {
        DpAction commit = Action(DpOp.Ct);
        commit.Ct = new DpCt
        {
            Flags = DpCtFlags.Commit | DpCtFlags.Nat,
            Nat = NatKind.Src,
            Zone = 5,
            Mark = 1,
            MarkMask = 0xff,
            NatAddrMin = Ipv6Address.FromUInt128((UInt128)0x0a000001 << 96),
            NatAddrMax = Ipv6Address.FromUInt128((UInt128)0x0a000005 << 96),
            NatPortMin = 1000,
            NatPortMax = 2000,
        };
        DpAction force = Action(DpOp.Ct);
        force.Ct = new DpCt { Flags = DpCtFlags.Commit | DpCtFlags.Force, Label = Ipv6Address.FromUInt128(2), LabelMask = Ipv6Address.FromUInt128(3) };
        DpAction ipv6 = Action(DpOp.Ct);
        ipv6.Ct = new DpCt
        {
            Flags = DpCtFlags.Commit | DpCtFlags.Nat | DpCtFlags.NatIpv6 | DpCtFlags.NatPersistent,
            Nat = NatKind.Dst,
            NatAddrMin = Ipv6Address.FromUInt128(1),
            NatAddrMax = Ipv6Address.FromUInt128(1),
            NatPortMin = 80,
            NatPortMax = 80,
        };
        DpAction follow = Action(DpOp.Ct);
        follow.Ct = new DpCt { Flags = DpCtFlags.Nat, Zone = 7 };
        DpAction recirc = Action(DpOp.Recirc);
        recirc.RecircId = 0x1f;
        Assert.Equal(
            "ct(commit,zone=5,mark=0x1/0xff,nat(src=10.0.0.1-10.0.0.5:1000-2000)),ct(force_commit,label=0x2/0x3),"
            + "ct(commit,nat(dst=[::1]:80,persistent)),ct(zone=7,nat),ct,recirc(0x1f)",
            DpFlowFormatter.FormatActions([commit, force, ipv6, follow, Action(DpOp.Ct), recirc]));
    }

    [Fact]
    public void Rewrites_print_only_what_they_write()
    {
        DpAction eth = Action(DpOp.SetEth);
        eth.Eth = new DpSetEth { Src = EthAddress.FromUInt64(0x020000000001), SrcMask = EthAddress.FromUInt64(ulong.MaxValue) };
        DpAction ipv4 = Action(DpOp.SetIpv4);
        ipv4.Ipv4 = new DpSetIpv4 { Dst = Be32.FromHost(0x0a000001), DstMask = Be32.FromHost(uint.MaxValue), Tos = 0x20, TosMask = 0xfc, Ttl = 63, TtlMask = 0xff };
        DpAction udp = Action(DpOp.SetL4);
        udp.L4 = new DpSetL4 { Dst = Be16.FromHost(53), DstMask = Be16.FromHost(0xffff), Proto = IpProto.Udp };
        DpAction ipv6 = Action(DpOp.SetIpv6Misc);
        ipv6.Ipv6Misc = new DpSetIpv6Misc { HopLimit = 9, HopLimitMask = 0xff, Label = Be32.FromHost(0xa1e), LabelMask = Be32.FromHost(0xfffff) };
        DpAction arp = Action(DpOp.SetArp);
        arp.Arp = new DpSetArp { Op = Be16.FromHost(2), OpMask = Be16.FromHost(0xffff) };
        DpAction mark = Action(DpOp.SetPktMark);
        mark.PktMark = new DpSetPktMark { Mark = 5, MarkMask = 0xff };
        DpAction vlan = Action(DpOp.SetVlan);
        vlan.Vlan = new DpSetVlan { Tci = Be16.FromHost(0x1005), TciMask = Be16.FromHost(0x0fff) };
        Assert.Equal(
            "set(eth(src=02:00:00:00:00:01)),set(ipv4(dst=10.0.0.1,tos=0x20/0xfc,ttl=63)),set(udp(dst=53)),set(ipv6(label=0xa1e,hlimit=9)),"
            + "set(arp(op=2)),set(skb_mark(0x5/0xff)),set(vlan(vid=5))",
            DpFlowFormatter.FormatActions([eth, ipv4, udp, ipv6, arp, mark, vlan]));
    }

    [Fact]
    public void Nested_programs_print_inside()
    {
        DpAction clone = Action(DpOp.Clone);
        clone.NestedCount = 3;
        DpAction check = Action(DpOp.CheckPktLen);
        (check.LengthBytes, check.NestedCount, check.ElseCount) = (1500, 1, 0);
        DpAction sample = Action(DpOp.Sample);
        (sample.Probability, sample.NestedCount) = (uint.MaxValue / 2, 1);
        DpAction push = Action(DpOp.PushVlan);
        (push.EthType, push.VlanTci) = (EthType.QinQ, 0x1005);
        DpAction pushZero = Action(DpOp.PushVlan);
        (pushZero.EthType, pushZero.VlanTci) = (EthType.Vlan, 0x7000);
        DpAction hash = Action(DpOp.Hash);
        hash.Hash = new DpHash { Basis = 4 };
        DpAction trunc = Action(DpOp.Truncate);
        trunc.LengthBytes = 100;
        Assert.Equal(
            "clone(check_pkt_len(size=1500,gt(p1),le(drop)),7),sample(sample=50.0%,actions(p2)),push_vlan(tpid=0x88a8,vid=5,pcp=0),"
            + "push_vlan(vid=0,pcp=3),hash(l4(4)),trunc(100),p1",
            DpFlowFormatter.FormatActions([clone, check, Output(1), Output(7), sample, Output(2), push, pushZero, hash, trunc, Output(1)], s_ports));
    }

    private static IEnumerable<string> Megaflows(ConformanceCase c)
        => c.ReadJson("final.json.gz")!.Value.GetProperty("megaflows").EnumerateArray().Select(flow => flow.GetString()!);

    private static DpAction Action(DpOp op) => new() { Op = op };

    private static DpAction Output(uint port) => new() { Op = DpOp.Output, Port = port };
}
