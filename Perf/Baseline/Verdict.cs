namespace Mergeflow.Perf;

/// <summary>How a row compares with its baseline.</summary>
public enum Verdict
{
    /// <summary>The same within the threshold, or faster.</summary>
    SameOrBetter,

    /// <summary>Slower than the threshold allows, and the noise does not explain it; or it behaves differently.</summary>
    Regression,

    /// <summary>The runs spread too far to tell.</summary>
    TooNoisy,

    /// <summary>Only one of the two has the row.</summary>
    Unmatched,
}
