namespace Mergeflow.Engine.Text;

/// <summary>Addresses and ports of one direction.</summary>
/// <param name="IsIpv6">Address family.</param>
/// <param name="Src">Source address as a number.</param>
/// <param name="Dst">Destination address as a number.</param>
/// <param name="SrcPort">0 if the protocol has none.</param>
/// <param name="DstPort">0 if the protocol has none.</param>
public readonly record struct DpTuple(bool IsIpv6, UInt128 Src, UInt128 Dst, ushort SrcPort, ushort DstPort)
{
    /// <summary>The other way round.</summary>
    public DpTuple Turned => new(IsIpv6, Dst, Src, DstPort, SrcPort);
}
