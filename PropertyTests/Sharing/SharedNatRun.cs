using System.Globalization;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Packet threads that translate more connections than an address has ports for: each port goes to one connection, all of them do, and every answer comes back to who asked.
/// Cases as <see cref="SharedConnectionsRun"/>.
/// </summary>
public sealed class SharedNatRun(ITestOutputHelper output)
{
    private const int DefaultCases = 40;
    private const int Ports = 40;
    private const int FlowsPerThread = 30;
    private const int Rounds = 3;
    private const uint Outside = 0xc0000201;
    private const long NowMs = 1000;

    [Theory]
    [InlineData(2, NatKind.Src)]
    [InlineData(4, NatKind.Src)]
    [InlineData(4, NatKind.Dst)]
    public void Every_tuple_goes_to_one_connection_and_every_answer_to_its_own(int threads, NatKind kind)
    {
        int first = SharingCases.FirstSeed, refused = 0, answered = 0;
        for (int seed = first; seed < first + SharingCases.Count(DefaultCases); seed++)
        {
            using var b = new SharedBench(new ConntrackOptions { Seed = (ulong)seed, CapacityConnections = 1024, ThreadCount = threads });
            for (int round = 0; round < Rounds; round++)
            {
                int[] found = new int[threads];
                int[] lost = new int[threads];
                Race.Run(threads, thread => (found[thread], lost[thread]) = Talk(b, thread, kind, new Chance((seed * 100) + thread)));
                ConnInfo[] all = [.. b.Tracker.Snapshot(NowMs)];
                string at = string.Create(CultureInfo.InvariantCulture, $"MERGEFLOW_SHARING_SEED={seed} round {round}");
                int flows = threads * FlowsPerThread, want = Math.Min(flows, Ports);
                Assert.True(all.Length == found.Sum(), $"{at}: {found.Sum()} connections were made, {all.Length} are there");
                if (kind == NatKind.Src) Assert.True(all.Length == want, $"{at}: {all.Length} of {want} connections");
                Assert.True(all.Length + lost.Sum() == flows, $"{at}: a packet neither made a connection nor was refused");
                Assert.True(all.Select(static c => c.Orig).Concat(all.Select(static c => c.Reply)).Distinct().Count() == 2 * all.Length, $"{at}: one tuple, two connections");
                Assert.True(all.All(static c => (c.OrigPackets, c.ReplyPackets) == (1, 1)), $"{at}: a packet was not counted");
                Assert.Equal(all.Length, b.Tracker.Count);
                refused += lost.Sum();
                answered += all.Length;
                b.Tracker.FlushAll();
            }

        }

        output.WriteLine($"{answered} translated and answered, {refused} refused");
        if (kind == NatKind.Src && threads * FlowsPerThread > Ports) Assert.True(refused > 0, "the ports were never short");
    }

    private static (int Found, int Lost) Talk(SharedBench b, int thread, NatKind kind, Chance chance)
    {
        DpCt commit = new()
        {
            Zone = 1,
            Flags = DpCtFlags.Commit | DpCtFlags.Nat,
            Nat = kind,
            NatAddrMin = Ipv6Address.FromUInt128((UInt128)Outside << 96),
            NatAddrMax = Ipv6Address.FromUInt128((UInt128)Outside << 96),
            NatPortMin = 5000,
            NatPortMax = 5000 + Ports - 1,
        };
        DpCt answer = new() { Zone = 1, Flags = DpCtFlags.Nat };
        int found = 0, lost = 0;
        foreach (int flow in Enumerable.Range(thread * FlowsPerThread, FlowsPerThread).OrderBy(_ => chance.U32()))
        {
            FrameSpec sent = new() { Src = Talks.ClientAt(flow), Dst = Talks.Server, SrcPort = 1000, DstPort = 53 };
            (CtVerdict verdict, FrameSpec outside) = b.Send(thread, sent, commit, NowMs);
            if (verdict.ConnId < 0)
            {
                lost++;
                continue;
            }

            found++;
            (CtVerdict back, FrameSpec inside) = b.Send(thread, Turned(outside), answer, NowMs);
            if (back.ConnId != verdict.ConnId || Turned(inside) != sent) throw new InvalidOperationException($"flow {flow} got the answer of another: {inside}");
        }

        return (found, lost);
    }

    private static FrameSpec Turned(FrameSpec s) => s with { Src = s.Dst, Dst = s.Src, SrcPort = s.DstPort, DstPort = s.SrcPort };
}
