namespace Mergeflow.PropertyTests;

/// <summary>One condition of a match: <c>field &amp; Mask == Value</c>.</summary>
internal readonly record struct RefTerm(RefField Field, UInt128 Value, UInt128 Mask)
{
    public bool Holds(RefFlow flow) => (flow[Field] & Mask) == Value;
}
