using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>Outputs (OVS <c>compose_output_action</c>): brings the packet up to date and sends it.</summary>
internal sealed class Transmitter(XlateContext context, Committer committer, Freezer freezer, TunnelXlate tunnels)
{
    private const byte DscpMask = 0xfc;

    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;
    private readonly Committer _committer = committer;
    private readonly Freezer _freezer = freezer;
    private readonly TunnelXlate _tunnels = tunnels;

    /// <summary>Goes on in the tables of the bridge at the other end of a patch: the port here, the port there, and whether nothing follows.</summary>
    public Action<PipelinePort, BridgePort, bool> Through { get; set; } = static (_, _, _) => { };

    /// <summary>Told of each output, so that mirrors get their copies.</summary>
    public MirrorXlate? Mirrors { get; set; }

    /// <summary>Sends the packet's first bytes to a port that exists and is no patch port (OVS <c>xlate_output_trunc_action</c>).</summary>
    public void TransmitTruncated(XlateOp op)
    {
        if (op.Arg == _flow.InPort)
        {
            _context.Warn("skipping output to input port");
            return;
        }

        if (!_context.Tables.Ports.TryGetValue(op.Arg, out PipelinePort? to) || to.IsPatch || to.PeerName is not null)
        {
            _context.Error($"output_trunc does not support patch port {NameOf(op.Arg)}");
            return;
        }

        if (!to.Forwards) return;
        if (_flow.Layers.Type != PacketLayers.Ethernet)
        {
            WarnBare();
            return;
        }

        if (to.Tunnel is { } tunnel)
        {
            _tunnels.Transmit(to, tunnel, op.Arg2);
            Mirrors?.OnLeave(op.Arg);
            return;
        }

        _context.Out.Add(DpOp.Truncate).LengthBytes = op.Arg2;
        Transmit(op.Arg);
    }

    private void WarnBare() => _context.Warn("Trying to send non-Ethernet packet through legacy L2 port. Dropping packet.");

    private static string NameOf(uint port) => (OfReservedPort)port switch
    {
        OfReservedPort.InPort => "IN_PORT",
        OfReservedPort.Local => "LOCAL",
        _ => $"{port}",
    };

    /// <summary>Tells controllers of the packet as it is now (OVS <c>xlate_controller_action</c>).</summary>
    public void Tell(ushort maxLengthBytes, PacketInReason reason, ushort controllerId, string userData, uint? meterId)
    {
        _committer.Commit();
        if (reason == PacketInReason.Action && _context.Rule is { IsTableMiss: true }) reason = PacketInReason.ExplicitMiss;
        if (!_context.Tables.Meters.TryGetValue(meterId ?? OfPipeline.ControllerMeter, out OfMeterState? meter))
        {
            _freezer.Tell(maxLengthBytes, reason, controllerId, userData);
            return;
        }

        // What the meter takes away is the copy for the controllers.
        int record = _context.Out.Count;
        _context.Out.Add(DpOp.Sample).Probability = uint.MaxValue;
        _context.Out.Add(DpOp.Meter).MeterId = meter.Slot;
        _freezer.Tell(maxLengthBytes, reason, controllerId, userData);
        _context.Out.Nest(record);
    }

    /// <summary>Brings the packet up to date and sends it; a port that does not exist is skipped. <paramref name="last"/>: nothing follows.</summary>
    public void Transmit(uint port, bool last = false)
    {
        if (!_context.Tables.Ports.TryGetValue(port, out PipelinePort? to))
        {
            _context.Warn("Nonexistent output port");
            return;
        }

        if (!to.Forwards)
        {
            _context.Detail("OFPPC_NO_FWD set, skipping output");
            return;
        }

        // What the bridge at the other end of a patch does with it is another matter.
        if (_flow.Layers.Type != PacketLayers.Ethernet && to.PeerName is null)
        {
            WarnBare();
            return;
        }

        if (to.PeerName is not null)
        {
            // What goes on there is mirrored there (OVS compose_output_action__). Where no peer is, nothing is.
            if (_context.Ports.PeerOf(_context.Pipeline, port) is { } peer) Through(to, peer, last);
            return;
        }

        if (to.Tunnel is { } tunnel)
        {
            _tunnels.Transmit(to, tunnel, _context.SnapBytes);
        }
        else if (!_context.Tables.Underlay.EndsAt(port) || !_tunnels.TryEnd(port))
        {
            if (_context.Tables.Underlay.EndsAt(port)) _tunnels.Snoop(port);
            byte tos = _flow.Key.NwTos;
            bool isMarked = to.QueueDscps.Count > 0 && Mark(to);
            _committer.Commit();
            if (isMarked) WriteDscp(tos);

            // Of a label that was cut off nothing is left to send (Open vSwitch sends that).
            if (_flow.Layers.BaseType != PacketLayers.Ethernet) return;
            if (to.IsTunnel) SetTunnel();
            if (_context.SnapBytes != 0) _context.Out.Add(DpOp.Truncate).LengthBytes = _context.SnapBytes;
            _context.Out.Add(DpOp.Output).Port = to.DatapathNumber;
        }

        Mirrors?.OnLeave(port);
    }

    /// <summary>Sends to all ports but the one it came from; without <paramref name="all"/> not to those that are kept out of floods.</summary>
    public void Flood(bool all)
    {
        foreach (PipelinePort port in _context.Tables.FloodList)
        {
            if (port.Number != _flow.InPort && (all || port.Floods)) Transmit(port.Number);
        }
    }

    /// <summary>IP packets of a queue leave with its mark, and without it by other ports (OVS <c>dscp_from_skb_priority</c>).</summary>
    private bool Mark(PipelinePort to)
    {
        if (!_flow.IsIp) return false;
        foreach (QueueDscp mark in to.QueueDscps)
        {
            if (mark.Queue != _flow.Priority) continue;
            _flow.Consult(L.NwTos, DscpMask);
            WriteDscp((byte)(mark.Dscp << 2));
            return true;
        }

        return false;
    }

    private void WriteDscp(byte tos)
    {
        _flow.Write(L.NwTos, DscpMask, tos);
        _flow.IsDirty = true;
    }

    /// <summary>Tunnel metadata for an encapsulating port: it is not part of the packet, so it is written in full each time.</summary>
    private void SetTunnel()
    {
        for (int at = Lanes.At(Lanes.Tunnel); at < Lanes.At(Lanes.TunnelIpv6 + 1); at += sizeof(ulong)) _flow.Consult(at, ulong.MaxValue);
        ref FlowKey key = ref _flow.Key;
        ref DpSetTunnel set = ref _context.Out.Add(DpOp.SetTunnel).Tunnel;
        (set.Id, set.Src, set.Dst) = (key.TunId, key.TunSrc, key.TunDst);
        (set.Ipv6Src, set.Ipv6Dst) = (key.TunIpv6Src, key.TunIpv6Dst);
        (set.Flags, set.Tos, set.Ttl) = (key.TunFlags, key.TunTos, key.TunTtl);
    }
}
