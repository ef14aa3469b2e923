using System.Runtime.InteropServices;
using System.Text;

namespace Mergeflow.Native;

/// <summary>A network device of this namespace, as the device ioctls know it (netdevice(7)).</summary>
public static unsafe partial class NetDevice
{
    /// <summary>Longest name.</summary>
    public const int MaxNameBytes = 15;

    private const int GetName = 0x8910;
    private const int GetFlags = 0x8913;
    private const int SetFlags = 0x8914;
    private const int GetMtu = 0x8921;
    private const int SetMtu = 0x8922;
    private const int SetHardwareAddress = 0x8924;
    private const int GetHardwareAddress = 0x8927;
    private const int GetIndex = 0x8933;
    private const short IsUp = 1, IsRunning = 0x40;
    private const ushort EthernetType = 1;

    /// <summary>Number of a device; 0 = there is none of that name.</summary>
    public static int IndexOf(string name)
    {
        Request r = default;
        if (!TryName(name, ref r)) return 0;
        return TryControl(GetIndex, ref r) ? r.Number : 0;
    }

    /// <summary>What a device is now; null = it is gone.</summary>
    /// <param name="index">Its number: a device that is renamed keeps it.</param>
    public static NetDeviceState? Find(int index)
    {
        Request r = new() { Number = index };
        if (!TryControl(GetName, ref r)) return null;
        string name = NameIn(ref r);
        if (!TryControl(GetFlags, ref r)) return null;
        short flags = r.Flags;
        if (!TryControl(GetMtu, ref r)) return null;
        int mtu = r.Number;
        if (!TryControl(GetHardwareAddress, ref r)) return null;
        return new NetDeviceState(name, mtu, MacOf(ref r), (flags & IsUp) != 0, (flags & IsRunning) != 0, (ushort)r.Flags == EthernetType);
    }

    /// <summary>Memory node that a device's bus is at (<c>/sys/class/net/NAME/device/numa_node</c>); null = none, or nobody knows.</summary>
    public static int? NumaNodeOf(string name)
    {
        try
        {
            return int.TryParse(File.ReadAllText($"/sys/class/net/{name}/device/numa_node"), out int node) && node >= 0 ? node : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Sets a device up or down.</summary>
    /// <exception cref="IOException">Refused by the system.</exception>
    public static void SetUp(string name, bool isUp)
    {
        Request r = Named(name);
        Control(GetFlags, ref r, name, "cannot be read");
        r.Flags = (short)(isUp ? r.Flags | IsUp : r.Flags & ~IsUp);
        Control(SetFlags, ref r, name, isUp ? "cannot be set up" : "cannot be set down");
    }

    /// <summary>Sets the longest packet, bytes behind the Ethernet header.</summary>
    /// <exception cref="IOException">Refused by the system.</exception>
    public static void SetMtuBytes(string name, int mtuBytes)
    {
        Request r = Named(name);
        r.Number = mtuBytes;
        Control(SetMtu, ref r, name, $"does not take an MTU of {mtuBytes}");
    }

    /// <summary>Sets the Ethernet address; its first byte on the wire is the highest of <paramref name="mac"/>'s 48 bits.</summary>
    /// <exception cref="IOException">Refused by the system.</exception>
    public static void SetMac(string name, ulong mac)
    {
        Request r = Named(name);
        r.Flags = (short)EthernetType;
        for (int i = 0; i < 6; i++) r.Address[i] = (byte)(mac >> (40 - (8 * i)));
        Control(SetHardwareAddress, ref r, name, "does not take that address");
    }

    /// <summary>Writes a device name into a request; false if there can be no such device.</summary>
    internal static bool TryName(string name, ref Request r)
    {
        int length = Encoding.UTF8.GetByteCount(name);
        if (length is 0 or > MaxNameBytes) return false;
        fixed (byte* p = r.Name)
        {
            new Span<byte>(p, MaxNameBytes + 1).Clear();
            Encoding.UTF8.GetBytes(name, new Span<byte>(p, length));
        }

        return true;
    }

    /// <summary>The device name in a request.</summary>
    internal static string NameIn(ref Request r)
    {
        fixed (byte* p = r.Name) return Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(p));
    }

    private static ulong MacOf(ref Request r)
    {
        ulong mac = 0;
        for (int i = 0; i < 6; i++) mac = (mac << 8) | r.Address[i];
        return mac;
    }

    private static Request Named(string name)
    {
        Request r = default;
        return TryName(name, ref r) ? r : throw new IOException($"{name}: a device name has 1 to {MaxNameBytes} bytes");
    }

    private static void Control(int request, ref Request r, string name, string what)
    {
        if (!TryControl(request, ref r)) throw new IOException($"{name}: {what}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
    }

    private static bool TryControl(int request, ref Request r)
    {
        int fd = SocketCalls.Socket(SocketCalls.AfInet, SocketCalls.SockDatagram | SocketCalls.CloseOnExec, 0);
        if (fd < 0) throw new IOException("no descriptor left");
        int result;
        fixed (Request* p = &r) result = SocketCalls.Control(fd, (nuint)request, p);
        int error = Marshal.GetLastPInvokeError();
        _ = SocketCalls.Close(fd);
        Marshal.SetLastPInvokeError(error);
        return result >= 0;
    }

    /// <summary><c>struct ifreq</c>.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 40)]
    internal struct Request
    {
        [FieldOffset(0)] public fixed byte Name[MaxNameBytes + 1];
        [FieldOffset(16)] public int Number;
        [FieldOffset(16)] public short Flags;
        [FieldOffset(18)] public fixed byte Address[6];
        [FieldOffset(16)] public void* Data;
    }
}

/// <summary>What a device is at one moment.</summary>
/// <param name="Name">Its name.</param>
/// <param name="MtuBytes">Longest packet behind the Ethernet header.</param>
/// <param name="Mac">Ethernet address, the first byte on the wire highest.</param>
/// <param name="IsUp">Administratively up.</param>
/// <param name="HasCarrier">Up, and the other end too (<c>IFF_RUNNING</c>).</param>
/// <param name="IsEthernet">Its frames have Ethernet headers.</param>
public sealed record NetDeviceState(string Name, int MtuBytes, ulong Mac, bool IsUp, bool HasCarrier, bool IsEthernet);
