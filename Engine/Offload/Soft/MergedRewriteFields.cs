namespace Mergeflow.Engine.Offload;

/// <summary>Which fields a precomputed rewrite stores besides addresses and ports.</summary>
[Flags]
public enum MergedRewriteFields : byte
{
    None = 0,
    DlDst = 1,
    DlSrc = 2,
    NwTtl = 4,
    NwTos = 8,

    /// <summary>IPv4 addresses and ports.</summary>
    Tuple = 16,
}
