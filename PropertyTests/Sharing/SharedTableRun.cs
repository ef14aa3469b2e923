using System.Globalization;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Packet threads in a small table with limits, while control moves the clock, flushes and dumps: no limit is exceeded, and in the end no slot and no place in a zone is lost.
/// Cases as <see cref="SharedConnectionsRun"/>.
/// </summary>
public sealed class SharedTableRun(ITestOutputHelper output)
{
    private const int DefaultCases = 30;
    private const int PacketsPerThread = 2000;
    private const int Limit = 10;
    private const ushort Unlimited = 9;

    /// <summary>Zones 1 and 2 have a limit of their own, the others that of all.</summary>
    private static readonly ushort[] s_zones = [1, 2, 3, 4];

    [Theory]
    [InlineData(2, 24)]
    [InlineData(4, 64)]
    [InlineData(3, 1000)]
    public void Nothing_is_exceeded_and_nothing_is_lost(int threads, int capacity)
    {
        int first = SharingCases.FirstSeed;
        long begun = 0, dumped = 0, refused = 0;
        for (int seed = first; seed < first + SharingCases.Count(DefaultCases); seed++)
        {
            string at = string.Create(CultureInfo.InvariantCulture, $"MERGEFLOW_SHARING_SEED={seed}");
            using var b = new SharedBench(new ConntrackOptions { Seed = (ulong)seed, CapacityConnections = capacity, ThreadCount = threads, SweepMs = 5000 });
            b.Tracker.SetZoneLimit(1, Limit);
            b.Tracker.SetZoneLimit(2, 1);
            b.Tracker.DefaultLimit = 3 * Limit;
            long nowMs = 1000;
            int running = threads;
            Race.Run(threads + 1, thread =>
            {
                var chance = new Chance((seed * 100) + thread);
                if (thread < threads)
                {
                    int made = Send(b, thread, chance, ref nowMs);
                    Interlocked.Add(ref begun, made);
                    Interlocked.Decrement(ref running);
                    return;
                }

                do
                {
                    Control(b, chance, ref nowMs, capacity, ref dumped, at);
                }
                while (Volatile.Read(ref running) > 0);
            });
            refused += (long)b.Tracker.RefusedConnections;
            Judge(b, nowMs, capacity, at);
        }

        output.WriteLine($"{begun} connections begun, {refused} refused, {dumped} seen in dumps");
        Assert.True(begun > 100 && dumped > 0 && refused > 0, "nothing happened");
    }

    private static int Send(SharedBench b, int thread, Chance chance, ref long nowMs)
    {
        int made = 0;
        for (int i = 0; i < PacketsPerThread; i++)
        {
            long now = Volatile.Read(ref nowMs);
            if (chance.OneIn(16)) b.Step(thread, now);
            FrameSpec packet = new() { Src = Talks.ClientAt(chance.Below(40)), Dst = Talks.Server, SrcPort = 1000, DstPort = 53 };
            if (chance.OneIn(3)) packet = packet with { Src = packet.Dst, Dst = packet.Src, SrcPort = 53, DstPort = 1000 };
            DpCt action = new() { Zone = chance.Of(s_zones), Flags = DpCtFlags.Commit, Mark = chance.U32() & 3, MarkMask = chance.OneIn(4) ? 3u : 0 };
            if (chance.OneIn(4))
            {
                action.Flags |= DpCtFlags.Nat;
                action.Nat = NatKind.Src;
                action.NatAddrMin = action.NatAddrMax = Ipv6Address.FromUInt128((UInt128)0xc0000201 << 96);
                (action.NatPortMin, action.NatPortMax) = (5000, 5007);
            }

            if (chance.OneIn(16)) action.Flags |= DpCtFlags.Force;
            if (b.Send(thread, packet, action, now).Verdict is { Changed: true, ConnId: > 0 }) made++;
        }

        return made;
    }

    private static void Control(SharedBench b, Chance chance, ref long nowMs, int capacity, ref long dumped, string at)
    {
        switch (chance.Below(8))
        {
            case 0: b.Tracker.FlushAll(); break;
            case 1: b.Tracker.FlushZone(chance.Of(s_zones)); break;
            case 2: Volatile.Write(ref nowMs, nowMs + chance.Below(chance.OneIn(4) ? 40_000 : 2_000)); break;
            case 3:
                foreach (ConnInfo c in b.Tracker.Snapshot(nowMs))
                {
                    dumped++;
                    if (c.Proto != 17 || !s_zones.Contains(c.Zone) || c.OrigPackets == 0) throw new InvalidOperationException($"{at}: a dump shows {c}");
                }

                break;
        }

        foreach (ushort zone in s_zones)
        {
            (uint limit, uint count) = b.Tracker.GetZoneLimit(zone);
            if (count > limit) throw new InvalidOperationException($"{at}: {count} connections in zone {zone}, whose limit is {limit}");
        }

        // Counters of several threads are read one after the other: the sum is exact only when they rest.
        if (b.Tracker.Count > 2 * capacity) throw new InvalidOperationException($"{at}: {b.Tracker.Count} connections in a table of {capacity}");
    }

    private static void Judge(SharedBench b, long nowMs, int capacity, string at)
    {
        ConnInfo[] all = [.. b.Tracker.Snapshot(nowMs)];
        foreach (IGrouping<ushort, ConnInfo> zone in all.GroupBy(static c => c.Zone))
        {
            Assert.True(zone.Count() <= b.Tracker.GetZoneLimit(zone.Key).Limit, $"{at}: {zone.Count()} connections in zone {zone.Key}");
            Assert.True(zone.Select(static c => c.Orig).Distinct().Count() == zone.Count(), $"{at}: one tuple, two connections");
            Assert.True(zone.Select(static c => c.Reply).Distinct().Count() == zone.Count(), $"{at}: one answer, two connections");
        }

        // All expire, then the sweep takes what lasts until then.
        for (int i = 0; i < 3; i++) b.Tracker.ExpireAll(nowMs += 100_000);
        Assert.True(b.Tracker.Count == 0, $"{at}: {b.Tracker.Count} connections that never end");
        foreach (ushort zone in s_zones) Assert.True(b.Tracker.GetZoneLimit(zone).Count == 0, $"{at}: {b.Tracker.GetZoneLimit(zone).Count} places in zone {zone} are lost");

        // In turn, as slots that one thread has left over reach the others by the block.
        int room = 0;
        b.Tracker.DefaultLimit = 0;
        for (int flow = 0; flow < 2 * capacity + (64 * b.ThreadCount); flow++)
        {
            FrameSpec packet = new() { Src = Talks.ClientAt(flow), Dst = Talks.Server, SrcPort = 1000, DstPort = 53 };
            if (b.Send(flow % b.ThreadCount, packet, new DpCt { Zone = Unlimited, Flags = DpCtFlags.Commit }, nowMs).Verdict.ConnId > 0) room++;
        }

        Assert.True(room == capacity, $"{at}: {room} slots of {capacity}");
    }
}
