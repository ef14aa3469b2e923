using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Pmd;

/// <summary>Encapsulation and decapsulation (OVS <c>push_tnl_action</c>, <c>OVS_ACTION_ATTR_TUNNEL_POP</c>). The soft device and the kernel's do both: for others traces end here.</summary>
internal sealed unsafe partial class ActionExecutor
{
    /// <summary>Looks for merged rules of packets that come out of tunnels; null without a soft device.</summary>
    internal PmdThread? MergedRules { get; init; }

    /// <summary>Encapsulation and decapsulation are part of merged rules.</summary>
    private bool MergesTunnels => MergedRules is not null || _offload is { TakesTunnels: true };

    /// <summary>Puts outer headers on; false if the packet has to be dropped: the tunnel port is gone, or there is no headroom.</summary>
    private bool PushTunnel(Packet* p, DpAction* act)
    {
        if (!MergesTunnels) StopTrace(OffloadReason.UnsupportedAction, "tnl_push");
        PortTable.PortHot* port = Ports[act->CountedPort];
        if (port->Exists == 0)
        {
            Stats.TxNoPort++;
            return false;
        }

        // What is cut off is cut off inside.
        MiniflowExtractor.EnsureParsed(p);
        uint hash = DpHashFunction.Compute(p, default, key: 0);
        p->LengthBytes = PacketEdit.OutputLengthBytes(p);
        p->TruncateBytes = 0;
        int lengthBytes = p->LengthBytes;
        if (!TunnelCodec.Push(p, act->Push, hash)) return false;
        port->TxPackets++;
        port->TxBytes += (uint)lengthBytes;
        return true;
    }

    /// <summary>Takes outer headers off and sends what is inside through the pipeline, as a packet that came in on the tunnel port. Consumes the packet.</summary>
    private void PopTunnel<T>(Packet* p, DpAction* act)
        where T : struct, IStageMarks
    {
        // On a copy it is not the packet that has come in.
        bool isWhole = MergesTunnels && _nested == 0;
        if (!isWhole) StopTrace(OffloadReason.UnsupportedAction, "tnl_pop");
        PortTable.PortHot* port = Ports[act->Port];
        if (port->Exists == 0 || p->RecircDepth >= PmdThread.MaxRecircDepth || !TunnelCodec.TryPop(p, act->TunnelKind, act->Option))
        {
            StopTrace(OffloadReason.UnsupportedAction, "tnl_pop");
            if (p->RecircDepth >= PmdThread.MaxRecircDepth) Stats.RecircTooDeep++;
            else Stats.DroppedByTunnel++;
            Drop(p);
            return;
        }

        port->RxPackets++;
        port->RxBytes += (uint)p->LengthBytes;
        Stats.Recirculations++;
        p->RecircDepth++;
        PacketMetadata.SetInPort(p, act->Port);
        MiniflowExtractor.EnsureParsed(p);
        if (isWhole)
        {
            // What was inside is a packet that comes in: it has rules and traces of its own.
            if (MergedRules?.TryMergedInside<T>(p) == true)
            {
                _trace = null;
                _offload!.TookRuleInside();
                return;
            }

            bool goesOn = _trace is not { } outside || MergedRules is not null || _offload!.EndOutside(outside, NowMs);
            _trace = goesOn ? _offload!.BeginInside(p, NowMs) : null;
        }

        RunPass<T>(p, null);
    }
}
