namespace Mergeflow.Engine.Offload;

/// <summary>
/// Admits what is predicted to save more cycles than it costs (<see cref="SavedCycles"/>). When the table is full, the rule of a sample that is worth
/// least goes, if the newcomer is worth clearly more; a rule that has not been measured yet stays.
/// </summary>
/// <param name="model">Null = defaults, for the soft device.</param>
/// <param name="sampleCount">Rules looked at per eviction.</param>
public sealed class AdmitSavedCycles(SavedCycles? model = null, int sampleCount = 16) : IAdmissionPolicy
{
    private readonly SavedCycles _model = model ?? new SavedCycles();
    private int _next;

    /// <inheritdoc/>
    public string Name => "saved-cycles";

    /// <summary>Fewer packets do not tell a rate.</summary>
    public int RecordAfterPackets { get; init; } = 8;

    /// <inheritdoc/>
    public bool ShouldAdmit(MergedFlow rule, int ruleCount, int capacity)
        => _model.Predicted(rule, rule.Timeline.MergedAtMs) >= _model.Price(ruleCount, capacity);

    /// <inheritdoc/>
    public MergedFlow? ChooseVictim(IReadOnlyList<MergedFlow> rules, MergedFlow newcomer, long nowMs)
    {
        MergedFlow? victim = null;
        double least = double.MaxValue;
        int count = Math.Min(sampleCount, rules.Count);
        for (int i = 0; i < count; i++)
        {
            if (_next >= rules.Count) _next = 0;
            MergedFlow r = rules[_next++];
            if (r.State != MergedFlowState.Active || r.Table != newcomer.Table || ReferenceEquals(r, newcomer)) continue;
            if (nowMs - r.Timeline.ActiveAtMs < MergedRate.WindowMs) continue;
            r.Rate.Update(r.Packets, nowMs);
            double worth = _model.Predicted(r, nowMs);
            if (worth < least) (victim, least) = (r, worth);
        }

        return victim is not null && _model.Beats(_model.Predicted(newcomer, nowMs), least) ? victim : null;
    }
}
