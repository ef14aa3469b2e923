using Xunit;

namespace Mergeflow.Tests;

/// <summary>What remains for honest senders when others send fragments of datagrams that never end.</summary>
public sealed class FragmentFloodTests(ITestOutputHelper output)
{
    private const int HonestCount = 1000;

    private static readonly string[] s_flows =
    [
        "table=0,priority=9,ip actions=ct(commit,zone=1,table=1)",
        "table=0,priority=9,ipv6 actions=ct(commit,zone=1,table=1)",
        "table=1,priority=9,ip actions=ct(commit,zone=2,table=2)",
        "table=1,priority=9,ipv6 actions=ct(commit,zone=2,table=2)",
        "table=2,priority=1 actions=output:2",
    ];

    /// <summary>
    /// First fragments at the rate that keeps a cache of 1,000 full for 15 s, and at 150 times that; by one host, by a host that takes any address, by a
    /// host that has a whole network of them. Beside them honest datagrams of three fragments, a fragment per millisecond.
    /// </summary>
    [Theory]
    [InlineData(false, 67, 1)]
    [InlineData(false, 67, 4_000_000)]
    [InlineData(false, 10_000, 1)]
    [InlineData(false, 10_000, 4_000_000)]
    [InlineData(true, 67, 1)]
    [InlineData(true, 10_000, 4_000_000)]
    public void Honest_datagrams_pass_under_a_flood_of_first_fragments(bool ipv6, int attackPerSecond, int sourceCount)
    {
        using var sink = new CountingSwitch(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)], IpfMinFragV4Bytes = 400, IpfMinFragV6Bytes = 500, BatchSize = 1 }, s_flows);
        var random = new Random(20);
        byte[] payload = new byte[800];
        long attacked = 0;
        int passed = 0;
        for (int ms = 0; ms < 20_000 + (HonestCount * 10); ms++)
        {
            for (; attacked * 1000 < (long)ms * attackPerSecond; attacked++)
            {
                int source = random.Next(sourceCount);
                string address = ipv6 ? $"2001:db9:{source >> 16:x}:{source & 0xffff:x}::{attacked & 0xffff:x}" : $"172.{16 + (source >> 20)}.{(source >> 8) & 255}.{source & 255}";
                sink.Send(FragmentTrain.Part(ipv6, 0, payload, more: true, (ushort)attacked, address), ms);
            }

            if (ms < 20_000) continue;
            int honest = (ms - 20_000) / 10, part = (ms - 20_000) % 10;
            if (part >= 3) continue;
            string from = ipv6 ? $"2001:db8:1:{honest % 50:x}::5" : $"10.0.0.{honest % 50}";
            long before = sink.Sent;
            sink.Send(FragmentTrain.Datagram(ipv6, 2000, 800, (ushort)honest, from)[part], ms);
            if (sink.Sent == before + 3) passed++;
        }

        output.WriteLine($"{(ipv6 ? "IPv6" : "IPv4")}, {attackPerSecond} first fragments/s from {sourceCount} sources: {passed} of {HonestCount} honest datagrams passed; {sink.Conntrack.FragmentsEvicted} evicted, {sink.Conntrack.HeldFragments} held");
        Assert.Equal(HonestCount, passed);
        Assert.InRange(sink.Conntrack.HeldFragments, 1, 1000);
    }

    /// <summary>However small packet memory is, what is on hold leaves enough of it for reception.</summary>
    [Theory]
    [InlineData(64)]
    [InlineData(256)]
    [InlineData(512)]
    [InlineData(1000)]
    [InlineData(1024)]
    [InlineData(1032)]
    [InlineData(4096)]
    public void Held_fragments_never_stop_reception(int packetCapacity)
    {
        foreach (OffloadMode offload in Enum.GetValues<OffloadMode>())
        {
            using var sink = new CountingSwitch(
                new SimulatorOptions
                {
                    Ports = [("p1", 1), ("p2", 2)],
                    IpfMinFragV4Bytes = 400,
                    PacketCapacity = packetCapacity,
                    BatchSize = 1,
                    Offload = offload,
                    TcpSeqChk = offload != OffloadMode.Nic,
                },
                s_flows);
            byte[] payload = new byte[800];
            for (int i = 0; i < 2000; i++) sink.Send(FragmentTrain.Part(false, 0, payload, more: true, (ushort)i, $"172.16.{i >> 8}.{i & 255}"), 1);
            int held = sink.Conntrack.HeldFragments, received = 0;
            for (int i = 0; i < 1000; i++)
            {
                long before = sink.Sent;
                sink.Send(Frames.Udp("10.0.0.1", 1000 + (i % 10), "10.0.0.2", 53), 2);
                received += (int)(sink.Sent - before);
            }

            output.WriteLine($"pool of {packetCapacity}, {offload}: {held} fragments on hold, {received} of 1000 packets received");
            Assert.Equal(1000, received);
            Assert.InRange(held, 1, 1000);
            sink.EndOfDatagrams();
            Assert.Equal((0, 0), (sink.Conntrack.HeldFragments, sink.PacketsInUse));
        }
    }

    /// <summary>
    /// A datagram with two last fragments is whole with the first of them. In the second zone all three parts come in one batch: what follows the end
    /// is not taken, the datagram is not whole twice.
    /// </summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void A_datagram_is_complete_once(bool ipv6, bool repeatsOvs31)
    {
        using var sink = new CountingSwitch(
            new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)], IpfMinFragV4Bytes = 400, IpfMinFragV6Bytes = 500, GuardPages = true, PacketCapacity = 512, BatchSize = 1, Quirks = repeatsOvs31 ? Quirks.Ovs31 : Quirks.None }, s_flows);
        List<byte[]> Train(ushort id, bool twice)
        {
            List<byte[]> parts = FragmentTrain.Datagram(ipv6, 2400, 800, id);
            return twice ? [parts[2], FragmentTrain.Part(ipv6, 800, parts[1].AsSpan(^800), more: false, id), parts[0]] : parts;
        }

        // The megaflows first: packets without one go alone.
        foreach (byte[] part in Train(1, false).Concat(Train(2, false))) sink.Send(part, 1);
        Assert.Equal(6, sink.Sent);
        foreach (byte[] part in Train(3, true)) sink.Send(part, 2);
        Assert.Equal(9, sink.Sent);
        foreach (byte[] part in Train(4, false)) sink.Send(part, 3);
        Assert.Equal(12, sink.Sent);
        sink.EndOfDatagrams();
        Assert.Equal((0, 0), (sink.Conntrack.HeldFragments, sink.PacketsInUse));
    }

    private sealed class CountingSwitch : IOutputSink, IDisposable
    {
        private readonly Simulator _simulator;
        private long _nowMs;
        private int _index;

        public CountingSwitch(SimulatorOptions options, string[] flows)
        {
            _simulator = new Simulator(options, this);
            var parser = new FlowTextParser();
            _simulator.ApplyFlowMods([.. flows.Select(f => parser.ParseFlow(f))]);
        }

        public long Sent { get; private set; }

        public ConnTracker Conntrack => _simulator.Datapath.Conntrack;

        public int PacketsInUse => _simulator.Datapath.Pmd.Pool.InUse;

        public void Send(byte[] frame, long nowMs)
        {
            if (nowMs != _nowMs) _simulator.AdvanceTo(_nowMs = nowMs);
            _simulator.Receive(1, frame, _index++);
        }

        public void EndOfDatagrams()
        {
            _simulator.AdvanceTo(_nowMs + 60_000);
            _simulator.Settle();
        }

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => Sent++;

        public void Dispose() => _simulator.Dispose();
    }
}
