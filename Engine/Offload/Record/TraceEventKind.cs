namespace Mergeflow.Engine.Offload;

/// <summary>Kinds of <see cref="TraceEvent"/>.</summary>
public enum TraceEventKind : byte
{
    Ct,
    Hash,
    TnlPop,
}
