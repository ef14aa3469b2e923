using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Runtime;

/// <summary>A packet that an action has sent to control (OVS <c>struct ofputil_packet_in_private</c>).</summary>
public sealed class PacketIn
{
    /// <summary>The bridge whose rule has sent it.</summary>
    public required DatapathBridge Bridge { get; init; }

    /// <summary>The whole packet, as the actions before have left it.</summary>
    public required byte[] Frame { get; init; }

    /// <summary>Why it comes.</summary>
    public required PacketInReason Reason { get; init; }

    /// <summary>The table whose rule has sent it.</summary>
    public required byte Table { get; init; }

    /// <summary>The rule's cookie.</summary>
    public required ulong Cookie { get; init; }

    /// <summary>Controllers with this id get it.</summary>
    public required ushort ControllerId { get; init; }

    /// <summary>Bytes of the packet that they want; 65535 = all.</summary>
    public required ushort MaxLengthBytes { get; init; }

    /// <summary>Of the action: pairs of hexadecimal digits with dots between them; empty = none.</summary>
    public required string UserData { get; init; }

    /// <summary>What the pipeline knows of it: the key of the packet, metadata and registers.</summary>
    public required PipelineFlow Flow;

    /// <summary>The packet stops here, and goes on with <see cref="Datapath.Resume"/>; null = it has gone on.</summary>
    public byte[]? Continuation { get; init; }

    /// <summary>Event of a replay that has brought the packet in.</summary>
    public long EventIndex { get; init; }
}
