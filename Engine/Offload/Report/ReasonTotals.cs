using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>Packets and bytes per <see cref="OffloadReason"/>; one writer.</summary>
public sealed class ReasonTotals
{
    private static readonly int s_count = Enum.GetValues<OffloadReason>().Length;
    private readonly ulong[] _packets = new ulong[s_count];
    private readonly ulong[] _bytes = new ulong[s_count];

    /// <summary>Counts one packet.</summary>
    public void Add(OffloadReason reason, int lengthBytes)
    {
        _packets[(int)reason]++;
        _bytes[(int)reason] += (ulong)lengthBytes;
    }

    /// <summary>Packets counted under a reason.</summary>
    public ulong Packets(OffloadReason reason) => _packets[(int)reason];

    /// <summary>Bytes counted under a reason.</summary>
    public ulong Bytes(OffloadReason reason) => _bytes[(int)reason];

    /// <summary>Adds another histogram.</summary>
    public void Add(ReasonTotals other)
    {
        for (int i = 0; i < s_count; i++)
        {
            _packets[i] += other._packets[i];
            _bytes[i] += other._bytes[i];
        }
    }

    /// <summary>Reasons with packets, most packets first.</summary>
    public IReadOnlyList<(OffloadReason Reason, ulong Packets, ulong Bytes)> Sorted()
        => [.. Enumerable.Range(0, s_count).Where(i => _packets[i] != 0).OrderByDescending(i => _packets[i]).Select(i => ((OffloadReason)i, _packets[i], _bytes[i]))];
}
