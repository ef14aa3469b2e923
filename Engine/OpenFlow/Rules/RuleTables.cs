using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>All tables as modifications see them, which of them differ from what was published last, and what has happened to their rules.</summary>
/// <remarks>Only used under the pipeline's lock, except <see cref="HasDue"/>.</remarks>
internal sealed class RuleTables(Quirks quirks, PipelineWork work)
{
    /// <summary>Rules of one batch that are remembered; who changes more has everything looked at.</summary>
    private const int MostNoted = 32;

    private readonly RuleTable?[] _tables = new RuleTable?[OfPipeline.TableCount];
    private readonly SubtableOrder?[] _orders = new SubtableOrder?[OfPipeline.TableCount];
    private readonly HashSet<int> _changed = [];
    private IReadOnlyDictionary<int, PrefixFields> _prefixes = new Dictionary<int, PrefixFields>();

    /// <summary>Tables that the modifications under way have touched, as they were.</summary>
    private readonly Dictionary<int, TableBefore> _before = [];
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

    /// <summary>The modifications under way; <see cref="OfRule.Batch"/> of the rules that they make.</summary>
    public ulong Batch { get; private set; }

    /// <summary>The rules of a table; null = there were never any.</summary>
    public RuleTable? this[int table] => _tables[table];

    /// <summary>How many rules tables take, by number; those that are not there take any number.</summary>
    public IReadOnlyDictionary<int, TableLimit> Limits { get; set; } = new Dictionary<int, TableLimit>();

    /// <summary>See <see cref="OfPipeline.PreparesTables"/>.</summary>
    public bool IsPreparing { get; set; }

    /// <summary>All rules, by table, then precedence.</summary>
    public IEnumerable<OfRule> Rules => _tables.Where(static t => t is not null).SelectMany(static t => t!.Rules);

    /// <summary>Number of rules.</summary>
    public int RuleCount => _tables.Sum(static t => t?.Rules.Count ?? 0);

    /// <summary>Rules that the latest batch has added, replaced or removed, of one match at least one; null = too many to say.</summary>
    public IReadOnlyList<OfRule>? Noted => _noted.Count <= MostNoted ? [.. _noted] : null;

    /// <summary>The rules of a table.</summary>
    public RuleTable Of(int table) => _tables[table] ??= new RuleTable { Prefixes = PrefixesOf(table) };

    /// <summary>Modifications begin that are of one batch.</summary>
    public void BeginBatch()
    {
        Batch++;
        _noted.Clear();
    }

    /// <summary>Adds a rule whose match no other has.</summary>
    public void Add(RuleTable rules, OfRule rule)
    {
        Touch(rule).Added++;
        rules.Add(rule);
        _events?.Add(new RuleEvent(null, rule, default, IsAdded: true));
        _learned.Add(rule);
        OrderOf(rule.Table)?.Add(rule);
    }

    /// <summary>A rule is going to be there whose timeouts begin.</summary>
    public void NoteDue(OfRule rule) => Volatile.Write(ref _nextDueMs, Math.Min(_nextDueMs, rule.DueMs));

    /// <summary>Puts a rule in the place of one with the same match.</summary>
    public void Replace(RuleTable rules, OfRule old, OfRule rule, bool isAdded = false)
    {
        Touch(old).Replace(old, Batch);
        rules.Replace(old, rule);
        _events?.Add(new RuleEvent(old, rule, default, isAdded));
        _learned.Add(rule);
        _learned.Remove(old);
    }

    /// <summary>A rule has been added once more, and is as it was: those who watch are told.</summary>
    public void NoteAgain(OfRule rule) => _events?.Add(new RuleEvent(rule, rule, default, IsAdded: true));

    /// <summary>Removes rules from one table; returns how many.</summary>
    public int RemoveWhere(int table, Predicate<OfRule> condition)
    {
        if (_tables[table] is not { } rules) return 0;
        work.RulesVisited += (ulong)rules.Rules.Count;
        return Remove(table, rules, [.. rules.Rules.Where(r => condition(r))]);
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

    /// <summary>Removes these rules of a table; returns how many.</summary>
    public int Remove(int table, RuleTable rules, List<OfRule> removed)
    {
        if (removed.Count == 0) return 0;
        foreach (OfRule rule in removed)
        {
            Touch(rule).Remove(rule, Batch);
            _events?.Add(new RuleEvent(rule, null, _end == RuleEnd.IdleTimeout && rule.IsHardDue(_expiryMs) ? RuleEnd.HardTimeout : _end));
            _learned.Remove(rule);
        }

        rules.Remove(removed);
        OrderOf(table)?.Remove(removed, rules);
        return removed.Count;
    }

    /// <summary>Rules of a table.</summary>
    public int CountOf(int table) => _tables[table]?.Rules.Count ?? 0;

    /// <summary>Makes room for one more rule; false: the table is full.</summary>
    public bool MakeRoom(int table)
    {
        if (!Limits.TryGetValue(table, out TableLimit? limit) || _tables[table] is not { } rules || rules.Rules.Count < limit.MaxRules) return true;
        return Evict(table, rules, limit);
    }

    /// <summary>Rules go of which there are more than tables take; returns how many.</summary>
    public int EvictTooMany()
    {
        int removed = 0;
        foreach ((int table, TableLimit limit) in Limits)
        {
            while (_tables[table] is { } rules && rules.Rules.Count > limit.MaxRules && Evict(table, rules, limit)) removed++;
        }

        return removed + RemoveUnlearned();
    }

    private bool Evict(int table, RuleTable rules, TableLimit limit)
    {
        if (!limit.Evicts || limit.Victim(rules.Rules) is not { } victim) return false;
        _end = RuleEnd.Eviction;
        Remove(table, rules, [victim]);
        _end = RuleEnd.Deleted;
        return true;
    }

    /// <summary>Removes what no rule learns any more; returns how many rules. Of those some may have learned.</summary>
    public int RemoveUnlearned()
    {
        int removed = 0;
        while (_learned.TryTakeDead(out (byte Table, ulong Cookie) dead)) removed += RemoveCookie(dead.Table, dead.Cookie);
        return removed;
    }

    /// <summary>Apart: what it captures would be made for each modification.</summary>
    private int RemoveCookie(byte table, ulong cookie) => RemoveWhere(table, r => r.Cookie == cookie);

    /// <summary>True if some touched table differs from what it was; the others are as if they had not been touched.</summary>
    public bool KeepChanges()
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

    /// <summary>Takes back the batch under way. The pictures of tables that it has not touched stay as they are.</summary>
    /// <param name="before">From <see cref="Copy"/>, before the batch.</param>
    public void Undo(List<OfRule>?[] before)
    {
        foreach ((int table, TableBefore touched) in _before) _orders[table] = touched.Order;
        _before.Clear();
        foreach (int table in _changed) _tables[table]!.Restore(before[table] ?? []);
        _changed.Clear();
        _learned.Recount(Rules);
        TakeEvents();
    }

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

    /// <summary>See <see cref="OfPipeline.ReduceTimeouts"/>.</summary>
    public void ReduceTimeouts(OfRule rule, ushort idleSeconds, ushort hardSeconds)
    {
        if (_tables[rule.Table] is not { } rules || rules.Find(new MatchKey(rule)) != rule) return;
        rules.ReduceTimeouts(rule, idleSeconds, hardSeconds);
        NoteDue(rule);
    }

    /// <summary>From now on events are kept for <see cref="TakeEvents"/>.</summary>
    public void KeepEvents() => _events ??= [];

    /// <summary>What has happened since the last call.</summary>
    public IReadOnlyList<RuleEvent> TakeEvents()
    {
        if (_events is not { Count: > 0 } taken) return [];
        _events = [];
        return taken;
    }

    /// <summary>Of which addresses lookups tell prefixes apart; true if that changes what they read.</summary>
    public bool SetPrefixes(IReadOnlyDictionary<int, PrefixFields> prefixes)
    {
        _prefixes = prefixes;
        bool isChanged = false;
        for (int t = 0; t < _tables.Length; t++)
        {
            if (_tables[t] is not { } rules || rules.Prefixes == PrefixesOf(t)) continue;
            rules.Prefixes = PrefixesOf(t);
            isChanged |= _changed.Add(t);
        }

        return isChanged;
    }

    private PrefixFields PrefixesOf(int table) => _prefixes.GetValueOrDefault(table, PrefixFields.Default);

    /// <summary>The searchable pictures of the tables as they are now; those of <paramref name="old"/> where nothing has changed.</summary>
    public TableIndex?[] Index(TableIndex?[] old)
    {
        _before.Clear();
        if (_changed.Count == 0) return old;
        var tables = new TableIndex?[Math.Max(old.Length, _changed.Max() + 1)];
        old.CopyTo(tables, 0);
        foreach (int t in _changed)
        {
            tables[t] = _tables[t]!.Index(tables[t], _orders[t], _tables[t]!.Rules.Count <= quirks.StagedTableRules, quirks.PortsStandForStage, work);
            if (IsPreparing) tables[t]?.Prepare();
        }

        _changed.Clear();
        return tables;
    }

    private SubtableOrder? OrderOf(int table) => quirks.StagedTableRules == 0 ? null : _orders[table] ??= new SubtableOrder();

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
