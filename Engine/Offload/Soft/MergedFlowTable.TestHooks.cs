using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <remarks>What only tests look at: the scalar twin of the probe, and safe access for code that may not hold pointers.</remarks>
public sealed unsafe partial class MergedFlowTable
{
    /// <summary>
    /// Id of a rule whose masked value equals the masked key, by linear search; -1 if there is none. What <see cref="Probe"/> finds, without hash,
    /// index and vectors.
    /// </summary>
    public long FindScalar(FlowKey key)
    {
        for (int slot = 0; slot < Capacity; slot++)
        {
            if (_inUse[slot] && MatchesScalar(_rules + slot, ref key)) return _ruleIds[slot];
        }

        return -1;
    }

    /// <summary>Probes for a batch of parsed packets (at most 32); <paramref name="ruleIds"/>[i] = -1 if there is none.</summary>
    public void Probe(ReadOnlySpan<PacketRef> packets, Span<long> ruleIds)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(packets.Length, MaxBatch);
        Packet** pointers = stackalloc Packet*[MaxBatch];
        MergedHot** hits = stackalloc MergedHot*[MaxBatch];
        for (int i = 0; i < packets.Length; i++) pointers[i] = packets[i].Pointer;
        Probe(pointers, packets.Length, hits);
        Interleaving.Step("use");
        for (int i = 0; i < packets.Length; i++) ruleIds[i] = hits[i] == null ? -1 : _ruleIds[hits[i] - _rules];
    }

    /// <summary>
    /// Takes a packet with this header the way of the packet thread, through the probe and the gate to the rule's counter; false, and nothing counted, if
    /// there is no rule or its gate is closed. Neither checksums nor connections are looked at.
    /// </summary>
    public bool TryHit(FlowKey key, int lengthBytes, long nowMs)
    {
        Packet packet = new() { Key = key, KeyLanes = FlowKey.LaneMap(ref key) | FlowKey.HotLanes, LengthBytes = lengthBytes };
        Packet* pointer = &packet;
        MergedHot* hot;
        Probe(&pointer, 1, &hot);
        if (hot == null || !RevocationGates.MayUse(hot, Gates.Closings)) return false;
        MergedHot.Count(hot, (uint)packet.LengthBytes, nowMs);
        return true;
    }

    private bool MatchesScalar(MergedHot* hot, ref FlowKey key)
    {
        MergedTemplate* t = _templates + hot->Template;
        Span<byte> bytes = key.Bytes;
        int wide = 0;
        for (int lane = 0; lane < FlowKey.LaneCount; lane++)
        {
            byte* mask;
            byte* value;
            if (lane < Lanes.FirstWide)
            {
                mask = (byte*)t + Lanes.At(lane);
                value = (byte*)hot + Lanes.At(lane);
            }
            else
            {
                if ((t->WideLanes & (1u << lane)) == 0) continue;
                mask = (byte*)(t->Wide + wide);
                value = (byte*)(hot->Wide + wide);
                wide++;
            }

            for (int i = 0; i < Lanes.SizeBytes; i++)
            {
                if ((bytes[Lanes.At(lane) + i] & mask[i]) != value[i]) return false;
            }
        }

        return true;
    }

    /// <summary>Masks in use or kept for reuse.</summary>
    public int TemplateCount => _templateCount;
}
