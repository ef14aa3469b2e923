using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Pmd;

/// <summary>
/// Packets that conntrack lets go together: the fragments of a datagram that became complete, or of one that is late with the packet that
/// passed. They are a batch from there on, with the order of OVS (<c>dp_netdev_input__</c>): of a list of actions the first is run for all,
/// then the second; when they recirculate, those without a megaflow go first, one by one, then the others by megaflow.
/// </summary>
internal sealed unsafe partial class ActionExecutor
{
    /// <summary>What the last ct has released goes on with the rest of the list, as if it had arrived with the packet that caused it.</summary>
    /// <param name="eventIndex">Of the packet that caused it.</param>
    /// <param name="depth">How often that one has been recirculated.</param>
    /// <param name="dlType">Its type.</param>
    /// <param name="layer">Whether it has an Ethernet header: the list is for packets like it, others are dropped.</param>
    /// <param name="rest">The rest of the list.</param>
    /// <param name="restCount">Its records.</param>
    private void RunReleased<T>(long eventIndex, byte depth, Be16 dlType, PacketFlags layer, DpAction* rest, int restCount)
        where T : struct, IStageMarks
    {
        ReadOnlySpan<nint> released = _conntrack.Released;
        // Copied: a nested ct may release others into the same list.
        Span<nint> packets = stackalloc nint[released.Length];
        released.CopyTo(packets);
        int count = 0;
        foreach (nint address in packets)
        {
            var p = (Packet*)address;
            p->EventIndex = eventIndex;
            p->RecircDepth = depth;
            if (((p->Flags ^ layer) & PacketFlags.NoEthernet) == 0) packets[count++] = address;
            else Drop(p);
        }

        packets = packets[..count];
        _nested++;
        ExecuteTogether<T>(packets, dlType, rest, restCount);
        _nested--;
    }

    /// <summary>Runs <paramref name="count"/> records, each for all the packets before the next, and consumes the packets.</summary>
    private void ExecuteTogether<T>(Span<nint> packets, Be16 dlType, DpAction* a, int count)
        where T : struct, IStageMarks
    {
        for (int i = 0; i < count && packets.Length > 0; i++)
        {
            DpAction* act = a + i;
            switch (act->Op)
            {
                case DpOp.Ct:
                    var first = (Packet*)packets[0];
                    (long eventIndex, byte depth, PacketFlags layer) = (first->EventIndex, first->RecircDepth, first->Flags);
                    _conntrack.ExecuteTogether(packets, dlType, in act->Ct, NowMs);
                    RunReleased<T>(eventIndex, depth, dlType, layer, act + 1, count - i - 1);
                    return;
                case DpOp.Recirc:
                    if (i == count - 1)
                    {
                        RecirculateTogether<T>(packets, act->RecircId);
                        return;
                    }

                    RecirculateCopies<T>(packets, act->RecircId);
                    break;
                case DpOp.Clone:
                    ExecuteCopies<T>(packets, dlType, act + 1, act->NestedCount);
                    i += act->NestedCount;
                    break;
                default:
                    int width = 1 + act->NestedCount + act->ElseCount;
                    packets = RunEach<T>(packets, act, width);
                    i += width - 1;
                    break;
            }
        }

        foreach (nint address in packets)
        {
            if (count == 0) Drop((Packet*)address);
            else End((Packet*)address);
        }
    }

    /// <summary>One record for each packet; returns those that are left, in order.</summary>
    private Span<nint> RunEach<T>(Span<nint> packets, DpAction* act, int width)
        where T : struct, IStageMarks
    {
        int left = 0;
        foreach (nint address in packets)
        {
            if (Run<T>((Packet*)address, act, width)) packets[left++] = address;
        }

        return packets[..left];
    }

    private void ExecuteCopies<T>(ReadOnlySpan<nint> packets, Be16 dlType, DpAction* a, int count)
        where T : struct, IStageMarks
        => ExecuteTogether<T>(CloneAll(packets, stackalloc nint[packets.Length]), dlType, a, count);

    private void RecirculateCopies<T>(ReadOnlySpan<nint> packets, uint recircId)
        where T : struct, IStageMarks
        => RecirculateTogether<T>(CloneAll(packets, stackalloc nint[packets.Length]), recircId);

    private Span<nint> CloneAll(ReadOnlySpan<nint> packets, Span<nint> copies)
    {
        int count = 0;
        foreach (nint address in packets)
        {
            Packet* copy = CloneOf((Packet*)address);
            if (copy != null) copies[count++] = (nint)copy;
        }

        return copies[..count];
    }

    private void RecirculateTogether<T>(Span<nint> packets, uint recircId)
        where T : struct, IStageMarks
    {
        if (packets.Length == 0) return;
        Span<nint> hots = stackalloc nint[packets.Length];
        Be32 ledBy = ((Packet*)packets[0])->Key.InPort;
        for (int i = 0; i < packets.Length; i++)
        {
            var p = (Packet*)packets[i];
            if (!EnterRecirculation(p, recircId)) packets[i] = 0;
            else hots[i] = (nint)FindAt<T>(p, _conntrack.Quirks.ReleasedSharePort ? ledBy : p->Key.InPort);
        }

        for (int i = 0; i < packets.Length; i++)
        {
            if (packets[i] == 0 || hots[i] != 0) continue;

            // One before it may have brought the megaflow.
            hots[i] = (nint)_lookup.Find<T>((Packet*)packets[i], ref Stats);
            if (hots[i] != 0) continue;
            RunPass<T>((Packet*)packets[i], null);
            packets[i] = 0;
        }

        Span<nint> same = stackalloc nint[packets.Length];
        for (int i = 0; i < packets.Length; i++)
        {
            if (packets[i] == 0) continue;
            int count = 0;
            for (int j = i; j < packets.Length; j++)
            {
                if (packets[j] == 0 || hots[j] != hots[i]) continue;
                same[count++] = packets[j];
                packets[j] = 0;
            }

            RunPassTogether<T>(same[..count], (MegaflowHot*)hots[i]);
        }
    }

    /// <summary>
    /// Finds a megaflow for a packet as if it had come in on <paramref name="inPort"/>: Open vSwitch looks a batch up in the classifier of its first
    /// packet's port, where megaflows do not say which port they are of.
    /// </summary>
    private MegaflowHot* FindAt<T>(Packet* p, Be32 inPort)
        where T : struct, IStageMarks
    {
        Be32 own = p->Key.InPort;
        p->Key.InPort = inPort;
        MegaflowHot* hot = _lookup.Find<T>(p, ref Stats);
        p->Key.InPort = own;
        return hot;
    }

    private void RunPassTogether<T>(Span<nint> packets, MegaflowHot* hot)
        where T : struct, IStageMarks
    {
        foreach (nint address in packets)
        {
            var p = (Packet*)address;
            Stats.Passes++;
            MegaflowHot.CountHit(hot, p, (uint)p->LengthBytes, NowMs);
        }

        ExecuteTogether<T>(packets, ((Packet*)packets[0])->Key.DlType, hot->Actions, hot->ActionCount);
    }
}
