using System.Buffers.Binary;
using System.Globalization;

namespace Mergeflow.Native;

/// <summary>The kernel's own queues of a device (linux/pkt_sched.h): the discipline <c>htb</c> at its root, as Open vSwitch sets it up for <c>linux-htb</c>. Rates in bytes/s, bursts in bytes.</summary>
public static class TrafficControl
{
    private const ushort NewQdisc = 36;
    private const ushort DeleteQdisc = 37;
    private const ushort NewClass = 40;
    private const ushort GetClass = 42;
    private const uint Root = 0xffff_ffff;
    private const uint Handle = 0x0001_0000;
    private const ushort RootClass = 0xfffe;
    private const int Kind = 1;
    private const int Options = 2;
    private const int HtbParameters = 1;
    private const int HtbInit = 2;
    private const byte Ethernet = 1;
    private const ushort SmallestFrame = 64;
    private const uint Quantum = 10;

    /// <summary>Ticks per second of the scheduler's clock.</summary>
    private static readonly double s_ticksPerSecond = TicksPerSecond();

    /// <summary>Removes what a device has at its root; the kernel gives it its default.</summary>
    public static void Clear(int device) => Order(new NetlinkWriter(DeleteQdisc, NetlinkWriter.Acknowledged).Raw(Message(device, 0, Root)));

    /// <summary>Puts <c>htb</c> at the root of a device, with a class that all others share.</summary>
    /// <returns>errno; 0 = done.</returns>
    public static int SetHtb(int device, ulong maxRate, int mtuBytes)
    {
        Clear(device);
        Span<byte> init = stackalloc byte[20];
        init.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(init, 3);
        BinaryPrimitives.WriteUInt32LittleEndian(init[4..], Quantum);
        BinaryPrimitives.WriteUInt32LittleEndian(init[8..], 1);
        int errno = Order(new NetlinkWriter(NewQdisc, NetlinkWriter.Create).Raw(Message(device, Handle, Root)).Add(Kind, "htb").BeginNest(Options).Add(HtbInit, init).EndNest());
        return errno != 0 ? errno : SetClass(device, RootClass, Handle, maxRate, maxRate, 0, 0, mtuBytes);
    }

    /// <summary>Sets one queue.</summary>
    /// <returns>errno; 0 = done.</returns>
    public static int SetHtbQueue(int device, uint queue, ulong minRate, ulong maxRate, ulong burst, uint priority, int mtuBytes)
        => SetClass(device, (ushort)(queue + 1), Handle | RootClass, minRate, maxRate, burst, priority, mtuBytes);

    /// <summary>Asks for all classes of a device.</summary>
    internal static NetlinkWriter DumpClasses(int device) => new NetlinkWriter(GetClass, NetlinkWriter.Dump).Raw(Message(device, 0, 0));

    private static int SetClass(int device, ushort minor, uint parent, ulong minRate, ulong maxRate, ulong burst, uint priority, int mtuBytes)
    {
        Span<byte> options = stackalloc byte[44];
        options.Clear();
        Rate(options, minRate);
        Rate(options[12..], maxRate);
        BinaryPrimitives.WriteUInt32LittleEndian(options[24..], Buffer(minRate, burst, mtuBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(options[28..], Buffer(maxRate, burst, mtuBytes));
        if (minRate / Quantum < (ulong)mtuBytes) BinaryPrimitives.WriteUInt32LittleEndian(options[32..], (uint)mtuBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(options[40..], priority);
        return Order(new NetlinkWriter(NewClass, NetlinkWriter.Create).Raw(Message(device, Handle | minor, parent)).Add(Kind, "htb").BeginNest(Options).Add(HtbParameters, options).EndNest());
    }

    private static void Rate(Span<byte> to, ulong bytesPerSecond)
    {
        to[1] = Ethernet;
        BinaryPrimitives.WriteUInt16LittleEndian(to[6..], SmallestFrame);
        BinaryPrimitives.WriteUInt32LittleEndian(to[8..], (uint)Math.Min(bytesPerSecond, uint.MaxValue));
    }

    /// <summary>A burst in ticks: at least what passes in a hundredth of a second, and a packet.</summary>
    private static uint Buffer(ulong bytesPerSecond, ulong burst, int mtuBytes)
    {
        const ulong perSecond = 100;
        ulong bytes = Math.Max(burst, (bytesPerSecond / perSecond) + (ulong)mtuBytes);
        return bytesPerSecond == 0 ? 0 : (uint)Math.Min(uint.MaxValue, s_ticksPerSecond * bytes / bytesPerSecond);
    }

    private static byte[] Message(int device, uint handle, uint parent)
    {
        byte[] message = new byte[20];
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(4), device);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(8), handle);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(12), parent);
        return message;
    }

    private static int Order(NetlinkWriter request)
    {
        using Rtnetlink kernel = new();
        return kernel.Order(request);
    }

    private static double TicksPerSecond()
    {
        const double usual = 15_625_000;
        try
        {
            uint[] words = [.. File.ReadAllText("/proc/net/psched").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(static w => uint.Parse(w, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))];
            return words.Length >= 3 && words[1] != 0 ? (double)words[0] * words[2] / words[1] : usual;
        }
        catch (Exception e) when (e is IOException or FormatException or UnauthorizedAccessException)
        {
            return usual;
        }
    }
}
