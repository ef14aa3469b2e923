using System.Globalization;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// The same packets through one thread alone and through threads that take turns: the same states, the same translations, the same connections. Cases as <see cref="SharedConnectionsRun"/>.
/// </summary>
public sealed class SharedAloneRun(ITestOutputHelper output)
{
    private const int DefaultCases = 60;
    private const int Steps = 600;
    private const int Hosts = 6;
    private const int TalkPackets = 8;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Threads_in_turn_do_what_one_does(int threads)
    {
        int first = SharingCases.FirstSeed;
        Dictionary<int, int> states = [];
        long connections = 0;
        for (int seed = first; seed < first + SharingCases.Count(DefaultCases); seed++)
        {
            var options = new ConntrackOptions { Seed = (ulong)seed, CapacityConnections = 2048, SweepMs = 5000 };
            using var alone = new SharedBench(options);
            using var shared = new SharedBench(options with { ThreadCount = threads });
            var chance = new Chance(seed);
            List<FrameSpec> talk = Talks.Draw(chance, TalkPackets);
            long nowMs = 1000;
            string at = string.Create(CultureInfo.InvariantCulture, $"MERGEFLOW_SHARING_SEED={seed}");
            foreach (SharedBench b in (ReadOnlySpan<SharedBench>)[alone, shared]) b.Tracker.SetZoneLimit(2, 3);
            for (int i = 0; i < Steps; i++)
            {
                if (chance.OneIn(40)) nowMs += chance.Below(chance.OneIn(3) ? 40_000 : 1_000);
                if (chance.OneIn(60)) Control(alone, shared, chance.Below(3), nowMs);
                if (chance.OneIn(50)) talk = Talks.Draw(chance, TalkPackets);
                FrameSpec packet = Draw(chance, talk);
                DpCt action = Action(chance);
                int thread = chance.Below(threads);
                (CtVerdict want, FrameSpec wantAfter) = alone.Send(0, packet, action, nowMs);
                (CtVerdict got, FrameSpec gotAfter) = shared.Send(thread, packet, action, nowMs);
                Assert.True(
                    (want.State, want.Reply, want.Changed, want.Offloadable, want.Mark, want.ConnId > 0) == (got.State, got.Reply, got.Changed, got.Offloadable, got.Mark, got.ConnId > 0) && wantAfter == gotAfter,
                    $"{at}, packet {i}, {action.Flags} {action.Nat} in zone {action.Zone}: want {Show(want, wantAfter)}, got {Show(got, gotAfter)}");
                states[(int)want.State] = states.GetValueOrDefault((int)want.State) + 1;
                if (i % 50 != 0) continue;
                Assert.Equal(Dump(alone, nowMs), Dump(shared, nowMs));
                connections += alone.Tracker.Count;
            }

            Assert.Equal(alone.Tracker.GetZoneLimit(2), shared.Tracker.GetZoneLimit(2));
            Assert.Equal(alone.Tracker.RefusedConnections, shared.Tracker.RefusedConnections);
        }

        output.WriteLine($"states {string.Join(", ", states.OrderByDescending(static s => s.Value).Select(static s => string.Create(CultureInfo.InvariantCulture, $"{s.Key:x2}: {s.Value}")))}; {connections} connections in dumps");
        Assert.True(states.Count > 5 && connections > 0, "nothing happened");
    }

    private static void Control(SharedBench alone, SharedBench shared, int what, long nowMs)
    {
        foreach (SharedBench b in (ReadOnlySpan<SharedBench>)[alone, shared])
        {
            switch (what)
            {
                case 0: b.Tracker.FlushZone(1); break;
                case 1: b.Tracker.ExpireAll(nowMs); break;
                default:
                    // A step alone may leave what has just expired, up to 512 ms.
                    b.Tracker.Step(nowMs);
                    b.Tracker.ExpireAll(nowMs);
                    break;
            }
        }
    }

    private static FrameSpec Draw(Chance chance, List<FrameSpec> talk)
    {
        FrameSpec packet = chance.Of(talk);
        uint host = Talks.ClientAt(chance.Below(Hosts));
        return Talks.IsAnswer(packet)
            ? packet with { Src = Talks.Server, Dst = chance.OneIn(3) ? 0xc0000201 : host, DstPort = chance.OneIn(3) ? (ushort)(5000 + chance.Below(8)) : packet.DstPort }
            : packet with { Src = host, Dst = Talks.Server };
    }

    private static DpCt Action(Chance chance)
    {
        DpCt action = new() { Zone = (ushort)(1 + chance.Below(2)), Mark = chance.U32() & 3, MarkMask = chance.OneIn(6) ? 3u : 0 };
        if (!chance.OneIn(3)) action.Flags |= DpCtFlags.Commit;
        if (chance.OneIn(20)) action.Flags |= DpCtFlags.Force;
        if (chance.OneIn(2)) action.Flags |= DpCtFlags.Nat;
        if ((action.Flags & (DpCtFlags.Nat | DpCtFlags.Commit)) != (DpCtFlags.Nat | DpCtFlags.Commit) || chance.OneIn(3)) return action;
        action.Nat = chance.OneIn(3) ? NatKind.Dst : NatKind.Src;
        action.NatAddrMin = action.NatAddrMax = Ipv6Address.FromUInt128((UInt128)0xc0000201 << 96);
        (action.NatPortMin, action.NatPortMax) = (5000, 5007);
        return action;
    }

    private static string Show(in CtVerdict v, FrameSpec after)
        => string.Create(CultureInfo.InvariantCulture, $"{v.State} reply {v.Reply} changed {v.Changed} mark {v.Mark} connection {v.ConnId > 0} {after.Src:x8}:{after.SrcPort} > {after.Dst:x8}:{after.DstPort}");

    private static List<string> Dump(SharedBench b, long nowMs)
        => [.. b.Tracker.Snapshot(nowMs).Select(static c => (c with { Id = 0, Generation = 0 }).ToString()).Order(StringComparer.Ordinal)];
}
