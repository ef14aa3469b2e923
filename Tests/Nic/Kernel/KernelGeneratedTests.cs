using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// Rules drawn by chance, masks and rewrites of all kinds that the kernel's device has, and frames for them: whole, and with bytes changed. The emulated device, which shares neither parser nor editor nor
/// tables with the program, says what must become of each.
/// </summary>
public sealed class KernelGeneratedTests
{
    private const int RuleSets = 20;
    private const int FramesPerRule = 12;

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    public void Frames_leave_as_they_leave_the_emulated_device(bool isTc, int seed)
    {
        Random random = new(seed);
        long hits = 0;
        int rules = 0;
        for (int set = 0; set < RuleSets; set++)
        {
            using KernelBench bench = new(isTc);
            List<byte[]> frames = [];
            int count = random.Next(1, 9);
            for (ushort port = 1; port <= count; port++)
            {
                (byte[] frame, FlowItem[] pattern) = Draw(random, port);
                FlowAction[] actions = [new FlowActionCount(), .. Actions(random, pattern, isTc), random.Next(12) == 0 ? new FlowActionDrop() : new FlowActionPort((uint)random.Next(2, 10))];
                bench.TryCreate(new FlowRule(new FlowAttr(1, random.Next(2) == 0 ? FlowTable.ExactMatch : FlowTable.Wildcard), pattern, actions), out FlowError? error);
                Assert.True(error is null or { Errno: FlowErrno.NotSupported or FlowErrno.Invalid }, error?.Message);
                if (error is null) rules++;
                frames.Add(frame);
            }

            foreach (byte[] frame in frames)
            {
                for (int i = 0; i < FramesPerRule; i++) bench.Receive(i == 0 ? frame : Changed(frame, random), isWhole: i == 0);
            }

            hits += bench.Hits;
        }

        Assert.InRange(rules, RuleSets, int.MaxValue);
        Assert.InRange(hits, rules, int.MaxValue);
    }

    /// <summary>A frame to a transport port of its own, and a pattern that is true of it: whatever else a rule says, no two overlap.</summary>
    private static (byte[] Frame, FlowItem[] Pattern) Draw(Random random, ushort port)
    {
        NicFrame builder = NicFrame.New();
        ushort type = random.Next(2) == 0 ? (ushort)0x0800 : (ushort)0x86dd;
        int tags = random.Next(4) % 3;
        List<FlowItem> items =
        [
            new FlowItemEth
            {
                Dst = new(0x020000000002, Mask(random, 0xffff_ffff_ffff)),
                Src = new(0x020200000001, Mask(random, 0xffff_ffff_ffff)),
                Type = random.Next(4) == 0 ? default : type,
                HasVlan = tags == 0 && random.Next(2) == 0 ? false : null,
            },
        ];
        for (int t = 0; t < tags; t++)
        {
            ushort tci = (ushort)random.Next(65_536), tpid = tags == 2 && t == 0 ? (ushort)0x88a8 : (ushort)0x8100;
            builder.Vlan(tci, tpid);
            items.Add(new FlowItemVlan { Tci = new(tci, (ushort)Mask(random, 0xffff)), Tpid = random.Next(2) == 0 ? tpid : default });
        }

        bool isTcp = random.Next(2) == 0;
        byte proto = isTcp ? NicFrame.Tcp : NicFrame.Udp, ttl = (byte)random.Next(256), tos = (byte)random.Next(256), flags = (byte)random.Next(64);
        ushort source = (ushort)random.Next(65_536);
        byte[] l4 = isTcp ? NicFrame.TcpSegment(source, port, flags, random.Next(40)) : NicFrame.UdpDatagram(source, port, random.Next(40));
        byte[] frame;
        if (type == 0x0800)
        {
            frame = builder.Ipv4("10.1.2.3", "10.4.5.6", proto, l4, ttl, tos);
            items.Add(new FlowItemIpv4 { Src = new(0x0a010203, (uint)Mask(random, uint.MaxValue)), Dst = new(0x0a040506, (uint)Mask(random, uint.MaxValue)), Tos = new(tos, (byte)Mask(random, 0xff)), Ttl = new(ttl, (byte)Mask(random, 0xff)), Frag = random.Next(2) == 0 ? new(0, 3) : default });
        }
        else
        {
            frame = builder.Ipv6("fd00::1:2", "fd00::3:4", proto, l4, ttl, tos);
            items.Add(new FlowItemIpv6 { Src = new(new UInt128(0xfd00_0000_0000_0000, 0x0001_0002), new UInt128(Mask(random, ulong.MaxValue), Mask(random, ulong.MaxValue))), Dst = new(new UInt128(0xfd00_0000_0000_0000, 0x0003_0004), new UInt128(0, Mask(random, ulong.MaxValue))), Tos = new(tos, (byte)Mask(random, 0xff)), Ttl = new(ttl, (byte)Mask(random, 0xff)) });
        }

        items.Add(isTcp
            ? new FlowItemTcp { Src = new(source, (ushort)Mask(random, 0xffff)), Dst = port, Flags = new(flags, (ushort)Mask(random, 0x3f)) }
            : new FlowItemUdp { Src = new(source, (ushort)Mask(random, 0xffff)), Dst = port });
        return (frame, [.. items]);
    }

    private static List<FlowAction> Actions(Random random, FlowItem[] pattern, bool isTc)
    {
        List<FlowAction> actions = [];
        bool isIpv4 = pattern.Any(static i => i is FlowItemIpv4);
        int tags = pattern.Count(static i => i is FlowItemVlan);
        Maybe(() => new FlowActionSetMacDst((ulong)random.NextInt64(1L << 48)));
        Maybe(() => new FlowActionSetMacSrc((ulong)random.NextInt64(1L << 48)));
        Maybe(() => isIpv4 ? new FlowActionSetIpv4Src((uint)random.NextInt64(1L << 32)) : new FlowActionSetIpv6Src(new UInt128((ulong)random.NextInt64(), (ulong)random.NextInt64())));
        Maybe(() => isIpv4 ? new FlowActionSetIpv4Dst(random.Next(4) == 0 ? 0 : (uint)random.NextInt64(1L << 32)) : new FlowActionSetIpv6Dst(new UInt128((ulong)random.NextInt64(), 0)));
        Maybe(() => new FlowActionSetTpSrc((ushort)random.Next(65_536)));
        Maybe(() => new FlowActionSetTpDst((ushort)(random.Next(3) * 0x7fff)));
        Maybe(() => new FlowActionSetTos(new((byte)random.Next(256), random.Next(2) == 0 ? (byte)0xff : (byte)0xfc)));
        if (random.Next(3) == 0) Maybe(() => new FlowActionSetTtl((byte)random.Next(256)));
        else for (int n = random.Next(3); n > 0; n--) actions.Add(new FlowActionDecTtl());

        // A tag that tc changes lies beside the frame, where a test run does not show it.
        switch (isTc ? 3 : random.Next(4))
        {
            case 0:
                actions.Add(new FlowActionOfPushVlan(0x8100));
                Maybe(() => new FlowActionOfSetVlanTci((ushort)random.Next(65_536)));
                break;
            case 1 when tags > 0:
                actions.Add(new FlowActionOfPopVlan());
                break;
            case 2 when tags > 0:
                actions.Add(new FlowActionOfSetVlanTci(new((ushort)random.Next(65_536), random.Next(2) == 0 ? (ushort)0xffff : (ushort)0x0fff)));
                break;
        }

        return actions;

        void Maybe(Func<FlowAction> action)
        {
            if (random.Next(2) == 0) actions.Add(action());
        }
    }

    /// <summary>Nothing, all, or some bits.</summary>
    private static ulong Mask(Random random, ulong all) => random.Next(3) switch
    {
        0 => 0,
        1 => all,
        _ => (ulong)random.NextInt64() & all,
    };

    private static byte[] Changed(byte[] frame, Random random)
    {
        byte[] changed = [.. frame];
        for (int n = random.Next(3); n > 0; n--) changed[random.Next(changed.Length)] = (byte)random.Next(256);
        return changed;
    }
}
