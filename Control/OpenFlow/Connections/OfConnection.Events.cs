namespace Mergeflow.Control.OpenFlow;

/// <content>What happens in the switch, from any thread.</content>
public sealed partial class OfConnection
{
    /// <summary>A port has come (0), gone (1) or changed (2).</summary>
    public void OnPort(byte reason, OfPort port)
    {
        if (Wants(OfAsyncKind.PortStatus, reason)) TrySend(new OfPortStatus { Kind = OfKind.PortStatus, Xid = 0, Reason = reason, Port = port });
    }

    /// <summary>A flow that asked for it is gone.</summary>
    public void OnFlowRemoved(OfFlowRemoved removed)
    {
        if (Wants(OfAsyncKind.FlowRemoved, removed.Reason)) TrySend(removed with { IsNicira = _version == OfVersion.V10 });
    }

    /// <summary>A packet is for the controllers.</summary>
    public void OnPacket(OfPacketForController packet)
    {
        byte reason = ReasonFor(packet.Reason);
        if (packet.ControllerId != _controllerId || !Wants(OfAsyncKind.PacketIn, reason)) return;
        int length = Math.Min(packet.Frame.Count, packet.MaxLengthBytes);
        var bytes = length == packet.Frame.Count ? packet.Frame : new OfBytes(packet.Frame.Span[..length].ToArray());
        if (_packetInFormat == OfPacketInFormat.Nicira2)
        {
            TrySend(new OfPacketIn2
            {
                Kind = OfKind.PacketIn2,
                IsNicira = true,
                Packet = bytes,
                FullLength = length == packet.Frame.Count ? null : (uint)packet.Frame.Count,
                Table = packet.Table,
                Cookie = packet.Cookie == ulong.MaxValue ? null : packet.Cookie,
                Reason = reason,
                HasMetadata = true,
                Metadata = packet.Metadata,
                UserData = packet.UserData,
                Continuation = packet.Continuation,
            });
            return;
        }

        TrySend(new OfPacketIn
        {
            Kind = OfKind.PacketIn,
            IsNicira = _packetInFormat == OfPacketInFormat.Nicira,
            TotalLength = (ushort)Math.Min(packet.Frame.Count, ushort.MaxValue),
            Reason = reason,
            Table = packet.Table,
            Cookie = packet.Cookie,
            InPort = packet.Metadata.Value.Key.InPort.Host,
            Metadata = packet.Metadata,
            Packet = bytes,
        });
    }

    /// <summary>The reason as the version knows it (OVS <c>encode_packet_in_reason</c>).</summary>
    private byte ReasonFor(byte reason) => reason switch
    {
        3 or 4 or 5 => _version < OfVersion.V14 ? (byte)1 : reason,
        6 => _version < OfVersion.V13 ? (byte)1 : (byte)0,
        7 => 0,
        _ => reason,
    };
}

/// <summary>A packet on its way to controllers.</summary>
public sealed record OfPacketForController
{
    /// <summary>All of it.</summary>
    public OfBytes Frame { get; init; } = OfBytes.Empty;

    /// <summary>How much controllers want.</summary>
    public int MaxLengthBytes { get; init; } = ushort.MaxValue;

    /// <summary><c>OFPR_*</c>.</summary>
    public byte Reason { get; init; } = 1;

    public byte Table { get; init; }

    /// <summary>All ones = there is no rule.</summary>
    public ulong Cookie { get; init; } = ulong.MaxValue;

    public ushort ControllerId { get; init; }

    public OfBytes UserData { get; init; } = OfBytes.Empty;

    /// <summary>Where it goes on; null = it does not wait.</summary>
    public OfBytes? Continuation { get; init; }

    /// <summary>What the pipeline knows beside the packet.</summary>
    public Match Metadata { get; init; }
}
