namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>output:N</c>; <paramref name="MaxLengthBytes"/> &gt; 0 for <c>output(port=N,max_len=B)</c>.</summary>
public sealed record OfOutput(uint Port, int MaxLengthBytes = 0) : OfAction;
