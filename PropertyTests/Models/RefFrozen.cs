namespace Mergeflow.PropertyTests;

/// <summary>What survives from one walk to the next (OVS <c>struct frozen_state</c>).</summary>
internal sealed record RefFrozen(int Table, RefFlow Flow, IReadOnlyList<(UInt128 Value, int BitCount)> Stack, IReadOnlyList<OfAction> ActionSet);
