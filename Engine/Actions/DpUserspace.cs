namespace Mergeflow.Engine.Actions;

/// <summary>Why a packet leaves the fast path.</summary>
public struct DpUserspace
{
    public UserspaceReason Reason;

    /// <summary>Bytes to send, 0 = all.</summary>
    public uint MaxLengthBytes;
}
