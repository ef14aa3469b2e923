using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Control.Bridges;

/// <summary>What the column <c>bfd</c> of <c>Interface</c> asks for (ovs-vswitchd.conf.db(5)). Times in ms.</summary>
public sealed record BfdOptions
{
    private const uint DefaultSource = 0xa9fe0101;
    private const uint DefaultDestination = 0xa9fe0100;
    private const ulong DefaultMac = 0x0023_2000_0001;

    /// <summary>Least time between two messages that are sent.</summary>
    public int MinTxMs { get; init; } = 100;

    /// <summary>Least time between two messages that are received.</summary>
    public int MinRxMs { get; init; } = 1000;

    /// <summary>Slower rhythm of an idle port; 0 = none.</summary>
    public int DecayMinRxMs { get; init; }

    /// <summary>Messages that may be lost.</summary>
    public byte Multiplier { get; init; } = 3;

    /// <summary>What is behind this end is down.</summary>
    public bool IsPathDown { get; init; }

    /// <summary>Packets that come keep the port in use.</summary>
    public bool ForwardsIfReceiving { get; init; }

    /// <summary>Messages in tunnels have the key 0, or are not for this session.</summary>
    public bool ChecksTunnelKey { get; init; }

    /// <summary>Messages in tunnels are marked as maintenance.</summary>
    public bool IsOam { get; init; }

    /// <summary>Ethernet source; 0 = that of the port.</summary>
    public ulong LocalMac { get; init; }

    /// <summary>Ethernet destination.</summary>
    public ulong Destination { get; init; } = DefaultMac;

    /// <summary>Ethernet destination of what comes; 0 = any.</summary>
    public ulong RemoteDestination { get; init; }

    /// <summary>IPv4 source, host order.</summary>
    public uint SourceAddress { get; init; } = DefaultSource;

    /// <summary>IPv4 destination, host order.</summary>
    public uint DestinationAddress { get; init; } = DefaultDestination;

    /// <summary>What comes is for this session only if it is to <see cref="SourceAddress"/>.</summary>
    public bool HasOwnAddress => SourceAddress != DefaultSource;

    /// <summary>Null: not enabled.</summary>
    public static BfdOptions? Of(IReadOnlyDictionary<string, string> column)
    {
        if (!Flag("enable")) return null;
        int minRx = Math.Max(1, Number("min_rx", 1000)), decay = Number("decay_min_rx", 0), multiplier = Number("mult", 3);
        return new BfdOptions
        {
            MinTxMs = Math.Max(1, Number("min_tx", 100)),
            MinRxMs = minRx,
            DecayMinRxMs = decay >= minRx ? decay : 0,
            Multiplier = multiplier is >= 1 and <= 255 ? (byte)multiplier : (byte)3,
            IsPathDown = Flag("cpath_down"),
            ForwardsIfReceiving = Flag("forwarding_if_rx"),
            ChecksTunnelKey = Flag("check_tnl_key"),
            IsOam = Flag("oam"),
            LocalMac = MacText.ParseAny(column.GetValueOrDefault("bfd_local_src_mac")) ?? 0,
            Destination = MacText.ParseAny(column.GetValueOrDefault("bfd_local_dst_mac")) ?? DefaultMac,
            RemoteDestination = MacText.ParseAny(column.GetValueOrDefault("bfd_remote_dst_mac")) ?? 0,
            SourceAddress = Address("bfd_src_ip", DefaultSource),
            DestinationAddress = Address("bfd_dst_ip", DefaultDestination),
        };

        bool Flag(string name) => string.Equals(column.GetValueOrDefault(name), "true", StringComparison.OrdinalIgnoreCase);
        int Number(string name, int otherwise) => int.TryParse(column.GetValueOrDefault(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int n) ? n : otherwise;
        uint Address(string name, uint otherwise) => IPAddress.TryParse(column.GetValueOrDefault(name), out IPAddress? a) && a.AddressFamily == AddressFamily.InterNetwork
            ? System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(a.GetAddressBytes()) : otherwise;
    }
}
