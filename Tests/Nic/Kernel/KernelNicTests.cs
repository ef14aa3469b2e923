using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Rules in the kernel's table, frames by BPF_PROG_TEST_RUN, the emulated device beside it.</summary>
public sealed class KernelNicTests
{
    private static readonly FlowItem[] s_tcp4 = [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4(), new FlowItemTcp()];
    private static readonly FlowItem[] s_udp4 = [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4(), new FlowItemUdp()];
    private static readonly FlowItem[] s_tcp6 = [new FlowItemEth { Type = 0x86dd }, new FlowItemIpv6(), new FlowItemTcp()];
    private const int Mutations = 20_000;

    private static readonly UInt128 s_ip6 = new(0xfd00_0001_0002_0003, 0x0004_0005_0006_0007);

    public static TheoryData<string, byte[], FlowItem[], FlowAction[]> Rewrites => new()
    {
        { "forward", NicFrame.TcpIpv4(), s_tcp4, [] },
        { "macs", NicFrame.TcpIpv4(), s_tcp4, [new FlowActionSetMacDst(0x0a0b_0c0d_0e0f), new FlowActionSetMacSrc(0x0102_0304_0506)] },
        { "snat", NicFrame.TcpIpv4(), s_tcp4, [new FlowActionSetIpv4Src(0xc0a80101), new FlowActionSetTpSrc(4242)] },
        { "dnat", NicFrame.TcpIpv4(), s_tcp4, [new FlowActionSetIpv4Dst(0x08080808), new FlowActionSetTpDst(8080), new FlowActionDecTtl()] },
        { "udp", NicFrame.UdpIpv4(), s_udp4, [new FlowActionSetIpv4Src(0xc0a80101), new FlowActionSetIpv4Dst(0x08080808), new FlowActionSetTpSrc(1), new FlowActionSetTpDst(2)] },
        { "short udp", NicFrame.UdpIpv4(payload: 0), s_udp4, [new FlowActionSetIpv4Src(0xc0a80101), new FlowActionSetTtl(3)] },
        { "same", NicFrame.TcpIpv4(), s_tcp4, [new FlowActionSetIpv4Src(0x0a000001), new FlowActionSetTpSrc(1000), new FlowActionSetTtl(64)] },
        { "tos", NicFrame.TcpIpv4(), s_tcp4, [new FlowActionSetTos(new(0xb8, 0xfc)), new FlowActionDecTtl(), new FlowActionDecTtl()] },
        { "ipv6", NicFrame.TcpIpv6(), s_tcp6, [new FlowActionSetIpv6Src(s_ip6), new FlowActionSetIpv6Dst(~s_ip6), new FlowActionSetTpDst(99), new FlowActionDecTtl(), new FlowActionSetTos(0x2c)] },
        { "icmp6", NicFrame.New().Ipv6("fd00::1", "fd00::2", 58, [128, 0, 0, 0, 0, 1, 0, 2, 9, 9]), [new FlowItemEth(), new FlowItemIpv6(), new FlowItemIcmp6()], [new FlowActionSetIpv6Dst(s_ip6)] },
        { "icmp", NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", 1, [8, 0, 0, 0, 0, 1, 0, 2, 9, 9]), [new FlowItemEth(), new FlowItemIpv4(), new FlowItemIcmp { Type = 8 }], [new FlowActionSetIpv4Src(0x01020304)] },
        { "sctp", NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", 132, [1, 2, 3, 4, 5, 6, 7, 8, 9]), [new FlowItemEth(), new FlowItemIpv4 { Proto = 132 }], [new FlowActionSetIpv4Src(0x01020304)] },
        { "push", NicFrame.TcpIpv4(), s_tcp4, [new FlowActionOfPushVlan(0x8100), new FlowActionOfSetVlanTci(0x2064), new FlowActionSetIpv4Src(0xc0a80101)] },
        { "push second", NicFrame.New().Vlan(5).Ipv4("10.0.0.1", "10.0.0.2", 6, NicFrame.TcpSegment(1, 2, 16, 9)), [new FlowItemEth(), new FlowItemVlan(), new FlowItemIpv4(), new FlowItemTcp()], [new FlowActionOfPushVlan(0x88a8), new FlowActionSetTpSrc(9)] },
        { "push third", NicFrame.New().Vlan(7, 0x88a8).Vlan(5).Ipv4("10.0.0.1", "10.0.0.2", 6, NicFrame.TcpSegment(1, 2, 16, 9)), [new FlowItemEth(), new FlowItemVlan { Tpid = 0x88a8 }, new FlowItemVlan(), new FlowItemIpv4(), new FlowItemTcp()], [new FlowActionOfPushVlan(0x8100), new FlowActionSetTtl(9)] },
        { "pop", NicFrame.New().Vlan(0x6005).Ipv4("10.0.0.1", "10.0.0.2", 6, NicFrame.TcpSegment(1, 2, 16, 9)), [new FlowItemEth(), new FlowItemVlan { Tci = new(5, 0xfff) }, new FlowItemIpv4(), new FlowItemTcp()], [new FlowActionOfPopVlan(), new FlowActionSetTpDst(9)] },
        { "pop of two", NicFrame.New().Vlan(7, 0x88a8).Vlan(5).Ipv6("fd00::1", "fd00::2", 6, NicFrame.TcpSegment(1, 2, 16, 9)), [new FlowItemEth(), new FlowItemVlan(), new FlowItemVlan { Tci = new(5, 0xfff) }, new FlowItemIpv6(), new FlowItemTcp()], [new FlowActionOfPopVlan(), new FlowActionSetIpv6Src(s_ip6)] },
        { "set vid", NicFrame.New().Vlan(0x6005).Ipv4("10.0.0.1", "10.0.0.2", 6, NicFrame.TcpSegment(1, 2, 16, 9)), [new FlowItemEth(), new FlowItemVlan(), new FlowItemIpv4(), new FlowItemTcp()], [new FlowActionOfSetVlanTci(new(0x0123, 0x0fff)), new FlowActionDecTtl()] },
    };

    [Theory]
    [MemberData(nameof(Rewrites))]
    public void A_frame_leaves_as_it_leaves_the_emulated_device(string name, byte[] frame, FlowItem[] pattern, FlowAction[] actions)
    {
        Assert.NotEmpty(name);
        Takes(isTc: false, frame, pattern, actions);
    }

    /// <summary>A tag that is pushed or changed lies beside the frame then, where a test run does not show it: <see cref="LiveKernelTests"/> does.</summary>
    [Theory]
    [MemberData(nameof(Rewrites))]
    public void With_tc_a_frame_leaves_as_it_leaves_the_emulated_device(string name, byte[] frame, FlowItem[] pattern, FlowAction[] actions)
    {
        Assert.NotEmpty(name);
        if (Array.Exists(actions, static a => a is FlowActionOfPushVlan or FlowActionOfSetVlanTci or FlowActionOfPopVlan)) return;
        Takes(isTc: true, frame, pattern, actions);
    }

    /// <summary>A bridge's own port is number 65534. Numbers have places modulo 1024: the second one that wants a place has none, and no rule that sends there is taken.</summary>
    [Fact]
    public void Ports_with_large_numbers_are_outputs_and_two_never_share_a_place()
    {
        const uint local = 65534, same = local % 1024;
        using KernelBench bench = new();
        FlowRule To(uint port) => new(new FlowAttr(bench.InPort, FlowTable.ExactMatch), s_tcp4, [new FlowActionCount(), new FlowActionPort(port)]);
        Assert.Equal($"the kernel's table has no port {local}", bench.Kernel.Validate(To(local))?.Message);
        bench.Kernel.AddPort(new KernelPortOptions { Number = local, Interface = 150, MtuBytes = 1500 });
        Assert.Null(bench.Kernel.Validate(To(local)));
        Assert.Equal($"the kernel's table has no port {same}", bench.Kernel.Validate(To(same))?.Message);
        Assert.Throws<ArgumentException>(() => bench.Kernel.AddPort(new KernelPortOptions { Number = same, Interface = 151, MtuBytes = 1500 }));
        bench.Create(s_tcp4, new FlowActionPort(local));
        Assert.NotNull(bench.Receive(NicFrame.TcpIpv4()));
        Assert.Equal((1ul, 1ul), (bench.Kernel.TotalsOf(local).TxPackets, bench.Kernel.Total().RxPackets));

        // Gone, its rules are software's; the place stays its own.
        bench.Kernel.RemovePort(local);
        Assert.Null(bench.Receive(NicFrame.TcpIpv4()));
        Assert.NotNull(bench.Kernel.Validate(To(same)));
    }

    [Fact]
    public void A_wrong_transport_checksum_stays_wrong_by_the_same_amount()
    {
        byte[] frame = NicFrame.TcpIpv4();
        frame[50] ^= 0x12;
        using KernelBench bench = new();
        bench.Create(s_tcp4, new FlowActionSetIpv4Src(0xc0a80101), new FlowActionSetTpSrc(77), new FlowActionPort(2));
        Assert.NotNull(bench.Receive(frame));
    }

    [Fact]
    public void UDP_without_a_checksum_stays_without()
    {
        byte[] frame = NicFrame.UdpIpv4();
        frame[40] = frame[41] = 0;
        using KernelBench bench = new();
        bench.Create(s_udp4, new FlowActionSetIpv4Src(0xc0a80101), new FlowActionPort(2));
        Assert.NotNull(bench.Receive(frame));
    }

    public static TheoryData<string, byte[]> Misses => new()
    {
        { "arp", NicFrame.New().Type(0x0806, new byte[28]) },
        { "runt", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0] },
        { "fragment", NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", 6, NicFrame.TcpSegment(1000, 80, 16, 9), fragment: 0x2000) },
        { "bad header sum", Damaged(NicFrame.TcpIpv4(), 24) },
        { "cut", NicFrame.TcpIpv4()[..40] },
        { "data offset", Damaged(NicFrame.TcpIpv4(), 46) },
        { "other port", NicFrame.TcpIpv4(dst: 81) },
        { "ttl", NicFrame.TcpIpv4(ttl: 1) },
        { "three tags", NicFrame.New().Vlan(1).Vlan(2).Vlan(3).Ipv4("10.0.0.1", "10.0.0.2", 6, NicFrame.TcpSegment(1000, 80, 16, 9)) },
        { "longer than the MTU", NicFrame.TcpIpv4(payload: 1500) },
    };

    public static TheoryData<string, byte[], bool> MissesOfBoth
    {
        get
        {
            TheoryData<string, byte[], bool> data = [];
            foreach (var row in Misses)
            {
                data.Add(row.Data.Item1, row.Data.Item2, false);
                if (row.Data.Item1 != "runt") data.Add(row.Data.Item1, row.Data.Item2, true);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(MissesOfBoth))]
    public void What_is_not_for_the_table_is_left_as_it_came(string name, byte[] frame, bool isTc)
    {
        Assert.NotEmpty(name);
        using KernelBench bench = new(isTc);
        bench.Create([new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4(), new FlowItemTcp { Dst = 80 }], new FlowActionDecTtl(), new FlowActionPort(2));
        Assert.NotNull(bench.Receive(NicFrame.TcpIpv4()));
        Assert.Null(bench.Receive(frame));
    }

    [Fact]
    public void A_rule_drops_what_it_has_no_output_for()
    {
        using KernelBench bench = new();
        NicHandle rule = bench.Create(s_tcp4, new FlowActionDrop());
        Assert.Empty(bench.Receive(NicFrame.TcpIpv4())!);
        Assert.Equal(1ul, bench.CountersOf(rule).Hits);
    }

    [Fact]
    public void A_port_that_goes_leaves_its_frames_to_software()
    {
        using KernelBench bench = new();
        NicHandle rule = bench.Create(s_tcp4, new FlowActionPort(2));
        Assert.NotNull(bench.Receive(NicFrame.TcpIpv4()));
        bench.Kernel.RemovePort(2);
        Assert.Null(bench.Receive(NicFrame.TcpIpv4()));
        Assert.Equal(1ul, bench.CountersOf(rule).Hits);
    }

    [Fact]
    public void A_destroyed_rule_says_what_it_has_counted_and_takes_nothing_more()
    {
        using KernelBench bench = new();
        NicHandle rule = bench.Create(s_tcp4, new FlowActionPort(2));
        for (int i = 0; i < 5; i++) Assert.NotNull(bench.Receive(NicFrame.TcpIpv4()));
        Assert.Equal(5ul, bench.Destroy(rule).Hits);
        Assert.Null(bench.Receive(NicFrame.TcpIpv4()));
        rule = bench.Create(s_tcp4, new FlowActionPort(3));
        Assert.NotNull(bench.Receive(NicFrame.TcpIpv4()));
        Assert.Equal(1ul, bench.Destroy(rule).Hits);
    }

    [Fact]
    public void A_device_out_of_the_path_takes_nothing()
    {
        using KernelBench bench = new();
        bench.Create(s_tcp4, new FlowActionPort(2));
        bench.Kernel.SetMatching(false);
        Assert.Null(bench.Receive(NicFrame.TcpIpv4()));
        bench.Kernel.SetMatching(true);
        Assert.NotNull(bench.Receive(NicFrame.TcpIpv4()));
    }

    [Fact]
    public void Rules_of_many_masks_are_all_found_and_one_mask_too_many_is_refused()
    {
        using KernelBench bench = new();
        for (int i = 0; i < 16; i++)
        {
            ushort mask = (ushort)(0xffff << i);
            bench.Create([new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4(), new FlowItemUdp { Src = new((ushort)(0x8000 >> i << i), mask), Dst = (ushort)i }], new FlowActionSetTpDst((ushort)(100 + i)), new FlowActionPort(2));
        }

        for (ushort i = 0; i < 16; i++) Assert.NotNull(bench.Receive(NicFrame.UdpIpv4(0x8000, i)));
        bench.TryCreate(new FlowRule(new FlowAttr(1, FlowTable.ExactMatch), s_tcp6, [new FlowActionPort(2)]), out FlowError? error);
        Assert.Equal(FlowErrno.NoTemplate, error?.Errno);
    }

    [Fact]
    public void A_full_table_refuses_and_every_rule_in_it_is_found()
    {
        using KernelBench bench = new(rules: 63);
        List<(ushort Port, NicHandle Handle)> rules = [];
        FlowError? error = null;
        for (ushort port = 1; error is null && port < 1000; port++)
        {
            NicHandle handle = bench.TryCreate(Udp(port), out error);
            if (error is null) rules.Add((port, handle));
        }

        Assert.Equal((FlowErrno.NoSpace, 63), (error?.Errno, rules.Count));
        foreach ((ushort port, _) in rules) Assert.NotNull(bench.Receive(NicFrame.UdpIpv4(port)));
        foreach ((ushort port, NicHandle handle) in rules) Assert.Equal(1ul, bench.Destroy(handle).Hits);
        foreach ((ushort port, _) in rules) Assert.Null(bench.Receive(NicFrame.UdpIpv4(port)));
    }

    [Fact]
    public void The_same_rule_twice_is_refused()
    {
        using KernelBench bench = new();
        bench.TryCreate(Udp(5), out FlowError? error);
        Assert.Null(error);
        bench.TryCreate(Udp(5), out error);
        Assert.Equal(FlowErrno.Exists, error?.Errno);
    }

    public static TheoryData<string, FlowRule> Refused => new()
    {
        { "several outputs by XDP", new FlowRule(new FlowAttr(1), s_tcp4, [new FlowActionPort(2), new FlowActionPort(3)]) },
        { "set_tp twice", new FlowRule(new FlowAttr(1), s_tcp4, [new FlowActionSetTpSrc(1), new FlowActionSetTpSrc(2), new FlowActionPort(3)]) },
        { "set_ipv4_src", new FlowRule(new FlowAttr(1), s_tcp4, [new FlowActionSetIpv4Src(new(1, 0xff)), new FlowActionPort(3)]) },
        { "sample", new FlowRule(new FlowAttr(1), s_tcp4, [new FlowActionSample([new FlowActionPort(2)]), new FlowActionPort(3)]) },
        { "mpls", new FlowRule(new FlowAttr(1), [new FlowItemEth(), new FlowItemMpls()], [new FlowActionPort(3)]) },
        { "port 5000", new FlowRule(new FlowAttr(1), s_tcp4, [new FlowActionPort(5000)]) },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_the_program_cannot_do_is_refused_with_a_reason(string subject, FlowRule rule)
    {
        using KernelBench bench = new();
        FlowError? error = bench.Kernel.Validate(rule);
        Assert.Equal(subject, error?.Subject);
        Assert.Equal(FlowErrno.NotSupported, error?.Errno);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Mutated_frames_leave_as_they_leave_the_emulated_device_or_not_at_all(bool isTc)
    {
        using KernelBench bench = new(isTc);
        bench.Create(s_tcp4, new FlowActionSetIpv4Src(0xc0a80101), new FlowActionSetTpSrc(4242), new FlowActionDecTtl(), new FlowActionPort(2));
        bench.Create(s_udp4, new FlowActionSetIpv4Dst(0xffffffff), new FlowActionSetTpDst(0), new FlowActionSetTos(0xff), new FlowActionPort(3));
        bench.Create(s_tcp6, new FlowActionSetIpv6Src(s_ip6), new FlowActionSetTpSrc(1), new FlowActionPort(4));
        bench.Create([new FlowItemEth(), new FlowItemVlan(), new FlowItemIpv4()], [.. isTc ? Array.Empty<FlowAction>() : [new FlowActionOfPopVlan()], new FlowActionSetIpv4Src(0), new FlowActionPort(5)]);
        Random random = new(1);
        byte[][] seeds =
        [
            NicFrame.TcpIpv4(), NicFrame.UdpIpv4(), NicFrame.TcpIpv6(), NicFrame.New().Vlan(9).Ipv4("1.2.3.4", "5.6.7.8", 17, NicFrame.UdpDatagram(7, 8, 20)),
            NicFrame.New().Vlan(9).Vlan(3).Ipv4("1.2.3.4", "5.6.7.8", 6, NicFrame.TcpSegment(7, 8, 16, 20)),
        ];
        for (int i = 0; i < Mutations; i++)
        {
            byte[] frame = [.. seeds[i % seeds.Length]];
            for (int n = random.Next(4); n > 0; n--) frame[random.Next(12, 60) % frame.Length] = (byte)random.Next(256);
            if (random.Next(2) == 0) FixHeaderSum(frame);
            if (random.Next(8) == 0) frame = frame[..random.Next(isTc ? Math.Min(54, frame.Length) : 15, frame.Length + 1)];
            bench.Receive(frame);
        }

        Assert.InRange(bench.Hits, Mutations / 4, Mutations);
    }

    /// <summary>Every frame that the conformance cases have, each once.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Recorded_frames_leave_as_they_leave_the_emulated_device_or_not_at_all(bool isTc)
    {
        using KernelBench bench = new(isTc);
        bench.Create(s_tcp4, new FlowActionSetIpv4Src(0xc0a80101), new FlowActionSetTpSrc(4242), new FlowActionDecTtl(), new FlowActionPort(2));
        bench.Create(s_udp4, new FlowActionSetIpv4Dst(0xffffffff), new FlowActionSetTpDst(0), new FlowActionSetTos(0xff), new FlowActionPort(3));
        bench.Create(s_tcp6, new FlowActionSetIpv6Src(s_ip6), new FlowActionSetTpSrc(1), new FlowActionPort(4));
        bench.Create([new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4(), new FlowItemIcmp()], new FlowActionDecTtl(), new FlowActionPort(2));
        bench.Create([new FlowItemEth(), new FlowItemVlan(), new FlowItemIpv4()], [.. isTc ? Array.Empty<FlowAction>() : [new FlowActionOfPopVlan()], new FlowActionSetIpv4Src(0), new FlowActionPort(5)]);
        HashSet<string> seen = [];
        foreach (string hex in CaseFiles.Names.SelectMany(static n => CaseFiles.Load(n).Events).Where(static e => e.Op == "pkt").Select(static e => e.Hex))
        {
            // A test run has no shorter or longer frames; one of tc wants whole headers.
            if (hex.Length / 2 >= (isTc ? 54 : 14) && hex.Length / 2 <= 3000 && seen.Add(hex)) bench.Receive(Convert.FromHexString(hex));
        }

        Assert.InRange(seen.Count, 1000, int.MaxValue);
        Assert.InRange(bench.Hits, seen.Count / 10, seen.Count);
    }

    private static void Takes(bool isTc, byte[] frame, FlowItem[] pattern, FlowAction[] actions)
    {
        using KernelBench bench = new(isTc);
        NicHandle rule = bench.Create(pattern, [.. actions, new FlowActionPort(2)]);
        Assert.NotNull(bench.Receive(frame));
        NicCounters c = bench.CountersOf(rule);
        Assert.Equal((1ul, (ulong)frame.Length), (c.Hits, c.Bytes));
        Assert.True(c.LastHitNs >= 0);
    }

    private static FlowRule Udp(ushort port)
        => new(new FlowAttr(1, FlowTable.ExactMatch), [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4(), new FlowItemUdp { Src = port }], [new FlowActionCount(), new FlowActionSetTpSrc(7), new FlowActionPort(2)]);

    private static byte[] Damaged(byte[] frame, int at)
    {
        byte[] f = [.. frame];
        f[at] ^= 0x41;
        return f;
    }

    private static void FixHeaderSum(byte[] frame)
    {
        int at = 14;
        while (at + 24 < frame.Length && frame[at - 2] is 0x81 or 0x88 && frame[at - 1] is 0 or 0xa8) at += 4;
        if (frame.Length < at + 20 || frame[at - 2] != 8 || frame[at - 1] != 0) return;
        NicFrame.SetIpv4Checksum(frame.AsSpan(at - 14));
    }
}
