using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>What is known about reasons as such.</summary>
public static class OffloadReasons
{
    /// <summary>True if the next packet of the same flow will hardly fare better: recording it would be wasted.</summary>
    public static bool IsLasting(OffloadReason reason) => reason switch
    {
        OffloadReason.IcmpWithCt or OffloadReason.ProtocolWithCt or OffloadReason.Alg => true,
        OffloadReason.UnsupportedAction or OffloadReason.UnsupportedMatch or OffloadReason.LengthDependent => true,
        OffloadReason.TraceTooDeep or OffloadReason.MegaflowFromSlowPath or OffloadReason.FunctionBits => true,
        OffloadReason.OutputRestore or OffloadReason.TemplateLimit or OffloadReason.DeviceRefused => true,
        OffloadReason.TableFull or OffloadReason.AdmissionPolicy or OffloadReason.DropOnly or OffloadReason.DeviceSuspended => true,
        _ => false,
    };
}

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

    /// <summary>One packet was counted that counts elsewhere.</summary>
    public void TakeBack(OffloadReason reason, int lengthBytes)
    {
        _packets[(int)reason]--;
        _bytes[(int)reason] -= (ulong)lengthBytes;
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
