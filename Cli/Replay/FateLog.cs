namespace Mergeflow.Cli;

/// <summary>What became of every packet of a replay, per flow. Exact: each packet is in one place.</summary>
public sealed class FateLog : IPacketFates
{
    private readonly Dictionary<FlowId, FlowFate> _flows = [];
    private readonly Func<long> _nowMs;

    /// <param name="nowMs">The switch's clock.</param>
    public FateLog(Func<long> nowMs) => _nowMs = nowMs;

    /// <summary>All flows, in no order.</summary>
    public IReadOnlyCollection<FlowFate> Flows => _flows.Values;

    /// <summary>What was said last of a packet, null since <see cref="Forget"/>: nothing is said of one that takes a rule.</summary>
    public (OffloadReason Reason, int Pass, string? Detail)? Last { get; private set; }

    /// <summary>Starts to wait for the next word.</summary>
    public void Forget() => Last = null;

    /// <summary>A packet arrives.</summary>
    public void Receive(in FlowKey key, int lengthBytes)
    {
        FlowFate flow = Of(in key);
        flow.Received += new BookTotals(1, (ulong)lengthBytes);
    }

    /// <inheritdoc/>
    public void Refused(in FlowKey key, int lengthBytes, OffloadReason reason, int pass, string? detail)
    {
        Last = (reason, pass, detail);
        Of(in key).Add(reason, new BookTotals(1, (ulong)lengthBytes), pass, detail, _nowMs());
    }

    /// <inheritdoc/>
    public void MadeRule(in FlowKey key, int lengthBytes)
    {
        Last = (OffloadReason.None, 0, null);
        FlowFate flow = Of(in key);
        flow.MadeRule += new BookTotals(1, (ulong)lengthBytes);
    }

    /// <inheritdoc/>
    public void LostRule(in FlowKey key, int lengthBytes)
    {
        FlowFate flow = Of(in key);
        flow.MadeRule -= new BookTotals(1, (ulong)lengthBytes);
    }

    /// <summary>The flows that a match takes, most bytes first.</summary>
    /// <param name="value">Fields.</param>
    /// <param name="mask">Bits that count.</param>
    public IReadOnlyList<FlowFate> Matching(FlowKey value, FlowKey mask)
    {
        FlowKey wanted = default;
        FlowKey.And(ref value, ref mask, ref wanted);
        List<FlowFate> found = [];
        foreach (FlowFate flow in _flows.Values)
        {
            FlowKey key = flow.Key;
            if (FlowKey.Matches(ref key, ref mask, ref wanted)) found.Add(flow);
        }

        found.Sort(static (a, b) => b.Received.Bytes.CompareTo(a.Received.Bytes));
        return found;
    }

    private FlowFate Of(in FlowKey key)
    {
        FlowId id = new(key.InPort.Raw, key.DlType.Raw, key.NwProto, key.NwSrc.Raw, key.NwDst.Raw, key.TpSrc.Raw, key.TpDst.Raw, key.Ipv6Src, key.Ipv6Dst);
        if (_flows.TryGetValue(id, out FlowFate? flow)) return flow;
        FlowKey own = default;
        own.InPort = key.InPort;
        own.DlType = key.DlType;
        own.NwProto = key.NwProto;
        (own.NwSrc, own.NwDst, own.TpSrc, own.TpDst) = (key.NwSrc, key.NwDst, key.TpSrc, key.TpDst);
        (own.Ipv6Src, own.Ipv6Dst) = (key.Ipv6Src, key.Ipv6Dst);
        flow = new FlowFate(own);
        _flows.Add(id, flow);
        return flow;
    }

    private readonly record struct FlowId(uint InPort, ushort DlType, byte NwProto, uint NwSrc, uint NwDst, ushort TpSrc, ushort TpDst, Ipv6Address Ipv6Src, Ipv6Address Ipv6Dst);
}
