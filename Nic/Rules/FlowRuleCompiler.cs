namespace Mergeflow.Nic;


/// <summary>Checks a rule against a profile and compiles it.</summary>
internal static class FlowRuleCompiler
{
    /// <summary>Null and a compiled rule, or why not.</summary>
    public static FlowError? TryCompile(NicProfile profile, FlowRule source, out CompiledRule? compiled)
    {
        var rule = new CompiledRule { Ops = [], Table = source.Attr.Table };
        try
        {
            int capacity = source.Attr.Table == FlowTable.ExactMatch ? profile.ExactMatchEntries : profile.WildcardRows;
            if (capacity == 0)
            {
                throw new FlowRejectedException(new FlowError(FlowErrno.NotSupported, FlowErrorType.AttrGroup, $"profile {profile.Name} has no {TableName(source.Attr.Table)} table"));
            }
            var pattern = new PatternCompiler(profile, rule);
            pattern.Compile(source);
            var actions = new ActionCompiler(profile, pattern);
            rule.Ops = actions.Compile(source);
            rule.MinTtl = (byte)actions.MinTtl;
            rule.Counts = actions.Counts;
            (rule.Decap, rule.Encaps) = (actions.Decap, actions.Encaps);
            compiled = rule;
            return null;
        }
        catch (FlowRejectedException e)
        {
            compiled = null;
            return e.Error;
        }
    }

    public static string TableName(FlowTable table) => table == FlowTable.ExactMatch ? "exact-match" : "wildcard";
}
