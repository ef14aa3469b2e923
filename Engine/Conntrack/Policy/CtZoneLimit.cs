using System.Runtime.InteropServices;

namespace Mergeflow.Engine.Conntrack;

/// <summary>Limit of one zone (OVS <c>struct conntrack_zone_limit</c>), 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct CtZoneLimit
{
    /// <summary>Most connections; meaningful if <see cref="HasLimit"/>.</summary>
    public uint Limit;

    /// <summary>Connections admitted since the zone is counted.</summary>
    public uint Count;

    /// <summary>Moves when counting starts anew.</summary>
    public uint Seq;

    /// <summary>The zone has a limit of its own, else the default holds.</summary>
    public bool HasLimit;

    /// <summary>Connections are counted.</summary>
    public bool IsCounted;
}
