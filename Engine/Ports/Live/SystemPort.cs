using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Opens a network device of the host as a port, by the way that suits it.</summary>
public static class SystemPort
{
    /// <summary>Ways to and from a device, as the command line writes them.</summary>
    public static IReadOnlyList<string> Datapaths { get; } = ["tc", "clsact", "packet", "xdp"];

    /// <summary>Opens a device.</summary>
    /// <param name="number">OpenFlow number.</param>
    /// <param name="device">Name of the device.</param>
    /// <param name="datapath">One of <see cref="Datapaths"/>; null = tc for devices that carry what local hosts send (veth, TAP, and other kinds that are no hardware), packet sockets for the rest and where tc is refused.</param>
    /// <param name="queueCount">Receive queues; with xdp those that the device has.</param>
    /// <exception cref="IOException">There is no such device, or the system refuses; the message says what.</exception>
    public static LivePort Open(uint number, string device, string? datapath = null, int queueCount = 1)
    {
        switch (datapath)
        {
            case "tc" or "clsact": return new TcPort(number, device, queueCount, usesFilter: datapath == "clsact");
            case "xdp": return new XdpPort(number, device);
            case "packet": return new PacketSocketPort(number, device, queueCount);
        }

        if (!IsVirtual(device)) return new PacketSocketPort(number, device, queueCount);
        try
        {
            return new TcPort(number, device, queueCount);
        }
        catch (IOException)
        {
            return new PacketSocketPort(number, device, queueCount);
        }
    }

    /// <summary>Frames come from a host's stack, maybe as super-frames with unfinished checksums, and not from a wire.</summary>
    private static bool IsVirtual(string device)
    {
        using Rtnetlink net = new();
        return net.Find(device) is { Kind.Length: > 0 };
    }
}
