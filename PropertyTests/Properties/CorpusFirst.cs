using Mergeflow.PropertyTests;
using Xunit.Sdk;
using Xunit.v3;

[assembly: Xunit.TestCollectionOrderer(typeof(CorpusFirst))]

namespace Mergeflow.PropertyTests;

/// <summary>What failed once is tried first.</summary>
public sealed class CorpusFirst : ITestCollectionOrderer
{
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection
        => [.. testCollections.OrderBy(c => c.TestCollectionDisplayName.Contains(nameof(CorpusTests), StringComparison.Ordinal) ? 0 : 1)];
}
