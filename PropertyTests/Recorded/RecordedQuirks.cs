using F = Mergeflow.PropertyTests.RefField;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Answers that Open vSwitch gave because of what it had cached, not because of the packet. A model without caches cannot give them, and
/// an engine should not.
/// </summary>
internal sealed class RecordedQuirks
{
    /// <summary>
    /// Rules whose recorded counters are what the cache made of them: in <c>flow_mods</c> the last packets are credited to a rule that was added
    /// after them, as statistics are read late; in <c>malformed</c> one packet of several that share an MPLS megaflow is not counted.
    /// </summary>
    private static readonly Dictionary<string, string[]> s_counters = new()
    {
        ["flow_mods"] = ["0x419", "0x41f"],
        ["flow_mods__noseq"] = ["0x419", "0x41f"],
        ["malformed"] = ["0x1c"],
    };

    private readonly HashSet<(ulong Dst, uint Port, ulong Vid, ulong EthType)> _poppedBare = [];

    /// <summary>Events that <see cref="IsStaleDrop"/> explained.</summary>
    public int StaleDropCount { get; private set; }

    public static bool IsCounterExempt(string caseName, string cookie)
        => caseName == "l2_vlan" || (s_counters.TryGetValue(caseName, out string[]? cookies) && cookies.Contains(cookie));

    /// <summary>
    /// After a packet with one tag lost it by <c>pop_vlan</c> and was dropped, the megaflow does not say that there was no second tag; double-tagged
    /// packets to the same address are dropped too.
    /// </summary>
    public bool IsStaleDrop(uint port, ReadOnlySpan<byte> frame, bool recordedNothing)
    {
        RefFlow flow = ReferenceParser.Parse(frame).Flow;
        var key = (flow.U(F.EthDst), port, flow.U(F.Tci0) & 0x1fff, flow.U(F.EthType));
        if (flow.HasTag && flow[F.Tci1] == 0 && recordedNothing) _poppedBare.Add(key);
        bool stale = recordedNothing && flow[F.Tci1] != 0 && _poppedBare.Contains(key);
        return stale;
    }

    public void CountStaleDrop() => StaleDropCount++;
}
