namespace Mergeflow.Engine.OpenFlow;

/// <remarks>What only tests look at.</remarks>
public sealed partial class OfPipeline
{
    /// <summary>Applies one modification at virtual time <paramref name="nowMs"/>; false if the tables are as before.</summary>
    /// <exception cref="FlowModException">The modification is refused; nothing was changed.</exception>
    public bool Apply(FlowMod mod, long nowMs = 0) => ApplyAll([mod], nowMs);

    /// <summary>Moves at each change that can alter a translation, be it of tables, groups and ports or of what <c>normal</c> has learned.</summary>
    public ulong TablesVersion => RulesVersion + Macs.ChangeCount;

    /// <summary>Number of rules.</summary>
    public int RuleCount
    {
        get
        {
            lock (_lock) return _tables.RuleCount;
        }
    }
}
