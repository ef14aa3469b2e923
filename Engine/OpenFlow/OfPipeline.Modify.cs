using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <content>Flow modifications (OpenFlow <c>OFPT_FLOW_MOD</c>).</content>
public sealed partial class OfPipeline
{
    /// <summary>Tables that the modifications under way have touched, as they were.</summary>
    private readonly Dictionary<int, TableBefore> _before = [];

    /// <summary>Applies one modification at virtual time <paramref name="nowMs"/>; false if the tables are as before.</summary>
    /// <exception cref="FlowModException">The modification is refused; nothing was changed.</exception>
    public bool Apply(FlowMod mod, long nowMs = 0) => ApplyAll([mod], nowMs);

    /// <summary>
    /// Applies modifications in order, all or nothing. False if they leave the tables as they were, rule by rule: then nothing depends on them, and
    /// <see cref="TablesVersion"/> stays.
    /// </summary>
    /// <exception cref="FlowModException">One is refused (<see cref="FlowModException.Index"/>); nothing was changed.</exception>
    public bool ApplyAll(IReadOnlyList<FlowMod> mods, long nowMs = 0)
    {
        lock (_lock)
        {
            for (int i = 0; i < mods.Count; i++)
            {
                if (mods[i].Command is FlowModCommand.Delete or FlowModCommand.DeleteStrict) CheckTable(mods[i], i);
                else FlowModValidator.Check(mods[i], i);
                CheckReferences(mods, i);
            }

            _batch++;
            if (mods.Any(static m => (m.Flags & FlowModFlags.CheckOverlap) != 0)) ApplyCheckingOverlap(mods, nowMs);
            else foreach (FlowMod mod in mods) ApplyLocked(mod, nowMs);
            bool changed = KeepChanges();
            if (changed) Publish();
            return changed;
        }
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
            || _rules[table]?.Rules.Exists(r => Selects(mod, r, mod.Command == FlowModCommand.ModifyStrict)) == true
            || mods.Take(index).Any(m => m.Command == FlowModCommand.Add && (m.Table ?? 0) == table);
        if (!acts) return;
        if (meter is { } m) throw new FlowModException("OFPMMFC_INVALID_METER", $"meter {m} does not exist", index);
        throw NoGroup(group!.Value, index);
    }

    /// <summary>True if some touched table differs from what it was; the others are as if they had not been touched.</summary>
    private bool KeepChanges()
    {
        foreach ((int table, TableBefore before) in _before)
        {
            if (before.Removed > 0 || before.Added > 0) continue;
            _orders[table] = before.Order;
            _changed.Remove(table);
        }

        _before.Clear();
        return _changed.Count > 0;
    }

    private TableBefore Touch(int table)
    {
        if (!_before.TryGetValue(table, out TableBefore? before)) _before.Add(table, before = new TableBefore(_orders[table]?.Copy()));
        _changed.Add(table);
        return before;
    }

    /// <summary>No rule's timeout passes before this time, as far as is known; uses that megaflows have not reported yet put it off.</summary>
    private long _nextDueMs = long.MaxValue;

    /// <summary>Some rule's idle or hard timeout may have passed.</summary>
    public bool HasDue(long nowMs) => nowMs >= Volatile.Read(ref _nextDueMs);

    /// <summary>
    /// Removes the rules whose idle or hard timeout has passed; returns how many. Idle is what megaflows have reported: the revalidator asks
    /// them first.
    /// </summary>
    public int Expire(long nowMs)
    {
        if (!HasDue(nowMs)) return 0;
        lock (_lock)
        {
            int removed = 0;
            for (int t = 0; t < TableCount; t++)
            {
                if (_rules[t] is { ExpiringCount: > 0 }) removed += RemoveWhere(t, r => nowMs >= DueMs(r));
            }

            _before.Clear();
            UpdateNextDue();
            if (removed > 0) Publish();
            return removed;
        }
    }

    /// <summary>Looks at the rules' latest uses again; true if some timeout has passed all the same.</summary>
    public bool IsDueStill(long nowMs)
    {
        lock (_lock) UpdateNextDue();
        return HasDue(nowMs);
    }

    private void UpdateNextDue()
    {
        long next = long.MaxValue;
        foreach (RuleTable? rules in _rules)
        {
            if (rules is not { ExpiringCount: > 0 }) continue;
            foreach (OfRule r in rules.Rules) next = Math.Min(next, DueMs(r));
        }

        Volatile.Write(ref _nextDueMs, next);
    }

    /// <summary>When the rule's time is up; never without timeouts.</summary>
    private static long DueMs(OfRule r)
    {
        long due = long.MaxValue;
        if (r.HardTimeoutSeconds != 0) due = r.CreatedMs + (r.HardTimeoutSeconds * 1000L);
        if (r.IdleTimeoutSeconds != 0) due = Math.Min(due, Math.Max(r.LastUsedMs, r.CreatedMs) + (r.IdleTimeoutSeconds * 1000L));
        return due;
    }

    private static void CheckTable(FlowMod mod, int index)
    {
        if (mod.Table == 255) throw new FlowModException("OFPFMFC_BAD_TABLE_ID", "table 255 does not exist", index);
    }

    private void ApplyLocked(FlowMod mod, long nowMs)
    {
        switch (mod.Command)
        {
            case FlowModCommand.Add:
                Add(mod, nowMs);
                break;
            case FlowModCommand.Modify:
            case FlowModCommand.ModifyStrict:
                Modify(mod);
                break;
            default:
                bool strict = mod.Command == FlowModCommand.DeleteStrict;
                for (int t = 0; t < TableCount; t++)
                {
                    if (mod.Table is not null && mod.Table != t) continue;
                    if (strict) RemoveStrict(t, mod);
                    else RemoveWhere(t, r => Selects(mod, r, strict: false));
                }

                break;
        }
    }

    /// <summary>Applies a batch in which an add may be refused because it overlaps: undoes what came before it.</summary>
    private void ApplyCheckingOverlap(IReadOnlyList<FlowMod> mods, long nowMs)
    {
        List<OfRule>?[] before = Array.ConvertAll(_rules, static t => t is null ? null : new List<OfRule>(t.Rules));
        for (int i = 0; i < mods.Count; i++)
        {
            FlowMod mod = mods[i];
            if ((mod.Flags & FlowModFlags.CheckOverlap) == 0 || mod.Command != FlowModCommand.Add || !Overlaps(mod))
            {
                ApplyLocked(mod, nowMs);
                continue;
            }

            foreach ((int table, TableBefore touched) in _before) _orders[table] = touched.Order;
            _before.Clear();

            // Only what was touched: the pictures of the other tables stay as they are. The next modification publishes these.
            foreach (int table in _changed) _rules[table]!.Restore(before[table] ?? []);
            _changed.Clear();
            throw new FlowModException("OFPFMFC_OVERLAP", "the rule overlaps another one of the same priority", i);
        }
    }

    /// <summary>Some rule of the same priority matches a packet that the new one matches too.</summary>
    private bool Overlaps(FlowMod mod)
    {
        if (_rules[mod.Table ?? 0]?.Rules is not { } rules) return false;
        (int from, int to) = PriorityRange(rules, mod.Priority);
        for (int i = from; i < to; i++)
        {
            bool disjoint = false;
            for (int lane = 0; lane < PipelineFlow.LaneCount && !disjoint; lane++)
            {
                var both = PipelineFlow.Lane(ref mod.Match.Mask, lane) & PipelineFlow.Lane(ref rules[i].Match.Mask, lane);
                disjoint = (both & PipelineFlow.Lane(ref mod.Match.Value, lane)) != (both & PipelineFlow.Lane(ref rules[i].Match.Value, lane));
            }

            if (!disjoint) return true;
        }

        return false;
    }

    private void Add(FlowMod mod, long nowMs)
    {
        byte table = mod.Table ?? 0;
        RuleTable rules = _rules[table] ??= new RuleTable();
        OfRule? old = rules.Find(new MatchKey(mod));
        bool resetsCounts = (mod.Flags & FlowModFlags.ResetCounts) != 0;
        if (old is not null && IsAgain(mod, old) && !resetsCounts) return;

        // What megaflows still have to push to the old rule arrives at the new one (OVS rule_dpif's new_rule).
        OfRule rule = RuleOf(mod, table, MatchKey.HashOf(ref mod.Match), nowMs, old is null || resetsCounts ? new OfRuleStats { LastUsedMs = nowMs } : old.Stats);
        Volatile.Write(ref _nextDueMs, Math.Min(_nextDueMs, DueMs(rule)));
        if (old is not null)
        {
            Work.RulesVisited++;
            Touch(table).Replace(old, _batch);
            rules.Replace(old, rule);
            return;
        }

        Touch(table).Added++;
        rules.Add(rule);
        OrderOf(table)?.Add(rule);
    }

    private OfRule RuleOf(FlowMod mod, byte table, int hash, long nowMs, OfRuleStats stats) => new()
    {
        Table = table,
        Priority = mod.Priority,
        Cookie = mod.NewCookie ?? 0,
        Match = mod.Match,
        Actions = mod.Actions,
        IdleTimeoutSeconds = mod.IdleTimeoutSeconds,
        HardTimeoutSeconds = mod.HardTimeoutSeconds,
        CreatedMs = nowMs,
        Stats = stats,
        MatchHash = hash,
        Batch = _batch,
        Program = XlateCompiler.Compile(mod.Actions),
        Conjunctions = [.. mod.Actions.OfType<OfConjunction>()],
    };

    /// <summary>Changes the actions of the rules selected; adds none and keeps their cookies (OpenFlow 1.2 and later).</summary>
    private void Modify(FlowMod mod)
    {
        bool strict = mod.Command == FlowModCommand.ModifyStrict;
        bool resetsCounts = (mod.Flags & FlowModFlags.ResetCounts) != 0;
        byte table = mod.Table ?? 0;
        if (_rules[table] is not { } rules) return;
        if (strict)
        {
            if (rules.Find(new MatchKey(mod)) is { } named) ModifyRule(mod, rules, named, resetsCounts);
            return;
        }

        for (int i = 0; i < rules.Rules.Count; i++) ModifyRule(mod, rules, rules.Rules[i], resetsCounts);
    }

    private void ModifyRule(FlowMod mod, RuleTable rules, OfRule rule, bool resetsCounts)
    {
        Work.RulesVisited++;
        if (!Selects(mod, rule, mod.Command == FlowModCommand.ModifyStrict) || (rule.Actions.Equals(mod.Actions) && !resetsCounts)) return;
        Touch(rule.Table).Replace(rule, _batch);
        rules.Replace(rule, rule.With(mod.Actions, resetsCounts, _batch));
    }

    /// <summary>The one rule that a strict modification can mean.</summary>
    private static IEnumerable<OfRule> Named(RuleTable rules, FlowMod mod) => rules.Find(new MatchKey(mod)) is { } rule ? [rule] : [];

    private int RemoveWhere(int table, Predicate<OfRule> condition)
    {
        if (_rules[table] is not { } rules) return 0;
        Work.RulesVisited += (ulong)rules.Rules.Count;
        return Remove(table, rules, rules.Rules.FindAll(condition));
    }

    private void RemoveStrict(int table, FlowMod mod)
    {
        if (_rules[table] is not { } rules) return;
        foreach (OfRule rule in Named(rules, mod))
        {
            Work.RulesVisited++;
            if (Selects(mod, rule, strict: true)) Remove(table, rules, [rule]);
        }
    }

    private int Remove(int table, RuleTable rules, List<OfRule> removed)
    {
        if (removed.Count == 0) return 0;
        TableBefore before = Touch(table);
        foreach (OfRule rule in removed) before.Remove(rule, _batch);
        rules.Remove(removed);
        OrderOf(table)?.Remove(removed, rules);
        return removed.Count;
    }

    /// <summary>The rule is there already and does not expire: to add it again changes nothing.</summary>
    private static bool IsAgain(FlowMod rule, OfRule old)
        => (rule.NewCookie ?? 0) == old.Cookie && rule.Actions.Equals(old.Actions) && (rule.IdleTimeoutSeconds | rule.HardTimeoutSeconds | old.IdleTimeoutSeconds | old.HardTimeoutSeconds) == 0;

    private SubtableOrder? OrderOf(int table) => Options.Quirks.StagedTableRules == 0 ? null : _orders[table] ??= new SubtableOrder();

    /// <summary>Strict: same match and priority. Loose: every packet the rule matches, the modification's match matches too.</summary>
    private static bool Selects(FlowMod mod, OfRule rule, bool strict)
    {
        if (mod.CookieMask != 0 && ((rule.Cookie ^ mod.Cookie) & mod.CookieMask) != 0) return false;
        if (mod.OutPort is { } port && !OutputsTo(rule.Actions, port)) return false;
        if (mod.OutGroup is { } group && !RefersTo(rule.Actions, group)) return false;
        if (strict) return rule.Priority == mod.Priority && Match.Same(ref rule.Match, ref mod.Match);
        for (int lane = 0; lane < PipelineFlow.LaneCount; lane++)
        {
            var mask = PipelineFlow.Lane(ref mod.Match.Mask, lane);
            if ((PipelineFlow.Lane(ref rule.Match.Mask, lane) & mask) != mask) return false;
            if ((PipelineFlow.Lane(ref rule.Match.Value, lane) & mask) != PipelineFlow.Lane(ref mod.Match.Value, lane)) return false;
        }

        return true;
    }

    private static bool OutputsTo(EquatableList<OfAction> actions, uint port) => actions.Any(a => a switch
    {
        OfOutput { MaxLengthBytes: 0 } o => o.Port == port,
        OfOutputSpecial o => (uint)o.Port == port && (o.MaxLengthBytes == 0 || o.Port == OfReservedPort.Controller),
        OfController => port == (uint)OfReservedPort.Controller,
        OfClone o => OutputsTo(o.Actions, port),
        OfWriteActions o => OutputsTo(o.Actions, port),
        _ => false,
    });

    private static (int From, int To) PriorityRange(List<OfRule> rules, ushort priority)
    {
        int low = 0;
        int high = rules.Count;
        while (low < high)
        {
            int mid = (low + high) / 2;
            if (rules[mid].Priority >= priority) low = mid + 1;
            else high = mid;
        }

        int to = low;
        low = 0;
        high = to;
        while (low < high)
        {
            int mid = (low + high) / 2;
            if (rules[mid].Priority > priority) low = mid + 1;
            else high = mid;
        }

        return (low, to);
    }

    /// <summary>A table as it was, and how far it is from that.</summary>
    private sealed class TableBefore(SubtableOrder? order)
    {
        public SubtableOrder? Order { get; } = order;

        /// <summary>Rules that are gone.</summary>
        public int Removed { get; private set; }

        /// <summary>Rules that were not there.</summary>
        public int Added { get; set; }

        /// <summary>A rule goes; one that came with the same batch leaves no trace.</summary>
        public void Remove(OfRule rule, ulong batch)
        {
            if (rule.Batch == batch) Added--;
            else Removed++;
        }

        /// <summary>A rule goes and another comes in its place.</summary>
        public void Replace(OfRule old, ulong batch)
        {
            Remove(old, batch);
            Added++;
        }
    }
}
