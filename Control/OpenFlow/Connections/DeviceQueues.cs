using Mergeflow.Engine.Ports;
using Mergeflow.Native;

namespace Mergeflow.Control.OpenFlow;

/// <summary>Queues of ports as <c>QUEUE</c> tells them: a port without a device has one that counts nothing (OVS <c>netdev_dummy_get_queue</c>), those of a device with <c>linux-htb</c> are counted by the kernel.</summary>
internal static class DeviceQueues
{
    /// <summary>The queues of some ports; what the kernel does not answer for is left out.</summary>
    public static IReadOnlyList<OfQueueStats> Of(IEnumerable<LivePort> ports)
    {
        List<OfQueueStats> told = [];
        foreach (LivePort port in ports)
        {
            if (port is DummyPort) told.Add(new OfQueueStats { Port = port.Ofport, Queue = 0 });
            else if (port is NetDevicePort { QueuesSinceMs: { } since }) told.AddRange(Counted(port, since));
        }

        return told;
    }

    private static IEnumerable<OfQueueStats> Counted(LivePort port, long sinceMs)
    {
        ulong ms = (ulong)Math.Max(0, ProcessClock.NowMs - sinceMs);
        try
        {
            using Rtnetlink kernel = new();
            return
            [
                .. kernel.Queues(port.IfIndex).Select(q => new OfQueueStats
                {
                    Port = port.Ofport,
                    Queue = q.Queue,
                    TxBytes = q.Bytes,
                    TxPackets = q.Packets,
                    TxErrors = q.Dropped,
                    DurationSeconds = (uint)(ms / 1000),
                    DurationNanoseconds = (uint)(ms % 1000) * 1_000_000,
                }),
            ];
        }
        catch (IOException)
        {
            return [];
        }
    }
}
