using System.Runtime.InteropServices;

namespace Mergeflow.Engine.Conntrack;

/// <summary>Limit of one zone (OVS <c>struct conntrack_zone_limit</c>), 16 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct CtZoneLimit
{
    /// <summary>Most connections; meaningful if <see cref="HasLimit"/>.</summary>
    [FieldOffset(0)] public uint Limit;

    /// <summary>The zone has a limit of its own, else the default holds.</summary>
    [FieldOffset(4)] public bool HasLimit;

    /// <summary>Connections are counted.</summary>
    [FieldOffset(5)] public bool IsCounted;

    /// <summary>
    /// Connections admitted since the zone is counted, and in the upper half how often counting has begun: one word, so that who leaves cannot take off what
    /// another count has added.
    /// </summary>
    [FieldOffset(8)] public ulong Counted;

    /// <summary>Connections admitted since the zone is counted.</summary>
    public readonly uint Count => (uint)Counted;

    /// <summary>Moves when counting starts anew.</summary>
    public readonly uint Seq => (uint)(Counted >> 32);
}
