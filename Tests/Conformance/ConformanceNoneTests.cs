namespace Mergeflow.Tests;

/// <summary>Conformance with the offload mode <see cref="OffloadMode.None"/>; a class of its own runs beside the others.</summary>
public sealed class ConformanceNoneTests() : ConformanceTests(OffloadMode.None);
