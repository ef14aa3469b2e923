namespace Mergeflow.PropertyTests;

/// <summary>One thing that is done to a packet after a walk through the tables.</summary>
internal abstract record RefStep
{
    /// <summary>Changes bytes.</summary>
    public sealed record Edit(Action<ReferencePacket> Apply) : RefStep;

    /// <summary>Sends a copy; <paramref name="MaxLengthBytes"/> 0 = whole.</summary>
    public sealed record Output(uint Port, int MaxLengthBytes) : RefStep;

    public sealed record Ct(RefCtAction Action) : RefStep;

    public sealed record CtClear : RefStep;

    /// <summary>A copy walks on at a table with the state that it had.</summary>
    public sealed record Recirculate(RefFrozen Frozen) : RefStep;

    /// <summary>The steps work on a copy.</summary>
    public sealed record OnCopy(IReadOnlyList<RefStep> Steps) : RefStep;
}
