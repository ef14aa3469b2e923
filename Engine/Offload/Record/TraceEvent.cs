using Mergeflow.Engine.Conntrack;

namespace Mergeflow.Engine.Offload;

/// <summary>An edge event inside a pass.</summary>
public struct TraceEvent
{
    public TraceEventKind Kind;

    /// <summary>Pass the event happened in.</summary>
    public int Pass;

    /// <summary>For <see cref="TraceEventKind.Ct"/>.</summary>
    public CtVerdict Ct;

    /// <summary>For <see cref="TraceEventKind.Hash"/>: the value computed, host order.</summary>
    public uint DpHash;
}
