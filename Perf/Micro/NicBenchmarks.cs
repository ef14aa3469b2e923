using BenchmarkDotNet.Attributes;
using Mergeflow.Nic;

namespace Mergeflow.Perf;

/// <summary>The emulated NIC: parse, match, execute a frame that a rule takes. What the emulation costs, not what a NIC costs.</summary>
public class NicBenchmarks
{
    private const int SlotBytes = 256;

    private MicroBench _bench = null!;
    private NicRxQueue _queue = null!;
    private byte[] _buffer = null!;
    private Sink _sink;

    [GlobalSetup]
    public void Setup()
    {
        _bench = MicroBench.Warm("s4_udp_1k_uni", OffloadMode.Nic);
        _queue = _bench.Loop!.Datapath.Nic!.OpenRxQueue();
        _buffer = new byte[MicroBench.PacketCount * SlotBytes];
        for (int i = 0; i < MicroBench.PacketCount; i++) _bench.Frames[i].CopyTo(_buffer, (i * SlotBytes) + NicRxQueue.HeadroomBytes);
    }

    [GlobalCleanup]
    public void Cleanup() => _bench.Dispose();

    [Benchmark(OperationsPerInvoke = MicroBench.PacketCount)]
    public int NicReceive()
    {
        int hits = 0;
        for (int i = 0; i < MicroBench.PacketCount; i++)
        {
            Span<byte> slot = _buffer.AsSpan(i * SlotBytes, SlotBytes);
            if (_queue.Receive(1, slot, NicRxQueue.HeadroomBytes, _bench.Frames[i].Length, 0, ref _sink, out _)) hits++;
        }

        return hits;
    }

    private struct Sink : INicSink
    {
        public ulong Bytes;

        public void Transmit(uint port, ReadOnlySpan<byte> frame) => Bytes += (ulong)frame.Length;
    }
}
