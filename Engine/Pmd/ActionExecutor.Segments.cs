using System.Runtime.CompilerServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Pmd;

/// <summary>Super-frames and unfinished checksums in front of an action behind which no port could express them: another header comes to stand in front of the IP header, or the outer one goes.</summary>
internal sealed unsafe partial class ActionExecutor
{
    /// <summary>
    /// Makes a packet one that a wire might have carried. A super-frame is cut up, the rest of the list is run for each frame, and the packet is consumed: true. Any other packet goes on, its
    /// checksum finished.
    /// </summary>
    /// <param name="p">The packet.</param>
    /// <param name="a">The rest of the list.</param>
    /// <param name="count">Its records.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsCutUp<T>(Packet* p, DpAction* a, int count)
        where T : struct, IStageMarks
    {
        if ((p->Flags & PacketFlags.CsumPartial) == 0) return false;
        if (p->GsoSizeBytes == 0)
        {
            PartialChecksum.Complete(p);
            return false;
        }

        CutUp<T>(p, a, count);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void CutUp<T>(Packet* p, DpAction* a, int count)
        where T : struct, IStageMarks
    {
        // Encapsulated frames only leave: how many there are is no matter of the rule.
        bool onlyLeaves = MergesTunnels && count == 2 && a[0].Op == DpOp.TnlPush && a[1].Op == DpOp.Output;
        if (!onlyLeaves) StopTrace(OffloadReason.UnsupportedAction, "super-frame");
        int frames = SuperFrame.CountOf(p);
        for (int i = 0; i < frames; i++)
        {
            Packet* frame = _pool.RentFrameOf(p, i);
            if (frame == null)
            {
                CountNotMade();
                continue;
            }

            Stats.Made++;
            ExecuteCopy<T>(frame, a, count);
        }

        End(p);
    }
}
