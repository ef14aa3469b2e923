using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>push:FIELD[..]</c>.</summary>
public sealed record OfStackPush(Subfield Source) : OfAction;
