namespace Mergeflow.Engine.Offload;

/// <summary>Turns a trace into one rule. The engine's own is <see cref="TraceMerger"/>; tests put wrong ones in its place to see that they are caught.</summary>
public interface ITraceMerger
{
    /// <summary>Why the last <see cref="TryMerge"/> returned false.</summary>
    MergeRefusal Refusal { get; }

    /// <summary>Merges <paramref name="trace"/> into <paramref name="rule"/>. False: see <see cref="Refusal"/>; the rule is then unchanged.</summary>
    bool TryMerge(Trace trace, MergedFlow rule);
}
