using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Packets that are made to bring thousands of masks to life.</summary>
public sealed class SubtableGuardTests
{
    private const int Limit = 64;

    /// <summary>Masks that three prefix fields can still make once they are whole: tp_dst, nw_src and tp_src, each or not.</summary>
    private const int Combinations = 8;

    [Fact]
    public void The_number_of_subtables_is_bounded()
    {
        (int guarded, ulong sent) = Run(Limit);
        (int open, ulong sentOpen) = Run(0);
        Assert.InRange(guarded, Limit, Limit + Combinations);
        Assert.True(open > 4000, $"without the guard only {open} subtables: the traffic is harmless");
        Assert.Equal((0ul, 0ul), (sent, sentOpen));
    }

    /// <summary>A wider mask fits fewer packets, never others: the flows that are there already keep theirs.</summary>
    [Fact]
    public void Only_addresses_and_ports_that_are_matched_in_part_become_whole()
    {
        FlowKey mask = default;
        mask.NwSrc = new Native.Be32(0xffff0000);
        mask.TpDst = new Native.Be16(0x8000);
        mask.NwTos = 3;
        Assert.True(SubtableGuard.Widen(ref mask));
        Assert.Equal((0xffffffffu, (ushort)0xffff, (ushort)0, (byte)3), (mask.NwSrc.Host, mask.TpDst.Host, mask.TpSrc.Host, mask.NwTos));
        Assert.False(SubtableGuard.Widen(ref mask));
    }

    private static (int Subtables, ulong Sent) Run(int limit)
    {
        // The attack alone, so that it is over before anything is idle for long, on a busy machine too.
        Workload all = TupleExplosion.Make();
        Workload attack = all with { Frames = [.. all.Frames.Where((_, i) => i % 16 == 0)] };
        using var loop = new PacketLoop(attack, new BenchSettings { SubtableLimit = limit, OneShot = true, CacheOn = false }, cpu: null, default);
        BenchRun run = loop.Measure(double.MaxValue);
        Assert.Equal(8192u, run.Packets);
        return (loop.Datapath.Pmd.Classifier.SubtableCount, run.Transmitted);
    }
}
