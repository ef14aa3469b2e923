namespace Mergeflow.Engine.OpenFlow;

/// <content>Addresses of <c>normal</c> that somebody sets, and how many there may be (OVS <c>fdb/add</c>, <c>mac-table-size</c>).</content>
public sealed partial class OfPipeline
{
    /// <summary>The addresses that somebody has set.</summary>
    public IReadOnlyList<LearnedSource> StaticAddresses => Macs.StaticEntries();

    /// <summary>What the table of addresses has seen.</summary>
    public MacStatistics AddressStatistics => Macs.Statistics;

    /// <summary>Counts what the table of addresses sees anew (OVS <c>fdb/stats-clear</c>).</summary>
    public void ClearAddressStatistics() => Macs.ClearStatistics();

    /// <summary>From now on there is room for so many addresses, and one is forgotten that has not been seen for so long.</summary>
    public void ConfigureAddresses(int capacity, long agingMs) => Macs.Configure(capacity, agingMs);

    /// <inheritdoc cref="MacTable.SetStatic"/>
    internal bool SetStaticAddress(MacKey key, uint port, long nowMs, out (uint Port, bool IsStatic)? before) => Macs.SetStatic(key, port, nowMs, out before);

    /// <inheritdoc cref="MacTable.RemoveStatic"/>
    internal bool RemoveStaticAddress(MacKey key) => Macs.RemoveStatic(key);

    /// <inheritdoc cref="MacTable.Forget(MacKey)"/>
    internal bool ForgetAddress(MacKey key) => Macs.Forget(key);
}
