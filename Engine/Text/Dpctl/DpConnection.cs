namespace Mergeflow.Engine.Text;

/// <summary>One connection of a dump.</summary>
public sealed class DpConnection
{
    /// <summary>Line of the dump, from 1.</summary>
    public required int Line { get; init; }

    /// <summary>IP protocol.</summary>
    public required byte Proto { get; init; }

    /// <summary>Tuple in the direction of the first packet, before translation.</summary>
    public required DpTuple Orig { get; init; }

    /// <summary>Tuple of the answers, as they arrive.</summary>
    public required DpTuple Reply { get; init; }

    public ushort Zone { get; init; }

    public uint Mark { get; init; }

    public UInt128 Label { get; init; }

    /// <summary>State of a TCP connection; null = the dump does not say.</summary>
    public string? State { get; init; }

    /// <summary>A helper (ALG) is attached.</summary>
    public bool HasHelper { get; init; }
}
