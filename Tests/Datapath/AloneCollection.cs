using Xunit;

namespace Mergeflow.Tests;

/// <summary>Tests that measure the process: they run one after another, after all others.</summary>
[CollectionDefinition("Alone", DisableParallelization = true)]
public sealed class AloneCollection;
