namespace Mergeflow.Engine;

/// <summary>Admits by predicted saving: only rules that replace at least so many software passes; evicts as <see cref="AdmitAll"/> does.</summary>
/// <param name="minPassCount">Fewest passes that are worth a slot.</param>
public sealed class AdmitDeep(int minPassCount) : IAdmissionPolicy
{
    private readonly AdmitAll _all = new();

    /// <inheritdoc/>
    public bool ShouldAdmit(MergedFlow rule, int ruleCount, int capacity) => rule.PassCount >= minPassCount;

    /// <inheritdoc/>
    public MergedFlow? ChooseVictim(IReadOnlyList<MergedFlow> rules, MergedFlow newcomer, long nowMs) => _all.ChooseVictim(rules, newcomer, nowMs);
}
