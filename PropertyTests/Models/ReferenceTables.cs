namespace Mergeflow.PropertyTests;

/// <summary>Rules in a list and groups in a dictionary; flow and group modifications as OpenFlow 1.5 section 6.4 and 6.7 say.</summary>
internal sealed class ReferenceTables
{
    private readonly List<RefRule> _rules = [];
    private readonly Dictionary<uint, GroupMod> _groups = [];

    public IReadOnlyList<RefRule> Rules => _rules;

    /// <summary>The matching rule of the highest priority; null = a miss.</summary>
    public RefRule? LookUp(int table, RefFlow flow)
    {
        RefRule? best = null;
        foreach (RefRule rule in _rules)
        {
            if (rule.Table == table && (best is null || rule.Priority > best.Priority) && rule.Matches(flow)) best = rule;
        }

        return best;
    }

    public GroupMod? Group(uint id) => _groups.GetValueOrDefault(id);

    public void Apply(FlowMod mod)
    {
        List<RefTerm> terms = FieldNames.Terms(mod);
        switch (mod.Command)
        {
            case FlowModCommand.Add:
                Add(mod, terms);
                break;
            case FlowModCommand.Modify or FlowModCommand.ModifyStrict:
                // As recorded: a modify that selects nothing adds nothing, and cookies stay (OpenFlow 1.2 and later).
                foreach (RefRule rule in Selected(mod, terms)) Change(rule, mod);
                break;
            default:
                foreach (RefRule rule in Selected(mod, terms).Where(r => Outputs(r, mod))) _rules.Remove(rule);
                break;
        }
    }

    /// <summary>A packet adds a rule, or gives one with its match other actions and its cookie; what that has counted stays.</summary>
    public void Learn(RefRule rule)
    {
        if (_rules.Find(r => r.IsSame(rule.Table, rule.Priority, rule.Terms)) is { } old) (old.Actions, old.Cookie) = (rule.Actions, rule.Cookie);
        else _rules.Add(rule);
    }

    public void Apply(GroupMod mod)
    {
        switch (mod.Command)
        {
            case GroupModCommand.Delete when mod.GroupId == 0xfffffffc:
                _groups.Clear();
                break;
            case GroupModCommand.Delete:
                _groups.Remove(mod.GroupId);
                break;
            default:
                _groups[mod.GroupId] = mod;
                break;
        }
    }

    private void Add(FlowMod mod, List<RefTerm> terms)
    {
        RefRule? old = _rules.Find(r => r.IsSame(mod.Table ?? 0, mod.Priority, terms));
        var rule = new RefRule { Table = mod.Table ?? 0, Priority = mod.Priority, Cookie = mod.NewCookie ?? 0, Terms = terms, Actions = mod.Actions };
        if (old is not null)
        {
            _rules.Remove(old);
            if ((mod.Flags & FlowModFlags.ResetCounts) == 0) (rule.Packets, rule.Bytes) = (old.Packets, old.Bytes);
        }

        _rules.Add(rule);
    }

    private static void Change(RefRule rule, FlowMod mod)
    {
        rule.Actions = mod.Actions;
        if ((mod.Flags & FlowModFlags.ResetCounts) != 0) rule.Packets = rule.Bytes = 0;
    }

    private List<RefRule> Selected(FlowMod mod, List<RefTerm> terms)
    {
        bool strict = mod.Command is FlowModCommand.ModifyStrict or FlowModCommand.DeleteStrict;
        return
        [
            .. _rules.Where(r => (mod.Table is null || r.Table == mod.Table)
                && (mod.CookieMask == 0 || (r.Cookie & mod.CookieMask) == (mod.Cookie & mod.CookieMask))
                && (strict ? r.IsSame(r.Table, mod.Priority, terms) : r.IsWithin(terms))),
        ];
    }

    private static bool Outputs(RefRule rule, FlowMod mod)
        => (mod.OutPort is null || rule.Actions.Any(a => a is OfOutput o && o.Port == mod.OutPort))
            && (mod.OutGroup is null || rule.Actions.Any(a => a is OfGroup g && g.GroupId == mod.OutGroup));
}
