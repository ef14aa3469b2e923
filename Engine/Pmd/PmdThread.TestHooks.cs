using Mergeflow.Engine.Lookup;

namespace Mergeflow.Engine.Pmd;

/// <remarks>What only tests look at.</remarks>
public sealed unsafe partial class PmdThread
{
    public Dpcls Classifier => _lookup.Classifier;
}
