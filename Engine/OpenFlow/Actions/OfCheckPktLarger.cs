namespace Mergeflow.Engine;

/// <summary><c>check_pkt_larger(bytes)-&gt;bit</c>.</summary>
public sealed record OfCheckPktLarger(ushort LengthBytes, Subfield Destination) : OfAction;
