using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <content>Flow modifications (OpenFlow <c>OFPT_FLOW_MOD</c>).</content>
public sealed partial class OfPipeline
{
    /// <summary>
    /// Applies modifications in order, all or nothing. False if they leave the tables as they were, rule by rule: then nothing depends on them, and
    /// <see cref="TablesVersion"/> stays.
    /// </summary>
    /// <exception cref="FlowModException">One is refused (<see cref="FlowModException.Index"/>); nothing was changed.</exception>
    public bool ApplyAll(IReadOnlyList<FlowMod> mods, long nowMs = 0)
    {
        lock (_lock)
        {
            CheckAll(mods);
            if (!_modifier.Apply(mods, nowMs))
            {
                // What came and went again within one change is nobody's business; a rule that was added once more is.
                IReadOnlyList<RuleEvent> events = _tables.TakeEvents();
                if (mods.Count == 1 && events.Count > 0) _rulesChanged?.Invoke(events);
                return false;
            }

            Publish(_tables.Noted);
            return true;
        }
    }

    /// <summary>
    /// Applies modifications in order, each for itself: one that is refused changes nothing, and the others are not concerned. Packets see them all at once. False if they leave the tables as they were.
    /// </summary>
    /// <param name="mods">What is changed.</param>
    /// <param name="nowMs">Time.</param>
    /// <param name="refused">Takes what is refused, in order (<see cref="FlowModException.Index"/>).</param>
    public bool ApplyEach(IReadOnlyList<FlowMod> mods, long nowMs, List<FlowModException> refused)
    {
        lock (_lock)
        {
            _modifier.Begin();
            for (int i = 0; i < mods.Count; i++)
            {
                try
                {
                    CheckAll([mods[i]]);
                    _modifier.ApplyOne(mods[i], nowMs);
                }
                catch (FlowModException e)
                {
                    refused.Add(e.At(i));
                }
            }

            if (_modifier.End())
            {
                Publish(_tables.Noted);
                return true;
            }

            // A rule that came and went again has been there for those who watch: these were orders of their own.
            if (_rulesChanged is { } told && _tables.TakeEvents() is { Count: > 0 } events) told(events);
            return false;
        }
    }

    /// <summary>Says how many rules tables take; those that are too many go, if the table evicts. Tables that are not named take any number.</summary>
    public void SetLimits(IReadOnlyDictionary<int, TableLimit> limits)
    {
        lock (_lock)
        {
            _tables.Limits = limits;
            _tables.BeginBatch();
            if (_tables.EvictTooMany() > 0) Publish();
        }
    }

    /// <summary>Of which addresses lookups in tables tell prefixes apart, where megaflows are as narrow as Open vSwitch's; in tables that are not named <see cref="PrefixFields.Default"/>.</summary>
    public void SetPrefixes(IReadOnlyDictionary<int, PrefixFields> prefixes)
    {
        lock (_lock)
        {
            if (_tables.SetPrefixes(prefixes)) Publish();
        }
    }

    /// <summary>Refuses actions for a packet that control gives, as those of a rule that matches it would be refused; what they need of the packet is not looked at.</summary>
    /// <exception cref="FlowModException">The actions are refused.</exception>
    internal void CheckPacketOut(EquatableList<OfAction> actions)
    {
        lock (_lock)
        {
            UnsupportedActions.Refuse(actions, _option.Exists);
            if (MissingMeter(actions) is { } meter) throw new FlowModException("OFPMMFC_INVALID_METER", $"meter {meter} does not exist");
            if (MissingGroup(actions) is { } group) throw NoGroup(group, 0);
        }
    }

    /// <summary>Whether actions fit depends on the packet: others than those that send it somewhere.</summary>
    internal static bool NeedsPacket(EquatableList<OfAction> actions)
    {
        foreach (OfAction action in actions)
        {
            if (action is not (OfOutput or OfOutputSpecial or OfController or OfDrop or OfGroup or OfResubmit { WithCtTuple: false })) return true;
        }

        return false;
    }

    /// <summary>Refuses actions that do not fit a packet which control gives.</summary>
    /// <exception cref="FlowModException">They do not.</exception>
    internal static void CheckPacketOut(EquatableList<OfAction> actions, ref Match packet, bool isOf10)
    {
        packet.Mask.Key.Bytes.Fill(0xff);
        FlowModValidator.CheckPacket(actions, ref packet, isOf10);
    }

    /// <summary>Some rule's idle or hard timeout may have passed.</summary>
    public bool HasDue(long nowMs) => _tables.HasDue(nowMs);

    /// <summary>
    /// Removes the rules whose idle or hard timeout has passed; returns how many. Idle is what megaflows have reported: the revalidator asks
    /// them first.
    /// </summary>
    public int Expire(long nowMs)
    {
        if (!HasDue(nowMs)) return 0;
        lock (_lock)
        {
            int removed = _tables.Expire(nowMs);
            if (removed > 0) Publish(_tables.Noted);
            return removed;
        }
    }

    /// <summary>Looks at the rules' latest uses again; true if some timeout has passed all the same.</summary>
    public bool IsDueStill(long nowMs)
    {
        lock (_lock) _tables.UpdateNextDue();
        return HasDue(nowMs);
    }

    private static bool IsAddedBefore(IReadOnlyList<FlowMod> mods, int index, byte table)
    {
        for (int i = 0; i < index; i++)
        {
            if (mods[i].Command == FlowModCommand.Add && (mods[i].Table ?? 0) == table) return true;
        }

        return false;
    }

    private static void CheckTable(FlowMod mod, int index)
    {
        if (mod.Table == 255) throw new FlowModException("OFPFMFC_BAD_TABLE_ID", "table 255 does not exist", index);

        // All flows of the switch's own table are there to be deleted, and must not be.
        bool isOwn = mod is { Table: 254, Command: FlowModCommand.Delete, OutPort: null, OutGroup: null } && (mod.Cookie & mod.CookieMask) == 0 && PipelineFlow.BytesOf(in mod.Match.Mask).IndexOfAnyExcept((byte)0) < 0;
        if (isOwn) throw new FlowModException("OFPBRC_EPERM", "table 254 is the switch's own", index);
    }

    /// <summary>Refuses actions that name a group or a meter which is not there (OVS <c>ofproto_check_ofpacts</c>), unless no rule would get them.</summary>
    private void CheckReferences(IReadOnlyList<FlowMod> mods, int index)
    {
        FlowMod mod = mods[index];
        if (mod.Command is FlowModCommand.Delete or FlowModCommand.DeleteStrict) return;
        uint? meter = MissingMeter(mod.Actions);
        uint? group = MissingGroup(mod.Actions);
        if (meter is null && group is null) return;
        byte table = mod.Table ?? 0;
        bool acts = mod.Command == FlowModCommand.Add
            || mod.AddsIfNone
            || _modifier.Selects(mod)
            || IsAddedBefore(mods, index, table);
        if (!acts) return;
        if (meter is { } m) throw new FlowModException("OFPMMFC_INVALID_METER", $"meter {m} does not exist", index);
        throw NoGroup(group!.Value, index);
    }
}
