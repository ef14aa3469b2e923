namespace Mergeflow.PropertyTests;

/// <summary>A flow as text, in pieces, so that a counter-example shrinks by losing pieces.</summary>
public sealed record FlowLine(string Protocol, IReadOnlyList<string> Matches, IReadOnlyList<string> Actions)
{
    public override string ToString() => $"{string.Join(',', [Protocol, .. Matches])} actions={string.Join(',', Actions)}";
}
