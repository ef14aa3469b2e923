namespace Mergeflow.Control.OpenFlow;

/// <content>What is said about ports and queues.</content>
public sealed partial class OfConnection
{
    private const uint AnyPort = (uint)OfReservedPort.None;
    private const uint AllPorts = (uint)OfReservedPort.All;

    private void SendPortStats(OfPortRequest request)
    {
        MultipartReply reply = Begin(new OfPortReply { Kind = OfKind.PortReply }, request);
        foreach (OfPortStats port in _switch.PortStats())
        {
            if (request.Port == AnyPort || request.Port == port.Port) reply.Add(port, static (OfPortStats p, ref OfWire w) => p.Exchange(ref w));
        }

        reply.End();
    }

    private void SendPortDescs(OfPortDescRequest request)
    {
        MultipartReply reply = Begin(new OfPortDescReply { Kind = OfKind.PortDescReply }, request);
        foreach (OfPort port in _switch.Ports)
        {
            if (request.Port == AnyPort || request.Port == port.Number) reply.Add(port, static (OfPort p, ref OfWire w) => p.Exchange(ref w));
        }

        reply.End();
    }

    /// <summary>Ports have no queues of their own but the one that everything goes through.</summary>
    private void SendQueues(OfQueueRequest request)
    {
        CheckPort(request.Port);
        if (request.Kind == OfKind.QueueRequest)
        {
            OfQueueStats[] queues = [.. _switch.QueueStats().Where(q => request.Port is AnyPort or AllPorts || q.Port == request.Port).Where(q => request.Queue == uint.MaxValue || q.Queue == request.Queue)];
            if (request.Queue != uint.MaxValue && queues.Length == 0) throw new OfRefusal("OFPQOFC_BAD_QUEUE", $"queue {request.Queue}");
            MultipartReply reply = Begin(new OfQueueReply { Kind = OfKind.QueueReply }, request);
            foreach (OfQueueStats queue in queues) reply.Add(queue, static (OfQueueStats q, ref OfWire w) => q.Exchange(ref w));
            reply.End();
            return;
        }

        if (request.Queue is not (uint.MaxValue or 0)) throw new OfRefusal("OFPQOFC_BAD_QUEUE", $"queue {request.Queue}");
        var w = new OfWriter(_version);
        foreach (OfPort port in _switch.Ports)
        {
            if (request.Port != AnyPort && request.Port != port.Number) continue;
            w.U32(OfPorts.Widen(port.Number));
            w.U32(0);
            w.U16(16);
            w.Zeros(6);
        }

        Reply(new OfOpaque { Kind = OfKind.QueueDescReply, Xid = request.Xid, Body = new OfBytes(w.Written.ToArray()) });
    }

    private void SendQueueConfig(OfQueueConfig request)
    {
        // Only the multipart request of OpenFlow 1.4 can be about the bridge's own port (OVS ofputil_decode_queue_get_config_request).
        if (request.Port >= OfPorts.Max && (request.Port != AnyPort || _version == OfVersion.V10)) throw new OfRefusal("OFPQOFC_BAD_PORT", $"port {request.Port}");
        CheckPort(request.Port);
        var w = new OfWriter(_version);
        foreach (uint port in request.Port == AnyPort ? [.. _switch.Ports.Select(static p => p.Number)] : (uint[])[request.Port])
        {
            w.U32(0);
            if (_version > OfVersion.V11) w.U32(OfPorts.Widen(port));
            w.U16(_version > OfVersion.V11 ? (ushort)16 : (ushort)8);
            w.Zeros(_version > OfVersion.V11 ? 6 : 2);
        }

        Reply(new OfQueueConfig { Kind = OfKind.QueueGetConfigReply, Xid = request.Xid, Port = request.Port, Queues = new OfBytes(w.Written.ToArray()) });
    }

    private void CheckPort(uint port)
    {
        if (port is not (AnyPort or AllPorts) && !_switch.Ports.Any(p => p.Number == port)) throw new OfRefusal("OFPQOFC_BAD_PORT", $"port {port}");
    }
}
