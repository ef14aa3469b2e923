namespace Mergeflow.Engine.Offload;

/// <summary>Who gets one of the device's finite rule slots. Called on the offload thread.</summary>
public interface IAdmissionPolicy
{
    /// <summary>What people call it.</summary>
    string Name { get; }

    /// <summary>A flow's packet from which on its packets are recorded, 1 = the first.</summary>
    int RecordAfterPackets { get; }

    /// <summary>Whether a merged rule is worth a slot.</summary>
    bool ShouldAdmit(MergedFlow rule, int ruleCount, int capacity);

    /// <summary>The table is full and <paramref name="newcomer"/> wants in: which rule to remove, or null for none.</summary>
    MergedFlow? ChooseVictim(IReadOnlyList<MergedFlow> rules, MergedFlow newcomer, long nowMs);
}
