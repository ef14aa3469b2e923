using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Offload;

/// <summary>The packet behind a rule that the device was asked for, in case it is refused.</summary>
/// <param name="FlowHash">See <see cref="Trace.FlowHash"/>.</param>
/// <param name="Key">Header as received.</param>
/// <param name="LengthBytes">Length as received.</param>
internal readonly record struct AskedRule(ulong FlowHash, FlowKey Key, int LengthBytes);
