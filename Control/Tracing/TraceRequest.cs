using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Control.Tracing;

/// <summary>What somebody wants to have traced.</summary>
internal sealed record TraceRequest
{
    /// <summary>The bridge that the packet comes to.</summary>
    public required TraceBridge Bridge { get; init; }

    /// <summary>All that there are: a packet may come to others.</summary>
    public IReadOnlyList<TraceBridge> Bridges { get; init; } = [];

    /// <summary>The packet, with what the pipeline knows of it.</summary>
    public required PipelineFlow Flow { get; init; }

    /// <summary>The frame that was given; null = there is none, and nothing is learned.</summary>
    public byte[]? Frame { get; init; }

    /// <summary>A frame is made of the fields.</summary>
    public bool IsGenerated { get; init; }

    /// <summary>Ports are told by their names.</summary>
    public bool WithNames { get; init; }

    /// <summary>What runs in the place of the tables; null = the tables.</summary>
    public IReadOnlyList<OfAction>? Actions { get; init; }

    /// <summary>Time.</summary>
    public long NowMs { get; init; }

    /// <summary>What each <c>ct</c> finds, in the order of the passes.</summary>
    public Queue<CtState> Next { get; init; } = [];

    /// <summary>Somebody may learn from the packet.</summary>
    public bool HasPacket => Frame is not null || IsGenerated;
}
