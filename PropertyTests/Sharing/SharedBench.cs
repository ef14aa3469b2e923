namespace Mergeflow.PropertyTests;

/// <summary>One tracker and a probe for each of its packet threads.</summary>
internal sealed class SharedBench : IDisposable
{
    private readonly ConntrackProbe[] _probes;

    public SharedBench(ConntrackOptions options)
    {
        var first = new ConntrackProbe(options, packets: 4);
        _probes = [first, .. Enumerable.Range(1, options.ThreadCount - 1).Select(i => first.ForThread(i, packets: 4))];
    }

    public ConnTracker Tracker => _probes[0].Conntrack;

    public int ThreadCount => _probes.Length;

    /// <summary>Sends a frame through one action; what it has become, and the verdict.</summary>
    public (CtVerdict Verdict, FrameSpec After) Send(int thread, FrameSpec spec, in DpCt action, long nowMs)
    {
        ConntrackProbe probe = _probes[thread];
        PacketRef packet = probe.Receive(FrameWriter.Write(spec));
        CtVerdict verdict = probe.Execute(packet, action, nowMs);
        FlowKey key = packet.WholeKey();
        probe.Return(packet);
        return (verdict, spec with { Src = key.NwSrc.Host, Dst = key.NwDst.Host, SrcPort = key.TpSrc.Host, DstPort = key.TpDst.Host });
    }

    public void Step(int thread, long nowMs) => _probes[thread].Step(nowMs);

    public void Dispose()
    {
        foreach (ConntrackProbe probe in _probes.Reverse()) probe.Dispose();
    }
}
