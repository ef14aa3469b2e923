using System.Buffers.Binary;

namespace Mergeflow.Native;

/// <summary>What a queue of the kernel has sent and dropped (linux/gen_stats.h).</summary>
/// <param name="Queue">Number, as Open vSwitch counts them: the class behind its root's, less one.</param>
/// <param name="Bytes">Bytes sent.</param>
/// <param name="Packets">Packets sent.</param>
/// <param name="Dropped">Packets dropped.</param>
public readonly record struct QueueCounters(uint Queue, ulong Bytes, ulong Packets, ulong Dropped)
{
    private const ushort NewClass = 40;
    private const int MessageBytes = 20, DeviceAt = 4, HandleAt = 8;
    private const int Statistics = 7, Basic = 1, Lengths = 3;
    private const uint Major = 0x0001_0000, MostQueues = 0xf000;

    /// <summary>Reads a class that the kernel has told; false if it is none of a queue of the device, or malformed.</summary>
    public static bool TryRead(in NetlinkMessage message, int device, out QueueCounters counters)
    {
        counters = default;
        ReadOnlySpan<byte> payload = message.Payload;
        if (message.Type != NewClass || payload.Length < MessageBytes || BinaryPrimitives.ReadInt32LittleEndian(payload[DeviceAt..]) != device) return false;
        uint handle = BinaryPrimitives.ReadUInt32LittleEndian(payload[HandleAt..]);
        if (handle - Major is not (> 0 and <= MostQueues and var minor)) return false;
        NetlinkAttributes attributes = new(payload[MessageBytes..]);
        while (attributes.Read())
        {
            if (attributes.Type == Statistics) return TryReadStatistics(attributes.Data, minor - 1, out counters);
        }

        return false;
    }

    private static bool TryReadStatistics(ReadOnlySpan<byte> nest, uint queue, out QueueCounters counters)
    {
        counters = new QueueCounters(queue, 0, 0, 0);
        bool hasBasic = false;
        NetlinkAttributes attributes = new(nest);
        while (attributes.Read())
        {
            ReadOnlySpan<byte> data = attributes.Data;
            if (attributes.Type == Basic && data.Length >= 12)
            {
                counters = counters with { Bytes = BinaryPrimitives.ReadUInt64LittleEndian(data), Packets = BinaryPrimitives.ReadUInt32LittleEndian(data[8..]) };
                hasBasic = true;
            }
            else if (attributes.Type == Lengths && data.Length >= 12)
            {
                counters = counters with { Dropped = BinaryPrimitives.ReadUInt32LittleEndian(data[8..]) };
            }
        }

        return hasBasic;
    }
}
