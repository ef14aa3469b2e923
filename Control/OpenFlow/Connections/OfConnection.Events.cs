using System.Globalization;

namespace Mergeflow.Control.OpenFlow;

/// <content>What happens in the switch, from any thread.</content>
public sealed partial class OfConnection
{
    private const byte NoMatch = 0;
    private const byte ExplicitMiss = 6;
    private const byte ImplicitMiss = 7;
    private const int MostPacketsAtOnce = 50;

    private PacketInSchedule? _actions;
    private PacketInSchedule? _misses;

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
        if (packet.ControllerId != _controllerId || !Wants(OfAsyncKind.PacketIn, packet.Reason)) return;
        OfMessage message = PacketMessage(packet);
        OfWriter writer = NewWriter();
        OfCodec.Encode(message, writer);
        PacketInSchedule? schedule = packet.Reason is NoMatch or ExplicitMiss or ImplicitMiss ? _misses : _actions;
        if (schedule is null || schedule.Admits(packet.Metadata.Value.Key.InPort.Host, writer.Written, Environment.TickCount64)) _sink.TrySendPacket(writer.Written, _settings.QueueLength);
    }

    /// <summary>Packets go out whose time has come.</summary>
    internal void Tick(long nowMs)
    {
        foreach (PacketInSchedule? schedule in (ReadOnlySpan<PacketInSchedule?>)[_actions, _misses])
        {
            for (int i = 0; i < MostPacketsAtOnce && schedule?.Next(nowMs) is { } message; i++) _sink.TrySendPacket(message, _settings.QueueLength);
        }

        ExpireBundles(nowMs);
    }

    /// <summary>What has become of packets at a limited rate, as the column <c>status</c> says it.</summary>
    internal void AddSchedule(SortedDictionary<string, string> pairs)
    {
        foreach ((string name, PacketInSchedule? schedule) in new[] { ("action", _actions), ("miss", _misses) })
        {
            if (schedule is null) continue;
            pairs[$"packet-in-{name}-backlog"] = schedule.Waiting.ToString(CultureInfo.InvariantCulture);
            pairs[$"packet-in-{name}-bypassed"] = schedule.Bypassed.ToString(CultureInfo.InvariantCulture);
            pairs[$"packet-in-{name}-queued"] = schedule.Queued.ToString(CultureInfo.InvariantCulture);
            pairs[$"packet-in-{name}-dropped"] = schedule.Dropped.ToString(CultureInfo.InvariantCulture);
        }
    }

    private void Limit(OfControllerSettings settings)
    {
        if (settings.RateLimit <= 0)
        {
            (_actions, _misses) = (null, null);
            return;
        }

        foreach (PacketInSchedule schedule in new[] { _actions ??= new PacketInSchedule(Random.Shared), _misses ??= new PacketInSchedule(Random.Shared) }) schedule.Limit(settings.RateLimit, settings.BurstLimit);
    }

    /// <summary>All of the packet: there are no buffers that could hold the rest (OVS 2.6 and later).</summary>
    private OfMessage PacketMessage(OfPacketForController packet) => _packetInFormat == OfPacketInFormat.Nicira2
        ? new OfPacketIn2
        {
            Kind = OfKind.PacketIn2,
            IsNicira = true,
            Packet = packet.Frame,
            Table = packet.Table,
            Cookie = packet.Cookie == ulong.MaxValue ? null : packet.Cookie,
            Reason = ReasonFor(packet.Reason),
            HasMetadata = true,
            Metadata = packet.Metadata,
            UserData = packet.UserData,
            Continuation = packet.Continuation,
        }
        : new OfPacketIn
        {
            Kind = OfKind.PacketIn,
            IsNicira = _packetInFormat == OfPacketInFormat.Nicira,
            TotalLength = (ushort)Math.Min(packet.Frame.Count, ushort.MaxValue),
            Reason = ReasonFor(packet.Reason),
            Table = packet.Table,
            Cookie = packet.Cookie,
            InPort = packet.Metadata.Value.Key.InPort.Host,
            Metadata = packet.Metadata,
            Packet = packet.Frame,
        };

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
