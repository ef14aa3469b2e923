namespace Mergeflow.Tests;

/// <summary>An input event as the judge needs it; <see cref="Expect"/> is set in follow-up cases only.</summary>
internal sealed record CaseEvent(long Index, long TimeMs, string Op, uint Port, string Hex, List<(uint Port, string Hex)>? Expect);
