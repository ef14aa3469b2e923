using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>check_pkt_larger(bytes)-&gt;bit</c>.</summary>
public sealed record OfCheckPktLarger(ushort LengthBytes, Subfield Destination) : OfAction;
