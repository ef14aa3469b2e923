using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>Why the packets of one flow are not offloaded: the latest reason, and how many packets of it were seen.</summary>
public struct Refusal
{
    public ulong FlowHash;

    /// <summary>Header of the packet that was refused last.</summary>
    public FlowKey Key;
    public OffloadReason Reason;
    public int Pass;
    public string? Detail;
    public ulong Packets;
    public ulong Bytes;
    public long AtMs;
}
