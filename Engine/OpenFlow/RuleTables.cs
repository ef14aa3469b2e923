using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// All tables as modifications see them, and which of them differ from what was published last. It applies modifications that were found good: what
/// is refused, <see cref="OfPipeline"/> says before, except an overlap.
/// </summary>
/// <remarks>Only used under the pipeline's lock, except <see cref="HasDue"/>.</remarks>
internal sealed class RuleTables(Quirks quirks, PipelineWork work, bool isShared)
{
    /// <summary>Rules of one batch that are remembered; who changes more has everything looked at.</summary>
    private const int MostNoted = 32;

    private readonly RuleTable?[] _tables = new RuleTable?[OfPipeline.TableCount];
    private readonly SubtableOrder?[] _orders = new SubtableOrder?[OfPipeline.TableCount];
    private readonly HashSet<int> _changed = [];

    /// <summary>Tables that the modifications under way have touched, as they were.</summary>
    private readonly Dictionary<int, TableBefore> _before = [];
    private ulong _batch;

    private readonly List<OfRule> _noted = [];
    private readonly LearnedCookies _learned = new();

    /// <summary>No rule's timeout passes before this time, as far as is known; uses that megaflows have not reported yet put it off.</summary>
    private long _nextDueMs = long.MaxValue;

    /// <summary>What has happened to rules since it was taken last; null = nobody wants to know.</summary>
    private List<RuleEvent>? _events;

    /// <summary>Why rules go that go now.</summary>
    private RuleEnd _end = RuleEnd.Deleted;

    /// <summary>When they expire, if they do.</summary>
    private long _expiryMs;

    /// <summary>From now on events are kept for <see cref="TakeEvents"/>.</summary>
    public void KeepEvents() => _events ??= [];

    /// <summary>What has happened since the last call.</summary>
    public IReadOnlyList<RuleEvent> TakeEvents()
    {
        if (_events is not { Count: > 0 } taken) return [];
        _events = [];
        return taken;
    }

    /// <summary>See <see cref="OfPipeline.PreparesTables"/>.</summary>
    public bool IsPreparing { get; set; }

    /// <summary>All rules, by table, then precedence.</summary>
    public IEnumerable<OfRule> Rules => _tables.Where(static t => t is not null).SelectMany(static t => t!.Rules);

    /// <summary>Number of rules.</summary>
    public int RuleCount => _tables.Sum(static t => t?.Rules.Count ?? 0);

    /// <summary>Rules that the latest batch has added, replaced or removed, of one match at least one; null = too many to say.</summary>
    public IReadOnlyList<OfRule>? Noted => _noted.Count <= MostNoted ? [.. _noted] : null;

    /// <summary>Some rule of the table is meant by a modification.</summary>
    public bool Selects(FlowMod mod)
        => TablesOf(mod).Any(t => t.Rules.Any(r => mod.Selects(r, mod.Command == FlowModCommand.ModifyStrict)));

    /// <summary>The tables in which something is modified.</summary>
    private IEnumerable<RuleTable> TablesOf(FlowMod mod)
    {
        if (mod is { Table: null, IsOf10: true }) return _tables.OfType<RuleTable>();
        return _tables[mod.Table ?? 0] is { } rules ? [rules] : [];
    }

    /// <summary>Applies modifications in order, all or nothing. False if they leave the tables as they were, rule by rule.</summary>
    /// <exception cref="FlowModException">A rule overlaps and must not; nothing was changed.</exception>
    public bool Apply(IReadOnlyList<FlowMod> mods, long nowMs)
    {
        _batch++;
        _noted.Clear();
        if (mods.Any(static m => (m.Flags & FlowModFlags.CheckOverlap) != 0)) ApplyCheckingOverlap(mods, nowMs);
        else foreach (FlowMod mod in mods) Apply(mod, nowMs);
        return KeepChanges();
    }

    /// <summary>A packet adds a rule or refreshes it; see <see cref="OfPipeline.Learn"/>.</summary>
    public LearnResult Learn(FlowMod mod, uint limit, long nowMs)
    {
        byte table = mod.Table ?? 0;
        RuleTable rules = _tables[table] ??= new RuleTable();
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

        _batch++;
        _noted.Clear();
        if (old is not null) Replace(rules, old, old.With(mod.Actions, cookie, resetsCounts: false, _batch, nowMs));
        else Add(mod, nowMs);
        RemoveUnlearned();
        return KeepChanges() ? LearnResult.Changed : LearnResult.Refreshed;
    }

    /// <summary>See <see cref="OfPipeline.Has"/>.</summary>
    public bool Has(FlowMod mod) => _tables[mod.Table ?? 0]?.Find(new MatchKey(mod)) is { } rule && IsAsLearned(mod, rule);

    /// <summary>See <see cref="OfPipeline.ReduceTimeouts"/>.</summary>
    public void ReduceTimeouts(OfRule rule, ushort idleSeconds, ushort hardSeconds)
    {
        if (_tables[rule.Table] is not { } rules || rules.Find(new MatchKey(rule)) != rule) return;
        rules.ReduceTimeouts(rule, idleSeconds, hardSeconds);
        Volatile.Write(ref _nextDueMs, Math.Min(_nextDueMs, rule.DueMs));
    }

    private static bool IsAsLearned(FlowMod mod, OfRule rule)
        => rule.IdleTimeoutSeconds == mod.IdleTimeoutSeconds && rule.HardTimeoutSeconds == mod.HardTimeoutSeconds && rule.Cookie == (mod.NewCookie ?? 0)
        && rule.Importance == mod.Importance && rule.Flags == Kept(mod.Flags) && rule.Actions.Equals(mod.Actions);

    /// <summary>Flags that a rule keeps (OVS <c>OFPUTIL_FF_STATE</c>).</summary>
    private static FlowModFlags Kept(FlowModFlags flags) => flags & (FlowModFlags.SendFlowRemoved | FlowModFlags.NoPacketCounts | FlowModFlags.NoByteCounts);

    /// <summary>The rules of each table; null = none. For <see cref="Restore"/>.</summary>
    public List<OfRule>?[] Copy() => Array.ConvertAll(_tables, static t => t is null ? null : new List<OfRule>(t.Rules));

    /// <summary>Goes back to what <see cref="Copy"/> has taken.</summary>
    public void Restore(List<OfRule>?[] rules)
    {
        _noted.Clear();
        _before.Clear();
        TakeEvents();
        for (int t = 0; t < _tables.Length; t++)
        {
            if (_tables[t] is not { } table || (rules[t] is { } same && table.Rules.SequenceEqual(same))) continue;
            table.Restore(rules[t] ?? []);
            _orders[t] = null;
            if (OrderOf(t) is { } order) table.Rules.ToList().ForEach(order.Add);
            _changed.Add(t);
        }

        _learned.Recount(Rules);
    }

    /// <summary>Removes rules from all tables; returns how many.</summary>
    public int RemoveWhere(Predicate<OfRule> condition, RuleEnd end = RuleEnd.Deleted)
    {
        int removed = 0;
        _end = end;
        for (int t = 0; t < _tables.Length; t++) removed += RemoveWhere(t, condition);
        _end = RuleEnd.Deleted;
        return removed + RemoveUnlearned();
    }

    /// <summary>Removes the rules whose timeout has passed; returns how many.</summary>
    public int Expire(long nowMs)
    {
        int removed = 0;
        _noted.Clear();
        (_end, _expiryMs) = (RuleEnd.IdleTimeout, nowMs);
        for (int t = 0; t < _tables.Length; t++)
        {
            if (_tables[t] is { ExpiringCount: > 0 }) removed += RemoveWhere(t, r => nowMs >= r.DueMs);
        }

        _end = RuleEnd.Deleted;
        removed += RemoveUnlearned();
        UpdateNextDue();
        return removed;
    }

    /// <summary>Some rule's idle or hard timeout may have passed. For any thread.</summary>
    public bool HasDue(long nowMs) => nowMs >= Volatile.Read(ref _nextDueMs);

    /// <summary>Looks at the rules' latest uses again.</summary>
    public void UpdateNextDue()
    {
        long next = long.MaxValue;
        foreach (RuleTable? rules in _tables)
        {
            if (rules is not { ExpiringCount: > 0 }) continue;
            foreach (OfRule r in rules.Rules) next = Math.Min(next, r.DueMs);
        }

        Volatile.Write(ref _nextDueMs, next);
    }

    /// <summary>The searchable pictures of the tables as they are now; those of <paramref name="old"/> where nothing has changed.</summary>
    public TableIndex?[] Index(TableIndex?[] old)
    {
        _before.Clear();
        if (_changed.Count == 0) return old;
        var tables = new TableIndex?[Math.Max(old.Length, _changed.Max() + 1)];
        old.CopyTo(tables, 0);
        foreach (int t in _changed)
        {
            tables[t] = _tables[t]!.Index(tables[t], _orders[t], _tables[t]!.Rules.Count <= quirks.StagedTableRules, work);
            if (IsPreparing) tables[t]?.Prepare();
        }

        _changed.Clear();
        return tables;
    }

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
                bool strict = mod.Command == FlowModCommand.DeleteStrict;
                for (int t = 0; t < _tables.Length; t++)
                {
                    if (mod.Table is not null && mod.Table != t) continue;
                    if (strict) RemoveStrict(t, mod);
                    else RemoveWhere(t, r => mod.Selects(r, strict: false));
                }

                break;
        }

        RemoveUnlearned();
    }

    /// <summary>Removes what no rule learns any more; returns how many rules. Of those some may have learned.</summary>
    private int RemoveUnlearned()
    {
        int removed = 0;
        while (_learned.TryTakeDead(out (byte Table, ulong Cookie) dead)) removed += RemoveWhere(dead.Table, r => r.Cookie == dead.Cookie);
        return removed;
    }

    /// <summary>Applies a batch in which an add may be refused because it overlaps: undoes what came before it.</summary>
    private void ApplyCheckingOverlap(IReadOnlyList<FlowMod> mods, long nowMs)
    {
        List<OfRule>?[] before = Array.ConvertAll(_tables, static t => t is null ? null : new List<OfRule>(t.Rules));
        for (int i = 0; i < mods.Count; i++)
        {
            FlowMod mod = mods[i];
            if ((mod.Flags & FlowModFlags.CheckOverlap) == 0 || mod.Command != FlowModCommand.Add || !Overlaps(mod))
            {
                Apply(mod, nowMs);
                continue;
            }

            foreach ((int table, TableBefore touched) in _before) _orders[table] = touched.Order;
            _before.Clear();

            // Only what was touched: the pictures of the other tables stay as they are. The next modification publishes these.
            foreach (int table in _changed) _tables[table]!.Restore(before[table] ?? []);
            _changed.Clear();
            _learned.Recount(Rules);
            TakeEvents();
            throw new FlowModException("OFPFMFC_OVERLAP", "the rule overlaps another one of the same priority", i);
        }
    }

    private bool Overlaps(FlowMod mod) => _tables[mod.Table ?? 0] is { } rules && mod.Overlaps(rules.Rules);

    private void Add(FlowMod mod, long nowMs)
    {
        byte table = mod.Table ?? 0;
        RuleTable rules = _tables[table] ??= new RuleTable();
        OfRule? old = rules.Find(new MatchKey(mod));
        bool resetsCounts = (mod.Flags & FlowModFlags.ResetCounts) != 0;
        if (old is not null && mod.IsAgain(old) && !resetsCounts) return;

        // What megaflows still have to push to the old rule arrives at the new one (OVS rule_dpif's new_rule).
        OfRule rule = RuleOf(mod, table, nowMs, old?.Precedence ?? rules.NextPrecedence(mod.Priority), old is null || resetsCounts ? new OfRuleStats(nowMs, isShared) : old.Stats);
        Volatile.Write(ref _nextDueMs, Math.Min(_nextDueMs, rule.DueMs));
        if (old is not null)
        {
            work.RulesVisited++;
            Replace(rules, old, rule);
            return;
        }

        Touch(rule).Added++;
        rules.Add(rule);
        _events?.Add(new RuleEvent(null, rule, default));
        _learned.Add(rule);
        OrderOf(table)?.Add(rule);
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
        HasLearn = mod.Actions.Any(static a => a is OfLearn),
        IsTableMiss = mod.Priority == 0 && PipelineFlow.BytesOf(in mod.Match.Mask).IndexOfAnyExcept((byte)0) < 0,
        Stats = stats,
        Precedence = precedence,
        MatchHash = MatchKey.HashOf(ref mod.Match),
        Batch = _batch,
        Program = XlateCompiler.Compile(mod.Actions),
        Conjunctions = [.. mod.Actions.OfType<OfConjunction>()],
    };

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
        else Replace(rules, rule, rule.With(mod.Actions, cookie, resetsCounts, _batch, nowMs));
        return true;
    }

    private void Replace(RuleTable rules, OfRule old, OfRule rule)
    {
        Touch(old).Replace(old, _batch);
        rules.Replace(old, rule);
        _events?.Add(new RuleEvent(old, rule, default));
        _learned.Add(rule);
        _learned.Remove(old);
    }

    private int RemoveWhere(int table, Predicate<OfRule> condition)
    {
        if (_tables[table] is not { } rules) return 0;
        work.RulesVisited += (ulong)rules.Rules.Count;
        return Remove(table, rules, [.. rules.Rules.Where(r => condition(r))]);
    }

    private void RemoveStrict(int table, FlowMod mod)
    {
        if (_tables[table] is not { } rules) return;
        if (rules.Find(new MatchKey(mod)) is not { } rule) return;
        work.RulesVisited++;
        if (mod.Selects(rule, strict: true)) Remove(table, rules, [rule]);
    }

    private int Remove(int table, RuleTable rules, List<OfRule> removed)
    {
        if (removed.Count == 0) return 0;
        foreach (OfRule rule in removed)
        {
            Touch(rule).Remove(rule, _batch);
            _events?.Add(new RuleEvent(rule, null, _end == RuleEnd.IdleTimeout && rule.IsHardDue(_expiryMs) ? RuleEnd.HardTimeout : _end));
            _learned.Remove(rule);
        }

        rules.Remove(removed);
        OrderOf(table)?.Remove(removed, rules);
        return removed.Count;
    }

    private SubtableOrder? OrderOf(int table) => quirks.StagedTableRules == 0 ? null : _orders[table] ??= new SubtableOrder();

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

    /// <summary>The rule comes, or goes, or another one takes its place.</summary>
    private TableBefore Touch(OfRule rule)
    {
        int table = rule.Table;
        if (_noted.Count <= MostNoted) _noted.Add(rule);
        if (!_before.TryGetValue(table, out TableBefore? before)) _before.Add(table, before = new TableBefore(_orders[table]?.Copy()));
        _changed.Add(table);
        return before;
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
