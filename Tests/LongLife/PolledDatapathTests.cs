using System.Buffers.Binary;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// A datapath that is driven by its pollers and never told to <see cref="Engine.Datapath.Expire"/>, as the throughput harness and threads drive it: what ends there,
/// ends here too.
/// </summary>
public sealed class PolledDatapathTests : IDisposable
{
    private readonly Engine.Runtime.Datapath _datapath = new(
        new DatapathOptions { Ports = [("p1", 1), ("p2", 2)], MaxIdleMs = 1000, MaxRevalidatorMs = 100, FrameCapacityBytes = 256, PacketCapacity = 64, EmcEntryCount = 1024 },
        sink: null);

    private long _nowMs = 1000;

    /// <summary>One recirculation id per source address: they go when their megaflows have gone, and a sweep looks at idle ones only.</summary>
    [Fact]
    public void Recirculation_ids_go()
    {
        const int Sources = 20_000;
        Apply("table=0,ip,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],ct(table=1)\ntable=1,ip,actions=output:2");
        Send(FromSources(Sources));

        RecircStore store = _datapath.Recirc;
        Assert.Equal(Sources, store.Count);
        ulong looked = store.SweptCount;
        Poll(100);
        Assert.Equal(0ul, store.SweptCount - looked);
        int most = 0;
        for (int i = 0; i < 400 && store.Count > 0; i++)
        {
            ulong before = store.SweptCount;
            Poll(10);
            most = Math.Max(most, (int)(store.SweptCount - before));
        }

        Assert.Equal(0, store.Count);
        Assert.Equal(0, _datapath.Megaflows.Count);

        // Once when it is seen to be idle, once when it goes.
        Assert.Equal(2ul * Sources, store.SweptCount - looked);
        Assert.InRange(most, 1, 4096);
    }

    [Theory]
    [InlineData("idle_timeout=3", 3000)]
    [InlineData("hard_timeout=5", 5000)]
    public void Rules_end_with_their_timeout(string timeout, int timeoutMs)
    {
        Apply($"priority=9,{timeout},ip,actions=output:2\npriority=1,actions=drop");
        long endMs = _nowMs + timeoutMs;
        Send(Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2));
        while (_nowMs < endMs - 100) Poll(50);
        Assert.Equal(2, _datapath.Pipeline.RuleCount);
        while (_nowMs < endMs + 200) Poll(50);
        Assert.Equal(1, _datapath.Pipeline.RuleCount);
        ulong sent = _datapath.Pmd.Stats.Tx;
        Send(Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2));
        Assert.Equal(sent, _datapath.Pmd.Stats.Tx);
    }

    /// <summary>The megaflows of a rule whose time is up are translated again a share at a time.</summary>
    [Fact]
    public void No_step_translates_more_than_its_share()
    {
        const int Sources = 2000, Share = 128;
        Apply("priority=9,hard_timeout=5,ip,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],output:2\npriority=1,actions=drop");
        for (long endMs = _nowMs + 4900; _nowMs < endMs; _nowMs += 500) Send(FromSources(Sources));
        Assert.Equal(Sources, _datapath.Megaflows.Count);
        ulong most = 0, before = _datapath.Revalidator.Stats.Changed;
        Assert.Equal(0ul, before);
        for (int i = 0; i < 100; i++)
        {
            Poll(10);
            most = Math.Max(most, _datapath.Revalidator.Stats.Changed - before);
            before = _datapath.Revalidator.Stats.Changed;
        }

        Assert.Equal(1, _datapath.Pipeline.RuleCount);
        Assert.Equal((ulong)Sources, before);
        Assert.InRange(most, 1ul, (ulong)Share);
    }

    [Fact]
    public void Rules_under_traffic_stay()
    {
        Apply("priority=9,idle_timeout=1,ip,actions=output:2\npriority=1,actions=drop");
        for (int i = 0; i < 50; i++)
        {
            Send(Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2));
            Poll(450);
            Poll(450);
        }

        Assert.Equal(2, _datapath.Pipeline.RuleCount);
        Assert.Equal(50ul, _datapath.Pmd.Stats.Tx);
    }

    public void Dispose() => _datapath.Dispose();

    /// <summary>A frame of each of so many addresses.</summary>
    private static List<ReadOnlyMemory<byte>> FromSources(int count)
    {
        byte[] frame = Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2, checksum: false);
        List<ReadOnlyMemory<byte>> frames = [];
        for (uint i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(26), 0x0a00_0000 + i);
            NicFrame.SetIpv4Checksum(frame);
            frames.Add(frame.ToArray());
        }

        return frames;
    }

    private void Apply(string flows) => _datapath.ApplyFlowMods(new FlowTextParser().ParseFlows(flows), _nowMs);

    private void Send(byte[] frame) => Send([frame]);

    private void Send(List<ReadOnlyMemory<byte>> frames)
    {
        using var queue = new CaptureRxQueue(frames, [.. frames.Select(_ => 1u)], 1, verifyChecksums: true);
        using var poller = new PmdPoller(_datapath.Pmd, [queue]);
        while (poller.Step(_nowMs) > 0) Poll(0);
    }

    private void Poll(int afterMs)
    {
        _nowMs += afterMs;
        _datapath.Conntrack.Step(_nowMs);
        _datapath.Revalidator.Step(_nowMs);
    }
}
