namespace Mergeflow.Engine.Actions;

/// <summary>Why a <see cref="DpOp.Userspace"/> action exists.</summary>
public enum UserspaceReason : byte
{
    Controller,
    Learn,
    Normal,
}

/// <summary>Why a packet leaves the fast path.</summary>
public struct DpUserspace
{
    public UserspaceReason Reason;

    /// <summary>Bytes to send, 0 = all.</summary>
    public uint MaxLengthBytes;
}
