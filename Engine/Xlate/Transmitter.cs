using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.TranslatorLayout;

namespace Mergeflow.Engine.Xlate;

/// <content>Outputs (OVS <c>xlate_output_action</c>).</content>
public sealed unsafe partial class Translator
{
    private void Output(uint port, bool last)
    {
        switch (port)
        {
            case (uint)OfReservedPort.InPort:
                Transmit(InPort);
                break;
            case (uint)OfReservedPort.Table:
                EnterTable(0, 0, withCtTuple: false, last);
                break;
            case (uint)OfReservedPort.Normal:
                Normal();
                break;
            case (uint)OfReservedPort.Flood:
                Flood(all: false);
                break;
            case (uint)OfReservedPort.All:
                Flood(all: true);
                break;
            case (uint)OfReservedPort.Controller:
                ToController(0);
                break;
            case (uint)OfReservedPort.None:
                break;
            default:
                if (port != InPort) Transmit(port);
                else Note(null, "skipping output to input port");
                break;
        }
    }

    private void OutputRegister(XlateOp op, bool last)
    {
        op.SourcePatch.Consult(_wc, _live);
        UInt128 port = op.Source.Read(_flow);
        if (port <= ushort.MaxValue) Output((uint)port, last);
        else Note(null, "output port is out of range");
    }

    private void OutputTruncated(XlateOp op)
    {
        if (op.Arg == InPort || !_tables.Ports.ContainsKey(op.Arg)) return;
        if (_tables.Ports[op.Arg].Tunnel is { } tunnel)
        {
            TransmitInTunnel(tunnel, op.Arg2);
            return;
        }

        _out.Add(DpOp.Truncate).LengthBytes = op.Arg2;
        Transmit(op.Arg);
    }

    private void ToController(uint maxLengthBytes)
    {
        Commit();
        ref DpAction a = ref _out.Add(DpOp.Userspace);
        a.Userspace.Reason = UserspaceReason.Controller;
        a.Userspace.MaxLengthBytes = maxLengthBytes == ushort.MaxValue ? 0 : maxLengthBytes;
        _out.SlowPath = true;
    }

    /// <summary>Brings the packet up to date and sends it; a port that does not exist is skipped.</summary>
    private void Transmit(uint port)
    {
        if (!_tables.Ports.TryGetValue(port, out PipelinePort? to))
        {
            Note(null, "nonexistent output port");
            return;
        }

        if (to.Tunnel is { } tunnel)
        {
            TransmitInTunnel(tunnel, 0);
            return;
        }

        Commit();
        if (to.IsTunnel) SetTunnel();
        _out.Add(DpOp.Output).Port = port;
    }

    private void Flood(bool all)
    {
        foreach (PipelinePort port in _tables.PortList)
        {
            if (port.Number != InPort && (all || port.Floods)) Transmit(port.Number);
        }
    }

    /// <summary>Tunnel metadata for an encapsulating port: it is not part of the packet, so it is written in full each time.</summary>
    private void SetTunnel()
    {
        const int Tunnel = L.TunnelLane * 32;
        for (int i = 0; i < 8; i++) Consult(Tunnel + (8 * i), ulong.MaxValue);
        ref FlowKey key = ref *(FlowKey*)_flow;
        ref DpSetTunnel set = ref _out.Add(DpOp.SetTunnel).Tunnel;
        (set.Id, set.Src, set.Dst) = (key.TunId, key.TunSrc, key.TunDst);
        (set.Ipv6Src, set.Ipv6Dst) = (key.TunIpv6Src, key.TunIpv6Dst);
        (set.Flags, set.Tos, set.Ttl) = (key.TunFlags, key.TunTos, key.TunTtl);
    }
}
