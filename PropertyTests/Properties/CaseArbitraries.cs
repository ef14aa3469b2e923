using FsCheck;
using FsCheck.Fluent;

namespace Mergeflow.PropertyTests;

/// <summary>Seeds for generated cases. Cases shrink by themselves, so the seeds do not.</summary>
public static class CaseArbitraries
{
    public static Arbitrary<CaseSeed> Seeds() => Gen.Choose(0, int.MaxValue).Select(s => new CaseSeed(s)).ToArbitrary();
}
