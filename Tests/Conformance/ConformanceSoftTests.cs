namespace Mergeflow.Tests;

/// <summary>Conformance with the offload mode <see cref="OffloadMode.Soft"/>; a class of its own runs beside the others.</summary>
public sealed class ConformanceSoftTests() : ConformanceTests(OffloadMode.Soft);
