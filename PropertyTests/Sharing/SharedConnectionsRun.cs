using System.Globalization;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Packet threads that share connections: whatever they do at the same time, every packet's state and what is left of every connection is what the reference model makes of its packets in
/// some order. As many cases as <c>MERGEFLOW_SHARING_CASES</c> says (30), seeds from <c>MERGEFLOW_SHARING_SEED</c> on.
/// </summary>
public sealed class SharedConnectionsRun(ITestOutputHelper output)
{
    private const int DefaultCases = 30;
    private const int PacketsPerTalk = 5;
    private const int TalksPerCase = 6;

    /// <summary>Each conversation is held so often at the same time, by other clients.</summary>
    private const int Copies = 12;

    private const long NowMs = 1000;

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Every_connection_is_as_some_order_of_its_packets_leaves_it(int threads)
    {
        int first = SharingCases.FirstSeed, judged = 0;
        Dictionary<string, int> seen = [];
        for (int seed = first; seed < first + SharingCases.Count(DefaultCases); seed++)
        {
            var chance = new Chance(seed);
            List<List<FrameSpec>> talks = [.. Enumerable.Range(0, TalksPerCase).Select(_ => Talks.Draw(chance, PacketsPerTalk))];
            string[] got = Play(talks, threads, keeps: seed % 2 == 0, chance);
            for (int talk = 0; talk < TalksPerCase; talk++)
            {
                if (TalkOutcomes.Of(talks[talk], NowMs) is not { } allowed) continue;
                for (int copy = 0; copy < Copies; copy++)
                {
                    string outcome = got[(talk * Copies) + copy];
                    Assert.True(allowed.Contains(outcome), $"MERGEFLOW_SHARING_SEED={seed}: {Show(talks[talk])}\ngot {outcome}\nbut in no order; in some:\n{string.Join('\n', allowed.Take(8))}");
                    judged++;
                    seen[outcome] = seen.GetValueOrDefault(outcome) + 1;
                }
            }
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{judged} conversations judged, {seen.Count} different outcomes"));
        Assert.True(judged > TalksPerCase, "the model was never sure");
    }

    private static string[] Play(List<List<FrameSpec>> talks, int threads, bool keeps, Chance chance)
    {
        using var first = new ConntrackProbe(new ConntrackOptions { Seed = 7, CapacityConnections = 512, ThreadCount = threads }, packets: 4);
        ConntrackProbe[] probes = [first, .. Enumerable.Range(1, threads - 1).Select(i => first.ForThread(i, packets: 4))];
        int flows = talks.Count * Copies;
        string[][] states = [.. Enumerable.Range(0, flows).Select(static _ => new string[PacketsPerTalk])];
        List<(int Flow, int Packet, byte[] Frame)>[] work = [.. Enumerable.Range(0, threads).Select(static _ => new List<(int, int, byte[])>())];

        // Packets of one conversation stand side by side, so that threads meet.
        for (int flow = 0; flow < flows; flow++)
        {
            // A thread keeps a connection of which it has seen both directions, until another one has a packet of it.
            for (int i = 0; i < PacketsPerTalk; i++) work[keeps && chance.Below(4) > 0 ? flow % threads : chance.Below(threads)].Add((flow, i, Talks.Frame(talks[flow / Copies][i], flow)));
        }

        Race.Run(threads, thread =>
        {
            probes[thread].KeepsConnections = keeps;
            foreach ((int flow, int packet, byte[] frame) in work[thread])
            {
                states[flow][packet] = TalkOutcomes.State(Send(probes[thread], frame));
                probes[thread].Between();
            }

            probes[thread].KeepsConnections = false;
        });
        ILookup<uint, ConnInfo> left = first.Conntrack.Snapshot(NowMs).ToLookup(static c => Math.Min(HostOf(c.Orig.Src), HostOf(c.Orig.Dst)));
        Assert.Equal(first.Conntrack.Count, left.Sum(static l => l.Count()));
        string[] outcomes = [.. Enumerable.Range(0, flows).Select(flow => TalkOutcomes.Text(states[flow], left[Talks.ClientAt(flow)].Select(c =>
            TalkOutcomes.Connection(HostOf(c.Orig.Src) == Talks.Server, c.TimeoutSeconds, c.OrigPackets, c.ReplyPackets))))];
        for (int i = 1; i < threads; i++) probes[i].Dispose();
        return outcomes;
    }

    private static int Send(ConntrackProbe probe, byte[] frame)
    {
        PacketRef packet = probe.Receive(frame);
        probe.Execute(packet, new DpCt { Zone = TalkOutcomes.Zone, Flags = DpCtFlags.Commit }, NowMs);
        int state = (int)packet.Key.CtState;
        probe.Return(packet);
        return state;
    }

    private static uint HostOf(Ipv6Address address) => (uint)(address.ToUInt128() >> 96);

    private static string Show(List<FrameSpec> talk)
        => string.Join("; ", talk.Select(static p => $"{p.Proto} {p.SrcPort}>{p.DstPort} flags {p.TcpFlags:x} seq {p.Seq} ack {p.Ack} +{p.Payload.Length}"));
}
