using System.Collections.Immutable;

namespace Mergeflow.Engine.OpenFlow;

/// <content>Group modifications (OpenFlow <c>OFPT_GROUP_MOD</c>).</content>
public sealed partial class OfPipeline
{
    private const uint MaxGroupId = 0xffff_ff00;

    /// <summary>Group id that means all groups in a delete (<c>OFPG_ALL</c>).</summary>
    public const uint AllGroups = 0xffff_fffc;

    /// <summary>Shared with snapshots: one more group does not copy the others.</summary>
    private ImmutableDictionary<uint, GroupState> _groups = ImmutableDictionary<uint, GroupState>.Empty;
    private int _normalGroupCount;

    /// <summary>All groups by id; a copy.</summary>
    public IEnumerable<GroupMod> Groups
    {
        get
        {
            lock (_lock) return [.. _groups.Values.Select(static g => g.Mod).OrderBy(static g => g.GroupId)];
        }
    }

    /// <summary>What a group and its buckets have counted; null = there is none.</summary>
    public (OfRuleStats Taken, IReadOnlyList<OfRuleStats> Buckets)? GroupCounters(uint groupId) => _snapshot.Groups.TryGetValue(groupId, out GroupState? group) ? (group.Stats, group.BucketStats) : null;

    /// <summary>How a select group finds its bucket, for a log; nothing if there is none of that number.</summary>
    public IEnumerable<string> ExplainGroup(uint groupId) => _snapshot.Groups.TryGetValue(groupId, out GroupState? group) ? group.Explain() : [];

    /// <summary>Applies one group modification; deleting a group also deletes the rules that refer to it.</summary>
    /// <exception cref="FlowModException">The modification is refused; nothing was changed.</exception>
    public void ApplyGroup(GroupMod mod)
    {
        lock (_lock)
        {
            ChangeGroup(mod);
            Publish();
        }
    }

    /// <param name="mod">What is stored.</param>
    /// <param name="hasToWatch">Buckets of a fast failover group have to watch something; those that are put into it later need not (OVS <c>ofputil_check_group_mod</c>).</param>
    private void StoreGroup(GroupMod mod, bool hasToWatch = true)
    {
        if (mod.GroupId > MaxGroupId) throw new FlowModException("OFPGMFC_INVALID_GROUP", $"group_id {mod.GroupId} is reserved");
        bool exists = _groups.ContainsKey(mod.GroupId);
        if (mod.Command == GroupModCommand.Add && exists) throw new FlowModException("OFPGMFC_GROUP_EXISTS", $"group {mod.GroupId} exists");
        if (mod.Command == GroupModCommand.Modify && !exists) throw new FlowModException("OFPGMFC_UNKNOWN_GROUP", $"group {mod.GroupId} does not exist");
        if (mod.Type == GroupType.Indirect && mod.Buckets.Count != 1) throw new FlowModException("OFPGMFC_INVALID_GROUP", "an indirect group has exactly one bucket");
        if (mod.Buckets.DistinctBy(static b => b.BucketId).Count() < mod.Buckets.Count) throw new FlowModException("OFPGMFC_BAD_BUCKET", "two buckets have the same bucket_id");
        foreach (GroupBucket bucket in mod.Buckets)
        {
            UnsupportedActions.Refuse(bucket.Actions, _option.Exists);
            if (hasToWatch && mod.Type == GroupType.FastFailover && bucket.WatchPort is null && bucket.WatchGroup is null)
            {
                throw new FlowModException("OFPGMFC_INVALID_GROUP", "a bucket of a fast failover group needs watch_port or watch_group");
            }
        }

        var state = new GroupState(mod, Options.IsShared);
        if (_groups.TryGetValue(mod.GroupId, out GroupState? old) && old.UsesNormal) _normalGroupCount--;
        if (state.UsesNormal) _normalGroupCount++;
        _groups = _groups.SetItem(mod.GroupId, state);
    }

    private void DeleteGroup(uint groupId)
    {
        ImmutableDictionary<uint, GroupState> before = _groups;
        _groups = groupId == AllGroups ? _groups.Clear() : _groups.Remove(groupId);
        if (ReferenceEquals(before, _groups)) return;
        _normalGroupCount = groupId == AllGroups ? 0 : _normalGroupCount - (before[groupId].UsesNormal ? 1 : 0);
        _tables.RemoveWhere(r => FlowModSelection.RefersTo(r.Actions, id => before.ContainsKey(id) && !_groups.ContainsKey(id)), RuleEnd.GroupDeleted);
    }

    /// <summary>The first group that the actions name and that is not there.</summary>
    private uint? MissingGroup(EquatableList<OfAction> actions)
    {
        foreach (OfAction action in actions)
        {
            uint? missing = action switch
            {
                OfGroup g => _groups.ContainsKey(g.GroupId) ? null : g.GroupId,
                OfClone c => MissingGroup(c.Actions),
                OfWriteActions w => MissingGroup(w.Actions),
                _ => null,
            };
            if (missing is not null) return missing;
        }

        return null;
    }

    private static FlowModException NoGroup(uint groupId, int index) => new("OFPBAC_BAD_OUT_GROUP", $"group {groupId} does not exist", index);
}
