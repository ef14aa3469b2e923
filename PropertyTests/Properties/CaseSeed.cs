namespace Mergeflow.PropertyTests;

/// <summary>The seed of a generated case.</summary>
public sealed record CaseSeed(int Value);
