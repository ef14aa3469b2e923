namespace Mergeflow.Engine.Actions;

/// <summary>Which side a <c>nat</c> clause translates; None follows the existing connection only.</summary>
public enum NatKind : byte
{
    None,
    Src,
    Dst,
}
