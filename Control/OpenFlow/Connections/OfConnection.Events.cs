using System.Globalization;
using Mergeflow.Native;

namespace Mergeflow.Control.OpenFlow;

/// <content>What happens in the switch, from any thread.</content>
public sealed partial class OfConnection
{
    private const byte NoMatch = 0;
    private const byte ExplicitMiss = 6;
    private const byte ImplicitMiss = 7;
    private const int MostPacketsAtOnce = 50;
    private const byte GroupModReason = 0;
    private const byte MeterModReason = 1;

    /// <summary>Whose order about a port this thread carries out; null = nobody's.</summary>
    [ThreadStatic]
    private static OfConnection? t_changesPort;

    private PacketInSchedule? _actions;
    private PacketInSchedule? _misses;

    /// <summary>A port has come (0), gone (1) or changed (2).</summary>
    /// <param name="reason">Which of them.</param>
    /// <param name="port">As it is, or was.</param>
    /// <param name="before">Before it changed: what a version cannot say is no change for it.</param>
    public void OnPort(byte reason, OfPort port, OfPort? before = null)
    {
        // Who has changed it knows, before OpenFlow 1.5.
        if (!Wants(OfAsyncKind.PortStatus, reason) || (t_changesPort == this && _version < OfVersion.V15)) return;
        byte[] message = OfCodec.Encode(new OfPortStatus { Kind = OfKind.PortStatus, Xid = 0, Reason = reason, Port = port }, _version);
        if (before is not null && message.AsSpan().SequenceEqual(OfCodec.Encode(new OfPortStatus { Kind = OfKind.PortStatus, Xid = 0, Reason = reason, Port = before }, _version))) return;
        _sink.TrySend(message);
    }

    private void Change(OfPortMod mod)
    {
        t_changesPort = this;
        try
        {
            _switch.Apply(mod);
        }
        finally
        {
            t_changesPort = null;
        }
    }

    /// <summary>A flow that asked for it is gone.</summary>
    public void OnFlowRemoved(OfFlowRemoved removed)
    {
        if (Wants(OfAsyncKind.FlowRemoved, removed.Reason)) TrySend(removed with { IsNicira = _version == OfVersion.V10 && _hasNiciraFlows });
    }

    /// <summary>A table has become nearly full, or is so no more.</summary>
    public void OnTable(byte reason, byte table, byte free)
    {
        if (_version >= OfVersion.V14 && Wants(OfAsyncKind.TableStatus, reason)) TrySend(new OfTableStatus { Kind = OfKind.TableStatus, Xid = 0, Reason = reason, Table = _switch.Tables.Describe(_version, table, free) });
    }

    /// <summary>A packet is for the controllers.</summary>
    public void OnPacket(OfPacketForController packet)
    {
        if (packet.ControllerId != _controllerId || !Wants(OfAsyncKind.PacketIn, packet.Reason)) return;
        OfWriter writer = NewWriter();
        if (!TryEncode(packet, writer)) return;
        PacketInSchedule? schedule = packet.Reason is NoMatch or ExplicitMiss or ImplicitMiss ? _misses : _actions;
        if (schedule is null || schedule.Admits(packet.Metadata.Value.Key.InPort.Host, writer.Written, ProcessClock.NowMs)) _sink.TrySendPacket(writer.Written, _settings.QueueLength);
    }

    /// <summary>What has been done to groups and meters, for all others who want to know (OVS <c>connmgr_send_requestforward</c>).</summary>
    private void Forward(OfMessage request, byte reason)
    {
        foreach (OfConnection other in _group.All)
        {
            if (other != this) other.OnRequest(request, reason);
        }
    }

    private void OnRequest(OfMessage request, byte reason)
    {
        if (!Wants(OfAsyncKind.RequestForward, reason) || (reason == MeterModReason && _version < OfVersion.V13)) return;
        OfWriter writer = NewWriter();

        // Of one that this version cannot say in a message nobody is told.
        if (!OfCodec.TryEncode(request with { IsNicira = _version == OfVersion.V10 }, writer)) return;
        TrySend(new OfRequestForward { Kind = OfKind.RequestForward, Request = new OfBytes(writer.Written.ToArray()) });
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

    /// <summary>Packets wait for <see cref="Tick"/>.</summary>
    internal bool HasWaiting => _actions is { Waiting: > 0 } || _misses is { Waiting: > 0 };

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

    /// <summary>A super-frame may be longer than what a message has room for: then its beginning is told, and its length. False = not even the rest of the message fits.</summary>
    private bool TryEncode(OfPacketForController packet, OfWriter writer)
    {
        if (OfCodec.TryEncode(PacketMessage(packet, packet.Frame), writer)) return true;
        if (!OfCodec.TryEncode(PacketMessage(packet, OfBytes.Empty), writer)) return false;

        // Properties are padded to 8 bytes.
        int room = (ushort.MaxValue - writer.Length) & ~7;
        writer.Truncate(0);
        return OfCodec.TryEncode(PacketMessage(packet, new OfBytes(packet.Frame.Span[..room].ToArray())), writer);
    }

    /// <summary>All of the packet: there are no buffers that could hold the rest (OVS 2.6 and later).</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="shown">It, or its beginning.</param>
    private OfMessage PacketMessage(OfPacketForController packet, OfBytes shown) => _packetInFormat == OfPacketInFormat.Nicira2
        ? new OfPacketIn2
        {
            Kind = OfKind.PacketIn2,
            IsNicira = true,
            Packet = shown,
            FullLength = shown.Count < packet.Frame.Count ? (uint)packet.Frame.Count : null,
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
            Packet = shown,
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
