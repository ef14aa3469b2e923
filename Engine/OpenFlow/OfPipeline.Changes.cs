using System.Collections.Immutable;

namespace Mergeflow.Engine.OpenFlow;

/// <content>Changes of flows and groups together (OpenFlow bundles; OVS <c>do_bundle_commit</c>).</content>
public sealed partial class OfPipeline
{
    /// <summary>
    /// Applies flow and group modifications in order, all or nothing. False if they leave the tables as they were.
    /// </summary>
    /// <param name="changes"><see cref="FlowMod"/> and <see cref="GroupMod"/>; a list of actions is that of a packet, which is only looked at, as the tables are at its place.</param>
    /// <param name="nowMs">Time.</param>
    /// <exception cref="FlowModException">One is refused (<see cref="FlowModException.Index"/>); nothing was changed.</exception>
    public bool ApplyChanges(IReadOnlyList<object> changes, long nowMs)
    {
        if (changes.All(static c => c is FlowMod)) return ApplyAll([.. changes.Cast<FlowMod>()], nowMs);
        lock (_lock)
        {
            (ImmutableDictionary<uint, GroupState> groups, int normalGroups) = (_groups, _normalGroupCount);
            List<OfRule>?[] rules = _tables.Copy();
            for (int from = 0; from < changes.Count;)
            {
                int next = from + 1;
                try
                {
                    if (changes[from] is GroupMod group)
                    {
                        ChangeGroup(group);
                    }
                    else if (changes[from] is EquatableList<OfAction> actions)
                    {
                        CheckPacketOut(actions);
                    }
                    else
                    {
                        while (next < changes.Count && changes[next] is FlowMod) next++;
                        FlowMod[] mods = [.. changes.Skip(from).Take(next - from).Cast<FlowMod>()];
                        CheckAll(mods);
                        _modifier.Apply(mods, nowMs);
                    }
                }
                catch (FlowModException e)
                {
                    (_groups, _normalGroupCount) = (groups, normalGroups);
                    _tables.Restore(rules);
                    Publish();
                    throw e.At(from + e.Index);
                }

                from = next;
            }

            Publish();
            return true;
        }
    }

    /// <summary>The rules that a modification which is not strict is about, by table, then precedence; a copy.</summary>
    public IReadOnlyList<OfRule> Select(FlowMod which)
    {
        lock (_lock) return [.. _tables.Rules.Where(r => IsSelected(which, r))];
    }

    /// <summary>A rule that is meant by a modification which is not strict.</summary>
    public static bool IsSelected(FlowMod which, OfRule rule) => (which.Table is not { } table || table == rule.Table) && which.Selects(rule, strict: false);

    private void ChangeGroup(GroupMod mod)
    {
        if (mod.Command == GroupModCommand.Delete) DeleteGroup(mod.GroupId);
        else if (mod.Command is GroupModCommand.InsertBucket or GroupModCommand.RemoveBucket) StoreGroup(WithBuckets(mod), hasToWatch: false);
        else StoreGroup(mod);
    }

    private void CheckAll(IReadOnlyList<FlowMod> mods)
    {
        for (int i = 0; i < mods.Count; i++)
        {
            if (mods[i].Command is FlowModCommand.Delete or FlowModCommand.DeleteStrict) CheckTable(mods[i], i);
            else FlowModValidator.Check(mods[i], i, _option.Exists);
            CheckReferences(mods, i);
        }
    }

    /// <summary>The group as it is when buckets have come or gone.</summary>
    private GroupMod WithBuckets(GroupMod mod)
    {
        if (!_groups.TryGetValue(mod.GroupId, out GroupState? state)) throw new FlowModException("OFPGMFC_UNKNOWN_GROUP", $"group {mod.GroupId} does not exist");
        List<GroupBucket> buckets = [.. state.Mod.Buckets];
        if (mod.Command == GroupModCommand.InsertBucket) Insert(buckets, mod);
        else Remove(buckets, mod.CommandBucketId);
        return state.Mod with { Command = GroupModCommand.Modify, Buckets = new EquatableList<GroupBucket>(buckets) };
    }

    private static void Insert(List<GroupBucket> buckets, GroupMod mod)
    {
        if (mod.Buckets.Any(b => buckets.Exists(o => o.BucketId == b.BucketId))) throw new FlowModException("OFPGMFC_BUCKET_EXISTS", $"group {mod.GroupId} has such a bucket");
        int at = mod.CommandBucketId switch
        {
            GroupMod.FirstBucket => 0,
            GroupMod.LastBucket => buckets.Count,
            _ => FindBucket(buckets, mod.CommandBucketId) + 1,
        };
        buckets.InsertRange(at, mod.Buckets);
    }

    private static void Remove(List<GroupBucket> buckets, uint which)
    {
        if (which == GroupMod.AllBuckets)
        {
            buckets.Clear();
            return;
        }

        // The first or last of none is nothing to do, as in Open vSwitch.
        if (buckets.Count == 0 && which is (GroupMod.FirstBucket or GroupMod.LastBucket)) return;
        buckets.RemoveAt(which switch
        {
            GroupMod.FirstBucket => 0,
            GroupMod.LastBucket => buckets.Count - 1,
            _ => FindBucket(buckets, which),
        });
    }

    private static int FindBucket(List<GroupBucket> buckets, uint id)
        => buckets.FindIndex(b => b.BucketId == id) is var i and >= 0 ? i : throw new FlowModException("OFPGMFC_UNKNOWN_BUCKET", $"there is no bucket {id}");
}
