using System.Numerics;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// Decides per flow, in one load, whether a packet is worth recording: after its first N packets, and not again soon after a refusal that will
/// not go away by itself. On the way it learns how busy the flow is.
/// </summary>
/// <remarks>
/// A cell is one 64-bit word: tag (16) | suppressed (1) | packets seen, or the reason while suppressed (15) | when the first was seen, or until
/// when it is suppressed (32, in ms). Both sides load and store whole words; a lost update costs one recording more or less, nothing else.
/// A full count is halved together with the time it took. Times are the low half of the clock, which comes round after 49.7 days: a cell counts as
/// suppressed only if its time is no further ahead than anybody ever suppressed a flow for, so what is old, or from before the clock was set back,
/// suppresses nothing. (An old cell can be met in just that window: for once, and no longer than a suppression lasts.)
/// </remarks>
public sealed class RecordingFilter
{
    /// <summary>Most packets to wait for.</summary>
    public const int MaxAfterPackets = MaxCount / 2;

    private const int MaxCount = 0x7fff;
    private const uint SuppressedBit = 0x8000;

    private readonly ulong[] _cells;
    private readonly uint _afterPackets;

    /// <summary>Longest time that a flow was suppressed for, ms.</summary>
    private int _longestMs;

    /// <summary>A filter.</summary>
    /// <param name="afterPackets">Record from this packet of a flow on, 1 = always.</param>
    /// <param name="cellCount">Flows that are told apart, rounded up to a power of two.</param>
    public RecordingFilter(int afterPackets = 1, int cellCount = 16_384)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(afterPackets, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(afterPackets, MaxAfterPackets);
        _afterPackets = (uint)afterPackets;
        _cells = new ulong[BitOperations.RoundUpToPowerOf2((uint)cellCount)];
    }

    /// <summary>Counts a packet of the flow; true if it should be recorded. If not, <paramref name="standing"/> is why.</summary>
    public bool ShouldRecord(ulong flowHash, long nowMs, out OffloadReason standing, out FlowSeen seen)
    {
        standing = OffloadReason.None;
        seen = default;
        ref ulong cell = ref CellOf(flowHash);
        ulong word = Volatile.Read(ref cell);
        uint tag = (uint)(flowHash >> 48);
        uint state = (uint)(word >> 32) & 0xffff;
        uint timeMs = (uint)word;
        if (word >> 48 != tag)
        {
            state = 0;
        }
        else if ((state & SuppressedBit) != 0)
        {
            // Ahead by 1.._longestMs; 0 and what is behind come out as large numbers.
            if (timeMs - (uint)nowMs - 1 < (uint)Volatile.Read(ref _longestMs))
            {
                standing = (OffloadReason)(byte)state;
                return false;
            }

            state = 0;
        }

        if (state == 0)
        {
            timeMs = (uint)nowMs;
        }
        else if (state == MaxCount)
        {
            state /= 2;
            timeMs += ((uint)nowMs - timeMs) / 2;
        }

        state++;
        Volatile.Write(ref cell, ((ulong)tag << 48) | ((ulong)state << 32) | timeMs);
        seen = new FlowSeen((int)state, (uint)nowMs - timeMs);
        if (state >= _afterPackets) return true;
        standing = OffloadReason.AdmissionPolicy;
        return false;
    }

    /// <summary>No recordings of the flow for <paramref name="forMs"/>, because of <paramref name="reason"/>.</summary>
    public void Suppress(ulong flowHash, long nowMs, int forMs, OffloadReason reason)
    {
        if (forMs > Volatile.Read(ref _longestMs)) Volatile.Write(ref _longestMs, forMs);
        Volatile.Write(ref CellOf(flowHash), ((flowHash >> 48) << 48) | ((ulong)(SuppressedBit | (byte)reason) << 32) | (uint)(nowMs + forMs));
    }

    private ref ulong CellOf(ulong flowHash) => ref _cells[(uint)flowHash & (uint)(_cells.Length - 1)];
}
