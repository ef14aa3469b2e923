using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Engine.Xlate;

/// <content>Lists that work on a copy of the packet, or on its connection: <c>clone</c>, <c>check_pkt_larger</c>, buckets, <c>ct(exec)</c>.</content>
public sealed partial class Translator
{
    /// <summary>
    /// Runs the nested list on a copy (OVS <c>clone_xlate_actions</c>). The datapath copies the packet if what came out cannot be undone by
    /// rewriting headers, however deep in tables and groups it was found; else the packet is rewritten when it is used next.
    /// </summary>
    private void Clone(XlateOp op, bool last) => RunOnCopy(op.Nested, op.Reversible, last);

    /// <param name="ops">The list.</param>
    /// <param name="isReversible">Rewriting headers undoes it, as far as can be seen.</param>
    /// <param name="last">Nothing follows.</param>
    private void RunOnCopy(XlateOp[] ops, bool isReversible, bool last)
    {
        int stackCount = _stack.Count;
        UInt128[] stack = stackCount == 0 ? [] : [.. _stack];
        XlateOp[] actionSet = _actionSet.Copy();
        bool isTranslated = _difference.IsTranslated;

        // A copy for sure: what is pending is not written twice.
        bool copies = !isReversible && !last;
        if (copies) _committer.Commit();
        if (copies && _context.Pipeline.CloneOp is null)
        {
            _context.Error("Failed to compose clone action");
            return;
        }

        int saved = _saved.Save();
        int record = _context.Out.Count;
        Run(ops, last || copies);
        EndCopy();
        if (_context.Out.Count > record && (copies || (!last && !_context.Out.IsReversible(record))))
        {
            int count = _context.Out.Count - record;
            ref DpAction copy = ref _context.Out.Insert(record, _context.Pipeline.CloneOp ?? DpOp.Clone);
            copy.NestedCount = count;
            if (copy.Op == DpOp.Sample) copy.Probability = uint.MaxValue;
            _saved.RestoreAll(saved);
            _difference.IsTranslated = isTranslated;
        }
        else
        {
            _saved.RestoreFlow(saved);
        }

        _stack.Clear();
        _stack.AddRange(stack);
        _actionSet.Restore(actionSet);
    }

    /// <summary>
    /// Translates the rest of the list twice: with the bit set for larger packets, cleared for the others (OVS <c>xlate_check_pkt_larger</c>).
    /// The first one executes the action set that there is, and the end of the pipeline does so once more; if it recirculates, what follows
    /// in the callers' lists is lost.
    /// </summary>
    private void CheckPktLarger(XlateOp op, ReadOnlySpan<XlateOp> rest)
    {
        UInt128[] stack = [.. _stack];
        XlateOp[] actionSet = _actionSet.Copy();
        _committer.Commit();
        int saved = _saved.Save();
        int record = _context.Out.Count;
        _context.Out.Add(DpOp.CheckPktLen).LengthBytes = op.Arg;
        bool exit = false;
        for (int branch = 1; branch >= 0; branch--)
        {
            int start = _context.Out.Count;
            WriteDestination(op, (UInt128)(uint)branch);
            Run(rest, isLast: true);
            EndCopy();
            int count = _context.Out.Count - start;
            if (branch == 1) _context.Out.At(record).NestedCount = count;
            else _context.Out.At(record).ElseCount = count;
            if (branch == 0) continue;
            _saved.CopyAll(saved);
            (exit, _freezer.Exit) = (_freezer.Exit, false);
        }

        _saved.RestoreAll(saved);
        _stack.Clear();
        _stack.AddRange(stack);
        _actionSet.Restore(actionSet);
        _freezer.Exit = exit;
    }

    /// <summary>
    /// End of a copy's pipeline: its action set, or its recirculation, after which Open vSwitch translates nothing any more that stands behind
    /// the copy (<c>clone_xlate_actions</c> leaves <c>ctx->exit</c> set).
    /// </summary>
    private void EndCopy()
    {
        if (_context.Out.Error is not null) return;
        if (!_freezer.IsFreezing) RunActionSet();
        if (!_freezer.IsFreezing) return;
        _freezer.Finish();
        _freezer.Exit = true;
    }

    /// <summary>Runs a group; false ends the caller's list: there is no such group.</summary>
    private bool RunGroup(uint groupId, bool last)
    {
        if (!MayResubmit()) return true;
        if (!_context.Tables.Groups.TryGetValue(groupId, out GroupState? group))
        {
            _context.Warn($"output to nonexistent group {groupId}");
            return false;
        }

        switch (group.Mod.Type)
        {
            case GroupType.All:
            case GroupType.Indirect:
                _context.Out.Groups.Add(group.Stats);
                for (int i = 0; i < group.Programs.Length; i++) RunBucket(group, i, last && i == group.Programs.Length - 1);
                return true;
            case GroupType.FastFailover:
                RunPicked(group, _groups.FirstLive(group), last);
                return true;
            default:
                if (_labels.WasMpls) _freezer.Trigger();
                else if (_groups.Select(group, out int bucket)) RunPicked(group, bucket, last);
                else _context.Detail("no live bucket");
                return true;
        }
    }

    private void RunPicked(GroupState group, int bucket, bool last)
    {
        if (bucket < 0)
        {
            _context.Detail("no live bucket");
            return;
        }

        _context.Detail($"using bucket {group.Mod.Buckets[bucket].BucketId}");
        _context.Out.Groups.Add(group.Stats);
        RunBucket(group, bucket, last);
    }

    /// <summary>A bucket works on a copy: the flow is rolled back behind it, the datapath's packet by set actions if need be.</summary>
    private void RunBucket(GroupState group, int index, bool last)
    {
        if (_context.IsExplained) _context.Step(new XlateStep(XlateStepKind.Bucket, _context.Level, $"bucket {group.Mod.Buckets[index].BucketId}"));
        _context.Level++;
        _context.Out.Groups.Add(group.BucketStats[index]);
        int saved = _saved.Save();
        int record = _context.Out.Count;
        _depth++;
        _bucketDepth++;
        Run(group.Programs[index], last);
        _bucketDepth--;
        _depth--;
        _context.EndBucket();
        if (_freezer.IsFreezing && _context.Out.Error is null) _freezer.Finish();
        if (!last && _saved.HasOtherLayers(saved)) Split(record, saved);
        else _saved.RestoreFlow(saved);
        _freezer.Exit = false;
        _context.Level--;
    }

    /// <summary>What stands from a record on is of a copy: headers that came or went there cannot be rewritten. Open vSwitch goes on with the packet as it is.</summary>
    private void Split(int record, int saved)
    {
        int count = _context.Out.Count - record;
        if (count > 0) _context.Out.Insert(record, DpOp.Clone).NestedCount = count;
        _saved.RestoreAll(saved);
    }

    /// <summary>
    /// A ct action, and a recirculation if the pipeline goes on in a table. Behind it, this list sees an untracked packet.
    /// </summary>
    private unsafe void Conntrack(XlateOp op)
    {
        var ct = (OfCt)op.Action!;
        ushort zone = ct.Zone;
        if (ct.ZoneSource is not null)
        {
            _flow.Consult(op.SourcePatch);
            zone = (ushort)op.Source.ReadSmall(_flow.Current);
        }

        _committer.Commit();
        CtWrites writes = default;
        _context.InExec = true;
        if (_context.IsExplained) ExplainExec(ct);
        foreach (XlateOp exec in op.Nested)
        {
            if (_context.IsExplained) _context.Step(new XlateStep(XlateStepKind.Action, _context.Level, "") { Action = exec.Action });
            _ = RunOne(exec, default, last: false);
            writes.Add(exec.Patch);
        }

        _context.InExec = false;
        _conntrack.Emit(ct, zone, writes);
        if (ct.Nat is not null) _difference.IsTranslated = true;
        if (ct.Table is { } table)
        {
            _conntrack.SetTracked(true);
            uint id = _freezer.Freeze(table);
            if (_context.IsExplained) Forks(ct, id, zone, table);
        }

        _conntrack.Clear();
        _context.Detail("Sets the packet to an untracked state, and clears all the conntrack fields.");
    }

    /// <summary>Where <c>nat</c> stands among the actions of a <c>ct</c>, Open vSwitch runs it as the first.</summary>
    private void ExplainExec(OfCt ct)
    {
        if (ct.Nat is null && ct.Exec.Count == 0) _context.Dropped();
        if (ct.Nat is { } nat) _context.Step(new XlateStep(XlateStepKind.Action, _context.Level, "") { Nat = nat });
    }

    private void Forks(OfCt ct, uint recircId, ushort zone, byte table)
    {
        PipelineFlow flow = Seen();
        flow.Key.RecircId = Be32.FromHost(recircId);
        flow.Key.CtZone = Be16.FromHost(zone);
        _context.Out.Forks.Add(new XlateFork(recircId, flow, ct.Nat));
        _context.Detail($"A clone of the packet is forked to recirculate. The forked pipeline will be resumed at table {table}.");
    }

    /// <summary>What OpenFlow sees now, tags included.</summary>
    private unsafe PipelineFlow Seen()
    {
        PipelineFlow flow = *(PipelineFlow*)_flow.Current;
        _tags.Show(ref flow.Key);
        return flow;
    }
}
