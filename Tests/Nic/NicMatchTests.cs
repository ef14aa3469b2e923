using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

public sealed class NicMatchTests
{
    private static bool Hits(FlowItem[] pattern, byte[] frame, uint? port = 1)
    {
        bool[] answers = new bool[2];
        foreach (FlowTable table in (FlowTable[])[FlowTable.Wildcard, FlowTable.ExactMatch])
        {
            using var bench = new NicBench();
            bench.Create(new FlowRule(new FlowAttr(port, table), pattern, [new FlowActionPort(2)]));
            answers[(int)table] = bench.Receive(frame) is not null;
        }
        Assert.Equal(answers[0], answers[1]);
        return answers[0];
    }

    public static TheoryData<string, bool> Cases => new()
    {
        { "port other", false },
        { "any port", true },
        { "eth dst", true },
        { "eth dst other", false },
        { "eth src masked", true },
        { "type", true },
        { "type other", false },
        { "untagged", true },
        { "tagged", false },
        { "src", true },
        { "src other", false },
        { "src prefix", true },
        { "odd bits", true },
        { "odd bits other", false },
        { "proto", true },
        { "tos", true },
        { "ecn other", false },
        { "ttl", true },
        { "ttl other", false },
        { "unfragmented", true },
        { "first fragment", false },
        { "tcp", true },
        { "udp", false },
        { "ports", true },
        { "port range mask", true },
        { "no syn fin rst", true },
        { "ack set", true },
        { "syn set", false },
        { "good checksums", true },
        { "ipv6", false },
        { "vlan", false },
        { "mpls", false },
        { "arp", false },
        { "icmp", false },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_TCP_frame_against(string name, bool expected)
    {
        byte[] frame = NicFrame.TcpIpv4();
        FlowItemEth eth = new();
        FlowItemIpv4 ip = new();
        FlowItem[] pattern = name switch
        {
            "port other" or "any port" => [],
            "eth dst" => [new FlowItemEth { Dst = new(0x0200_0000_0002, 0xffff_ffff_ffff) }],
            "eth dst other" => [new FlowItemEth { Dst = new(0x0200_0000_0003, 0xffff_ffff_ffff) }],
            "eth src masked" => [new FlowItemEth { Src = new(0x0200_0000_0000, 0xff00_0000_00f0) }],
            "type" => [new FlowItemEth { Type = 0x0800 }],
            "type other" => [new FlowItemEth { Type = 0x0806 }],
            "untagged" => [new FlowItemEth { HasVlan = false }],
            "tagged" => [new FlowItemEth { HasVlan = true }],
            "src" => [eth, new FlowItemIpv4 { Src = 0x0a000001, Dst = 0x0a000002 }],
            "src other" => [eth, new FlowItemIpv4 { Src = 0x0a000002 }],
            "src prefix" => [eth, new FlowItemIpv4 { Src = new(0x0a000000, 0xffffff00) }],
            "odd bits" => [eth, new FlowItemIpv4 { Src = new(0x00000001, 0x00000101) }],
            "odd bits other" => [eth, new FlowItemIpv4 { Src = new(0x00000100, 0x00000101) }],
            "proto" => [eth, new FlowItemIpv4 { Proto = 6 }],
            "tos" => [eth, new FlowItemIpv4 { Tos = 0 }],
            "ecn other" => [eth, new FlowItemIpv4 { Tos = new(1, 3) }],
            "ttl" => [eth, new FlowItemIpv4 { Ttl = 64 }],
            "ttl other" => [eth, new FlowItemIpv4 { Ttl = new(0x80, 0x80) }],
            "unfragmented" => [eth, new FlowItemIpv4 { Frag = new(0, 3) }],
            "first fragment" => [eth, new FlowItemIpv4 { Frag = new(1, 3) }],
            "tcp" => [eth, ip, new FlowItemTcp()],
            "udp" => [eth, ip, new FlowItemUdp()],
            "ports" => [eth, ip, new FlowItemTcp { Src = 1000, Dst = 80 }],
            "port range mask" => [eth, ip, new FlowItemTcp { Dst = new(64, 0xffc0) }],
            "no syn fin rst" => [eth, ip, new FlowItemTcp { Flags = new(0, 7) }],
            "ack set" => [eth, ip, new FlowItemTcp { Flags = new(0x10, 0x10) }],
            "syn set" => [eth, ip, new FlowItemTcp { Flags = new(2, 2) }],
            "good checksums" => [eth, ip, new FlowItemTcp(), new FlowItemIntegrity { Ipv4CsumOk = true, L4CsumOk = true }],
            "ipv6" => [eth, new FlowItemIpv6()],
            "vlan" => [eth, new FlowItemVlan()],
            "mpls" => [eth, new FlowItemMpls()],
            "arp" => [eth, new FlowItemArp()],
            "icmp" => [eth, ip, new FlowItemIcmp()],
            _ => throw new ArgumentOutOfRangeException(nameof(name)),
        };
        Assert.Equal(expected, Hits(pattern, frame, name == "any port" ? null : name == "port other" ? 2u : 1u));
    }

    [Fact]
    public void Tags_are_counted_and_read()
    {
        byte[] ip = NicFrame.TcpIpv4()[14..];
        byte[] none = NicFrame.TcpIpv4();
        byte[] one = NicFrame.New().Vlan(0x3005).Type(0x0800, ip);
        byte[] two = NicFrame.New().Vlan(0x3005, 0x88a8).Vlan(0x0006).Type(0x0800, ip);
        FlowItemEth eth = new() { Type = 0x0800 };
        Assert.Equal([true, true, true], Row([eth]));
        Assert.Equal([false, true, true], Row([eth with { HasVlan = true }]));
        Assert.Equal([false, true, false], Row([eth, new FlowItemVlan { HasMoreVlan = false }]));
        Assert.Equal([false, false, true], Row([eth, new FlowItemVlan(), new FlowItemVlan()]));
        Assert.Equal([false, true, true], Row([eth, new FlowItemVlan { Tci = new(5, 0xfff) }]));
        Assert.Equal([false, true, true], Row([eth, new FlowItemVlan { Tci = new(0x2000, 0xe000) }]));
        Assert.Equal([false, true, true], Row([eth, new FlowItemVlan { Tci = new(0x1000, 0x1000) }]));
        Assert.Equal([false, true, false], Row([eth, new FlowItemVlan { Tpid = 0x8100 }]));
        Assert.Equal([false, false, true], Row([eth, new FlowItemVlan(), new FlowItemVlan { Tci = new(6, 0xfff) }]));
        Assert.Equal([false, false, false], Row([eth, new FlowItemVlan(), new FlowItemVlan { Tci = new(7, 0xfff) }]));

        bool[] Row(FlowItem[] pattern) => [Hits(pattern, none), Hits(pattern, one), Hits(pattern, two)];
    }

    [Fact]
    public void Other_protocols()
    {
        byte[] arp = NicFrame.New().Type(0x0806, [0, 1, 8, 0, 6, 4, 0, 2, 1, 2, 3, 4, 5, 6, 10, 0, 0, 1, 6, 5, 4, 3, 2, 1, 10, 0, 0, 2]);
        FlowItemArp item = new() { Op = 2, Spa = 0x0a000001, Tpa = 0x0a000002, Sha = new(0x010203040506, 0xffff_ffff_ffff), Tha = new(0x060504030201, 0xffff_ffff_ffff) };
        Assert.True(Hits([new FlowItemEth(), item], arp));
        Assert.False(Hits([new FlowItemEth(), item with { Op = 1 }], arp));
        Assert.False(Hits([new FlowItemEth(), item with { Tha = new(0x060504030202, 0xffff_ffff_ffff) }], arp));

        byte[] echo = NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", 1, [8, 3, 0, 0, 0, 1, 0, 2]);
        Assert.True(Hits([new FlowItemEth(), new FlowItemIpv4(), new FlowItemIcmp { Type = 8, Code = 3 }], echo));
        Assert.False(Hits([new FlowItemEth(), new FlowItemIpv4(), new FlowItemIcmp { Type = 0 }], echo));

        byte[] solicitation = [135, 0, 0, 0, 0, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 1, 1, 2, 0, 0, 0, 0, 7];
        byte[] nd = NicFrame.New().Ipv6("fd00::1", "ff02::1:ff00:9", 58, solicitation, hop: 255);
        FlowItemNd target = new() { Target = new UInt128(0xfd00_0000_0000_0000, 9), Sll = new(0x0200_0000_0007, 0xffff_ffff_ffff), Tll = new(0, 0xffff_ffff_ffff) };
        Assert.True(Hits([new FlowItemEth(), new FlowItemIpv6 { Ttl = 255 }, new FlowItemIcmp6 { Type = 135 }, target], nd));
        Assert.False(Hits([new FlowItemEth(), new FlowItemIpv6(), new FlowItemIcmp6(), target with { Sll = new(0x0200_0000_0008, 0xffff_ffff_ffff) }], nd));
        byte[] twice = NicFrame.New().Ipv6("fd00::1", "ff02::1:ff00:9", 58, [.. solicitation, 1, 1, 2, 0, 0, 0, 0, 8], hop: 255);
        Assert.False(Hits([new FlowItemEth(), new FlowItemIpv6(), new FlowItemIcmp6(), new FlowItemNd()], twice));

        byte[] mpls = NicFrame.New().Type(0x8847, [0, 1, 0x02, 64, 0, 2, 0x03, 63, 0x45]);
        Assert.True(Hits([new FlowItemEth(), new FlowItemMpls { Lse = 0x00010240 }, new FlowItemMpls { Lse = new(0x00020000, 0xfffff000) }], mpls));
        Assert.False(Hits([new FlowItemEth(), new FlowItemMpls { Lse = new(0x100, 0x100) }], mpls));
        Assert.False(Hits([new FlowItemEth(), new FlowItemMpls(), new FlowItemMpls(), new FlowItemMpls()], mpls));

        byte[] labelled = NicFrame.TcpIpv6();
        labelled[16] = 0x12;
        Assert.True(Hits([new FlowItemEth(), new FlowItemIpv6 { FlowLabel = new(0x1200, 0xfffff), Src = new(new UInt128(0xfd00_0000_0000_0000, 1), UInt128.MaxValue) }], labelled));
        Assert.False(Hits([new FlowItemEth(), new FlowItemIpv6 { FlowLabel = new(0x1201, 0xfffff) }], labelled));
    }

    [Fact]
    public void What_the_parser_cannot_vouch_for_goes_to_software()
    {
        FlowItemEth eth = new();
        byte[] segment = NicFrame.TcpSegment(1, 2, 16, 20);
        byte[] first = NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Tcp, segment, fragment: 0x2000);
        byte[] later = NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Tcp, segment, fragment: 0x0003);
        Assert.True(Hits([eth, new FlowItemIpv4(), new FlowItemTcp()], first));
        Assert.False(Hits([eth, new FlowItemIpv4 { Frag = new(0, 3) }, new FlowItemTcp()], first));
        Assert.False(Hits([eth, new FlowItemIpv4(), new FlowItemTcp()], later));
        Assert.True(Hits([eth, new FlowItemIpv4 { Frag = new(3, 3), Proto = 6 }], later));
        byte[] cut = NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Tcp, segment[..19]);
        Assert.True(Hits([eth, new FlowItemIpv4 { Proto = 6 }], cut));
        Assert.False(Hits([eth, new FlowItemIpv4(), new FlowItemTcp()], cut));
        byte[] badLength = NicFrame.TcpIpv4();
        badLength[17] = 200;
        Assert.True(Hits([new FlowItemEth { Type = 0x0800 }], badLength));
        Assert.False(Hits([eth, new FlowItemIpv4()], badLength));
        byte[] options = NicFrame.New().Ipv6("fd00::1", "fd00::2", 0, [6, 0, 0, 0, 0, 0, 0, 0, .. segment]);
        Assert.False(Hits([eth, new FlowItemIpv6()], options));
        Assert.False(Hits([], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]));
        byte[] bad = NicFrame.TcpIpv4();
        bad[^1] ^= 1;
        Assert.True(Hits([eth, new FlowItemIpv4(), new FlowItemTcp()], bad));
        Assert.False(Hits([eth, new FlowItemIpv4(), new FlowItemTcp(), new FlowItemIntegrity { L4CsumOk = true }], bad));
        bad = NicFrame.TcpIpv4();
        bad[24] ^= 1;
        Assert.False(Hits([eth, new FlowItemIpv4(), new FlowItemIntegrity { Ipv4CsumOk = true }], bad));
        Assert.True(Hits([eth, new FlowItemIpv6(), new FlowItemIntegrity { Ipv4CsumOk = true, L4CsumOk = true }], NicFrame.TcpIpv6()));
    }

    [Fact]
    public void Exact_match_is_searched_first()
    {
        using var bench = new NicBench();
        FlowItem[] wide = [new FlowItemEth(), new FlowItemIpv4(), new FlowItemTcp()];
        FlowItem[] narrow = [new FlowItemEth(), new FlowItemIpv4(), new FlowItemTcp { Src = 1000 }];
        bench.Create(NicBench.Rule(wide, new FlowActionPort(2)));
        NicHandle exact = bench.Create(new FlowRule(new FlowAttr(1, FlowTable.ExactMatch), narrow, [new FlowActionPort(3)]));
        Assert.Equal(3u, Assert.Single(bench.Receive(NicFrame.TcpIpv4())!).Port);
        Assert.Equal(2u, Assert.Single(bench.Receive(NicFrame.TcpIpv4(1001))!).Port);
        bench.Destroy(exact);
        Assert.Equal(2u, Assert.Single(bench.Receive(NicFrame.TcpIpv4())!).Port);
    }

    [Fact]
    public void RSS_is_the_same_in_both_directions_and_spreads()
    {
        using var bench = new NicBench();
        var seen = new HashSet<uint>();
        for (ushort i = 0; i < 200; i++)
        {
            Assert.Null(bench.Receive(NicFrame.TcpIpv4(i, 80), out NicRxInfo there));
            Assert.Null(bench.Receive(NicFrame.TcpIpv4(80, i, from: "10.0.0.2", to: "10.0.0.1"), out NicRxInfo back));
            Assert.Equal(there.RssHash, back.RssHash);
            seen.Add(there.RssHash % 64);
        }
        Assert.InRange(seen.Count, 48, 64);
        Assert.Null(bench.Receive(NicFrame.TcpIpv6(5, 6), out NicRxInfo six));
        Assert.Null(bench.Receive(NicFrame.TcpIpv6(6, 5, from: "fd00::2", to: "fd00::1"), out NicRxInfo sixBack));
        Assert.Equal(six.RssHash, sixBack.RssHash);
        byte[] segment = NicFrame.TcpSegment(1, 2, 16, 20);
        Assert.Null(bench.Receive(NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Tcp, segment, fragment: 0x2000), out NicRxInfo first));
        Assert.Null(bench.Receive(NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Tcp, segment, fragment: 0x0003), out NicRxInfo later));
        Assert.Equal(first.RssHash, later.RssHash);
    }
}
