namespace Mergeflow.Tests;

/// <summary>Where <see cref="FailingParts"/> throws.</summary>
public enum FailingPlace
{
    Merge,
    Recheck,
    Create,
    Destroy,
    Query,
    Poll,
    Credit,
}
