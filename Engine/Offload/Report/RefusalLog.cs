using System.Numerics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// The latest refusal per flow in a fixed array, so that "why not?" can be answered later; of five flows that share a place the one that was refused longest ago
/// goes. One writer.
/// </summary>
public sealed class RefusalLog
{
    private const int Ways = 4;

    private readonly Refusal[] _slots;

    /// <summary>Room for <paramref name="capacity"/> flows, rounded up to a power of two.</summary>
    public RefusalLog(int capacity = 1024) => _slots = new Refusal[BitOperations.RoundUpToPowerOf2((uint)Math.Max(capacity, Ways))];

    /// <summary>Notes a refused packet.</summary>
    public void Add(Trace trace, OffloadReason reason, int pass, string? detail, long nowMs)
        => Add(trace.FlowHash, in trace.OriginalKey, trace.OriginalLengthBytes, reason, pass, detail, nowMs);

    /// <summary>The same for a packet whose trace is gone.</summary>
    public void Add(ulong flowHash, in FlowKey key, int lengthBytes, OffloadReason reason, int pass, string? detail, long nowMs)
    {
        ref Refusal r = ref SlotOf(flowHash);
        if (r.FlowHash != flowHash || r.Packets == 0)
        {
            r.FlowHash = flowHash;
            r.Key = key;
            r.Packets = r.Bytes = 0;
        }

        r.Reason = reason;
        r.Pass = pass;
        r.Detail = detail;
        r.Packets++;
        r.Bytes += (ulong)lengthBytes;
        r.AtMs = nowMs;
    }

    /// <summary>All entries.</summary>
    public IEnumerable<Refusal> All() => _slots.Where(static r => r.Packets != 0);

    /// <summary>The flow's slot, else an empty one, else the oldest of its place.</summary>
    private ref Refusal SlotOf(ulong flowHash)
    {
        Span<Refusal> place = _slots.AsSpan((int)((uint)flowHash & (uint)((_slots.Length / Ways) - 1)) * Ways, Ways);
        int chosen = 0;
        for (int i = 0; i < Ways; i++)
        {
            if (place[i].Packets != 0 && place[i].FlowHash == flowHash) return ref place[i];
            if (place[chosen].Packets != 0 && (place[i].Packets == 0 || place[i].AtMs < place[chosen].AtMs)) chosen = i;
        }

        return ref place[chosen];
    }
}

/// <summary>Why the packets of one flow are not offloaded: the latest reason, and how many packets of it were seen.</summary>
public struct Refusal
{
    public ulong FlowHash;

    /// <summary>Header of the packet that was refused last.</summary>
    public FlowKey Key;
    public OffloadReason Reason;
    public int Pass;
    public string? Detail;
    public ulong Packets;
    public ulong Bytes;
    public long AtMs;
}
