using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>move:SRC[a..b]-&gt;DST[c..d]</c>; both ranges have the same width.</summary>
public sealed record OfMove(Subfield Source, Subfield Destination) : OfAction;
