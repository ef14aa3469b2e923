using System.Buffers.Binary;
using Mergeflow.Nic;

namespace Mergeflow.Tests;

/// <summary>A datapath fed by a looping receive queue: established UDP connections in both directions, some ARP, and an ICMP query, which no device takes.</summary>
internal sealed class PacketTestBed : IDisposable
{
    private const int Connections = 64;
    private readonly Engine.Runtime.Datapath _datapath;
    private readonly CaptureRxQueue _queue;
    private readonly NicFrontEnd? _nic;
    private readonly NicFilteredRxQueue? _behindNic;
    private readonly PmdPoller _poller;

    public PacketTestBed(string flows, OffloadMode offload, bool cacheOn)
        : this(flows, offload, cacheOn, Conversations())
    {
    }

    /// <summary>The frames go round and round, all of port 1.</summary>
    public PacketTestBed(string flows, OffloadMode offload, bool cacheOn, List<ReadOnlyMemory<byte>> frames, int megaflowCapacity = 200_000)
    {
        _datapath = new Engine.Runtime.Datapath(
            new DatapathOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3)], Offload = offload, CacheOn = cacheOn, FrameCapacityBytes = 1536, PacketCapacity = 256, MegaflowCapacity = megaflowCapacity },
            sink: null);
        _datapath.ApplyFlowMods(new FlowTextParser().ParseFlows(flows), 0);
        _queue = new CaptureRxQueue(frames, [.. frames.Select(_ => 1u)], 0, verifyChecksums: true);
        if (_datapath.Nic is { } nic)
        {
            _nic = new NicFrontEnd(nic, _datapath.Pmd.Ports, sink: null);
            _behindNic = new NicFilteredRxQueue(_queue, _nic, static () => 1);
        }

        _poller = new PmdPoller(_datapath.Pmd, [(RxQueue?)_behindNic ?? _queue]);
        for (int i = 0; i < 64; i++)
        {
            _poller.Step(1);
            _datapath.Offload?.Step(1);
        }
    }

    public PmdStats Stats => _datapath.Pmd.Stats;

    /// <summary>Packets that the device took and those that it left; nothing without one.</summary>
    public NicRxStats DeviceStats => _nic?.Stats ?? default;

    /// <summary>Packets that came in, those that a device took included.</summary>
    public ulong Received => _behindNic?.Offered ?? Stats.Rx;

    public ConnTracker Conntrack => _datapath.Conntrack;

    /// <summary>Measures the stages on the way, by a clock if there is one.</summary>
    public StagePoller Staged(Func<ulong>? clock = null) => new(_datapath.Pmd, _queue, clock);

    public void Run(int packets)
    {
        // A batch that the device takes whole is none for the packet thread.
        for (ulong end = Received + (ulong)packets; Received < end;) _poller.Step(1);
    }

    public void Dispose()
    {
        _poller.Dispose();
        _queue.Dispose();
        _datapath.Dispose();
    }

    private static List<ReadOnlyMemory<byte>> Conversations()
    {
        List<ReadOnlyMemory<byte>> frames = [];
        for (int i = 0; i < Connections; i++)
        {
            frames.Add(Udp(0x0a000001, 0x0a010001, (ushort)(1000 + i), 53));
            frames.Add(Udp(0x0a010001, 0x0a000001, 53, (ushort)(1000 + i)));
        }

        frames.Add(Convert.FromHexString("ffffffffffff02000000000108060001080006040001020000000001" + "0a00000100000000000000000000".PadRight(28, '0')));
        frames.Add(Frames.Echo("10.0.0.1", "10.1.0.1", 7));
        return frames;
    }

    private static byte[] Udp(uint src, uint dst, ushort sport, ushort dport)
    {
        byte[] f = new byte[60];
        Convert.FromHexString("0200000000020200000000010800450000200000000040110000").CopyTo(f, 0);
        BinaryPrimitives.WriteUInt32BigEndian(f.AsSpan(26), src);
        BinaryPrimitives.WriteUInt32BigEndian(f.AsSpan(30), dst);
        BinaryPrimitives.WriteUInt16BigEndian(f.AsSpan(34), sport);
        BinaryPrimitives.WriteUInt16BigEndian(f.AsSpan(36), dport);
        BinaryPrimitives.WriteUInt16BigEndian(f.AsSpan(38), 12);
        NicFrame.SetIpv4Checksum(f);
        return f;
    }
}
