using Mergeflow.Engine.Ports;
using Mergeflow.Native;

namespace Mergeflow.Control.OpenFlow;

/// <summary>What <c>OFPPF_*</c> say of a port's link (OVS <c>netdev_linux_read_features</c>, <c>netdev_features_to_bps</c>).</summary>
internal static class PortFeatures
{
    private const uint Copper = 1 << 11, Fiber = 1 << 12, Negotiation = 1 << 13, Pause = 1 << 14, AsymmetricPause = 1 << 15, OtherSpeed = 1 << 10;
    private const byte TwistedPair = 0, FiberConnector = 3;

    /// <summary>Speeds by their bit, kbit/s, and whether both ends may send at once.</summary>
    private static readonly (uint Kilobits, bool IsFull)[] s_speeds =
    [
        (10_000, false), (10_000, true), (100_000, false), (100_000, true), (1_000_000, false), (1_000_000, true), (10_000_000, true), (40_000_000, true), (100_000_000, true), (1_000_000_000, true),
    ];

    /// <summary>Bits of <c>SUPPORTED_*</c> and what they mean here.</summary>
    private static readonly (int Bit, uint Feature)[] s_bits =
    [
        (0, 1 << 0), (1, 1 << 1), (2, 1 << 2), (3, 1 << 3), (4, 1 << 4), (5, 1 << 5), (12, 1 << 6), (6, Negotiation), (7, Copper), (10, Fiber), (13, Pause), (14, AsymmetricPause),
        (17, 1 << 5), (18, 1 << 6), (19, 1 << 6), (20, 1 << 6), (23, 1 << 7), (24, 1 << 7), (25, 1 << 7), (26, 1 << 7),
    ];

    /// <summary>Adds to a description what the device of the port says.</summary>
    public static OfPort Describe(OfPort port, LivePort live)
    {
        if (live is not NetDevicePort device || NetDevice.LinkSettingsOf(device.Device) is not { } link) return port;
        port.Current = Speed(link) | (link.Connector switch { TwistedPair => Copper, FiberConnector => Fiber, _ => 0u }) | (link.Negotiates ? Negotiation : 0);
        (port.Supported, port.Advertised, port.Peer) = (Of(link.Supported), Of(link.Advertised), Of(link.Peer));
        (port.CurrentSpeed, port.MaxSpeed) = (Fastest(port.Current), Fastest(port.Supported));
        return port;
    }

    private static uint Speed(LinkSettings link)
    {
        if (link.Megabits == 0) return 0;
        int bit = Array.IndexOf(s_speeds, (link.Megabits * 1000, link.IsFullDuplex));
        return bit < 0 ? OtherSpeed : 1u << bit;
    }

    private static uint Of(uint bits)
    {
        uint features = 0;
        foreach ((int bit, uint feature) in s_bits) features |= (bits >> bit & 1) != 0 ? feature : 0;
        return features;
    }

    private static uint Fastest(uint features)
    {
        for (int bit = s_speeds.Length - 1; bit >= 0; bit--)
        {
            if ((features >> bit & 1) != 0) return s_speeds[bit].Kilobits;
        }

        return 0;
    }
}
