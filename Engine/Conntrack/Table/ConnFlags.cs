namespace Mergeflow.Engine.Conntrack;

/// <summary>What else is true of a connection.</summary>
[Flags]
internal enum ConnFlags : ushort
{
    None = 0,

    /// <summary>The record is in use.</summary>
    Live = 1,

    /// <summary>It has an entry in the table for its reply tuple too, because NAT made that a different one.</summary>
    TwoEntries = 2,

    /// <summary>Committed with <c>alg=</c>: software has to see every packet.</summary>
    HasAlg = 4,

    /// <summary>A gateway expected it: packets are +rel, the original tuple is that of the control connection. Not offloaded.</summary>
    Related = 8,

    /// <summary>Sequence numbers are off in the reply direction, not in the original one.</summary>
    SkewsReply = 64,

    /// <summary>Expired, not swept yet: its reply tuple, its place in the zone, its announcements are still there (see <see cref="ConnExpiry"/>).</summary>
    Ghost = 32,

    /// <summary>Counted against its zone's limit.</summary>
    Admitted = 16,

    /// <summary>Counted against the default limit that all zones share (see <see cref="Quirks.ZonesShareDefaultLimit"/>).</summary>
    AdmittedByDefault = 128,

    /// <summary>A packet thread holds the record (see <see cref="ConnLock"/>); true of a free one too.</summary>
    Locked = 0x8000,
}
