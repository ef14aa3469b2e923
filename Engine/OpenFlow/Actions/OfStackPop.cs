using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>pop:FIELD[..]</c>.</summary>
public sealed record OfStackPop(Subfield Destination) : OfAction;
