namespace Mergeflow.Engine.Offload;

/// <summary>Program shapes of merged rules that need no interpreter.</summary>
public enum MergedShape : byte
{
    /// <summary>Run <see cref="MergedHot.Program"/>.</summary>
    General,

    /// <summary>No output at all.</summary>
    Drop,

    /// <summary>Send on <see cref="MergedHot.OutPort"/>, unchanged.</summary>
    OutputOnly,

    /// <summary>IPv4 TCP/UDP: <see cref="MergedRewrite.Apply"/>, then send on <see cref="MergedHot.OutPort"/>.</summary>
    RewriteOutput,
}
