using System.Numerics;

namespace Mergeflow.Engine;

/// <summary>
/// Decides per flow, in one load, whether a packet is worth recording: after its first N packets, and not again soon after a refusal that will
/// not go away by itself.
/// </summary>
/// <remarks>
/// A cell is one 64-bit word: tag (16) | packets seen, or the reason while suppressed (16) | suppressed until (32, in ms; 0 = not). Both sides load and store whole words; a lost
/// update costs one recording more or less, nothing else.
/// </remarks>
public sealed class RecordingFilter
{
    private readonly ulong[] _cells;
    private readonly uint _afterPackets;

    /// <summary>A filter.</summary>
    /// <param name="afterPackets">Record from this packet of a flow on, 1 = always.</param>
    /// <param name="cellCount">Flows that are told apart, rounded up to a power of two.</param>
    public RecordingFilter(int afterPackets = 1, int cellCount = 16_384)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(afterPackets, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(afterPackets, ushort.MaxValue);
        _afterPackets = (uint)afterPackets;
        _cells = new ulong[BitOperations.RoundUpToPowerOf2((uint)cellCount)];
    }

    /// <summary>Counts a packet of the flow; true if it should be recorded. If not, <paramref name="standing"/> is why.</summary>
    public bool ShouldRecord(ulong flowHash, long nowMs, out OffloadReason standing)
    {
        standing = OffloadReason.None;
        ref ulong cell = ref CellOf(flowHash);
        ulong word = Volatile.Read(ref cell);
        ulong tag = flowHash >> 48;
        if (word >> 48 != tag) word = tag << 48;
        uint until = (uint)word;
        if (until != 0)
        {
            if ((int)(until - (uint)nowMs) > 0)
            {
                standing = (OffloadReason)(byte)(word >> 32);
                return false;
            }

            word = tag << 48;
        }

        uint seen = (uint)(word >> 32) & 0xffff;
        if (seen < _afterPackets) word += 1UL << 32;
        Volatile.Write(ref cell, word);
        if (seen + 1 >= _afterPackets) return true;
        standing = OffloadReason.AdmissionPolicy;
        return false;
    }

    /// <summary>No recordings of the flow for <paramref name="forMs"/>, because of <paramref name="reason"/>.</summary>
    public void Suppress(ulong flowHash, long nowMs, int forMs, OffloadReason reason)
    {
        uint until = (uint)(nowMs + forMs);
        Volatile.Write(ref CellOf(flowHash), ((flowHash >> 48) << 48) | ((ulong)reason << 32) | (until == 0 ? 1 : until));
    }

    private ref ulong CellOf(ulong flowHash) => ref _cells[(uint)flowHash & (uint)(_cells.Length - 1)];
}
