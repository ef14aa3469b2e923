namespace Mergeflow.Tests;

/// <summary>Conformance with the offload mode <see cref="OffloadMode.Nic"/>; a class of its own runs beside the others.</summary>
public sealed class ConformanceNicTests() : ConformanceTests(OffloadMode.Nic);
