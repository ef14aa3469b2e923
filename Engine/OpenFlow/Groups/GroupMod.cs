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
    EquatableList<GroupBucket> Buckets);
