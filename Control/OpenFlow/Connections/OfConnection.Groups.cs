using Mergeflow.Engine.Ledger;

namespace Mergeflow.Control.OpenFlow;

/// <content>What is said about groups and meters.</content>
public sealed partial class OfConnection
{
    private const uint MaxGroups = 0xffff_ff00;

    private void SendGroups(OfMessage request)
    {
        if (request.Kind == OfKind.GroupFeaturesRequest)
        {
            uint actions = _version switch { OfVersion.V10 => 0xfffu, OfVersion.V11 => 0x01ff_e7ff, _ => 0x03ff_8001 };
            Reply(new OfGroupFeatures
            {
                Kind = OfKind.GroupFeaturesReply,
                Xid = request.Xid,
                IsNicira = request.IsNicira,
                Types = 0xf,
                Capabilities = 7,
                MaxGroups = new EquatableList<uint>(Enumerable.Repeat(MaxGroups, OfGroupFeatures.TypeCount)),
                Actions = new EquatableList<uint>(Enumerable.Repeat(actions, OfGroupFeatures.TypeCount)),
            });
            return;
        }

        bool isDesc = request.Kind == OfKind.GroupDescRequest;
        uint which = request is OfIdRequest one ? one.Id : ((OfGroupDescRequest)request).GroupId;
        MultipartReply reply = Begin(isDesc ? new OfGroupDescReply { Kind = OfKind.GroupDescReply } : new OfGroupReply { Kind = OfKind.GroupReply }, request);
        Dictionary<uint, uint> references = isDesc ? [] : GroupReferences();
        foreach (GroupMod group in _switch.Groups)
        {
            if (which != OfPipeline.AllGroups && which != group.GroupId) continue;
            if (isDesc) reply.Add(group, OfGroupDescReply.Exchange);
            else reply.Add(GroupStats(group, references.GetValueOrDefault(group.GroupId)), static (OfGroupStats g, ref OfWire w) => OfList.Sized(ref w, g, static (OfGroupStats g, ref OfWire w) => g.Exchange(ref w)));
        }

        reply.End();
    }

    private OfGroupStats GroupStats(GroupMod group, uint references)
    {
        long createdMs = _switch.GroupCreatedMs(group.GroupId);
        long ageMs = createdMs == 0 ? 0 : _switch.NowMs - createdMs;
        (BookTotals taken, IReadOnlyList<BookTotals> buckets) = _switch.GroupCounters(group.GroupId);
        return new OfGroupStats
        {
            GroupId = group.GroupId,
            ReferenceCount = references,
            DurationSeconds = (uint)(ageMs / 1000),
            DurationNanoseconds = (uint)(ageMs % 1000 * 1_000_000),
            Packets = taken.Packets,
            Bytes = taken.Bytes,
            Buckets = new EquatableList<(ulong, ulong)>(group.Buckets.Select((_, i) => i < buckets.Count ? (buckets[i].Packets, buckets[i].Bytes) : (0ul, 0ul))),
        };
    }

    /// <summary>How many flows lead to each group, in one walk over them.</summary>
    private Dictionary<uint, uint> GroupReferences()
    {
        Dictionary<uint, uint> references = [];
        HashSet<uint> groups = [];
        foreach (OfRule rule in _switch.Rules(null))
        {
            groups.Clear();
            AddGroups(rule.Actions, groups);
            foreach (uint group in groups) references[group] = references.GetValueOrDefault(group) + 1;
        }

        return references;
    }

    private static void AddGroups(EquatableList<OfAction> actions, HashSet<uint> groups)
    {
        foreach (OfAction action in actions)
        {
            if (action is OfGroup group) groups.Add(group.GroupId);
            else if (action is OfClone clone) AddGroups(clone.Actions, groups);
            else if (action is OfWriteActions write) AddGroups(write.Actions, groups);
        }
    }

    private void SendMeters(OfMessage request)
    {
        if (request.Kind == OfKind.MeterFeaturesRequest)
        {
            // Drop only; kbps, pktps, burst, stats.
            Reply(new OfMeterFeatures { Kind = OfKind.MeterFeaturesReply, Xid = request.Xid, MaxMeter = OfPipeline.MaxMeters, BandTypes = 2, Capabilities = 0xf, MaxBands = OfPipeline.MaxMeterBands });
            return;
        }

        uint which = ((OfIdRequest)request).Id;
        OfMeterState[] meters = [.. _switch.Meters.Where(m => which == OfPipeline.AllMeters || which == m.Mod.MeterId)];
        if (which != OfPipeline.AllMeters && meters.Length == 0) throw new OfRefusal("OFPMMFC_UNKNOWN_METER", $"meter {which}");
        if (request.Kind == OfKind.MeterConfigRequest)
        {
            MultipartReply config = Begin(new OfMeterConfigReply { Kind = OfKind.MeterConfigReply }, request);
            foreach (OfMeterState meter in meters) config.Add(meter.Mod, OfMeterConfigReply.Exchange);
            config.End();
            return;
        }

        Dictionary<uint, uint> flows = [];
        foreach (OfRule rule in _switch.Rules(null))
        {
            if (rule.Actions.Count > 0 && rule.Actions[0] is OfMeter meter) flows[meter.MeterId] = flows.GetValueOrDefault(meter.MeterId) + 1;
        }

        MultipartReply reply = Begin(new OfMeterReply { Kind = OfKind.MeterReply }, request);
        foreach (OfMeterState state in meters) reply.Add(MeterStats(state, flows.GetValueOrDefault(state.Mod.MeterId)), static (OfMeterStats m, ref OfWire w) => m.Exchange(ref w));
        reply.End();
    }

    private OfMeterStats MeterStats(OfMeterState meter, uint flows)
    {
        (BookTotals taken, IReadOnlyList<BookTotals> bands) = _switch.MeterCounters(meter);
        long ageMs = Math.Max(0, _switch.NowMs - meter.CreatedMs);
        return new OfMeterStats
        {
            MeterId = meter.Mod.MeterId,
            FlowCount = flows,
            Packets = taken.Packets,
            Bytes = taken.Bytes,
            DurationSeconds = (uint)(ageMs / 1000),
            DurationNanoseconds = (uint)(ageMs % 1000 * 1_000_000),
            Bands = new EquatableList<(ulong, ulong)>(bands.Select(static b => (b.Packets, b.Bytes))),
        };
    }
}
