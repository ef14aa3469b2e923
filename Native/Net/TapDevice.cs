using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>
/// One queue of a TAP device (<c>tun.txt</c>), with a virtio header in front of each frame. The device is there as long as a queue of it is open, unless it was there before.
/// </summary>
public sealed unsafe class TapDevice : IDisposable
{
    private const uint SetInterface = 0x400454ca, SetOffloads = 0x400454d0, SetHeaderSize = 0x400454d8;
    private const short IsTap = 0x0002, HasNoPacketInfo = 0x1000, IsMultiQueue = 0x0100, HasVnetHeader = 0x4000;
    private const uint OffloadChecksum = 0x01, OffloadTso4 = 0x02, OffloadTso6 = 0x04, OffloadTsoEcn = 0x08, OffloadUso4 = 0x20, OffloadUso6 = 0x40;

    private int _fd;

    private TapDevice(int fd, string name) => (_fd, Name) = (fd, name);

    /// <summary>Name of the device.</summary>
    public string Name { get; }

    /// <summary>To be waited for: readable while there is a frame, or the device is gone.</summary>
    public int Descriptor => _fd;

    /// <summary>The host may give it UDP super-frames (Linux 6.2).</summary>
    public bool TakesUdpSegments { get; private init; }

    /// <summary>Makes a device, or opens a queue of one.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="isMultiQueue">More queues will be opened.</param>
    /// <exception cref="IOException">Refused by the system; the message says what.</exception>
    public static TapDevice Open(string name, bool isMultiQueue)
    {
        NetDevice.Request r = default;
        if (!NetDevice.TryName(name, ref r)) throw new IOException($"{name}: a device name has 1 to {NetDevice.MaxNameBytes} bytes");
        int fd = SocketCalls.Open("/dev/net/tun", SocketCalls.ReadWrite | SocketCalls.NonBlocking | SocketCalls.CloseOnExec);
        if (fd < 0) throw Refused("/dev/net/tun");
        try
        {
            r.Flags = (short)(IsTap | HasNoPacketInfo | HasVnetHeader | (isMultiQueue ? IsMultiQueue : 0));
            if (SocketCalls.Control(fd, SetInterface, &r) < 0) throw Refused(name);
            int headerBytes = VirtioNetHeader.SizeBytes;
            if (SocketCalls.Control(fd, SetHeaderSize, &headerBytes) < 0) throw Refused($"{name}: TUNSETVNETHDRSZ");
            const uint tcp = OffloadChecksum | OffloadTso4 | OffloadTso6 | OffloadTsoEcn;
            bool takesUdp = SocketCalls.Control(fd, SetOffloads, (void*)(tcp | OffloadUso4 | OffloadUso6)) >= 0;
            if (!takesUdp && SocketCalls.Control(fd, SetOffloads, (void*)tcp) < 0) throw Refused($"{name}: TUNSETOFFLOAD");
            return new TapDevice(fd, NetDevice.NameIn(ref r)) { TakesUdpSegments = takesUdp };
        }
        catch
        {
            _ = SocketCalls.Close(fd);
            throw;
        }
    }

    /// <summary>Reads one frame, virtio header first; never waits. Returns its bytes, or an errno, negative.</summary>
    public int Read(IoVector* parts, int count)
    {
        nint n = SocketCalls.ReadVector(_fd, parts, count);
        return n >= 0 ? (int)n : -Marshal.GetLastPInvokeError();
    }

    /// <summary>Writes one frame, virtio header first. Returns its bytes, or an errno, negative.</summary>
    public int Write(IoVector* parts, int count)
    {
        nint n = SocketCalls.WriteVector(_fd, parts, count);
        return n >= 0 ? (int)n : -Marshal.GetLastPInvokeError();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        int fd = Interlocked.Exchange(ref _fd, -1);
        if (fd >= 0) _ = SocketCalls.Close(fd);
    }

    private static IOException Refused(string what)
    {
        int error = Marshal.GetLastPInvokeError();
        string hint = error == SocketCalls.NotPermitted ? " (needs CAP_NET_ADMIN)" : "";
        return new IOException($"{what}: {Marshal.GetPInvokeErrorMessage(error)}{hint}");
    }
}
