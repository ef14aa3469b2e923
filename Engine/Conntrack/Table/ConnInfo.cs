using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>A connection as a dump shows it (OVS <c>struct ct_dpif_entry</c>).</summary>
/// <param name="Id">Connection id.</param>
/// <param name="Generation">Generation of the id.</param>
/// <param name="Zone">Zone.</param>
/// <param name="Mark">ct_mark.</param>
/// <param name="Label">ct_label.</param>
/// <param name="Proto">IP protocol.</param>
/// <param name="State">TCP: the further of both peers' states in OVS's spelling; null for other protocols.</param>
/// <param name="TimeoutSeconds">Whole seconds left.</param>
/// <param name="Orig">Original direction.</param>
/// <param name="Reply">Reply direction.</param>
/// <param name="OrigPackets">Packets of the original direction.</param>
/// <param name="OrigBytes">Bytes of the original direction.</param>
/// <param name="ReplyPackets">Packets of the reply direction.</param>
/// <param name="ReplyBytes">Bytes of the reply direction.</param>
public sealed record ConnInfo(
    int Id,
    uint Generation,
    ushort Zone,
    uint Mark,
    Ipv6Address Label,
    byte Proto,
    string? State,
    long TimeoutSeconds,
    ConnTuple Orig,
    ConnTuple Reply,
    ulong OrigPackets,
    ulong OrigBytes,
    ulong ReplyPackets,
    ulong ReplyBytes)
{
    /// <summary>Gateway that reads the connection, <c>ftp</c> or <c>tftp</c>; null = none.</summary>
    public string? Helper { get; init; }
}
