using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

public sealed class NicTableTests
{
    /// <summary>Random rules from a small domain, so that they overlap; all of a frame's rules give the same port, as the contract wants.</summary>
    private static FlowRule RandomRule(Random random, FlowTable table)
    {
        uint srcMask = Pick<uint>(random, 0u, 0xffffffff, 0xff0000ff, 0x00000003);
        uint dstMask = Pick<uint>(random, 0u, 0xffffffff, 0xffffff00);
        ushort portMask = Pick(random, (ushort)0, (ushort)0xffff, (ushort)0x0001);
        List<FlowItem> pattern =
        [
            new FlowItemEth { HasVlan = Pick<bool?>(random, null, false, true) },
            new FlowItemIpv4 { Src = new(0x0a000000u + (uint)random.Next(4), srcMask), Dst = new(0x0a000000u + (uint)random.Next(4), dstMask) },
        ];
        switch (random.Next(3))
        {
            case 0:
                pattern.Add(new FlowItemTcp { Src = new((ushort)random.Next(4), portMask), Flags = Pick<Masked<ushort>>(random, default, new(0, 7)) });
                break;
            case 1:
                pattern.Add(new FlowItemUdp { Dst = new((ushort)random.Next(4), portMask) });
                break;
        }
        uint? port = random.Next(3) == 0 ? null : (uint)random.Next(1, 3);
        return new FlowRule(new FlowAttr(port, table), pattern, [new FlowActionCount(), new FlowActionPort(9)]);
    }

    private static byte[] RandomFrame(Random random)
    {
        NicFrame frame = NicFrame.New();
        if (random.Next(4) == 0) frame.Vlan(5);
        ushort src = (ushort)random.Next(4);
        ushort dst = (ushort)random.Next(4);
        byte[] l4 = random.Next(2) == 0 ? NicFrame.TcpSegment(src, dst, (byte)random.Next(32), 0) : NicFrame.UdpDatagram(src, dst, 0);
        return frame.Ipv4($"10.0.0.{random.Next(4)}", $"10.0.0.{random.Next(4)}", (byte)(l4.Length == 20 ? NicFrame.Tcp : NicFrame.Udp), l4);
    }

    private static T Pick<T>(Random random, params T[] values) => values[random.Next(values.Length)];

    /// <summary>Matches by walking all rules.</summary>
    private static bool LinearMatch(IEnumerable<CompiledRule> rules, byte[] frame, uint port)
    {
        NicKey key = default;
        Assert.True(NicParser.Parse(frame, port, 2, true, ref key, out _));
        foreach (CompiledRule rule in rules)
        {
            ReadOnlySpan<byte> value = rule.Value.Bytes;
            ReadOnlySpan<byte> mask = rule.Mask.Bytes;
            bool equal = true;
            for (int i = 0; i < NicKey.SizeBytes; i++) equal &= (key.Bytes[i] & mask[i]) == value[i];
            if (equal) return true;
        }
        return false;
    }

    [Theory]
    [InlineData(NicKernel.Scalar, 0)]
    [InlineData(NicKernel.Vector256, 0)]
    [InlineData(NicKernel.Scalar, 1)]
    [InlineData(NicKernel.Vector256, 1)]
    public void Both_tables_agree_with_a_linear_search_while_rules_come_and_go(NicKernel kernel, int seed)
    {
        var random = new Random(4000 + seed);
        using var bench = new NicBench("ideal", null, kernel);
        var live = new Dictionary<NicHandle, CompiledRule>();
        int hits = 0, misses = 0, refused = 0;
        for (int round = 0; round < 1500; round++)
        {
            if (random.Next(100) < 55 || live.Count == 0)
            {
                FlowRule rule = RandomRule(random, (FlowTable)random.Next(2));
                FlowError? error = bench.TryCreate(rule, out NicHandle handle);
                Assert.Null(FlowRuleCompiler.TryCompile(bench.Nic.Profile, rule, out CompiledRule? compiled));
                if (error is null) live.Add(handle, compiled!);
                else Assert.Equal(FlowErrno.Exists, error.Errno);
                if (error is not null) refused++;
            }
            else
            {
                NicHandle victim = live.Keys.ElementAt(random.Next(live.Count));
                bench.Destroy(victim);
                live.Remove(victim);
            }
            if (live.Count > 24)
            {
                foreach (NicHandle handle in live.Keys.ToArray())
                {
                    bench.Destroy(handle);
                    live.Remove(handle);
                }
            }
            Assert.Equal(live.Count, bench.Nic.RuleCount);
            Assert.Equal(live.Count, bench.Nic.ExactMatchCount + bench.Nic.WildcardCount);
            for (int n = 0; n < 6; n++)
            {
                byte[] frame = RandomFrame(random);
                uint port = (uint)random.Next(1, 4);
                bool expected = LinearMatch(live.Values, frame, port);
                Assert.Equal(expected, bench.Receive(frame, out NicRxInfo info, port) is not null);
                if (expected) Assert.Contains(info.Rule, live.Keys);
                if (expected) hits++;
                else misses++;
            }
        }
        Assert.True(hits > 1000 && misses > 1000 && refused > 0, $"{hits} hits, {misses} misses, {refused} refused: the test proves little");
    }

    [Fact]
    public void Kernels_agree_on_random_groups()
    {
        var random = new Random(99);
        uint[] group = new uint[NicKey.WordCount * WildcardTable.GroupRows * 2];
        uint[] key = new uint[NicKey.WordCount];
        int matches = 0;
        for (int round = 0; round < 20_000; round++)
        {
            for (int i = 0; i < key.Length; i++) key[i] = (uint)random.Next(4);
            uint used = (uint)random.NextInt64(1L << 32);
            for (int w = 0; w < NicKey.WordCount; w++)
            {
                for (int r = 0; r < WildcardTable.GroupRows; r++)
                {
                    uint mask = (uint)random.Next(4);
                    int at = (w * WildcardTable.GroupRows * 2) + r;
                    group[at + WildcardTable.GroupRows] = mask;
                    group[at] = random.Next(60) == 0 ? (uint)random.Next(4) & mask : key[w] & mask;
                }
            }
            uint scalar = WildcardKernels.Match<WildcardKernelScalar>(group, used, key);
            Assert.Equal(scalar, WildcardKernels.Match<WildcardKernelVector256>(group, used, key));
            if (scalar is not (0 or 0xff)) matches++;
        }
        Assert.True(matches > 5000);
    }

    [Fact]
    public void A_thousand_exact_rules_survive_growth_and_removal()
    {
        using var bench = new NicBench();
        var handles = new NicHandle[1000];
        for (int i = 0; i < handles.Length; i++) handles[i] = bench.Create(Exact((ushort)i));
        Assert.Equal(1, bench.Nic.TemplateCount);
        for (int i = 0; i < handles.Length; i += 3) bench.Destroy(handles[i]);
        for (int i = 0; i < handles.Length; i++)
        {
            Assert.Equal(i % 3 != 0, bench.Receive(NicFrame.TcpIpv4((ushort)i), out NicRxInfo info) is not null);
            Assert.Equal(i % 3 != 0 ? handles[i] : NicHandle.None, info.Rule);
        }
        Assert.Equal(FlowErrno.Exists, bench.TryCreate(Exact(1), out _)?.Errno);
    }

    [Fact]
    public void The_exact_match_table_is_bounded_in_entries_and_templates()
    {
        using var bench = new NicBench("tiny");
        NicHandle first = bench.Create(Exact(0));
        NicHandle other = bench.Create(Exact(0, 0xff00));
        FlowError? error = bench.TryCreate(Exact(0, 0x00ff), out _);
        Assert.Equal(FlowErrno.NoTemplate, error?.Errno);
        Assert.Contains("2 templates", error!.Message, StringComparison.Ordinal);
        bench.Destroy(other);
        bench.Create(Exact(0, 0x00ff));
        for (ushort i = 1; i < 15; i++) bench.Create(Exact(i));
        error = bench.TryCreate(Exact(99), out _);
        Assert.Equal(FlowErrno.NoSpace, error?.Errno);
        Assert.Contains("exact-match", error!.Message, StringComparison.Ordinal);
        bench.Destroy(first);
        bench.Create(Exact(99));
        Assert.Equal(16, bench.Nic.ExactMatchCount);
    }

    [Fact]
    public void The_wildcard_table_is_bounded()
    {
        using var bench = new NicBench("tiny");
        NicHandle[] handles = new NicHandle[4];
        for (ushort i = 0; i < 4; i++) handles[i] = bench.Create(Wild(i));
        FlowError? error = bench.TryCreate(Wild(9), out _);
        Assert.Equal(FlowErrno.NoSpace, error?.Errno);
        Assert.Contains("wildcard", error!.Message, StringComparison.Ordinal);
        Assert.Equal(FlowErrno.Exists, bench.TryCreate(Wild(2), out _)?.Errno);
        bench.Destroy(handles[1]);
        bench.Create(Wild(9));
        Assert.Null(bench.Receive(NicFrame.TcpIpv4(1)));
        Assert.NotNull(bench.Receive(NicFrame.TcpIpv4(9)));
    }

    private static FlowRule Exact(ushort src, ushort mask = 0xffff) => new(new FlowAttr(1, FlowTable.ExactMatch), Pattern(src, mask), [new FlowActionPort(2)]);

    private static FlowRule Wild(ushort src) => new(new FlowAttr(1), Pattern(src, 0xffff), [new FlowActionPort(2)]);

    private static FlowItem[] Pattern(ushort src, ushort mask) => [new FlowItemEth(), new FlowItemIpv4(), new FlowItemTcp { Src = new(src, mask) }];
}
