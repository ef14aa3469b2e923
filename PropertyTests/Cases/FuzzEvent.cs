namespace Mergeflow.PropertyTests;

/// <summary>One input event, as in <c>events.jsonl</c>; which members count depends on <see cref="Op"/>.</summary>
internal sealed record FuzzEvent(long TimeMs, FuzzOp Op)
{
    public uint Port { get; init; }

    public byte[] Frame { get; init; } = [];

    /// <summary>Flow modifications of one event, or one group modification.</summary>
    public IReadOnlyList<string> Lines { get; init; } = [];

    /// <summary>Zone to flush, null = all.</summary>
    public int? Zone { get; init; }
}
