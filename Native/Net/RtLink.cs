namespace Mergeflow.Native;

/// <summary>A network interface as the kernel describes it (RTM_NEWLINK, rtnetlink(7)).</summary>
public sealed record RtLink
{
    /// <summary>Number of the interface in its namespace; used again when the interface is gone.</summary>
    public required int Index { get; init; }

    /// <summary>Its name now.</summary>
    public required string Name { get; init; }

    /// <summary>IFF_* bits.</summary>
    public uint Flags { get; init; }

    /// <summary>ARPHRD_*: 1 is Ethernet, 772 loopback.</summary>
    public int HardwareType { get; init; }

    /// <summary>Longest packet behind the Ethernet header, bytes.</summary>
    public int Mtu { get; init; }

    /// <summary>Ethernet address as a number of 48 bits; 0 if it has none.</summary>
    public ulong Mac { get; init; }

    /// <summary>State by RFC 2863.</summary>
    public RtOperState OperState { get; init; }

    /// <summary>Whether something is at the other end; null if the kernel does not say.</summary>
    public bool? HasCarrier { get; init; }

    /// <summary>Kind of a virtual interface, e.g. <c>veth</c> or <c>tun</c>; empty for a device.</summary>
    public string Kind { get; init; } = "";

    /// <summary>Interface that this one belongs to (a bridge, a bond); 0 = none.</summary>
    public int Master { get; init; }

    /// <summary>Transmit queues.</summary>
    public int TxQueues { get; init; } = 1;

    /// <summary>Receive queues.</summary>
    public int RxQueues { get; init; } = 1;

    /// <summary>Frames that came in.</summary>
    public ulong RxPackets { get; init; }

    /// <summary>Frames that went out.</summary>
    public ulong TxPackets { get; init; }

    /// <summary>Frames that came in and were dropped.</summary>
    public ulong RxDropped { get; init; }

    /// <summary>Frames that were to go out and were dropped.</summary>
    public ulong TxDropped { get; init; }

    /// <summary>IFF_UP: somebody has switched it on.</summary>
    public bool IsUp => (Flags & 1) != 0;

    /// <summary>IFF_RUNNING: it is on, and works.</summary>
    public bool IsRunning => (Flags & 0x40) != 0;
}

/// <summary>State of an interface (RFC 2863, <c>IF_OPER_*</c>).</summary>
public enum RtOperState : byte
{
    /// <summary>The driver does not say.</summary>
    Unknown,

    /// <summary>Some part of it is not there.</summary>
    NotPresent,

    /// <summary>It carries nothing.</summary>
    Down,

    /// <summary>What is below it is down.</summary>
    LowerLayerDown,

    /// <summary>Under test.</summary>
    Testing,

    /// <summary>Up, but waits for something (802.1X).</summary>
    Dormant,

    /// <summary>It carries packets.</summary>
    Up,
}
