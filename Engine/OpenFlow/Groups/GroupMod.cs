using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>One parsed group line (OVS <c>struct ofputil_group_mod</c>); <paramref name="HashFields"/> is set for <c>selection_method=hash,fields(..)</c>.</summary>
public sealed record GroupMod(
    GroupModCommand Command,
    uint GroupId,
    GroupType Type,
    string? SelectionMethod,
    ulong SelectionParam,
    EquatableList<Field> HashFields,
    EquatableList<GroupBucket> Buckets)
{
    /// <summary>Before all buckets (<c>OFPG15_BUCKET_FIRST</c>).</summary>
    public const uint FirstBucket = 0xffff_fffd;

    /// <summary>Behind all buckets (<c>OFPG15_BUCKET_LAST</c>).</summary>
    public const uint LastBucket = 0xffff_fffe;

    /// <summary>All buckets (<c>OFPG15_BUCKET_ALL</c>), or none is meant.</summary>
    public const uint AllBuckets = 0xffff_ffff;

    /// <summary>Which bucket an insertion goes behind, or which a removal takes away.</summary>
    public uint CommandBucketId { get; init; } = AllBuckets;

    /// <summary>The mask of each of <paramref name="HashFields"/>; null = all of them are whole.</summary>
    public EquatableList<UInt128>? HashMasks { get; init; }
}

/// <summary>One bucket of a group.</summary>
public sealed record GroupBucket(uint BucketId, ushort Weight, uint? WatchPort, uint? WatchGroup, EquatableList<OfAction> Actions);

/// <summary>OpenFlow group types (<c>OFPGT_*</c>).</summary>
public enum GroupType : byte
{
    All,
    Select,
    Indirect,
    FastFailover,
}

/// <summary>Group table modification (OpenFlow <c>OFPGC_*</c>); a bare line is add-or-modify as <c>add-groups</c> reads it.</summary>
public enum GroupModCommand : byte
{
    Add,
    Modify,
    AddOrModify,
    Delete,
    InsertBucket,
    RemoveBucket,
}
