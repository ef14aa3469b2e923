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
    /// <param name="datapath">
    /// One of <see cref="Datapaths"/>; null = of those that suit the device the first that is not refused, which <see cref="LivePort.InsteadOf"/> tells: for hardware xdp, by its driver; for devices that carry what local hosts
    /// send (veth, TAP, and other kinds that are no hardware) tc; for all packet sockets in the end.
    /// </param>
    /// <param name="queueCount">Receive queues; with xdp those that the device has.</param>
    /// <exception cref="IOException">There is no such device, or the system refuses; the message says what.</exception>
    public static LivePort Open(uint number, string device, string? datapath = null, int queueCount = 1) => Open(number, device, datapath, queueCount, IsHardware(device));

    /// <summary>Its frames come from a wire: a driver has it of a bus (<c>/sys/class/net/DEVICE/device</c>).</summary>
    internal static bool IsHardware(string device) => Directory.Exists($"/sys/class/net/{device}/device");

    /// <summary>As the other; who calls says what kind of device it is.</summary>
    internal static LivePort Open(uint number, string device, string? datapath, int queueCount, bool isHardware)
    {
        switch (datapath)
        {
            case "tc" or "clsact": return new TcPort(number, device, queueCount, usesFilter: datapath == "clsact");
            case "xdp": return new XdpPort(number, device);
            case "packet": return new PacketSocketPort(number, device, queueCount);
        }

        string? refused = null;
        try
        {
            if (isHardware) return new XdpPort(number, device, nativeOnly: true);
            if (IsVirtual(device)) return new TcPort(number, device, queueCount);
        }
        catch (IOException e)
        {
            refused = $"{(isHardware ? "xdp" : "tc")}: {e.Message}";
        }

        return new PacketSocketPort(number, device, queueCount) { InsteadOf = refused };
    }

    /// <summary>Frames come from a host's stack, maybe as super-frames with unfinished checksums, and not from a wire.</summary>
    private static bool IsVirtual(string device)
    {
        using Rtnetlink net = new();
        return net.Find(device) is { Kind.Length: > 0 };
    }
}
