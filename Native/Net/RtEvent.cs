namespace Mergeflow.Native;

/// <summary>Something that the kernel has told. One of the records is there, as <see cref="Kind"/> says.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="IsGone">True: it is no more; the record is its last state.</param>
public sealed record RtEvent(RtEventKind Kind, bool IsGone = false)
{
    /// <summary>Of <see cref="RtEventKind.Link"/>.</summary>
    public RtLink? Link { get; init; }

    /// <summary>Of <see cref="RtEventKind.Route"/>.</summary>
    public RtRoute? Route { get; init; }

    /// <summary>Of <see cref="RtEventKind.Neighbor"/>.</summary>
    public RtNeighbor? Neighbor { get; init; }

    /// <summary>Of <see cref="RtEventKind.Address"/>.</summary>
    public RtAddress? Address { get; init; }
}

/// <summary>Kinds of <see cref="RtEvent"/>.</summary>
public enum RtEventKind : byte
{
    /// <summary>An interface came, changed or went.</summary>
    Link,

    /// <summary>A route came or went.</summary>
    Route,

    /// <summary>A neighbour came, changed or went.</summary>
    Neighbor,

    /// <summary>An address came or went.</summary>
    Address,

    /// <summary>All dumps that were asked for are complete.</summary>
    DumpDone,

    /// <summary>The socket's buffer was full and events are lost: what one knows has to be dumped again.</summary>
    Overrun,
}

/// <summary>What a <see cref="RtnetlinkWatch"/> tells.</summary>
[Flags]
public enum RtTopics
{
    /// <summary>Interfaces.</summary>
    Links = 1,

    /// <summary>Routes of IPv4 and IPv6.</summary>
    Routes = 2,

    /// <summary>Neighbours of IPv4 and IPv6.</summary>
    Neighbors = 4,

    /// <summary>Addresses of IPv4 and IPv6.</summary>
    Addresses = 8,
}
