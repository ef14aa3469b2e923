using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// Applies flow modifications to <see cref="RuleTables"/>, and what packets learn. They were found good: what is refused, <see cref="OfPipeline"/> says before, except an
/// overlap.
/// </summary>
/// <param name="tables">What they change.</param>
/// <param name="work">Where the rules that are looked at are counted.</param>
/// <param name="isShared">Several threads count in a rule's statistics.</param>
/// <remarks>Only used under the pipeline's lock.</remarks>
internal sealed class RuleModifier(RuleTables tables, PipelineWork work, bool isShared)
{
    /// <summary>Some rule of the table is meant by a modification.</summary>
    public bool Selects(FlowMod mod)
        => TablesOf(mod).Any(t => t.Rules.Any(r => mod.Selects(r, mod.Command == FlowModCommand.ModifyStrict)));

    /// <summary>Applies modifications in order, all or nothing. False if they leave the tables as they were, rule by rule.</summary>
    /// <exception cref="FlowModException">A rule overlaps and must not, or its table is full; nothing was changed.</exception>
    public bool Apply(IReadOnlyList<FlowMod> mods, long nowMs)
    {
        tables.BeginBatch();
        if (tables.Limits.Count > 0 || mods.Any(static m => (m.Flags & FlowModFlags.CheckOverlap) != 0)) ApplyRefusing(mods, nowMs);
        else foreach (FlowMod mod in mods) Apply(mod, nowMs);
        return tables.KeepChanges();
    }

    /// <summary>Begins a batch whose modifications are applied one by one.</summary>
    public void Begin() => tables.BeginBatch();

    /// <summary>Applies one modification of a batch.</summary>
    /// <exception cref="FlowModException">The rule overlaps and must not, or its table is full; it changes nothing.</exception>
    public void ApplyOne(FlowMod mod, long nowMs)
    {
        if ((mod.Flags & FlowModFlags.CheckOverlap) != 0 && mod.Command == FlowModCommand.Add && Overlaps(mod)) throw Overlap();
        Apply(mod, nowMs);
    }

    /// <summary>Ends the batch; false if it leaves the tables as they were.</summary>
    public bool End() => tables.KeepChanges();

    /// <summary>A packet adds a rule or refreshes it; see <see cref="OfPipeline.Learn"/>.</summary>
    public LearnResult Learn(FlowMod mod, uint limit, long nowMs)
    {
        byte table = mod.Table ?? 0;
        RuleTable rules = tables.Of(table);
        OfRule? old = rules.Find(new MatchKey(mod));
        if (old is not null && IsAsLearned(mod, old))
        {
            old.Refresh(nowMs);
            return LearnResult.Refreshed;
        }

        ulong cookie = mod.NewCookie ?? 0;
        if (limit != 0 && rules.Rules.Count >= limit && rules.Rules.Where(r => r.Cookie == cookie).Take((int)Math.Min(limit, int.MaxValue)).Count() >= limit) return LearnResult.OverLimit;
        if (old is not null && old.Cookie == cookie && old.Actions.Equals(mod.Actions))
        {
            // Another rule in its place would have the timeouts of this one.
            old.Refresh(nowMs);
            return LearnResult.Refreshed;
        }

        tables.BeginBatch();
        if (old is null && !tables.MakeRoom(table)) return LearnResult.OverLimit;
        if (old is not null) tables.Replace(rules, old, old.With(mod.Actions, cookie, resetsCounts: false, tables.Batch, nowMs));
        else Add(mod, nowMs);
        tables.RemoveUnlearned();
        return tables.KeepChanges() ? LearnResult.Changed : LearnResult.Refreshed;
    }

    /// <summary>See <see cref="OfPipeline.Has"/>.</summary>
    public bool Has(FlowMod mod) => tables[mod.Table ?? 0]?.Find(new MatchKey(mod)) is { } rule && IsAsLearned(mod, rule);

    private static bool IsAsLearned(FlowMod mod, OfRule rule)
        => rule.IdleTimeoutSeconds == mod.IdleTimeoutSeconds && rule.HardTimeoutSeconds == mod.HardTimeoutSeconds && rule.Cookie == (mod.NewCookie ?? 0)
        && rule.Importance == mod.Importance && rule.Flags == Kept(mod.Flags) && rule.Actions.Equals(mod.Actions);

    /// <summary>Flags that a rule keeps (OVS <c>OFPUTIL_FF_STATE</c>).</summary>
    internal const FlowModFlags KeptFlags = FlowModFlags.SendFlowRemoved | FlowModFlags.CheckOverlap | FlowModFlags.ResetCounts | FlowModFlags.NoPacketCounts | FlowModFlags.NoByteCounts;

    private static FlowModFlags Kept(FlowModFlags flags) => flags & KeptFlags;

    private void Apply(FlowMod mod, long nowMs)
    {
        switch (mod.Command)
        {
            case FlowModCommand.Add:
                Add(mod, nowMs);
                break;
            case FlowModCommand.Modify:
            case FlowModCommand.ModifyStrict:
                Modify(mod, nowMs);
                break;
            default:
                Delete(mod);
                break;
        }

        tables.RemoveUnlearned();
    }

    private void Delete(FlowMod mod)
    {
        for (int t = mod.Table ?? 0, last = mod.Table ?? OfPipeline.TableCount - 1; t <= last && t < OfPipeline.TableCount; t++)
        {
            if (mod.Command == FlowModCommand.DeleteStrict) RemoveStrict(t, mod);
            else RemoveSelected(t, mod);
        }
    }

    /// <summary>Apart: what it captures would be made for each modification.</summary>
    private void RemoveSelected(int table, FlowMod mod) => tables.RemoveWhere(table, r => mod.Selects(r, strict: false));

    /// <summary>Applies a batch in which an add may be refused because it overlaps, or because its table is full: undoes what came before it.</summary>
    private void ApplyRefusing(IReadOnlyList<FlowMod> mods, long nowMs)
    {
        List<OfRule>?[] before = tables.Copy();
        for (int i = 0; i < mods.Count; i++)
        {
            try
            {
                ApplyOne(mods[i], nowMs);
            }
            catch (FlowModException e)
            {
                tables.Undo(before);
                throw e.At(i);
            }
        }
    }

    private static FlowModException Overlap() => new("OFPFMFC_OVERLAP", "the rule overlaps another one of the same priority");

    private bool Overlaps(FlowMod mod) => tables[mod.Table ?? 0] is { } rules && mod.Overlaps(rules.Rules);

    private void Add(FlowMod mod, long nowMs)
    {
        byte table = mod.Table ?? 0;
        RuleTable rules = tables.Of(table);
        OfRule? old = rules.Find(new MatchKey(mod));
        bool resetsCounts = (mod.Flags & FlowModFlags.ResetCounts) != 0;
        if (old is not null && mod.IsAgain(old) && !resetsCounts)
        {
            tables.NoteAgain(old);
            return;
        }

        if (old is null && !tables.MakeRoom(table)) throw new FlowModException("OFPFMFC_TABLE_FULL", $"table {table} takes {tables.Limits[table].MaxRules} rules");

        // What megaflows still have to push to the old rule arrives at the new one (OVS rule_dpif's new_rule). Whatever is counted anew, when it was used last stays.
        OfRule rule = RuleOf(mod, table, nowMs, old?.Precedence ?? rules.NextPrecedence(mod.Priority), resetsCounts || old is null ? new OfRuleStats(old?.LastUsedMs ?? nowMs, isShared) : old.Stats);
        tables.NoteDue(rule);
        if (old is not null)
        {
            work.RulesVisited++;
            tables.Replace(rules, old, rule, isAdded: true);
            return;
        }

        tables.Add(rules, rule);
    }

    private OfRule RuleOf(FlowMod mod, byte table, long nowMs, ulong precedence, OfRuleStats stats) => new(mod.Match)
    {
        Table = table,
        Priority = mod.Priority,
        Cookie = mod.NewCookie ?? 0,
        Actions = mod.Actions,
        IdleTimeoutSeconds = mod.IdleTimeoutSeconds,
        HardTimeoutSeconds = mod.HardTimeoutSeconds,
        CreatedMs = nowMs,
        ModifiedMs = nowMs,
        Flags = Kept(mod.Flags),
        Importance = mod.Importance,
        HasLearn = HasLearn(mod.Actions),
        IsTableMiss = mod.Priority == 0 && PipelineFlow.BytesOf(in mod.Match.Mask).IndexOfAnyExcept((byte)0) < 0,
        Stats = stats,
        Precedence = precedence,
        MatchHash = MatchKey.HashOf(ref mod.Match),
        Batch = tables.Batch,
        Program = XlateCompiler.Compile(mod.Actions),
        Conjunctions = ConjunctionsOf(mod.Actions),
    };

    private static bool HasLearn(EquatableList<OfAction> actions)
    {
        foreach (OfAction action in actions)
        {
            if (action is OfLearn) return true;
        }

        return false;
    }

    private static OfConjunction[] ConjunctionsOf(EquatableList<OfAction> actions)
    {
        List<OfConjunction>? conjunctions = null;
        foreach (OfAction action in actions)
        {
            if (action is OfConjunction conjunction) (conjunctions ??= []).Add(conjunction);
        }

        return conjunctions is null ? [] : [.. conjunctions];
    }

    /// <summary>Changes the actions of the rules selected. Adds none and keeps their cookies, unless the modification says so.</summary>
    private void Modify(FlowMod mod, long nowMs)
    {
        bool isAny = false;
        foreach (RuleTable rules in TablesOf(mod)) isAny |= Modify(mod, rules, nowMs);

        if (!isAny && mod.AddsIfNone) Add(mod, nowMs);
    }

    /// <summary>True if it selects any rule of the table.</summary>
    private bool Modify(FlowMod mod, RuleTable rules, long nowMs)
    {
        if (mod.Command == FlowModCommand.ModifyStrict) return rules.Find(new MatchKey(mod)) is { } named && ModifyRule(mod, rules, named, nowMs);
        bool isAny = false;
        foreach (OfRule rule in rules.Rules.ToArray()) isAny |= ModifyRule(mod, rules, rule, nowMs);
        return isAny;
    }

    private bool ModifyRule(FlowMod mod, RuleTable rules, OfRule rule, long nowMs)
    {
        work.RulesVisited++;
        if (!mod.Selects(rule, mod.Command == FlowModCommand.ModifyStrict)) return false;
        bool resetsCounts = (mod.Flags & FlowModFlags.ResetCounts) != 0;
        ulong cookie = mod.IsOf10 ? mod.NewCookie ?? rule.Cookie : rule.Cookie;
        if (rule.Actions.Equals(mod.Actions) && cookie == rule.Cookie && !resetsCounts) rule.Refresh(nowMs);
        else tables.Replace(rules, rule, rule.With(mod.Actions, cookie, resetsCounts, tables.Batch, nowMs));
        return true;
    }

    private void RemoveStrict(int table, FlowMod mod)
    {
        if (tables[table] is not { } rules) return;
        if (rules.Find(new MatchKey(mod)) is not { } rule) return;
        work.RulesVisited++;
        if (mod.Selects(rule, strict: true)) tables.Remove(table, rules, [rule]);
    }

    /// <summary>The tables in which something is modified.</summary>
    private IEnumerable<RuleTable> TablesOf(FlowMod mod)
    {
        if (mod is { Table: null, IsOf10: true }) return Enumerable.Range(0, OfPipeline.TableCount).Select(t => tables[t]).OfType<RuleTable>();
        return tables[mod.Table ?? 0] is { } rules ? [rules] : [];
    }
}
