namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// One OpenFlow table as modifications see it: rules in order of precedence, found by match, and grouped by mask. What a modification does not
/// touch, the next <see cref="TableIndex"/> takes from the one before.
/// </summary>
/// <remarks>Only used under the pipeline's lock.</remarks>
internal sealed class RuleTable
{
    private readonly Dictionary<MatchKey, OfRule> _byMatch = [];
    private readonly Dictionary<MaskKey, RuleGroup> _byMask = [];
    private readonly List<RuleGroup> _changed = [];
    private ulong _sequence;
    private int _normalCount;
    private int _conjunctiveCount;

    /// <summary>Rules in order of precedence.</summary>
    public PrecedenceList Rules { get; } = [];

    /// <summary>See <see cref="TableIndex.Prefixes"/>.</summary>
    public PrefixFields Prefixes { get; set; } = PrefixFields.Default;

    /// <summary>Rules that have a timeout.</summary>
    public int ExpiringCount { get; private set; }

    /// <summary>The rule with exactly this priority and match, or null.</summary>
    public OfRule? Find(in MatchKey match) => _byMatch.GetValueOrDefault(match);

    /// <summary>The precedence of a rule to be added: behind those of its priority.</summary>
    public ulong NextPrecedence(ushort priority) => FirstPrecedence(priority) | ++_sequence;

    /// <summary>No rule of the priority has a lower one.</summary>
    public static ulong FirstPrecedence(ushort priority) => (ulong)(ushort)(ushort.MaxValue - priority) << 48;

    /// <summary>Adds a rule where its precedence puts it.</summary>
    public void Add(OfRule rule)
    {
        Rules.Add(rule);
        _byMatch.Add(new MatchKey(rule), rule);
        Changed(rule).Members.Add(rule);
        Count(rule, 1);
    }

    /// <summary>Puts a rule in the place of one with the same priority and match, and so with its precedence.</summary>
    public void Replace(OfRule old, OfRule rule)
    {
        Rules.Replace(rule);
        _byMatch[new MatchKey(rule)] = rule;
        Changed(rule).Members.Replace(rule);
        Count(old, -1);
        Count(rule, 1);
    }

    /// <summary>Removes rules.</summary>
    public void Remove(List<OfRule> removed)
    {
        foreach (OfRule rule in removed)
        {
            Rules.Remove(rule);
            _byMatch.Remove(new MatchKey(rule));
            Changed(rule).Members.Remove(rule);
            Count(rule, -1);
        }
    }

    /// <summary>A rule of the table gets shorter timeouts, seconds; 0 = as they are.</summary>
    public void ReduceTimeouts(OfRule rule, ushort idleSeconds, ushort hardSeconds)
    {
        bool expires = HasTimeout(rule);
        rule.ReduceTimeouts(idleSeconds, hardSeconds);
        if (!expires && HasTimeout(rule)) ExpiringCount++;
    }

    /// <summary>Goes back to these rules, which are sorted; everything is built anew.</summary>
    public void Restore(List<OfRule> rules)
    {
        foreach (RuleGroup group in _byMask.Values)
        {
            foreach (OfRule rule in group.Members) Touch(group, rule);
            group.Members.Clear();
        }

        _byMatch.Clear();
        Rules.Clear();
        (_normalCount, _conjunctiveCount, ExpiringCount) = (0, 0, 0);
        foreach (OfRule rule in rules)
        {
            Rules.Add(rule);
            _byMatch.Add(new MatchKey(rule), rule);
            Changed(rule).Members.Add(rule);
            Count(rule, 1);
        }
    }

    /// <summary>Highest priority of the rules with the mask of <paramref name="like"/>; -1 = there are none.</summary>
    public int BestPriority(OfRule like) => _byMask.TryGetValue(new MaskKey(like), out RuleGroup? group) && group.Members.Count > 0 ? group.Members.First.Priority : -1;

    /// <summary>The searchable picture of the rules as they are now; null = there are none.</summary>
    /// <param name="old">The one before.</param>
    /// <param name="order">In which Open vSwitch would visit the subtables; null = by the precedence of their best rules.</param>
    /// <param name="isStaged">See <see cref="TableIndex.IsStaged"/>.</param>
    /// <param name="portsStandForStage">See <see cref="Quirks.PortsStandForStage"/>.</param>
    /// <param name="work">Where the rules that are taken anew are counted.</param>
    public TableIndex? Index(TableIndex? old, SubtableOrder? order, bool isStaged, bool portsStandForStage, PipelineWork work)
    {
        List<Subtable> subtables = [];
        if (old is not null)
        {
            foreach (Subtable s in old.Subtables)
            {
                if (!s.Group.IsChanged) subtables.Add(s);
            }
        }

        bool sorts = _changed.Count > 8;
        foreach (RuleGroup group in _changed)
        {
            if (group.Members.Count == 0)
            {
                group.Touched.Clear();
                _byMask.Remove(new MaskKey(group.Like));
                continue;
            }

            var s = new Subtable(group, work);
            group.Touched.Clear();
            group.Latest = s;
            int at = sorts ? subtables.Count : subtables.BinarySearch(s, Subtable.ByFirst);
            subtables.Insert(at < 0 ? ~at : at, s);
        }

        _changed.Clear();
        if (sorts) subtables.Sort(Subtable.ByFirst);
        if (Rules.Count == 0) return null;
        return new TableIndex([.. subtables], Rules.Count, old, order, isStaged, work) { PortsStandForStage = portsStandForStage, Prefixes = Prefixes, UsesNormal = _normalCount > 0, HasConjunctions = _conjunctiveCount > 0 };
    }

    private void Count(OfRule rule, int by)
    {
        if (Array.Exists(rule.Program, static o => o.LearnsFromPackets)) _normalCount += by;
        if (rule.Conjunctions.Length > 0) _conjunctiveCount += by;
        if (HasTimeout(rule)) ExpiringCount += by;
    }

    private static bool HasTimeout(OfRule rule) => (rule.IdleTimeoutSeconds | rule.HardTimeoutSeconds) != 0;

    /// <summary>The group of a rule that comes or goes.</summary>
    private RuleGroup Changed(OfRule rule)
    {
        if (!_byMask.TryGetValue(new MaskKey(rule), out RuleGroup? group)) _byMask.Add(new MaskKey(rule), group = new RuleGroup(rule));
        Touch(group, rule);
        return group;
    }

    private void Touch(RuleGroup group, OfRule rule)
    {
        if (!group.IsChanged) _changed.Add(group);
        group.Touched.Add(rule);
    }
}
