using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mergeflow.Native;

/// <summary>
/// Records that programs leave for this process (<c>bpf_perf_event_output</c>), in a ring for each processor that is there (<c>perf_event_open(2)</c>, kernel <c>include/uapi/linux/perf_event.h</c>). A record that finds no room is
/// lost and counted. One thread reads.
/// </summary>
public sealed unsafe partial class BpfPerfEvents : IDisposable
{
    /// <summary>Longest record with all that belongs to it: its length has 16 bits.</summary>
    public const int MaxRecordBytes = 65_528;

    private const nint PerfEventOpen = 298;
    private const nint Ioctl = 16;
    private const uint Enable = 0x2400;
    private const int SoftwareType = 1, BpfOutput = 10, RawSample = 1 << 10, TimeSample = 1 << 2, CloseOnExec = 8, NoDevice = 19;
    private const ulong UseClock = 1ul << 25, MonotonicClockId = 1ul << 32;
    private const int HeadAt = 1024, TailAt = 1032, HeaderBytes = 8, SampleRecord = 9, LostRecord = 2, TimeBytes = 8, RawLengthBytes = 4;

    private readonly List<Ring> _rings = [];
    private readonly byte[] _record = new byte[MaxRecordBytes];
    private readonly int _ringBytes;
    private readonly nuint _mapBytes;

    /// <summary>Rings of so many bytes, a power of two and whole pages.</summary>
    /// <exception cref="BpfException">The kernel refuses; it wants CAP_PERFMON.</exception>
    public BpfPerfEvents(int processorCount, int ringBytes)
    {
        _ringBytes = ringBytes;
        _mapBytes = (nuint)(ringBytes + Environment.SystemPageSize);
        Map = new BpfMap(BpfMapType.PerfEventArray, sizeof(int), sizeof(int), processorCount, 0, "mf_samples");
        try
        {
            for (int i = 0; i < processorCount; i++) Open(i);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>For <see cref="BpfAssembler.LoadMap"/>.</summary>
    public BpfMap Map { get; }

    /// <summary>Records that found no room, as far as the rings have been read.</summary>
    public ulong Lost { get; private set; }

    /// <summary>Reads records, each processor's in their order, until <paramref name="take"/> (processor, when in ns of <see cref="MonotonicClock"/>, record) says that it wants no more. The bytes are good during the call.</summary>
    public void Read(Func<int, long, ReadOnlyMemory<byte>, bool> take)
    {
        foreach (Ring ring in _rings)
        {
            byte* data = ring.Memory + Environment.SystemPageSize;
            ulong head = Volatile.Read(ref *(ulong*)(ring.Memory + HeadAt));
            ulong tail = *(ulong*)(ring.Memory + TailAt);
            bool wantsMore = true;
            while (wantsMore && tail < head)
            {
                // The kernel writes headers at multiples of 8 bytes, so none is cut.
                byte* header = data + (tail & (ulong)(_ringBytes - 1));
                int type = *(int*)header, length = *(ushort*)(header + 6);
                if (length < HeaderBytes) break;
                if (type == SampleRecord) wantsMore = take(ring.Processor, Sample(data, tail, length, out ReadOnlyMemory<byte> record), record);
                else if (type == LostRecord) Lost += *(ulong*)(data + ((tail + 16) & (ulong)(_ringBytes - 1)));
                tail += (ulong)length;
            }

            Volatile.Write(ref *(ulong*)(ring.Memory + TailAt), tail);
            if (!wantsMore) return;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Ring ring in _rings)
        {
            _ = Libc.Munmap(ring.Memory, _mapBytes);
            ring.Handle.Dispose();
        }

        _rings.Clear();
        Map.Dispose();
    }

    private void Open(int processor)
    {
        ulong* attributes = stackalloc ulong[14];
        new Span<ulong>(attributes, 14).Clear();
        attributes[0] = SoftwareType | ((ulong)(14 * sizeof(ulong)) << 32);
        attributes[1] = BpfOutput;
        attributes[2] = 1;
        attributes[3] = RawSample | TimeSample;
        attributes[5] = UseClock;
        attributes[6] = int.MaxValue;
        attributes[11] = MonotonicClockId;
        nint fd = SystemCall(PerfEventOpen, (nint)attributes, -1, processor, -1, CloseOnExec);
        if (fd < 0 && BpfCalls.Errno == NoDevice) return;
        if (fd < 0) throw BpfCalls.Failure("perf_event_open");
        SafeFileHandle handle = new((int)fd, ownsHandle: true);
        void* memory = Libc.Mmap(null, _mapBytes, Libc.ProtRead | Libc.ProtWrite, BpfCalls.MapShared, (int)fd, 0);
        if (memory == Libc.MapFailed)
        {
            BpfException failure = BpfCalls.Failure("mmap of a ring");
            handle.Dispose();
            throw failure;
        }

        _rings.Add(new Ring(processor, handle, (byte*)memory));
        if (SystemCall(Ioctl, fd, (int)Enable, 0, 0, 0) < 0) throw BpfCalls.Failure("PERF_EVENT_IOC_ENABLE");
        Map.Update((uint)processor, (uint)fd);
    }

    /// <summary>What the program has written, which the kernel pads, and when.</summary>
    private long Sample(byte* data, ulong tail, int length, out ReadOnlyMemory<byte> record)
    {
        int from = (int)((tail + HeaderBytes) & (ulong)(_ringBytes - 1)), size = length - HeaderBytes, first = Math.Min(size, _ringBytes - from);
        new ReadOnlySpan<byte>(data + from, first).CopyTo(_record);
        new ReadOnlySpan<byte>(data, size - first).CopyTo(_record.AsSpan(first));
        const int rawAt = TimeBytes + RawLengthBytes;
        int raw = MemoryMarshal.Read<int>(_record.AsSpan(TimeBytes));
        record = _record.AsMemory(rawAt, Math.Clamp(raw, 0, Math.Max(0, size - rawAt)));
        return MemoryMarshal.Read<long>(_record);
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint first, int second, int third, int fourth, nint fifth);

    private readonly record struct Ring(int Processor, SafeFileHandle Handle, nint Address)
    {
        public Ring(int processor, SafeFileHandle handle, byte* memory)
            : this(processor, handle, (nint)memory)
        {
        }

        internal byte* Memory => (byte*)Address;
    }
}
