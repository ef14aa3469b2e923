using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

/// <summary>Masked rewrite of the outermost MPLS label stack entry.</summary>
public struct DpSetMpls
{
    public Be32 Lse;
    public Be32 LseMask;
}
